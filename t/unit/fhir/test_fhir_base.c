
#include <stdio.h>

#include "support.h"

#include "fhir/cigna_fhir_base.h"


static cigna_bases_t  bases;


static void
add(const char *text)
{
    const char  *error;

    assert_int_equal(cigna_bases_add(&bases, cigna_slice_str(text), &error),
                     CIGNA_OK);
}


static int
setup(void **state)
{
    (void) state;

    cigna_bases_init(&bases);

    add("https://fhir.example/PatientAccess/v1");
    add("https://inner.example/PatientAccess/v1-devportal/");
    add("https://inner.example");
    add("http://plain.example:8080/r4");
    add("https://[::1]:8443/r4");

    return 0;
}


/*
 * Returns the length of the base at the beginning of the URL; -1: it has none.
 * cut: see cigna_bases_match().
 */

static int
match_as(const char *url, int cut)
{
    size_t  len;

    return cigna_bases_match(&bases, guarded(url), cut, &len) == CIGNA_OK
           ? (int) len : -1;
}


#define match(url)      match_as(url, 0)
#define match_cut(url)  match_as(url, 1)

#define ELSEWHERE       -1
#define len(text)       (sizeof(text) - 1)


static void
a_url_below_a_base_matches_the_base(void **state)
{
    (void) state;

    assert_int_equal(match("https://fhir.example/PatientAccess/v1/Patient/1"),
                     len("https://fhir.example/PatientAccess/v1"));
    assert_int_equal(match("https://fhir.example/PatientAccess/v1"),
                     len("https://fhir.example/PatientAccess/v1"));
    assert_int_equal(match("https://fhir.example/PatientAccess/v1?_getpages=1"),
                     len("https://fhir.example/PatientAccess/v1"));
    assert_int_equal(match("https://fhir.example/PatientAccess/v1#top"),
                     len("https://fhir.example/PatientAccess/v1"));
    assert_int_equal(match("https://[::1]:8443/r4/Patient"),
                     len("https://[::1]:8443/r4"));
}


static void
the_longest_of_several_bases_counts(void **state)
{
    (void) state;

    assert_int_equal(match("https://inner.example/PatientAccess/v1-devportal/"
                           "Patient/1"),
                     len("https://inner.example/PatientAccess/v1-devportal"));

    assert_int_equal(match("https://inner.example/Patient/A00000000000005"),
                     len("https://inner.example"));

    assert_int_equal(match("HTTPS://Inner.Example/PatientAccess/v1-devportal/"
                           "Patient/1"),
                     len("https://inner.example/PatientAccess/v1-devportal"));
}


static void
case_matters_in_the_path_only(void **state)
{
    (void) state;

    assert_int_equal(match("HTTPS://FHIR.Example/PatientAccess/v1/Patient"),
                     len("https://fhir.example/PatientAccess/v1"));
    assert_int_equal(match("https://fhir.example/patientaccess/v1/Patient"),
                     ELSEWHERE);
}


static void
scheme_and_port_do_not_matter(void **state)
{
    unsigned  i;
    char      url[256];

    static const char *const  origins[] = {
        "https://fhir.example", "http://fhir.example", "//fhir.example",
        "HTTP://FHIR.Example", "//Fhir.Example", "https://fhir.example:443",
        "https://fhir.example:80", "http://fhir.example:80",
        "http://fhir.example:443", "https://fhir.example:8443",
        "https://fhir.example:443:443", "http://fhir.example:80:443",
        "//fhir.example:443", "https://fhir.example:", "//fhir.example.",
        "https://fhir.example.:443", "https://fhir.example/",
        "https://fhir.example:443///", "//fhir.example//"
    };

    (void) state;

    for (i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {

        (void) snprintf(url, sizeof(url), "%s/PatientAccess/v1/Patient/1",
                        origins[i]);
        assert_int_equal(match(url), strlen(url) - len("/Patient/1"));

        (void) snprintf(url, sizeof(url), "%s/PatientAccess/v1?a=1",
                        origins[i]);
        assert_int_equal(match(url), strlen(url) - len("?a=1"));
    }

    assert_int_equal(match("http://plain.example/r4/x"),
                     len("http://plain.example/r4"));
    assert_int_equal(match("https://plain.example:8080/r4/x"),
                     len("https://plain.example:8080/r4"));
    assert_int_equal(match("//[::1]/r4/x"), len("//[::1]/r4"));
    assert_int_equal(match("http://[::1]:80:80//r4/x"),
                     len("http://[::1]:80:80//r4"));

    cigna_bases_init(&bases);
    add("https://fhir.example:443/r4");
    assert_int_equal(match("https://fhir.example/r4/x"),
                     len("https://fhir.example/r4"));
}


static void
a_dot_after_the_host_of_a_base_does_not_matter(void **state)
{
    (void) state;

    cigna_bases_init(&bases);
    add("https://fhir.example./r4");
    assert_int_equal(match("https://fhir.example./r4/x"),
                     len("https://fhir.example./r4"));
    assert_int_equal(match("https://fhir.example/r4/x"),
                     len("https://fhir.example/r4"));
    assert_int_equal(match("http://fhir.example.:80//r4/x"),
                     len("http://fhir.example.:80//r4"));

    add("https://fhir.example/r4/deep");
    assert_int_equal(match("https://fhir.example./r4/deep/x"),
                     len("https://fhir.example./r4/deep"));
}


static void
the_longest_base_counts_also_if_ports_differ(void **state)
{
    (void) state;

    cigna_bases_init(&bases);
    add("https://localhost:8443/r4");
    add("http://localhost");
    add("https://localhost:9443/r4/deep");

    assert_int_equal(match("http://localhost/r4/x"),
                     len("http://localhost/r4"));
    assert_int_equal(match("https://localhost:8443/r4/deep/x"),
                     len("https://localhost:8443/r4/deep"));
    assert_int_equal(match("http://localhost/x"), len("http://localhost"));
}


static void
several_slashes_before_a_path_do_not_matter(void **state)
{
    (void) state;

    assert_int_equal(match("https://inner.example//PatientAccess/v1-devportal"
                           "/Patient/1"),
                     len("https://inner.example//PatientAccess/v1-devportal"));
    assert_int_equal(match("https://inner.example//Patient/1"),
                     len("https://inner.example"));
    assert_int_equal(match("https://fhir.example//PatientAccess//v1/x"),
                     ELSEWHERE);
}


static void
a_path_without_a_host_belongs_to_the_first_base(void **state)
{
    (void) state;

    assert_int_equal(match("/PatientAccess/v1/Patient/1"),
                     len("/PatientAccess/v1"));
    assert_int_equal(match("/PatientAccess/v1?_getpages=1"),
                     len("/PatientAccess/v1"));
    assert_int_equal(match("/PatientAccess/v1"), len("/PatientAccess/v1"));
    assert_int_equal(match_cut("/PatientAccess/v1"), ELSEWHERE);
    assert_int_equal(match("/PatientAccess/v10/x"), ELSEWHERE);
    assert_int_equal(match("/PatientAccess/v1-devportal/x"), ELSEWHERE);
    assert_int_equal(match("/r4/x"), ELSEWHERE);
    assert_int_equal(match("/"), ELSEWHERE);
    assert_int_equal(match("PatientAccess/v1/x"), ELSEWHERE);
    assert_int_equal(match("///PatientAccess/v1/x"), ELSEWHERE);

    cigna_bases_init(&bases);
    assert_int_equal(match("/x"), ELSEWHERE);
    add("https://fhir.example/");
    assert_int_equal(match("/Patient/1"), 0);
    assert_int_equal(match("/"), 0);
    assert_int_equal(match(""), ELSEWHERE);
}


static void
a_base_ends_at_a_slash_query_or_fragment(void **state)
{
    (void) state;

    assert_int_equal(match("https://fhir.example/PatientAccess/v10/x"),
                     ELSEWHERE);
    assert_int_equal(match("https://fhir.example/PatientAccess/v1-x"),
                     ELSEWHERE);
    assert_int_equal(match("https://fhir.example/PatientAccess/v1%2Fx"),
                     ELSEWHERE);
    assert_int_equal(match("https://inner.example.org/Patient"), ELSEWHERE);
    assert_int_equal(match("https://inner.example:443x/Patient"), ELSEWHERE);
}


static void
other_urls_have_no_base(void **state)
{
    (void) state;

    assert_int_equal(match("https://other.example/PatientAccess/v1/x"),
                     ELSEWHERE);
    assert_int_equal(match("https://a@inner.example/Patient"), ELSEWHERE);
    assert_int_equal(match("https://inner.example@other.example/Patient"),
                     ELSEWHERE);
    assert_int_equal(match("https://inner.example\\@other.example/"),
                     ELSEWHERE);
    assert_int_equal(match("ftp://inner.example/Patient"), ELSEWHERE);
    assert_int_equal(match("Patient/1"), ELSEWHERE);
    assert_int_equal(match("//a@inner.example/Patient"), ELSEWHERE);
    assert_int_equal(match("//other.example/PatientAccess/v1/x"), ELSEWHERE);
    assert_int_equal(match("https:/inner.example/Patient"), ELSEWHERE);
    assert_int_equal(match("https:///inner.example/Patient"), ELSEWHERE);
    assert_int_equal(match("https://inner.example../Patient"), ELSEWHERE);
    assert_int_equal(match("https://:443/Patient"), ELSEWHERE);
    assert_int_equal(match("https://inner.example:1:2:3:4:5:6:7:8/x"),
                     ELSEWHERE);
    assert_int_equal(match(""), ELSEWHERE);
}


static void
a_cut_url_must_show_where_the_base_ends(void **state)
{
    (void) state;

    assert_int_equal(match_cut("https://inner.example"), ELSEWHERE);
    assert_int_equal(match_cut("https://inner.example/"),
                     len("https://inner.example"));
    assert_int_equal(match_cut("https://fhir.example/PatientAccess/v1"),
                     ELSEWHERE);
    assert_int_equal(match_cut("https://fhir.example/PatientAccess/v1/"),
                     len("https://fhir.example/PatientAccess/v1"));
    assert_int_equal(match_cut("HTTPS://INNER.EXAMPLE"), ELSEWHERE);
}


static void
the_scheme_can_rule_a_url_out(void **state)
{
    (void) state;

    assert_int_equal(cigna_bases_may_match(guarded("")), 1);
    assert_int_equal(cigna_bases_may_match(guarded("h")), 1);
    assert_int_equal(cigna_bases_may_match(guarded("HTTP")), 1);
    assert_int_equal(cigna_bases_may_match(guarded("http:/")), 1);
    assert_int_equal(cigna_bases_may_match(guarded("https:/")), 1);
    assert_int_equal(cigna_bases_may_match(guarded("http://a")), 1);
    assert_int_equal(cigna_bases_may_match(guarded("https://a")), 1);
    assert_int_equal(cigna_bases_may_match(guarded("P")), 0);
    assert_int_equal(cigna_bases_may_match(guarded("httpx")), 0);
    assert_int_equal(cigna_bases_may_match(guarded("https:a")), 0);
}


static void
a_url_with_a_host_or_a_root_path_is_absolute(void **state)
{
    (void) state;

    assert_int_equal(cigna_bases_absolute(guarded("https://a")), 1);
    assert_int_equal(cigna_bases_absolute(guarded("HTTP://")), 1);
    assert_int_equal(cigna_bases_absolute(guarded("//a/")), 1);
    assert_int_equal(cigna_bases_absolute(guarded("/a")), 1);
    assert_int_equal(cigna_bases_absolute(guarded("a/b")), 0);
    assert_int_equal(cigna_bases_absolute(guarded("?a")), 0);
    assert_int_equal(cigna_bases_absolute(guarded("urn:uuid:1")), 0);
    assert_int_equal(cigna_bases_absolute(guarded("http:")), 0);
    assert_int_equal(cigna_bases_absolute(guarded("")), 0);
}


static void
only_plain_urls_are_bases(void **state)
{
    unsigned     i;
    char         text[CIGNA_FHIR_BASE_LEN_MAX + 2];
    const char  *error;

    static const char *const  wrong[] = {
        "", "Patient", "ftp://a/", "https://", "https://a/?q", "https://a/#f",
        "https://u@a/", "https://a b/"
    };

    (void) state;

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        error = NULL;
        assert_int_equal(cigna_bases_add(&bases, guarded(wrong[i]), &error),
                         CIGNA_ERROR);
        assert_non_null(error);
    }

    memset(text, 'a', sizeof(text));
    memcpy(text, "https://", len("https://"));
    text[sizeof(text) - 1] = '\0';

    assert_int_equal(cigna_bases_add(&bases, guarded(text), &error),
                     CIGNA_ERROR);

    text[sizeof(text) - 2] = '\0';
    text[100] = '/';
    add(text);
}


static void
the_number_of_bases_is_bounded(void **state)
{
    const char  *error;

    (void) state;

    while (bases.n < CIGNA_BASES_MAX) {
        add("https://fhir.example/r4");
    }

    assert_int_equal(cigna_bases_add(&bases, cigna_slice("https://a"), &error),
                     CIGNA_ERROR);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup(a_url_below_a_base_matches_the_base,
                               setup),
        cmocka_unit_test_setup(the_longest_of_several_bases_counts, setup),
        cmocka_unit_test_setup(
            case_matters_in_the_path_only, setup),
        cmocka_unit_test_setup(scheme_and_port_do_not_matter, setup),
        cmocka_unit_test_setup(a_dot_after_the_host_of_a_base_does_not_matter,
                               setup),
        cmocka_unit_test_setup(the_longest_base_counts_also_if_ports_differ,
                               setup),
        cmocka_unit_test_setup(several_slashes_before_a_path_do_not_matter,
                               setup),
        cmocka_unit_test_setup(a_path_without_a_host_belongs_to_the_first_base,
                               setup),
        cmocka_unit_test_setup(a_base_ends_at_a_slash_query_or_fragment, setup),
        cmocka_unit_test_setup(other_urls_have_no_base, setup),
        cmocka_unit_test_setup(a_cut_url_must_show_where_the_base_ends,
                               setup),
        cmocka_unit_test_setup(the_scheme_can_rule_a_url_out, setup),
        cmocka_unit_test_setup(a_url_with_a_host_or_a_root_path_is_absolute,
                               setup),
        cmocka_unit_test_setup(only_plain_urls_are_bases, setup),
        cmocka_unit_test_setup(the_number_of_bases_is_bounded, setup)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
