
#ifndef _WORLD_H_INCLUDED_
#define _WORLD_H_INCLUDED_


#include "vault/cigna_vault.h"

#include "world_auth.h"
#include "world_fleet.h"
#include "world_redis.h"


/* the simulated world: its parts, its clock, and the gateway's configuration */

#define WORLD_START_MS  INT64_C(1700000000000)


typedef struct {
    cigna_vault_t         vault;
    cigna_provider_t      provider;
    cigna_issuer_keys_t   issuer_keys;
    cigna_uri_t           return_to[2];
    cigna_vault_names_t   identity;        /* the member */

    int64_t               now_ms;
    uint64_t              seed;            /* of the flows' random bytes */
    int64_t               delay_ms;        /* time that each operation takes */

    world_fleet_t         fleet;
    world_redis_t         redis;
    world_auth_t          auth;
} world_t;


void world_init(world_t *w);

/* ends the program if Redis has a secret in clear or a key without expiry */
void world_done(world_t *w);

/*
 * Makes the identity of a member of a tenant.  All tenants have the same
 * configuration.
 */
void world_identity(world_t *w, const char *tenant, const char *member,
    cigna_vault_names_t *id);

/* the subject of a flow about the member; the flow allocates from this arena */
cigna_subject_t world_subject(world_t *w, cigna_arena_t *arena);

/*
 * Reads the member's grant from Redis, as a flow does.  Its slices live in the
 * arena.  CIGNA_NONE if there is no grant.
 */
int world_grant(world_t *w, cigna_arena_t *arena, cigna_grant_t *g);

/* gives the client a second, older secret, which the server does not know */
void world_two_secrets(world_t *w);

/*
 * Makes Redis' replica the primary.  The nodes notice, and start no refresh for
 * a while.
 */
void world_failover(world_t *w);

/* fills in random bytes, which follow from the seed */
void world_random(world_t *w, uint8_t *bytes, size_t len);


#endif /* _WORLD_H_INCLUDED_ */
