
#include "support.h"

#include "base/cigna_buf.h"


static cigna_buf_t
buf_of(size_t size)
{
    cigna_buf_t           b;
    static const uint8_t  zeros[256];

    assert_true(size <= sizeof(zeros));

    cigna_buf_init(&b, place_at_page_end(zeros, size), size);

    return b;
}


static void
appends_follow_each_other(void **state)
{
    cigna_buf_t  b;

    (void) state;

    b = buf_of(64);

    cigna_buf_append(&b, cigna_slice("ab"));
    cigna_buf_append_str(&b, "cd");
    cigna_buf_append_str(&b, "");
    cigna_buf_append_char(&b, '=');
    cigna_buf_append_uint(&b, 0);
    cigna_buf_append_char(&b, ',');
    cigna_buf_append_uint(&b, UINT64_MAX);

    assert_slice(cigna_buf_slice(&b), "abcd=0,18446744073709551615");
}


static void
a_buffer_can_be_filled_to_its_last_byte(void **state)
{
    cigna_buf_t  b;

    (void) state;

    b = buf_of(4);

    cigna_buf_append(&b, cigna_slice("abcd"));
    cigna_buf_append(&b, cigna_slice_null);

    assert_slice(cigna_buf_slice(&b), "abcd");
    assert_int_equal(b.overflow, 0);

    cigna_buf_append_char(&b, 'e');

    assert_int_equal(b.overflow, 1);
}


static void
an_append_that_does_not_fit_writes_nothing(void **state)
{
    cigna_buf_t  b;

    (void) state;

    b = buf_of(4);

    cigna_buf_append(&b, cigna_slice("ab"));
    cigna_buf_append(&b, cigna_slice("cde"));

    assert_int_equal(b.overflow, 1);
    assert_memory_equal(b.start, "ab\0\0", 4);
    assert_slice(cigna_buf_slice(&b), "");
}


static void
an_overflow_stays_set(void **state)
{
    cigna_buf_t  b;

    (void) state;

    b = buf_of(4);

    cigna_buf_append(&b, cigna_slice("abcde"));
    cigna_buf_append_char(&b, 'f');
    cigna_buf_append_uint(&b, 1);
    cigna_buf_append_u32(&b, 1);
    cigna_buf_append_lp(&b, cigna_slice_null);

    assert_null(cigna_buf_reserve(&b, 0));
    assert_ptr_equal(b.pos, b.start);
    assert_slice(cigna_buf_slice(&b), "");
}


static void
integers_are_big_endian(void **state)
{
    cigna_buf_t  b;

    (void) state;

    b = buf_of(12);

    cigna_buf_append_u32(&b, 0x01020384);
    cigna_buf_append_u64(&b, 0xf102030405060708);

    assert_int_equal(b.overflow, 0);
    assert_memory_equal(b.start, "\x01\x02\x03\x84\xf1\x02\x03\x04\x05\x06"
                        "\x07\x08", 12);
}


static void
a_length_precedes_its_bytes(void **state)
{
    cigna_buf_t  b;

    (void) state;

    b = buf_of(11);

    cigna_buf_append_lp(&b, cigna_slice("abc"));
    cigna_buf_append_lp(&b, cigna_slice_null);

    assert_int_equal(b.overflow, 0);
    assert_memory_equal(b.start, "\0\0\0\3abc\0\0\0\0", 11);
}


static void
no_length_is_written_without_its_bytes(void **state)
{
    cigna_buf_t  b;

    (void) state;

    b = buf_of(6);

    cigna_buf_append_lp(&b, cigna_slice("abc"));

    assert_int_equal(b.overflow, 1);
    assert_ptr_equal(b.pos, b.start);
}


static void
a_length_that_32_bits_cannot_hold_is_refused(void **state)
{
    cigna_buf_t  b;

    (void) state;

    b = buf_of(6);

    cigna_buf_append_lp(&b, (cigna_slice_t) { NULL, (size_t) UINT32_MAX + 1 });

    assert_int_equal(b.overflow, 1);
}


static void
reserved_bytes_belong_to_the_caller(void **state)
{
    uint8_t      *p;
    cigna_buf_t   b;

    (void) state;

    b = buf_of(4);

    cigna_buf_append_char(&b, 'a');
    p = cigna_buf_reserve(&b, 3);

    assert_ptr_equal(p, b.start + 1);
    memcpy(p, "bcd", 3);
    assert_slice(cigna_buf_slice(&b), "abcd");

    assert_null(cigna_buf_reserve(&b, 1));
    assert_int_equal(b.overflow, 1);
}


static void
a_huge_reservation_does_not_wrap_around(void **state)
{
    cigna_buf_t  b;

    (void) state;

    b = buf_of(4);

    cigna_buf_append_char(&b, 'a');

    assert_null(cigna_buf_reserve(&b, SIZE_MAX));
}


static void
a_buffer_may_have_no_memory(void **state)
{
    cigna_buf_t  b;

    (void) state;

    cigna_buf_init(&b, NULL, 0);
    cigna_buf_append(&b, cigna_slice_null);

    assert_int_equal(b.overflow, 0);
    assert_slice(cigna_buf_slice(&b), "");

    cigna_buf_append_char(&b, 'a');

    assert_int_equal(b.overflow, 1);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(appends_follow_each_other),
        cmocka_unit_test(a_buffer_can_be_filled_to_its_last_byte),
        cmocka_unit_test(an_append_that_does_not_fit_writes_nothing),
        cmocka_unit_test(an_overflow_stays_set),
        cmocka_unit_test(integers_are_big_endian),
        cmocka_unit_test(a_length_precedes_its_bytes),
        cmocka_unit_test(no_length_is_written_without_its_bytes),
        cmocka_unit_test(a_length_that_32_bits_cannot_hold_is_refused),
        cmocka_unit_test(reserved_bytes_belong_to_the_caller),
        cmocka_unit_test(a_huge_reservation_does_not_wrap_around),
        cmocka_unit_test(a_buffer_may_have_no_memory)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
