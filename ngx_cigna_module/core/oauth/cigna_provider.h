
#ifndef _CIGNA_PROVIDER_H_INCLUDED_
#define _CIGNA_PROVIDER_H_INCLUDED_


#include "http/cigna_uri.h"
#include "cigna_jwt.h"


/*
 * A tenant's registration with the authorization server, and the server's
 * endpoints.  Each worker has one struct for each tenant.  The strings live as
 * long as the worker.  Names follow RFC 8414 and SMART App Launch.
 */

typedef enum {
    cigna_auth_none = 0,                   /* public client, PKCE only */
    cigna_auth_post,                       /* client_secret_post */
    cigna_auth_basic                       /* client_secret_basic */
} cigna_auth_e;


#define CIGNA_PARAMS_MAX       8
#define CIGNA_RETURN_TO_MAX    16
#define CIGNA_REGISTRATION_LEN 32          /* bytes of a registration's
                                              digest */


typedef struct {
    cigna_slice_t   name;
    cigna_slice_t   value;
} cigna_param_t;


/* an issuer's keys, shared by tenants with the same servers and settings */

typedef struct {
    cigna_jwks_t   *set;                   /* NULL: no fetch has brought usable
                                              keys yet */
    int64_t         fetched_ms;            /* since the epoch; a failed fetch
                                              sets it, too, so that the next
                                              one is due in a minute */
} cigna_issuer_keys_t;


typedef struct {
    cigna_slice_t   tenant;

    /* configured */
    cigna_slice_t   client_id;
    cigna_slice_t   client_secret;         /* empty: a public client */
    cigna_slice_t   older_secret;          /* empty: no second secret */
    cigna_auth_e    auth;
    cigna_slice_t   redirect_uri;
    cigna_slice_t   scope;
    cigna_slice_t   aud;                   /* empty: not sent */
    cigna_slice_t   fhir_base;             /* without "/" at its end */
    cigna_slice_t   configured_issuer;     /* empty: it is discovered */
    cigna_param_t  *params;
    unsigned        nparams;
    cigna_uri_t    *return_to;
    unsigned        nreturn_to;
    int64_t         clock_leeway_s;
    int64_t         token_lifetime_s;      /* used if expires_in is absent or
                                              unusable */
    int64_t         grant_ttl_s;           /* a grant with a refresh token ends
                                              so long after its last refresh */
    int64_t         refresh_ahead_s;       /* a refresh starts so long before
                                              expiry; later if the token lives
                                              for a short time only */
    unsigned        dances_per_member;     /* most open dances of a member */
    uint8_t         registration[CIGNA_REGISTRATION_LEN];   /* digest, see
                                                               cigna_vault.h */
    unsigned        https:1;               /* redirect_uri has the scheme
                                              https */
    unsigned        insecure_http:1;       /* http endpoints are allowed */
    unsigned        userinfo:1;            /* the gateway asks for $userinfo */

    /* the server accepted the older secret last, see cigna_client_secret.h */
    unsigned        older_works:1;

    /* configured or discovered; empty: unknown */
    cigna_slice_t   issuer;
    cigna_slice_t   authorization_endpoint;
    cigna_slice_t   token_endpoint;
    cigna_slice_t   jwks_uri;
    cigna_slice_t   revocation_endpoint;
    unsigned        iss_supported:1;       /* the server sends "iss" with the
                                              code (RFC 9207) */

    cigna_issuer_keys_t  *keys;
} cigna_provider_t;


#endif /* _CIGNA_PROVIDER_H_INCLUDED_ */
