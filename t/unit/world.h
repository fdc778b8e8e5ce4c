
#ifndef _WORLD_H_INCLUDED_
#define _WORLD_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>

#include "dance/cigna_callback.h"
#include "dance/cigna_connect.h"
#include "dance/cigna_disconnect.h"
#include "provider/cigna_discovery.h"
#include "refresh/cigna_refresh.h"
#include "refresh/cigna_journal_replay.h"
#include "vault/cigna_scripts.h"
#include "vault/cigna_redis_handshake.h"
#include "dance/cigna_userinfo.h"


/*
 * A world for flows to run in: a Redis, an authorization server, a clock, and
 * a driver that fails where it is told to.  Tests and fuzzers share it, so it
 * brings no assertions of a test library: a flow that breaks the rules which
 * hold for all flows ends the program.
 */

#define WORLD_MARKER    "S3CRET"           /* in every token there is */
#define WORLD_NEWER     WORLD_MARKER "-client"
#define WORLD_OLDER     WORLD_MARKER "-former"
#define WORLD_START_MS  INT64_C(1700000000000)
#define WORLD_HTTP_MS   185000             /* an exchange takes no longer */
#define WORLD_WAIT_MS   15000              /* for somebody else's */
#define WORLD_HEARD_MS  20                 /* from a message to who watches */
#define WORLD_STEPS     2000               /* no run takes so many */
#define WORLD_ARENA     CIGNA_FLOW_ARENA


/* how an operation ends */

typedef enum {
    world_fine = 0,
    world_unsent,                          /* nothing has left */
    world_lost_before,                     /* it left and got nowhere */
    world_lost_after,                      /* it was done, the reply is gone */
    world_error,                           /* Redis error, HTTP 503 */
    world_faults
} world_fault_e;


/* Redis */

#define WORLD_KEYS    64
#define WORLD_FIELDS  40


typedef struct {
    char     *name;
    uint8_t  *data;
    size_t    len;
    int64_t   score;                       /* in a sorted set */
} world_field_t;


typedef struct {
    char           *name;
    int64_t         expires_ms;            /* 0: never */
    unsigned        nfields;
    world_field_t   fields[WORLD_FIELDS];  /* a string has one, "" */
} world_key_t;


/* the authorization server */

typedef enum {
    world_rotating = 0,                    /* a used one ends the family */
    world_constant,
    world_none
} world_tokens_e;


#define WORLD_FAMILIES  64
#define WORLD_TOKENS    512


typedef struct {
    char      code[64];
    char      challenge[64];
    char      nonce[64];
    unsigned  serial;                      /* of the current tokens */
    unsigned  spent:1;                     /* the code */
    unsigned  dead:1;                      /* revoked, or reuse was detected */
} world_family_t;


/* a refresh token as requests have shown it */

typedef struct {
    char      text[64];
    unsigned  family;
    unsigned  serial;
    unsigned  unknown;                     /* POSTs whose sender knows no end */
    unsigned  posted;                      /* all that left */
} world_token_t;


/* a node, on which workers come and go */

#define WORLD_NODES    3
#define WORLD_JOURNAL  16


typedef struct {
    cigna_journal_t   entry;               /* its bytes are in mem */
    uint8_t          *mem;
    int64_t           since_ms;            /* when it was made or confirmed */
    unsigned          confirmed:1;
} world_entry_t;


typedef struct {
    world_entry_t     journal[WORLD_JOURNAL];
    unsigned          full:1;              /* takes no new entry */
} world_node_t;


typedef struct {
    /* what the flows are given */
    cigna_vault_t           vault;
    cigna_provider_t        provider;
    cigna_issuer_keys_t     issuer_keys;
    cigna_uri_t             return_to[2];
    cigna_vault_names_t     identity;
    cigna_metadata_t        metadata;

    int64_t              now_ms;
    uint64_t             seed;             /* of the flows' random bytes */
    int64_t              skew_ms;          /* of the clock of Redis */
    int64_t              delay_ms;         /* of every reply */

    world_key_t          keys[WORLD_KEYS];
    unsigned             published;
    int64_t              published_ms;
    char                 message[128];     /* the last one published */
    char                 policy[32];       /* maxmemory-policy */
    char                 password[32];
    char                 retired[WORLD_FAMILIES][32];  /* deleted grants */
    unsigned             nretired;

    /* what a replica has, and whether "durable" waits for it */
    world_key_t          replica[WORLD_KEYS];
    unsigned             replicated:1;
    unsigned             deaf:1;           /* nobody hears what is published */

    world_node_t         nodes[WORLD_NODES];
    int64_t              quiet_until_ms;   /* no refresh begins before */
    cigna_endpoint_t     endpoint;         /* as all nodes know it */
    unsigned             no_turn:1;        /* nobody may ask it for now */

    cigna_slice_t        secrets[2];       /* of the client, as the server
                                              knows them */
    world_tokens_e       tokens;
    world_family_t       families[WORLD_FAMILIES];
    unsigned             nfamilies;
    world_token_t        refresh[WORLD_TOKENS];
    unsigned             nrefresh;
    unsigned             key;              /* which one signs, 0 or 1 */
    char                 expires_in[32];   /* as JSON; empty: absent */
    char                 scope[64];
    char                 sub[32];
    char                 patient[32];
    char                 iss[64];          /* of id_tokens */
    unsigned             id_token:1;       /* one comes */
    unsigned             bad_nonce:1;
    unsigned             bad_signature:1;

    /* one reply other than usual, for the token endpoint; status 0: none */
    unsigned             answer_status;
    char                 answer_body[256];
    int64_t              answer_retry_after_s;

    /*
     * What $userinfo answers; status 0: with an identifier that tells the
     * family of the token which asked
     */
    unsigned             userinfo_status;
    char                 userinfo_body[256];

    /* what has been seen */
    unsigned             codes_posted;
    unsigned             refreshes_posted;
    unsigned             keys_fetched;
    unsigned             metadata_fetched;
    unsigned             userinfo_asked;
    unsigned             revoked;          /* requests */
    unsigned             refused;          /* invalid_grant answered */
    char                 last_revoked[64];

    /* a real Redis instead; the reply is the caller's to free */
    cigna_reply_t       *(*redis)(void *data, const cigna_op_t *op);
    void                *redis_data;
} world_t;


void world_init(world_t *w);

/* ends the program if Redis has a secret in clear or a key without expiry */
void world_done(world_t *w);

/* a member of the same tenant, and another tenant with all settings alike */
void world_identity(world_t *w, const char *tenant, const char *member,
    cigna_vault_names_t *id);


/* one operation of a flow on Redis; the reply is the caller's to free */
cigna_reply_t *world_redis(world_t *w, const cigna_op_t *op);

/* a reply made of protocol text */
cigna_reply_t *world_reply(const char *resp, size_t len);

/* sets a field of a hash, whatever bytes it is to hold */
void world_set_bytes(world_t *w, cigna_slice_t key, const char *field,
    cigna_slice_t value);

/* a field of a hash, or a string with ""; NULL if there is none */
const world_field_t *world_get(world_t *w, cigna_slice_t key,
    const char *field);

/* changes behind the flows' backs; value NULL deletes */
void world_set(world_t *w, cigna_slice_t key, const char *field,
    const char *value);
void world_delete(world_t *w, cigna_slice_t key);

/* frees all there is */
void world_redis_done(world_t *w);

/* the replica has all that was written so far */
void world_replicate(world_t *w);

/*
 * The replica is the primary from now on: what it does not have is lost.  All
 * nodes notice, and keep quiet for a while.
 */
void world_failover(world_t *w);

/* 1 if the bytes are anywhere in Redis */
int world_redis_has(world_t *w, const char *bytes);

/* 1 if every key has an expiry */
int world_redis_bounded(const world_t *w);


/* the journal of a node; CIGNA_ERROR if it is full */
int world_journal(world_t *w, unsigned node, const cigna_journal_t *entry,
    int confirmed);
void world_ahead(world_t *w, unsigned node, cigna_verdict_t *v);
void world_settle(world_t *w, unsigned node, const cigna_journal_t *entry,
    int confirmed);

/* entry n of it; NULL if there is none, or its minute is over */
world_entry_t *world_entry(world_t *w, unsigned node, unsigned n);

/* all of its memory is gone */
void world_node_lost(world_t *w, unsigned node);


/* one exchange; returns the status, 0 where no reply comes */
unsigned world_http(world_t *w, const cigna_http_request_t *req,
    world_fault_e fault, char *body, size_t size);

/*
 * The member logs in at the authorize URL, which brings a code.  CIGNA_ERROR
 * if the request is not as it should be.
 */
int world_login(world_t *w, cigna_slice_t location, char code[64],
    char state[64]);

/* the ring of keys the id_tokens are signed with, as a JWK set */
void world_jwks(unsigned key, char *text, size_t size);

/* the client has a second secret, which the server does not know */
void world_two_secrets(world_t *w);

/* the server knows the newer one, the older one, both, or none (n: 0 to 3) */
void world_knows_secret(world_t *w, unsigned n);

/* 1 if the access or refresh token is alive at the server */
int world_alive(const world_t *w, cigna_slice_t token);

/* the identifier that $userinfo tells to who has this access token */
void world_userinfo_of(cigna_slice_t token, char *text, size_t size);

/* how often a refresh token was shown; made on the first call for it */
world_token_t *world_token(world_t *w, cigna_slice_t text);


/* a run of a flow */

typedef struct world_actor_s  world_actor_t;

typedef void (*world_flow_pt)(void *flow, const cigna_event_t *ev,
    cigna_op_t *op);

/* may look at every operation just when it is asked for */
typedef void (*world_watch_pt)(world_t *w, world_actor_t *a);


struct world_actor_s {
    union {
        cigna_redis_handshake_t   setup;
        cigna_discovery_t         discovery;
        cigna_connect_t           connect;
        cigna_callback_t          callback;
        cigna_refresh_t           refresh;
        cigna_disconnect_t        disconnect;
        cigna_journal_replay_t    restore;
        cigna_userinfo_t          userinfo;
    } flow;

    world_flow_pt     next;
    world_watch_pt    watch;               /* may be NULL */
    cigna_verdict_t  *verdict;             /* of a refresh */
    unsigned          node;                /* set after the flow is chosen */
    cigna_arena_t     arena;
    cigna_op_t        op;
    int64_t           asked_ms;            /* for the operation */
    int64_t           wake_ms;             /* of a sleep */
    unsigned          published;           /* before its last script */
    unsigned          renewals;
    unsigned          steps;
    unsigned          reports;
    unsigned          tokens_sent;         /* codes and refresh tokens */
    unsigned          turned;              /* one more may be sent */
    char              sent[32];            /* client secret with the last */
    unsigned          faults;              /* of any kind */
    unsigned          redis_faults;
    unsigned          lost;                /* token requests */
    unsigned          done:1;
};


void world_setup(world_t *w, world_actor_t *a);
void world_discovery(world_t *w, world_actor_t *a);
void world_connect(world_t *w, world_actor_t *a, const char *return_to);
void world_callback(world_t *w, world_actor_t *a, const char *code,
    const char *state, const char *secret);
void world_refresh(world_t *w, world_actor_t *a);
void world_disconnect(world_t *w, world_actor_t *a);

/* of the grant that is there; id: its, which lives as long as the flow */
void world_userinfo(world_t *w, world_actor_t *a, cigna_slice_t id);

/* of entry n of a node's journal, which is there */
void world_restore(world_t *w, world_actor_t *a, unsigned node, unsigned n);

/* what a node does when a connection is made: all of its journal, in order */
void world_upkeep(world_t *w, unsigned node);

/* frees the arena; the flow's slices are gone then */
void world_end(world_actor_t *a);

/* performs the pending operation and asks for the next one */
void world_step(world_t *w, world_actor_t *a, world_fault_e fault);

/* while an exchange runs: one of its scripts; 1 if Redis says "mine" */
int world_keep(world_t *w, world_actor_t *a, const cigna_script_t *script);

/* what a driver does now and then: what is lost is taken again */
void world_renew(world_t *w, world_actor_t *a);

/* when a sleep ends, which may be before its time */
int64_t world_wake_ms(const world_t *w, const world_actor_t *a);

/* to the end, the clock following the sleeps */
void world_run(world_t *w, world_actor_t *a);

/* likewise, with the nth operation (from 1) failing; 1 if there was one */
int world_run_fault(world_t *w, world_actor_t *a, unsigned nth,
    world_fault_e fault);

/* a whole dance: connect, login, callback; ends the program if it fails */
void world_connected(world_t *w);

/* the grant in Redis as a flow would read it; CIGNA_NONE if there is none */
int world_grant(world_t *w, cigna_arena_t *arena, cigna_grant_t *g);

/* ends the program */
void world_fail(const char *what);


#endif /* _WORLD_H_INCLUDED_ */
