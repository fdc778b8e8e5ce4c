
#include "fuzz.h"

#include "http/cigna_http_reply.h"


/*
 * The first byte of the input chooses the size of the pieces in which the reply
 * comes.  The second byte chooses the limit of the body, and whether the
 * connection ends after the reply.  The result must not depend on the size of
 * the pieces.
 */

typedef struct {
    int                  rc;
    cigna_http_reply_t   reply;
    uint8_t             *data;             /* the reply borrows from it */
} result_t;


/*
 * Feeds the text in pieces of "step" bytes.  Before each piece all bytes so far
 * move to new memory of exactly their size.  The caller frees r->data.
 */

static void
parse(result_t *r, cigna_slice_t text, size_t step, size_t body_max, int eof)
{
    uint8_t        *data;
    cigna_slice_t   part, seen;

    cigna_http_reply_init(&r->reply);

    r->data = NULL;
    seen = cigna_slice_null;

    do {
        part = fuzz_cut(&text, step);

        data = fuzz_join(seen, part);
        free(r->data);
        r->data = data;

        seen = fuzz_input(data, seen.len + part.len);

        r->rc = cigna_http_reply_parse(&r->reply, data, seen.len, body_max,
                                       eof && text.len == 0);

    } while (r->rc == CIGNA_AGAIN && text.len);

    if (r->rc == CIGNA_OK) {
        fuzz_assert(r->reply.body.len <= body_max);
        fuzz_assert(fuzz_within(r->reply.body, seen));
        fuzz_assert(fuzz_within(r->reply.content_type, seen));
    }
}


static void
compare(const cigna_http_reply_t *a, const cigna_http_reply_t *b)
{
    fuzz_assert(a->status == b->status);
    fuzz_assert(a->status >= 200 && a->status < 600);
    fuzz_assert(a->retry_after_s == b->retry_after_s);
    fuzz_assert(a->retry_after_s >= -1);
    fuzz_assert(a->date_s == b->date_s);
    fuzz_assert(cigna_slice_eq(a->body, b->body));
    fuzz_assert(cigna_slice_eq(a->content_type, b->content_type));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int            eof;
    size_t         step, body_max;
    result_t       whole, parts;
    cigna_slice_t  text;

    text = fuzz_input(data, size);

    step = fuzz_byte(&text) % 64 + 1;
    body_max = fuzz_byte(&text);
    eof = body_max & 1;

    parse(&whole, text, SIZE_MAX, body_max * 8, eof);
    parse(&parts, text, step, body_max * 8, eof);

    fuzz_assert(whole.rc == parts.rc);
    fuzz_assert(!(eof && whole.rc == CIGNA_AGAIN));

    if (whole.rc == CIGNA_OK) {
        compare(&whole.reply, &parts.reply);
    }

    free(whole.data);
    free(parts.data);

    return 0;
}
