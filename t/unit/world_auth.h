
#ifndef _WORLD_AUTH_H_INCLUDED_
#define _WORLD_AUTH_H_INCLUDED_


#include "oauth/cigna_oauth.h"

#include "world_fault.h"


/* the authorization server, and the FHIR server's metadata and $userinfo */

#define WORLD_NEWER     WORLD_MARKER "-client"     /* the client's secrets */
#define WORLD_OLDER     WORLD_MARKER "-former"

#define WORLD_FAMILIES  64
#define WORLD_TOKENS    512


typedef enum {
    world_rotating = 0,                    /* reuse of a refresh token ends its
                                              family */
    world_constant,
    world_none
} world_tokens_e;


/* the tokens of one dance */

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
    unsigned  unknown;                     /* POSTs whose sender got no reply */
    unsigned  posted;                      /* all POSTs that left */
} world_token_t;


typedef struct {
    const int64_t            *now_ms;      /* of the world */
    const cigna_provider_t   *provider;    /* the client's settings */
    cigna_metadata_t          metadata;    /* as the server announces it */

    cigna_slice_t             secrets[2];  /* those of the client that the
                                              server knows */
    world_tokens_e            tokens;
    world_family_t            families[WORLD_FAMILIES];
    unsigned                  nfamilies;
    world_token_t             refresh[WORLD_TOKENS];
    unsigned                  nrefresh;
    unsigned                  key;         /* which one signs, 0 or 1 */
    char                      expires_in[32];   /* as JSON; empty: absent */
    char                      scope[64];
    char                      sub[32];
    char                      patient[32];
    char                      iss[64];     /* of id_tokens */
    unsigned                  id_token:1;  /* one comes */
    unsigned                  bad_nonce:1;
    unsigned                  bad_signature:1;

    /* one other reply of the token endpoint; status 0: none */
    unsigned                  answer_status;
    char                      answer_body[256];
    int64_t                   answer_retry_after_s;

    /* the reply of $userinfo; status 0: the identifier of the token's family */
    unsigned                  userinfo_status;
    char                      userinfo_body[256];

    /* what has been seen */
    unsigned                  codes_posted;
    unsigned                  refreshes_posted;
    unsigned                  keys_fetched;
    unsigned                  metadata_fetched;
    unsigned                  userinfo_asked;
    unsigned                  revoked;     /* requests */
    unsigned                  refused;     /* invalid_grant answered */
    char                      last_revoked[64];
} world_auth_t;


/* one exchange; returns the status, or 0 if no reply comes */
unsigned world_http(world_auth_t *as, const cigna_http_request_t *req,
    world_fault_e fault, char *body, size_t size);

/*
 * The member logs in at the authorize URL, which brings a code.  CIGNA_ERROR if
 * the URL lacks something.
 */
int world_login(world_auth_t *as, cigna_slice_t location, char code[64],
    char state[64]);

/* the key that signs id_tokens, as a JWK set */
void world_jwks(unsigned key, char *text, size_t size);

/* the server knows the newer secret, the older one, both, or none (n: 0..3) */
void world_knows_secret(world_auth_t *as, unsigned n);

/* 1 if the access or refresh token is alive */
int world_alive(const world_auth_t *as, cigna_slice_t token);

/* the identifier that $userinfo tells of this access token */
void world_userinfo_of(cigna_slice_t token, char *text, size_t size);

/* how often a refresh token was shown; the first call for a token makes it */
world_token_t *world_token(world_auth_t *as, cigna_slice_t text);


#endif /* _WORLD_AUTH_H_INCLUDED_ */
