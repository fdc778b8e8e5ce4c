
#include "ngx_cigna_conf_types.h"


char *
ngx_cigna_conf_set_types(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_cigna_tenant_options_t *o = conf;

    ngx_str_t      *value;
    ngx_uint_t      i, n;
    cigna_slice_t  *names;

    value = cf->args->elts;
    n = cf->args->nelts - 1;

    if (ngx_strcmp(value[n].data, "dry_run") == 0) {
        o->types_dry = 1;
        n--;
    }

    names = ngx_palloc(cf->pool, cf->args->nelts * sizeof(cigna_slice_t));
    if (names == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < n; i++) {

        names[i] = ngx_cigna_slice(&value[i + 1]);

        if (!cigna_resource_types_name(names[i])) {
            return "has an invalid name";
        }
    }

    if (n == 0) {
        return "has no names";
    }

    o->resource_types.names = names;
    o->resource_types.count = n;

    return NGX_CONF_OK;
}
