
#ifndef _CIGNA_VAULT_H_INCLUDED_
#define _CIGNA_VAULT_H_INCLUDED_


#include "cigna_grant.h"
#include "cigna_vault_names.h"
#include "oauth/cigna_provider.h"
#include "redis/cigna_redis.h"
#include "cigna_seal.h"


/* sealed grants and dances: see cigna_vault_names.h for where they lie */


/*
 * A flow's grant: its vault, its provider, its member, and the arena for all
 * that the flow makes.  The flow's caller owns the struct and what it points
 * to, and keeps both until the flow is done.
 */

typedef struct {
    const cigna_vault_t        *vault;
    cigna_provider_t           *provider;
    const cigna_vault_names_t  *identity;
    cigna_arena_t              *arena;
} cigna_subject_t;


/*
 * Works out the digest of what a grant is bound to: configured issuer, client
 * id, fhir_base.  To be called once these are set, and again when they change;
 * without it each opening does the work.
 */
int cigna_vault_register(cigna_provider_t *p);


/* of open(): the record is fine, but was made for another registration */
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
 * Opens one: g->id and g->generation are given, the rest is filled with
 * slices into the arena.  CIGNA_VAULT_MOVED, CIGNA_SEAL_UNKNOWN_KEY,
 * CIGNA_SEAL_DAMAGED, CIGNA_ERROR (no room).
 */
int cigna_vault_open_grant(const cigna_subject_t *s, cigna_slice_t blob,
    cigna_grant_t *g);

/* the same two for a dance; name: its Redis key */
int cigna_vault_seal_dance(const cigna_subject_t *s, cigna_slice_t name,
    const cigna_dance_t *d, const uint8_t nonce[CIGNA_SEAL_NONCE_LEN],
    cigna_slice_t *blob);
int cigna_vault_open_dance(const cigna_subject_t *s, cigna_slice_t name,
    cigna_slice_t blob, cigna_dance_t *d);


/*
 * The read of a grant, for flows and for the request path alike:
 * "HMGET key i g b m n r".  Numbers are decimal, times are ms since the epoch
 * by the clock of Redis.
 */
#define CIGNA_GRANT_READ_ARGC  8


/*
 * The write-ahead mark of a record, and what became of the refresh token that
 * it guards.  All zero: the token has not been sent, as far as Redis knows.
 */

typedef struct {
    int64_t    until_ms;                   /* an exchange is over by then */
    int64_t    refused_ms;                 /* the last attempt was refused
                                              then, which is not final yet */
    unsigned   attempts;                   /* that may have had an effect */
} cigna_vault_mark_t;


size_t cigna_vault_read_args(const cigna_vault_names_t *id,
    cigna_slice_t argv[CIGNA_GRANT_READ_ARGC]);

/*
 * What of the reply can be read without a key, borrowed: grant id, generation
 * and the sealed grant.  Results as of read_grant(), without opening.
 */
int cigna_vault_read_head(const cigna_reply_t *reply, cigna_grant_t *g,
    cigna_slice_t *blob);

/*
 * Reads the reply and opens the grant.  CIGNA_NONE: Redis says for certain
 * that there is none.  CIGNA_AGAIN: Redis answered with an error (LOADING,
 * ...) or nonsense, which is an outage and never "none".  Half a record is
 * CIGNA_SEAL_DAMAGED; otherwise as open_grant().  mark may be NULL.
 */
int cigna_vault_read_grant(const cigna_subject_t *s,
    const cigna_reply_t *reply, cigna_grant_t *g, cigna_vault_mark_t *mark);

/* 1 if the record of such a reply has a write-ahead mark */
int cigna_vault_read_marked(const cigna_reply_t *reply);


#endif /* _CIGNA_VAULT_H_INCLUDED_ */
