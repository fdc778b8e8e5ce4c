
#include "support.h"

#include "fhir/cigna_link_keys.h"


static cigna_bases_t  bases;
static cigna_link_keys_t   link;

static const cigna_slice_t  own = { (const uint8_t *) "http://g/", 9 };


static int
setup(void **state)
{
    const char  *error;

    (void) state;

    cigna_bases_init(&bases);
    assert_int_equal(cigna_bases_add(&bases, cigna_slice("https://a.b/r4"),
                                     &error),
                     CIGNA_OK);
    cigna_link_keys_init(&link);

    return 0;
}


static int
is_link(const char *key, unsigned in)
{
    unsigned  within;

    return cigna_link_keys_key(guarded(key), in, &within);
}


static unsigned
within(const char *key, unsigned in)
{
    unsigned  within;

    (void) cigna_link_keys_key(guarded(key), in, &within);

    return within;
}


#define is_within(key)  within(key, CIGNA_LINK_KEYS_IN_OTHER)


static void
keys_of_links_are_known(void **state)
{
    (void) state;

    assert_int_equal(is_link("fullUrl", CIGNA_LINK_KEYS_IN_OTHER), 1);
    assert_int_equal(is_link("reference", CIGNA_LINK_KEYS_IN_PLACE), 1);
    assert_int_equal(is_link("valueUrl", CIGNA_LINK_KEYS_IN_NAME), 1);
    assert_int_equal(is_link("defaultValueUrl", CIGNA_LINK_KEYS_IN_OTHER), 1);
    assert_int_equal(is_link("relativePath", CIGNA_LINK_KEYS_IN_OTHER), 1);
    assert_int_equal(is_link("url", CIGNA_LINK_KEYS_IN_PLACE), 1);
    assert_int_equal(is_link("url", CIGNA_LINK_KEYS_IN_LINK), 1);
    assert_int_equal(is_link("location", CIGNA_LINK_KEYS_IN_RESPONSE), 1);
    assert_int_equal(is_link("address", CIGNA_LINK_KEYS_IN_RESOURCE), 1);
    assert_int_equal(is_link("address", CIGNA_LINK_KEYS_IN_ENDPOINT), 1);

    assert_int_equal(is_within("link"), CIGNA_LINK_KEYS_IN_LINK);
    assert_int_equal(is_within("photo"), CIGNA_LINK_KEYS_IN_PLACE);
    assert_int_equal(is_within("form"), CIGNA_LINK_KEYS_IN_PLACE);
    assert_int_equal(is_within("valueAttachment"), CIGNA_LINK_KEYS_IN_PLACE);
    assert_int_equal(is_within("relatedArtifact"), CIGNA_LINK_KEYS_IN_PLACE);
    assert_int_equal(is_within("valueRelatedArtifact"),
                     CIGNA_LINK_KEYS_IN_PLACE);
    assert_int_equal(is_within("response"), CIGNA_LINK_KEYS_IN_RESPONSE);
    assert_int_equal(is_within("endpoint"), CIGNA_LINK_KEYS_IN_ENDPOINT);
    assert_int_equal(is_within("contained"), CIGNA_LINK_KEYS_IN_RESOURCE);
    assert_int_equal(is_within("valueExpression"), CIGNA_LINK_KEYS_IN_NAME);
    assert_int_equal(is_within("criteria"), CIGNA_LINK_KEYS_IN_NAME);
    assert_int_equal(is_within("education"), CIGNA_LINK_KEYS_IN_NAME);
    assert_int_equal(is_within("valueTriggerDefinition"),
                     CIGNA_LINK_KEYS_IN_TRIGGER);
}


static void
some_keys_depend_on_the_kind_of_their_object(void **state)
{
    (void) state;

    assert_int_equal(is_within("resource"), CIGNA_LINK_KEYS_IN_OTHER);
    assert_int_equal(within("resource", CIGNA_LINK_KEYS_IN_ENTRY),
                     CIGNA_LINK_KEYS_IN_RESOURCE);
    assert_int_equal(is_within("outcome"), CIGNA_LINK_KEYS_IN_OTHER);
    assert_int_equal(within("outcome", CIGNA_LINK_KEYS_IN_RESPONSE),
                     CIGNA_LINK_KEYS_IN_RESOURCE);
    assert_int_equal(is_within("condition"), CIGNA_LINK_KEYS_IN_OTHER);
    assert_int_equal(within("condition", CIGNA_LINK_KEYS_IN_TRIGGER),
                     CIGNA_LINK_KEYS_IN_NAME);
    assert_int_equal(within("link", CIGNA_LINK_KEYS_IN_METADATA),
                     CIGNA_LINK_KEYS_IN_OTHER);
}


static void
other_keys_are_not_links(void **state)
{
    unsigned  i;

    static const char *const  others[] = {
        "", "u", "URL", "urls", "system", "profile", "source", "value",
        "Attachment", "attachments", "references", "fullUrls", "extension",
        "RelatedArtifact", "contentReference", "valueUri", "valueCanonical",
        "instantiatesUri"
    };

    (void) state;

    for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_int_equal(is_link(others[i], CIGNA_LINK_KEYS_IN_PLACE), 0);
        assert_int_equal(is_within(others[i]), CIGNA_LINK_KEYS_IN_OTHER);
    }

    assert_int_equal(is_link("url", CIGNA_LINK_KEYS_IN_OTHER), 0);
    assert_int_equal(is_link("url", CIGNA_LINK_KEYS_IN_RESPONSE), 0);
    assert_int_equal(is_link("location", CIGNA_LINK_KEYS_IN_PLACE), 0);
    assert_int_equal(is_link("address", CIGNA_LINK_KEYS_IN_OTHER), 0);
    assert_int_equal(is_link("reference", CIGNA_LINK_KEYS_IN_NAME), 0);
    assert_int_equal(is_link("reference", CIGNA_LINK_KEYS_IN_RESOURCE), 0);
}


static void
the_scheme_can_rule_a_link_out(void **state)
{
    cigna_slice_t   text, piece;
    const uint8_t  *p;

    (void) state;

    text = guarded("Patient/1");
    p = text.data;

    assert_int_equal(cigna_link_keys_bytes(&link, &bases, own, &p,
                                           p + text.len),
                     CIGNA_NONE);
    assert_ptr_equal(p, text.data + CIGNA_FHIR_BASE_SCHEME_MAX);
    assert_int_equal(cigna_link_keys_release(&link, &piece), CIGNA_OK);
    assert_slice(piece, "Patient/");
    assert_int_equal(cigna_link_keys_release(&link, &piece), CIGNA_NONE);
}


/* feeds pieces of a URL until it is known whether it is a link of the server */

static int
taken(const char *const *parts)
{
    int             rc;
    cigna_slice_t   text;
    const uint8_t  *p;

    cigna_link_keys_init(&link);

    for (rc = CIGNA_AGAIN; *parts; parts++) {

        text = guarded(*parts);

        for (p = text.data; rc == CIGNA_AGAIN && p < text.data + text.len; ) {
            rc = cigna_link_keys_bytes(&link, &bases, own, &p,
                                      text.data + text.len);
        }
    }

    return rc == CIGNA_AGAIN ? cigna_link_keys_end(&link, &bases, own) : rc;
}


#define taken(...)  taken((const char *const []) { __VA_ARGS__, NULL })


static void
kept_bytes_go_out_behind_the_new_base(void **state)
{
    cigna_slice_t  piece;

    (void) state;

    assert_int_equal(taken("https://a", ".b/r4?x"), CIGNA_OK);
    assert_int_equal(cigna_link_keys_release(&link, &piece), CIGNA_OK);
    assert_slice(piece, "http://g/");
    assert_int_equal(cigna_link_keys_release(&link, &piece), CIGNA_OK);
    assert_slice(piece, "?x");
    assert_int_equal(cigna_link_keys_release(&link, &piece), CIGNA_NONE);
}


static void
escapes_are_kept_and_stand_for_a_character(void **state)
{
    cigna_slice_t   text, piece;
    const uint8_t  *p;

    (void) state;

    text = guarded("https://a.b/r4");

    for (p = text.data; p < text.data + text.len; ) {
        assert_int_equal(cigna_link_keys_bytes(&link, &bases, own, &p,
                                              text.data + text.len),
                         CIGNA_AGAIN);
    }

    cigna_link_keys_keep(&link, '\\');
    cigna_link_keys_keep(&link, '/');

    assert_int_equal(cigna_link_keys_char(&link, &bases, own, '/'),
                     CIGNA_AGAIN);
    assert_int_equal(cigna_link_keys_full(&link), 0);
    assert_int_equal(cigna_link_keys_end(&link, &bases, own), CIGNA_OK);
    assert_int_equal(cigna_link_keys_release(&link, &piece), CIGNA_OK);
    assert_slice(piece, "http://g");
    assert_int_equal(cigna_link_keys_release(&link, &piece), CIGNA_OK);
    assert_slice(piece, "\\/");
}


static void
a_path_is_kept_until_it_ends(void **state)
{
    cigna_slice_t  piece;

    (void) state;

    assert_int_equal(taken("https://a.b/r4/ab/0123456789012345678/c",
                           "d/e?../.."), CIGNA_OK);
    assert_int_equal(cigna_link_keys_release(&link, &piece), CIGNA_OK);
    assert_slice(piece, "http://g");
    assert_int_equal(cigna_link_keys_release(&link, &piece), CIGNA_OK);
    assert_slice(piece, "/ab/0123456789012345678/cd/e");
    assert_int_equal(cigna_link_keys_release(&link, &piece), CIGNA_NONE);
}


static void
a_link_with_a_dot_segment_goes_out_as_it_came(void **state)
{
    cigna_slice_t  piece;

    (void) state;

    assert_int_equal(taken("https://a.b/r4/a/.", "."), CIGNA_NONE);
    assert_int_equal(cigna_link_keys_release(&link, &piece), CIGNA_OK);
    assert_slice(piece, "https://a.b/r4/a/..");
    assert_int_equal(cigna_link_keys_release(&link, &piece), CIGNA_NONE);

    assert_int_equal(taken("https://a.b/r4/%2", "e%25/x"), CIGNA_OK);
    assert_int_equal(taken("https://a.b/r4/%2", "e%252", "e/x"), CIGNA_NONE);
    assert_int_equal(taken("https://a.b/r4/..?x"), CIGNA_NONE);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup(keys_of_links_are_known,
                               setup),
        cmocka_unit_test_setup(
            some_keys_depend_on_the_kind_of_their_object, setup),
        cmocka_unit_test_setup(other_keys_are_not_links, setup),
        cmocka_unit_test_setup(the_scheme_can_rule_a_link_out, setup),
        cmocka_unit_test_setup(
            kept_bytes_go_out_behind_the_new_base, setup),
        cmocka_unit_test_setup(escapes_are_kept_and_stand_for_a_character,
                               setup),
        cmocka_unit_test_setup(a_path_is_kept_until_it_ends, setup),
        cmocka_unit_test_setup(a_link_with_a_dot_segment_goes_out_as_it_came,
                               setup)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
