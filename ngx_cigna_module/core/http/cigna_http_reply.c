
#include <string.h>

#include "cigna_http_date.h"
#include "cigna_http_reply.h"


/*
 * How each part of a reply is read.  The columns say what the parser does if
 * the part is absent, what it accepts although it is odd, and what it refuses.
 * After a refusal the member "error" has the reason.
 *
 *   part               absent          odd, but accepted      error
 *   ----               ------          -----------------      -----
 *   status line        error           HTTP/1.0, no reason,   another version,
 *                                      any text as            not 100 to 599
 *                                      reason
 *   1xx replies                        any number of them     101
 *   header lines       accepted        end with LF alone,     control bytes,
 *                                      have no value          no name, a space
 *                                                             before the colon,
 *                                                             folded
 *   Content-Length     body ends with  the same twice, or in  two that differ,
 *                      the connection  a list; anything, if   not a number,
 *                                      there are chunks       over body_max
 *   Transfer-Encoding  no chunks       "identity"; "chunked"  any other
 *                                      twice, applied once
 *                                      or twice; in HTTP/1.0
 *   chunks             error           extensions, leading    a bad size, data
 *                                      zeros, trailers, no    of another size
 *                                      line end after the
 *                                      last chunk
 *   Retry-After        unknown         unreadable; the last one in seconds
 *                                      counts, or else the last date
 *   Date               unknown         unreadable; the last readable one counts
 *   Cache-Control      unknown         unreadable; the strictest one counts
 *   Content-Encoding   none            "identity"; others set "encoded"
 *
 * All 1xx replies and the header of the reply have at most
 * CIGNA_HTTP_SECTION_MAX bytes together.  Bytes after the reply are ignored.
 */


/*
 *                 +--- 1xx ---+
 *                 v           |
 *     (start) status --> header --+--> 204, 304 ------------------> done
 *                         ^   |   |
 *                         +---+   +--> length, eof ---------------> done
 *                                 |
 *                                 +--> chunk_size --> trailer ----> done
 *                                       ^     |        ^   |
 *                                       |     v        +---+
 *                               chunk_end <-- chunk_data
 *
 * Each state is a function.  It reads its part of the reply and sets the next
 * state, or it returns CIGNA_AGAIN and continues with the next call.  So the
 * result does not depend on how the bytes were split.  Any error leads to
 * "failed", which is final.
 */

typedef enum {
    cigna_http_st_status = 0,
    cigna_http_st_header,
    cigna_http_st_length,
    cigna_http_st_eof,
    cigna_http_st_chunk_size,
    cigna_http_st_chunk_data,
    cigna_http_st_chunk_end,
    cigna_http_st_trailer,
    cigna_http_st_done,
    cigna_http_st_failed
} cigna_http_state_e;


typedef struct {
    uint8_t  *data;
    size_t    len;
    size_t    body_max;
    int       eof;
} cigna_http_in_t;


typedef int (*cigna_http_state_pt)(cigna_http_reply_t *p,
    const cigna_http_in_t *in);


static int cigna_http_run(cigna_http_reply_t *p, const cigna_http_in_t *in);
static int cigna_http_status(cigna_http_reply_t *p, const cigna_http_in_t *in);
static int cigna_http_header(cigna_http_reply_t *p, const cigna_http_in_t *in);
static int cigna_http_header_line(cigna_http_reply_t *p,
    const cigna_http_in_t *in, cigna_slice_t line);
static void cigna_http_content_length(cigna_http_reply_t *p,
    cigna_slice_t value);
static int cigna_http_transfer_encoding(cigna_http_reply_t *p,
    cigna_slice_t value);
static void cigna_http_cache_control(cigna_http_reply_t *p,
    cigna_slice_t value);
static void cigna_http_retry_after(cigna_http_reply_t *p, cigna_slice_t value);
static int cigna_http_headers_done(cigna_http_reply_t *p,
    const cigna_http_in_t *in);
static void cigna_http_retry_date(cigna_http_reply_t *p);
static int cigna_http_framing(cigna_http_reply_t *p,
    const cigna_http_in_t *in);
static int cigna_http_length(cigna_http_reply_t *p, const cigna_http_in_t *in);
static int cigna_http_eof(cigna_http_reply_t *p, const cigna_http_in_t *in);
static int cigna_http_chunk_size(cigna_http_reply_t *p,
    const cigna_http_in_t *in);
static int cigna_http_chunk_data(cigna_http_reply_t *p,
    const cigna_http_in_t *in);
static int cigna_http_chunk_end(cigna_http_reply_t *p,
    const cigna_http_in_t *in);
static int cigna_http_trailer(cigna_http_reply_t *p,
    const cigna_http_in_t *in);
static int cigna_http_chunks_done(cigna_http_reply_t *p,
    const cigna_http_in_t *in);
static int cigna_http_line(cigna_http_reply_t *p, const cigna_http_in_t *in,
    cigna_slice_t *line);
static int cigna_http_field(cigna_http_reply_t *p, cigna_slice_t line,
    cigna_slice_t *name, cigna_slice_t *value);
static int cigna_http_large(cigna_http_reply_t *p);
static int cigna_http_wrong(cigna_http_reply_t *p, const char *error);


static const cigna_http_state_pt  cigna_http_states[] = {
    [cigna_http_st_status]     = cigna_http_status,
    [cigna_http_st_header]     = cigna_http_header,
    [cigna_http_st_length]     = cigna_http_length,
    [cigna_http_st_eof]        = cigna_http_eof,
    [cigna_http_st_chunk_size] = cigna_http_chunk_size,
    [cigna_http_st_chunk_data] = cigna_http_chunk_data,
    [cigna_http_st_chunk_end]  = cigna_http_chunk_end,
    [cigna_http_st_trailer]    = cigna_http_trailer
};


void
cigna_http_reply_init(cigna_http_reply_t *p)
{
    *p = (cigna_http_reply_t) {
        .state = cigna_http_st_status,
        .retry_after_s = -1,
        .date_s = -1,
        .max_age_s = -1,
        .content_length = -1,
        .retry_at_s = -1
    };
}


int
cigna_http_reply_parse(cigna_http_reply_t *p, uint8_t *data, size_t len,
    size_t body_max, int eof)
{
    int              rc;
    cigna_http_in_t  in;

    in = (cigna_http_in_t) { data, len, body_max, eof };

    if (len < p->lines.pos) {
        p->state = cigna_http_st_failed;
        (void) cigna_http_wrong(p, "reply has lost bytes");
    }

    rc = cigna_http_run(p, &in);

    if (rc == CIGNA_OK) {
        p->body = (cigna_slice_t) { data + p->body_start, p->body_len };
        p->content_type = (cigna_slice_t) { data + p->type_start,
                                            p->type_len };
    }

    return rc;
}


static int
cigna_http_run(cigna_http_reply_t *p, const cigna_http_in_t *in)
{
    int  rc;

    while (p->state != cigna_http_st_done) {

        if (p->state == cigna_http_st_failed) {
            return CIGNA_ERROR;
        }

        rc = cigna_http_states[p->state](p, in);

        if (rc == CIGNA_AGAIN && !in->eof) {
            return CIGNA_AGAIN;
        }

        if (rc == CIGNA_AGAIN) {
            (void) cigna_http_wrong(p, in->len ? "reply was cut"
                                               : "nothing was answered");
        }

        if (rc != CIGNA_OK) {
            p->state = cigna_http_st_failed;
        }
    }

    return CIGNA_OK;
}


/* reads "HTTP/1.1 200 OK"; some servers end the line after the status */

static int
cigna_http_status(cigna_http_reply_t *p, const cigna_http_in_t *in)
{
    int            rc;
    uint64_t       status;
    cigna_slice_t  line, version, code;

    rc = cigna_http_line(p, in, &line);

    if (rc != CIGNA_OK) {
        return rc;
    }

    version = cigna_slice_cut(&line, ' ');
    code = cigna_slice_cut(&line, ' ');

    if ((!cigna_slice_eq(version, cigna_slice("HTTP/1.1"))
         && !cigna_slice_eq(version, cigna_slice("HTTP/1.0")))
        || code.len != 3
        || cigna_slice_uint(code, 599, &status) != CIGNA_OK
        || status < 100)
    {
        return cigna_http_wrong(p, "reply has no status line of HTTP/1");
    }

    p->status = (unsigned) status;
    p->state = cigna_http_st_header;

    return CIGNA_OK;
}


static int
cigna_http_header(cigna_http_reply_t *p, const cigna_http_in_t *in)
{
    int            rc;
    cigna_slice_t  line;

    rc = cigna_http_line(p, in, &line);

    if (rc != CIGNA_OK) {
        return rc;
    }

    if (line.len == 0) {
        return cigna_http_headers_done(p, in);
    }

    return cigna_http_header_line(p, in, line);
}


static int
cigna_http_header_line(cigna_http_reply_t *p, const cigna_http_in_t *in,
    cigna_slice_t line)
{
    cigna_slice_t  name, value;

    if (cigna_http_field(p, line, &name, &value) != CIGNA_OK) {
        return CIGNA_ERROR;
    }

    if (cigna_slice_eq_case(name, cigna_slice("Content-Length"))) {
        cigna_http_content_length(p, value);
        return CIGNA_OK;
    }

    if (cigna_slice_eq_case(name, cigna_slice("Transfer-Encoding"))) {
        return cigna_http_transfer_encoding(p, value);
    }

    if (cigna_slice_eq_case(name, cigna_slice("Content-Type"))) {
        p->type_start = (size_t) (value.data - in->data);
        p->type_len = value.len;

    } else if (cigna_slice_eq_case(name, cigna_slice("Retry-After"))) {
        cigna_http_retry_after(p, value);

    } else if (cigna_slice_eq_case(name, cigna_slice("Date"))) {
        (void) cigna_http_date_parse(value, -1, &p->date_s);

    } else if (cigna_slice_eq_case(name, cigna_slice("Cache-Control"))) {
        cigna_http_cache_control(p, value);

    } else if (cigna_slice_eq_case(name, cigna_slice("Content-Encoding"))
               && value.len
               && !cigna_slice_eq_case(value, cigna_slice("identity")))
    {
        p->encoded = 1;
    }

    return CIGNA_OK;
}


/*
 * reads a Cache-Control line (RFC 9111, section 5.2.2); the strictest of
 * several directives counts
 */

static void
cigna_http_cache_control(cigna_http_reply_t *p, cigna_slice_t value)
{
    uint64_t       n;
    cigna_slice_t  argument, name;

    while (value.len) {

        argument = cigna_slice_trim(cigna_slice_cut(&value, ','));
        name = cigna_slice_cut(&argument, '=');

        if (cigna_slice_eq_case(name, cigna_slice("no-store"))
            || cigna_slice_eq_case(name, cigna_slice("no-cache")))
        {
            p->max_age_s = 0;

        } else if (cigna_slice_eq_case(name, cigna_slice("max-age"))
                   && cigna_slice_uint(argument, INT32_MAX, &n) == CIGNA_OK
                   && (p->max_age_s == -1 || (int64_t) n < p->max_age_s))
        {
            p->max_age_s = (int64_t) n;
        }
    }
}


/*
 * Equal lengths count as one (RFC 9110, section 8.6).  A bad length does not
 * matter if there are chunks.
 */

static void
cigna_http_content_length(cigna_http_reply_t *p, cigna_slice_t value)
{
    uint64_t       n;
    cigna_slice_t  one;

    do {
        one = cigna_slice_trim(cigna_slice_cut(&value, ','));

        if (cigna_slice_uint(one, INT64_MAX, &n) != CIGNA_OK
            || (p->content_length != -1 && p->content_length != (int64_t) n))
        {
            p->bad_length = 1;
            return;
        }

        p->content_length = (int64_t) n;

    } while (value.len);
}


/*
 * "identity" comes from RFC 2616 and means no coding.  HTTP/1.0 does not define
 * "chunked", but HTTP/1.0 servers that announce chunks do send them.
 */

static int
cigna_http_transfer_encoding(cigna_http_reply_t *p, cigna_slice_t value)
{
    cigna_slice_t  coding;

    while (value.len) {

        coding = cigna_slice_trim(cigna_slice_cut(&value, ','));

        if (coding.len == 0
            || cigna_slice_eq_case(coding, cigna_slice("identity")))
        {
            continue;
        }

        if (!cigna_slice_eq_case(coding, cigna_slice("chunked"))) {
            return cigna_http_wrong(p, "reply has an unknown transfer coding");
        }

        p->chunked_twice = p->chunked;
        p->chunked = 1;
    }

    return CIGNA_OK;
}


/*
 * Reads a Retry-After in seconds or as a date.  A date only counts if no other
 * Retry-After line has seconds.  An unreadable value counts as absent.
 */

static void
cigna_http_retry_after(cigna_http_reply_t *p, cigna_slice_t value)
{
    uint64_t  n;

    if (cigna_slice_uint(value, INT32_MAX, &n) == CIGNA_OK) {
        p->retry_after_s = (int64_t) n;

    } else {
        (void) cigna_http_date_parse(value, -1, &p->retry_at_s);
    }
}


static int
cigna_http_headers_done(cigna_http_reply_t *p, const cigna_http_in_t *in)
{
    cigna_http_lines_t  lines;

    if (p->status == 101) {

        /* the gateway never asks for another protocol */

        return cigna_http_wrong(p, "reply changes the protocol");
    }

    if (p->status < 200) {

        /*
         * The limits of cigna_http_line.h hold for all 1xx replies and the
         * header after them together.
         */

        lines = p->lines;
        cigna_http_reply_init(p);
        p->lines = lines;

        return CIGNA_OK;
    }

    cigna_http_retry_date(p);

    p->body_start = p->lines.pos;
    cigna_http_line_skip(&p->lines, 0);

    return cigna_http_framing(p, in);
}


/*
 * Retry-After may be a date.  It counts from the server's Date, because the
 * server's clock may differ from the gateway's.  Without Date, the gateway
 * ignores such a Retry-After.
 */

static void
cigna_http_retry_date(cigna_http_reply_t *p)
{
    if (p->retry_after_s != -1 || p->retry_at_s == -1 || p->date_s == -1) {
        return;
    }

    p->retry_after_s = (p->retry_at_s > p->date_s)
                       ? p->retry_at_s - p->date_s : 0;
}


/*
 * Chunks override a length (RFC 9112, section 6.3).  A reply with both is
 * dangerous if the same connection brings another reply; the gateway reads only
 * one.
 */

static int
cigna_http_framing(cigna_http_reply_t *p, const cigna_http_in_t *in)
{
    if (p->bad_length && !p->chunked) {
        return cigna_http_wrong(p, "reply has no single Content-Length");
    }

    if (p->status == 204 || p->status == 304) {
        p->state = cigna_http_st_done;
        return CIGNA_OK;
    }

    if (p->chunked) {
        p->state = cigna_http_st_chunk_size;
        return CIGNA_OK;
    }

    if (p->content_length == -1) {
        p->state = cigna_http_st_eof;
        return CIGNA_OK;
    }

    if ((uint64_t) p->content_length > in->body_max) {
        return cigna_http_large(p);
    }

    p->state = cigna_http_st_length;

    return CIGNA_OK;
}


static int
cigna_http_length(cigna_http_reply_t *p, const cigna_http_in_t *in)
{
    if (in->len - p->body_start < (uint64_t) p->content_length) {
        return CIGNA_AGAIN;
    }

    p->body_len = (size_t) p->content_length;
    cigna_http_line_skip(&p->lines, p->body_len);
    p->state = cigna_http_st_done;

    return CIGNA_OK;
}


static int
cigna_http_eof(cigna_http_reply_t *p, const cigna_http_in_t *in)
{
    p->body_len = in->len - p->body_start;

    if (p->body_len > in->body_max) {
        return cigna_http_large(p);
    }

    if (!in->eof) {
        return CIGNA_AGAIN;
    }

    cigna_http_line_skip(&p->lines, p->body_len);
    p->state = cigna_http_st_done;

    return CIGNA_OK;
}


/* chunk extensions are ignored */

static int
cigna_http_chunk_size(cigna_http_reply_t *p, const cigna_http_in_t *in)
{
    int            rc;
    cigna_slice_t  line, size;

    rc = cigna_http_line(p, in, &line);

    if (rc != CIGNA_OK) {
        return rc;
    }

    size = cigna_slice_trim(cigna_slice_cut(&line, ';'));

    if (cigna_slice_uint_hex(size, INT64_MAX, &p->chunk_left) != CIGNA_OK) {
        return cigna_http_wrong(p, "reply has a chunk of no size");
    }

    if (p->chunk_left > in->body_max - p->body_len) {
        return cigna_http_large(p);
    }

    p->state = p->chunk_left ? cigna_http_st_chunk_data
                             : cigna_http_st_trailer;
    cigna_http_line_skip(&p->lines, 0);

    return CIGNA_OK;
}


/* moves the received bytes of a chunk to the end of the decoded body */

static int
cigna_http_chunk_data(cigna_http_reply_t *p, const cigna_http_in_t *in)
{
    size_t  n;

    n = in->len - p->lines.pos;

    if (n > p->chunk_left) {
        n = (size_t) p->chunk_left;
    }

    memmove(in->data + p->body_start + p->body_len, in->data + p->lines.pos,
            n);
    cigna_http_line_skip(&p->lines, n);

    p->body_len += n;
    p->chunk_left -= n;

    if (p->chunk_left) {
        return CIGNA_AGAIN;
    }

    p->state = cigna_http_st_chunk_end;

    return CIGNA_OK;
}


/* a CRLF exactly here proves that the size of the chunk was right */

static int
cigna_http_chunk_end(cigna_http_reply_t *p, const cigna_http_in_t *in)
{
    cigna_slice_t  rest;

    rest = cigna_slice_make(in->data + p->lines.pos, in->data + in->len);

    if (rest.len < 2) {
        return CIGNA_AGAIN;
    }

    if (!cigna_slice_starts(rest, cigna_slice("\r\n"))) {
        return cigna_http_wrong(p, "reply has a chunk of another size than it "
                                   "says");
    }

    p->state = cigna_http_st_chunk_size;
    cigna_http_line_skip(&p->lines, 2);

    return CIGNA_OK;
}


/* the last chunk has come: the body is complete, even if the trailer is cut */

static int
cigna_http_trailer(cigna_http_reply_t *p, const cigna_http_in_t *in)
{
    int            rc;
    cigna_slice_t  line, name, value;

    rc = cigna_http_line(p, in, &line);

    if ((rc == CIGNA_AGAIN && in->eof) || (rc == CIGNA_OK && line.len == 0)) {
        return cigna_http_chunks_done(p, in);
    }

    return rc == CIGNA_OK ? cigna_http_field(p, line, &name, &value) : rc;
}


/*
 * A server that announces "chunked" twice has usually applied it once.  If the
 * server has applied it twice, the decoded body begins with a hexadecimal
 * digit.  A JSON object never begins with one.
 */

static int
cigna_http_chunks_done(cigna_http_reply_t *p, const cigna_http_in_t *in)
{
    cigna_http_in_t     body;
    cigna_http_reply_t  inner;

    p->state = cigna_http_st_done;

    if (!p->chunked_twice || p->body_len == 0
        || cigna_slice_hex(in->data[p->body_start]) == -1)
    {
        return CIGNA_OK;
    }

    body = *in;
    body.len = p->body_start + p->body_len;
    body.eof = 1;

    inner = *p;
    inner.state = cigna_http_st_chunk_size;
    inner.chunked_twice = 0;
    inner.body_len = 0;
    inner.lines.pos = p->body_start;
    cigna_http_line_skip(&inner.lines, 0);

    if (cigna_http_run(&inner, &body) != CIGNA_OK) {
        return cigna_http_wrong(p, inner.error);
    }

    p->body_len = inner.body_len;

    return CIGNA_OK;
}


static int
cigna_http_line(cigna_http_reply_t *p, const cigna_http_in_t *in,
    cigna_slice_t *line)
{
    int  rc;

    rc = cigna_http_line_next(&p->lines, in->data, in->len, line);

    return rc == CIGNA_ERROR
           ? cigna_http_wrong(p, "reply has a control byte in a line, or too "
                                 "long a header")
           : rc;
}


/* a folded line, which continues the one before, is obsolete (RFC 9112, 5.2) */

static int
cigna_http_field(cigna_http_reply_t *p, cigna_slice_t line,
    cigna_slice_t *name, cigna_slice_t *value)
{
    if (line.data[0] == ' ' || line.data[0] == '\t') {
        return cigna_http_wrong(p, "reply has a folded header line");
    }

    return cigna_http_line_split(line, name, value) == CIGNA_OK
           ? CIGNA_OK
           : cigna_http_wrong(p, "reply has a header line without a name");
}


static int
cigna_http_large(cigna_http_reply_t *p)
{
    p->too_large = 1;

    return cigna_http_wrong(p, "reply is too large");
}


static int
cigna_http_wrong(cigna_http_reply_t *p, const char *error)
{
    p->error = error;

    return CIGNA_ERROR;
}
