
#include "ngx_cigna_trace.h"
#include "ngx_cigna_reply.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "http/cigna_trace.h"

#include <openssl/rand.h>


/* random bytes of a $request_id, and of many of them */

#define NGX_CIGNA_TRACE_RANDOM   16
#define NGX_CIGNA_TRACE_RANDOMS  (256 * NGX_CIGNA_TRACE_RANDOM)


/* the caller's lines; a second X-Request-Id or traceparent makes it invalid */

typedef struct {
    ngx_str_t    *request_id;
    ngx_str_t    *parent;
    unsigned      request_ids:2;           /* 2: two or more */
    unsigned      parents:2;
    unsigned      state:1;                 /* all tracestate lines are valid */
} ngx_cigna_trace_lines_t;


static ngx_str_t ngx_cigna_trace_request_id(ngx_http_request_t *r);
static u_char *ngx_cigna_trace_random(void);
static void ngx_cigna_trace_lines(ngx_http_request_t *r,
    ngx_cigna_trace_lines_t *lines);
static void ngx_cigna_trace_line(ngx_cigna_trace_lines_t *lines,
    ngx_table_elt_t *h);
static ngx_uint_t ngx_cigna_trace_named(ngx_table_elt_t *h, const char *name,
    size_t len);


void
ngx_cigna_trace(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_cigna_trace_t        *trace;
    ngx_cigna_trace_lines_t   lines;

    trace = &ctx->trace;

    if (trace->request_id.len) {
        return;
    }

    ngx_cigna_trace_lines(r, &lines);

    if (lines.parents == 1
        && cigna_traceparent_valid(ngx_cigna_slice(lines.parent)))
    {
        trace->parent = 1;
        trace->state = lines.state;
    }

    if (lines.request_ids == 1
        && cigna_request_id_valid(ngx_cigna_slice(lines.request_id)))
    {
        trace->request_id = *lines.request_id;

    } else {
        trace->request_id = ngx_cigna_trace_request_id(r);
    }
}


/* as nginx makes a $request_id, but for 7,000 instructions less */

static ngx_str_t
ngx_cigna_trace_request_id(ngx_http_request_t *r)
{
    u_char                     *random;
    ngx_str_t                   id;
    ngx_cigna_main_conf_t      *mcf;
    ngx_http_variable_value_t  *vv;

    mcf = ngx_http_get_module_main_conf(r, ngx_cigna_module);
    vv = &r->variables[mcf->request_id];

    random = (vv->valid || vv->not_found) ? NULL : ngx_cigna_trace_random();
    id.data = random ? ngx_pnalloc(r->pool, 2 * NGX_CIGNA_TRACE_RANDOM) : NULL;

    if (id.data == NULL) {
        return *ngx_cigna_request_id(r);
    }

    id.len = ngx_hex_dump(id.data, random, NGX_CIGNA_TRACE_RANDOM) - id.data;

    vv->data = id.data;
    vv->len = id.len;
    vv->valid = 1;
    vv->no_cacheable = 0;
    vv->not_found = 0;

    return id;
}


/*
 * OpenSSL makes many bytes for nearly the price of a few.  Only workers come
 * here, so that no two of them have the same bytes.  NULL: there are none, and
 * nginx knows what to do.
 */

static u_char *
ngx_cigna_trace_random(void)
{
    static size_t  left;
    static u_char  bytes[NGX_CIGNA_TRACE_RANDOMS];

    if (left == 0) {

        if (RAND_bytes(bytes, NGX_CIGNA_TRACE_RANDOMS) != 1) {
            return NULL;
        }

        left = NGX_CIGNA_TRACE_RANDOMS;
    }

    left -= NGX_CIGNA_TRACE_RANDOM;

    return bytes + left;
}


static void
ngx_cigna_trace_lines(ngx_http_request_t *r, ngx_cigna_trace_lines_t *lines)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    ngx_memzero(lines, sizeof(ngx_cigna_trace_lines_t));

    lines->state = 1;

    for (part = &r->headers_in.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            ngx_cigna_trace_line(lines, &h[i]);
        }
    }
}


static void
ngx_cigna_trace_line(ngx_cigna_trace_lines_t *lines, ngx_table_elt_t *h)
{
    switch (h->key.len) {

    case 10:

        if (ngx_cigna_trace_named(h, "tracestate", 10)
            && !cigna_tracestate_valid(ngx_cigna_slice(&h->value)))
        {
            lines->state = 0;
        }

        break;

    case 11:

        if (ngx_cigna_trace_named(h, "traceparent", 11)) {
            lines->parent = &h->value;
            lines->parents = lines->parents ? 2 : 1;
        }

        break;

    case 12:

        if (ngx_cigna_trace_named(h, "x-request-id", 12)) {
            lines->request_id = &h->value;
            lines->request_ids = lines->request_ids ? 2 : 1;
        }

        break;

    default:
        break;
    }
}


static ngx_uint_t
ngx_cigna_trace_named(ngx_table_elt_t *h, const char *name, size_t len)
{
    return ngx_strncasecmp(h->key.data, (u_char *) name, len) == 0;
}


ngx_int_t
ngx_cigna_trace_reply(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    if (ctx->trace.request_id.len == 0) {
        return NGX_OK;
    }

    return ngx_cigna_reply_header(r, "X-Request-Id", &ctx->trace.request_id);
}
