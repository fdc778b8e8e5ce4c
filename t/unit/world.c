
#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "refresh/cigna_lease.h"
#include "rings.h"
#include "vault/cigna_scripts.h"
#include "world.h"


void
world_fail(const char *what)
{
    fprintf(stderr, "world: %s\n", what);
    abort();
}


void
world_init(world_t *w)
{
    cigna_provider_t  *p;

    memset(w, 0, sizeof(world_t));

    if (cigna_scripts_init() != CIGNA_OK) {
        world_fail("no scripts");
    }

    w->vault.ring = ring_of(NAME SEAL);
    w->vault.prefix = cigna_slice("cigna");
    w->vault.node = cigna_slice("node-1");
    w->vault.stories = 64 * 64;
    w->now_ms = WORLD_START_MS;

    w->fleet.now_ms = &w->now_ms;
    w->redis.now_ms = &w->now_ms;
    w->auth.now_ms = &w->now_ms;
    w->auth.provider = &w->provider;

    (void) snprintf(w->redis.policy, sizeof(w->redis.policy), "noeviction");
    (void) snprintf(w->redis.password, sizeof(w->redis.password),
                    WORLD_MARKER "-redis");
    (void) snprintf(w->auth.expires_in, sizeof(w->auth.expires_in), "3599");
    (void) snprintf(w->auth.scope, sizeof(w->auth.scope), "search read openid");
    (void) snprintf(w->auth.sub, sizeof(w->auth.sub), "member-1");
    (void) snprintf(w->auth.patient, sizeof(w->auth.patient), "A1");
    (void) snprintf(w->auth.iss, sizeof(w->auth.iss), "https://as.example");

    p = &w->provider;
    p->tenant = cigna_slice("acme");
    p->client_id = cigna_slice("client");
    p->client_secret = cigna_slice(WORLD_NEWER);
    p->auth = cigna_auth_post;
    p->redirect_uri = cigna_slice("https://app.example/cigna/callback");
    p->scope = cigna_slice("openid fhirUser patient/*.read");
    p->fhir_base = cigna_slice("https://fhir.example/r4");
    p->issuer = cigna_slice("https://as.example");
    p->authorization_endpoint = cigna_slice("https://as.example/authorize");
    p->token_endpoint = cigna_slice("https://as.example/token");
    p->revocation_endpoint = cigna_slice("https://as.example/revoke");
    p->clock_leeway_s = 60;
    p->token_lifetime_s = 300;
    p->grant_ttl_s = 400 * 24 * 3600;
    p->refresh_ahead_s = 60;
    p->dances_per_member = 8;
    p->https = 1;
    p->nreturn_to = 2;
    p->keys = &w->issuer_keys;
    p->return_to = w->return_to;

    (void) cigna_vault_register(p);

    world_knows_secret(&w->auth, 0);

    w->auth.metadata.issuer = p->issuer;
    w->auth.metadata.authorization_endpoint = p->authorization_endpoint;
    w->auth.metadata.token_endpoint = p->token_endpoint;
    w->auth.metadata.jwks_uri = cigna_slice("https://as.example/jwks");

    if (w->vault.ring == NULL
        || cigna_uri_parse(cigna_slice("https://app.example/"),
                           &p->return_to[0])
           != CIGNA_OK
        || cigna_uri_parse(cigna_slice("https://other.example/in/"),
                           &p->return_to[1])
           != CIGNA_OK)
    {
        world_fail("no world");
    }

    world_identity(w, "acme", "member", &w->identity);
}


void
world_two_secrets(world_t *w)
{
    w->provider.older_secret = cigna_slice(WORLD_OLDER);
}


void
world_done(world_t *w)
{
    unsigned  i;

    if (world_redis_has(&w->redis, WORLD_MARKER)) {
        world_fail("Redis has a secret in clear");
    }

    if (!world_redis_bounded(&w->redis)) {
        world_fail("a key has no expiry");
    }

    for (i = 0; i < WORLD_NODES; i++) {
        world_node_lost(&w->fleet, i);
    }

    world_redis_done(&w->redis);
    cigna_jwks_destroy(w->provider.keys->set);
    cigna_keyring_destroy(w->vault.ring);
    memset(w, 0, sizeof(world_t));
}


void
world_identity(world_t *w, const char *tenant, const char *member,
    cigna_vault_names_t *id)
{
    if (cigna_vault_names_init(id, &w->vault, cigna_slice_str(tenant),
                               cigna_slice_str(member))
        != CIGNA_OK)
    {
        world_fail("no identity");
    }
}


/* splitmix64, so that the same seed gives the same run */

void
world_random(world_t *w, uint8_t *bytes, size_t len)
{
    size_t    i;
    uint64_t  z;

    for (i = 0; i < len; i++) {
        z = (w->seed += UINT64_C(0x9e3779b97f4a7c15));
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        bytes[i] = (uint8_t) (z >> 56);
    }
}


void
world_failover(world_t *w)
{
    world_promote(&w->redis);

    w->fleet.quiet_until_ms = w->now_ms + CIGNA_LEASE_QUIET_MS;
}


cigna_subject_t
world_subject(world_t *w, cigna_arena_t *arena)
{
    return (cigna_subject_t) {
        .vault = &w->vault,
        .provider = &w->provider,
        .identity = &w->identity,
        .arena = arena
    };
}


int
world_grant(world_t *w, cigna_arena_t *arena, cigna_grant_t *g)
{
    int              rc;
    cigna_op_t       op;
    cigna_reply_t   *reply;
    cigna_subject_t  subject;

    memset(g, 0, sizeof(cigna_grant_t));
    subject = world_subject(w, arena);

    op.type = cigna_op_redis;
    op.redis.argc = (unsigned) cigna_vault_read_args(&w->identity,
                                                     op.redis.argv);

    reply = world_redis(&w->redis, &op);
    rc = cigna_vault_read_grant(&subject, reply, g, NULL);
    cigna_reply_destroy(reply);

    return rc;
}
