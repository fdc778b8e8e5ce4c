
#include "ngx_cigna_cors.h"
#include "ngx_cigna_reply.h"
#include "http/cigna_cors.h"


#define NGX_CIGNA_CORS_MAX_AGE  "600"

/* for preflights that name no headers, or not in the form of a list */

#define NGX_CIGNA_CORS_HEADERS                                                \
    "Accept, Accept-Language, Authorization, Content-Type, "                  \
    "If-Modified-Since, If-None-Match, Prefer, Range, X-Request-Id"

/* headers of replies that scripts may read only if they are listed */

#define NGX_CIGNA_CORS_EXPOSED                                                \
    "Accept-Ranges, Allow, Content-Disposition, Content-Encoding, "           \
    "Content-Location, Content-Range, Date, ETag, Last-Modified, Link, "      \
    "Location, Preference-Applied, Retry-After, X-Progress, X-Request-Id"

#define NGX_CIGNA_CORS_VARY                                                   \
    "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"


static ngx_uint_t ngx_cigna_cors_preflight(ngx_http_request_t *r);
static ngx_int_t ngx_cigna_cors_answer(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_cigna_loc_conf_t *lcf);
static ngx_int_t ngx_cigna_cors_preflight_lines(ngx_http_request_t *r,
    ngx_cigna_loc_conf_t *lcf);
static ngx_int_t ngx_cigna_cors_add(ngx_http_request_t *r, const char *key,
    const char *value);


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

    if (lcf->cors_methods.len == 0 || !ngx_cigna_cors_preflight(r)) {
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


static ngx_uint_t
ngx_cigna_cors_preflight(ngx_http_request_t *r)
{
    ngx_uint_t  origin, method;

    origin = 0;
    method = 0;

    return ngx_cigna_request_header(r, "origin", &origin) != NULL
           && ngx_cigna_request_header(r, "access-control-request-method",
                                       &method)
              != NULL;
}


static ngx_int_t
ngx_cigna_cors_answer(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_loc_conf_t *lcf)
{
    ngx_str_t         none;
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

    ngx_str_null(&none);

    return ngx_cigna_reply(r, NGX_HTTP_NO_CONTENT, NULL, &none);
}


ngx_str_t *
ngx_cigna_cors_origin(ngx_http_request_t *r, ngx_cigna_cors_t *cors)
{
    ngx_str_t   *value, *origin;
    ngx_uint_t   i, from;

    if (cors == NULL) {
        return NULL;
    }

    from = 0;
    value = ngx_cigna_request_header(r, "origin", &from);

    if (value == NULL
        || ngx_cigna_request_header(r, "origin", &from) != NULL)
    {
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


/* Vary is also for replies to requests without an Origin */

ngx_int_t
ngx_cigna_cors_lines(ngx_http_request_t *r, ngx_cigna_loc_conf_t *lcf)
{
    ngx_str_t        *origin;
    ngx_uint_t        preflight;
    ngx_cigna_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);
    preflight = (ctx != NULL && ctx->preflight);

    if (ngx_cigna_cors_add(r, "Vary",
                           preflight ? NGX_CIGNA_CORS_VARY : "Origin")
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    origin = ngx_cigna_cors_origin(r, lcf->cors);

    if (origin == NULL) {
        return NGX_OK;
    }

    if (ngx_cigna_reply_header(r, "Access-Control-Allow-Origin", origin)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (lcf->cors->credentials
        && ngx_cigna_cors_add(r, "Access-Control-Allow-Credentials", "true")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (preflight) {
        return ngx_cigna_cors_preflight_lines(r, lcf);
    }

    return ngx_cigna_cors_add(r, "Access-Control-Expose-Headers",
                              NGX_CIGNA_CORS_EXPOSED);
}


static ngx_int_t
ngx_cigna_cors_preflight_lines(ngx_http_request_t *r,
    ngx_cigna_loc_conf_t *lcf)
{
    ngx_str_t   *asked, allowed;
    ngx_uint_t   from;

    from = 0;
    asked = ngx_cigna_request_header(r, "access-control-request-headers",
                                     &from);

    ngx_str_set(&allowed, NGX_CIGNA_CORS_HEADERS);

    if (asked != NULL
        && cigna_cors_names(ngx_cigna_slice(asked))
        && ngx_cigna_request_header(r, "access-control-request-headers",
                                    &from)
           == NULL)
    {
        allowed = *asked;
    }

    if (ngx_cigna_reply_header(r, "Access-Control-Allow-Methods",
                               &lcf->cors_methods)
            != NGX_OK
        || ngx_cigna_reply_header(r, "Access-Control-Allow-Headers", &allowed)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_cigna_cors_add(r, "Access-Control-Max-Age",
                              NGX_CIGNA_CORS_MAX_AGE);
}


static ngx_int_t
ngx_cigna_cors_add(ngx_http_request_t *r, const char *key, const char *value)
{
    ngx_str_t  s;

    s.data = (u_char *) value;
    s.len = ngx_strlen(value);

    return ngx_cigna_reply_header(r, key, &s);
}
