
#ifndef _CIGNA_MARKER_H_INCLUDED_
#define _CIGNA_MARKER_H_INCLUDED_


#include "cigna_vault_names.h"
#include "cigna_seal.h"
#include "redis/cigna_slot.h"


/*
 * The marker of a vault, which "scripts/vault init" writes.  The gateway does
 * not use a Redis without the marker.  Otherwise a wrong or emptied Redis would
 * look like one in which no member has a grant.
 *
 *     <prefix>:v:{vault}     marker   hash: b blob, r run id of the last
 *                                     primary, t its first check (ms)
 *     <prefix>:v:{<tag>}     in a cluster, one marker in each slot, so that
 *                            each primary has one, wherever slots move
 *
 * The blob is sealed as a record of type "marker", without tenant and without
 * associated data, under the name key.  A gateway with another name key would
 * look for records under other names and find none.  It cannot open the marker,
 * so it notices.  Seal keys may change at any time.  The plain text:
 *
 *     version (1) | made at, ms (8)
 */

/*
 * results of cigna_marker_open(), beside CIGNA_OK, CIGNA_SEAL_DAMAGED and
 * CIGNA_ERROR (libcrypto has failed)
 */
#define CIGNA_MARKER_OTHER_NAMES    -20    /* sealed with another name key */
#define CIGNA_MARKER_OTHER_VERSION  -21    /* its version is not
                                              CIGNA_MARKER_VERSION, or its
                                              length is wrong */


#define CIGNA_MARKER_VERSION    1
#define CIGNA_MARKER_PLAIN_LEN  (1 + 8)
#define CIGNA_MARKER_LEN        (CIGNA_SEAL_OVERHEAD + CIGNA_MARKER_PLAIN_LEN)

/* stands for the slot if Redis is not a cluster */
#define CIGNA_MARKER_NO_SLOT    CIGNA_SLOTS


/* appends the Redis key of a slot's marker */
int cigna_marker_append_key(cigna_buf_t *b, const cigna_vault_t *vault,
    unsigned slot);

/* CIGNA_OK if the blob is this vault's marker for this Redis key */
int cigna_marker_open(const cigna_vault_t *vault, cigna_slice_t key,
    cigna_slice_t blob);

/* a result of cigna_marker_open() in words for an operator */
const char *cigna_marker_error(int rc);


#endif /* _CIGNA_MARKER_H_INCLUDED_ */
