
#include "support.h"

#include "fhir/cigna_search.h"


static uint8_t  mem[4096];


static int
join(const char *query, const char *body, cigna_slice_t *joined)
{
    int            rc;
    cigna_buf_t    b;
    cigna_slice_t  q, f;

    q = guarded(query);
    f = guarded(body);

    /* the output has exactly as much room as cigna_search_query_max() says */

    cigna_buf_init(&b, mem, cigna_search_query_max(q.len, f.len));

    rc = cigna_search_query(q, f, &b);
    *joined = cigna_buf_slice(&b);

    assert_int_equal(b.overflow, 0);
    support_release();

    return rc;
}


static void
joined(const char *query, const char *body, const char *expected)
{
    cigna_slice_t  s;

    assert_int_equal(join(query, body, &s), CIGNA_OK);
    assert_slice(s, expected);
}


static void
refused(const char *text)
{
    cigna_slice_t  s;

    assert_int_equal(join(text, "", &s), CIGNA_ERROR);
    assert_int_equal(join("", text, &s), CIGNA_ERROR);
    assert_int_equal(join("a=b", text, &s), CIGNA_ERROR);
}


static int
path(const char *text)
{
    return cigna_search_path(guarded(text));
}


static int
form(const char *text)
{
    return cigna_search_form(guarded(text));
}


static void
the_path_of_a_search_of_a_type_is_known(void **state)
{
    (void) state;

    assert_true(path("/fhir/Patient/_search"));
    assert_true(path("/Patient/_search"));
    assert_true(path("/fhir/Patient/1/Observation/_search"));
    assert_true(path("/a/b/ExplanationOfBenefit/_search"));
}


static void
other_paths_are_not_a_search_of_a_type(void **state)
{
    unsigned  i;

    static const char *const  others[] = {
        "", "/", "_search", "/_search", "/fhir/_search", "Patient/_search",
        "/fhir/Patient", "/fhir/Patient/", "/fhir/Patient/_search/",
        "/fhir/Patient/_Search", "/fhir/Patient/_searc", "/fhir/Patient_search",
        "/fhir/patient/_search", "/fhir/$everything/_search",
        "/fhir/Patient//_search", "/fhir/P/_search", "/fhir/Pa-tient/_search",
        "/fhir/Patient;x/_search", "/fhir/../_search", "/fhir/Patient/1",
        "/fhir/Patient/1/_search", "/fhir/_search/Patient",
        "/fhir/Patient/_search?a=b", "/fhir/Pati ent/_search"
    };

    (void) state;

    for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (path(others[i])) {
            fail_msg("\"%s\" is a search", others[i]);
        }
    }
}


static void
case_and_parameters_of_the_form_type_do_not_matter(void **state)
{
    (void) state;

    assert_true(form("application/x-www-form-urlencoded"));
    assert_true(form("Application/X-WWW-Form-Urlencoded"));
    assert_true(form(" application/x-www-form-urlencoded "));
    assert_true(form("application/x-www-form-urlencoded;charset=UTF-8"));
    assert_true(form("application/x-www-form-urlencoded ; charset=utf-8"));
    assert_true(form("application/x-www-form-urlencoded; Charset=\"Utf-8\""));
    assert_true(form("application/x-www-form-urlencoded; a=b; charset=utf-8"));
    assert_true(form("application/x-www-form-urlencoded;"));
}


static void
other_types_and_charsets_are_refused(void **state)
{
    (void) state;

    assert_false(form(""));
    assert_false(form("application/fhir+json"));
    assert_false(form("multipart/form-data; boundary=x"));
    assert_false(form("text/plain"));
    assert_false(form("application/x-www-form-urlencoded2"));
    assert_false(form("application/x-www-form-urlencode"));
    assert_false(form("application/x-www-form-urlencoded, text/plain"));
    assert_false(form("text/plain; application/x-www-form-urlencoded"));
    assert_false(form("application/x-www-form-urlencoded; charset=latin1"));
    assert_false(form("application/x-www-form-urlencoded; charset=utf-16"));
    assert_false(form("application/x-www-form-urlencoded; charset="));
    assert_false(form("application/x-www-form-urlencoded; charset"));
    assert_false(form("application/x-www-form-urlencoded; charset=\"utf-8"));
    assert_false(form("application/x-www-form-urlencoded; charset=utf-8; "
                      "charset=iso-8859-1"));
}


static void
the_pairs_of_the_url_come_first(void **state)
{
    (void) state;

    joined("", "", "");
    joined("a=1", "", "a=1");
    joined("", "a=1", "a=1");
    joined("a=1&b=2", "c=3&d=4", "a=1&b=2&c=3&d=4");
    joined("z=1", "a=1", "z=1&a=1");
}


static void
repeated_and_empty_values_are_kept(void **state)
{
    (void) state;

    joined("a=1&a=1", "a=2&a=1", "a=1&a=1&a=2&a=1");
    joined("a", "a=", "a&a=");
    joined("=", "=b", "=&=b");
    joined("a=b=c", "==", "a=b%3Dc&=%3D");
}


static void
empty_pairs_are_dropped(void **state)
{
    (void) state;

    joined("&", "&&", "");
    joined("&a=1&&", "&b=2&", "a=1&b=2");
    joined("a=1", "&", "a=1");
    joined("&&", "a", "a");
}


static void
each_pair_is_encoded_anew(void **state)
{
    (void) state;

    joined("name=J%6frg+M", "x=a+b", "name=Jorg%20M&x=a%20b");
    joined("name:exact=%c3%a4", "n=\xc3\xa4", "name%3Aexact=%C3%A4&n=%C3%A4");
    joined("a-._~=AZaz09", "b=%41%7e%2d", "a-._~=AZaz09&b=A~-");
    joined("code=http://loinc.org|1-2,x", "_has:Observation:patient:code=1",
           "code=http%3A%2F%2Floinc.org%7C1-2%2Cx"
           "&_has%3AObservation%3Apatient%3Acode=1");
    joined("a=%26b%3dc", "%26=%3D%25%2B", "a=%26b%3Dc&%26=%3D%25%2B");
    joined("a=#b", "c=d;e?f", "a=%23b&c=d%3Be%3Ff");
    joined("date=ge2024-01-01T00:00:00%2b01:00", "",
           "date=ge2024-01-01T00%3A00%3A00%2B01%3A00");
    joined("a=%e2%82%ac", "b=%f0%9f%98%80", "a=%E2%82%AC&b=%F0%9F%98%80");
    joined("a=%2541", "b=\xf4\x8f\xbf\xbf", "a=%2541&b=%F4%8F%BF%BF");
}


static void
broken_escapes_are_refused(void **state)
{
    (void) state;

    refused("a=%");
    refused("a=%4");
    refused("a=%4g");
    refused("a=%4&b=1");
    refused("%=1");
    refused("a=xyz%zz");
    refused("%c3%4");
}


static void
control_bytes_are_refused(void **state)
{
    cigna_buf_t  b;

    (void) state;

    refused("a=%00");
    refused("a%0d%0aX=1");
    refused("a=1\r\n");
    refused("a=\t");
    refused("a=%7f");
    refused("a=\x7f");
    refused("a=%1F");

    cigna_buf_init(&b, mem, sizeof(mem));
    assert_int_equal(cigna_search_query(cigna_slice_null, cigna_slice("a=\0b"),
                                        &b),
                     CIGNA_ERROR);
}


static void
bytes_that_are_not_utf8_are_refused(void **state)
{
    (void) state;

    refused("a=%ff");
    refused("a=\xe4");
    refused("a=%c3");
    refused("a=%c3&b=%a4");
    refused("%c3=%a4");
    refused("a=%c0%ae");
    refused("a=%e0%80%ae");
    refused("a=%ed%a0%80");
    refused("a=%f4%90%80%80");
    refused("a=%a4");
}


static void
a_buffer_without_room_overflows(void **state)
{
    cigna_buf_t  b;

    (void) state;

    cigna_buf_init(&b, mem, 5);
    assert_int_equal(cigna_search_query(guarded("a=+"), cigna_slice_null, &b),
                     CIGNA_OK);
    assert_int_equal(b.overflow, 0);

    cigna_buf_init(&b, mem, 4);
    (void) cigna_search_query(guarded("a=+"), cigna_slice_null, &b);
    assert_int_equal(b.overflow, 1);
    assert_int_equal(cigna_search_query_max(3, 4), 22);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(the_path_of_a_search_of_a_type_is_known),
        cmocka_unit_test(other_paths_are_not_a_search_of_a_type),
        cmocka_unit_test(case_and_parameters_of_the_form_type_do_not_matter),
        cmocka_unit_test(other_types_and_charsets_are_refused),
        cmocka_unit_test(the_pairs_of_the_url_come_first),
        cmocka_unit_test(repeated_and_empty_values_are_kept),
        cmocka_unit_test(empty_pairs_are_dropped),
        cmocka_unit_test(each_pair_is_encoded_anew),
        cmocka_unit_test(broken_escapes_are_refused),
        cmocka_unit_test(control_bytes_are_refused),
        cmocka_unit_test(bytes_that_are_not_utf8_are_refused),
        cmocka_unit_test(a_buffer_without_room_overflows)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
