
#include "jose.h"

#include "cigna_jwk.h"


static EVP_PKEY  *rsa, *ec;


static int
key_of(const char *text, cigna_jwk_t *key)
{
    int            rc;
    cigna_json_t  *doc;

    doc = cigna_json_parse(guarded(text));
    assert_non_null(doc);

    rc = cigna_jwk_init(key, doc);
    cigna_json_destroy(doc);

    return rc;
}


static int
usable(const char *text)
{
    int          rc;
    cigna_jwk_t  key;

    rc = key_of(text, &key);

    if (rc == CIGNA_OK) {
        assert_non_null(key.pkey);
        cigna_jwk_done(&key);
        cigna_jwk_done(&key);

    } else {
        assert_int_equal(rc, CIGNA_NONE);
        assert_null(key.pkey);
    }

    return rc == CIGNA_OK;
}


/* a signature in base64url over a text, by the key of a JWK */

static int
verified(const char *jwk, const char *text, const char *signature)
{
    int          rc;
    uint8_t      bytes[1024];
    cigna_buf_t  b;
    cigna_jwk_t  key;

    assert_int_equal(key_of(jwk, &key), CIGNA_OK);

    cigna_buf_init(&b, bytes, sizeof(bytes));
    assert_int_equal(cigna_base64url_decode(guarded(signature), &b), CIGNA_OK);

    rc = cigna_jwk_verify(&key, guarded(text), cigna_buf_slice(&b));
    cigna_jwk_done(&key);

    return rc;
}


#define CLAIMS                                                                \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxl"    \
    "LmNvbS9pc19yb290Ijp0cnVlfQ"


static void
the_rs256_example_of_rfc_7515_verifies(void **state)
{
    /* appendix A.2 */

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

    assert_int_equal(verified(jwk, "eyJhbGciOiJSUzI1NiJ9." CLAIMS, signature),
                     CIGNA_OK);
    assert_int_equal(verified(jwk, "eyJhbGciOiJSUzI1NiJ9." CLAIMS "A",
                              signature),
                     CIGNA_NONE);
}


static void
the_es256_example_of_rfc_7515_verifies(void **state)
{
    /* appendix A.3 */

    static const char  jwk[] = "{\"kty\":\"EC\",\"crv\":\"P-256\","
        "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
        "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}";

    static const char  signature[] =
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQ"
        "xfKTUJqPP3-Kg6NU1Q";

    (void) state;

    assert_int_equal(verified(jwk, "eyJhbGciOiJFUzI1NiJ9." CLAIMS, signature),
                     CIGNA_OK);
    assert_int_equal(verified(jwk, "eyJhbGciOiJFUzI1NiJ9." CLAIMS "A",
                              signature),
                     CIGNA_NONE);
}


static void
signatures_of_a_wrong_form_are_not_good(void **state)
{
    int          rc;
    size_t       len, i;
    uint8_t      sig[1024], zero[64] = { 0 };
    cigna_jwk_t  key;

    EVP_PKEY  *pkeys[] = { rsa, ec };

    (void) state;

    for (i = 0; i < 2; i++) {
        assert_int_equal(key_of(jose_jwk(pkeys[i], ""), &key), CIGNA_OK);
        len = jose_sign(pkeys[i], "text", sig);

        assert_int_equal(cigna_jwk_verify(&key, cigna_slice("text"),
                                          (cigna_slice_t) { sig, len }),
                         CIGNA_OK);

        rc = cigna_jwk_verify(&key, cigna_slice("text"),
                              (cigna_slice_t) { sig, len - 1 });
        assert_int_equal(rc, CIGNA_NONE);

        rc = cigna_jwk_verify(&key, cigna_slice("text"),
                              (cigna_slice_t) { sig, len + 1 });
        assert_int_equal(rc, CIGNA_NONE);

        rc = cigna_jwk_verify(&key, cigna_slice("text"), cigna_slice_null);
        assert_int_equal(rc, CIGNA_NONE);

        rc = cigna_jwk_verify(&key, cigna_slice("text"),
                              (cigna_slice_t) { zero, sizeof(zero) });
        assert_int_equal(rc, CIGNA_NONE);

        sig[len / 2] ^= 1;
        rc = cigna_jwk_verify(&key, cigna_slice("text"),
                              (cigna_slice_t) { sig, len });
        assert_int_equal(rc, CIGNA_NONE);

        cigna_jwk_done(&key);
    }
}


static void
an_ecdsa_signature_in_der_is_not_good(void **state)
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

    assert_int_equal(key_of(jose_jwk(ec, ""), &key), CIGNA_OK);
    assert_int_equal(cigna_jwk_verify(&key, cigna_slice("text"),
                                      (cigna_slice_t) { der, len }),
                     CIGNA_NONE);
    cigna_jwk_done(&key);
}


static void
a_key_has_its_kid_and_its_one_algorithm(void **state)
{
    cigna_jwk_t  key;

    (void) state;

    assert_int_equal(key_of(jose_jwk(rsa, ",\"kid\":\"k1\",\"alg\":\"RS256\","
                                          "\"use\":\"sig\""), &key),
                     CIGNA_OK);
    assert_int_equal(key.alg, cigna_alg_rs256);
    assert_slice(cigna_slice_make(key.kid, key.kid + key.kid_len), "k1");
    cigna_jwk_done(&key);

    assert_int_equal(key_of(jose_jwk(ec, ""), &key), CIGNA_OK);
    assert_int_equal(key.alg, cigna_alg_es256);
    assert_int_equal(key.kid_len, 0);
    cigna_jwk_done(&key);
}


static void
keys_that_are_not_for_verifying_are_passed_over(void **state)
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
    assert_false(usable(jose_jwk(rsa, ",\"alg\":\"PS256\"")));
    assert_false(usable(jose_jwk(rsa, ",\"alg\":\"ES256\"")));
    assert_false(usable(jose_jwk(rsa, ",\"alg\":[\"RS256\"]")));
    assert_false(usable(jose_jwk(ec, ",\"alg\":\"RS256\"")));
    assert_false(usable(jose_jwk(ec, ",\"kid\":5")));
    assert_false(usable("{\"kty\":\"oct\",\"alg\":\"HS256\"}"));
    assert_false(usable("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}"));
    assert_false(usable("{}"));
}


static void
a_key_with_secret_parts_is_not_trusted(void **state)
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
                                       "AQAB=", "AQAAAAAAAAAB" };

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

    /* a zero byte in front, as some write it, is not wrong enough */

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
algorithms_other_than_two_are_none(void **state)
{
    (void) state;

    assert_int_equal(cigna_alg_find(guarded("RS256")), cigna_alg_rs256);
    assert_int_equal(cigna_alg_find(guarded("ES256")), cigna_alg_es256);
    assert_int_equal(cigna_alg_find(guarded("none")), cigna_alg_none);
    assert_int_equal(cigna_alg_find(guarded("rs256")), cigna_alg_none);
    assert_int_equal(cigna_alg_find(guarded("HS256")), cigna_alg_none);
    assert_int_equal(cigna_alg_find(guarded("RS512")), cigna_alg_none);
    assert_int_equal(cigna_alg_find(cigna_slice_null), cigna_alg_none);
}


static void
failed_allocations_verify_nothing(void **state)
{
    int          rc;
    char        *jwk;
    size_t       len, i;
    uint8_t      sig[1024];
    unsigned     n;
    cigna_jwk_t  key;

    EVP_PKEY  *pkeys[] = { rsa, ec };

    (void) state;

    for (i = 0; i < 2; i++) {
        jwk = jose_jwk(pkeys[i], "");
        len = jose_sign(pkeys[i], "text", sig);

        for (n = 1; ; n++) {
            cigna_json_t  *doc = cigna_json_parse(cigna_slice_str(jwk));

            support_alloc_fail(n);
            rc = cigna_jwk_init(&key, doc);
            cigna_json_destroy(doc);

            if (!support_alloc_failed()) {
                break;
            }

            if (rc == CIGNA_OK) {
                cigna_jwk_done(&key);
            }
        }

        assert_int_equal(rc, CIGNA_OK);

        sig[0] ^= 1;

        for (n = 1; ; n++) {
            support_alloc_fail(n);
            rc = cigna_jwk_verify(&key, cigna_slice("text"),
                                  (cigna_slice_t) { sig, len });
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

    return (rsa && ec) ? 0 : -1;
}


static int
teardown(void **state)
{
    (void) state;

    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ec);

    return 0;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(the_rs256_example_of_rfc_7515_verifies),
        cmocka_unit_test(the_es256_example_of_rfc_7515_verifies),
        cmocka_unit_test(signatures_of_a_wrong_form_are_not_good),
        cmocka_unit_test(an_ecdsa_signature_in_der_is_not_good),
        cmocka_unit_test(a_key_has_its_kid_and_its_one_algorithm),
        cmocka_unit_test(keys_that_are_not_for_verifying_are_passed_over),
        cmocka_unit_test(a_key_with_secret_parts_is_not_trusted),
        cmocka_unit_test(rsa_keys_are_neither_short_nor_trivial),
        cmocka_unit_test(points_that_are_not_on_the_curve_are_refused),
        cmocka_unit_test(algorithms_other_than_two_are_none),
        cmocka_unit_test(failed_allocations_verify_nothing)
    };

    support_alloc_init();

    return cmocka_run_group_tests(tests, setup, teardown);
}
