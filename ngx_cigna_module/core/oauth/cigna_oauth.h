
#ifndef _CIGNA_OAUTH_H_INCLUDED_
#define _CIGNA_OAUTH_H_INCLUDED_


#include "cigna_provider.h"


/*
 * Requests to an authorization server and its replies: RFC 6749, RFC 7636
 * (PKCE), RFC 7009 (revocation), RFC 8414 and SMART App Launch (metadata).
 */

/* the most bytes of each value */

#define CIGNA_ACCESS_TOKEN_MAX   (12 * 1024)
#define CIGNA_REFRESH_TOKEN_MAX  (8 * 1024)
#define CIGNA_SCOPE_MAX          4096
#define CIGNA_PATIENT_MAX        256


/* a request, which is a POST with a form, or a GET; the slices are borrowed */

typedef struct {
    cigna_slice_t   url;
    cigna_slice_t   authorization;         /* value of the line Authorization,
                                              or empty */
    cigna_slice_t   body;                  /* the form; empty: a GET */
    cigna_slice_t   accept;                /* empty: application/json */
    cigna_slice_t   lines;                 /* more header lines, each with its
                                              CR LF; not checked */
} cigna_http_request_t;


typedef enum {
    cigna_token_ok = 0,
    cigna_token_invalid_grant,             /* "invalid_grant" with status 400 or
                                              401 */
    cigna_token_refused,                   /* another error of RFC 6749, section
                                              5.2, or "invalid_grant" with
                                              another status */
    cigna_token_invalid,                   /* not a token reply but, for
                                              example, HTML */
    cigna_token_throttled,                 /* status 429 */
    cigna_token_failed                     /* status 5xx */
} cigna_token_e;


#define CIGNA_TOKEN_SHAPE_MAX  160


typedef struct {
    cigna_slice_t   access_token;
    cigna_slice_t   refresh_token;         /* empty: absent */
    cigna_slice_t   id_token;              /* not verified yet; may be empty */
    cigna_slice_t   scope;
    cigna_slice_t   patient;
    cigna_slice_t   error;                 /* the code, sanitized for logs */
    int64_t         expires_in_s;          /* -1: absent or unusable */

    /* for logs, without bytes of the reply: "status=200,length=57,scope=odd" */
    char            shape[CIGNA_TOKEN_SHAPE_MAX];
} cigna_token_reply_t;


/*
 * Appends the PKCE challenge of a verifier: S256, 43 characters of base64url.
 * CIGNA_ERROR: no room, or libcrypto failed.
 */
int cigna_oauth_append_challenge(cigna_buf_t *b, cigna_slice_t verifier);

/*
 * Appends the URL of the authorization request: the endpoint with its own
 * query, then response_type=code, client_id, redirect_uri, scope, state, nonce,
 * code_challenge, code_challenge_method, aud and the configured parameters.
 * CIGNA_ERROR: the endpoint is unknown, there is no room, or libcrypto failed.
 */
int cigna_oauth_append_authorize(cigna_buf_t *b, const cigna_provider_t *p,
    cigna_slice_t state, cigna_slice_t nonce, cigna_slice_t verifier);

/*
 * These functions build a request in the arena.  It has the provider's method
 * of client authentication (cigna_auth_e) and no other.  The caller gets secret
 * from cigna_client_secret().  hint is the token_type_hint of RFC 7009, section
 * 2.1.  CIGNA_ERROR: the endpoint is unknown, or the arena is full.
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
 * Reads a reply of the token endpoint; the table in cigna_oauth_reply.c has the
 * rules.  All strings of *reply are copies in the arena.
 */
cigna_token_e cigna_oauth_token_reply(unsigned status, cigna_slice_t body,
    cigna_arena_t *arena, cigna_token_reply_t *reply);

/* a word for logs, such as "refused" */
const char *cigna_token_name(cigna_token_e e);


/* endpoints of .well-known/smart-configuration, in the arena; empty: absent */

typedef struct {
    cigna_slice_t   issuer;
    cigna_slice_t   authorization_endpoint;
    cigna_slice_t   token_endpoint;
    cigna_slice_t   jwks_uri;
    cigna_slice_t   revocation_endpoint;
    unsigned        iss_supported:1;
} cigna_metadata_t;

/*
 * Reads the document and checks it against the tenant's registration; the table
 * in cigna_oauth_metadata.c has the rules.  A member that is ignored leaves its
 * slice empty, and "notes" gets the member's name and the reason, for the log.
 * CIGNA_NONE: not a JSON object.  CIGNA_ERROR: the document must not be used.
 * In both cases, *error is a constant text with the reason.
 */
int cigna_oauth_metadata_parse(const cigna_provider_t *p, cigna_slice_t body,
    cigna_arena_t *arena, cigna_metadata_t *m, cigna_buf_t *notes,
    const char **error);

/*
 * copies slices (not bytes) from "known" to "fresh" where "fresh" has empty
 * ones
 */
void cigna_oauth_metadata_keep(const cigna_metadata_t *known,
    cigna_metadata_t *fresh);

/* URL number i of the metadata, counted from 0; NULL: there is no such URL */
cigna_slice_t *cigna_oauth_metadata_member(cigna_metadata_t *m, unsigned i);

/*
 * Gives *p the issuer and the endpoints that are configured.  The others, and
 * iss_supported, come from the metadata.  Copies slices, not bytes.
 */
void cigna_oauth_metadata_apply(const cigna_metadata_t *m,
    const cigna_provider_t *configured, cigna_provider_t *p);

/*
 * 1 if both have an issuer and the issuers differ, or if both have an endpoint
 * and its origins differ.  The caller must refuse and report such a change.
 */
int cigna_oauth_metadata_moved(const cigna_metadata_t *known,
    const cigna_metadata_t *fresh);


#endif /* _CIGNA_OAUTH_H_INCLUDED_ */
