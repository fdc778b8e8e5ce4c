
#include "ngx_cigna_lines.h"


#define NGX_CIGNA_LINE_NAME_MAX  20
#define NGX_CIGNA_LINE_NAMES     4         /* of one length */


typedef const char *const  ngx_cigna_line_names_t[NGX_CIGNA_LINE_NAME_MAX]
                                                 [NGX_CIGNA_LINE_NAMES];


/* by length; what nginx writes for framing is among them */

static ngx_cigna_line_names_t  ngx_cigna_lines_passing = {
    [4]  = { "host" },
    [5]  = { "range" },
    [6]  = { "accept", "prefer" },
    [8]  = { "if-range" },
    [10] = { "connection", "user-agent" },
    [12] = { "content-type" },
    [13] = { "if-none-match" },
    [14] = { "content-length", "accept-charset" },
    [15] = { "accept-encoding", "accept-language" },
    [17] = { "if-modified-since", "transfer-encoding" }
};


static ngx_cigna_line_names_t  ngx_cigna_lines_never = {
    [2]  = { "te" },
    [6]  = { "cookie" },
    [7]  = { "cookie2", "upgrade", "trailer" },
    [9]  = { "forwarded", "x-real-ip", "client-ip" },
    [11] = { "x-client-ip" },
    [13] = { "authorization" },
    [14] = { "true-client-ip", "x-original-url" },
    [16] = { "cf-connecting-ip" },
    [19] = { "proxy-authorization", "x-cluster-client-ip" }
};


/* what a reply must not be that is to be looked at */

static ngx_cigna_line_names_t  ngx_cigna_lines_whole = {
    [5]  = { "range" },
    [8]  = { "if-range" },
    [15] = { "accept-encoding" }
};


/* the caller's are judged apart, see ngx_cigna_trace.c */

static ngx_cigna_line_names_t  ngx_cigna_lines_traces = {
    [10] = { "tracestate" },
    [11] = { "traceparent" },
    [12] = { "x-request-id" }
};


static const ngx_str_t  ngx_cigna_lines_bearer =
    ngx_string("Authorization: Bearer ");
static const ngx_str_t  ngx_cigna_lines_request_id =
    ngx_string("X-Request-Id: ");
static const ngx_str_t  ngx_cigna_lines_traceparent =
    ngx_string("traceparent: ");


static u_char *ngx_cigna_lines_request(const u_char *line, const u_char *end,
    const ngx_cigna_lines_t *lines, u_char *p);
static ngx_uint_t ngx_cigna_lines_reads(const u_char *p, const u_char *end);
static u_char *ngx_cigna_lines_ours(const ngx_cigna_lines_t *lines,
    u_char *p);
static u_char *ngx_cigna_lines_add(u_char *p, const ngx_str_t *name,
    const ngx_str_t *value);
static ngx_uint_t ngx_cigna_lines_passes(ngx_http_request_t *r,
    const u_char *line, const u_char *end, ngx_cigna_lines_t *lines);
static ngx_uint_t ngx_cigna_lines_trace(ngx_http_request_t *r,
    const u_char *line, size_t len, const u_char *end,
    ngx_cigna_lines_t *lines);
static ngx_uint_t ngx_cigna_lines_named(ngx_cigna_line_names_t names,
    const u_char *name, size_t len);
static ngx_uint_t ngx_cigna_lines_of_caller(ngx_http_request_t *r,
    const u_char *name, size_t len, const u_char *value, const u_char *end);


size_t
ngx_cigna_lines_length(const ngx_buf_t *b, const ngx_cigna_lines_t *lines)
{
    size_t  len;

    len = b->last - b->pos
          + ngx_cigna_lines_request_id.len + lines->request_id.len
          + ngx_cigna_lines_traceparent.len + lines->traceparent.len
          + 2 * (sizeof(CRLF) - 1);

    if (lines->token) {
        len += ngx_cigna_lines_bearer.len + lines->token->len
               + sizeof(CRLF) - 1;
    }

    return len;
}


u_char *
ngx_cigna_lines_copy(ngx_http_request_t *r, const ngx_buf_t *b,
    ngx_cigna_lines_t *lines, u_char *p)
{
    u_char  *line, *next, *last;

    line = b->pos;
    last = b->last;

    next = memchr(line, LF, last - line);

    if (next == NULL || !ngx_cigna_lines_reads(line, next)) {
        return NULL;
    }

    p = ngx_cigna_lines_request(line, next + 1, lines, p);

    for ( ;; ) {

        line = next + 1;

        next = memchr(line, LF, last - line);
        if (next == NULL) {
            return NULL;
        }

        if (next - line == 1 && *line == CR) {
            break;
        }

        if (ngx_cigna_lines_passes(r, line, next, lines)) {
            p = ngx_cpymem(p, line, next + 1 - line);
        }
    }

    p = ngx_cigna_lines_ours(lines, p);

    return ngx_cpymem(p, line, last - line);
}


static u_char *
ngx_cigna_lines_ours(const ngx_cigna_lines_t *lines, u_char *p)
{
    if (lines->request_id.len) {
        p = ngx_cigna_lines_add(p, &ngx_cigna_lines_request_id,
                                &lines->request_id);
    }

    if (lines->traceparent.len) {
        p = ngx_cigna_lines_add(p, &ngx_cigna_lines_traceparent,
                                &lines->traceparent);
    }

    if (lines->token) {
        p = ngx_cigna_lines_add(p, &ngx_cigna_lines_bearer, lines->token);
    }

    return p;
}


static u_char *
ngx_cigna_lines_add(u_char *p, const ngx_str_t *name, const ngx_str_t *value)
{
    p = ngx_cpymem(p, name->data, name->len);
    p = ngx_cpymem(p, value->data, value->len);

    return ngx_cpymem(p, CRLF, sizeof(CRLF) - 1);
}


static u_char *
ngx_cigna_lines_request(const u_char *line, const u_char *end,
    const ngx_cigna_lines_t *lines, u_char *p)
{
    cigna_slice_t  base, path, rest;

    if (!lines->links) {
        return ngx_cpymem(p, line, end - line);
    }

    base = lines->base;

    if (base.len && base.data[base.len - 1] == '/') {
        base.len--;
    }

    path = cigna_slice_make(line, end);
    (void) cigna_slice_cut(&path, ' ');

    rest = cigna_slice_skip(path, base.len);

    if (base.len && cigna_slice_starts(path, base)
        && cigna_slice_starts(rest, cigna_slice("/?")))
    {
        p = ngx_cpymem(p, line, rest.data - line);
        line = rest.data + 1;
    }

    return ngx_cpymem(p, line, end - line);
}


/* "GET ... HTTP/1.x" or "HEAD ... HTTP/1.x", CR; end is at the LF */

static ngx_uint_t
ngx_cigna_lines_reads(const u_char *p, const u_char *end)
{
    const u_char  *version;

    version = end - (sizeof(" HTTP/1.x\r") - 1);

    if (version <= p || ngx_strncmp(version, " HTTP/1.", 8) != 0) {
        return 0;
    }

    return ngx_strncmp(p, "GET ", 4) == 0 || ngx_strncmp(p, "HEAD ", 5) == 0;
}


static ngx_uint_t
ngx_cigna_lines_passes(ngx_http_request_t *r, const u_char *line,
    const u_char *end, ngx_cigna_lines_t *lines)
{
    size_t         len;
    const u_char  *colon;

    colon = memchr(line, ':', end - line);
    if (colon == NULL) {
        return 0;
    }

    len = colon - line;

    if (ngx_cigna_lines_named(ngx_cigna_lines_passing, line, len)) {
        return !lines->whole
               || !ngx_cigna_lines_named(ngx_cigna_lines_whole, line, len);
    }

    if (ngx_cigna_lines_named(ngx_cigna_lines_traces, line, len)) {
        return ngx_cigna_lines_trace(r, line, len, end, lines);
    }

    if (ngx_cigna_lines_named(ngx_cigna_lines_never, line, len)
        || (len > 12
            && ngx_strncasecmp((u_char *) line, (u_char *) "x-forwarded-", 12)
               == 0))
    {
        return 0;
    }

    return !ngx_cigna_lines_of_caller(r, line, len, colon + 1, end);
}


/* what the operator writes is in place of ours */

static ngx_uint_t
ngx_cigna_lines_trace(ngx_http_request_t *r, const u_char *line, size_t len,
    const u_char *end, ngx_cigna_lines_t *lines)
{
    if (ngx_cigna_lines_of_caller(r, line, len, line + len + 1, end)) {
        return len == sizeof("tracestate") - 1 && lines->tracestate;
    }

    if (len == sizeof("x-request-id") - 1) {
        ngx_str_null(&lines->request_id);

    } else if (len == sizeof("traceparent") - 1) {
        ngx_str_null(&lines->traceparent);
    }

    return 1;
}


static ngx_uint_t
ngx_cigna_lines_named(ngx_cigna_line_names_t names, const u_char *name,
    size_t len)
{
    ngx_uint_t  i;

    if (len >= NGX_CIGNA_LINE_NAME_MAX) {
        return 0;
    }

    for (i = 0; i < NGX_CIGNA_LINE_NAMES && names[len][i]; i++) {

        if (ngx_strncasecmp((u_char *) name, (u_char *) names[len][i], len)
            == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* nginx writes a caller's line as "Name: value", the value as it was parsed */

static ngx_uint_t
ngx_cigna_lines_of_caller(ngx_http_request_t *r, const u_char *name,
    size_t len, const u_char *value, const u_char *end)
{
    size_t            value_len;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    if (value < end && *value == ' ') {
        value++;
    }

    if (end > value && end[-1] == CR) {
        end--;
    }

    value_len = end - value;

    for (part = &r->headers_in.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len == len
                && h[i].value.len == value_len
                && ngx_strncasecmp(h[i].key.data, (u_char *) name, len) == 0
                && ngx_strncmp(h[i].value.data, value, value_len) == 0)
            {
                return 1;
            }
        }
    }

    return 0;
}
