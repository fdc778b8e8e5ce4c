
#ifndef _CIGNA_GRANT_WRITE_H_INCLUDED_
#define _CIGNA_GRANT_WRITE_H_INCLUDED_


#include "cigna_scripts.h"


/*
 * Puts a token reply into a grant, and prepares the operations that write the
 * grant to Redis and to the journal.
 */


/*
 * Puts the tokens of a reply into a grant.  Values that the reply lacks stay as
 * they are: a refresh need not repeat refresh token, scope or patient.  If
 * the reply names the same patient in another notation, the grant's notation
 * stays.  The access token's lifetime, or the configured one if the reply has
 * none, counts from sent_ms, when the request was sent.
 */
void cigna_grant_write_tokens(const cigna_provider_t *p,
    const cigna_token_reply_t *tokens, int64_t sent_ms, cigna_grant_t *g);

/*
 * Compares subject and patient in the reply to a refresh with those of the
 * grant.  If the grant has no subject yet, it gets that of the reply's
 * id_token, unless claims of the id_token are wrong.  The signature is not
 * checked for this.
 *
 * CIGNA_ERROR: the tokens are another member's, and *why says so in words.  The
 * caller must not revoke them: a revoked token ends its whole grant, and that
 * is either this grant or the other member's.
 */
int cigna_grant_write_same(const cigna_subject_t *s,
    const cigna_token_reply_t *tokens, int64_t now_ms, cigna_grant_t *g,
    const char **why);

/*
 * 1 if a and b name two different patients; 0 if one of them is empty.  "A1",
 * "Patient/A1", "/Patient/A1" and "<fhir_base>/Patient/A1" are the same
 * patient, also with "/_history/..." after the id.
 */
int cigna_grant_write_other_patient(const cigna_provider_t *p, cigna_slice_t a,
    cigna_slice_t b);

/* how many ms Redis keeps the record of g */
uint64_t cigna_grant_write_kept_ms(const cigna_provider_t *p,
    const cigna_grant_t *g, int64_t now_ms);


/*
 * The arguments that the scripts grant_install and grant_swap share (see
 * cigna_scripts.c): grant id, generation, sealed grant, ms to keep it, channel,
 * identity.  nonce: new random bytes.  CIGNA_ERROR if the grant cannot be
 * sealed, or if there is no room.
 */
#define CIGNA_GRANT_WRITE_ARGC  6

int cigna_grant_write_args(const cigna_subject_t *s, const cigna_grant_t *g,
    uint64_t kept_ms, const uint8_t *nonce,
    cigna_slice_t argv[CIGNA_GRANT_WRITE_ARGC]);

/*
 * Makes *op the script that writes g over an older generation of its grant, and
 * removes the mark and "owner"'s lock.  CIGNA_ERROR if g cannot be sealed.
 */
int cigna_grant_write_swap(const cigna_subject_t *s, const cigna_grant_t *g,
    cigna_slice_t owner, uint64_t kept_ms, const uint8_t *nonce,
    cigna_op_t *op);

/*
 * Makes the journal's entry about g.  blob: the sealed g, or empty if g was
 * deleted.  kept_ms: how long Redis keeps the record.  The caller sets
 * connected_ms in the entry.
 */
cigna_journal_t cigna_grant_write_entry(const cigna_subject_t *s,
    const cigna_grant_t *g, cigna_slice_t blob, int64_t now_ms,
    uint64_t kept_ms);

/* the sealed grant in the operation of cigna_grant_write_swap() */
cigna_slice_t cigna_grant_write_swap_blob(const cigna_op_t *op);


#endif /* _CIGNA_GRANT_WRITE_H_INCLUDED_ */
