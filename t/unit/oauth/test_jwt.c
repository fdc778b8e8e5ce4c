
#include <openssl/hmac.h>
#include <openssl/x509.h>

#include "jose.h"

#include "oauth/cigna_jwt.h"


#define NOW  1700000000

/* valid claims, of which a test may replace some */

#define ISS    "\"iss\":\"https://as.example\""
#define SUB    "\"sub\":\"syntheticuser05\""
#define AUD    "\"aud\":\"acme-client\""
#define EXP    "\"exp\":1700003599"
#define IAT    "\"iat\":1699999999"
#define NONCE  "\"nonce\":\"MARKER-nonce\""

#define CLAIMS(iss, sub, aud, exp, iat, nonce)                                \
    "{" iss "," sub "," aud "," exp "," iat "," nonce "}"

#define GOOD  CLAIMS(ISS, SUB, AUD, EXP, IAT, NONCE)

#define RS256(kid)  "{\"alg\":\"RS256\",\"kid\":\"" kid "\"}"
#define ES256(kid)  "{\"alg\":\"ES256\",\"kid\":\"" kid "\"}"


static EVP_PKEY            *rsa, *rsa2, *ec, *ec384, *ed;
static cigna_jwks_t        *jwks;
static cigna_jwt_expect_t   expect;
static cigna_id_token_t     claims;


static cigna_jwt_e
verify_with(const char *token, const cigna_jwks_t *keys)
{
    cigna_jwt_e    e;
    cigna_arena_t  arena;

    static uint8_t  mem[64 * 1024];

    cigna_arena_init(&arena, mem, sizeof(mem));

    e = cigna_jwt_verify(guarded(token), keys, &expect, &arena, &claims);

    if (e != cigna_jwt_ok) {
        assert_slice(claims.iss, "");
        assert_slice(claims.sub, "");
        assert_slice(claims.fhir_user, "");
    }

    return e;
}


static cigna_jwt_e
verify(const char *token)
{
    return verify_with(token, jwks);
}


/* verifies a token with these claims and a good signature */

static cigna_jwt_e
verify_claims(const char *payload)
{
    return verify(jose_token(ec, ES256("e1"), payload));
}


static cigna_jwt_e
verify_header(const char *header)
{
    return verify(jose_token(ec, header, GOOD));
}


static void
good_tokens_of_both_algorithms_pass(void **state)
{
    (void) state;

    assert_int_equal(verify(jose_token(rsa, RS256("r1"), GOOD)), cigna_jwt_ok);
    assert_slice(claims.iss, "https://as.example");
    assert_slice(claims.sub, "syntheticuser05");
    assert_slice(claims.fhir_user, "");

    assert_int_equal(verify(jose_token(ec, ES256("e1"), GOOD)), cigna_jwt_ok);
    assert_int_equal(verify(jose_token(rsa2, RS256("r2"), GOOD)),
                     cigna_jwt_ok);
}


static void
fhir_user_is_kept_if_it_is_text(void **state)
{
    (void) state;

    assert_int_equal(verify_claims(CLAIMS(ISS, SUB, AUD, EXP, IAT, NONCE
                                   ",\"fhirUser\":\"Patient/A05\"")),
                     cigna_jwt_ok);
    assert_slice(claims.fhir_user, "Patient/A05");

    assert_int_equal(verify_claims(CLAIMS(ISS, SUB, AUD, EXP, IAT, NONCE
                                   ",\"fhirUser\":5")),
                     cigna_jwt_ok);
    assert_slice(claims.fhir_user, "");
}


static void
a_signature_by_another_key_is_refused(void **state)
{
    EVP_PKEY  *other;

    (void) state;

    assert_int_equal(verify(jose_token(rsa2, RS256("r1"), GOOD)),
                     cigna_jwt_signature);

    other = EVP_EC_gen("P-256");
    assert_int_equal(verify(jose_token(other, ES256("e1"), GOOD)),
                     cigna_jwt_signature);
    EVP_PKEY_free(other);
}


static void
a_changed_claim_or_header_breaks_the_signature(void **state)
{
    size_t    len;
    uint8_t   sig[1024];

    (void) state;

    len = jose_sign(ec, jose_text(ES256("e1"), GOOD), sig);

    assert_int_equal(verify(jose_join(jose_text(ES256("e1"),
                                CLAIMS(ISS, "\"sub\":\"syntheticuser06\"", AUD,
                                       EXP, IAT, NONCE)), sig, len)),
                     cigna_jwt_signature);
    assert_int_equal(verify(jose_join(jose_text("{\"kid\":\"e1\","
                                                "\"alg\":\"ES256\"}", GOOD),
                                      sig, len)),
                     cigna_jwt_signature);
    assert_int_equal(verify(jose_join(jose_text(ES256("e1"), GOOD), sig, len)),
                     cigna_jwt_ok);
}


static void
an_unsigned_token_is_refused(void **state)
{
    char  token[4096];

    (void) state;

    assert_int_equal(verify(jose_join(jose_text("{\"alg\":\"none\"}", GOOD),
                                      "x", 1)),
                     cigna_jwt_alg);
    assert_int_equal(verify(jose_join(jose_text("{\"alg\":\"None\"}", GOOD),
                                      "x", 1)),
                     cigna_jwt_alg);

    snprintf(token, sizeof(token), "%s.",
             jose_text("{\"alg\":\"none\"}", GOOD));
    assert_int_equal(verify(token), cigna_jwt_malformed);

    snprintf(token, sizeof(token), "%s.", jose_text(ES256("e1"), GOOD));
    assert_int_equal(verify(token), cigna_jwt_malformed);
}


static void
a_public_key_is_not_a_secret_of_hs256(void **state)
{
    int             len;
    char           *text;
    uint8_t         mac[32], *der;

    (void) state;

    text = jose_text("{\"alg\":\"HS256\",\"kid\":\"r1\"}", GOOD);

    der = NULL;
    len = i2d_PUBKEY(rsa, &der);
    assert_true(len > 0);

    HMAC(EVP_sha256(), der, len, (uint8_t *) text, strlen(text), mac, NULL);
    OPENSSL_free(der);

    assert_int_equal(verify(jose_join(text, mac, 32)), cigna_jwt_alg);

    /* a MAC in place of the signature; the header names RS256 */

    text = jose_text(RS256("r1"), GOOD);
    assert_int_equal(verify(jose_join(text, mac, 32)), cigna_jwt_signature);
}


static void
the_algorithm_must_fit_the_key(void **state)
{
    (void) state;

    assert_int_equal(verify(jose_token(ec, ES256("r1"), GOOD)), cigna_jwt_alg);
    assert_int_equal(verify(jose_token(rsa, RS256("e1"), GOOD)),
                     cigna_jwt_alg);
    assert_int_equal(verify(jose_token(ec, RS256("r1"), GOOD)),
                     cigna_jwt_signature);
    assert_int_equal(verify(jose_token(rsa, ES256("e1"), GOOD)),
                     cigna_jwt_signature);
    assert_int_equal(verify_header("{\"alg\":\"ES384\",\"kid\":\"e1\"}"),
                     cigna_jwt_alg);
    assert_int_equal(verify_header("{\"alg\":\"PS256\",\"kid\":\"r1\"}"),
                     cigna_jwt_signature);

    /* the JWK with the kid r2 allows RS256 only */

    assert_int_equal(verify_header("{\"alg\":\"PS256\",\"kid\":\"r2\"}"),
                     cigna_jwt_alg);
}


static void
an_unknown_key_differs_from_a_bad_signature(void **state)
{
    (void) state;

    assert_int_equal(verify(jose_token(ec, ES256("e2"), GOOD)),
                     cigna_jwt_unknown_kid);
    assert_int_equal(verify(jose_token(ec, ES256("E1"), GOOD)),
                     cigna_jwt_unknown_kid);
}


static void
without_kid_every_key_that_fits_is_tried(void **state)
{
    EVP_PKEY  *other;

    (void) state;

    assert_int_equal(verify_header("{\"alg\":\"ES256\"}"), cigna_jwt_ok);
    assert_int_equal(verify_header("{\"alg\":\"ES256\",\"kid\":null}"),
                     cigna_jwt_ok);
    assert_int_equal(verify_header("{\"alg\":\"ES256\",\"kid\":5}"),
                     cigna_jwt_ok);
    assert_int_equal(verify(jose_token(rsa, "{\"alg\":\"RS256\"}", GOOD)),
                     cigna_jwt_ok);
    assert_int_equal(verify(jose_token(rsa2, "{\"alg\":\"RS256\"}", GOOD)),
                     cigna_jwt_ok);

    other = EVP_EC_gen("P-256");
    assert_int_equal(verify(jose_token(other, "{\"alg\":\"ES256\"}", GOOD)),
                     cigna_jwt_signature);
    EVP_PKEY_free(other);
}


static void
tokens_of_every_algorithm_pass(void **state)
{
    char    *text, header[64];
    size_t   i, len;
    uint8_t  sig[1024];

    const struct {
        const char  *name;
        EVP_PKEY    *pkey;
        const char  *digest;
        int          pss;
    } algs[] = {
        { "RS256", rsa, "SHA256", 0 }, { "RS384", rsa, "SHA384", 0 },
        { "RS512", rsa, "SHA512", 0 }, { "PS256", rsa, "SHA256", 1 },
        { "PS384", rsa, "SHA384", 1 }, { "PS512", rsa, "SHA512", 1 },
        { "ES256", ec, "SHA256", 0 }, { "ES384", ec384, "SHA384", 0 },
        { "EdDSA", ed, NULL, 0 }, { "Ed25519", ed, NULL, 0 }
    };

    (void) state;

    for (i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
        snprintf(header, sizeof(header), "{\"alg\":\"%s\"}", algs[i].name);
        text = jose_text(header, GOOD);
        len = jose_sign_as(algs[i].pkey, algs[i].digest, algs[i].pss, text,
                           sig);

        assert_int_equal(verify(jose_join(text, sig, len)), cigna_jwt_ok);

        sig[len - 1] ^= 1;
        assert_int_equal(verify(jose_join(text, sig, len)),
                         cigna_jwt_signature);
    }
}


/* rewrites a part of a token with padding, and "+" and "/" for "-" and "_" */

static char *
plain_base64(const char *text)
{
    int    len;
    char   copy[8192], *p;

    len = snprintf(copy, sizeof(copy), "%s%s", text,
                   "==" + (strlen(text) + 1) % 3);

    for (p = copy; *p; p++) {
        *p = *p == '-' ? '+' : *p == '_' ? '/' : *p;
    }

    return jose_keep(copy, (size_t) len);
}


static void
padding_and_the_other_alphabet_are_accepted(void **state)
{
    int      n;
    char     text[8192], token[16384];
    size_t   len;
    uint8_t  sig[1024];

    static const char  header[] = "{\"alg\":\"ES256\",\"kid\":\"e1\"}";

    (void) state;

    n = snprintf(text, sizeof(text), "%s.%s",
                 plain_base64(jose_base64url(header, strlen(header))),
                 plain_base64(jose_base64url(GOOD, strlen(GOOD))));
    assert_true(n > 0);

    len = jose_sign(ec, text, sig);
    snprintf(token, sizeof(token), "%s.%s", text,
             plain_base64(jose_base64url(sig, len)));
    assert_int_equal(verify(token), cigna_jwt_ok);
    assert_slice(claims.sub, "syntheticuser05");

    /* the signature covers the spelling that was signed, and no other */

    snprintf(token, sizeof(token), "%s=.%s", text, jose_base64url(sig, len));
    assert_int_equal(verify(token), cigna_jwt_signature);
}


static void
extensions_in_the_header_are_refused(void **state)
{
    (void) state;

    assert_int_equal(verify_header("{\"alg\":\"ES256\",\"kid\":\"e1\","
                                   "\"crit\":[\"b64\"],\"b64\":false}"),
                     cigna_jwt_malformed);
    assert_int_equal(verify_header("{\"alg\":\"ES256\",\"crit\":\"x\"}"),
                     cigna_jwt_malformed);
    assert_int_equal(verify_header("{\"alg\":\"ES256\",\"crit\":[]}"),
                     cigna_jwt_malformed);
    assert_int_equal(verify_header("{\"kid\":\"e1\"}"), cigna_jwt_malformed);
    assert_int_equal(verify_header("{\"alg\":5}"), cigna_jwt_malformed);
    assert_int_equal(verify_header("{\"alg\":\"none\",\"alg\":\"ES256\"}"),
                     cigna_jwt_malformed);
    assert_int_equal(verify_header("[]"), cigna_jwt_malformed);

    /* keys in a token's header are ignored */

    assert_int_equal(verify_header("{\"alg\":\"ES256\",\"kid\":\"e1\","
                                   "\"typ\":\"JWT\",\"jwk\":{},"
                                   "\"jku\":\"https://evil.example/\"}"),
                     cigna_jwt_ok);
}


static void
the_issuer_must_be_the_expected_one(void **state)
{
    (void) state;

    assert_int_equal(verify_claims(CLAIMS("\"iss\":\"https://as.example/\"",
                                          SUB, AUD, EXP, IAT, NONCE)),
                     cigna_jwt_iss);
    assert_int_equal(verify_claims(CLAIMS("\"x\":1", SUB, AUD, EXP, IAT,
                                          NONCE)),
                     cigna_jwt_iss);
    assert_int_equal(verify_claims(CLAIMS("\"iss\":[\"https://as.example\"]",
                                          SUB, AUD, EXP, IAT, NONCE)),
                     cigna_jwt_iss);

    expect.iss = cigna_slice_null;
    assert_int_equal(verify_claims(CLAIMS("\"iss\":\"https://b.example\"",
                                          SUB, AUD, EXP, IAT, NONCE)),
                     cigna_jwt_ok);
    assert_slice(claims.iss, "https://b.example");
}


static void
the_audience_must_include_the_client(void **state)
{
    unsigned  i;
    char      payload[1024];

    static const struct { const char *aud; cigna_jwt_e e; }  cases[] = {
        { "\"aud\":\"other\"", cigna_jwt_aud },
        { "\"aud\":\"acme-client2\"", cigna_jwt_aud },
        { "\"aud\":\"\"", cigna_jwt_aud },
        { "\"x\":1", cigna_jwt_aud },
        { "\"aud\":5", cigna_jwt_aud },
        { "\"aud\":{\"acme-client\":1}", cigna_jwt_aud },
        { "\"aud\":[]", cigna_jwt_aud },
        { "\"aud\":[\"other\"]", cigna_jwt_aud },
        { "\"aud\":[[\"acme-client\"]]", cigna_jwt_aud },
        { "\"aud\":[\"acme-client\"]", cigna_jwt_ok },
        { "\"aud\":[\"acme-client\",\"other\"]", cigna_jwt_ok },
        { "\"aud\":[\"other\",\"acme-client\"]", cigna_jwt_ok },
        { "\"aud\":[\"other\",\"another\"]", cigna_jwt_aud },
        { "\"aud\":[\"acme-client\",5]", cigna_jwt_ok },
        { "\"aud\":[\"acme-client\",\"acme-client\"]", cigna_jwt_ok },
        { "\"aud\":\"acme-client\",\"azp\":null", cigna_jwt_ok },
        { "\"aud\":\"acme-client\",\"azp\":\"\"", cigna_jwt_ok },
        { "\"aud\":[\"other\",\"acme-client\"],\"azp\":\"acme-client\"",
          cigna_jwt_ok },
        { "\"aud\":[\"other\",\"acme-client\"],\"azp\":\"other\"",
          cigna_jwt_aud },
        { "\"aud\":[\"other\"],\"azp\":\"acme-client\"", cigna_jwt_aud },
        { "\"aud\":\"acme-client\",\"azp\":\"acme-client\"", cigna_jwt_ok },
        { "\"aud\":\"acme-client\",\"azp\":\"other\"", cigna_jwt_aud },
        { "\"aud\":\"acme-client\",\"azp\":5", cigna_jwt_aud }
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(payload, sizeof(payload),
                 "{" ISS "," SUB "," EXP "," NONCE ",%s}", cases[i].aud);
        assert_int_equal(verify_claims(payload), cases[i].e);
    }
}


static void
an_empty_client_id_matches_no_audience(void **state)
{
    (void) state;

    expect.aud = cigna_slice_null;
    assert_int_equal(verify_claims(CLAIMS(ISS, SUB, "\"aud\":\"\"", EXP, IAT,
                                          NONCE)),
                     cigna_jwt_aud);
    assert_int_equal(verify_claims(CLAIMS(ISS, SUB, "\"aud\":[5]", EXP, IAT,
                                          NONCE)),
                     cigna_jwt_aud);
}


static void
times_are_checked_with_a_leeway(void **state)
{
    unsigned  i;
    char      payload[1024];

    static const struct { const char *times; cigna_jwt_e e; }  cases[] = {
        { "\"exp\":1699999941", cigna_jwt_ok },
        { "\"exp\":1699999940", cigna_jwt_expired },
        { "\"exp\":0", cigna_jwt_expired },
        { "\"exp\":\"1700003599\"", cigna_jwt_ok },
        { "\"exp\":1700003599.5", cigna_jwt_ok },
        { "\"x\":1", cigna_jwt_malformed },
        { "\"exp\":null", cigna_jwt_malformed },
        { "\"exp\":-1", cigna_jwt_malformed },
        { "\"exp\":1e300", cigna_jwt_malformed },
        { "\"exp\":\"never\"", cigna_jwt_malformed },
        { "\"exp\":\"1700003599.5\"", cigna_jwt_ok },
        { "\"exp\":\"1699999940.9\"", cigna_jwt_expired },
        { "\"exp\":\"1700003599.\"", cigna_jwt_malformed },
        { "\"exp\":\"1700003599.x\"", cigna_jwt_malformed },
        { "\"exp\":\"-1700003599\"", cigna_jwt_malformed },
        { "\"exp\":\"\"", cigna_jwt_malformed },
        { "\"exp\":true", cigna_jwt_malformed },
        { "\"exp\":1700003599,\"exp\":1700003599", cigna_jwt_ok },
        { "\"exp\":1700003599,\"exp\":1700003598", cigna_jwt_malformed },
        { EXP ",\"iat\":1699999999.25", cigna_jwt_ok },
        { EXP ",\"iat\":\"1700000061\"", cigna_jwt_future },
        { EXP ",\"iat\":1700000060", cigna_jwt_ok },
        { EXP ",\"iat\":1700000061", cigna_jwt_future },
        { EXP ",\"iat\":\"x\"", cigna_jwt_ok },
        { EXP ",\"nbf\":1700000060", cigna_jwt_ok },
        { EXP ",\"nbf\":1700000061", cigna_jwt_future },
        { EXP ",\"nbf\":[]", cigna_jwt_ok }
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(payload, sizeof(payload),
                 "{" ISS "," SUB "," AUD "," NONCE ",%s}", cases[i].times);
        assert_int_equal(verify_claims(payload), cases[i].e);
    }
}


static void
the_nonce_must_be_the_expected_one(void **state)
{
    (void) state;

    assert_int_equal(verify_claims(CLAIMS(ISS, SUB, AUD, EXP, IAT,
                                          "\"nonce\":\"MARKER-noncf\"")),
                     cigna_jwt_nonce);
    assert_int_equal(verify_claims(CLAIMS(ISS, SUB, AUD, EXP, IAT,
                                          "\"nonce\":\"MARKER-nonc\"")),
                     cigna_jwt_nonce);
    assert_int_equal(verify_claims(CLAIMS(ISS, SUB, AUD, EXP, IAT,
                                          "\"nonce\":\"\"")),
                     cigna_jwt_nonce);
    assert_int_equal(verify_claims(CLAIMS(ISS, SUB, AUD, EXP, IAT,
                                          "\"nonce\":5")),
                     cigna_jwt_nonce);
    assert_int_equal(verify_claims(CLAIMS(ISS, SUB, AUD, EXP, IAT, "\"x\":1")),
                     cigna_jwt_nonce);

    /* after a refresh there is no nonce to check */

    expect.nonce = cigna_slice_null;
    assert_int_equal(verify_claims(CLAIMS(ISS, SUB, AUD, EXP, IAT, "\"x\":1")),
                     cigna_jwt_ok);
}


static void
a_subject_is_required(void **state)
{
    (void) state;

    assert_int_equal(verify_claims(CLAIMS(ISS, "\"x\":1", AUD, EXP, IAT,
                                          NONCE)),
                     cigna_jwt_malformed);
    assert_int_equal(verify_claims(CLAIMS(ISS, "\"sub\":\"\"", AUD, EXP, IAT,
                                          NONCE)),
                     cigna_jwt_malformed);
    assert_int_equal(verify_claims(CLAIMS(ISS, "\"sub\":5", AUD, EXP, IAT,
                                          NONCE)),
                     cigna_jwt_malformed);
}


static void
claims_that_occur_twice_are_refused_if_they_contradict(void **state)
{
    (void) state;

    assert_int_equal(verify_claims(CLAIMS(ISS, SUB, AUD, EXP, IAT, NONCE
                                          ",\"sub\":\"other\"")),
                     cigna_jwt_malformed);
    assert_int_equal(verify_claims(CLAIMS("\"\\u0073ub\":\"other\"," ISS, SUB,
                                          AUD, EXP, IAT, NONCE)),
                     cigna_jwt_malformed);
    assert_int_equal(verify_claims(CLAIMS("\"aud\":[\"other\"]," ISS, SUB,
                                          AUD, EXP, IAT, NONCE)),
                     cigna_jwt_malformed);
    assert_int_equal(verify_claims(CLAIMS("\"nonce\":\"x\"," ISS, SUB, AUD,
                                          EXP, IAT, NONCE)),
                     cigna_jwt_malformed);

    assert_int_equal(verify_claims(CLAIMS(SUB "," ISS, SUB, AUD, EXP, IAT,
                                          NONCE "," ISS)),
                     cigna_jwt_ok);
    assert_int_equal(verify_claims(CLAIMS("\"name\":1," ISS, SUB, AUD, EXP,
                                          IAT, NONCE ",\"name\":{\"sub\":1,"
                                          "\"sub\":2}")),
                     cigna_jwt_ok);
    assert_int_equal(verify_header("{\"alg\":\"ES256\",\"kid\":\"e2\","
                                   "\"kid\":\"e1\"}"),
                     cigna_jwt_malformed);
}


static void
a_byte_order_mark_and_bad_utf8_are_accepted(void **state)
{
    (void) state;

    assert_int_equal(verify_claims("\xef\xbb\xbf" GOOD), cigna_jwt_ok);
    assert_int_equal(verify_claims(CLAIMS(ISS, SUB, AUD, EXP, IAT, NONCE
                                          ",\"name\":\"Andr\xe9\"")),
                     cigna_jwt_ok);
    assert_int_equal(verify_header("\xef\xbb\xbf{\"alg\":\"ES256\"}"),
                     cigna_jwt_ok);

    /* a byte order mark does not hide a claim that occurs twice */

    assert_int_equal(verify_claims("\xef\xbb\xbf"
                                   CLAIMS(ISS, SUB, AUD, EXP, IAT, NONCE
                                          ",\"sub\":\"other\"")),
                     cigna_jwt_malformed);
}


static cigna_jwt_e
read(const char *token, const cigna_jwks_t *keys, int *good)
{
    cigna_arena_t  arena;

    static uint8_t  mem[64 * 1024];

    cigna_arena_init(&arena, mem, sizeof(mem));

    return cigna_jwt_read(guarded(token), keys, &arena, &claims, good);
}


static void
claims_can_be_read_without_being_checked(void **state)
{
    int  good;

    static const char  bare[] = "{" SUB ",\"exp\":1}";

    (void) state;

    assert_int_equal(read(jose_token(ec, ES256("e1"), bare), jwks, &good),
                     cigna_jwt_ok);
    assert_int_equal(good, 1);
    assert_slice(claims.sub, "syntheticuser05");
    assert_slice(claims.iss, "");

    assert_int_equal(read(jose_token(ec, ES256("r1"), GOOD), jwks, &good),
                     cigna_jwt_ok);
    assert_int_equal(good, 0);
    assert_slice(claims.iss, "https://as.example");

    assert_int_equal(read(jose_join(jose_text("{\"alg\":\"none\"}", GOOD),
                                    "x", 1), jwks, &good),
                     cigna_jwt_ok);
    assert_int_equal(good, 0);

    /* without a key set no signature can be known to be good */

    assert_int_equal(read(jose_token(ec, ES256("e1"), GOOD), NULL, &good),
                     cigna_jwt_ok);
    assert_int_equal(good, 0);

    assert_int_equal(read("nonsense", jwks, &good), cigna_jwt_malformed);
    assert_int_equal(read(jose_token(ec, ES256("e1"), "{" AUD "}"), jwks,
                          &good),
                     cigna_jwt_malformed);
    assert_int_equal(read(jose_token(ec, ES256("e1"),
                                     "{" SUB ",\"sub\":\"b\"}"), jwks, &good),
                     cigna_jwt_malformed);
    assert_int_equal(good, 0);
}


static void
without_published_keys_only_claims_are_checked(void **state)
{
    char  *token;

    (void) state;

    token = jose_join(jose_text(RS256("r1"), GOOD), "x", 1);

    assert_int_equal(verify(token), cigna_jwt_signature);
    assert_int_equal(verify_with(token, NULL), cigna_jwt_ok);
    assert_slice(claims.sub, "syntheticuser05");

    assert_int_equal(verify_with(jose_join(jose_text("{\"alg\":\"none\"}",
                                                     GOOD), "x", 1), NULL),
                     cigna_jwt_alg);
    assert_int_equal(verify_with(jose_join(jose_text("{\"alg\":\"HS256\"}",
                                                     GOOD), "x", 1), NULL),
                     cigna_jwt_alg);
    assert_int_equal(verify_with(jose_join(jose_text(RS256("r1"),
                                     CLAIMS(ISS, SUB, AUD, EXP, IAT,
                                            "\"nonce\":\"x\"")), "x", 1),
                                 NULL),
                     cigna_jwt_nonce);
    assert_int_equal(verify_with(jose_join(jose_text(RS256("r1"),
                                     CLAIMS(ISS, SUB, "\"aud\":\"x\"", EXP,
                                            IAT, NONCE)), "x", 1), NULL),
                     cigna_jwt_aud);
}


static void
text_that_is_not_a_jws_is_malformed(void **state)
{
    char   text[4096], *token;

    (void) state;

    token = jose_token(ec, ES256("e1"), GOOD);

    assert_int_equal(verify(""), cigna_jwt_malformed);
    assert_int_equal(verify("."), cigna_jwt_malformed);
    assert_int_equal(verify(".."), cigna_jwt_malformed);
    assert_int_equal(verify("a.b.c"), cigna_jwt_malformed);
    assert_int_equal(verify("{}.{}.{}"), cigna_jwt_malformed);

    snprintf(text, sizeof(text), "%s.AA", token);
    assert_int_equal(verify(text), cigna_jwt_malformed);

    snprintf(text, sizeof(text), "%s.", token);
    assert_int_equal(verify(text), cigna_jwt_malformed);

    snprintf(text, sizeof(text), "%s=A", token);
    assert_int_equal(verify(text), cigna_jwt_malformed);

    snprintf(text, sizeof(text), " %s", token);
    assert_int_equal(verify(text), cigna_jwt_malformed);

    snprintf(text, sizeof(text), ".%s", token);
    assert_int_equal(verify(text), cigna_jwt_malformed);
}


static void
a_token_that_is_cut_anywhere_is_refused(void **state)
{
    char             *token;
    size_t            len;
    uint8_t           mem[8192];
    cigna_jwt_e       e;
    cigna_arena_t     arena;

    (void) state;

    token = jose_token(ec, ES256("e1"), GOOD);

    for (len = 0; len < strlen(token); len++) {
        cigna_arena_init(&arena, mem, sizeof(mem));

        e = cigna_jwt_verify((cigna_slice_t) { place_at_page_end(token, len),
                                               len },
                             jwks, &expect, &arena, &claims);

        assert_true(e == cigna_jwt_malformed || e == cigna_jwt_signature);
        support_release();
    }
}


static void
a_token_is_bounded(void **state)
{
    char  *big;

    (void) state;

    big = test_malloc(CIGNA_ID_TOKEN_MAX + 2);
    memset(big, 'A', CIGNA_ID_TOKEN_MAX + 1);
    big[CIGNA_ID_TOKEN_MAX + 1] = '\0';

    assert_int_equal(verify(big), cigna_jwt_malformed);
    test_free(big);
}


static void
too_little_room_is_not_a_fault_of_the_token(void **state)
{
    char             *token;
    size_t            size;
    uint8_t           mem[4096];
    cigna_jwt_e       e;
    cigna_arena_t     arena;

    (void) state;

    token = jose_token(ec, ES256("e1"), GOOD);

    for (size = 0; ; size++) {
        cigna_arena_init(&arena, mem, size);

        e = cigna_jwt_verify(cigna_slice_str(token), jwks, &expect, &arena,
                             &claims);
        if (e == cigna_jwt_ok) {
            break;
        }

        assert_int_equal(e, cigna_jwt_failed);
        assert_slice(claims.sub, "");
    }

    assert_true(size > 0);
}


static void
each_result_has_a_word(void **state)
{
    unsigned  i;

    (void) state;

    for (i = 0; i <= cigna_jwt_failed; i++) {
        assert_non_null(cigna_jwt_name((cigna_jwt_e) i));
        assert_string_not_equal(cigna_jwt_name((cigna_jwt_e) i), "unknown");
    }

    assert_string_equal(cigna_jwt_name((cigna_jwt_e) 99), "unknown");
}


static int
setup(void **state)
{
    (void) state;

    expect = (cigna_jwt_expect_t) {
        .iss = cigna_slice("https://as.example"),
        .aud = cigna_slice("acme-client"),
        .nonce = cigna_slice("MARKER-nonce"),
        .now_s = NOW,
        .leeway_s = 60
    };

    jose_reset();

    return 0;
}


static int
teardown(void **state)
{
    (void) state;

    support_release();

    return 0;
}


static int
group_setup(void **state)
{
    char  text[8192];

    (void) state;

    rsa = EVP_RSA_gen(2048);
    rsa2 = EVP_RSA_gen(2048);
    ec = EVP_EC_gen("P-256");
    ec384 = EVP_EC_gen("P-384");
    ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

    snprintf(text, sizeof(text), "{\"keys\":[%s,%s,%s,%s,%s]}",
             jose_jwk(rsa, ",\"kid\":\"r1\",\"use\":\"sig\""),
             jose_jwk(rsa2, ",\"kid\":\"r2\",\"alg\":\"RS256\""),
             jose_jwk(ec, ",\"kid\":\"e1\""),
             jose_jwk(ec384, ",\"kid\":\"e3\""),
             jose_jwk(ed, ",\"kid\":\"d1\""));

    jwks = cigna_jwks_create(cigna_slice_str(text));

    return jwks ? 0 : -1;
}


static int
group_teardown(void **state)
{
    (void) state;

    cigna_jwks_destroy(jwks);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(rsa2);
    EVP_PKEY_free(ec);
    EVP_PKEY_free(ec384);
    EVP_PKEY_free(ed);

    return 0;
}


#define test(name)  cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(good_tokens_of_both_algorithms_pass),
        test(fhir_user_is_kept_if_it_is_text),
        test(a_signature_by_another_key_is_refused),
        test(a_changed_claim_or_header_breaks_the_signature),
        test(an_unsigned_token_is_refused),
        test(a_public_key_is_not_a_secret_of_hs256),
        test(the_algorithm_must_fit_the_key),
        test(an_unknown_key_differs_from_a_bad_signature),
        test(without_kid_every_key_that_fits_is_tried),
        test(tokens_of_every_algorithm_pass),
        test(padding_and_the_other_alphabet_are_accepted),
        test(extensions_in_the_header_are_refused),
        test(the_issuer_must_be_the_expected_one),
        test(the_audience_must_include_the_client),
        test(an_empty_client_id_matches_no_audience),
        test(times_are_checked_with_a_leeway),
        test(the_nonce_must_be_the_expected_one),
        test(a_subject_is_required),
        test(claims_that_occur_twice_are_refused_if_they_contradict),
        test(a_byte_order_mark_and_bad_utf8_are_accepted),
        test(claims_can_be_read_without_being_checked),
        test(without_published_keys_only_claims_are_checked),
        test(text_that_is_not_a_jws_is_malformed),
        test(a_token_that_is_cut_anywhere_is_refused),
        test(a_token_is_bounded),
        test(too_little_room_is_not_a_fault_of_the_token),
        test(each_result_has_a_word)
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
