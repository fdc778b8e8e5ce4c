
/*
 * How a token gets into an upstream request.
 *
 *   precontent        ngx_cigna_inject() takes the content handler's place
 *   content           ngx_cigna_inject_handler() reads the body
 *   body is there     ngx_cigna_inject_start() has the original handler make
 *                     its upstream, which r->aio keeps from being started, and
 *                     looks at where it leads and what it asks for
 *   admitted          ngx_cigna_inject_go() wraps its callbacks, starts it
 *   create_request    the finished header is copied with the token in it
 *   output            just before bytes leave: is this the connection that
 *                     the configuration speaks of?
 *   process_header    what the reply may not do is undone; a 401 is no reply
 *                     but the end of this token, see ngx_cigna_replay.c
 */


#include "ngx_cigna_inject.h"
#include "ngx_cigna_guard.h"
#include "ngx_cigna_lines.h"
#include "ngx_cigna_open.h"
#include "ngx_cigna_reply.h"


#define NGX_CIGNA_INJECT_TEXT  512


extern ngx_module_t  ngx_http_proxy_module;


static ngx_int_t ngx_cigna_inject_handler(ngx_http_request_t *r);
static void ngx_cigna_inject_start(ngx_http_request_t *r);
static void ngx_cigna_inject_refuse(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_cigna_condition_e e);
static void ngx_cigna_inject_wrap(ngx_cigna_inject_t *inject,
    ngx_http_upstream_t *u);
static ngx_uint_t ngx_cigna_inject_allowed(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static void ngx_cigna_inject_log(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_str_t *name, const char *what);
static const char *ngx_cigna_inject_wrong(ngx_http_request_t *r,
    ngx_cigna_loc_conf_t *lcf, ngx_cigna_tenant_t *tenant, ngx_str_t *name);
static ngx_int_t ngx_cigna_inject_name(ngx_http_request_t *r,
    ngx_str_t *name);
static ngx_int_t ngx_cigna_inject_create(ngx_http_request_t *r);
static ngx_int_t ngx_cigna_inject_copy(ngx_http_request_t *r, ngx_buf_t *b,
    ngx_cigna_lines_t *lines);
static ngx_int_t ngx_cigna_inject_reinit(ngx_http_request_t *r);
static ngx_int_t ngx_cigna_inject_output(void *data, ngx_chain_t *in);
static ngx_uint_t ngx_cigna_inject_verified(ngx_connection_t *c,
    ngx_cigna_tenant_t *tenant);
static ngx_int_t ngx_cigna_inject_header(ngx_http_request_t *r);
static ngx_int_t ngx_cigna_inject_interim(ngx_http_request_t *r);


/* of a TLS connection: the tenant whose fhir_base it was found to lead to */

static int  ngx_cigna_inject_index = -1;


ngx_int_t
ngx_cigna_inject_init(ngx_conf_t *cf)
{
    if (ngx_cigna_inject_index == -1) {
        ngx_cigna_inject_index = SSL_get_ex_new_index(0, NULL, NULL, NULL,
                                                      NULL);
    }

    return ngx_cigna_inject_index == -1 ? NGX_ERROR : NGX_OK;
}


void
ngx_cigna_inject(ngx_http_request_t *r, ngx_cigna_inject_t *inject,
    ngx_str_t *token)
{
    if (inject->content != NULL) {
        return;
    }

    inject->token = *token;
    inject->content = r->content_handler;

    r->content_handler = ngx_cigna_inject_handler;
}


/* a clone of a request inherits this handler, but not what was decided */

static ngx_int_t
ngx_cigna_inject_handler(ngx_http_request_t *r)
{
    ngx_int_t         rc;
    ngx_cigna_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    if (r != r->main || ctx == NULL || ctx->inject == NULL
        || ctx->inject->content == NULL)
    {
        return NGX_HTTP_FORBIDDEN;
    }

    rc = ngx_http_read_client_request_body(r, ngx_cigna_inject_start);

    return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}


void
ngx_cigna_inject_again(ngx_http_request_t *r)
{
    ngx_cigna_inject_start(r);
}


/* holds the reference that reading the body has taken */

static void
ngx_cigna_inject_start(ngx_http_request_t *r)
{
    ngx_int_t         rc;
    ngx_cigna_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    r->aio = 1;
    rc = ctx->inject->content(r);
    r->aio = 0;

    if (rc != NGX_DONE) {
        ngx_http_finalize_request(r, rc);
        return;
    }

    /* and from here on a second one, the original handler's */

    if (!ngx_cigna_inject_allowed(r, ctx)) {
        ngx_cigna_inject_refuse(r, ctx, ngx_cigna_destination_refused);
        return;
    }

    if (ngx_cigna_guard(r, ctx) != NGX_OK) {
        ngx_cigna_inject_refuse(r, ctx, ngx_cigna_type_refused);
        return;
    }

    ngx_cigna_inject_go(r);
}


void
ngx_cigna_inject_go(ngx_http_request_t *r)
{
    ngx_cigna_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    if (ctx->inject->admit && ctx->inject->admit(r) != NGX_OK) {
        return;
    }

    ngx_cigna_inject_wrap(ctx->inject, r->upstream);

    ngx_http_upstream_init(r);

    ngx_http_finalize_request(r, NGX_DONE);
}


/* gives both references back; what was made is never started */

static void
ngx_cigna_inject_refuse(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_condition_e e)
{
    ngx_int_t  rc;

    rc = ngx_cigna_reply_condition(r, ctx, e, ngx_cigna_reply_fhir, 0, NULL);

    ngx_http_finalize_request(r, NGX_DONE);
    ngx_http_finalize_request(r, rc);
}


static void
ngx_cigna_inject_wrap(ngx_cigna_inject_t *inject, ngx_http_upstream_t *u)
{
    inject->create_request = u->create_request;
    inject->reinit_request = u->reinit_request;
    inject->process_header = u->process_header;

    u->create_request = ngx_cigna_inject_create;
    u->reinit_request = ngx_cigna_inject_reinit;
    u->process_header = ngx_cigna_inject_header;
}


/*
 * Only over verified TLS to the host of the tenant's fhir_base, whatever
 * proxy_pass says.  What the configuration means is looked at here, so that
 * the answer is early and the log says what to write.
 */

static ngx_uint_t
ngx_cigna_inject_allowed(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_str_t              name;
    const char            *what;
    ngx_cigna_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_cigna_module);

    ngx_str_null(&name);

    what = ngx_cigna_inject_wrong(r, lcf, ctx->tenant, &name);

    if (what == NULL) {
        return 1;
    }

    ngx_cigna_inject_log(r, ctx, &name, what);

    return 0;
}


static void
ngx_cigna_inject_log(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_str_t *name, const char *what)
{
    u_char            *p;
    u_char             text[NGX_CIGNA_INJECT_TEXT];
    ngx_str_t          detail;
    cigna_slice_t      host;
    static ngx_str_t   unknown = ngx_string("something else");

    host = ctx->tenant->fhir_uri.host;

    p = ngx_snprintf(text, NGX_CIGNA_INJECT_TEXT,
                     "tokens are for \"%*s\" over verified TLS, and this "
                     "is \"%V\": %s", host.len, host.data,
                     name->len ? name : &unknown, what);

    detail.data = text;
    detail.len = p - text;

    ngx_cigna_reply_log(r, ctx, ngx_cigna_destination_refused, "fhir",
                        &detail);
}


/* what the operator is to write; NULL if all is well */

static const char *
ngx_cigna_inject_wrong(ngx_http_request_t *r, ngx_cigna_loc_conf_t *lcf,
    ngx_cigna_tenant_t *tenant, ngx_str_t *name)
{
    ngx_http_upstream_t  *u;

    u = r->upstream;

    if (u == NULL || ngx_http_get_module_ctx(r, ngx_http_proxy_module) == NULL)
    {
        return "use \"proxy_pass\", nothing else";
    }

    if (lcf->insecure_upstream) {
        return NULL;
    }

    if (!u->ssl) {
        return "let \"proxy_pass\" begin with \"https://\"";
    }

    if (!u->conf->ssl_verify) {
        return "write \"proxy_ssl_verify on\"";
    }

    if (ngx_cigna_inject_name(r, name) != NGX_OK) {
        return "the name cannot be worked out";
    }

    if (!cigna_slice_eq_case(ngx_cigna_slice(name), tenant->fhir_uri.host)) {
        return "write \"proxy_ssl_name\", or another \"fhir_base\"";
    }

    return NULL;
}


/* the name that nginx will hold the certificate against */

static ngx_int_t
ngx_cigna_inject_name(ngx_http_request_t *r, ngx_str_t *name)
{
    u_char               *port;
    ngx_http_upstream_t  *u;

    u = r->upstream;

    if (u->conf->ssl_name) {

        if (ngx_http_complex_value(r, u->conf->ssl_name, name) != NGX_OK) {
            return NGX_ERROR;
        }

    } else if (u->resolved) {
        *name = u->resolved->host;

    } else {
        *name = u->conf->upstream->host;
    }

    if (name->len && name->data[0] != '[') {

        port = ngx_strlchr(name->data, name->data + name->len, ':');

        if (port) {
            name->len = port - name->data;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_inject_create(ngx_http_request_t *r)
{
    ngx_buf_t             *b;
    ngx_cigna_ctx_t       *ctx;
    ngx_cigna_lines_t      lines;
    ngx_http_upstream_t   *u;
    ngx_cigna_loc_conf_t  *lcf;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);
    u = r->upstream;

    if (ctx->inject->create_request(r) != NGX_OK) {
        return NGX_ERROR;
    }

    b = u->request_bufs->buf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_cigna_module);

    lines.token = ctx->inject->open ? NULL : &ctx->inject->token;
    lines.base = ctx->tenant->fhir_uri.path;
    lines.request_id = ctx->trace.request_id;
    lines.traceparent = ctx->trace.parent;
    lines.tracestate = ctx->trace.state;
    lines.links = lcf->links || (ctx->inject->open && lcf->endpoints);
    lines.whole = lines.links || lcf->not_found;

    if (ctx->inject->open
        && !ngx_cigna_open_request(ctx->tenant, b))
    {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "cigna: what is to be sent upstream without a token is "
                      "neither \"/metadata\" nor "
                      "\"/.well-known/smart-configuration\" below "
                      "\"fhir_base\" and does not leave, write a "
                      "\"proxy_pass\" that leads there");
        return NGX_ERROR;
    }

    if (ngx_cigna_inject_copy(r, b, &lines) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!lcf->insecure_upstream) {
        u->output.output_filter = ngx_cigna_inject_output;
        u->output.filter_ctx = r;
    }

    return NGX_OK;
}


/* in place of what b holds: the bytes are wiped when the request goes */

static ngx_int_t
ngx_cigna_inject_copy(ngx_http_request_t *r, ngx_buf_t *b,
    ngx_cigna_lines_t *lines)
{
    u_char  *p, *last;
    size_t   len;

    len = ngx_cigna_lines_length(b, lines);

    p = ngx_cigna_secret_alloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    last = ngx_cigna_lines_copy(r, b, lines, p);

    if (last == NULL) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "cigna: what is to be sent upstream is no HTTP/1 "
                      "request of method GET or HEAD, and gets no token: use "
                      "\"proxy_pass\" with \"proxy_http_version 1.1\" and "
                      "without \"proxy_method\"");
        return NGX_ERROR;
    }

    b->start = p;
    b->pos = p;
    b->last = last;
    b->end = p + len;

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_inject_reinit(ngx_http_request_t *r)
{
    ngx_int_t            rc;
    ngx_cigna_ctx_t     *ctx;
    ngx_cigna_inject_t  *inject;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);
    inject = ctx->inject;

    rc = inject->reinit_request(r);

    if (inject->attempt) {
        inject->attempt(r);
    }

    inject->process_header = r->upstream->process_header;
    r->upstream->process_header = ngx_cigna_inject_header;

    return rc;
}


/*
 * The last look before bytes leave.  A connection kept alive by another
 * location, to the same address, may have been verified for another name or
 * not at all: nginx does not ask, so we do, once for each connection.
 */

static ngx_int_t
ngx_cigna_inject_output(void *data, ngx_chain_t *in)
{
    ngx_connection_t     *c;
    ngx_http_request_t   *r;
    ngx_cigna_ctx_t      *ctx;
    ngx_http_upstream_t  *u;

    r = data;
    u = r->upstream;
    c = u->writer.connection;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    if (!ngx_cigna_inject_verified(c, ctx->tenant)) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "cigna: a connection to \"%V\" that was not verified to "
                      "lead to \"%*s\" is not used", u->peer.name,
                      ctx->tenant->fhir_uri.host.len,
                      ctx->tenant->fhir_uri.host.data);
        return NGX_ERROR;
    }

    return ngx_chain_writer(&u->writer, in);
}


static ngx_uint_t
ngx_cigna_inject_verified(ngx_connection_t *c, ngx_cigna_tenant_t *tenant)
{
    ngx_str_t            host;
    ngx_ssl_conn_t      *ssl;
    ngx_cigna_tenant_t  *known;

    if (c->ssl == NULL) {
        return 0;
    }

    ssl = c->ssl->connection;
    known = SSL_get_ex_data(ssl, ngx_cigna_inject_index);

    if (known == tenant
        || (known && cigna_slice_eq_case(known->fhir_uri.host,
                                         tenant->fhir_uri.host)))
    {
        return 1;
    }

    host.data = (u_char *) tenant->fhir_uri.host.data;
    host.len = tenant->fhir_uri.host.len;

    if (SSL_get_verify_result(ssl) != X509_V_OK
        || ngx_ssl_check_host(c, &host) != NGX_OK)
    {
        return 0;
    }

    return SSL_set_ex_data(ssl, ngx_cigna_inject_index, tenant) == 1;
}


/*
 * Proxy's parser, of which there are two in turn, obeys what the upstream says
 * in X-Accel-*; what it changes is put back.
 */

static ngx_int_t
ngx_cigna_inject_header(ngx_http_request_t *r)
{
    size_t                rate;
    ngx_int_t             rc;
    ngx_str_t            *charset;
    ngx_uint_t            rate_set, buffering, version;
    ngx_cigna_ctx_t      *ctx;
    ngx_cigna_inject_t   *inject;
    ngx_http_upstream_t  *u;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);
    inject = ctx->inject;
    u = r->upstream;

    version = r->http_version;
    rate = r->limit_rate;
    rate_set = r->limit_rate_set;
    buffering = u->buffering;
    charset = r->headers_out.override_charset;

    rc = inject->process_header(r);

    if (u->process_header != ngx_cigna_inject_header) {
        inject->process_header = u->process_header;
        u->process_header = ngx_cigna_inject_header;
    }

    r->http_version = version;
    r->limit_rate = rate;
    r->limit_rate_set = rate_set;
    u->buffering = buffering;
    r->headers_out.override_charset = charset;
    u->headers_in.x_accel_redirect = NULL;
    u->headers_in.www_authenticate = NULL;

    if (rc != NGX_OK) {
        return rc;
    }

    if (u->headers_in.status_n < NGX_HTTP_OK) {
        return ngx_cigna_inject_interim(r);
    }

    if (inject->answered) {
        inject->answered(r);
    }

    if (u->headers_in.status_n == NGX_HTTP_UNAUTHORIZED && !inject->open) {
        return inject->refused(r);
    }

    return NGX_OK;
}


/*
 * nginx takes it for the reply, and what follows for its body, which would
 * reach the caller with all that its header says; at a 101 it would have the
 * two talk to each other.  Bytes without a header are a reply to it, too.
 */

static ngx_int_t
ngx_cigna_inject_interim(ngx_http_request_t *r)
{
    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "cigna: upstream sent status %ui where a reply was due",
                  r->upstream->headers_in.status_n);

    return NGX_HTTP_UPSTREAM_INVALID_HEADER;
}
