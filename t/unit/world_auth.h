
#ifndef _WORLD_AUTH_H_INCLUDED_
#define _WORLD_AUTH_H_INCLUDED_


#include "oauth/cigna_oauth.h"

#include "world_fault.h"


/* the authorization server, and the FHIR server's metadata and $userinfo */

/* the client's secrets: the newer one and the older one */

#define WORLD_NEWER     WORLD_MARKER "-client"
#define WORLD_OLDER     WORLD_MARKER "-former"

#define WORLD_FAMILIES  64
#define WORLD_TOKENS    512


typedef enum {
    world_rotating = 0,                    /* each refresh brings a new refresh
                                              token; reuse of an old one ends
                                              its family */
    world_constant,                        /* a dance brings a refresh token,
                                              a refresh brings none */
    world_none                             /* there are no refresh tokens */
} world_tokens_e;


/* a family: all tokens that come from one dance */

typedef struct {
    char      code[64];
    char      challenge[64];
    char      nonce[64];
    unsigned  serial;                      /* number of the current tokens */
    unsigned  spent:1;                     /* the code was used */
    unsigned  dead:1;                      /* revoked, or reuse was detected */
} world_family_t;


/* a refresh token, and the requests that carried it */

typedef struct {
    char      text[64];
    unsigned  family;
    unsigned  serial;
    unsigned  unknown;                     /* requests without a reply */
    unsigned  posted;                      /* all requests that left */
} world_token_t;


typedef struct {
    const int64_t            *now_ms;      /* the world's clock */
    const cigna_provider_t   *provider;    /* the client's settings */
    cigna_metadata_t          metadata;    /* announced by the server */

    cigna_slice_t             secrets[2];  /* the client's secrets that the
                                              server knows */
    world_tokens_e            tokens;
    world_family_t            families[WORLD_FAMILIES];
    unsigned                  nfamilies;
    world_token_t             refresh[WORLD_TOKENS];
    unsigned                  nrefresh;
    unsigned                  key;         /* number of the key that signs, 0
                                              or 1 */
    char                      expires_in[32];   /* as JSON; empty: absent */
    char                      scope[64];
    char                      sub[32];
    char                      patient[32];
    char                      iss[64];     /* of id_tokens */
    unsigned                  id_token:1;  /* token replies have an id_token */
    unsigned                  bad_nonce:1;
    unsigned                  bad_signature:1;

    /*
     * If answer_status is not 0, the next reply of the token endpoint has this
     * status and body, and then answer_status becomes 0.  Until then, each
     * reply to a request for metadata has this status and body, too.
     */
    unsigned                  answer_status;
    char                      answer_body[256];

    int64_t                   answer_retry_after_s;     /* of every reply */

    /*
     * If userinfo_status is not 0, each reply of $userinfo has this status and
     * body.  Otherwise the reply to a valid token has the identifier of the
     * token's family.
     */
    unsigned                  userinfo_status;
    char                      userinfo_body[256];

    /* counts of requests and replies */
    unsigned                  codes_posted;
    unsigned                  refreshes_posted;
    unsigned                  keys_fetched;
    unsigned                  metadata_fetched;
    unsigned                  userinfo_asked;
    unsigned                  revoked;     /* revocation requests */
    unsigned                  refused;     /* replies with invalid_grant */
    char                      last_revoked[64];
} world_auth_t;


/*
 * Answers a request.  Writes the reply's body and returns its status, or 0 if
 * the request does not arrive.
 */
unsigned world_http(world_auth_t *as, const cigna_http_request_t *req,
    world_fault_e fault, char *body, size_t size);

/*
 * The member logs in at the authorize URL.  Fills in the code and the state of
 * the callback.  CIGNA_ERROR if a parameter of the URL is absent or wrong.
 */
int world_login(world_auth_t *as, cigna_slice_t location, char code[64],
    char state[64]);

/* writes a JWK set with key number "key" */
void world_jwks(unsigned key, char *text, size_t size);

/*
 * n: the server knows the newer secret (0), the older (1), both (2), none (3)
 */
void world_knows_secret(world_auth_t *as, unsigned n);

/* 1 if this access or refresh token is valid at the server */
int world_alive(const world_auth_t *as, cigna_slice_t token);

/* writes the identifier that $userinfo returns for this access token */
void world_userinfo_of(cigna_slice_t token, char *text, size_t size);

/* the record of a refresh token; the first call for a token creates it */
world_token_t *world_token(world_auth_t *as, cigna_slice_t text);


#endif /* _WORLD_AUTH_H_INCLUDED_ */
