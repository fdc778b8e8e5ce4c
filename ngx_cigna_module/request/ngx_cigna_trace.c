
#include "ngx_cigna_trace.h"
#include "ngx_cigna_reply.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_worker.h"
#include "http/cigna_trace.h"

#include <openssl/rand.h>


#define NGX_CIGNA_TRACE_RANDOM  16         /* random bytes of a $request_id */


/*
 * the caller's lines; two X-Request-Id lines or two traceparent lines count as
 * invalid
 */

typedef struct {
    ngx_str_t    *request_id;
    ngx_str_t    *parent;
    unsigned      request_ids:2;           /* 2: two or more */
    unsigned      parents:2;
    unsigned      state:1;                 /* all tracestate lines are valid */
} ngx_cigna_trace_lines_t;


static ngx_str_t ngx_cigna_trace_request_id(ngx_http_request_t *r);
static u_char *ngx_cigna_trace_random(ngx_cigna_worker_t *worker);
static void ngx_cigna_trace_lines(ngx_http_request_t *r,
    ngx_cigna_trace_lines_t *lines);
static void ngx_cigna_trace_line(ngx_cigna_trace_lines_t *lines,
    ngx_table_elt_t *h);


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


/* makes $request_id as nginx does, but faster: random bytes are in a buffer */

static ngx_str_t
ngx_cigna_trace_request_id(ngx_http_request_t *r)
{
    u_char                     *random;
    ngx_str_t                   id;
    ngx_cigna_main_conf_t      *mcf;
    ngx_http_variable_value_t  *vv;

    mcf = ngx_http_get_module_main_conf(r, ngx_cigna_module);
    vv = &r->variables[mcf->request_id];

    random = (vv->valid || vv->not_found) ? NULL
                                          : ngx_cigna_trace_random(mcf->worker);
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
 * OpenSSL makes 4 KiB in nearly the same time as 16 bytes, so one call serves
 * many requests.  NULL: OpenSSL has failed, and the caller then uses nginx's
 * own $request_id.
 */

static u_char *
ngx_cigna_trace_random(ngx_cigna_worker_t *worker)
{
    if (worker->random_left == 0) {

        if (RAND_bytes(worker->random, NGX_CIGNA_RANDOM_LEN) != 1) {
            return NULL;
        }

        worker->random_left = NGX_CIGNA_RANDOM_LEN;
    }

    worker->random_left -= NGX_CIGNA_TRACE_RANDOM;

    return worker->random + worker->random_left;
}


static void
ngx_cigna_trace_lines(ngx_http_request_t *r, ngx_cigna_trace_lines_t *lines)
{
    ngx_table_elt_t     *h;
    ngx_cigna_header_t   header;

    ngx_memzero(lines, sizeof(ngx_cigna_trace_lines_t));

    lines->state = 1;

    header = ngx_cigna_header(&r->headers_in.headers);

    while ((h = ngx_cigna_header_next(&header)) != NULL) {
        ngx_cigna_trace_line(lines, h);
    }
}


static void
ngx_cigna_trace_line(ngx_cigna_trace_lines_t *lines, ngx_table_elt_t *h)
{
    cigna_slice_t  name;

    name = ngx_cigna_slice(&h->key);

    if (name.len == 10 && cigna_slice_named(name, "tracestate")) {
        lines->state &= cigna_tracestate_valid(ngx_cigna_slice(&h->value));

    } else if (name.len == 11 && cigna_slice_named(name, "traceparent")) {
        lines->parent = &h->value;
        lines->parents = lines->parents ? 2 : 1;

    } else if (name.len == 12 && cigna_slice_named(name, "x-request-id")) {
        lines->request_id = &h->value;
        lines->request_ids = lines->request_ids ? 2 : 1;
    }
}


ngx_int_t
ngx_cigna_trace_reply(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    if (ctx->trace.request_id.len == 0) {
        return NGX_OK;
    }

    return ngx_cigna_reply_header(r, "X-Request-Id",
                                  ngx_cigna_slice(&ctx->trace.request_id));
}
