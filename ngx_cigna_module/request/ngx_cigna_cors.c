
#include "ngx_cigna_cors.h"
#include "ngx_cigna_reply.h"
#include "http/cigna_cors.h"


#define NGX_CIGNA_CORS_MAX_AGE  "600"

/* headers to allow if a preflight names none, or has a malformed list */

#define NGX_CIGNA_CORS_HEADERS                                                \
    "Accept, Accept-Language, Authorization, Content-Type, "                  \
    "If-Modified-Since, If-None-Match, Prefer, Range, X-Request-Id"

/* a script can read these reply headers only if the reply exposes them */

#define NGX_CIGNA_CORS_EXPOSED                                                \
    "Accept-Ranges, Allow, Content-Disposition, Content-Encoding, "           \
    "Content-Location, Content-Range, Date, ETag, Last-Modified, Link, "      \
    "Location, Preference-Applied, Retry-After, X-Progress, X-Request-Id"

#define NGX_CIGNA_CORS_VARY                                                   \
    "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"


static ngx_int_t ngx_cigna_cors_answer(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_cigna_loc_conf_t *lcf);
static ngx_int_t ngx_cigna_cors_preflight_lines(ngx_http_request_t *r,
    ngx_cigna_loc_conf_t *lcf);


ngx_int_t
ngx_cigna_cors_handler(ngx_http_request_t *r)
{
    ngx_int_t              rc;
    ngx_cigna_ctx_t       *ctx;
    ngx_cigna_loc_conf_t  *lcf;

    if (r->method != NGX_HTTP_OPTIONS || r != r->main) {
        return NGX_DECLINED;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_cigna_module);

    if (lcf->cors_methods.len == 0
        || !ngx_cigna_request_header(r, "origin", NULL)
        || !ngx_cigna_request_header(r, "access-control-request-method", NULL))
    {
        return NGX_DECLINED;
    }

    rc = ngx_cigna_ctx_begin(r, &ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    ctx->preflight = 1;

    ngx_http_finalize_request(r, ngx_cigna_cors_answer(r, ctx, lcf));

    return NGX_DONE;
}


static ngx_int_t
ngx_cigna_cors_answer(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_loc_conf_t *lcf)
{
    static ngx_str_t  detail = ngx_string("\"cigna_cors\" does not list the "
                                          "origin");

    if (ngx_cigna_cors_origin(r, lcf->cors) == NULL) {

        ngx_cigna_reply_log(r, ctx, ngx_cigna_condition_origin_refused,
                            "preflight", &detail);

        return ngx_cigna_reply_condition(r, ctx,
                                         ngx_cigna_condition_origin_refused,
                                         lcf->fhir ? ngx_cigna_reply_fhir
                                                   : ngx_cigna_reply_json,
                                         0, NULL);
    }

    return ngx_cigna_reply(r, NGX_HTTP_NO_CONTENT, NULL, NULL);
}


ngx_str_t *
ngx_cigna_cors_origin(ngx_http_request_t *r, ngx_cigna_cors_t *cors)
{
    ngx_str_t   *value, *origin;
    ngx_uint_t   i;

    value = cors ? ngx_cigna_request_header_single(r, "origin") : NULL;

    if (value == NULL) {
        return NULL;
    }

    origin = cors->origins.elts;

    for (i = 0; i < cors->origins.nelts; i++) {
        if (cigna_slice_eq(ngx_cigna_slice(value),
                           ngx_cigna_slice(&origin[i])))
        {
            return &origin[i];
        }
    }

    return NULL;
}


/*
 * A reply to a request without Origin gets Vary, too.  Otherwise a cache could
 * use the reply for another origin.
 */

ngx_int_t
ngx_cigna_cors_lines(ngx_http_request_t *r, ngx_cigna_loc_conf_t *lcf)
{
    ngx_str_t        *origin;
    ngx_uint_t        preflight;
    ngx_cigna_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);
    preflight = (ctx != NULL && ctx->preflight);

    if (ngx_cigna_reply_header(r, "Vary",
                               preflight ? cigna_slice(NGX_CIGNA_CORS_VARY)
                                         : cigna_slice("Origin"))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    origin = ngx_cigna_cors_origin(r, lcf->cors);

    if (origin == NULL) {
        return NGX_OK;
    }

    if (ngx_cigna_reply_header(r, "Access-Control-Allow-Origin",
                               ngx_cigna_slice(origin))
            != NGX_OK
        || (lcf->cors->credentials
            && ngx_cigna_reply_header(r, "Access-Control-Allow-Credentials",
                                      cigna_slice("true"))
               != NGX_OK))
    {
        return NGX_ERROR;
    }

    if (preflight) {
        return ngx_cigna_cors_preflight_lines(r, lcf);
    }

    return ngx_cigna_reply_header(r, "Access-Control-Expose-Headers",
                                  cigna_slice(NGX_CIGNA_CORS_EXPOSED));
}


static ngx_int_t
ngx_cigna_cors_preflight_lines(ngx_http_request_t *r,
    ngx_cigna_loc_conf_t *lcf)
{
    ngx_str_t      *asked;
    cigna_slice_t   allowed;

    asked = ngx_cigna_request_header_single(r,
                                            "access-control-request-headers");

    allowed = (asked && cigna_cors_names(ngx_cigna_slice(asked)))
              ? ngx_cigna_slice(asked) : cigna_slice(NGX_CIGNA_CORS_HEADERS);

    if (ngx_cigna_reply_header(r, "Access-Control-Allow-Methods",
                               ngx_cigna_slice(&lcf->cors_methods))
            != NGX_OK
        || ngx_cigna_reply_header(r, "Access-Control-Allow-Headers", allowed)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_cigna_reply_header(r, "Access-Control-Max-Age",
                                  cigna_slice(NGX_CIGNA_CORS_MAX_AGE));
}
