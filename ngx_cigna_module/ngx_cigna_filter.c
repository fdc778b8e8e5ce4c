
#include "ngx_cigna_filter.h"
#include "ngx_cigna_errors.h"
#include "ngx_cigna_rewrite.h"
#include "ngx_cigna_scrub.h"
#include "ngx_cigna_trace.h"
#include "cigna_hide.h"


/* not in the list of what is sent */

typedef struct {
    ngx_table_elt_t    line;
    ngx_table_elt_t   *cell;
} ngx_cigna_unsent_t;


static ngx_int_t ngx_cigna_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_cigna_body_filter(ngx_http_request_t *r, ngx_chain_t *in);
static ngx_int_t ngx_cigna_filter_fhir(ngx_http_request_t *r,
    ngx_cigna_loc_conf_t *lcf);
static ngx_int_t ngx_cigna_filter_go_on(ngx_http_request_t *r);
static ngx_int_t ngx_cigna_filter_no_store(ngx_http_request_t *r);
static ngx_uint_t ngx_cigna_filter_drops(ngx_table_elt_t *h, ngx_uint_t fhir);
static ngx_uint_t ngx_cigna_filter_is(ngx_table_elt_t *h, const char *name);


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
    ngx_uint_t             i;
    ngx_list_part_t       *part;
    ngx_table_elt_t       *h;
    ngx_cigna_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_cigna_module);

    if (!lcf->fhir && ngx_cigna_scrub_reply(r) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!lcf->fhir && lcf->endpoint == NULL) {
        return ngx_cigna_next_header_filter(r);
    }

    for (part = &r->headers_out.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (ngx_cigna_filter_drops(&h[i], lcf->fhir)) {
                h[i].hash = 0;
            }
        }
    }

    if (ngx_cigna_filter_no_store(r) != NGX_OK) {
        return NGX_ERROR;
    }

    return lcf->fhir ? ngx_cigna_filter_fhir(r, lcf)
                     : ngx_cigna_next_header_filter(r);
}


static ngx_int_t
ngx_cigna_filter_fhir(ngx_http_request_t *r, ngx_cigna_loc_conf_t *lcf)
{
    ngx_int_t         rc;
    ngx_cigna_ctx_t  *ctx;

    ctx = ngx_cigna_ctx(r);

    if (ctx == NULL
        || ngx_cigna_trace(r, ctx) != NGX_OK
        || ngx_cigna_trace_reply(r, ctx) != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* nginx's own line is written when there is none */

    r->headers_out.server = NULL;

    rc = ngx_cigna_errors_header(r, ctx, lcf);

    if (rc == NGX_AGAIN) {
        return NGX_OK;
    }

    return rc == NGX_OK ? ngx_cigna_filter_go_on(r) : rc;
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


/*
 * "expires", perhaps meant for a whole server, comes after us and would write
 * the two lines anew: it is given others to write into, which nobody sends.
 */

static ngx_int_t
ngx_cigna_filter_no_store(ngx_http_request_t *r)
{
    ngx_table_elt_t     *h;
    ngx_cigna_unsent_t  *unsent;

    h = ngx_list_push(&r->headers_out.headers);
    unsent = ngx_pcalloc(r->pool, sizeof(ngx_cigna_unsent_t));

    if (h == NULL || unsent == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = 1;
    ngx_str_set(&h->key, "Cache-Control");
    ngx_str_set(&h->value, "no-store, private");

    ngx_str_set(&unsent->line.value, "");

    r->headers_out.expires = &unsent->line;
    ngx_cigna_set_cache_control(r, &unsent->line, &unsent->cell);

    return NGX_OK;
}


static ngx_uint_t
ngx_cigna_filter_drops(ngx_table_elt_t *h, ngx_uint_t fhir)
{
    if (fhir && cigna_hide_line(ngx_cigna_slice(&h->key))) {
        return 1;
    }

    switch (h->key.len) {

    case 6:
        return ngx_cigna_filter_is(h, "Pragma");

    case 7:
        return ngx_cigna_filter_is(h, "Expires");

    case 13:
        return ngx_cigna_filter_is(h, "Cache-Control");

    default:
        return 0;
    }
}


static ngx_uint_t
ngx_cigna_filter_is(ngx_table_elt_t *h, const char *name)
{
    return ngx_strncasecmp(h->key.data, (u_char *) name, h->key.len) == 0;
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

            /* where the header waits for the client, so does the body */

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
