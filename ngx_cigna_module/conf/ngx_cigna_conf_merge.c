
#include "ngx_cigna_conf_cors.h"
#include "ngx_cigna_conf_location.h"
#include "ngx_cigna_conf_merge.h"
#include "ngx_cigna_conf_notice.h"
#include "gateway/ngx_cigna_loc_conf.h"
#include "gateway/ngx_cigna_main_conf.h"


/* inherits a pointer that is NULL because no directive has set it */

#define ngx_cigna_conf_inherit(conf, prev)                                    \
    if (conf == NULL) {                                                       \
        conf = prev;                                                          \
    }


void *
ngx_cigna_conf_create_main(ngx_conf_t *cf)
{
    ngx_cigna_main_conf_t  *mcf;

    mcf = ngx_pcalloc(cf->pool, sizeof(ngx_cigna_main_conf_t));
    if (mcf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&mcf->tenants, cf->pool, 4,
                       sizeof(ngx_cigna_tenant_t *))
        != NGX_OK
        || ngx_array_init(&mcf->shared, cf->pool, 4,
                          sizeof(ngx_cigna_shared_t *))
           != NGX_OK)
    {
        return NULL;
    }

    mcf->names.pool = cf->pool;
    mcf->callbacks.pool = cf->pool;
    mcf->stores.pool = cf->pool;

    return mcf;
}


void *
ngx_cigna_conf_create_srv(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_cigna_srv_conf_t));
}


/*
 * copies the server's names: nginx frees its list of them when it has read the
 * configuration
 */

char *
ngx_cigna_conf_merge_srv(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_cigna_srv_conf_t *conf = child;

    size_t                     size;
    ngx_http_core_srv_conf_t  *cscf;

    cscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);

    conf->nnames = cscf->server_names.nelts;
    size = conf->nnames * sizeof(ngx_http_server_name_t);

    conf->names = ngx_palloc(cf->pool, size);
    if (conf->names == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memcpy(conf->names, cscf->server_names.elts, size);

    return NGX_CONF_OK;
}


void *
ngx_cigna_conf_create_loc(ngx_conf_t *cf)
{
    ngx_cigna_loc_conf_t  *lcf;

    lcf = ngx_pcalloc(cf->pool, sizeof(ngx_cigna_loc_conf_t));
    if (lcf == NULL) {
        return NULL;
    }

    lcf->fhir = NGX_CONF_UNSET;
    lcf->cache = NGX_CONF_UNSET;
    lcf->links = NGX_CONF_UNSET;
    lcf->not_found = NGX_CONF_UNSET;
    lcf->insecure_upstream = NGX_CONF_UNSET;
    lcf->cors = NGX_CONF_UNSET_PTR;

    return lcf;
}


char *
ngx_cigna_conf_merge_loc(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_cigna_loc_conf_t *prev = parent;
    ngx_cigna_loc_conf_t *conf = child;

    ngx_conf_merge_value(conf->fhir, prev->fhir, 0);
    ngx_conf_merge_value(conf->cache, prev->cache, 1);
    ngx_conf_merge_value(conf->links, prev->links, 1);
    ngx_conf_merge_str_value(conf->base_url, prev->base_url, "");
    ngx_conf_merge_value(conf->not_found, prev->not_found, 0);
    ngx_conf_merge_value(conf->insecure_upstream, prev->insecure_upstream, 0);
    ngx_conf_merge_ptr_value(conf->cors, prev->cors, NULL);

    if (conf->tenant_value == NULL) {
        conf->tenant_value = prev->tenant_value;
        conf->tenant = prev->tenant;
        conf->member_value = prev->member_value;
        conf->identity = prev->identity;
        conf->certificate = prev->certificate;
    }

    ngx_cigna_conf_inherit(conf->endpoints, prev->endpoints);
    ngx_cigna_conf_inherit(conf->fhir_handler, prev->fhir_handler);
    ngx_cigna_conf_inherit(conf->place, prev->place);

    /* an "if" without a handler uses the handler of its location */

    ngx_cigna_conf_inherit(conf->content, prev->content);

    ngx_cigna_notice_merge(prev, conf);
    ngx_cigna_conf_location_within(cf, prev, conf);
    ngx_cigna_conf_cors_methods(conf);

    return ngx_cigna_conf_location_check(cf, conf) == NGX_OK ? NGX_CONF_OK
                                                             : NGX_CONF_ERROR;
}
