
#include "support.h"

#include "http/cigna_accept.h"


/* of a header with these lines, the second one may be NULL */

static int
json(const char *one, const char *two)
{
    cigna_accept_t  a;

    cigna_accept_init(&a);

    if (one) {
        cigna_accept_add(&a, guarded(one));
    }

    if (two) {
        cigna_accept_add(&a, guarded(two));
    }

    return cigna_accept_json(&a);
}


#define assert_fhir(line)  assert_int_equal(json(line, NULL), 0)
#define assert_json(line)  assert_int_equal(json(line, NULL), 1)


static void
fhir_is_the_default(void **state)
{
    (void) state;

    assert_int_equal(json(NULL, NULL), 0);
    assert_fhir("");
    assert_fhir("*/*");
    assert_fhir("application/*");
    assert_fhir("text/html,application/xhtml+xml,*/*;q=0.8");
    assert_fhir("application/json, application/fhir+json");
    assert_fhir("text/html");
}


static void
the_higher_quality_counts(void **state)
{
    (void) state;

    assert_json("application/json");
    assert_json("Application/JSON;charset=utf-8");
    assert_json("application/fhir+json;q=0.5, application/json;q=0.9");
    assert_json("application/fhir+json ; q=0.998 , application/json; q=0.999");
    assert_fhir("application/fhir+json;q=0.9, application/json;q=0.5");
    assert_fhir("application/json;q=0.1, application/*;q=0.2");
    assert_fhir("application/json;q=0, */*");
    assert_json("application/fhir+json;q=0, */*;q=0.1");
}


static void
a_range_that_is_more_exact_counts_more(void **state)
{
    (void) state;

    assert_json("application/fhir+json;q=0.1, application/*");
    assert_fhir("*/*;q=0.1, application/*;q=0.5, application/json;q=0.2");
    assert_json("application/json, text/plain, */*");
    assert_fhir("application/fhir+json, */*");
}


static void
lines_are_one_list(void **state)
{
    (void) state;

    assert_int_equal(json("application/fhir+json;q=0.3", "application/json"),
                     1);
    assert_int_equal(json("application/json", "application/fhir+json"), 0);
}


static void
what_is_quoted_separates_nothing(void **state)
{
    (void) state;

    assert_fhir("text/x;a=\", application/json\", */*");
    assert_json("text/x;a=\"\\\",\", application/json");
    assert_fhir("text/x;a=\", application/json");
    assert_json("application/json;profile=\"a;q=0\"");
    assert_fhir("text/x;a=\"\\");
}


static void
a_quality_that_makes_no_sense_is_passed_over(void **state)
{
    (void) state;

    assert_fhir("application/json;q=2");
    assert_fhir("application/json;q=1.001");
    assert_fhir("application/json;q=");
    assert_fhir("application/json;q=0.1234");
    assert_fhir("application/json;q=.5");
    assert_fhir("application/json;q=-1");
    assert_fhir("application/json;q=0,5");
    assert_json("application/json;q=1.");
    assert_json("application/json;Q=0.001");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(fhir_is_the_default),
        cmocka_unit_test(the_higher_quality_counts),
        cmocka_unit_test(a_range_that_is_more_exact_counts_more),
        cmocka_unit_test(lines_are_one_list),
        cmocka_unit_test(what_is_quoted_separates_nothing),
        cmocka_unit_test(a_quality_that_makes_no_sense_is_passed_over)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
