
#include "ngx_cigna_destination.h"
#include "gateway/ngx_cigna_loc_conf.h"
#include "gateway/ngx_cigna_tenant.h"
#include "request/ngx_cigna_reply.h"


#define NGX_CIGNA_DESTINATION_TEXT  512


extern ngx_module_t  ngx_http_proxy_module;


static const char *ngx_cigna_destination_advice(ngx_http_request_t *r,
    ngx_cigna_tenant_t *tenant, ngx_str_t *name);
static ngx_uint_t ngx_cigna_destination_tls(ngx_connection_t *c,
    ngx_cigna_tenant_t *tenant);


/*
 * OpenSSL's index for data of a TLS connection.  The data is the tenant for
 * whose host the connection was verified.
 */

static int  ngx_cigna_destination_index = -1;


ngx_int_t
ngx_cigna_destination_init(ngx_conf_t *cf)
{
    if (ngx_cigna_destination_index == -1) {
        ngx_cigna_destination_index = SSL_get_ex_new_index(0, NULL, NULL, NULL,
                                                           NULL);
    }

    return ngx_cigna_destination_index == -1 ? NGX_ERROR : NGX_OK;
}


ngx_cigna_condition_e
ngx_cigna_destination(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    u_char            *p;
    u_char             text[NGX_CIGNA_DESTINATION_TEXT];
    ngx_str_t          name, detail;
    const char        *advice;
    cigna_slice_t      host;
    static ngx_str_t   unknown = ngx_string("something else");

    ngx_str_null(&name);

    advice = ngx_cigna_destination_advice(r, ctx->tenant, &name);

    if (advice == NULL) {
        return ngx_cigna_condition_served;
    }

    host = ctx->tenant->fhir_uri.host;

    p = ngx_snprintf(text, NGX_CIGNA_DESTINATION_TEXT,
                     "tokens are for \"%*s\" over verified TLS, and this "
                     "is \"%V\": %s", host.len, host.data,
                     name.len ? &name : &unknown, advice);

    detail.data = text;
    detail.len = p - text;

    return ngx_cigna_reply_log(r, ctx, ngx_cigna_condition_destination_refused,
                               "fhir", &detail);
}


/* returns advice to the operator, for the log; NULL: nothing is wrong */

static const char *
ngx_cigna_destination_advice(ngx_http_request_t *r, ngx_cigna_tenant_t *tenant,
    ngx_str_t *name)
{
    ngx_http_upstream_t   *u = r->upstream;
    ngx_cigna_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_cigna_module);

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

    if (ngx_cigna_destination_name(r, name) != NGX_OK) {
        return "the name cannot be worked out";
    }

    if (!cigna_slice_eq_case(ngx_cigna_slice(name), tenant->fhir_uri.host)) {
        return "write \"proxy_ssl_name\", or another \"fhir_base\"";
    }

    return NULL;
}


ngx_int_t
ngx_cigna_destination_name(ngx_http_request_t *r, ngx_str_t *name)
{
    u_char               *port;
    ngx_http_upstream_t  *u = r->upstream;

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


ngx_uint_t
ngx_cigna_destination_verified(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    cigna_slice_t          host;
    ngx_http_upstream_t   *u = r->upstream;
    ngx_cigna_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_cigna_module);

    if (lcf->insecure_upstream
        || ngx_cigna_destination_tls(u->writer.connection, ctx->tenant))
    {
        return 1;
    }

    host = ctx->tenant->fhir_uri.host;

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "cigna: a connection to \"%V\" that was not verified to "
                  "lead to \"%*s\" is not used", u->peer.name,
                  host.len, host.data);

    return 0;
}


/*
 * Returns 1 if the connection is verified for the host of the tenant's
 * fhir_base.  nginx may reuse a connection to the same address that another
 * location has kept alive.  Such a connection may be verified for another name,
 * or not at all, and nginx does not check it again.
 */

static ngx_uint_t
ngx_cigna_destination_tls(ngx_connection_t *c, ngx_cigna_tenant_t *tenant)
{
    ngx_str_t            host;
    ngx_ssl_conn_t      *ssl;
    ngx_cigna_tenant_t  *known;

    if (c->ssl == NULL) {
        return 0;
    }

    ssl = c->ssl->connection;
    known = SSL_get_ex_data(ssl, ngx_cigna_destination_index);

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

    return SSL_set_ex_data(ssl, ngx_cigna_destination_index, tenant) == 1;
}
