
#include "support.h"

#include "http/cigna_trace.h"


#define TRACE   "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN    "00f067aa0ba902b7"
#define PARENT  "00-" TRACE "-" SPAN "-01"


#define assert_parent(text)                                                   \
    assert_int_equal(cigna_traceparent_valid(guarded(text)), 1)
#define assert_no_parent(text)                                                \
    assert_int_equal(cigna_traceparent_valid(guarded(text)), 0)
#define assert_state(text)                                                    \
    assert_int_equal(cigna_tracestate_valid(guarded(text)), 1)
#define assert_no_state(text)                                                 \
    assert_int_equal(cigna_tracestate_valid(guarded(text)), 0)


static void
a_request_id_is_one_word_of_bounded_length(void **state)
{
    char  long_one[CIGNA_REQUEST_ID_MAX + 2];

    (void) state;

    assert_true(cigna_request_id_valid(guarded("a")));
    assert_true(cigna_request_id_valid(guarded(
                    "b4c1f0e2-9d3a-4f0e-8a5e-1d2c3b4a5f6e")));
    assert_true(cigna_request_id_valid(guarded("Root=1-67891233-abc/x+y~z:@")));

    assert_false(cigna_request_id_valid(guarded("")));
    assert_false(cigna_request_id_valid(guarded("a b")));
    assert_false(cigna_request_id_valid(guarded("a\"")));
    assert_false(cigna_request_id_valid(guarded("a,b")));
    assert_false(cigna_request_id_valid(guarded("a\n")));
    assert_false(cigna_request_id_valid(guarded("\xc3\xa9")));

    memset(long_one, 'a', sizeof(long_one));
    long_one[CIGNA_REQUEST_ID_MAX + 1] = '\0';
    assert_false(cigna_request_id_valid(guarded(long_one)));

    long_one[CIGNA_REQUEST_ID_MAX] = '\0';
    assert_true(cigna_request_id_valid(guarded(long_one)));
}


static void
a_traceparent_has_the_form_of_version_00_or_later(void **state)
{
    (void) state;

    assert_parent(PARENT);
    assert_parent("00-" TRACE "-" SPAN "-00");
    assert_parent("00-" TRACE "-" SPAN "-ff");
    assert_parent("cc-" TRACE "-" SPAN "-01");
    assert_parent("01-" TRACE "-" SPAN "-01-what-the-future-brings");

    assert_no_parent("");
    assert_no_parent("00");
    assert_no_parent("00-" TRACE "-" SPAN "-0");
    assert_no_parent(PARENT "-more");
    assert_no_parent(PARENT "0");
    assert_no_parent("01-" TRACE "-" SPAN "-01x");
    assert_no_parent("01-" TRACE "-" SPAN "-01-a b");
    assert_no_parent("ff-" TRACE "-" SPAN "-01");
    assert_no_parent("00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01");
    assert_no_parent("00-00000000000000000000000000000000-" SPAN "-01");
    assert_no_parent("00-" TRACE "-0000000000000000-01");
    assert_no_parent("00-" TRACE "-" SPAN "-0x");
    assert_no_parent("00_" TRACE "-" SPAN "-01");
    assert_no_parent("0g-" TRACE "-" SPAN "-01");
}


static void
a_tracestate_is_a_list_of_pairs(void **state)
{
    (void) state;

    assert_state("congo=t61rcWkgMzE");
    assert_state("rojo=00f067aa0ba902b7 , congo=t61rcWkgMzE,");
    assert_state("fw529a3039@dt=FfAB,4a/b*c-d_e=a b");

    assert_no_state("");
    assert_no_state(" , ");
    assert_no_state("congo");
    assert_no_state("congo=");
    assert_no_state("Congo=1");
    assert_no_state("-a=1");
    assert_no_state("a=b=c");
    assert_no_state("a=\x01");
    assert_no_state("a=\xc3\xa9");
    assert_no_state("a=1,b=1,c=1,d=1,e=1,f=1,g=1,h=1,i=1,j=1,k=1,l=1,m=1,n=1,"
                    "o=1,p=1,q=1,r=1,s=1,t=1,u=1,v=1,w=1,x=1,y=1,z=1,aa=1,"
                    "bb=1,cc=1,dd=1,ee=1,ff=1,gg=1");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_request_id_is_one_word_of_bounded_length),
        cmocka_unit_test(a_traceparent_has_the_form_of_version_00_or_later),
        cmocka_unit_test(a_tracestate_is_a_list_of_pairs)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
