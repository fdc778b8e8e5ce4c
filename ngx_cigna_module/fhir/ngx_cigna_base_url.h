
#ifndef _NGX_CIGNA_BASE_URL_H_INCLUDED_
#define _NGX_CIGNA_BASE_URL_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"


/*
 * The gateway's own FHIR base as the caller of a proxied request knows it: the
 * one of "cigna_base_url"; or worked out from the request, if its host is one
 * of server_name.  Ends with "/"; borrowed from the configuration or the
 * request.  NGX_DECLINED: it cannot be known, which is counted, and logged once
 * a minute.  To be called once the upstream request was made.
 */
ngx_int_t ngx_cigna_base_url(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_str_t *base);


#endif /* _NGX_CIGNA_BASE_URL_H_INCLUDED_ */
