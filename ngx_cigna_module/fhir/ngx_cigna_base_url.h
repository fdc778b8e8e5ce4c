
#ifndef _NGX_CIGNA_BASE_URL_H_INCLUDED_
#define _NGX_CIGNA_BASE_URL_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"


/*
 * The gateway's own FHIR base, as the caller of a proxied request knows it: as
 * configured, or worked out from the request where server_name vouches for its
 * host.  Ends with "/"; from the request's pool.  NGX_DECLINED: it cannot be
 * known, which is counted, and logged once a minute.  To be called once the
 * upstream request was made.
 */
ngx_int_t ngx_cigna_base_url_known(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_str_t *base);


#endif /* _NGX_CIGNA_BASE_URL_H_INCLUDED_ */
