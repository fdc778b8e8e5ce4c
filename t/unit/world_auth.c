
#define _GNU_SOURCE

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#include "http/cigna_base64url.h"
#include "http/cigna_form.h"
#include "dance/cigna_connect.h"
#include "world_auth.h"


/* the authorization server: RFC 6749, 7009, 7636, and OpenID Connect */


#define WORLD_KEYS_MAX  2


typedef struct {
    cigna_arena_t   arena;
    uint8_t         mem[64 * 1024];
} world_form_t;


/* returns a key that signs id_tokens; the first call for a key makes it */

static EVP_PKEY *
world_pkey(unsigned n)
{
    static EVP_PKEY  *keys[WORLD_KEYS_MAX];

    if (keys[n] == NULL) {
        keys[n] = EVP_EC_gen("P-256");
    }

    if (keys[n] == NULL) {
        world_fail("no key");
    }

    return keys[n];
}


static void
world_base64url(char *text, size_t size, const void *data, size_t len)
{
    cigna_buf_t  b;

    cigna_buf_init(&b, text, size - 1);
    cigna_base64url_append(&b, cigna_slice_make(data,
                                                (const uint8_t *) data + len));
    *b.pos = '\0';
}


static void
world_coordinate(EVP_PKEY *key, const char *name, char *text, size_t size)
{
    BIGNUM   *n;
    uint8_t   bytes[32];

    n = NULL;

    if (EVP_PKEY_get_bn_param(key, name, &n) != 1
        || BN_bn2binpad(n, bytes, sizeof(bytes)) != sizeof(bytes))
    {
        world_fail("no coordinate");
    }

    BN_free(n);
    world_base64url(text, size, bytes, sizeof(bytes));
}


void
world_jwks(unsigned key, char *text, size_t size)
{
    char  x[64], y[64];

    world_coordinate(world_pkey(key), OSSL_PKEY_PARAM_EC_PUB_X, x, sizeof(x));
    world_coordinate(world_pkey(key), OSSL_PKEY_PARAM_EC_PUB_Y, y, sizeof(y));

    (void) snprintf(text, size,
                    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\","
                    "\"use\":\"sig\",\"alg\":\"ES256\",\"kid\":\"k%u\","
                    "\"x\":\"%s\",\"y\":\"%s\"}]}", key, x, y);
}


/*
 * Signs a text with ES256.  OpenSSL makes a DER signature, which is converted
 * to the 64 bytes of RFC 7518, section 3.4.
 */

static void
world_sign(unsigned key, const char *text, char *out, size_t size)
{
    size_t                len;
    uint8_t               der[128], raw[64];
    ECDSA_SIG            *sig;
    EVP_MD_CTX           *md;
    const unsigned char  *p;

    len = sizeof(der);
    md = EVP_MD_CTX_new();

    if (md == NULL
        || EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, world_pkey(key))
           != 1
        || EVP_DigestSign(md, der, &len, (const uint8_t *) text, strlen(text))
           != 1)
    {
        world_fail("no signature");
    }

    EVP_MD_CTX_free(md);

    p = der;
    sig = d2i_ECDSA_SIG(NULL, &p, (long) len);

    if (sig == NULL
        || BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32) != 32
        || BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32) != 32)
    {
        world_fail("no signature");
    }

    ECDSA_SIG_free(sig);
    world_base64url(out, size, raw, sizeof(raw));
}


static void
world_id_token(world_auth_t *as, const char *nonce, char *text, size_t size)
{
    char  header[64], claims[512], part[1024], signature[128];

    (void) snprintf(header, sizeof(header), "{\"alg\":\"ES256\",\"kid\":"
                    "\"k%u\"}", as->key);
    world_base64url(part, sizeof(part), header, strlen(header));
    strcat(part, ".");

    (void) snprintf(claims, sizeof(claims),
                    "{\"iss\":\"%s\",\"sub\":\"%s\",\"aud\":\"client\","
                    "\"exp\":%" PRId64 ",\"iat\":%" PRId64 ",\"nonce\":"
                    "\"%s%s\",\"fhirUser\":\"Patient/1\"}",
                    as->iss, as->sub, *as->now_ms / 1000 + 600,
                    *as->now_ms / 1000, nonce, as->bad_nonce ? "x" : "");
    world_base64url(part + strlen(part), sizeof(part) - strlen(part), claims,
                    strlen(claims));

    world_sign(as->bad_signature ? !as->key : as->key, part, signature,
               sizeof(signature));

    (void) snprintf(text, size, "%s.%s", part, signature);
}


/* parses a token: its text has kind, family and serial */

static int
world_read_token(cigna_slice_t token, const char *kind, unsigned *family,
    unsigned *serial)
{
    char  text[64], format[32];

    (void) snprintf(text, sizeof(text), "%.*s", (int) token.len, token.data);
    (void) snprintf(format, sizeof(format), WORLD_MARKER "-%s-%%u-%%u", kind);

    return sscanf(text, format, family, serial) == 2;
}


int
world_alive(const world_auth_t *as, cigna_slice_t token)
{
    unsigned  family, serial;

    if (!world_read_token(token, "at", &family, &serial)
        && !world_read_token(token, "rt", &family, &serial))
    {
        return 0;
    }

    return family < as->nfamilies && serial <= as->families[family].serial
           && as->families[family].serial && !as->families[family].dead;
}


world_token_t *
world_token(world_auth_t *as, cigna_slice_t text)
{
    unsigned        i;
    world_token_t  *t;

    for (i = 0; i < as->nrefresh; i++) {
        if (cigna_slice_eq(cigna_slice_str(as->refresh[i].text), text)) {
            return &as->refresh[i];
        }
    }

    if (as->nrefresh == WORLD_TOKENS || text.len >= sizeof(t->text)) {
        world_fail("too many refresh tokens, or none of ours");
    }

    t = &as->refresh[as->nrefresh++];
    memset(t, 0, sizeof(world_token_t));
    memcpy(t->text, text.data, text.len);
    (void) world_read_token(text, "rt", &t->family, &t->serial);

    return t;
}


/* copies the value of a parameter, or "" if it is absent */

static void
world_query(world_form_t *form, cigna_slice_t query, const char *name,
    char *text, size_t size)
{
    cigna_slice_t  value;

    if (cigna_form_get(query, cigna_slice_str(name), &form->arena, &value)
        != CIGNA_OK)
    {
        value = cigna_slice_null;
    }

    (void) snprintf(text, size, "%.*s", (int) value.len,
                    value.len ? (const char *) value.data : "");
}


int
world_login(world_auth_t *as, cigna_slice_t location, char code[64],
    char state[64])
{
    char             method[16], redirect_uri[256], type[16];
    cigna_uri_t      uri;
    world_form_t     form;
    world_family_t  *f;

    if (cigna_uri_parse(location, &uri) != CIGNA_OK
        || !cigna_slice_starts(location, as->provider->authorization_endpoint))
    {
        return CIGNA_ERROR;
    }

    if (as->nfamilies == WORLD_FAMILIES) {
        world_fail("too many logins");
    }

    cigna_arena_init(&form.arena, form.mem, sizeof(form.mem));

    f = &as->families[as->nfamilies];
    memset(f, 0, sizeof(world_family_t));
    (void) snprintf(f->code, sizeof(f->code), WORLD_MARKER "-code-%u",
                    as->nfamilies);

    world_query(&form, uri.query, "state", state, 64);
    world_query(&form, uri.query, "nonce", f->nonce, sizeof(f->nonce));
    world_query(&form, uri.query, "code_challenge", f->challenge,
                sizeof(f->challenge));
    world_query(&form, uri.query, "code_challenge_method", method,
                sizeof(method));
    world_query(&form, uri.query, "response_type", type, sizeof(type));
    world_query(&form, uri.query, "redirect_uri", redirect_uri,
                sizeof(redirect_uri));

    if (strcmp(method, "S256") != 0 || strcmp(type, "code") != 0
        || strlen(f->challenge) != 43 || strlen(f->nonce) != 22
        || strlen(state) != CIGNA_STATE_LEN
        || !cigna_slice_eq(cigna_slice_str(redirect_uri),
                           as->provider->redirect_uri))
    {
        return CIGNA_ERROR;
    }

    (void) snprintf(code, 64, "%s", f->code);
    as->nfamilies++;

    return CIGNA_OK;
}


/* the answers of the token endpoint begin here */

static unsigned
world_refuse(world_auth_t *as, const char *error, char *body, size_t size)
{
    as->refused += strcmp(error, "invalid_grant") == 0;
    (void) snprintf(body, size, "{\"error\":\"%s\"}", error);

    return 400;
}


static void
world_add(char *body, size_t size, const char *name, const char *value)
{
    size_t  len;

    if (value[0]) {
        len = strlen(body);
        (void) snprintf(body + len, size - len, ",\"%s\":\"%s\"", name, value);
    }
}


static unsigned
world_issue(world_auth_t *as, unsigned family, const char *nonce, char *body,
    size_t size)
{
    char             refresh[64], id_token[2048];
    size_t           len;
    world_family_t  *f;

    f = &as->families[family];
    f->serial++;

    (void) snprintf(body, size, "{\"token_type\":\"bearer\",\"access_token\":"
                    "\"" WORLD_MARKER "-at-%u-%u\"", family, f->serial);

    if (as->expires_in[0]) {
        len = strlen(body);
        (void) snprintf(body + len, size - len, ",\"expires_in\":%s",
                        as->expires_in);
    }

    if (as->tokens == world_rotating
        || (as->tokens == world_constant && nonce)) {
        (void) snprintf(refresh, sizeof(refresh), WORLD_MARKER "-rt-%u-%u",
                        family, as->tokens == world_rotating ? f->serial : 0);
        world_add(body, size, "refresh_token", refresh);
    }

    world_add(body, size, "scope", as->scope);
    world_add(body, size, "patient", as->patient);

    if (as->id_token) {
        world_id_token(as, nonce ? nonce : "", id_token, sizeof(id_token));
        world_add(body, size, "id_token", id_token);
    }

    strcat(body, "}");

    return 200;
}


static unsigned
world_spend_code(world_auth_t *as, world_form_t *form, cigna_slice_t request,
    char *body, size_t size)
{
    char             code[64], verifier[64], redirect_uri[256], challenge[64];
    unsigned         i;
    cigna_buf_t      b;
    world_family_t  *f;

    world_query(form, request, "code", code, sizeof(code));
    world_query(form, request, "code_verifier", verifier, sizeof(verifier));
    world_query(form, request, "redirect_uri", redirect_uri,
                sizeof(redirect_uri));

    cigna_buf_init(&b, challenge, sizeof(challenge) - 1);
    (void) cigna_oauth_append_challenge(&b, cigna_slice_str(verifier));
    *b.pos = '\0';

    for (i = 0; i < as->nfamilies; i++) {
        f = &as->families[i];

        if (strcmp(f->code, code) != 0) {
            continue;
        }

        /* a code that is used twice ends its grant (RFC 6749, section 4.1.2) */

        f->dead |= f->spent;

        if (f->dead || strcmp(f->challenge, challenge) != 0
            || !cigna_slice_eq(cigna_slice_str(redirect_uri),
                               as->provider->redirect_uri))
        {
            break;
        }

        f->spent = 1;

        return world_issue(as, i, f->nonce, body, size);
    }

    return world_refuse(as, "invalid_grant", body, size);
}


static unsigned
world_spend_refresh(world_auth_t *as, cigna_slice_t token, char *body,
    size_t size)
{
    unsigned         family, serial;
    world_family_t  *f;

    if (!world_read_token(token, "rt", &family, &serial)
        || family >= as->nfamilies)
    {
        return world_refuse(as, "invalid_grant", body, size);
    }

    f = &as->families[family];

    /* a refresh token that is used twice may be stolen, so its family ends */

    f->dead |= as->tokens == world_rotating && serial != f->serial;

    if (f->dead) {
        return world_refuse(as, "invalid_grant", body, size);
    }

    return world_issue(as, family, NULL, body, size);
}


static unsigned
world_token_endpoint(world_auth_t *as, cigna_slice_t request,
    world_fault_e fault,
    char *body, size_t size)
{
    char            type[32], secret[64], token[64];
    unsigned        status;
    world_form_t    form;
    world_token_t  *t;

    cigna_arena_init(&form.arena, form.mem, sizeof(form.mem));

    world_query(&form, request, "grant_type", type, sizeof(type));
    world_query(&form, request, "client_secret", secret, sizeof(secret));
    world_query(&form, request, "refresh_token", token, sizeof(token));

    t = NULL;

    if (strcmp(type, "refresh_token") == 0) {
        as->refreshes_posted++;
        t = world_token(as, cigna_slice_str(token));
        t->posted++;
        t->unknown += fault == world_lost_before || fault == world_lost_after;

    } else {
        as->codes_posted++;
    }

    if (fault == world_lost_before) {
        return 0;
    }

    if (fault == world_error) {
        (void) snprintf(body, size, "<html>try again</html>");
        return 503;
    }

    if (as->answer_status) {
        status = as->answer_status;
        as->answer_status = 0;
        (void) snprintf(body, size, "%s", as->answer_body);
        return status;
    }

    if (secret[0] == '\0'
        || (!cigna_slice_eq(cigna_slice_str(secret), as->secrets[0])
            && !cigna_slice_eq(cigna_slice_str(secret), as->secrets[1])))
    {
        return world_refuse(as, "invalid_client", body, size);
    }

    return t ? world_spend_refresh(as, cigna_slice_str(token), body, size)
             : world_spend_code(as, &form, request, body, size);
}


static void
world_revocation(world_auth_t *as, cigna_slice_t request)
{
    char          token[64];
    unsigned      family, serial;
    world_form_t  form;

    cigna_arena_init(&form.arena, form.mem, sizeof(form.mem));
    world_query(&form, request, "token", token, sizeof(token));

    (void) snprintf(as->last_revoked, sizeof(as->last_revoked), "%s", token);

    if ((world_read_token(cigna_slice_str(token), "rt", &family, &serial)
         || world_read_token(cigna_slice_str(token), "at", &family, &serial))
        && family < as->nfamilies)
    {
        as->families[family].dead = 1;
    }
}


static void
world_metadata(world_auth_t *as, char *body, size_t size)
{
    const cigna_metadata_t  *m;

    m = &as->metadata;

    (void) snprintf(body, size,
                    "{\"issuer\":\"%.*s\",\"authorization_endpoint\":\"%.*s\","
                    "\"token_endpoint\":\"%.*s\",\"jwks_uri\":\"%.*s\","
                    "\"authorization_response_iss_parameter_supported\":%s}",
                    (int) m->issuer.len, m->issuer.data,
                    (int) m->authorization_endpoint.len,
                    m->authorization_endpoint.data,
                    (int) m->token_endpoint.len, m->token_endpoint.data,
                    (int) m->jwks_uri.len, m->jwks_uri.data,
                    m->iss_supported ? "true" : "false");
}


void
world_userinfo_of(cigna_slice_t token, char *text, size_t size)
{
    unsigned  family, serial;

    if (!world_read_token(token, "at", &family, &serial)) {
        world_fail("not an access token of ours");
    }

    (void) snprintf(text, size, "U%u", family);
}


/* the FHIR server's $userinfo, which answers 401 to an unknown token */

static unsigned
world_userinfo_reply(world_auth_t *as, const cigna_http_request_t *req,
    world_fault_e fault, char *body, size_t size)
{
    char           id[16];
    cigna_slice_t  token;

    if (fault == world_lost_before) {
        return 0;
    }

    as->userinfo_asked++;

    if (fault == world_error) {
        return 503;
    }

    if (as->userinfo_status) {
        (void) snprintf(body, size, "%s", as->userinfo_body);
        return as->userinfo_status;
    }

    token = cigna_slice_skip(req->authorization, sizeof("Bearer ") - 1);

    if (!world_alive(as, token)) {
        return 401;
    }

    world_userinfo_of(token, id, sizeof(id));
    (void) snprintf(body, size,
                    "{\"resourceType\":\"Parameters\",\"parameter\":[{"
                    "\"name\":\"Patient\",\"valueString\":\"%s\"}]}", id);

    return 200;
}


/*
 * 1 if the request is one for $userinfo; only such a request may have a token
 */

static int
world_asks_userinfo(const world_auth_t *as, const cigna_http_request_t *req)
{
    int  bearer;

    bearer = cigna_slice_starts(req->authorization, cigna_slice("Bearer "));

    if (bearer
        != (cigna_slice_starts(req->url, as->provider->fhir_base)
            && cigna_slice_eq(cigna_slice_skip(req->url,
                                               as->provider->fhir_base.len),
                              cigna_slice("/$userinfo"))))
    {
        world_fail("a token to another URL than $userinfo, or none to that");
    }

    return bearer;
}


unsigned
world_http(world_auth_t *as, const cigna_http_request_t *req,
    world_fault_e fault,
    char *body, size_t size)
{
    body[0] = '\0';

    if (world_asks_userinfo(as, req)) {
        return world_userinfo_reply(as, req, fault, body, size);
    }

    if (cigna_slice_eq(req->url, as->provider->token_endpoint)) {
        return world_token_endpoint(as, req->body, fault, body, size);
    }

    as->revoked += cigna_slice_eq(req->url, as->provider->revocation_endpoint);

    if (fault == world_lost_before) {
        return 0;
    }

    if (fault == world_error) {
        return 503;
    }

    if (cigna_slice_eq(req->url, as->provider->revocation_endpoint)) {
        world_revocation(as, req->body);
        return 200;
    }

    if (req->body.len) {
        world_fail("a POST to nowhere");
    }

    if (cigna_slice_eq(req->url, as->provider->jwks_uri)) {
        as->keys_fetched++;
        world_jwks(as->key, body, size);
        return 200;
    }

    if (!cigna_slice_starts(req->url, as->provider->fhir_base)) {
        world_fail("a GET to nowhere");
    }

    as->metadata_fetched++;

    if (as->answer_status) {
        (void) snprintf(body, size, "%s", as->answer_body);
        return as->answer_status;
    }

    world_metadata(as, body, size);

    return 200;
}


void
world_knows_secret(world_auth_t *as, unsigned n)
{
    as->secrets[0] = n == 0 || n == 2 ? cigna_slice(WORLD_NEWER)
                                     : cigna_slice_null;
    as->secrets[1] = n == 1 || n == 2 ? cigna_slice(WORLD_OLDER)
                                     : cigna_slice_null;
}
