
#include "jose.h"

#include "oauth/cigna_jwks.h"


static EVP_PKEY  *ec, *other, *third, *rsa;


static cigna_jwks_t *
set_of(const char *keys)
{
    int   len;
    char  text[64 * 1024];

    len = snprintf(text, sizeof(text), "{\"keys\":[%s]}", keys);
    assert_in_range(len, 1, sizeof(text) - 1);

    return cigna_jwks_create(guarded(text));
}


static size_t
usable(const char *keys)
{
    size_t         n;
    cigna_jwks_t  *jwks;

    jwks = set_of(keys);
    assert_non_null(jwks);
    n = cigna_jwks_count(jwks);
    cigna_jwks_destroy(jwks);

    return n;
}


static char *
key(const char *more)
{
    return jose_jwk(ec, more);
}


static void
usable_keys_are_kept_and_others_are_skipped(void **state)
{
    char  text[4096];

    (void) state;

    snprintf(text, sizeof(text), "5,null,{},[],{\"kty\":\"oct\",\"k\":\"AA\"},"
             "%s,%s", key(",\"use\":\"enc\""), key(",\"kid\":\"a\""));

    assert_int_equal(usable(text), 1);
}


static void
a_document_without_keys_is_refused(void **state)
{
    unsigned  i;

    static const char *texts[] = {
        "", "{}", "[]", "null", "<html>", "{\"keys\":{}}", "{\"keys\":null}",
        "{\"keys\":\"\"}", "\xef\xbb\xbf"
    };

    (void) state;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_null(cigna_jwks_create(guarded(texts[i])));
    }

    cigna_jwks_destroy(NULL);
}


static void
shape_is(const char *keys, const char *shape)
{
    char           text[256];
    cigna_buf_t    b;
    cigna_jwks_t  *jwks;

    jwks = set_of(keys);
    assert_non_null(jwks);

    cigna_buf_init(&b, text, sizeof(text));
    cigna_jwks_append_shape(jwks, &b);
    assert_slice(cigna_buf_slice(&b), shape);

    cigna_jwks_destroy(jwks);
}


static void
a_set_without_usable_keys_says_why(void **state)
{
    char  text[4096];

    (void) state;

    shape_is("", "0 keys");
    shape_is("{}", "1 key, 1 unknown kind");
    shape_is("{\"kty\":\"oct\",\"k\":\"AA\"},5,6",
             "3 keys, 2 no object, 1 secret");
    assert_int_equal(usable("{},5"), 0);

    snprintf(text, sizeof(text), "%s,{}", key(""));
    shape_is(text, "2 keys, 1 usable, 1 unknown kind");
}


static void
a_set_that_is_cut_is_refused(void **state)
{
    int     len, n;
    char    text[1024];

    (void) state;

    len = snprintf(text, sizeof(text), "{\"keys\":[%s]}", key(""));

    for (n = 0; n < len; n++) {
        assert_null(cigna_jwks_create((cigna_slice_t)
                              { place_at_page_end(text, (size_t) n),
                                (size_t) n }));
        support_release();
    }
}


static void
a_set_is_bounded(void **state)
{
    char      text[64 * 1024], kid[32];
    size_t    len;
    unsigned  i;

    (void) state;

    len = 0;

    for (i = 0; i < CIGNA_JWKS_KEYS_MAX + 8; i++) {
        snprintf(kid, sizeof(kid), ",\"kid\":\"k%u\"", i);
        len += (size_t) snprintf(text + len, sizeof(text) - len, "%s%s",
                                 i ? "," : "", key(kid));
    }

    assert_int_equal(usable(text), CIGNA_JWKS_KEYS_MAX);
}


/* signs "text" with the private key, and verifies it with the set "keys" */

static cigna_jwks_e
verify(const char *keys, EVP_PKEY *pkey, const char *kid, cigna_alg_e alg)
{
    size_t         len;
    uint8_t        sig[1024];
    cigna_jwks_e   e;
    cigna_jwks_t  *jwks;

    jwks = set_of(keys);
    assert_non_null(jwks);

    len = jose_sign(pkey, "text", sig);
    e = cigna_jwks_verify(jwks, guarded(kid), alg, cigna_slice("text"),
                          (cigna_slice_t) { sig, len });

    cigna_jwks_destroy(jwks);

    return e;
}


#define es256(keys, pkey, kid)  verify(keys, pkey, kid, cigna_alg_es256)


static const char *
two(const char *a, const char *b)
{
    static char  text[16 * 1024];

    snprintf(text, sizeof(text), "%s,%s", a, b);

    return text;
}


static void
a_key_is_found_by_kid_and_algorithm(void **state)
{
    const char  *keys;

    (void) state;

    keys = two(key(",\"kid\":\"a\""), jose_jwk(other, ",\"kid\":\"b\""));

    assert_int_equal(es256(keys, ec, "a"), cigna_jwks_good);
    assert_int_equal(es256(keys, other, "b"), cigna_jwks_good);
    assert_int_equal(es256(keys, ec, "b"), cigna_jwks_bad);
    assert_int_equal(es256(keys, ec, "c"), cigna_jwks_unknown);
    assert_int_equal(es256(keys, ec, "A"), cigna_jwks_unknown);
    assert_int_equal(es256(keys, ec, "aa"), cigna_jwks_unknown);
    assert_int_equal(verify(keys, rsa, "a", cigna_alg_rs256),
                     cigna_jwks_other);
    assert_int_equal(verify(keys, rsa, "c", cigna_alg_rs256),
                     cigna_jwks_unknown);
    assert_int_equal(verify(keys, ec, "a", cigna_alg_none), cigna_jwks_other);
    assert_int_equal(verify(keys, ec, "", cigna_alg_none),
                     cigna_jwks_unknown);
}


static void
without_kid_every_key_that_fits_is_tried(void **state)
{
    const char  *keys;

    (void) state;

    keys = two(key(",\"kid\":\"a\""), jose_jwk(other, ""));

    assert_int_equal(es256(keys, ec, ""), cigna_jwks_good);
    assert_int_equal(es256(keys, other, ""), cigna_jwks_good);
    assert_int_equal(es256(keys, third, ""), cigna_jwks_bad);
    assert_int_equal(verify(keys, rsa, "", cigna_alg_rs256),
                     cigna_jwks_unknown);
    assert_int_equal(es256("", ec, ""), cigna_jwks_unknown);
}


static void
a_key_without_kid_is_tried_for_a_token_that_names_one(void **state)
{
    const char  *keys;

    (void) state;

    assert_int_equal(es256(key(""), ec, "a"), cigna_jwks_good);
    assert_int_equal(es256(key(",\"kid\":\"\""), ec, "a"), cigna_jwks_good);
    assert_int_equal(es256(key(",\"kid\":7"), ec, "a"), cigna_jwks_good);

    keys = two(jose_jwk(other, ""), key(",\"kid\":\"a\""));
    assert_int_equal(es256(keys, ec, "a"), cigna_jwks_good);
    assert_int_equal(es256(keys, other, "a"), cigna_jwks_good);
    assert_int_equal(es256(keys, other, "b"), cigna_jwks_good);
    assert_int_equal(es256(keys, ec, "b"), cigna_jwks_bad);

    /* the key without kid is not tried if the token's kid names another key */

    keys = two(key(""), jose_jwk(rsa, ",\"kid\":\"r\""));
    assert_int_equal(es256(keys, ec, "r"), cigna_jwks_other);
}


static void
two_keys_with_one_kid_are_both_tried(void **state)
{
    const char  *keys;

    (void) state;

    keys = two(key(",\"kid\":\"a\""), jose_jwk(other, ",\"kid\":\"a\""));

    assert_int_equal(es256(keys, ec, "a"), cigna_jwks_good);
    assert_int_equal(es256(keys, other, "a"), cigna_jwks_good);
    assert_int_equal(es256(keys, third, "a"), cigna_jwks_bad);

    keys = two(jose_jwk(rsa, ",\"kid\":\"a\""), key(",\"kid\":\"a\""));
    assert_int_equal(es256(keys, ec, "a"), cigna_jwks_good);
    assert_int_equal(verify(keys, rsa, "a", cigna_alg_rs256),
                     cigna_jwks_good);
}


static void
a_key_that_occurs_twice_counts_once(void **state)
{
    (void) state;

    assert_int_equal(usable(two(key(""), key(""))), 1);
    assert_int_equal(usable(two(key(",\"kid\":\"a\""),
                                key(",\"kid\":\"a\",\"use\":\"sig\""))), 1);
    assert_int_equal(usable(two(key(",\"kid\":\"a\""), key(""))), 2);
    assert_int_equal(usable(two(key(""), key(",\"alg\":\"ES256\""))), 2);
}


static void
the_number_of_keys_tried_is_bounded(void **state)
{
    char       text[64 * 1024];
    size_t     len;
    unsigned   i;
    EVP_PKEY  *pkey;

    (void) state;

    len = 0;

    for (i = 1; i < CIGNA_JWKS_CHECKS_MAX; i++) {
        pkey = EVP_EC_gen("P-256");
        len += (size_t) snprintf(text + len, sizeof(text) - len, "%s,",
                                 jose_jwk(pkey, ""));
        EVP_PKEY_free(pkey);
    }

    snprintf(text + len, sizeof(text) - len, "%s,%s", key(""),
             jose_jwk(other, ""));

    assert_int_equal(es256(text, ec, ""), cigna_jwks_good);
    assert_int_equal(es256(text, other, ""), cigna_jwks_bad);
}


static void
a_key_after_two_hundred_others_is_found_by_its_kid(void **state)
{
    char      text[64 * 1024], kid[32];
    size_t    len;
    unsigned  i;

    (void) state;

    len = 0;

    for (i = 0; i < 200; i++) {
        snprintf(kid, sizeof(kid), ",\"kid\":\"k%u\"", i);
        len += (size_t) snprintf(text + len, sizeof(text) - len, "%s,",
                                 jose_jwk(other, kid));
    }

    snprintf(text + len, sizeof(text) - len, "%s", key(",\"kid\":\"a\""));

    assert_int_equal(es256(text, ec, "a"), cigna_jwks_good);
}


static void
a_broken_key_does_not_affect_the_others(void **state)
{
    size_t  i;

    static const char *broken[] = {
        "{\"kty\":\"RSA\",\"n\":\"*\",\"e\":\"AQAB\",\"kid\":\"a\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\","
        "\"kid\":\"a\"}",
        "{\"kty\":\"EC\",\"kty\":\"EC\",\"kid\":\"a\",\"kid\":\"a\"}",
        "{\"kty\":\"PQC\",\"kid\":\"a\"}", "{\"kty\":5,\"x\":\"\\u0000\"}",
        "null", "[]", "7", "\"\"", "{\"owner\":\"M\xfcller\"}"
    };

    (void) state;

    for (i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        assert_int_equal(es256(two(broken[i], key(",\"kid\":\"a\"")), ec,
                               "a"),
                         cigna_jwks_good);
    }
}


static void
a_byte_order_mark_and_duplicate_members_are_accepted(void **state)
{
    char           text[4096];
    cigna_jwks_t  *jwks;

    (void) state;

    snprintf(text, sizeof(text), "\xef\xbb\xbf{\"x\":1,\"x\":2,\"keys\":[],"
             "\"keys\":[%s]}", key(",\"kid\":\"b\",\"kid\":\"a\""));

    jwks = cigna_jwks_create(guarded(text));
    assert_non_null(jwks);
    assert_int_equal(cigna_jwks_count(jwks), 1);
    cigna_jwks_destroy(jwks);
}


static int
setup(void **state)
{
    (void) state;

    ec = EVP_EC_gen("P-256");
    other = EVP_EC_gen("P-256");
    third = EVP_EC_gen("P-256");
    rsa = EVP_RSA_gen(2048);

    return (ec && other && third && rsa) ? 0 : -1;
}


static int
teardown(void **state)
{
    (void) state;

    EVP_PKEY_free(ec);
    EVP_PKEY_free(other);
    EVP_PKEY_free(third);
    EVP_PKEY_free(rsa);

    return 0;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(usable_keys_are_kept_and_others_are_skipped),
        cmocka_unit_test(a_document_without_keys_is_refused),
        cmocka_unit_test(a_set_without_usable_keys_says_why),
        cmocka_unit_test(a_set_that_is_cut_is_refused),
        cmocka_unit_test(a_set_is_bounded),
        cmocka_unit_test(a_key_is_found_by_kid_and_algorithm),
        cmocka_unit_test(without_kid_every_key_that_fits_is_tried),
        cmocka_unit_test(
            a_key_without_kid_is_tried_for_a_token_that_names_one),
        cmocka_unit_test(two_keys_with_one_kid_are_both_tried),
        cmocka_unit_test(a_key_that_occurs_twice_counts_once),
        cmocka_unit_test(the_number_of_keys_tried_is_bounded),
        cmocka_unit_test(a_key_after_two_hundred_others_is_found_by_its_kid),
        cmocka_unit_test(a_broken_key_does_not_affect_the_others),
        cmocka_unit_test(a_byte_order_mark_and_duplicate_members_are_accepted)
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
