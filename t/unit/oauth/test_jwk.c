
#include "jose.h"

#include "oauth/cigna_jwk.h"


static EVP_PKEY  *rsa, *ec, *ec384, *ed;


static cigna_jwk_e
key_of(const char *text, cigna_jwk_t *key)
{
    cigna_jwk_e    rc;
    cigna_json_t  *doc;

    doc = cigna_json_read(guarded(text));
    assert_non_null(doc);

    rc = cigna_jwk_init(key, doc);
    cigna_json_destroy(doc);

    return rc;
}


static cigna_jwk_e
state_of(const char *text)
{
    cigna_jwk_e  e;
    cigna_jwk_t  key;

    e = key_of(text, &key);

    if (e == cigna_jwk_ok) {
        assert_non_null(key.pkey);
        cigna_jwk_done(&key);
        cigna_jwk_done(&key);

    } else {
        assert_null(key.pkey);
    }

    return e;
}


static int
usable(const char *text)
{
    return state_of(text) == cigna_jwk_ok;
}


/*
 * verifies a signature, given in base64url, of the text with the key of a JWK
 */

static int
verified(const char *jwk, cigna_alg_e alg, const char *text,
    const char *signature)
{
    int          rc;
    uint8_t      bytes[1024];
    cigna_buf_t  b;
    cigna_jwk_t  key;

    assert_int_equal(key_of(jwk, &key), cigna_jwk_ok);

    cigna_buf_init(&b, bytes, sizeof(bytes));
    assert_int_equal(cigna_base64url_decode(guarded(signature), &b), CIGNA_OK);

    rc = cigna_jwk_verify(&key, alg, guarded(text), cigna_buf_slice(&b));
    cigna_jwk_done(&key);

    return rc;
}


#define CLAIMS                                                                \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxl"    \
    "LmNvbS9pc19yb290Ijp0cnVlfQ"


static void
the_rs256_example_of_rfc_7515_verifies(void **state)
{
    /* RFC 7515, appendix A.2 */

    static const char  jwk[] = "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\""
        "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw"
        "-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b3269"
        "0r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS"
        "-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aG"
        "hyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXp"
        "oQ\"}";

    static const char  signature[] =
        "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuH"
        "Im4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdi"
        "uB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN"
        "9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2"
        "w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77"
        "Rw";

    (void) state;

    assert_int_equal(verified(jwk, cigna_alg_rs256,
                              "eyJhbGciOiJSUzI1NiJ9." CLAIMS, signature),
                     CIGNA_OK);
    assert_int_equal(verified(jwk, cigna_alg_rs256,
                              "eyJhbGciOiJSUzI1NiJ9." CLAIMS "A", signature),
                     CIGNA_NONE);
}


static void
the_es256_example_of_rfc_7515_verifies(void **state)
{
    /* RFC 7515, appendix A.3 */

    static const char  jwk[] = "{\"kty\":\"EC\",\"crv\":\"P-256\","
        "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
        "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}";

    static const char  signature[] =
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQ"
        "xfKTUJqPP3-Kg6NU1Q";

    (void) state;

    assert_int_equal(verified(jwk, cigna_alg_es256,
                              "eyJhbGciOiJFUzI1NiJ9." CLAIMS, signature),
                     CIGNA_OK);
    assert_int_equal(verified(jwk, cigna_alg_es256,
                              "eyJhbGciOiJFUzI1NiJ9." CLAIMS "A", signature),
                     CIGNA_NONE);
}


/* all algorithms, each with a private key that can sign with it */

static const struct {
    const char    *name;
    cigna_alg_e    alg;
    EVP_PKEY     **pkey;
    const char    *digest;
    int            pss;
} algs[] = {
    { "RS256", cigna_alg_rs256, &rsa, "SHA256", 0 },
    { "RS384", cigna_alg_rs384, &rsa, "SHA384", 0 },
    { "RS512", cigna_alg_rs512, &rsa, "SHA512", 0 },
    { "PS256", cigna_alg_ps256, &rsa, "SHA256", 1 },
    { "PS384", cigna_alg_ps384, &rsa, "SHA384", 1 },
    { "PS512", cigna_alg_ps512, &rsa, "SHA512", 1 },
    { "ES256", cigna_alg_es256, &ec, "SHA256", 0 },
    { "ES384", cigna_alg_es384, &ec384, "SHA384", 0 },
    { "EdDSA", cigna_alg_eddsa, &ed, NULL, 0 }
};

#define NALGS  (sizeof(algs) / sizeof(algs[0]))


static size_t
sign(size_t i, uint8_t sig[1024])
{
    return jose_sign_as(*algs[i].pkey, algs[i].digest, algs[i].pss, "text",
                        sig);
}


static int
checked(const cigna_jwk_t *key, size_t i, const uint8_t *sig, size_t len)
{
    return cigna_jwk_verify(key, algs[i].alg, cigna_slice("text"),
                            (cigna_slice_t) { sig, len });
}


static void
malformed_signatures_are_bad(void **state)
{
    size_t       len, i;
    uint8_t      sig[1024], zero[64] = { 0 };
    cigna_jwk_t  key;

    (void) state;

    for (i = 0; i < NALGS; i++) {
        assert_int_equal(key_of(jose_jwk(*algs[i].pkey, ""), &key),
                         cigna_jwk_ok);
        len = sign(i, sig);

        assert_int_equal(checked(&key, i, sig, len), CIGNA_OK);
        assert_int_equal(checked(&key, i, sig, len - 1), CIGNA_NONE);
        assert_int_equal(checked(&key, i, sig, len + 1), CIGNA_NONE);
        assert_int_equal(checked(&key, i, NULL, 0), CIGNA_NONE);
        assert_int_equal(checked(&key, i, zero, sizeof(zero)), CIGNA_NONE);

        sig[len / 2] ^= 1;
        assert_int_equal(checked(&key, i, sig, len), CIGNA_NONE);

        cigna_jwk_done(&key);
    }
}


static void
each_algorithm_verifies_its_own_signatures_only(void **state)
{
    char         more[64];
    size_t       len, i, k;
    uint8_t      sig[1024];
    cigna_jwk_t  key, own;

    (void) state;

    for (i = 0; i < NALGS; i++) {
        len = sign(i, sig);
        snprintf(more, sizeof(more), ",\"alg\":\"%s\"", algs[i].name);

        assert_int_equal(key_of(jose_jwk(*algs[i].pkey, ""), &key),
                         cigna_jwk_ok);
        assert_int_equal(key_of(jose_jwk(*algs[i].pkey, more), &own),
                         cigna_jwk_ok);
        assert_int_equal(own.alg, algs[i].alg);

        for (k = 0; k < NALGS; k++) {
            assert_int_equal(checked(&key, k, sig, len),
                             k == i ? CIGNA_OK : CIGNA_NONE);
            assert_int_equal(checked(&own, k, sig, len),
                             k == i ? CIGNA_OK : CIGNA_NONE);
            assert_int_equal(cigna_jwk_fits(&own, algs[k].alg), k == i);
            assert_int_equal(cigna_jwk_fits(&key, algs[k].alg),
                             *algs[k].pkey == *algs[i].pkey);
        }

        assert_false(cigna_jwk_fits(&key, cigna_alg_none));
        assert_false(cigna_jwk_fits(&key, cigna_alg_max));

        cigna_jwk_done(&key);
        cigna_jwk_done(&own);
    }
}


static void
pss_with_a_salt_of_another_length_is_bad(void **state)
{
    size_t         len;
    uint8_t        sig[1024];
    EVP_MD_CTX    *ctx;
    EVP_PKEY_CTX  *pctx;
    cigna_jwk_t    key;

    (void) state;

    len = sizeof(sig);
    ctx = EVP_MD_CTX_new();
    EVP_DigestSignInit(ctx, &pctx, EVP_sha256(), NULL, rsa);
    EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING);
    EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, 20);
    EVP_DigestSign(ctx, sig, &len, (const uint8_t *) "text", 4);
    EVP_MD_CTX_free(ctx);

    assert_int_equal(key_of(jose_jwk(rsa, ""), &key), cigna_jwk_ok);
    assert_int_equal(checked(&key, 3, sig, len), CIGNA_NONE);
    cigna_jwk_done(&key);
}


static void
the_eddsa_example_of_rfc_8037_verifies(void **state)
{
    /* RFC 8037, appendices A.2 and A.4 */

    static const char  jwk[] = "{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
        "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}";

    static const char  signature[] =
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsP"
        "t9g7sVvpAr_MuM0KAg";

    (void) state;

    assert_int_equal(verified(jwk, cigna_alg_eddsa,
                              "eyJhbGciOiJFZERTQSJ9."
                              "RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
                              signature),
                     CIGNA_OK);
    assert_int_equal(verified(jwk, cigna_alg_eddsa,
                              "eyJhbGciOiJFZERTQSJ9."
                              "RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbm",
                              signature),
                     CIGNA_NONE);
}


static void
ed25519_keys_have_one_length_and_no_small_order(void **state)
{
    char      text[512];
    size_t    i;
    uint8_t   point[32];

    (void) state;

#define okp(crv, x)                                                           \
    (snprintf(text, sizeof(text), "{\"kty\":\"OKP\",\"crv\":\"%s\","          \
              "\"x\":\"%s\"}", crv, x), text)

    assert_true(usable(okp("Ed25519", jose_raw_key(ed))));
    assert_int_equal(state_of(okp("Ed448", jose_raw_key(ed))),
                     cigna_jwk_kind);
    assert_int_equal(state_of(okp("X25519", jose_raw_key(ed))),
                     cigna_jwk_kind);
    assert_int_equal(state_of(okp("Ed25519", "AA")), cigna_jwk_broken);
    assert_int_equal(state_of("{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}"),
                     cigna_jwk_broken);

    /* y coordinates 0, 1, p - 1, p and p + 1, with either sign of x */

    for (i = 0; i < 10; i++) {
        memset(point, i < 4 ? 0 : 0xff, 32);

        if (i < 4) {
            point[0] = i / 2;

        } else {
            point[0] = (uint8_t) (0xec + (i - 4) / 2);
            point[31] = 0x7f;
        }

        point[31] |= (uint8_t) (i % 2 << 7);

        assert_int_equal(state_of(okp("Ed25519", jose_base64url(point, 32))),
                         cigna_jwk_weak);
    }
}


static void
base64_of_a_key_may_be_padded_or_in_the_other_alphabet(void **state)
{
    char    text[4096], n[1024], x[128], y[128], *p;
    size_t  i;

    (void) state;

    /* padding, and "+" and "/" instead of "-" and "_" */

    snprintf(n, sizeof(n), "%s==", jose_number(rsa, OSSL_PKEY_PARAM_RSA_N, 0));
    snprintf(x, sizeof(x), "%s=", jose_number(ec, OSSL_PKEY_PARAM_EC_PUB_X,
                                              32));
    snprintf(y, sizeof(y), "%s=", jose_number(ec, OSSL_PKEY_PARAM_EC_PUB_Y,
                                              32));

    for (i = 0; i < 3; i++) {
        for (p = i == 0 ? n : i == 1 ? x : y; *p; p++) {
            *p = *p == '-' ? '+' : *p == '_' ? '/' : *p;
        }
    }

    assert_non_null(strpbrk(n, "+/"));

    snprintf(text, sizeof(text), "{\"kty\":\"RSA\",\"n\":\"%s\","
             "\"e\":\"AQAB\"}", n);
    assert_true(usable(text));

    snprintf(text, sizeof(text), "{\"kty\":\"EC\",\"crv\":\"P-256\","
             "\"x\":\"%s\",\"y\":\"%s\"}", x, y);
    assert_true(usable(text));
}


static void
coordinates_may_have_leading_zeros_or_lack_them(void **state)
{
    char       text[1024];
    BIGNUM    *n;
    uint8_t    bytes[33];
    unsigned   tries;
    EVP_PKEY  *pkey;

    (void) state;

    snprintf(text, sizeof(text), "{\"kty\":\"EC\",\"crv\":\"P-256\","
             "\"x\":\"%s\",\"y\":\"%s\"}",
             jose_number(ec, OSSL_PKEY_PARAM_EC_PUB_X, 33),
             jose_number(ec, OSSL_PKEY_PARAM_EC_PUB_Y, 40));
    assert_true(usable(text));

    /* about one key of 256 has an x of less than 32 bytes */

    for (tries = 0; tries < 10000; tries++) {
        pkey = EVP_EC_gen("P-256");
        n = NULL;
        assert_int_equal(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_EC_PUB_X,
                                               &n),
                         1);

        if (BN_num_bytes(n) < 32) {
            snprintf(text, sizeof(text),
                     "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\","
                     "\"y\":\"%s\"}",
                     jose_base64url(bytes, (size_t) BN_bn2bin(n, bytes)),
                     jose_number(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, 32));
            assert_true(usable(text));
            tries = 10000;
        }

        BN_free(n);
        EVP_PKEY_free(pkey);
    }

    assert_int_equal(tries, 10001);
}


static void
duplicate_and_unknown_members_are_accepted(void **state)
{
    cigna_jwk_t  key;

    (void) state;

    assert_true(usable(jose_jwk(rsa, ",\"kty\":\"RSA\",\"e\":\"AQAB\"")));
    assert_true(usable(jose_jwk(rsa, ",\"x5t\":5,\"x5c\":{},\"exp\":null")));
    assert_true(usable(jose_jwk(rsa, ",\"use\":\"enc\",\"use\":\"sig\"")));
    assert_false(usable(jose_jwk(rsa, ",\"use\":\"sig\",\"use\":\"enc\"")));
    assert_false(usable(jose_jwk(rsa, ",\"d\":\"AQAB\",\"d\":\"AQAB\"")));

    /* a kid that cannot be read counts as absent */

    assert_int_equal(key_of(jose_jwk(ec, ",\"kid\":5"), &key), cigna_jwk_ok);
    assert_int_equal(key.kid_len, 0);
    cigna_jwk_done(&key);
}


static void
a_key_that_is_not_usable_has_a_reason(void **state)
{
    unsigned     e;
    cigna_jwk_t  key;

    (void) state;

    assert_int_equal(cigna_jwk_init(&key, NULL), cigna_jwk_object);
    assert_int_equal(state_of("{\"kty\":\"EC\",\"crv\":\"P-521\"}"),
                     cigna_jwk_kind);
    assert_int_equal(state_of("{\"kty\":\"oct\",\"k\":\"AA\"}"),
                     cigna_jwk_secret);
    assert_int_equal(state_of(jose_jwk(ec, ",\"use\":\"enc\"")),
                     cigna_jwk_use);
    assert_int_equal(state_of(jose_jwk(ec, ",\"alg\":\"ES384\"")),
                     cigna_jwk_alg);
    assert_int_equal(state_of("{\"kty\":\"RSA\",\"n\":\"AQAB\","
                              "\"e\":\"AQAB\"}"), cigna_jwk_weak);
    assert_int_equal(state_of("{\"kty\":\"RSA\",\"e\":\"AQAB\"}"),
                     cigna_jwk_broken);

    for (e = 0; e < cigna_jwk_max; e++) {
        assert_string_not_equal(cigna_jwk_name((cigna_jwk_e) e), "unknown");
    }

    assert_string_equal(cigna_jwk_name((cigna_jwk_e) 99), "unknown");
}


static void
an_ecdsa_signature_in_der_is_bad(void **state)
{
    size_t        len;
    uint8_t       der[128];
    EVP_MD_CTX   *ctx;
    cigna_jwk_t   key;

    (void) state;

    len = sizeof(der);
    ctx = EVP_MD_CTX_new();
    EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, ec);
    EVP_DigestSign(ctx, der, &len, (const uint8_t *) "text", 4);
    EVP_MD_CTX_free(ctx);

    assert_int_equal(key_of(jose_jwk(ec, ""), &key), cigna_jwk_ok);
    assert_int_equal(cigna_jwk_verify(&key, cigna_alg_es256,
                                      cigna_slice("text"),
                                      (cigna_slice_t) { der, len }),
                     CIGNA_NONE);
    cigna_jwk_done(&key);
}


static void
a_key_has_a_kind_and_maybe_a_kid_and_an_algorithm(void **state)
{
    cigna_jwk_t  key;

    (void) state;

    assert_int_equal(key_of(jose_jwk(rsa, ",\"kid\":\"k1\",\"alg\":\"RS256\","
                                          "\"use\":\"sig\""), &key),
                     cigna_jwk_ok);
    assert_int_equal(key.alg, cigna_alg_rs256);
    assert_slice(cigna_slice_make(key.kid, key.kid + key.kid_len), "k1");
    cigna_jwk_done(&key);

    assert_int_equal(key_of(jose_jwk(ec, ""), &key), cigna_jwk_ok);
    assert_int_equal(key.alg, cigna_alg_none);
    assert_int_equal(key.kind, cigna_kind_p256);
    assert_int_equal(key.kid_len, 0);
    cigna_jwk_done(&key);
}


static void
keys_that_are_not_for_verifying_are_not_usable(void **state)
{
    (void) state;

    assert_true(usable(jose_jwk(rsa, ",\"key_ops\":[\"verify\"]")));
    assert_true(usable(jose_jwk(rsa, ",\"use\":null,\"alg\":null")));

    assert_false(usable(jose_jwk(rsa, ",\"use\":\"enc\"")));
    assert_false(usable(jose_jwk(rsa, ",\"use\":5")));
    assert_false(usable(jose_jwk(rsa, ",\"key_ops\":[]")));
    assert_false(usable(jose_jwk(rsa, ",\"key_ops\":[\"encrypt\",5]")));
    assert_false(usable(jose_jwk(rsa, ",\"key_ops\":\"verify\"")));
    assert_false(usable(jose_jwk(rsa, ",\"alg\":\"RSA-OAEP\"")));
    assert_false(usable(jose_jwk(rsa, ",\"alg\":\"HS256\"")));
    assert_false(usable(jose_jwk(rsa, ",\"alg\":\"ES256\"")));
    assert_false(usable(jose_jwk(rsa, ",\"alg\":[\"RS256\"]")));
    assert_false(usable(jose_jwk(ec, ",\"alg\":\"RS256\"")));
    assert_false(usable("{\"kty\":\"oct\",\"alg\":\"HS256\"}"));
    assert_false(usable("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}"));
    assert_false(usable("{}"));
}


static void
a_key_with_secret_parts_is_not_usable(void **state)
{
    (void) state;

    assert_false(usable(jose_jwk(rsa, ",\"d\":\"AQAB\"")));
    assert_false(usable(jose_jwk(rsa, ",\"p\":\"AQAB\"")));
    assert_false(usable(jose_jwk(ec, ",\"d\":\"AQAB\"")));
    assert_false(usable(jose_jwk(ec, ",\"d\":5")));
    assert_false(usable(jose_jwk(rsa, ",\"k\":\"AQAB\"")));
}


static void
rsa_keys_are_neither_short_nor_trivial(void **state)
{
    char       text[4096];
    unsigned   i;
    EVP_PKEY  *small;

    static const char *exponents[] = { "AQ", "Ag", "AA", "", "AQAA", "A Q",
                                       "AQ=AB", "AQAAAAAAAAAB" };

    (void) state;

    assert_true(usable(jose_jwk(rsa, "")));

    small = EVP_RSA_gen(1024);
    assert_false(usable(jose_jwk(small, "")));
    EVP_PKEY_free(small);

    for (i = 0; i < sizeof(exponents) / sizeof(exponents[0]); i++) {
        snprintf(text, sizeof(text),
                 "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"}",
                 jose_number(rsa, OSSL_PKEY_PARAM_RSA_N, 0), exponents[i]);
        assert_false(usable(text));
    }

    /*
     * a zero byte in front of the modulus, as some servers write it, is
     * accepted
     */

    snprintf(text, sizeof(text), "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"}",
             jose_number(rsa, OSSL_PKEY_PARAM_RSA_N, 257), "AQAB");
    assert_true(usable(text));

    assert_false(usable("{\"kty\":\"RSA\",\"e\":\"AQAB\"}"));
    assert_false(usable("{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":5}"));

    snprintf(text, sizeof(text),
             "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"%0*d\"}", 1400, 0);
    assert_false(usable(text));
}


static void
points_that_are_not_on_the_curve_are_refused(void **state)
{
    char  text[1024], *x, *y;

    (void) state;

    x = jose_number(ec, OSSL_PKEY_PARAM_EC_PUB_X, 32);
    y = jose_number(ec, OSSL_PKEY_PARAM_EC_PUB_Y, 32);

#define ec_key(crv, x, y)                                                     \
    (snprintf(text, sizeof(text), "{\"kty\":\"EC\",\"crv\":\"%s\","           \
              "\"x\":\"%s\",\"y\":\"%s\"}", crv, x, y), text)

    assert_true(usable(ec_key("P-256", x, y)));
    assert_false(usable(ec_key("P-256", x, x)));
    assert_false(usable(ec_key("P-384", x, y)));
    assert_false(usable(ec_key("secp256k1", x, y)));
    assert_false(usable(ec_key("P-256", x, "AA")));
    assert_false(usable(ec_key("P-256", "AA", y)));
    assert_false(usable(ec_key("P-256", x, "")));
    assert_false(usable(ec_key("P-256",
                     "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                     "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")));
    assert_false(usable("{\"kty\":\"EC\",\"crv\":\"P-256\"}"));
}


static void
unknown_algorithms_are_not_supported(void **state)
{
    size_t  i;

    static const char  *names[] = {
        "none", "None", "rs256", "HS256", "HS384", "HS512", "ES512", "ES256K",
        "RS1", "RSA-OAEP", "Ed448", "RS2566", ""
    };

    (void) state;

    for (i = 0; i < NALGS; i++) {
        assert_int_equal(cigna_alg_find(guarded(algs[i].name)), algs[i].alg);
    }

    assert_int_equal(cigna_alg_find(guarded("Ed25519")), cigna_alg_eddsa);

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(cigna_alg_find(guarded(names[i])), cigna_alg_none);
    }
}


static void
failed_allocations_verify_nothing(void **state)
{
    int          rc;
    char        *jwk;
    size_t       len, i;
    uint8_t      sig[1024];
    unsigned     n;
    cigna_jwk_e  e;
    cigna_jwk_t  key;

    (void) state;

    for (i = 0; i < NALGS; i++) {
        jwk = jose_jwk(*algs[i].pkey, "");
        len = sign(i, sig);

        for (n = 1; ; n++) {
            cigna_json_t  *doc = cigna_json_parse(cigna_slice_str(jwk));

            support_alloc_fail(n);
            e = cigna_jwk_init(&key, doc);
            cigna_json_destroy(doc);

            if (!support_alloc_failed()) {
                break;
            }

            if (e == cigna_jwk_ok) {
                cigna_jwk_done(&key);
            }
        }

        assert_int_equal(e, cigna_jwk_ok);

        sig[0] ^= 1;

        for (n = 1; ; n++) {
            support_alloc_fail(n);
            rc = checked(&key, i, sig, len);
            assert_int_not_equal(rc, CIGNA_OK);

            if (!support_alloc_failed()) {
                break;
            }
        }

        assert_int_equal(rc, CIGNA_NONE);
        cigna_jwk_done(&key);
    }
}


static int
setup(void **state)
{
    (void) state;

    rsa = EVP_RSA_gen(2048);
    ec = EVP_EC_gen("P-256");
    ec384 = EVP_EC_gen("P-384");
    ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

    return (rsa && ec && ec384 && ed) ? 0 : -1;
}


static int
teardown(void **state)
{
    (void) state;

    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ec);
    EVP_PKEY_free(ec384);
    EVP_PKEY_free(ed);

    return 0;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(the_rs256_example_of_rfc_7515_verifies),
        cmocka_unit_test(the_es256_example_of_rfc_7515_verifies),
        cmocka_unit_test(the_eddsa_example_of_rfc_8037_verifies),
        cmocka_unit_test(malformed_signatures_are_bad),
        cmocka_unit_test(
            each_algorithm_verifies_its_own_signatures_only),
        cmocka_unit_test(pss_with_a_salt_of_another_length_is_bad),
        cmocka_unit_test(
            ed25519_keys_have_one_length_and_no_small_order),
        cmocka_unit_test(
            base64_of_a_key_may_be_padded_or_in_the_other_alphabet),
        cmocka_unit_test(coordinates_may_have_leading_zeros_or_lack_them),
        cmocka_unit_test(duplicate_and_unknown_members_are_accepted),
        cmocka_unit_test(a_key_that_is_not_usable_has_a_reason),
        cmocka_unit_test(an_ecdsa_signature_in_der_is_bad),
        cmocka_unit_test(
            a_key_has_a_kind_and_maybe_a_kid_and_an_algorithm),
        cmocka_unit_test(keys_that_are_not_for_verifying_are_not_usable),
        cmocka_unit_test(a_key_with_secret_parts_is_not_usable),
        cmocka_unit_test(rsa_keys_are_neither_short_nor_trivial),
        cmocka_unit_test(points_that_are_not_on_the_curve_are_refused),
        cmocka_unit_test(unknown_algorithms_are_not_supported),
        cmocka_unit_test(failed_allocations_verify_nothing)
    };

    support_alloc_init();

    return cmocka_run_group_tests(tests, setup, teardown);
}
