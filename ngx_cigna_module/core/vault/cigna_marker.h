
#ifndef _CIGNA_MARKER_H_INCLUDED_
#define _CIGNA_MARKER_H_INCLUDED_


#include "cigna_vault_names.h"
#include "cigna_seal.h"
#include "redis/cigna_slot.h"


/*
 * The marker of a vault: "scripts/vault init" writes it, and a Redis without
 * one is not asked for grants, since it could only say that there are none.
 *
 *     <prefix>:v:{vault}     marker   hash: b blob, r run id of the primary
 *                                     last seen, t since when (ms)
 *     <prefix>:v:{<tag>}     in Cluster, one for each slot: so that each
 *                            primary has some, wherever slots move
 *
 * The blob is sealed like a record of type "marker" and no tenant, without
 * associated data, but under the name key: with another name key all records
 * would be there and none would be found, while sealing keys come and go.  What
 * is in it:
 *
 *     version (1) | made at, ms (8)
 */

/* of open(), beside CIGNA_SEAL_DAMAGED */
#define CIGNA_MARKER_OTHER_NAMES    -20    /* made with another name key */
#define CIGNA_MARKER_OTHER_VERSION  -21    /* of a newer gateway */


#define CIGNA_MARKER_PLAIN_LEN  (1 + 8)
#define CIGNA_MARKER_LEN        (CIGNA_SEAL_OVERHEAD + CIGNA_MARKER_PLAIN_LEN)

/* slot of a vault that is in no cluster */
#define CIGNA_MARKER_NO_SLOT    CIGNA_SLOTS


/* appends the Redis key of a slot's marker */
int cigna_marker_append_key(cigna_buf_t *b, const cigna_vault_t *vault,
    unsigned slot);

/* appends the marker that belongs under this key */
int cigna_marker_seal(const cigna_vault_t *vault, cigna_slice_t key,
    int64_t made_ms, const uint8_t nonce[CIGNA_SEAL_NONCE_LEN],
    cigna_buf_t *out);

/*
 * CIGNA_OK if the blob is the marker of this vault under this key; *made_ms,
 * which may be NULL, is then when it was made.
 */
int cigna_marker_open(const cigna_vault_t *vault, cigna_slice_t key,
    cigna_slice_t blob, int64_t *made_ms);

/* what a result of open() means, in words for an operator */
const char *cigna_marker_error(int rc);


#endif /* _CIGNA_MARKER_H_INCLUDED_ */
