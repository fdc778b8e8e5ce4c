
#include <stdio.h>

#include "support.h"

#include "fhir/cigna_unknown_id.h"


#define OUTCOME  "{\"resourceType\":\"OperationOutcome\","
#define SAID     "HAPI-2001: Resource Patient/1 is not known"
#define ISSUE    "\"issue\":[{\"severity\":\"error\",\"code\":\"processing\","

#define assert_known(text)                                                    \
    assert_int_equal(cigna_unknown_id(guarded(text)), 0)
#define assert_not_known(text)                                                \
    assert_int_equal(cigna_unknown_id(guarded(text)), 1)


static void
an_outcome_with_the_sentence_is_found(void **state)
{
    (void) state;

    assert_not_known(OUTCOME ISSUE "\"diagnostics\":\"" SAID "\"}]}");
    assert_not_known(OUTCOME ISSUE "\"details\":{\"text\":\"" SAID "\"}}]}");
    assert_not_known("\n { \"issue\" : [ {} , { \"diagnostics\" : \"" SAID
                     "\" } ] , \"resourceType\" : \"OperationOutcome\" } ");
    assert_not_known(OUTCOME "\"text\":{\"status\":\"generated\",\"div\":"
                     "\"<div>\\\"x\\\"</div>\"},\"a\":[1,[{}],true],"
                     ISSUE "\"diagnostics\":\"Resource Patient\\/1 is not "
                     "known.\"}]}");
}


static void
other_errors_are_not_found(void **state)
{
    (void) state;

    assert_known("");
    assert_known("{}");
    assert_known("<html>" SAID "</html>");
    assert_known("\"" SAID "\"");
    assert_known("[" OUTCOME ISSUE "\"diagnostics\":\"" SAID "\"}]}]");
    assert_known(OUTCOME ISSUE "\"diagnostics\":\"HAPI-0389: it broke\"}]}");
    assert_known(OUTCOME ISSUE "\"diagnostics\":\"The cause is not known\"}]}");
    assert_known(OUTCOME ISSUE "\"diagnostics\":\"is not known: Resource x\""
                 "}]}");
}


static void
the_sentence_counts_only_in_its_place(void **state)
{
    (void) state;

    assert_known("{\"resourceType\":\"Patient\","
                 ISSUE "\"diagnostics\":\"" SAID "\"}]}");
    assert_known("{" ISSUE "\"diagnostics\":\"" SAID "\"}]}");
    assert_known(OUTCOME "\"diagnostics\":\"" SAID "\"}");
    assert_known(OUTCOME "\"issue\":{\"diagnostics\":\"" SAID "\"}}");
    assert_known(OUTCOME "\"issue\":[[{\"diagnostics\":\"" SAID "\"}]]}");
    assert_known(OUTCOME "\"issue\":[{\"expression\":[\"" SAID "\"]}]}");
    assert_known(OUTCOME "\"contained\":[{" ISSUE "\"diagnostics\":\"" SAID
                 "\"}]}]}");
    assert_known(OUTCOME ISSUE "\"" SAID "\":1}]}");
    assert_known("{\"contained\":[" OUTCOME "\"x\":1}],"
                 ISSUE "\"diagnostics\":\"" SAID "\"}]}");
}


static void
the_outcome_must_be_complete(void **state)
{
    size_t         n;
    cigna_slice_t  text, part;

    (void) state;

    for (n = 0; ; n++) {

        text = guarded(OUTCOME ISSUE "\"diagnostics\":\"" SAID "\"}]}");

        if (n == text.len) {
            assert_int_equal(cigna_unknown_id(text), 1);
            break;
        }

        part.data = place_at_page_end(text.data, n);
        part.len = n;

        assert_int_equal(cigna_unknown_id(part), 0);
        support_release();
    }
}


static void
the_outcome_must_be_valid(void **state)
{
    (void) state;

    assert_known(OUTCOME "]" ISSUE "\"diagnostics\":\"" SAID "\"}]}");
    assert_known(OUTCOME "#" ISSUE "\"diagnostics\":\"" SAID "\"}]}");
    assert_known(OUTCOME "\"\n\":1," ISSUE "\"diagnostics\":\"" SAID "\"}]}");
    assert_known("}" OUTCOME ISSUE "\"diagnostics\":\"" SAID "\"}]}");
}


static void
an_outcome_that_is_too_long_is_not_found(void **state)
{
    int   len;
    char  text[CIGNA_UNKNOWN_ID_MAX + 2];

    (void) state;

    for (len = CIGNA_UNKNOWN_ID_MAX; len <= CIGNA_UNKNOWN_ID_MAX + 1; len++) {

        snprintf(text, sizeof(text), "%-*s", len,
                 OUTCOME ISSUE "\"diagnostics\":\"" SAID "\"}]}");

        assert_int_equal(cigna_unknown_id(guarded(text)),
                         len == CIGNA_UNKNOWN_ID_MAX);
    }
}


static void
a_text_with_deep_nesting_is_not_found(void **state)
{
    char    text[1024];
    size_t  n;

    (void) state;

    n = snprintf(text, sizeof(text), "%s\"a\":", OUTCOME);
    memset(text + n, '[', 400);
    text[n + 400] = '\0';

    assert_known(text);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(an_outcome_with_the_sentence_is_found),
        cmocka_unit_test(other_errors_are_not_found),
        cmocka_unit_test(the_sentence_counts_only_in_its_place),
        cmocka_unit_test(the_outcome_must_be_complete),
        cmocka_unit_test(the_outcome_must_be_valid),
        cmocka_unit_test(an_outcome_that_is_too_long_is_not_found),
        cmocka_unit_test(a_text_with_deep_nesting_is_not_found)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
