
/*
 * How a token gets into an upstream request:
 *
 *   start of nginx    ngx_cigna_fhir_content_handler() replaces the location's
 *                     content handler
 *   content           ngx_cigna_inject_make() calls the original handler, which
 *                     makes its upstream; r->aio keeps nginx from starting it
 *   request allowed   ngx_cigna_inject_start() replaces the upstream's
 *                     callbacks and starts the upstream
 *   create_request    gives nginx the request that cigna_gate_out() has written
 *   output            checks the connection just before nginx sends bytes
 *   process_header    ngx_cigna_inject_header() undoes changes that a reply
 *                     must not make
 *
 * nginx does not pass a POST to the next upstream server.  A search by POST
 * leaves as a GET, so r->method is GET for as long as its upstream lives.
 */


#include "ngx_cigna_inject.h"
#include "ngx_cigna_budget_gate.h"
#include "ngx_cigna_destination.h"
#include "gateway/ngx_cigna_loc_conf.h"


static ngx_int_t ngx_cigna_inject_create(ngx_http_request_t *r);
static ngx_int_t ngx_cigna_inject_reinit(ngx_http_request_t *r);
static ngx_int_t ngx_cigna_inject_output(void *data, ngx_chain_t *in);
static ngx_int_t ngx_cigna_inject_interim(ngx_http_request_t *r);
static void ngx_cigna_inject_finalize(ngx_http_request_t *r, ngx_int_t rc);


ngx_int_t
ngx_cigna_inject_make(ngx_http_request_t *r)
{
    ngx_int_t              rc;
    ngx_cigna_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_cigna_module);

    r->aio = 1;
    rc = lcf->content(r);
    r->aio = 0;

    return rc;
}


void
ngx_cigna_inject_start(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_int_t (*reply)(ngx_http_request_t *r))
{
    ngx_cigna_inject_t   *inject = ctx->inject;
    ngx_http_upstream_t  *u = r->upstream;

    inject->request = u->request_bufs;
    inject->reinit_request = u->reinit_request;
    inject->process_header = u->process_header;
    inject->finalize_request = u->finalize_request;
    inject->reply = reply;

    u->create_request = ngx_cigna_inject_create;
    u->reinit_request = ngx_cigna_inject_reinit;
    u->process_header = reply;

    if (ctx->search_by_post) {
        r->method = NGX_HTTP_GET;
        u->finalize_request = ngx_cigna_inject_finalize;
    }

    ngx_http_upstream_init(r);

    ngx_http_finalize_request(r, NGX_DONE);
}


/*
 * nginx calls this function before it connects.  ngx_http_upstream_init() has
 * put the caller's body into request_bufs, which must not be sent.
 */

static ngx_int_t
ngx_cigna_inject_create(ngx_http_request_t *r)
{
    ngx_cigna_ctx_t      *ctx;
    ngx_http_upstream_t  *u;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);
    u = r->upstream;

    u->request_bufs = ctx->inject->request;
    u->output.output_filter = ngx_cigna_inject_output;
    u->output.filter_ctx = r;

    return NGX_OK;
}


/* nginx calls this before it tries the next upstream server */

static ngx_int_t
ngx_cigna_inject_reinit(ngx_http_request_t *r)
{
    ngx_int_t            rc;
    ngx_cigna_ctx_t     *ctx;
    ngx_cigna_inject_t  *inject;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);
    inject = ctx->inject;

    rc = inject->reinit_request(r);

    if (ctx->budget_gate) {
        ngx_cigna_budget_gate_attempt(r, ctx->budget_gate);
    }

    inject->process_header = r->upstream->process_header;
    r->upstream->process_header = inject->reply;

    return rc;
}


static ngx_int_t
ngx_cigna_inject_output(void *data, ngx_chain_t *in)
{
    ngx_cigna_ctx_t     *ctx;
    ngx_http_request_t  *r = data;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    if (!ngx_cigna_destination_verified(r, ctx)) {
        return NGX_ERROR;
    }

    return ngx_chain_writer(&r->upstream->writer, in);
}


/*
 * The proxy reads the status line with one parser and the header lines with
 * another.  Both parsers may change the request, the second one by X-Accel-*
 * lines.  This function undoes the changes.
 */

ngx_int_t
ngx_cigna_inject_header(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    size_t                rate;
    ngx_int_t             rc;
    ngx_str_t            *charset;
    ngx_uint_t            rate_set, buffering, version;
    ngx_cigna_inject_t   *inject = ctx->inject;
    ngx_http_upstream_t  *u = r->upstream;

    version = r->http_version;
    rate = r->limit_rate;
    rate_set = r->limit_rate_set;
    buffering = u->buffering;
    charset = r->headers_out.override_charset;

    rc = inject->process_header(r);

    if (u->process_header != inject->reply) {
        inject->process_header = u->process_header;
        u->process_header = inject->reply;
    }

    r->http_version = version;
    r->limit_rate = rate;
    r->limit_rate_set = rate_set;
    u->buffering = buffering;
    r->headers_out.override_charset = charset;
    u->headers_in.x_accel_redirect = NULL;
    u->headers_in.www_authenticate = NULL;

    if (rc == NGX_OK && u->headers_in.status_n < NGX_HTTP_OK) {
        return ngx_cigna_inject_interim(r);
    }

    return rc;
}


/*
 * Refuses a reply with status 1xx.  nginx would treat an interim reply as the
 * final reply, and would send the final reply's header to the caller as a part
 * of the body.  After a 101 nginx would connect caller and upstream.  A reply
 * without any header (HTTP/0.9) has status 0, and is refused, too.
 */

static ngx_int_t
ngx_cigna_inject_interim(ngx_http_request_t *r)
{
    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "cigna: upstream sent status %ui where a reply was due",
                  r->upstream->headers_in.status_n);

    return NGX_HTTP_UPSTREAM_INVALID_HEADER;
}


static void
ngx_cigna_inject_finalize(ngx_http_request_t *r, ngx_int_t rc)
{
    ngx_cigna_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    r->method = NGX_HTTP_POST;

    ctx->inject->finalize_request(r, rc);
}
