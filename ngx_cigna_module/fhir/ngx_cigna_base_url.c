
#include "ngx_cigna_base_url.h"
#include "gateway/ngx_cigna_loc_conf.h"
#include "gateway/ngx_cigna_tenant.h"
#include "request/ngx_cigna_reply.h"
#include "http/cigna_uri.h"


static ngx_int_t ngx_cigna_base_url_find(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_str_t *base);
static ngx_str_t ngx_cigna_base_url_authority(ngx_http_request_t *r);
static ngx_uint_t ngx_cigna_base_url_vouched(ngx_http_request_t *r,
    ngx_str_t *authority);
static ngx_uint_t ngx_cigna_base_url_same(ngx_str_t *authority,
    ngx_str_t *host);
static ngx_uint_t ngx_cigna_base_url_named(ngx_http_server_name_t *n,
    ngx_str_t *host);
static ngx_uint_t ngx_cigna_base_url_ends(cigna_slice_t s, cigna_slice_t end);
static ngx_int_t ngx_cigna_base_url_path(ngx_http_request_t *r,
    ngx_cigna_tenant_t *tenant, ngx_str_t *path);
static ngx_int_t ngx_cigna_base_url_written(ngx_str_t *uri, cigna_slice_t rest,
    ngx_str_t *path);
static ngx_int_t ngx_cigna_base_url_read(ngx_http_request_t *r,
    cigna_slice_t rest, ngx_str_t *path);
static ngx_int_t ngx_cigna_base_url_front(ngx_str_t *uri, size_t len,
    ngx_str_t *path);
static ngx_uint_t ngx_cigna_base_url_plain(ngx_str_t *s);


ngx_int_t
ngx_cigna_base_url(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_str_t *base)
{
    ngx_int_t  rc;

    rc = ngx_cigna_base_url_find(r, ctx, base);

    if (rc == NGX_DECLINED
        && ngx_cigna_reply_note(ctx, ngx_cigna_count_links_unknown))
    {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "cigna: links in the reply still lead to Cigna: the "
                      "gateway's own base is not known, write "
                      "\"cigna_base_url\", or \"server_name\" with the host "
                      "that was asked for");
    }

    return rc;
}


static ngx_int_t
ngx_cigna_base_url_find(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_str_t *base)
{
    ngx_str_t              path, host;
    ngx_cigna_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_cigna_module);

    if (lcf->base_url.len) {
        *base = lcf->base_url;
        return NGX_OK;
    }

    host = ngx_cigna_base_url_authority(r);

    if (!ngx_cigna_base_url_vouched(r, &host)
        || ngx_cigna_base_url_path(r, ctx->tenant, &path) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    return ngx_cigna_reply_print(r->pool, base,
                                 sizeof("https:///") + host.len + path.len,
                                 "%s%V%V/",
                                 r->connection->ssl ? "https://" : "http://",
                                 &host, &path);
}


/*
 * Returns the host and port as the caller has sent them; may be empty.  Over
 * HTTP/3 nginx does not turn ":authority" into a Host line, so that pseudo
 * header is read here.
 */

static ngx_str_t
ngx_cigna_base_url_authority(ngx_http_request_t *r)
{
    ngx_str_t  authority;

    if (r->headers_in.host) {
        return r->headers_in.host->value;
    }

    ngx_str_null(&authority);

#if (NGX_HTTP_V3)

    if (r->http_version == NGX_HTTP_VERSION_30 && r->host_end) {
        authority.data = r->host_start;
        authority.len = r->host_end - r->host_start;
    }

#endif

    return authority;
}


/*
 * Returns 1 if "authority" names the host for which nginx has chosen this
 * server, and a server_name of this server matches that host.  A default server
 * also gets requests for hosts that no server_name matches.
 */

static ngx_uint_t
ngx_cigna_base_url_vouched(ngx_http_request_t *r, ngx_str_t *authority)
{
    ngx_str_t              host;
    ngx_uint_t             i;
    ngx_cigna_srv_conf_t  *scf;

    host = r->headers_in.server;

    if (host.len == 0 || !ngx_cigna_base_url_same(authority, &host)) {
        return 0;
    }

    scf = ngx_http_get_module_srv_conf(r, ngx_cigna_module);

    for (i = 0; i < scf->nnames; i++) {
        if (ngx_cigna_base_url_named(&scf->names[i], &host)) {
            return 1;
        }
    }

    return 0;
}


/*
 * Returns 1 if the host in "authority", from the Host line or ":authority", is
 * nginx's host of the request.  If the request line names another host, nginx
 * uses the host of the request line, and this function returns 0.
 */

static ngx_uint_t
ngx_cigna_base_url_same(ngx_str_t *authority, ngx_str_t *host)
{
    uint16_t       port;
    cigna_slice_t  name, given;

    if (cigna_uri_authority_parse(ngx_cigna_slice(authority), &name, &port)
        != CIGNA_OK)
    {
        return 0;
    }

    given = ngx_cigna_slice(host);

    if (given.data[0] == '[') {
        given = cigna_slice_make(given.data + 1, given.data + given.len - 1);
    }

    if (name.data[name.len - 1] == '.') {
        name.len--;
    }

    return cigna_slice_eq_case(name, given);
}


/* returns 1 if the host matches this server_name; both are in lower case */

static ngx_uint_t
ngx_cigna_base_url_named(ngx_http_server_name_t *n, ngx_str_t *host)
{
    cigna_slice_t  name, given;

#if (NGX_PCRE)

    if (n->regex) {
        return ngx_regex_exec(n->regex->regex, host, NULL, 0) >= 0;
    }

#endif

    if (n->name.len < 2) {
        return 0;
    }

    name = ngx_cigna_slice(&n->name);
    given = ngx_cigna_slice(host);

    if (name.data[0] == '*') {
        return ngx_cigna_base_url_ends(given, cigna_slice_skip(name, 1));
    }

    if (name.data[0] == '.') {
        return cigna_slice_eq(given, cigna_slice_skip(name, 1))
               || ngx_cigna_base_url_ends(given, name);
    }

    if (name.data[name.len - 1] == '*') {
        name.len--;
        return given.len > name.len && cigna_slice_starts(given, name);
    }

    return cigna_slice_eq(given, name);
}


static ngx_uint_t
ngx_cigna_base_url_ends(cigna_slice_t s, cigna_slice_t end)
{
    return s.len > end.len && cigna_slice_ends(s, end);
}


/*
 * Finds the path of the gateway's base, without reading proxy_pass.  The
 * upstream path consists of the path of fhir_base and a rest.  The caller's
 * path must end with the same rest, and the part before the rest is the base.
 * The rest may look different in the two paths: nginx decodes escapes such as
 * "%24everything", and removes double slashes and dot segments.
 */

static ngx_int_t
ngx_cigna_base_url_path(ngx_http_request_t *r, ngx_cigna_tenant_t *tenant,
    ngx_str_t *path)
{
    cigna_slice_t  base, rest, uri;

    base = cigna_slice_no_slash(tenant->fhir_uri.path);
    uri = ngx_cigna_slice(&r->upstream->uri);

    if (!cigna_slice_starts(uri, base)) {
        return NGX_DECLINED;
    }

    rest = cigna_slice_skip(uri, base.len);

    /* after a rewrite r->uri is no longer the caller's path */

    if (r->valid_unparsed_uri
        && ngx_cigna_base_url_read(r, rest, path) == NGX_OK)
    {
        return NGX_OK;
    }

    return ngx_cigna_base_url_written(&r->unparsed_uri, rest, path);
}


/* sets *path to uri without "rest"; NGX_DECLINED: uri does not end with it */

static ngx_int_t
ngx_cigna_base_url_written(ngx_str_t *uri, cigna_slice_t rest, ngx_str_t *path)
{
    if (!cigna_slice_ends(ngx_cigna_slice(uri), rest)) {
        return NGX_DECLINED;
    }

    return ngx_cigna_base_url_front(uri, uri->len - rest.len, path);
}


/*
 * Sets *path to r->uri without "rest" at its end.  nginx has decoded r->uri, so
 * this function decodes "rest".  NGX_DECLINED: r->uri does not end with it, or
 * the path cannot stand in a URL as it is.
 */

static ngx_int_t
ngx_cigna_base_url_read(ngx_http_request_t *r, cigna_slice_t rest,
    ngx_str_t *path)
{
    int            c;
    size_t         i, len;
    ngx_str_t     *uri;
    cigna_slice_t  query;

    query = rest;
    rest = cigna_slice_cut(&query, '?');

    if (!cigna_slice_eq(query, ngx_cigna_slice(&r->args))) {
        return NGX_DECLINED;
    }

    uri = &r->uri;
    len = uri->len;

    for (i = rest.len; i; len--) {

        c = i < 3 ? -1 : cigna_slice_escaped(cigna_slice_make(rest.data + i - 3,
                                                              rest.data + i));
        if (c < 0) {
            c = rest.data[--i];

        } else {
            i -= 3;
        }

        if (len == 0 || uri->data[len - 1] != c) {
            return NGX_DECLINED;
        }
    }

    /* nginx has decoded "%25" to "%", which a URL must not have as it is */

    if (ngx_strlchr(uri->data, uri->data + len, '%')) {
        return NGX_DECLINED;
    }

    return ngx_cigna_base_url_front(uri, len, path);
}


static ngx_int_t
ngx_cigna_base_url_front(ngx_str_t *uri, size_t len, ngx_str_t *path)
{
    path->data = uri->data;
    path->len = len;

    /* a request for the base itself may end with "/" */

    if (path->len && path->data[path->len - 1] == '/') {
        path->len--;
    }

    return ngx_cigna_base_url_plain(path) ? NGX_OK : NGX_DECLINED;
}


/* returns 1 if the path can stand in a URL inside a JSON string unescaped */

static ngx_uint_t
ngx_cigna_base_url_plain(ngx_str_t *s)
{
    size_t  i;
    u_char  c;

    for (i = 0; i < s->len; i++) {

        c = s->data[i];

        if (c <= ' ' || c > '~' || ngx_strchr("\"\\<>?#@^`{|}", c)) {
            return 0;
        }
    }

    return 1;
}
