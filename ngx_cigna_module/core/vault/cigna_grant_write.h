
#ifndef _CIGNA_GRANT_WRITE_H_INCLUDED_
#define _CIGNA_GRANT_WRITE_H_INCLUDED_


#include "cigna_scripts.h"


/*
 * What a token reply makes of a grant, and how a grant is written: for the
 * flows that do so.
 */


/*
 * Puts the tokens of a reply into a grant.  What the reply lacks stays as it
 * is: a refresh need not repeat the refresh token, the scope or the patient.
 * A patient who is only written in another way stays as well.
 * The life is counted from when the request was sent.
 */
void cigna_grant_write_tokens(const cigna_provider_t *p,
    const cigna_token_reply_t *tokens, int64_t sent_ms, cigna_grant_t *g);

/*
 * Holds a refresh's reply against subject and patient of the grant; a subject
 * that was not known is put into it.  CIGNA_ERROR, and *why in words, if the
 * tokens are somebody else's.  They are not to be revoked: revoking works on
 * whole grants, which is either this one or a stranger's.
 */
int cigna_grant_write_same(const cigna_subject_t *s,
    const cigna_token_reply_t *tokens, int64_t now_ms, cigna_grant_t *g,
    const char **why);

/*
 * 1 if both name a patient, and not the same: "A1", "Patient/A1", "/Patient/A1"
 * and "<fhir_base>/Patient/A1" are one, also with "/_history/...".
 */
int cigna_grant_write_other_patient(const cigna_provider_t *p, cigna_slice_t a,
    cigna_slice_t b);

/* how long Redis keeps a grant */
uint64_t cigna_grant_write_kept_ms(const cigna_provider_t *p,
    const cigna_grant_t *g, int64_t now_ms);


/*
 * The arguments that grant_put and grant_swap share: grant id, generation,
 * sealed grant, ms to keep it, channel, identity.  nonce: fresh random bytes.
 */
#define CIGNA_GRANT_WRITE_ARGC  6

int cigna_grant_write_args(const cigna_subject_t *s, const cigna_grant_t *g,
    uint64_t kept_ms, const uint8_t *nonce,
    cigna_slice_t argv[CIGNA_GRANT_WRITE_ARGC]);

/*
 * The operation that puts g over an older generation of the same grant, and
 * gives up the lease of "owner".  CIGNA_ERROR if it cannot be sealed.
 */
int cigna_grant_write_swap(const cigna_subject_t *s, const cigna_grant_t *g,
    cigna_slice_t owner, uint64_t kept_ms, const uint8_t *nonce,
    cigna_op_t *op);

/* the sealed grant in it */
cigna_slice_t cigna_grant_write_swap_blob(const cigna_op_t *op);


#endif /* _CIGNA_GRANT_WRITE_H_INCLUDED_ */
