
#include "ngx_cigna_page.h"
#include "gateway/ngx_cigna_main_conf.h"


#define NGX_CIGNA_PAGE_SIZE   4096         /* bytes, without escaped strings */
#define NGX_CIGNA_ESCAPE_MAX  6            /* bytes of the longest escape,
                                              "&quot;" */

#define NGX_CIGNA_STYLE                                                       \
    ":root{color-scheme:light dark}"                                          \
    "*{box-sizing:border-box}"                                                \
    "body{margin:0;min-height:100vh;display:flex;align-items:center;"         \
    "justify-content:center;padding:1.5rem;background:#eef2f5;color:#15222e;" \
    "font:1.0625rem/1.55 system-ui,-apple-system,\"Segoe UI\",Roboto,"        \
    "\"Helvetica Neue\",Arial,sans-serif}"                                    \
    "main{width:100%;max-width:30rem;padding:2rem 2rem 1.75rem;"              \
    "background:#fff;border-radius:.75rem;border-top:.375rem solid #0a6c86;"  \
    "box-shadow:0 .25rem 1.5rem rgba(21,34,46,.12)}"                          \
    "h1{margin:0 0 .75rem;font-size:1.5rem;line-height:1.25}"                 \
    "p{margin:0 0 1.25rem}"                                                   \
    "a{color:#0a5f76}"                                                        \
    "a.do{display:inline-block;margin:0 1rem .25rem 0;"                       \
    "padding:.625rem 1.25rem;border-radius:.5rem;background:#0a6c86;"         \
    "color:#fff;font-weight:600;text-decoration:none}"                        \
    "a:focus-visible{outline:.1875rem solid #f0a92e;outline-offset:.125rem}"  \
    "small{color:#54636f}code{font-size:1em}"                                 \
    "@media(prefers-color-scheme:dark){body{background:#10181f;"              \
    "color:#e6edf2}main{background:#1a252e;box-shadow:none}"                  \
    "a{color:#7fd0e4}a.do{background:#7fd0e4;color:#08222b}"                  \
    "small{color:#a3b2bd}}"

/*
 * The page sets its referrer policy by a header line and by a meta element.
 * Many operators add another Referrer-Policy line to every reply.  Browsers
 * obey the last header line, but the meta element comes after all of them.
 */

#define NGX_CIGNA_PAGE_HEAD                                                   \
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n" \
    "<meta name=\"viewport\" content=\"width=device-width, "                  \
    "initial-scale=1\">\n<meta name=\"robots\" content=\"noindex\">\n"        \
    "<meta name=\"referrer\" content=\"no-referrer\">\n"                     \
    "<style>" NGX_CIGNA_STYLE "</style>\n"

#define NGX_CIGNA_PAGE_REFRESH                                                \
    "<meta http-equiv=\"refresh\" content=\"%ui; url="

#define NGX_CIGNA_PAGE_CSP                                                    \
    "default-src 'none'; base-uri 'none'; form-action 'none'; "               \
    "frame-ancestors 'none'; style-src 'sha256-%V'"


static size_t ngx_cigna_page_size(const ngx_cigna_page_t *page);
static void ngx_cigna_page_append(cigna_buf_t *b,
    const ngx_cigna_page_t *page);
static void ngx_cigna_page_link(cigna_buf_t *b, const char *before,
    cigna_slice_t url, const char *after);
static void ngx_cigna_page_escape(cigna_buf_t *b, cigna_slice_t s);


/*
 * The Content-Security-Policy allows the inline style by its hash.  This
 * function computes the hash, so that it always fits the style.
 */

ngx_int_t
ngx_cigna_page_init(ngx_conf_t *cf, ngx_cigna_main_conf_t *mcf)
{
    u_char      digest[CIGNA_SHA256_LEN];
    u_char      encoded[ngx_base64_encoded_length(CIGNA_SHA256_LEN)];
    ngx_str_t   from, hash;

    if (cigna_secret_sha256(cigna_slice(NGX_CIGNA_STYLE), digest)
        != CIGNA_OK)
    {
        return NGX_ERROR;
    }

    from.data = digest;
    from.len = CIGNA_SHA256_LEN;
    hash.data = encoded;

    ngx_encode_base64(&hash, &from);

    return ngx_cigna_reply_print(cf->pool, &mcf->page_csp,
                                 sizeof(NGX_CIGNA_PAGE_CSP) + hash.len,
                                 NGX_CIGNA_PAGE_CSP, &hash);
}


ngx_int_t
ngx_cigna_page_send(ngx_http_request_t *r, const ngx_cigna_page_t *page)
{
    ngx_str_t  body;

    if (ngx_cigna_page_make(r, page, &body) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_cigna_reply(r, page->status, NGX_CIGNA_PAGE_TYPE, &body);
}


ngx_int_t
ngx_cigna_page_make(ngx_http_request_t *r, const ngx_cigna_page_t *page,
    ngx_str_t *body)
{
    cigna_buf_t             b;
    ngx_cigna_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_cigna_module);

    if (ngx_cigna_reply_header(r, "Content-Security-Policy",
                               ngx_cigna_slice(&mcf->page_csp))
            != NGX_OK
        || ngx_cigna_reply_header(r, "Referrer-Policy",
                                  cigna_slice("no-referrer"))
           != NGX_OK
        || ngx_cigna_buf_init(r, &b, ngx_cigna_page_size(page)) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_cigna_page_append(&b, page);

    return ngx_cigna_buf_done(&b, body);
}


static size_t
ngx_cigna_page_size(const ngx_cigna_page_t *page)
{
    return NGX_CIGNA_PAGE_SIZE
           + NGX_CIGNA_ESCAPE_MAX * (2 * page->title.len + page->text.len
                                     + page->connect.len
                                     + page->again.len + page->back.len
                                     + page->reference.len
                                     + 2 * page->reload.len);
}


static void
ngx_cigna_page_append(cigna_buf_t *b, const ngx_cigna_page_t *page)
{
    u_char  refresh[sizeof(NGX_CIGNA_PAGE_REFRESH) + NGX_INT_T_LEN];

    *ngx_sprintf(refresh, NGX_CIGNA_PAGE_REFRESH, page->reload_s) = '\0';

    cigna_buf_append_str(b, NGX_CIGNA_PAGE_HEAD);

    ngx_cigna_page_link(b, (char *) refresh, page->reload, "\">\n");

    cigna_buf_append_str(b, "<title>");
    ngx_cigna_page_escape(b, page->title);
    cigna_buf_append_str(b, "</title>\n</head>\n<body>\n<main>\n<h1>");
    ngx_cigna_page_escape(b, page->title);
    cigna_buf_append_str(b, "</h1>\n<p>");
    ngx_cigna_page_escape(b, page->text);
    cigna_buf_append_str(b, "</p>\n");

    if (page->reload.len || page->connect.len || page->again.len
        || page->back.len)
    {

        cigna_buf_append_str(b, "<p>");
        ngx_cigna_page_link(b, "<a class=\"do\" href=\"", page->reload,
                            "\">Continue</a>\n");
        ngx_cigna_page_link(b, "<a class=\"do\" href=\"", page->connect,
                            "\">Connect to Cigna</a>\n");
        ngx_cigna_page_link(b, "<a class=\"do\" href=\"", page->again,
                            "\">Try again</a>\n");
        ngx_cigna_page_link(b, "<a href=\"", page->back,
                            "\">Back to the app</a>");
        cigna_buf_append_str(b, "</p>\n");
    }

    if (page->reference.len) {
        cigna_buf_append_str(b, "<p><small>Reference: <code>");
        ngx_cigna_page_escape(b, page->reference);
        cigna_buf_append_str(b, "</code></small></p>\n");
    }

    cigna_buf_append_str(b, "</main>\n</body>\n</html>\n");
}


static void
ngx_cigna_page_link(cigna_buf_t *b, const char *before, cigna_slice_t url,
    const char *after)
{
    if (url.len) {
        cigna_buf_append_str(b, before);
        ngx_cigna_page_escape(b, url);
        cigna_buf_append_str(b, after);
    }
}


static void
ngx_cigna_page_escape(cigna_buf_t *b, cigna_slice_t s)
{
    size_t                    i;
    u_char                   *sign;
    static u_char             signs[] = "<>&\"'";
    static const char *const  escapes[] = {
        "&lt;", "&gt;", "&amp;", "&quot;", "&#39;"
    };

    for (i = 0; i < s.len; i++) {

        sign = ngx_strlchr(signs, signs + sizeof(signs) - 1, s.data[i]);

        if (sign) {
            cigna_buf_append_str(b, escapes[sign - signs]);

        } else {
            cigna_buf_append_char(b, s.data[i]);
        }
    }
}


ngx_int_t
ngx_cigna_page_condition(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_condition_e e, const char *what, const char *allow)
{
    ngx_cigna_page_t              page;
    const ngx_cigna_condition_t  *c;

    c = ngx_cigna_condition(e);

    ngx_cigna_reply_log(r, ctx, e, what, NULL);

    if (ngx_cigna_reply_condition_headers(r, ctx, e, 0, allow) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_memzero(&page, sizeof(ngx_cigna_page_t));

    page.status = c->status;
    page.title = cigna_slice_str(c->title);
    page.text = cigna_slice_str(c->text);

    return ngx_cigna_page_send(r, &page);
}
