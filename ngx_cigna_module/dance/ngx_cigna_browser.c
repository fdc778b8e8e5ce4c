
#include "ngx_cigna_browser.h"
#include "gateway/ngx_cigna_tenant.h"
#include "nginx/ngx_cigna_pool_secret.h"
#include "request/ngx_cigna_reply.h"
#include "http/cigna_uri.h"


#define NGX_CIGNA_COOKIE_SIZE  256         /* bytes of one Set-Cookie value */

/* further dance cookies of a request are not read */

#define NGX_CIGNA_COOKIES_MAX  32


static ngx_uint_t ngx_cigna_browser_other(ngx_http_request_t *r,
    const char *name, const char **words);
static ngx_uint_t ngx_cigna_browser_foreign(ngx_http_request_t *r,
    const ngx_cigna_tenant_t *tenant);
static ngx_uint_t ngx_cigna_browser_cookies(ngx_http_request_t *r,
    ngx_uint_t https, cigna_cookie_t cookies[NGX_CIGNA_COOKIES_MAX]);
static cigna_cookie_t *ngx_cigna_browser_oldest(cigna_cookie_t *cookies,
    ngx_uint_t n);
static ngx_int_t ngx_cigna_browser_send_cookie(ngx_http_request_t *r,
    ngx_uint_t https, const cigna_cookie_t *cookie, ngx_uint_t life_s);


static ngx_uint_t
ngx_cigna_browser_has(ngx_str_t *value, const char *word)
{
    return ngx_strlcasestrn(value->data, value->data + value->len,
                            (u_char *) word, ngx_strlen(word) - 1)
           != NULL;
}


static ngx_uint_t
ngx_cigna_browser_is(ngx_str_t *value, const char *word)
{
    return cigna_slice_eq_case(ngx_cigna_slice(value), cigna_slice_str(word));
}


ngx_uint_t
ngx_cigna_browser_prefetches(ngx_http_request_t *r)
{
    ngx_str_t    *value;
    ngx_uint_t    i, from;
    const char  **name;

    static const char  *names[] = {
        "sec-purpose", "purpose", "x-purpose", "x-moz", NULL
    };
    static const char  *words[] = { "prefetch", "prerender", "preview" };

    for (name = names; *name; name++) {

        from = 0;

        while ((value = ngx_cigna_request_header(r, *name, &from)) != NULL) {

            for (i = 0; i < 3; i++) {
                if (ngx_cigna_browser_has(value, words[i])) {
                    return 1;
                }
            }
        }
    }

    return 0;
}


/*
 * Safari never sends Sec-Fetch-User.  So a visit from a page of the same origin
 * counts as by_user without that line.  Otherwise the button on the module's
 * own page would not work in Safari.
 */

ngx_cigna_browser_visit_e
ngx_cigna_browser_visit(ngx_http_request_t *r, const ngx_cigna_tenant_t *tenant)
{
    static const char  *navigate[] = { "navigate", NULL };
    static const char  *pages[] = { "document", "empty", NULL };
    static const char  *site[] = { "same-origin", "none", "same-site", NULL };
    static const char  *origin[] = { "same-origin", "none", NULL };
    static const char  *user[] = { "?1", NULL };

    if (ngx_cigna_browser_prefetches(r)
        || ngx_cigna_browser_other(r, "sec-fetch-mode", navigate)
        || ngx_cigna_browser_other(r, "sec-fetch-dest", pages))
    {
        return ngx_cigna_browser_not_a_visit;
    }

    if (ngx_cigna_browser_foreign(r, tenant)) {

        /* a fetch() of an old browser has Origin, but no Sec-Fetch-Mode */

        return ngx_cigna_request_header(r, "sec-fetch-mode", NULL)
               ? ngx_cigna_browser_by_other_site
               : ngx_cigna_browser_not_a_visit;
    }

    if (ngx_cigna_browser_other(r, "sec-fetch-site", site)) {
        return ngx_cigna_browser_by_other_site;
    }

    if (ngx_cigna_browser_other(r, "sec-fetch-site", origin)
        && (ngx_cigna_request_header(r, "sec-fetch-user", NULL) == NULL
            || ngx_cigna_browser_other(r, "sec-fetch-user", user)))
    {
        return ngx_cigna_browser_by_other_site;
    }

    return ngx_cigna_browser_by_user;
}


/* returns 1 if a line with this name has a value that is not in "words" */

static ngx_uint_t
ngx_cigna_browser_other(ngx_http_request_t *r, const char *name,
    const char **words)
{
    ngx_str_t    *value;
    ngx_uint_t    from;
    const char  **word;

    from = 0;

    while ((value = ngx_cigna_request_header(r, name, &from)) != NULL) {

        for (word = words; *word; word++) {
            if (ngx_cigna_browser_is(value, *word)) {
                break;
            }
        }

        if (*word == NULL) {
            return 1;
        }
    }

    return 0;
}


/*
 * Returns 1 if an Origin line does not name the origin of redirect_uri.  If the
 * tenant is unknown, each Origin line is such a line.
 */

static ngx_uint_t
ngx_cigna_browser_foreign(ngx_http_request_t *r,
    const ngx_cigna_tenant_t *tenant)
{
    ngx_str_t    *value;
    ngx_uint_t    from;
    cigna_uri_t   origin;

    from = 0;

    while ((value = ngx_cigna_request_header(r, "origin", &from)) != NULL) {

        if (tenant == NULL
            || cigna_uri_parse(ngx_cigna_slice(value), &origin) != CIGNA_OK
            || !cigna_uri_same_origin(&origin, &tenant->redirect_uri))
        {
            return 1;
        }
    }

    return 0;
}


/*
 * Scripts cannot set Sec-Fetch-Site, so that line decides if it is present.
 * Older browsers do not send it, but send Origin with each POST.
 */

ngx_uint_t
ngx_cigna_browser_same_origin(ngx_http_request_t *r,
    const ngx_cigna_tenant_t *tenant)
{
    ngx_str_t    *value;
    ngx_uint_t    from;
    cigna_uri_t   origin;

    from = 0;
    value = ngx_cigna_request_header(r, "sec-fetch-site", &from);

    if (value != NULL) {
        return ngx_cigna_browser_is(value, "same-origin")
               && ngx_cigna_request_header(r, "sec-fetch-site", &from) == NULL;
    }

    from = 0;
    value = ngx_cigna_request_header(r, "origin", &from);

    return value != NULL
           && ngx_cigna_request_header(r, "origin", &from) == NULL
           && cigna_uri_parse(ngx_cigna_slice(value), &origin) == CIGNA_OK
           && cigna_uri_same_origin(&origin, &tenant->redirect_uri);
}


ngx_uint_t
ngx_cigna_browser_wants_html(ngx_http_request_t *r)
{
    ngx_str_t   *value;
    ngx_uint_t   from;

    from = 0;

    while ((value = ngx_cigna_request_header(r, "accept", &from)) != NULL) {
        if (ngx_cigna_browser_has(value, "text/html")) {
            return 1;
        }
    }

    return 0;
}


ngx_uint_t
ngx_cigna_browser_at_home(ngx_http_request_t *r,
    const ngx_cigna_tenant_t *tenant)
{
    cigna_slice_t  here;

    here = ngx_cigna_slice(&r->headers_in.server);

    if (here.len == 0) {
        return 1;
    }

    if (here.len > 2 && here.data[0] == '[') {
        here.data++;
        here.len -= 2;
    }

    return cigna_slice_eq_case(here, tenant->redirect_uri.host);
}


cigna_slice_t
ngx_cigna_browser_secret(ngx_http_request_t *r, ngx_uint_t https,
    cigna_slice_t state)
{
    ngx_uint_t      i, n;
    cigna_slice_t   tag;
    cigna_cookie_t  cookies[NGX_CIGNA_COOKIES_MAX];

    tag = state;
    tag.len = ngx_min(tag.len, CIGNA_COOKIE_TAG_LEN);

    n = ngx_cigna_browser_cookies(r, https, cookies);

    for (i = 0; i < n; i++) {
        if (cigna_slice_eq(cookies[i].tag, tag)) {
            return cookies[i].secret;
        }
    }

    return cigna_slice_null;
}


ngx_int_t
ngx_cigna_browser_set_cookie(ngx_http_request_t *r, ngx_uint_t https,
    const cigna_cookie_t *cookie)
{
    ngx_uint_t       n;
    cigna_cookie_t   cookies[NGX_CIGNA_COOKIES_MAX], *oldest;

    n = ngx_cigna_browser_cookies(r, https, cookies);

    for ( /* void */ ; n >= CIGNA_COOKIE_DANCES_MAX; n--) {

        oldest = ngx_cigna_browser_oldest(cookies, n);

        if (ngx_cigna_browser_send_cookie(r, https, oldest, 0) != NGX_OK) {
            return NGX_ERROR;
        }

        *oldest = cookies[n - 1];
    }

    return ngx_cigna_browser_send_cookie(r, https, cookie, CIGNA_COOKIE_LIFE_S);
}


/* finds the dance cookies of the request, borrowed; returns their number */

static ngx_uint_t
ngx_cigna_browser_cookies(ngx_http_request_t *r, ngx_uint_t https,
    cigna_cookie_t cookies[NGX_CIGNA_COOKIES_MAX])
{
    ngx_str_t      *line;
    ngx_uint_t      n, from;
    cigna_slice_t   rest, name, value;

    n = 0;
    from = 0;

    while ((line = ngx_cigna_request_header(r, "cookie", &from)) != NULL) {

        rest = ngx_cigna_slice(line);

        while (n < NGX_CIGNA_COOKIES_MAX
               && cigna_cookie_next(&rest, &name, &value) == CIGNA_OK)
        {
            if (cigna_cookie_parse(name, value, https, &cookies[n]) == CIGNA_OK)
            {
                n++;
            }
        }
    }

    return n;
}


static cigna_cookie_t *
ngx_cigna_browser_oldest(cigna_cookie_t *cookies, ngx_uint_t n)
{
    ngx_uint_t       i;
    cigna_cookie_t  *oldest;

    oldest = cookies;

    for (i = 1; i < n; i++) {
        if (cookies[i].started_s < oldest->started_s) {
            oldest = &cookies[i];
        }
    }

    return oldest;
}


static ngx_int_t
ngx_cigna_browser_send_cookie(ngx_http_request_t *r, ngx_uint_t https,
    const cigna_cookie_t *cookie, ngx_uint_t life_s)
{
    u_char       *p;
    cigna_buf_t   b;

    p = ngx_cigna_pool_secret_alloc(r->pool, NGX_CIGNA_COOKIE_SIZE);
    if (p == NULL) {
        return NGX_ERROR;
    }

    cigna_buf_init(&b, p, NGX_CIGNA_COOKIE_SIZE);
    cigna_cookie_append(&b, cookie, https, life_s);

    if (b.overflow) {
        return NGX_ERROR;
    }

    return ngx_cigna_reply_header(r, "Set-Cookie", cigna_buf_slice(&b));
}
