
#include "jose.h"

#include "cigna_jwks.h"


static EVP_PKEY  *ec;


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
    n = jwks ? cigna_jwks_count(jwks) : 0;
    cigna_jwks_destroy(jwks);

    return n;
}


static char *
key(const char *more)
{
    return jose_jwk(ec, more);
}


static void
usable_keys_are_kept_and_others_passed_over(void **state)
{
    char  text[4096];

    (void) state;

    snprintf(text, sizeof(text), "5,null,{},[],{\"kty\":\"oct\",\"k\":\"AA\"},"
             "%s,%s", key(",\"use\":\"enc\""), key(",\"kid\":\"a\""));

    assert_int_equal(usable(text), 1);
}


static void
a_document_without_usable_keys_is_no_set(void **state)
{
    unsigned  i;

    static const char *texts[] = {
        "", "{}", "[]", "null", "<html>", "{\"keys\":{}}", "{\"keys\":null}",
        "{\"keys\":\"\"}", "{\"keys\":[]}", "{\"keys\":[{}]}",
        "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\"}]}",
        "{\"keys\":[],\"keys\":[]}"
    };

    (void) state;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_null(cigna_jwks_create(guarded(texts[i])));
    }

    cigna_jwks_destroy(NULL);
}


static void
a_set_cut_short_is_no_set(void **state)
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
    char      text[64 * 1024];
    size_t    len;
    unsigned  i;

    (void) state;

    len = 0;

    for (i = 0; i < CIGNA_JWKS_KEYS_MAX + 8; i++) {
        len += (size_t) snprintf(text + len, sizeof(text) - len, "%s%s",
                                 i ? "," : "", key(""));
    }

    assert_int_equal(usable(text), CIGNA_JWKS_KEYS_MAX);
}


static void
a_key_is_found_by_kid_and_algorithm(void **state)
{
    char                text[4096];
    cigna_jwks_t       *jwks;
    const cigna_jwk_t  *a;

    (void) state;

    snprintf(text, sizeof(text), "%s,%s", key(",\"kid\":\"a\""),
             key(",\"kid\":\"b\""));
    jwks = set_of(text);

    a = cigna_jwks_find(jwks, guarded("a"), cigna_alg_es256);
    assert_non_null(a);
    assert_slice(cigna_slice_make(a->kid, a->kid + a->kid_len), "a");

    assert_null(cigna_jwks_find(jwks, guarded("c"), cigna_alg_es256));
    assert_null(cigna_jwks_find(jwks, guarded("A"), cigna_alg_es256));
    assert_null(cigna_jwks_find(jwks, guarded("aa"), cigna_alg_es256));
    assert_null(cigna_jwks_find(jwks, guarded("a"), cigna_alg_rs256));
    assert_null(cigna_jwks_find(jwks, guarded("a"), cigna_alg_none));

    assert_true(cigna_jwks_has_other(jwks, guarded("a"), cigna_alg_rs256));
    assert_false(cigna_jwks_has_other(jwks, guarded("a"), cigna_alg_es256));
    assert_false(cigna_jwks_has_other(jwks, guarded("c"), cigna_alg_rs256));
    assert_false(cigna_jwks_has_other(jwks, cigna_slice_null,
                                      cigna_alg_rs256));

    cigna_jwks_destroy(jwks);
}


static void
without_kid_only_a_single_key_will_do(void **state)
{
    char           text[4096];
    cigna_jwks_t  *jwks;

    (void) state;

    jwks = set_of(key(",\"kid\":\"a\""));
    assert_non_null(cigna_jwks_find(jwks, cigna_slice_null, cigna_alg_es256));
    assert_null(cigna_jwks_find(jwks, cigna_slice_null, cigna_alg_rs256));
    cigna_jwks_destroy(jwks);

    snprintf(text, sizeof(text), "%s,%s", key(",\"kid\":\"a\""), key(""));
    jwks = set_of(text);
    assert_null(cigna_jwks_find(jwks, cigna_slice_null, cigna_alg_es256));
    cigna_jwks_destroy(jwks);
}


static void
two_keys_of_one_kid_are_no_key(void **state)
{
    char           text[4096];
    cigna_jwks_t  *jwks;

    (void) state;

    snprintf(text, sizeof(text), "%s,%s", key(",\"kid\":\"a\""),
             key(",\"kid\":\"a\""));
    jwks = set_of(text);
    assert_null(cigna_jwks_find(jwks, guarded("a"), cigna_alg_es256));
    assert_false(cigna_jwks_has_other(jwks, guarded("a"), cigna_alg_es256));
    cigna_jwks_destroy(jwks);
}


static int
setup(void **state)
{
    (void) state;

    ec = EVP_EC_gen("P-256");

    return ec ? 0 : -1;
}


static int
teardown(void **state)
{
    (void) state;

    EVP_PKEY_free(ec);

    return 0;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(usable_keys_are_kept_and_others_passed_over),
        cmocka_unit_test(a_document_without_usable_keys_is_no_set),
        cmocka_unit_test(a_set_cut_short_is_no_set),
        cmocka_unit_test(a_set_is_bounded),
        cmocka_unit_test(a_key_is_found_by_kid_and_algorithm),
        cmocka_unit_test(without_kid_only_a_single_key_will_do),
        cmocka_unit_test(two_keys_of_one_kid_are_no_key)
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
