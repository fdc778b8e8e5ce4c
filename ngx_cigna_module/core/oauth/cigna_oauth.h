
#ifndef _CIGNA_OAUTH_H_INCLUDED_
#define _CIGNA_OAUTH_H_INCLUDED_


#include "cigna_provider.h"


/*
 * Requests to and replies of an authorization server: RFC 6749, RFC 7636
 * (PKCE), RFC 7009 (revocation), RFC 8414 and SMART App Launch (metadata).
 */

#define CIGNA_ACCESS_TOKEN_MAX   (12 * 1024)
#define CIGNA_REFRESH_TOKEN_MAX  (8 * 1024)
#define CIGNA_SCOPE_MAX          4096
#define CIGNA_PATIENT_MAX        256


/* a POST to the token or revocation endpoint, or a GET; borrowed slices */

typedef struct {
    cigna_slice_t   url;
    cigna_slice_t   authorization;         /* header value, empty if none */
    cigna_slice_t   body;                  /* a form; empty: GET */
    cigna_slice_t   accept;                /* empty: application/json */
    cigna_slice_t   lines;                 /* more header lines, each with its
                                              CR LF; not checked */
} cigna_http_request_t;


typedef enum {
    cigna_token_ok = 0,
    cigna_token_invalid_grant,             /* permanent, JSON with 4xx only */
    cigna_token_refused,                   /* another RFC 6749 error code */
    cigna_token_invalid,                   /* not a token reply: HTML, ... */
    cigna_token_throttled,                 /* 429 */
    cigna_token_failed                     /* 5xx */
} cigna_token_e;


#define CIGNA_TOKEN_SHAPE_MAX  160


typedef struct {
    cigna_slice_t   access_token;
    cigna_slice_t   refresh_token;         /* empty: none came */
    cigna_slice_t   id_token;              /* as it came: cigna_jwt_verify() */
    cigna_slice_t   scope;
    cigna_slice_t   patient;
    cigna_slice_t   error;                 /* code, sanitized for logs */
    cigna_slice_t   error_description;     /* likewise, at most 128 bytes */
    int64_t         expires_in_s;          /* -1: absent or unusable */

    /*
     * "status=200,length=57,scope=odd": what was found, for logs, without a
     * byte of the reply
     */
    char            shape[CIGNA_TOKEN_SHAPE_MAX];
} cigna_token_reply_t;


/* S256 of a verifier, appended in base64url (43 characters) */
int cigna_oauth_append_challenge(cigna_buf_t *b, cigna_slice_t verifier);

/*
 * Appends the whole authorize URL: response_type=code, client_id,
 * redirect_uri, scope, state, nonce, code_challenge, code_challenge_method,
 * aud if set, configured extra parameters.  The endpoint's own query is kept.
 */
int cigna_oauth_append_authorize(cigna_buf_t *b, const cigna_provider_t *p,
    cigna_slice_t state, cigna_slice_t nonce, cigna_slice_t verifier);

/*
 * Builds requests in the arena; exactly one client authentication method.
 * For client_secret_basic both parts are form-encoded first (RFC 6749, 2.3.1).
 * secret: the client's, see cigna_client_secret.h.
 */
int cigna_oauth_code_request(const cigna_provider_t *p, cigna_slice_t secret,
    cigna_slice_t code, cigna_slice_t verifier, cigna_arena_t *arena,
    cigna_http_request_t *req);
int cigna_oauth_refresh_request(const cigna_provider_t *p,
    cigna_slice_t secret, cigna_slice_t refresh_token, cigna_arena_t *arena,
    cigna_http_request_t *req);
int cigna_oauth_revoke_request(const cigna_provider_t *p,
    cigna_slice_t secret, cigna_slice_t token, const char *hint,
    cigna_arena_t *arena, cigna_http_request_t *req);

/*
 * Reads the reply of the token endpoint.  Strings are copied into the arena,
 * all or none.  What each field may look like is said in cigna_oauth_reply.c.
 */
cigna_token_e cigna_oauth_token_reply(unsigned status, cigna_slice_t body,
    cigna_arena_t *arena, cigna_token_reply_t *reply);

const char *cigna_token_name(cigna_token_e e);


/* what .well-known/smart-configuration announced; copied into the arena */

typedef struct {
    cigna_slice_t   issuer;
    cigna_slice_t   authorization_endpoint;
    cigna_slice_t   token_endpoint;
    cigna_slice_t   jwks_uri;
    cigna_slice_t   revocation_endpoint;
    unsigned        iss_supported:1;
} cigna_metadata_t;

/* "<fhir_base>/.well-known/smart-configuration" */
int cigna_oauth_append_metadata_url(cigna_buf_t *b, const cigna_provider_t *p);

/*
 * Reads the document and holds it against the registration, as the table in
 * cigna_oauth_metadata.c says.  CIGNA_NONE if it is no JSON, CIGNA_ERROR if it
 * must not be used, and *error says why.  What is absent or passed over is an
 * empty slice; "notes" tells what was passed over, and why.
 */
int cigna_oauth_metadata_parse(const cigna_provider_t *p, cigna_slice_t body,
    cigna_arena_t *arena, cigna_metadata_t *m, cigna_buf_t *notes,
    const char **error);

/* fills what "fresh" leaves out with what was known; borrows its bytes */
void cigna_oauth_metadata_keep(const cigna_metadata_t *known,
    cigna_metadata_t *fresh);

/*
 * 1 if "fresh" names a host (or issuer) other than "known" in any endpoint
 * that both have: a change that must be refused and reported.
 */
int cigna_oauth_metadata_moved(const cigna_metadata_t *known,
    const cigna_metadata_t *fresh);


#endif /* _CIGNA_OAUTH_H_INCLUDED_ */
