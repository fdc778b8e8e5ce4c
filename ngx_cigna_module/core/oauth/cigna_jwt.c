
/*
 * How cigna_jwt_verify() reads each part of an id_token that came in exchange
 * for a code.  After a refresh, the gateway only calls cigna_jwt_read().  The
 * words "malformed", "algorithm", "issuer", "audience" and "nonce" are results,
 * see cigna_jwt_name().
 *
 *   part       absent or null     odd or wrong
 *   ----       --------------     ------------
 *   three      malformed          base64 of either alphabet is accepted, with
 *   parts                         or without padding; otherwise malformed
 *   JSON                          a byte order mark, bytes that are not UTF-8
 *                                 and odd members are accepted
 *   alg    *   malformed          algorithm, for "none", HS256 and so on;
 *                                 malformed, if it is not a string
 *   crit   *   accepted           malformed: no extension is supported
 *   kid    *   every key that     as if absent
 *              fits is tried
 *   iss    *   issuer             issuer
 *   aud    *   audience           audience, unless the client id is in it
 *   azp    *   accepted           audience, unless it is the client id; an
 *                                 empty one counts as absent
 *   exp    *   malformed          a fraction, and text that is a number, are
 *                                 accepted; other values are malformed; a time
 *                                 that has passed is refused
 *   nonce  *   nonce              nonce
 *   sub    *   malformed          malformed
 *   iat, nbf   accepted           refused if it is in the future, otherwise as
 *                                 if absent
 *   fhirUser   unknown            as if absent
 *
 * All other members are ignored.  A member with a * that occurs twice is
 * malformed, unless both values are written the same way.  If any other name
 * occurs twice, the last value counts.  The issuer and the nonce are only
 * checked if the caller expects one; if it expects no issuer, an issuer that is
 * not a string is malformed.
 */


#include <string.h>

#include "http/cigna_base64url.h"
#include "cigna_jwt.h"
#include "base/cigna_secret.h"


/* most bytes of claims that are strings */
#define CIGNA_JWT_CLAIM_MAX  2048
#define CIGNA_JWT_SUB_MAX    256
#define CIGNA_JWT_TIME_LEN   32

/* the end of the year 9999, in seconds since the epoch */
#define CIGNA_JWT_TIME_MAX   253402300799


/* the parts of a token; a header or payload that cannot be used is NULL */

typedef struct {
    cigna_slice_t   text;                  /* the signed part */
    cigna_slice_t   signature;             /* decoded */
    cigna_json_t   *header;
    cigna_json_t   *payload;
} cigna_jws_t;


static cigna_jwt_e cigna_jwt_open(cigna_slice_t token, cigna_arena_t *arena,
    cigna_jws_t *jws);
static void cigna_jwt_close(cigna_jws_t *jws);
static cigna_jwt_e cigna_jwt_decode(cigna_slice_t part, cigna_arena_t *arena,
    cigna_slice_t *bytes);
static cigna_json_t *cigna_jwt_object(cigna_slice_t text,
    const char *const *names);
static cigna_jwt_e cigna_jwt_check_signature(const cigna_jws_t *jws,
    const cigna_jwks_t *jwks);
static cigna_jwt_e cigna_jwt_read_alg(const cigna_json_t *header,
    cigna_alg_e *alg);
static cigna_jwt_e cigna_jwt_check_claims(const cigna_json_t *payload,
    const cigna_jwt_expect_t *expect);
static int cigna_jwt_is_for(const cigna_json_t *payload,
    cigna_slice_t client_id);
static int cigna_jwt_has_audience(const cigna_json_t *payload,
    cigna_slice_t client_id);
static int cigna_jwt_claim_is(const cigna_json_t *payload, const char *name,
    cigna_slice_t value);
static cigna_jwt_e cigna_jwt_check_times(const cigna_json_t *payload,
    const cigna_jwt_expect_t *expect);
static int cigna_jwt_time(const cigna_json_t *payload, const char *name,
    int64_t *t);
static cigna_jwt_e cigna_jwt_check_past(const cigna_json_t *payload,
    const char *name, const cigna_jwt_expect_t *expect);
static cigna_jwt_e cigna_jwt_copy_claims(const cigna_json_t *payload,
    cigna_arena_t *arena, cigna_id_token_t *claims);


/* members that must not occur with two values */

static const char *const  cigna_jwt_header_names[] = {
    "alg", "crit", "kid", NULL
};

static const char *const  cigna_jwt_claim_names[] = {
    "iss", "sub", "aud", "azp", "exp", "nonce", NULL
};


cigna_jwt_e
cigna_jwt_verify(cigna_slice_t token, const cigna_jwks_t *jwks,
    const cigna_jwt_expect_t *expect, cigna_arena_t *arena,
    cigna_id_token_t *claims)
{
    cigna_jws_t  jws;
    cigna_jwt_e  e;

    memset(claims, 0, sizeof(cigna_id_token_t));

    e = cigna_jwt_open(token, arena, &jws);

    if (e == cigna_jwt_ok) {
        e = cigna_jwt_check_signature(&jws, jwks);
    }

    if (e == cigna_jwt_ok) {
        e = cigna_jwt_check_claims(jws.payload, expect);
    }

    if (e == cigna_jwt_ok) {
        e = cigna_jwt_copy_claims(jws.payload, arena, claims);
    }

    cigna_jwt_close(&jws);

    return e;
}


cigna_jwt_e
cigna_jwt_read(cigna_slice_t token, const cigna_jwks_t *jwks,
    cigna_arena_t *arena, cigna_id_token_t *claims, int *good)
{
    cigna_jws_t  jws;
    cigna_jwt_e  e;

    memset(claims, 0, sizeof(cigna_id_token_t));

    e = cigna_jwt_open(token, arena, &jws);

    if (e == cigna_jwt_ok) {
        e = cigna_jwt_copy_claims(jws.payload, arena, claims);
    }

    *good = e == cigna_jwt_ok && jwks
            && cigna_jwt_check_signature(&jws, jwks) == cigna_jwt_ok;

    cigna_jwt_close(&jws);

    return e;
}


const char *
cigna_jwt_name(cigna_jwt_e e)
{
    static const char *const  names[] = {
        [cigna_jwt_ok] = "ok",
        [cigna_jwt_malformed] = "malformed",
        [cigna_jwt_alg] = "algorithm",
        [cigna_jwt_unknown_kid] = "unknown_key",
        [cigna_jwt_signature] = "signature",
        [cigna_jwt_iss] = "issuer",
        [cigna_jwt_aud] = "audience",
        [cigna_jwt_expired] = "expired",
        [cigna_jwt_future] = "from_the_future",
        [cigna_jwt_nonce] = "nonce",
        [cigna_jwt_failed] = "no_memory"
    };

    return ((unsigned) e <= cigna_jwt_failed) ? names[e] : "unknown";
}


/*
 * Reads the parts of a token.  The caller must call cigna_jwt_close(), also
 * after a failure.  RFC 7515, section 7.1: there are three parts, and none of
 * them is empty.
 */

static cigna_jwt_e
cigna_jwt_open(cigna_slice_t token, cigna_arena_t *arena, cigna_jws_t *jws)
{
    cigna_jwt_e    e;
    cigna_slice_t  rest, header, payload;

    memset(jws, 0, sizeof(cigna_jws_t));

    if (token.len > CIGNA_ID_TOKEN_MAX) {
        return cigna_jwt_malformed;
    }

    rest = token;
    header = cigna_slice_cut(&rest, '.');
    payload = cigna_slice_cut(&rest, '.');

    jws->text = token;
    jws->text.len = header.len + 1 + payload.len;

    /* a third dot stays in the signature, where the decoder refuses it */

    e = cigna_jwt_decode(rest, arena, &jws->signature);

    if (e == cigna_jwt_ok) {
        e = cigna_jwt_decode(header, arena, &header);
    }

    if (e == cigna_jwt_ok) {
        e = cigna_jwt_decode(payload, arena, &payload);
    }

    if (e != cigna_jwt_ok) {
        return e;
    }

    jws->header = cigna_jwt_object(header, cigna_jwt_header_names);
    jws->payload = cigna_jwt_object(payload, cigna_jwt_claim_names);

    return jws->payload ? cigna_jwt_ok : cigna_jwt_malformed;
}


static void
cigna_jwt_close(cigna_jws_t *jws)
{
    cigna_json_destroy(jws->header);
    cigna_json_destroy(jws->payload);
}


static cigna_jwt_e
cigna_jwt_decode(cigna_slice_t part, cigna_arena_t *arena,
    cigna_slice_t *bytes)
{
    int          rc;
    cigna_buf_t  b;

    cigna_arena_open(arena, &b);
    rc = cigna_base64_decode_any(part, &b);
    *bytes = cigna_arena_close(arena, &b);

    if (b.overflow) {
        return cigna_jwt_failed;
    }

    return (rc == CIGNA_OK && bytes->len) ? cigna_jwt_ok : cigna_jwt_malformed;
}


/*
 * Reads the header or the payload.  NULL if the text is not a JSON object, or
 * if one of the names has two different values: another reader may choose the
 * other one.
 */

static cigna_json_t *
cigna_jwt_object(cigna_slice_t text, const char *const *names)
{
    cigna_json_t  *doc;

    doc = cigna_json_read(text);

    for ( /* void */ ; doc && *names; names++) {

        if (cigna_json_contradicts(text, *names)) {
            cigna_json_destroy(doc);
            return NULL;
        }
    }

    return doc;
}


static cigna_jwt_e
cigna_jwt_check_signature(const cigna_jws_t *jws, const cigna_jwks_t *jwks)
{
    cigna_jwt_e    e;
    cigna_alg_e    alg;
    cigna_slice_t  kid;

    static const cigna_jwt_e  results[] = {
        [cigna_jwks_good] = cigna_jwt_ok,
        [cigna_jwks_unknown] = cigna_jwt_unknown_kid,
        [cigna_jwks_other] = cigna_jwt_alg,
        [cigna_jwks_bad] = cigna_jwt_signature,
        [cigna_jwks_failed] = cigna_jwt_failed
    };

    if (jws->header == NULL) {
        return cigna_jwt_malformed;
    }

    e = cigna_jwt_read_alg(jws->header, &alg);

    if (e != cigna_jwt_ok || jwks == NULL) {
        return e;
    }

    (void) cigna_json_string(jws->header, "kid", CIGNA_KID_MAX, &kid);

    return results[cigna_jwks_verify(jwks, kid, alg, jws->text,
                                     jws->signature)];
}


/*
 * "crit" lists extensions that a reader must support (RFC 7515, section
 * 4.1.11).  The gateway supports none.
 */

static cigna_jwt_e
cigna_jwt_read_alg(const cigna_json_t *header, cigna_alg_e *alg)
{
    cigna_slice_t        name;
    const cigna_json_t  *crit;

    if (cigna_json_array(header, "crit", &crit) != CIGNA_NONE
        || cigna_json_string(header, "alg", CIGNA_JWT_CLAIM_MAX, &name)
           != CIGNA_OK)
    {
        return cigna_jwt_malformed;
    }

    *alg = cigna_alg_find(name);

    return *alg == cigna_alg_none ? cigna_jwt_alg : cigna_jwt_ok;
}


/* the checks of OpenID Connect Core 1.0, section 3.1.3.7 */

static cigna_jwt_e
cigna_jwt_check_claims(const cigna_json_t *payload,
    const cigna_jwt_expect_t *expect)
{
    cigna_jwt_e    e;
    cigna_slice_t  nonce;

    if (expect->iss.len
        && !cigna_jwt_claim_is(payload, "iss", expect->iss))
    {
        return cigna_jwt_iss;
    }

    if (!cigna_jwt_is_for(payload, expect->aud)) {
        return cigna_jwt_aud;
    }

    e = cigna_jwt_check_times(payload, expect);
    if (e != cigna_jwt_ok) {
        return e;
    }

    if (expect->nonce.len
        && (cigna_json_string(payload, "nonce", CIGNA_JWT_CLAIM_MAX, &nonce)
            != CIGNA_OK
            || !cigna_secret_eq(nonce, expect->nonce)))
    {
        return cigna_jwt_nonce;
    }

    return cigna_jwt_ok;
}


/*
 * Points 3 to 5 of OpenID Connect Core 1.0, section 3.1.3.7.  Since errata set
 * 2, a token with several audiences need not have "azp".
 */

static int
cigna_jwt_is_for(const cigna_json_t *payload, cigna_slice_t client_id)
{
    int            rc;
    cigna_slice_t  azp;

    rc = cigna_json_string(payload, "azp", CIGNA_JWT_CLAIM_MAX, &azp);

    return client_id.len && cigna_jwt_has_audience(payload, client_id)
           && rc != CIGNA_ERROR
           && (azp.len == 0 || cigna_slice_eq(azp, client_id));
}


/* "aud" is a string or an array of strings */

static int
cigna_jwt_has_audience(const cigna_json_t *payload, cigna_slice_t client_id)
{
    size_t               i;
    const cigna_json_t  *aud;

    if (cigna_json_array(payload, "aud", &aud) != CIGNA_OK) {
        return cigna_jwt_claim_is(payload, "aud", client_id);
    }

    for (i = 0; i < cigna_json_count(aud); i++) {
        if (cigna_slice_eq(cigna_json_item_string(aud, i), client_id)) {
            return 1;
        }
    }

    return 0;
}


static int
cigna_jwt_claim_is(const cigna_json_t *payload, const char *name,
    cigna_slice_t value)
{
    cigna_slice_t  s;

    return cigna_json_string(payload, name, CIGNA_JWT_CLAIM_MAX, &s)
           == CIGNA_OK
           && cigna_slice_eq(s, value);
}


static cigna_jwt_e
cigna_jwt_check_times(const cigna_json_t *payload,
    const cigna_jwt_expect_t *expect)
{
    int64_t      exp;
    cigna_jwt_e  e;

    if (cigna_jwt_time(payload, "exp", &exp) != CIGNA_OK) {
        return cigna_jwt_malformed;
    }

    if (expect->now_s - expect->leeway_s >= exp) {
        return cigna_jwt_expired;
    }

    e = cigna_jwt_check_past(payload, "iat", expect);

    return (e == cigna_jwt_ok) ? cigna_jwt_check_past(payload, "nbf", expect)
                               : e;
}


/* reads seconds, given as a number or as text, with or without a fraction */

static int
cigna_jwt_time(const cigna_json_t *payload, const char *name, int64_t *t)
{
    int            rc;
    uint64_t       n, fraction;
    cigna_slice_t  text, whole;

    rc = cigna_json_seconds(payload, name, CIGNA_JWT_TIME_MAX, t);

    if (rc != CIGNA_ERROR
        || cigna_json_string(payload, name, CIGNA_JWT_TIME_LEN, &text)
           != CIGNA_OK)
    {
        return rc;
    }

    whole = cigna_slice_cut(&text, '.');

    if (cigna_slice_uint(whole, CIGNA_JWT_TIME_MAX, &n) != CIGNA_OK
        || cigna_slice_uint(text, UINT64_MAX, &fraction) != CIGNA_OK)
    {
        return CIGNA_ERROR;
    }

    *t = (int64_t) n;

    return CIGNA_OK;
}


static cigna_jwt_e
cigna_jwt_check_past(const cigna_json_t *payload, const char *name,
    const cigna_jwt_expect_t *expect)
{
    int64_t  t;

    return (cigna_jwt_time(payload, name, &t) == CIGNA_OK
            && t > expect->now_s + expect->leeway_s) ? cigna_jwt_future
                                                     : cigna_jwt_ok;
}


/* a malformed "fhirUser" counts as absent, as no decision depends on it */

static cigna_jwt_e
cigna_jwt_copy_claims(const cigna_json_t *payload, cigna_arena_t *arena,
    cigna_id_token_t *claims)
{
    cigna_slice_t     user;
    cigna_id_token_t  c;

    if (cigna_json_string(payload, "iss", CIGNA_JWT_CLAIM_MAX, &c.iss)
        == CIGNA_ERROR
        || cigna_json_string(payload, "sub", CIGNA_JWT_SUB_MAX, &c.sub)
           != CIGNA_OK
        || c.sub.len == 0)
    {
        return cigna_jwt_malformed;
    }

    (void) cigna_json_string(payload, "fhirUser", CIGNA_JWT_CLAIM_MAX, &user);

    if (cigna_arena_copy(arena, c.iss, &c.iss) != CIGNA_OK
        || cigna_arena_copy(arena, c.sub, &c.sub) != CIGNA_OK
        || cigna_arena_copy(arena, user, &c.fhir_user) != CIGNA_OK)
    {
        return cigna_jwt_failed;
    }

    *claims = c;

    return cigna_jwt_ok;
}
