
#include "support.h"

#include "http/cigna_base64url.h"


static uint8_t  mem[1024];


static cigna_slice_t
encoded(cigna_slice_t s)
{
    cigna_buf_t  b;

    cigna_buf_init(&b, mem, sizeof(mem));
    cigna_base64url_append(&b, s);

    return cigna_buf_slice(&b);
}


static cigna_slice_t
padded(const char *text)
{
    cigna_buf_t  b;

    cigna_buf_init(&b, mem, sizeof(mem));
    cigna_base64_append(&b, guarded(text));

    return cigna_buf_slice(&b);
}


static cigna_slice_t
decoded(const char *text)
{
    cigna_buf_t  b;

    cigna_buf_init(&b, mem, sizeof(mem));
    assert_int_equal(cigna_base64url_decode(guarded(text), &b), CIGNA_OK);

    return cigna_buf_slice(&b);
}


static void
refused(const char *text)
{
    cigna_buf_t  b;

    cigna_buf_init(&b, mem, sizeof(mem));
    cigna_buf_append_str(&b, "before");

    assert_int_equal(cigna_base64url_decode(guarded(text), &b), CIGNA_ERROR);
    assert_slice(cigna_buf_slice(&b), "before");
}


static void
the_examples_of_rfc_4648_hold(void **state)
{
    (void) state;

    assert_slice(encoded(guarded("")), "");
    assert_slice(encoded(guarded("f")), "Zg");
    assert_slice(encoded(guarded("fo")), "Zm8");
    assert_slice(encoded(guarded("foo")), "Zm9v");
    assert_slice(encoded(guarded("foob")), "Zm9vYg");

    assert_slice(padded(""), "");
    assert_slice(padded("f"), "Zg==");
    assert_slice(padded("fo"), "Zm8=");
    assert_slice(padded("foo"), "Zm9v");
    assert_slice(padded("foobar"), "Zm9vYmFy");

    assert_slice(decoded(""), "");
    assert_slice(decoded("Zg"), "f");
    assert_slice(decoded("Zm8"), "fo");
    assert_slice(decoded("Zm9v"), "foo");
    assert_slice(decoded("Zm9vYg"), "foob");
}


static void
the_two_alphabets_differ_in_two_characters(void **state)
{
    (void) state;

    assert_slice(encoded(guarded("\xfb\xff\xfe")), "-__-");
    assert_slice(padded("\xfb\xff\xfe"), "+//+");
    assert_slice(decoded("-__-"), "\xfb\xff\xfe");
}


static void
any_bytes_are_decoded_as_they_were_encoded(void **state)
{
    size_t         len;
    uint8_t        bytes[256], back[256];
    cigna_buf_t    b;
    cigna_slice_t  s, text;

    (void) state;

    for (len = 0; len < sizeof(bytes); len++) {

        bytes[len] = (uint8_t) (len * 167);

        s = cigna_slice_make(bytes, bytes + len + 1);
        text = encoded(s);

        assert_int_equal(text.len, cigna_base64url_encoded_len(s.len));

        cigna_buf_init(&b, back, s.len);

        assert_int_equal(cigna_base64url_decode(text, &b), CIGNA_OK);
        assert_int_equal(b.pos - b.start, s.len);
        assert_memory_equal(back, bytes, s.len);
    }
}


static void
padding_and_white_space_are_refused(void **state)
{
    (void) state;

    refused("Zg==");
    refused("Zm8=");
    refused("Zm9v\n");
    refused("Zm 9");
    refused(" Zm9v");
}


static void
characters_outside_the_alphabet_are_refused(void **state)
{
    unsigned  c;
    char      text[] = "Zm9vZm?v";

    (void) state;

    for (c = 1; c < 256; c++) {

        text[6] = (char) c;

        if (cigna_slice_alnum((uint8_t) c) || c == '-' || c == '_') {
            assert_int_equal(decoded(text).len, 6);

        } else {
            refused(text);
        }
    }
}


static void
decode_any_accepts_either_alphabet_and_padding(void **state)
{
    size_t       i;
    char         out[16];
    cigna_buf_t  b;

    static const struct { const char *text, *bytes; }  good[] = {
        { "-_-_", "\xfb\xff\xbf" }, { "+/+/", "\xfb\xff\xbf" },
        { "+_-/", "\xfb\xff\xbf" }, { "Zg", "f" }, { "Zg==", "f" },
        { "Zg=", "f" }, { "Zm8=", "fo" }, { "Zm9v=", "foo" }, { "Zh", "f" },
        { "", "" }, { "==", "" }
    };

    static const char *const  bad[] = { "Z", "Z===", "Zg= ", "Z g", "Zg==\n",
                                        "Zm=9", "Zm9*" };

    (void) state;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        cigna_buf_init(&b, out, sizeof(out));
        assert_int_equal(cigna_base64_decode_any(guarded(good[i].text), &b),
                         CIGNA_OK);
        assert_slice(cigna_buf_slice(&b), good[i].bytes);
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cigna_buf_init(&b, out, sizeof(out));
        assert_int_equal(cigna_base64_decode_any(guarded(bad[i]), &b),
                         CIGNA_ERROR);
        assert_slice(cigna_buf_slice(&b), "");
    }
}


static void
a_single_character_is_refused(void **state)
{
    (void) state;

    refused("Z");
    refused("Zm9vZ");
}


static void
unused_bits_are_refused(void **state)
{
    (void) state;

    refused("Zh");
    refused("Zv");
    refused("Zm9");
    refused("Zm-");
}


static void
bytes_of_a_malformed_text_are_wiped(void **state)
{
    uint8_t      out[16] = { 0 };
    cigna_buf_t  b;

    (void) state;

    cigna_buf_init(&b, out, sizeof(out));

    assert_int_equal(cigna_base64url_decode(cigna_slice("c2VjcmV0!"), &b),
                     CIGNA_ERROR);
    assert_int_equal(cigna_base64url_decode(cigna_slice("c2VjcmV0c2!j"), &b),
                     CIGNA_ERROR);
    assert_memory_equal(out, (uint8_t[16]) { 0 }, 16);
}


static void
bytes_that_do_not_fit_overflow(void **state)
{
    cigna_buf_t  b;

    (void) state;

    cigna_buf_init(&b, place_at_page_end("12", 2), 2);
    assert_int_equal(cigna_base64url_decode(guarded("Zm9v"), &b),
                     CIGNA_ERROR);
    assert_int_equal(b.overflow, 1);
    assert_int_equal(cigna_base64url_decode(guarded(""), &b), CIGNA_ERROR);

    cigna_buf_init(&b, place_at_page_end("123", 3), 3);
    cigna_base64url_append(&b, guarded("foo"));
    assert_int_equal(b.overflow, 1);

    cigna_buf_init(&b, place_at_page_end("123", 3), 3);
    cigna_base64_append(&b, guarded("f"));
    assert_int_equal(b.overflow, 1);

    cigna_buf_init(&b, NULL, 0);
    assert_int_equal(cigna_base64url_decode(cigna_slice_null, &b), CIGNA_OK);

    cigna_base64url_append(&b, (cigna_slice_t) { NULL, SIZE_MAX });
    assert_int_equal(b.overflow, 1);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(the_examples_of_rfc_4648_hold),
        cmocka_unit_test(the_two_alphabets_differ_in_two_characters),
        cmocka_unit_test(any_bytes_are_decoded_as_they_were_encoded),
        cmocka_unit_test(padding_and_white_space_are_refused),
        cmocka_unit_test(characters_outside_the_alphabet_are_refused),
        cmocka_unit_test(
            decode_any_accepts_either_alphabet_and_padding),
        cmocka_unit_test(a_single_character_is_refused),
        cmocka_unit_test(unused_bits_are_refused),
        cmocka_unit_test(bytes_of_a_malformed_text_are_wiped),
        cmocka_unit_test(bytes_that_do_not_fit_overflow)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
