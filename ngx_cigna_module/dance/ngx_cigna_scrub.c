
#include "ngx_cigna_scrub.h"
#include "gateway/ngx_cigna_loc_conf.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "nginx/ngx_cigna_pool_secret.h"
#include "request/ngx_cigna_reply.h"


static ngx_int_t ngx_cigna_scrub_log_handler(ngx_http_request_t *r);
static void ngx_cigna_scrub_unread(ngx_http_request_t *r);
static ngx_uint_t ngx_cigna_scrub_stray(ngx_http_request_t *r);
static ngx_int_t ngx_cigna_scrub_policy(ngx_http_request_t *r);
static void ngx_cigna_scrub_line(ngx_str_t *line);
static void ngx_cigna_scrub_query(u_char *p, u_char *last);
static ngx_uint_t ngx_cigna_scrub_harmless(const u_char *p, size_t len);


ngx_int_t
ngx_cigna_scrub_init(ngx_conf_t *cf)
{
    ngx_array_t                *handlers;
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    handlers = &cmcf->phases[NGX_HTTP_LOG_PHASE].handlers;

    if (ngx_array_push(handlers) == NULL) {
        return NGX_ERROR;
    }

    /* puts this handler first, so that it runs before nginx's log handlers */

    h = handlers->elts;
    ngx_memmove(&h[1], h, (handlers->nelts - 1) * sizeof(ngx_http_handler_pt));
    h[0] = ngx_cigna_scrub_log_handler;

    return NGX_OK;
}


ngx_int_t
ngx_cigna_scrub_handler(ngx_http_request_t *r)
{
    ngx_cigna_ctx_t       *ctx;
    ngx_cigna_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_cigna_module);

    if (lcf->endpoint != ngx_cigna_endpoint_callback || r != r->main) {
        return NGX_DECLINED;
    }

    ctx = ngx_cigna_ctx(r);

    if (ctx == NULL || ngx_cigna_scrub(r, ctx) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_DECLINED;
}


ngx_int_t
ngx_cigna_scrub(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    u_char  *args, *query;

    if (ctx->query.data != NULL) {
        return NGX_OK;
    }

    args = ngx_pstrdup(r->pool, &r->args);
    query = ngx_cigna_pool_secret_alloc(r->pool, r->args.len + 1);

    ngx_cigna_scrub_line(&r->unparsed_uri);
    ngx_cigna_scrub_line(&r->request_line);

    if (args == NULL || query == NULL) {
        r->args.len = 0;
        return NGX_ERROR;
    }

    ngx_memcpy(query, args, r->args.len);

    ctx->query.data = query;
    ctx->query.len = r->args.len;

    /*
     * overwrites the values in the copy: r->args may point to a string of the
     * configuration
     */

    ngx_cigna_scrub_query(args, args + r->args.len);

    r->args.data = args;

    return NGX_OK;
}


ngx_int_t
ngx_cigna_scrub_reply(ngx_http_request_t *r)
{
    ngx_cigna_loc_conf_t  *lcf;

    if (r != r->main) {
        return NGX_OK;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_cigna_module);

    if (lcf->endpoint == ngx_cigna_endpoint_callback) {
        return ngx_cigna_scrub_policy(r);
    }

    /*
     * A callback that did not reach its location.  Its error page gets the line
     * Referrer-Policy.  A redirect is the operator's, and stays as it is.
     */

    if (!lcf->endpoint && ngx_cigna_scrub_stray(r)
        && r->err_status >= NGX_HTTP_BAD_REQUEST)
    {
        return ngx_cigna_scrub_policy(r);
    }

    return NGX_OK;
}


/*
 * Scrubs the requests that ngx_cigna_scrub_reply() never sees.  If the request
 * line is incomplete or malformed, nginx does not know the path, so any query
 * is scrubbed.  If only the header is incomplete, nginx sends no reply, but
 * knows the path.
 */

static ngx_int_t
ngx_cigna_scrub_log_handler(ngx_http_request_t *r)
{
    if (r->unparsed_uri.len == 0) {
        ngx_cigna_scrub_unread(r);

    } else if (!r->header_sent) {
        (void) ngx_cigna_scrub_stray(r);
    }

    return NGX_OK;
}


/*
 * scrubs all that nginx may log of an unread request line: the line up to its
 * end, or all bytes so far
 */

static void
ngx_cigna_scrub_unread(ngx_http_request_t *r)
{
    u_char  *p, *query;

    if (r->request_start == NULL || r->header_in == NULL) {
        return;
    }

    query = NULL;

    for (p = r->request_start; p < r->header_in->last; p++) {

        if (*p == CR || *p == LF) {
            break;
        }

        if (*p == '?' && query == NULL) {
            query = p + 1;
        }
    }

    if (query != NULL) {
        ngx_cigna_scrub_query(query, p);
    }
}


static ngx_int_t
ngx_cigna_scrub_policy(ngx_http_request_t *r)
{
    if (ngx_cigna_header_line(&r->headers_out.headers, "referrer-policy",
                              NULL))
    {
        return NGX_OK;
    }

    return ngx_cigna_reply_header(r, "Referrer-Policy",
                                  cigna_slice("no-referrer"));
}


/*
 * Returns 1 if the path is the path of a redirect_uri, and scrubs the request.
 * Compares the path as the client has sent it, and as nginx has decoded it.
 */

static ngx_uint_t
ngx_cigna_scrub_stray(ngx_http_request_t *r)
{
    cigna_slice_t           rest, path;
    ngx_cigna_main_conf_t  *mcf;

    rest = ngx_cigna_slice(&r->unparsed_uri);
    path = cigna_slice_cut(&rest, '?');

    if (rest.len == 0) {
        return 0;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_cigna_module);

    if (ngx_cigna_index_find(&mcf->callbacks, path) == NULL
        && ngx_cigna_index_find(&mcf->callbacks, ngx_cigna_slice(&r->uri))
           == NULL)
    {
        return 0;
    }

    ngx_cigna_scrub_line(&r->unparsed_uri);
    ngx_cigna_scrub_line(&r->request_line);

    return 1;
}


static void
ngx_cigna_scrub_line(ngx_str_t *line)
{
    u_char  *p, *last, *end;

    last = line->data + line->len;

    p = ngx_strlchr(line->data, last, '?');
    if (p == NULL) {
        return;
    }

    end = ngx_strlchr(p, last, ' ');

    ngx_cigna_scrub_query(p + 1, end ? end : last);
}


/*
 * Overwrites all values but those of the harmless names listed below.  A name
 * can be escaped in many ways, so a list of secret names would not do.
 */

static void
ngx_cigna_scrub_query(u_char *p, u_char *last)
{
    u_char  *end, *value;

    while (p < last) {

        end = ngx_strlchr(p, last, '&');
        if (end == NULL) {
            end = last;
        }

        value = ngx_strlchr(p, end, '=');
        value = value ? value + 1 : p;

        if (!ngx_cigna_scrub_harmless(p, value - p)) {
            ngx_memset(value, 'x', end - value);
        }

        p = end + 1;
    }
}


static ngx_uint_t
ngx_cigna_scrub_harmless(const u_char *p, size_t len)
{
    const char         **name;
    static const char   *names[] = {
        "error=", "error_description=", "error_uri=", "iss=", NULL
    };

    for (name = names; *name; name++) {
        if (len == ngx_strlen(*name) && ngx_strncmp(p, *name, len) == 0) {
            return 1;
        }
    }

    return 0;
}
