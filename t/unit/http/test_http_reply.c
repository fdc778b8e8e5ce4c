
#include <stdio.h>
#include <stdlib.h>

#include "support.h"

#include "http/cigna_http_reply.h"


#define BODY_MAX  1000
#define CHUNKED   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define DATE      "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n"


/* the result of parsing; the slices of the reply point to copies */

typedef struct {
    int                  rc;
    cigna_http_reply_t   reply;
    uint8_t              body[BODY_MAX];
    uint8_t              type[BODY_MAX];
} result_t;


static int  at_eof = 1;


static cigna_slice_t
copied(uint8_t *mem, cigna_slice_t s)
{
    assert_true(s.len <= BODY_MAX);

    if (s.len) {
        memcpy(mem, s.data, s.len);
    }

    return (cigna_slice_t) { mem, s.len };
}


/*
 * Feeds the text in pieces of "step" bytes.  Before each piece all bytes so far
 * move to new memory of exactly their size.  at_eof: 1 if the connection ends
 * after the last byte.
 */

static void
feed(result_t *r, cigna_slice_t text, size_t step)
{
    size_t    len, n;
    uint8_t  *data, *more;

    cigna_http_reply_init(&r->reply);

    data = NULL;
    len = 0;

    do {
        n = (text.len - len < step) ? text.len - len : step;

        more = malloc(len + n);
        assert_non_null(more);

        if (len) {
            memcpy(more, data, len);
        }

        if (n) {
            memcpy(more + len, text.data + len, n);
        }

        free(data);
        data = more;
        len += n;

        r->rc = cigna_http_reply_parse(&r->reply, data, len, BODY_MAX,
                                       at_eof && len == text.len);

    } while (r->rc == CIGNA_AGAIN && len < text.len);

    if (r->rc == CIGNA_OK) {
        r->reply.body = copied(r->body, r->reply.body);
        r->reply.content_type = copied(r->type, r->reply.content_type);
    }

    free(data);
}


static void
assert_same(const result_t *a, const result_t *b)
{
    assert_int_equal(a->rc, b->rc);

    if (a->rc != CIGNA_OK) {
        return;
    }

    assert_int_equal(a->reply.status, b->reply.status);
    assert_int_equal(a->reply.retry_after_s, b->reply.retry_after_s);
    assert_int_equal(a->reply.date_s, b->reply.date_s);
    assert_int_equal(a->reply.max_age_s, b->reply.max_age_s);
    assert_int_equal(a->reply.encoded, b->reply.encoded);
    assert_true(cigna_slice_eq(a->reply.body, b->reply.body));
    assert_true(cigna_slice_eq(a->reply.content_type, b->reply.content_type));
}


/*
 * parses the text, whole and in pieces of any size, with the same result; rc:
 * the expected return value
 */

static cigna_http_reply_t *
parsed_bytes(cigna_slice_t text, int rc)
{
    size_t           step;
    static result_t  whole, parts;

    feed(&whole, text, text.len);

    if (whole.rc != rc) {
        fail_msg("%d instead of %d for: %.*s", whole.rc, rc, (int) text.len,
                 text.data);
    }

    for (step = 1; step < 8; step++) {
        feed(&parts, text, step);
        assert_same(&whole, &parts);
    }

    return &whole.reply;
}


static cigna_http_reply_t *
parsed(const char *text)
{
    return parsed_bytes(cigna_slice_str(text), CIGNA_OK);
}


static void
refused(const char *text)
{
    (void) parsed_bytes(cigna_slice_str(text), CIGNA_ERROR);
}


/* while the connection is open, the parser must wait for more bytes */

static void
unfinished(const char *text)
{
    at_eof = 0;
    (void) parsed_bytes(cigna_slice_str(text), CIGNA_AGAIN);
    at_eof = 1;
}


static void
a_reply_with_a_length_ends_by_itself(void **state)
{
    cigna_http_reply_t  *p;

    (void) state;

    at_eof = 0;
    p = parsed("HTTP/1.1 200 OK\r\n"
               "Content-Type: application/json\r\n"
               "Content-Length: 4\r\n"
               "\r\n"
               "{12}");
    at_eof = 1;

    assert_int_equal(p->status, 200);
    assert_slice(p->body, "{12}");
    assert_slice(p->content_type, "application/json");
    assert_int_equal(p->retry_after_s, -1);
    assert_int_equal(p->date_s, -1);
}


static void
bytes_after_the_length_are_not_part_of_the_body(void **state)
{
    (void) state;

    assert_slice(parsed("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabcd")
                 ->body, "ab");
    assert_slice(parsed("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nabcd")
                 ->body, "");
}


static void
a_reply_without_length_lasts_until_the_end(void **state)
{
    (void) state;

    unfinished("HTTP/1.0 200 OK\r\n\r\nabc");

    assert_slice(parsed("HTTP/1.0 200 OK\r\n\r\nabc")->body, "abc");
    assert_slice(parsed("HTTP/1.1 500 No\r\n\r\n")->body, "");
}


static void
a_reply_that_is_cut_is_refused(void **state)
{
    size_t             i;
    static const char  text[] = "HTTP/1.1 200 OK\r\n"
                                "Transfer-Encoding: chunked\r\n"
                                "\r\n"
                                "3\r\nabc\r\n0\r\n\r\n";

    (void) state;

    /* cut at any byte before the last chunk's line is complete */

    for (i = 0; i < sizeof(text) - 3; i++) {
        (void) parsed_bytes(cigna_slice_make(text, text + i), CIGNA_ERROR);
    }

    refused("");
    refused("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc");
}


static void
more_is_awaited_while_the_connection_is_open(void **state)
{
    (void) state;

    unfinished("");
    unfinished("HTTP/1.1 200 OK");
    unfinished("HTTP/1.1 200 OK\r\n");
    unfinished("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc");
    unfinished("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
               "3\r\nabc\r\n0\r\n");
}


static void
chunks_are_joined(void **state)
{
    cigna_http_reply_t  *p;

    (void) state;

    p = parsed("HTTP/1.1 200 OK\r\n"
               "transfer-encoding: Chunked\r\n"
               "content-type: text/html\r\n"
               "\r\n"
               "1\r\na\r\n"
               "0A\r\nbcdefghijk\r\n"
               "0002\r\nlm\r\n"
               "0\r\n\r\n");

    assert_slice(p->body, "abcdefghijklm");
    assert_slice(p->content_type, "text/html");
}


static void
a_chunked_body_may_be_empty(void **state)
{
    (void) state;

    assert_slice(parsed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
                        "\r\n000\r\n\r\n")->body, "");
}


static void
chunk_extensions_and_trailers_are_ignored(void **state)
{
    (void) state;

    assert_slice(parsed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
                        "\r\n"
                        "3;a=b;c=\"d\"\r\nabc\r\n"
                        "2 ; e\r\nde\r\n"
                        "0;f\r\n"
                        "Expires: never\r\nContent-Length: 9\r\n"
                        "\r\n")->body, "abcde");
}


static void
chunked(const char *body)
{
    char  text[256];

    (void) strcpy(text, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
                        "\r\n");
    (void) strncat(text, body, sizeof(text) - strlen(text) - 1);

    refused(text);
}


static void
malformed_chunks_are_refused(void **state)
{
    (void) state;

    chunked("\r\n0\r\n\r\n");
    chunked("g\r\n\r\n");
    chunked("-1\r\n\r\n");
    chunked("+1\r\na\r\n0\r\n\r\n");
    chunked("0x1\r\na\r\n0\r\n\r\n");
    chunked(";a\r\n0\r\n\r\n");
    chunked("1 1\r\na\r\n0\r\n\r\n");
    chunked("1\r\nab\r\n0\r\n\r\n");
    chunked("2\r\na\r\n0\r\n\r\n");
    chunked("1\r\na\n0\r\n\r\n");
    chunked("1\r\na0\r\n\r\n");
    chunked("1\r\na\r\n0\r\n folded: a\r\n\r\n");
    chunked("1\r\na\r\n0\r\nno colon\r\n\r\n");
}


static void
a_chunk_size_does_not_wrap_around(void **state)
{
    (void) state;

    chunked("10000000000000001\r\na\r\n0\r\n\r\n");
    chunked("ffffffffffffffff\r\na\r\n0\r\n\r\n");
    chunked("2\r\nab\r\nffffffffffffffff\r\na\r\n0\r\n\r\n");
}


/*
 * parses a reply with a body of n bytes; framing: header lines and chunk size
 */

static void
body_of(size_t n, const char *framing, int rc)
{
    char    text[2 * BODY_MAX + 200];
    size_t  len;

    len = (size_t) snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\n%s",
                            framing);
    memset(text + len, 'a', n);
    (void) strcpy(text + len + n, "\r\n0\r\n\r\n");

    len += n;

    if (strstr(framing, "chunked")) {
        len += strlen("\r\n0\r\n\r\n");
    }

    (void) parsed_bytes(cigna_slice_make(text, text + len), rc);
}


static void
a_body_over_body_max_is_refused(void **state)
{
    (void) state;

    body_of(BODY_MAX, "\r\n", CIGNA_OK);
    body_of(BODY_MAX + 1, "\r\n", CIGNA_ERROR);

    body_of(BODY_MAX, "Content-Length: 1000\r\n\r\n", CIGNA_OK);
    body_of(BODY_MAX + 1, "Content-Length: 1001\r\n\r\n", CIGNA_ERROR);

    body_of(BODY_MAX, "Transfer-Encoding: chunked\r\n\r\n3E8\r\n", CIGNA_OK);
    body_of(BODY_MAX + 1, "Transfer-Encoding: chunked\r\n\r\n3E9\r\n",
            CIGNA_ERROR);
    body_of(BODY_MAX, "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n3E8\r\n",
            CIGNA_ERROR);
}


static void
a_body_over_body_max_is_not_awaited(void **state)
{
    (void) state;

    at_eof = 0;
    refused("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n");
    refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3E9\r\n");
    at_eof = 1;
}


static void
chunks_override_a_length(void **state)
{
    (void) state;

    assert_slice(parsed("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n"
                        "4\r\nabcd\r\n0\r\n\r\n")->body, "abcd");
    assert_slice(parsed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
                        "Content-Length: 5000\r\n\r\n"
                        "3\r\nabc\r\n0\r\n\r\n")->body, "abc");
    assert_slice(parsed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
                        "Content-Length: 1\r\nContent-Length: -2\r\n\r\n"
                        "3\r\nabc\r\n0\r\n\r\n")->body, "abc");
    refused("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"
            "Transfer-Encoding: chunked\r\n\r\nabc");
}


static void
lengths_that_differ_are_refused(void **state)
{
    (void) state;

    refused("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n"
            "\r\nabcd");
    refused("HTTP/1.1 200 OK\r\nContent-Length: 3, 4\r\n\r\nabcd");

    refused("HTTP/1.1 200 OK\r\nContent-Length: 3, 3,\r\n"
            "Content-Length: 4\r\n\r\nabcd");
    refused("HTTP/1.1 200 OK\r\nContent-Length: 3 3\r\n\r\nabc");
}


static void
equal_lengths_count_as_one(void **state)
{
    (void) state;

    assert_slice(parsed("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"
                        "content-length: 3\r\n\r\nabc")->body, "abc");
    assert_slice(parsed("HTTP/1.1 200 OK\r\nContent-Length: 3, 3 ,3\r\n"
                        "\r\nabc")->body, "abc");
}


static void
a_length_that_is_not_a_number_is_refused(void **state)
{
    (void) state;

    refused("HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n");
    refused("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n");
    refused("HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na");
    refused("HTTP/1.1 200 OK\r\nContent-Length: 1a\r\n\r\na");
    refused("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551617\r\n\r\n"
            "a");
}


static void
other_transfer_codings_are_refused(void **state)
{
    (void) state;

    refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
            "0\r\n\r\n");
    refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n"
            "0\r\n\r\n");
    refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunkedx\r\n\r\n");
    refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: x-identity\r\n\r\n");
}


static void
chunked_may_be_announced_twice_and_applied_once(void **state)
{
    (void) state;

    assert_slice(parsed("HTTP/1.1 200 OK\r\n"
                        "Transfer-Encoding: chunked, chunked\r\n\r\n"
                        "3\r\n{1}\r\n0\r\n\r\n")->body, "{1}");
    assert_slice(parsed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n"
                        "3\r\n{1}\r\n0\r\n\r\n")->body, "{1}");
    assert_slice(parsed("HTTP/1.1 200 OK\r\n"
                        "Transfer-Encoding: chunked, chunked\r\n\r\n"
                        "0\r\n\r\n")->body, "");
}


static void
chunked_may_be_announced_twice_and_applied_twice(void **state)
{
    (void) state;

    assert_slice(parsed("HTTP/1.1 200 OK\r\n"
                        "Transfer-Encoding: chunked, chunked\r\n\r\n"
                        "5\r\n3\r\n{1\r\n"
                        "8\r\n}\r\n0\r\n\r\n\r\n0\r\n\r\n")->body, "{1}");
    refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n"
            "\r\n5\r\n3\r\n{1\r\n0\r\n\r\n");
}


static void
identity_means_no_transfer_coding(void **state)
{
    (void) state;

    assert_slice(parsed("HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n"
                        "Content-Length: 2\r\n\r\nabc")->body, "ab");
    assert_slice(parsed("HTTP/1.1 200 OK\r\nTransfer-Encoding: Identity\r\n"
                        "\r\nabc")->body, "abc");
    assert_slice(parsed("HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n"
                        "Content-Length: 2\r\n\r\nab")->body, "ab");
    assert_slice(parsed("HTTP/1.1 200 OK\r\n"
                        "Transfer-Encoding: identity, chunked\r\n\r\n"
                        "3\r\nabc\r\n0\r\n\r\n")->body, "abc");
}


static void
chunks_may_come_with_http_1_0(void **state)
{
    (void) state;

    assert_slice(parsed("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n"
                        "\r\n3\r\nabc\r\n0\r\n\r\n")->body, "abc");
    refused("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}");
}


static void
the_end_may_come_with_the_last_chunk(void **state)
{
    (void) state;

#define CHUNKS  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"      \
                "3\r\nabc\r\n"

    assert_slice(parsed(CHUNKS "0\r\n")->body, "abc");
    assert_slice(parsed(CHUNKS "0\r\n\r")->body, "abc");
    assert_slice(parsed(CHUNKS "0\r\nX-A: b")->body, "abc");

    unfinished(CHUNKS "0\r\n");
    refused(CHUNKS);
    refused(CHUNKS "0");
    refused(CHUNKS "0\r");
}


static void
interim_replies_are_skipped(void **state)
{
    cigna_http_reply_t  *p;

    (void) state;

    p = parsed("HTTP/1.1 100 Continue\r\n\r\n"
               "HTTP/1.1 103 Early Hints\r\n"
               "Content-Length: 50\r\nContent-Type: a/b\r\nRetry-After: 9\r\n"
               DATE "\r\n"
               "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na");

    assert_int_equal(p->status, 200);
    assert_slice(p->body, "a");
    assert_slice(p->content_type, "");
    assert_int_equal(p->retry_after_s, -1);
    assert_int_equal(p->date_s, -1);

    unfinished("HTTP/1.1 100 Continue\r\n\r\n");
    refused("HTTP/1.1 100 Continue\r\n\r\n");
}


static void
a_switch_of_protocols_is_refused(void **state)
{
    (void) state;

    refused("HTTP/1.1 101 Switching Protocols\r\n\r\n"
            "HTTP/1.1 200 OK\r\n\r\n");
}


static void
replies_204_and_304_have_no_body(void **state)
{
    (void) state;

    at_eof = 0;
    assert_slice(parsed("HTTP/1.1 204 No Content\r\n\r\nabc")->body, "");
    assert_slice(parsed("HTTP/1.1 304 Not Modified\r\n"
                        "Content-Length: 5000\r\n\r\n")->body, "");
    assert_slice(parsed("HTTP/1.1 204 No Content\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n")->body, "");
    at_eof = 1;
}


static void
a_status_line_may_lack_its_reason(void **state)
{
    (void) state;

    assert_int_equal(parsed("HTTP/1.1 200\r\n\r\n")->status, 200);
    assert_int_equal(parsed("HTTP/1.1 200 \r\n\r\n")->status, 200);
    assert_int_equal(parsed("HTTP/1.1 429 Too  Many: Requests\r\n\r\n")
                     ->status, 429);
    assert_int_equal(parsed("HTTP/1.0 599 \xe4\r\n\r\n")->status, 599);
}


static void
a_reply_that_is_not_http_1_is_refused(void **state)
{
    (void) state;

    refused("\r\nHTTP/1.1 200 OK\r\n\r\n");
    refused("<html>\r\n\r\n");
    refused("HTTP/2 200 OK\r\n\r\n");
    refused("HTTP/1.2 200 OK\r\n\r\n");
    refused("HTTP/0.9 200 OK\r\n\r\n");
    refused("http/1.1 200 OK\r\n\r\n");
    refused("HTTP/1.1\r\n\r\n");
    refused("HTTP/1.1200 OK\r\n\r\n");
    refused("HTTP/1.1  200 OK\r\n\r\n");
    refused("HTTP/1.1\t200 OK\r\n\r\n");
    refused(" HTTP/1.1 200 OK\r\n\r\n");
    refused("ICY 200 OK\r\n\r\n");
}


static void
a_status_has_three_digits(void **state)
{
    (void) state;

    refused("HTTP/1.1 20 OK\r\n\r\n");
    refused("HTTP/1.1 2000 OK\r\n\r\n");
    refused("HTTP/1.1 0200 OK\r\n\r\n");
    refused("HTTP/1.1 099 OK\r\n\r\n");
    refused("HTTP/1.1 600 OK\r\n\r\n");
    refused("HTTP/1.1 2x0 OK\r\n\r\n");
    refused("HTTP/1.1 200OK\r\n\r\n");
    refused("HTTP/1.1 -20 OK\r\n\r\n");
}


static void
an_error_is_found_before_more_is_awaited(void **state)
{
    (void) state;

    at_eof = 0;
    refused("HTTP/2 200 OK\r\n");
    refused("HTTP/1.1 099 OK\r\n");
    refused("HTTP/1.1 600 OK\r\n");
    refused("HTTP/1.1 200 OK\r\n folded\r\n");
    refused("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    refused("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"
            "Content-Length: 4\r\n\r\n");
    refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n");
    refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            "1\r\nabc");
    at_eof = 1;
}


static void
a_line_may_end_with_a_bare_lf(void **state)
{
    cigna_http_reply_t  *p;

    (void) state;

    p = parsed("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n"
               "3\nabc\r\n0\n\n");

    assert_slice(p->body, "abc");
}


static void
folded_lines_are_refused(void **state)
{
    (void) state;

    refused("HTTP/1.1 200 OK\r\nContent-Type: a\r\n /b\r\n\r\n");
    refused("HTTP/1.1 200 OK\r\nContent-Type: a\r\n\t/b: c\r\n\r\n");
    refused("HTTP/1.1 200 OK\r\n Content-Type: a\r\n\r\n");
}


static void
a_header_name_is_followed_by_its_colon(void **state)
{
    (void) state;

    refused("HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\na");
    refused("HTTP/1.1 200 OK\r\n: a\r\n\r\n");
    refused("HTTP/1.1 200 OK\r\nContent-Length\r\n\r\n");
    refused("HTTP/1.1 200 OK\r\nContent Length: 1\r\n\r\na");
    refused("HTTP/1.1 200 OK\r\n\xc3\xa4: 1\r\n\r\na");

    assert_slice(parsed("HTTP/1.1 200 OK\r\nContent-Length:1\r\n"
                        "X-!#$%&'*+.^_`|~9:\r\n\r\na")->body, "a");
}


static void
control_bytes_in_the_header_are_refused(void **state)
{
    (void) state;

    refused("HTTP/1.1 200 O\x01K\r\n\r\n");
    refused("HTTP/1.1 200 OK\r\nA: b\rc: d\r\n\r\n");
    refused("HTTP/1.1 200 OK\r\nA: b\r\r\n\r\n");
    refused("HTTP/1.1 200 OK\r\nA: \x7f\r\n\r\n");

    (void) parsed_bytes(cigna_slice("HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n"),
                        CIGNA_ERROR);

    (void) parsed("HTTP/1.1 200 OK\r\nA: b\tc\xe4\r\n\r\n");
}


static void
header_values_are_trimmed_and_the_last_one_counts(void **state)
{
    (void) state;

    assert_slice(parsed("HTTP/1.1 200 OK\r\nCONTENT-TYPE: \t a/b; c=d \t\r\n"
                        "\r\n")->content_type, "a/b; c=d");
    assert_slice(parsed("HTTP/1.1 200 OK\r\nContent-Type: a\r\n"
                        "Content-Type: b\r\n\r\n")->content_type, "b");
    assert_slice(parsed("HTTP/1.1 200 OK\r\nContent-Type:\r\n\r\n")
                 ->content_type, "");
}


static int64_t
max_age(const char *lines)
{
    char  text[256];

    (void) snprintf(text, sizeof(text), "HTTP/1.1 204 \r\n%s\r\n", lines);

    return parsed(text)->max_age_s;
}


static void
a_reply_says_how_long_it_may_be_kept(void **state)
{
    (void) state;

    assert_int_equal(max_age(""), -1);
    assert_int_equal(max_age("Cache-Control: public\r\n"), -1);
    assert_int_equal(max_age("Cache-Control: max-age=x\r\n"), -1);
    assert_int_equal(max_age("cache-control: public, Max-Age=60\r\n"), 60);
    assert_int_equal(max_age("Cache-Control: max-age=0\r\n"), 0);
    assert_int_equal(max_age("Cache-Control: max-age=60, no-store\r\n"), 0);
    assert_int_equal(max_age("Cache-Control: no-cache=\"a\"\r\n"
                             "Cache-Control: max-age=60\r\n"), 0);
    assert_int_equal(max_age("Cache-Control: max-age=60\r\n"
                             "Cache-Control: max-age=50\r\n"), 50);
}


static void
a_content_coding_is_reported(void **state)
{
    (void) state;

    assert_false(parsed("HTTP/1.1 204 \r\n\r\n")->encoded);
    assert_false(parsed("HTTP/1.1 204 \r\nContent-Encoding: \r\n"
                        "content-encoding: Identity\r\n\r\n")->encoded);
    assert_true(parsed("HTTP/1.1 204 \r\nContent-Encoding: gzip\r\n"
                       "Content-Encoding: identity\r\n\r\n")->encoded);
}


static void
a_body_over_body_max_is_reported_as_too_large(void **state)
{
    size_t                     i;
    static const char  *const  large[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n",
        CHUNKED "3e9\r\n"
    };

    (void) state;

    for (i = 0; i < 2; i++) {
        assert_true(parsed_bytes(cigna_slice_str(large[i]), CIGNA_ERROR)
                    ->too_large);
    }

    assert_false(parsed_bytes(cigna_slice_str(CHUNKED "x\r\n"), CIGNA_ERROR)
                 ->too_large);
}


static int64_t
retry_after(const char *headers)
{
    char  text[256];

    (void) snprintf(text, sizeof(text), "HTTP/1.1 429 \r\n%s\r\n", headers);

    return parsed(text)->retry_after_s;
}


static void
retry_after_may_be_seconds(void **state)
{
    (void) state;

    assert_int_equal(retry_after("Retry-After: 0\r\n"), 0);
    assert_int_equal(retry_after("Retry-After: 120\r\n"), 120);
    assert_int_equal(retry_after("Retry-After: 120\r\n" DATE), 120);
    assert_int_equal(retry_after("Retry-After: 2147483647\r\n"), INT32_MAX);
}


static void
retry_after_may_be_a_date(void **state)
{
    (void) state;

    assert_int_equal(
        retry_after(DATE "Retry-After: Tue, 14 Nov 2023 22:15:21 GMT\r\n"),
        121);
    assert_int_equal(
        retry_after("Retry-After: Tue, 14 Nov 2023 22:15:21 GMT\r\n" DATE),
        121);
    assert_int_equal(
        retry_after(DATE "Retry-After: Tue, 14 Nov 2023 22:13:19 GMT\r\n"),
        0);
}


static void
retry_after_with_a_date_needs_the_line_date(void **state)
{
    (void) state;

    assert_int_equal(
        retry_after("Retry-After: Tue, 14 Nov 2023 22:15:21 GMT\r\n"), -1);
    assert_int_equal(
        retry_after("Retry-After: Tue, 14 Nov 2023 22:15:21 GMT\r\n"
                    "Date: today\r\n"), -1);
}


static void
a_retry_after_that_cannot_be_read_is_absent(void **state)
{
    (void) state;

    assert_int_equal(retry_after(""), -1);
    assert_int_equal(retry_after("Retry-After:\r\n"), -1);
    assert_int_equal(retry_after("Retry-After: -1\r\n"), -1);
    assert_int_equal(retry_after("Retry-After: 1.5\r\n"), -1);
    assert_int_equal(retry_after("Retry-After: soon\r\n" DATE), -1);
    assert_int_equal(retry_after("Retry-After: 2147483648\r\n"), -1);
}


static void
the_line_date_is_read(void **state)
{
    (void) state;

    assert_int_equal(parsed("HTTP/1.1 200 OK\r\n" DATE "\r\n")->date_s,
                     1700000000);
    assert_int_equal(parsed("HTTP/1.1 200 OK\r\nDate: now\r\n\r\n")->date_s,
                     -1);
}


/* parses a reply with a header or a trailer of n bytes between two texts */

static void
section_of(size_t n, const char *before, const char *after, int rc)
{
    char      *text;
    size_t     len;
    result_t   r;

    len = strlen(before);

    text = malloc(len + n + strlen(after) + 1);
    assert_non_null(text);

    (void) strcpy(text, before);
    memset(text + len, 'a', n);
    (void) memcpy(text + len, "A: ", 3);
    (void) strcpy(text + len + n - 4, "\r\n\r\n");
    (void) strcat(text, after);

    feed(&r, cigna_slice_str(text), strlen(text));
    assert_int_equal(r.rc, rc);

    feed(&r, cigna_slice_str(text), 1000);
    assert_int_equal(r.rc, rc);

    free(text);
}


static void
a_header_is_bounded(void **state)
{
    size_t             max;
    static const char  status[] = "HTTP/1.1 200 OK\r\n";
    static const char  interim[] = "HTTP/1.1 100 Continue\r\n";

    (void) state;

    max = CIGNA_HTTP_SECTION_MAX - (sizeof(status) - 1);

    section_of(max, status, "abc", CIGNA_OK);
    section_of(max + 1, status, "abc", CIGNA_ERROR);

    /*
     * the limit CIGNA_HTTP_SECTION_MAX also counts the bytes of interim replies
     * before the header
     */

    section_of(CIGNA_HTTP_SECTION_MAX - 50, interim, status, CIGNA_ERROR);
}


static void
a_trailer_is_bounded(void **state)
{
    static const char  chunks[] = "HTTP/1.1 200 OK\r\n"
                                  "Transfer-Encoding: chunked\r\n\r\n"
                                  "3\r\nabc\r\n0\r\n";

    (void) state;

    section_of(CIGNA_HTTP_SECTION_MAX, chunks, "", CIGNA_OK);
    section_of(CIGNA_HTTP_SECTION_MAX + 1, chunks, "", CIGNA_ERROR);
}


static void
an_endless_line_is_not_awaited(void **state)
{
    uint8_t             *data;
    cigna_http_reply_t   p;

    (void) state;

    data = malloc(CIGNA_HTTP_SECTION_MAX);
    assert_non_null(data);

    memset(data, 'H', CIGNA_HTTP_SECTION_MAX);

    cigna_http_reply_init(&p);

    assert_int_equal(cigna_http_reply_parse(&p, data,
                                            CIGNA_HTTP_SECTION_MAX - 1,
                                            BODY_MAX, 0),
                     CIGNA_AGAIN);
    assert_int_equal(cigna_http_reply_parse(&p, data, CIGNA_HTTP_SECTION_MAX,
                                            BODY_MAX, 0),
                     CIGNA_ERROR);

    free(data);
}


static void
a_result_is_final(void **state)
{
    uint8_t             data[] = "HTTP/1.1 204 No\r\n\r\n";
    uint8_t             bad[] = "no\nHTTP/1.1 204 No\r\n\r\n";
    cigna_http_reply_t  p;

    (void) state;

    cigna_http_reply_init(&p);
    assert_int_equal(cigna_http_reply_parse(&p, data, 19, 0, 0), CIGNA_OK);
    assert_int_equal(cigna_http_reply_parse(&p, data, 19, 0, 1), CIGNA_OK);

    cigna_http_reply_init(&p);
    assert_int_equal(cigna_http_reply_parse(&p, bad, 3, 0, 0), CIGNA_ERROR);
    assert_int_equal(cigna_http_reply_parse(&p, bad, 22, 0, 0), CIGNA_ERROR);
}


static void
lost_bytes_are_an_error(void **state)
{
    uint8_t             data[] = "HTTP/1.1 204 No\r\n\r\n";
    cigna_http_reply_t  p;

    (void) state;

    cigna_http_reply_init(&p);
    assert_int_equal(cigna_http_reply_parse(&p, data, 18, 0, 0), CIGNA_AGAIN);
    assert_int_equal(cigna_http_reply_parse(&p, data, 2, 0, 0), CIGNA_ERROR);
}


static void
each_error_is_described(void **state)
{
    unsigned  i;

    static const struct { const char *text, *error; }  replies[] = {
        { "", "nothing was answered" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
          "reply was cut" },
        { "HTTP/2 200\r\n\r\n", "reply has no status line of HTTP/1" },
        { "HTTP/1.1 20\r\n\r\n", "reply has no status line of HTTP/1" },
        { "<html>\n</html>", "reply has no status line of HTTP/1" },
        { "HTTP/1.1 101 X\r\n\r\n", "reply changes the protocol" },
        { "HTTP/1.1 200 OK\r\nA: b\r\n c: d\r\n\r\n",
          "reply has a folded header line" },
        { "HTTP/1.1 200 OK\r\nA: b\r\n\tc\r\n\r\n",
          "reply has a folded header line" },
        { "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
          "reply has a header line without a name" },
        { "HTTP/1.1 200 OK\r\n: b\r\n\r\n",
          "reply has a header line without a name" },
        { "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n",
          "reply has a control byte in a line, or too long a header" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n"
          "\r\nab", "reply has no single Content-Length" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n",
          "reply is too large" },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
          "reply has an unknown transfer coding" },
        { CHUNKED "x\r\n", "reply has a chunk of no size" },
        { CHUNKED "3e9\r\n", "reply is too large" },
        { CHUNKED "1\r\nab\r\n",
          "reply has a chunk of another size than it says" },
        { CHUNKED "0\r\nA\r\n\r\n",
          "reply has a header line without a name" },
        { CHUNKED "1\r\na", "reply was cut" },
    };

    (void) state;

    for (i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        assert_string_equal(parsed_bytes(cigna_slice_str(replies[i].text),
                                         CIGNA_ERROR)->error,
                            replies[i].error);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_reply_with_a_length_ends_by_itself),
        cmocka_unit_test(bytes_after_the_length_are_not_part_of_the_body),
        cmocka_unit_test(a_reply_without_length_lasts_until_the_end),
        cmocka_unit_test(a_reply_that_is_cut_is_refused),
        cmocka_unit_test(more_is_awaited_while_the_connection_is_open),
        cmocka_unit_test(chunks_are_joined),
        cmocka_unit_test(a_chunked_body_may_be_empty),
        cmocka_unit_test(chunk_extensions_and_trailers_are_ignored),
        cmocka_unit_test(malformed_chunks_are_refused),
        cmocka_unit_test(a_chunk_size_does_not_wrap_around),
        cmocka_unit_test(a_reply_says_how_long_it_may_be_kept),
        cmocka_unit_test(a_content_coding_is_reported),
        cmocka_unit_test(a_body_over_body_max_is_reported_as_too_large),
        cmocka_unit_test(a_body_over_body_max_is_refused),
        cmocka_unit_test(a_body_over_body_max_is_not_awaited),
        cmocka_unit_test(chunks_override_a_length),
        cmocka_unit_test(lengths_that_differ_are_refused),
        cmocka_unit_test(equal_lengths_count_as_one),
        cmocka_unit_test(a_length_that_is_not_a_number_is_refused),
        cmocka_unit_test(other_transfer_codings_are_refused),
        cmocka_unit_test(chunked_may_be_announced_twice_and_applied_once),
        cmocka_unit_test(chunked_may_be_announced_twice_and_applied_twice),
        cmocka_unit_test(identity_means_no_transfer_coding),
        cmocka_unit_test(chunks_may_come_with_http_1_0),
        cmocka_unit_test(the_end_may_come_with_the_last_chunk),
        cmocka_unit_test(interim_replies_are_skipped),
        cmocka_unit_test(a_switch_of_protocols_is_refused),
        cmocka_unit_test(replies_204_and_304_have_no_body),
        cmocka_unit_test(a_status_line_may_lack_its_reason),
        cmocka_unit_test(a_reply_that_is_not_http_1_is_refused),
        cmocka_unit_test(a_status_has_three_digits),
        cmocka_unit_test(an_error_is_found_before_more_is_awaited),
        cmocka_unit_test(a_line_may_end_with_a_bare_lf),
        cmocka_unit_test(folded_lines_are_refused),
        cmocka_unit_test(a_header_name_is_followed_by_its_colon),
        cmocka_unit_test(control_bytes_in_the_header_are_refused),
        cmocka_unit_test(header_values_are_trimmed_and_the_last_one_counts),
        cmocka_unit_test(retry_after_may_be_seconds),
        cmocka_unit_test(retry_after_may_be_a_date),
        cmocka_unit_test(retry_after_with_a_date_needs_the_line_date),
        cmocka_unit_test(a_retry_after_that_cannot_be_read_is_absent),
        cmocka_unit_test(the_line_date_is_read),
        cmocka_unit_test(a_header_is_bounded),
        cmocka_unit_test(a_trailer_is_bounded),
        cmocka_unit_test(an_endless_line_is_not_awaited),
        cmocka_unit_test(a_result_is_final),
        cmocka_unit_test(lost_bytes_are_an_error),
        cmocka_unit_test(each_error_is_described),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
