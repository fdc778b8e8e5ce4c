
#ifndef _CIGNA_VAULT_H_INCLUDED_
#define _CIGNA_VAULT_H_INCLUDED_


#include "cigna_grant.h"
#include "cigna_vault_names.h"
#include "oauth/cigna_provider.h"
#include "redis/cigna_redis.h"
#include "cigna_seal.h"


/*
 * seals and opens grants and dances; cigna_vault_names.h makes their Redis keys
 */


/*
 * The grant that a flow works on: the vault, the provider and the member that
 * the grant belongs to, and the arena for everything that the flow allocates.
 * The flow's caller owns the struct and all that it points to, and keeps them
 * until the flow is done.
 */

typedef struct {
    const cigna_vault_t        *vault;
    cigna_provider_t           *provider;
    const cigna_vault_names_t  *identity;
    cigna_arena_t              *arena;
} cigna_subject_t;


/*
 * Computes the digest of the registration, to which each grant is bound: the
 * configured issuer, client id and fhir_base.  Call this after the three are
 * set, before any grant is sealed or opened.
 */
int cigna_vault_register(cigna_provider_t *p);


/*
 * result of cigna_vault_open_grant(): the grant was made for another client
 * registration
 */
#define CIGNA_VAULT_MOVED  -12

/*
 * Seals a grant into a blob in the arena.  Associated data: type, Redis key,
 * grant id, generation, digest of the registration.  The digest is also in
 * clear in front of the blob, so that a changed registration is not taken for a
 * damaged record.
 */
int cigna_vault_seal_grant(const cigna_subject_t *s, const cigna_grant_t *g,
    const uint8_t nonce[CIGNA_SEAL_NONCE_LEN], cigna_slice_t *blob);

/*
 * Opens a grant: the caller sets g->id and g->generation, and the rest becomes
 * slices of the arena.  CIGNA_VAULT_MOVED, CIGNA_SEAL_UNKNOWN_KEY,
 * CIGNA_SEAL_DAMAGED, or CIGNA_ERROR if there is no room.
 */
int cigna_vault_open_grant(const cigna_subject_t *s, cigna_slice_t blob,
    cigna_grant_t *g);

/*
 * The Redis key of the dance with this state, in the arena, and the name in
 * that key: the keyed hash of the state.  CIGNA_ERROR: no room.
 */
int cigna_vault_dance_key(const cigna_subject_t *s, cigna_slice_t state,
    cigna_slice_t *key, cigna_slice_t *name);

/*
 * Seals and opens a dance.  name: the dance's whole Redis key, which
 * cigna_vault_dance_key() returns as "key".
 */
int cigna_vault_seal_dance(const cigna_subject_t *s, cigna_slice_t name,
    const cigna_dance_t *d, const uint8_t nonce[CIGNA_SEAL_NONCE_LEN],
    cigna_slice_t *blob);
int cigna_vault_open_dance(const cigna_subject_t *s, cigna_slice_t name,
    cigna_slice_t blob, cigna_dance_t *d);


/*
 * The command that reads a grant, for flows and for requests: "HMGET key i g b
 * m n r".  cigna_vault_names.h lists the fields.  Numbers are decimal.  Times
 * are ms since the epoch, by the clock of Redis.
 */
#define CIGNA_GRANT_READ_ARGC  8


/*
 * The write-ahead mark of a record: attempts to use its refresh token.  All
 * zero: the record has no mark.
 */

typedef struct {
    int64_t    until_ms;                   /* the last attempt ends before this
                                              time */
    int64_t    refused_ms;                 /* when the last attempt was refused,
                                              if that is not final; 0: not
                                              refused */
    unsigned   attempts;                   /* number of attempts that may have
                                              had an effect */
} cigna_vault_mark_t;


size_t cigna_vault_read_args(const cigna_vault_names_t *id,
    cigna_slice_t argv[CIGNA_GRANT_READ_ARGC]);

/*
 * Reads grant id, generation and the sealed grant from the reply, and opens
 * nothing.  All of them borrow from the reply.  The results are those of
 * cigna_vault_read_grant().
 */
int cigna_vault_read_head(const cigna_reply_t *reply, cigna_grant_t *g,
    cigna_slice_t *blob);

/*
 * Reads the reply and opens the grant.  CIGNA_NONE: Redis has no such grant.
 * CIGNA_AGAIN: the reply is an error (LOADING, ...) or malformed.  That is an
 * outage and does not mean that there is no grant.  CIGNA_SEAL_DAMAGED also if
 * fields are missing.  Other results: see cigna_vault_open_grant().  mark may
 * be NULL.
 */
int cigna_vault_read_grant(const cigna_subject_t *s,
    const cigna_reply_t *reply, cigna_grant_t *g, cigna_vault_mark_t *mark);

/*
 * 1 if the record in a reply, as cigna_vault_read_grant() takes it, has a
 * write-ahead mark
 */
int cigna_vault_read_marked(const cigna_reply_t *reply);


#endif /* _CIGNA_VAULT_H_INCLUDED_ */
