
#include "ngx_cigna_conf_origin.h"


/*
 * nginx gives servers and locations the default of "resolver_timeout", but not
 * the http block itself.  So this function sets the default.
 */

void
ngx_cigna_conf_resolver(ngx_conf_t *cf, ngx_resolver_t **resolver,
    ngx_msec_t *timeout)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    *resolver = NULL;
    *timeout = clcf->resolver_timeout;

    if (clcf->resolver && ngx_cigna_resolver_on(clcf->resolver)) {
        *resolver = clcf->resolver;
    }

    ngx_conf_init_msec_value(*timeout, 30000);
}


ngx_int_t
ngx_cigna_conf_host(ngx_conf_t *cf, ngx_cigna_origin_t *origin,
    cigna_slice_t host)
{
    u_char  *p;

    p = ngx_pnalloc(cf->pool, host.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_strlow(p, (u_char *) host.data, host.len);

    origin->host.data = p;
    origin->host.len = host.len;

    return NGX_OK;
}
