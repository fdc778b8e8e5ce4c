
/*
 * How a token gets into an upstream request.
 *
 *   start of nginx    the handler of the location becomes ours, so that no way
 *                     into its content leads past it: a clone of a request has
 *                     neither a context nor what precontent has decided
 *   precontent        ngx_cigna_inject() says that the request may leave
 *   content           ngx_cigna_inject_handler() reads the body
 *   body is there     ngx_cigna_inject_start() has the original handler make
 *                     its upstream, which r->aio keeps from being started, and
 *                     takes its request through the gate
 *   admitted          ngx_cigna_inject_go() wraps its callbacks, starts it
 *   create_request    gives nginx the request that has passed
 *   output            just before bytes leave: is this the connection that
 *                     the configuration speaks of?
 *   process_header    what the reply may not do is undone; a 401 is no reply
 *                     but the end of this token, see ngx_cigna_replay.c
 *
 * nginx holds a POST back from a second upstream server.  A search by POST
 * leaves as a GET, so r->method is GET for as long as its upstream lives.
 */


#include "ngx_cigna_inject.h"
#include "ngx_cigna_gate_out.h"
#include "ngx_cigna_type_guard.h"
#include "request/ngx_cigna_reply.h"
#include "ngx_cigna_search.h"
#include "gateway/ngx_cigna_loc_conf.h"
#include "gateway/ngx_cigna_tenant.h"


#define NGX_CIGNA_INJECT_TEXT  512


extern ngx_module_t  ngx_http_proxy_module;


static void ngx_cigna_inject_start(ngx_http_request_t *r);
static ngx_int_t ngx_cigna_inject_gate(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_cigna_condition_e *e);
static ngx_uint_t ngx_cigna_inject_document(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, const cigna_gate_out_t *gate);
static void ngx_cigna_inject_refuse(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_cigna_condition_e e);
static void ngx_cigna_inject_wrap(ngx_http_request_t *r,
    ngx_cigna_inject_t *inject);
static ngx_uint_t ngx_cigna_inject_allowed(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static void ngx_cigna_inject_log(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_str_t *name, const char *what);
static const char *ngx_cigna_inject_wrong(ngx_http_request_t *r,
    ngx_cigna_loc_conf_t *lcf, ngx_cigna_tenant_t *tenant, ngx_str_t *name);
static ngx_int_t ngx_cigna_inject_create(ngx_http_request_t *r);
static ngx_int_t ngx_cigna_inject_reinit(ngx_http_request_t *r);
static ngx_int_t ngx_cigna_inject_output(void *data, ngx_chain_t *in);
static ngx_uint_t ngx_cigna_inject_verified(ngx_connection_t *c,
    ngx_cigna_tenant_t *tenant);
static ngx_int_t ngx_cigna_inject_header(ngx_http_request_t *r);
static ngx_int_t ngx_cigna_inject_interim(ngx_http_request_t *r);
static void ngx_cigna_inject_finalize(ngx_http_request_t *r, ngx_int_t rc);


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
ngx_cigna_inject(ngx_cigna_inject_t *inject, ngx_str_t *token)
{
    inject->token = *token;
    inject->decided = 1;
}


ngx_int_t
ngx_cigna_inject_handler(ngx_http_request_t *r)
{
    ngx_int_t         rc;
    ngx_cigna_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    if (r != r->main || ctx == NULL || ctx->inject == NULL
        || !ctx->inject->decided)
    {
        return NGX_HTTP_FORBIDDEN;
    }

    if (ctx->inject->search) {
        return ngx_cigna_search_read(r, ngx_cigna_inject_start);
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
    ngx_int_t               rc;
    ngx_cigna_ctx_t        *ctx;
    ngx_cigna_loc_conf_t   *lcf;
    ngx_cigna_condition_e   e;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);
    lcf = ngx_http_get_module_loc_conf(r, ngx_cigna_module);

    r->aio = 1;
    rc = lcf->content(r);
    r->aio = 0;

    if (rc != NGX_DONE) {
        ngx_http_finalize_request(r, rc);
        return;
    }

    /* and from here on a second one, the original handler's */

    rc = ngx_cigna_inject_gate(r, ctx, &e);

    if (rc == NGX_OK) {
        ngx_cigna_inject_go(r);
        return;
    }

    if (rc == NGX_ERROR) {
        ngx_http_finalize_request(r, NGX_DONE);
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_cigna_inject_refuse(r, ctx, e);
}


/* NGX_DECLINED: the request does not leave, for *e, which was logged */

static ngx_int_t
ngx_cigna_inject_gate(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_condition_e *e)
{
    ngx_int_t         rc;
    cigna_gate_out_t  gate;

    *e = ngx_cigna_condition_destination_refused;

    if (!ngx_cigna_inject_allowed(r, ctx)) {
        return NGX_DECLINED;
    }

    rc = ngx_cigna_gate_out(r, ctx, &gate, e);

    if (rc != NGX_OK) {
        return rc;
    }

    if (!ngx_cigna_inject_document(r, ctx, &gate)) {
        return NGX_DECLINED;
    }

    if (ngx_cigna_type_guard(r, ctx, &gate) != NGX_OK) {
        *e = ngx_cigna_condition_type_refused;
        return NGX_DECLINED;
    }

    ctx->inject->request = r->upstream->request_bufs;

    return NGX_OK;
}


/* without a token nothing leaves but for the documents that need none */

static ngx_uint_t
ngx_cigna_inject_document(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const cigna_gate_out_t *gate)
{
    static ngx_str_t  detail = ngx_string(
        "what is to be sent upstream without a token is neither \"/metadata\" "
        "nor \"/.well-known/smart-configuration\" below \"fhir_base\", write "
        "a \"proxy_pass\" that leads there");

    if (!ctx->inject->open) {
        return 1;
    }

    ctx->inject->document = cigna_public_metadata_document(gate->path);
    ctx->inject->query = gate->args;

    if (ctx->inject->document != cigna_public_metadata_none) {
        return 1;
    }

    ngx_cigna_reply_log(r, ctx, ngx_cigna_condition_destination_refused, "fhir",
                        &detail);

    return 0;
}


void
ngx_cigna_inject_go(ngx_http_request_t *r)
{
    ngx_cigna_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    if ((ctx->inject->answer && ctx->inject->answer(r) != NGX_OK)
        || (ctx->inject->admit && ctx->inject->admit(r) != NGX_OK))
    {
        return;
    }

    ngx_cigna_inject_wrap(r, ctx->inject);

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
ngx_cigna_inject_wrap(ngx_http_request_t *r, ngx_cigna_inject_t *inject)
{
    ngx_http_upstream_t  *u;

    u = r->upstream;

    inject->reinit_request = u->reinit_request;
    inject->process_header = u->process_header;
    inject->finalize_request = u->finalize_request;

    u->create_request = ngx_cigna_inject_create;
    u->reinit_request = ngx_cigna_inject_reinit;
    u->process_header = ngx_cigna_inject_header;

    if (inject->search) {
        r->method = NGX_HTTP_GET;
        u->finalize_request = ngx_cigna_inject_finalize;
    }
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

    ngx_cigna_reply_log(r, ctx, ngx_cigna_condition_destination_refused, "fhir",
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


ngx_int_t
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


/* nginx has chained the caller's body to what it is to send */

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
    ngx_connection_t      *c;
    ngx_http_request_t    *r;
    ngx_cigna_ctx_t       *ctx;
    ngx_http_upstream_t   *u;
    ngx_cigna_loc_conf_t  *lcf;

    r = data;
    u = r->upstream;
    c = u->writer.connection;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);
    lcf = ngx_http_get_module_loc_conf(r, ngx_cigna_module);

    if (!lcf->insecure_upstream
        && !ngx_cigna_inject_verified(c, ctx->tenant))
    {
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


static void
ngx_cigna_inject_finalize(ngx_http_request_t *r, ngx_int_t rc)
{
    ngx_cigna_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    r->method = NGX_HTTP_POST;

    ctx->inject->finalize_request(r, rc);
}
