
#ifndef _NGX_CIGNA_MAIN_CONF_H_INCLUDED_
#define _NGX_CIGNA_MAIN_CONF_H_INCLUDED_


#include "ngx_cigna_budget_conf.h"
#include "ngx_cigna_conf.h"
#include "nginx/ngx_cigna_index.h"
#include "redis/ngx_cigna_redis_conf.h"

#include "vault/cigna_vault_names.h"


/* configuration of the block http */

struct ngx_cigna_main_conf_s {
    ngx_shm_zone_t            *zone;
    ngx_cigna_place_t         *zone_place;
    ngx_shm_zone_t            *documents;  /* see ngx_cigna_documents.h */
    uint64_t                   generation; /* number of this configuration, see
                                              cigna_roster.h */

    ngx_cigna_place_t         *vault_place;    /* NULL: no cigna_vault */
    cigna_vault_t              vault;
    ngx_cigna_redis_conf_t     redis;
    ngx_msec_t                 revalidate;
    ngx_msec_t                 stale;

    ngx_array_t                tenants;    /* ngx_cigna_tenant_t * */
    ngx_cigna_index_t          names;      /* ngx_cigna_tenant_t, by name */
    ngx_cigna_index_t          callbacks;  /* ngx_cigna_tenant_t, one for each
                                              path of a redirect_uri */
    ngx_array_t                shared;     /* ngx_cigna_shared_t * */
    ngx_cigna_index_t          stores;     /* ngx_ssl_t, by the file with CA
                                              certificates */
    ngx_array_t                aliases;    /* ngx_str_t, of
                                              cigna_upstream_alias */
    ngx_cigna_budget_conf_t    budget;     /* from "cigna_budget", for all
                                              tenants together */

    ngx_cigna_place_t         *used;       /* place of the last cigna_fhir or
                                              endpoint's directive; NULL: there
                                              is none */
    ngx_array_t               *noticed;    /* command tables of other modules,
                                              kept while nginx parses */

    ngx_http_variable_t       *variables;  /* $cigna_*, set in preconfiguration;
                                              ends with an empty name */

    /* set by ngx_cigna_handlers_init() */
    ngx_int_t                  request_id; /* index of $request_id */
    ngx_str_t                  page_csp;   /* Content-Security-Policy of the
                                              pages */

    ngx_cigna_worker_t        *worker;     /* NULL: this process is not a
                                              worker, or there is no
                                              cigna_vault */
};


/* finds the tenant with this name (ngx_str_t *); NULL: there is none */

#define ngx_cigna_tenant_find(mcf, name)                                      \
    ((ngx_cigna_tenant_t *)                                                   \
     ngx_cigna_index_find(&(mcf)->names, ngx_cigna_slice(name)))


#endif /* _NGX_CIGNA_MAIN_CONF_H_INCLUDED_ */
