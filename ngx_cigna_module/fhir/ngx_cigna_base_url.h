
#ifndef _NGX_CIGNA_BASE_URL_H_INCLUDED_
#define _NGX_CIGNA_BASE_URL_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"


/*
 * Finds the gateway's own FHIR base: the URL under which the caller of a
 * proxied request reaches the gateway.  The base is "cigna_base_url" if that is
 * set.  Otherwise the function derives the base from the host and path of the
 * request, if server_name matches the host.  *base ends with "/", and is
 * borrowed from the configuration or the request.  NGX_ERROR: no memory.
 * NGX_DECLINED: the base is not known, which is counted, and logged once a
 * minute.  r->upstream must exist.
 */
ngx_int_t ngx_cigna_base_url(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_str_t *base);


#endif /* _NGX_CIGNA_BASE_URL_H_INCLUDED_ */
