
#include "ngx_cigna_budget_init.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_tenant.h"
#include "gateway/ngx_cigna_worker.h"


static ngx_int_t ngx_cigna_budget_key(ngx_cigna_main_conf_t *mcf,
    cigna_slice_t *key);


ngx_int_t
ngx_cigna_budget_init(ngx_cigna_main_conf_t *mcf)
{
    ngx_uint_t               i;
    cigna_slice_t            key;
    ngx_cigna_tenant_t     **tenants;
    cigna_budget_members_t  *members;

    if (mcf->budget.place == NULL) {
        return NGX_OK;
    }

    if (cigna_budget_scripts_init() != CIGNA_OK
        || ngx_cigna_budget_zone_open(mcf, &members) != NGX_OK
        || ngx_cigna_budget_key(mcf, &key) != NGX_OK)
    {
        return NGX_ERROR;
    }

    tenants = mcf->tenants.elts;

    for (i = 0; i < mcf->tenants.nelts; i++) {
        tenants[i]->budget = ngx_cigna_budget_create(mcf, tenants[i], key,
                                                     members);
        if (tenants[i]->budget == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* makes the Redis key of the budgets */

static ngx_int_t
ngx_cigna_budget_key(ngx_cigna_main_conf_t *mcf, cigna_slice_t *key)
{
    u_char         *p;
    cigna_slice_t   prefix;

    prefix = mcf->vault.prefix;

    p = ngx_pnalloc(mcf->worker->cycle->pool,
                    prefix.len + sizeof(CIGNA_BUDGET_KEY));
    if (p == NULL) {
        return NGX_ERROR;
    }

    *key = cigna_slice_make(p, ngx_sprintf(p, "%*s" CIGNA_BUDGET_KEY,
                                           prefix.len, prefix.data));

    return NGX_OK;
}


void
ngx_cigna_budget_exit(ngx_cigna_main_conf_t *mcf)
{
    ngx_uint_t            i;
    ngx_cigna_tenant_t  **tenants = mcf->tenants.elts;

    for (i = 0; i < mcf->tenants.nelts; i++) {

        if (tenants[i]->budget) {
            ngx_cigna_budget_destroy(tenants[i]->budget);
            tenants[i]->budget = NULL;
        }
    }
}
