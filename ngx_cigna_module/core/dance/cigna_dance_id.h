
#ifndef _CIGNA_DANCE_ID_H_INCLUDED_
#define _CIGNA_DANCE_ID_H_INCLUDED_


#include "vault/cigna_grant.h"
#include "vault/cigna_vault_names.h"


/*
 * The id of a dance is its reference: the member can read it out on the phone.
 * It is CIGNA_DANCE_ID_LEN characters of Crockford's base32, 60 random bits.
 * The id is not secret.  The state parameter of the dance derives from it:
 *
 *     the first 8 characters of the id, which are also in the name of the
 *         dance's cookie (the tag)
 *     24 characters (144 bits) of a keyed hash of the id
 *
 * So a holder of the key ring finds the dance's record from the reference
 * alone, and nobody else can guess the state.
 */

#define CIGNA_DANCE_ID_BYTES  8            /* random bytes for an id */
#define CIGNA_DANCE_TAG_LEN   8
#define CIGNA_STATE_LEN       32


/* appends an id; the first four bits of "random" are not used */
void cigna_dance_id_append(cigna_buf_t *b,
    const uint8_t random[CIGNA_DANCE_ID_BYTES]);

/*
 * Reads a dance id as a person may write it: in upper or lower case, with
 * spaces and "-", with O for 0 and with I or L for 1.  CIGNA_ERROR: the text is
 * not a dance id.
 */
int cigna_dance_id_parse(cigna_slice_t text, uint8_t id[CIGNA_DANCE_ID_LEN]);

/*
 * appends the state parameter of the dance with this id; CIGNA_ERROR: no room,
 * the id is not CIGNA_DANCE_ID_LEN bytes long, or OpenSSL has failed
 */
int cigna_dance_id_append_state(cigna_buf_t *b, const cigna_vault_t *vault,
    cigna_slice_t id);

/*
 * appends the Redis key of the dance with this id; CIGNA_ERROR: see
 * cigna_dance_id_append_state()
 */
int cigna_dance_id_append_key(cigna_buf_t *b, const cigna_vault_t *vault,
    cigna_slice_t id);


#endif /* _CIGNA_DANCE_ID_H_INCLUDED_ */
