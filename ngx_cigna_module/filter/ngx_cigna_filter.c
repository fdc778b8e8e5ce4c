
#include "ngx_cigna_filter.h"
#include "ngx_cigna_errors.h"
#include "ngx_cigna_rewrite.h"
#include "ngx_cigna_rewrite_body.h"
#include "dance/ngx_cigna_dance_handlers.h"
#include "dance/ngx_cigna_scrub.h"
#include "gateway/ngx_cigna_loc_conf.h"
#include "request/ngx_cigna_gate_in.h"
#include "request/ngx_cigna_page.h"
#include "request/ngx_cigna_trace.h"


static ngx_int_t ngx_cigna_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_cigna_body_filter(ngx_http_request_t *r, ngx_chain_t *in);
static ngx_int_t ngx_cigna_filter_fhir(ngx_http_request_t *r,
    ngx_cigna_loc_conf_t *lcf);
static ngx_int_t ngx_cigna_filter_callback(ngx_http_request_t *r,
    ngx_cigna_loc_conf_t *lcf);
static ngx_int_t ngx_cigna_filter_go_on(ngx_http_request_t *r);


static ngx_http_output_header_filter_pt  ngx_cigna_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_cigna_next_body_filter;


ngx_int_t
ngx_cigna_filter_init(ngx_conf_t *cf)
{
    ngx_cigna_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_cigna_header_filter;

    ngx_cigna_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_cigna_body_filter;

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_header_filter(ngx_http_request_t *r)
{
    ngx_cigna_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_cigna_module);

    if (lcf->fhir) {
        return ngx_cigna_filter_fhir(r, lcf);
    }

    if (ngx_cigna_scrub_reply(r) != NGX_OK
        || ngx_cigna_filter_callback(r, lcf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_cigna_next_header_filter(r);
}


static ngx_int_t
ngx_cigna_filter_fhir(ngx_http_request_t *r, ngx_cigna_loc_conf_t *lcf)
{
    ngx_int_t         rc;
    ngx_cigna_ctx_t  *ctx;

    ngx_cigna_gate_in_reply(r);

    ctx = ngx_cigna_ctx(r);

    if (ctx == NULL) {
        return NGX_ERROR;
    }

    ngx_cigna_trace(r, ctx);

    if (ngx_cigna_trace_reply(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_cigna_errors_header(r, ctx, lcf);

    if (rc == NGX_AGAIN) {
        return NGX_OK;
    }

    return rc == NGX_OK ? ngx_cigna_filter_go_on(r) : rc;
}


/*
 * If the app does not answer an auth_request, nginx sends its page of status
 * 500 and does not call the callback's content handler.  This function puts the
 * module's own page with status 503 in the place of that page.
 */

static ngx_int_t
ngx_cigna_filter_callback(ngx_http_request_t *r, ngx_cigna_loc_conf_t *lcf)
{
    ngx_str_t         body;
    ngx_cigna_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    if (lcf->endpoint != ngx_cigna_endpoint_callback
        || r != r->main
        || ctx == NULL
        || ctx->begun
        || r->method != NGX_HTTP_GET
        || r->err_status < NGX_HTTP_INTERNAL_SERVER_ERROR
        || r->err_status != r->headers_out.status)
    {
        return NGX_OK;
    }

    if (ngx_cigna_callback_unreachable(r, &body) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_cigna_errors_put(r, ctx, NGX_HTTP_SERVICE_UNAVAILABLE,
                                NGX_CIGNA_PAGE_TYPE, &body);
}


static ngx_int_t
ngx_cigna_filter_go_on(ngx_http_request_t *r)
{
    ngx_cigna_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_cigna_module);

    if (ngx_cigna_rewrite_header(r, lcf) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_cigna_next_header_filter(r);
}


static ngx_int_t
ngx_cigna_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_int_t         rc;
    ngx_cigna_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    if (ctx && ctx->errors) {

        rc = ngx_cigna_errors_body(r, ctx, &in);

        if (rc == NGX_AGAIN) {
            return NGX_OK;
        }

        if (rc == NGX_DONE) {
            rc = ngx_cigna_filter_go_on(r);

            /* NGX_AGAIN: nginx keeps the header until the client reads */

            if (rc == NGX_AGAIN) {
                rc = NGX_OK;
            }

            if (r->header_only && rc == NGX_OK) {
                return NGX_OK;
            }
        }

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (ctx && ctx->rewrite) {
        return ngx_cigna_rewrite_body(r, ctx, in, ngx_cigna_next_body_filter);
    }

    return ngx_cigna_next_body_filter(r, in);
}
