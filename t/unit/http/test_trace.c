
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
a_request_id_is_a_word(void **state)
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
a_traceparent_has_its_form(void **state)
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


static void
a_new_trace_has_the_id_of_the_request(void **state)
{
    uint8_t        one[CIGNA_TRACEPARENT_LEN], two[CIGNA_TRACEPARENT_LEN];
    cigna_slice_t  s;

    (void) state;

    assert_int_equal(cigna_traceparent_make(guarded(TRACE), one), CIGNA_OK);

    s = cigna_slice_make(one, one + CIGNA_TRACEPARENT_LEN);

    assert_int_equal(cigna_traceparent_valid(s), 1);
    assert_memory_equal(one, "00-" TRACE "-", 36);
    assert_memory_equal(one + 52, "-00", 3);

    assert_int_equal(cigna_traceparent_make(
                         guarded("4bf92f3577b34da6a3ce929d0e0e4737"), two),
                     CIGNA_OK);
    assert_memory_not_equal(one + 36, two + 36, 16);

    assert_int_equal(cigna_traceparent_make(
                         guarded("4bf92f3577b34da60000000000000000"), two),
                     CIGNA_OK);
    assert_int_equal(cigna_traceparent_valid(
                         cigna_slice_make(two, two + CIGNA_TRACEPARENT_LEN)),
                     1);

    assert_int_equal(cigna_traceparent_make(guarded("4bf9"), one),
                     CIGNA_ERROR);
    assert_int_equal(cigna_traceparent_make(
                         guarded("00000000000000000000000000000000"), one),
                     CIGNA_ERROR);
}


static void
a_trace_is_made_of_random_bytes(void **state)
{
    uint8_t               out[CIGNA_TRACEPARENT_LEN];
    static const uint8_t  random[] = {
        0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6,
        0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36
    };
    static const uint8_t  half[CIGNA_TRACE_RANDOM_LEN] = { 0x01, 0xf0 };

    (void) state;

    cigna_traceparent_random(random, out);
    assert_memory_equal(out, "00-" TRACE "-a3ce929d0e0e4736-00",
                        CIGNA_TRACEPARENT_LEN);
    assert_memory_equal(out + CIGNA_TRACE_ID_AT, TRACE, CIGNA_TRACE_ID_LEN);

    cigna_traceparent_random(half, out);
    assert_memory_equal(out, "00-01f00000000000000000000000000000"
                             "-01f0000000000000-00", CIGNA_TRACEPARENT_LEN);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_request_id_is_a_word),
        cmocka_unit_test(a_traceparent_has_its_form),
        cmocka_unit_test(a_tracestate_is_a_list_of_pairs),
        cmocka_unit_test(a_new_trace_has_the_id_of_the_request),
        cmocka_unit_test(a_trace_is_made_of_random_bytes)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
