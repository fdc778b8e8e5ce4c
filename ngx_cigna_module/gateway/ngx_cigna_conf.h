
#ifndef _NGX_CIGNA_CONF_H_INCLUDED_
#define _NGX_CIGNA_CONF_H_INCLUDED_


#include "nginx/ngx_cigna_compat.h"
#include "nginx/ngx_cigna_block.h"
#include "shm/ngx_cigna_cache.h"
#include "shm/ngx_cigna_counters.h"
#include "nginx/ngx_cigna_index.h"
#include "shm/ngx_cigna_refresh_gate.h"
#include "redis/ngx_cigna_redis.h"
#include "budget/cigna_budget.h"
#include "fhir/cigna_gate_out.h"
#include "fhir/cigna_link_filter.h"
#include "fhir/cigna_resource_types.h"
#include "fhir/cigna_public_metadata.h"
#include "vault/cigna_vault.h"


/*
 * Configuration types.  What the directives fill is constant while a cycle
 * lives; what a worker keeps beside it is told apart by its own struct.
 */


typedef struct ngx_cigna_worker_s     ngx_cigna_worker_t;
typedef struct ngx_cigna_discovery_s  ngx_cigna_discovery_t;
typedef struct ngx_cigna_budget_s     ngx_cigna_budget_t;
typedef struct ngx_cigna_notices_s    ngx_cigna_notices_t;


/* what one of the directives about budgets says */

typedef struct {
    ngx_cigna_place_t         *place;          /* NULL: it is not there */
    ngx_uint_t                 given;          /* which parameters are */
    cigna_rate_t               rate;
    cigna_rate_t               minimum;
    cigna_rate_t               metadata;
    ngx_uint_t                 burst;
    ngx_msec_t                 delay;
    ngx_msec_t                 lease;
    ngx_uint_t                 outage;         /* cigna_budget_outage_e */
    ngx_uint_t                 dry_run;
} ngx_cigna_budget_conf_t;


#define NGX_CIGNA_TENANT_NAME_MAX  CIGNA_ROSTER_NAME_MAX


/*
 * What tenants have in common whose servers are the same and are reached in
 * the same way: 10,000 tenants of Cigna's resolve, discover and fetch keys
 * once.
 */

typedef struct {
    ngx_array_t                tenants;        /* ngx_cigna_tenant_t *, one at
                                                  least */
    ngx_array_t                origins;        /* ngx_cigna_origin_t *, of all
                                                  configured endpoints and of
                                                  fhir_base, no two alike */
    cigna_bases_t              bases;          /* of links in replies */

    /* a worker's own */
    cigna_jwks_fetch_t         keys;
    ngx_cigna_discovery_t     *discovery;
    ngx_array_t                announced;      /* ngx_cigna_origin_t *, of
                                                  hosts that metadata named */
} ngx_cigna_shared_t;


typedef struct {
    ngx_str_t                  name;

    /*
     * Strings are configured and constant, but for the endpoints, which
     * discovery completes, and the keys: those are a worker's own copy.
     */
    cigna_provider_t           provider;

    cigna_uri_t                    fhir_uri;       /* parsed fhir_base */
    cigna_uri_t                    redirect_uri;   /* parsed */
    ngx_cigna_shared_t            *shared;
    cigna_resource_types_t         types;          /* that may be asked for; none:
                                                  all */
    ngx_uint_t                 types_dry;      /* others are counted only */

    ngx_ssl_t                 *ssl;            /* towards the OAuth endpoints */
    ngx_resolver_t            *resolver;       /* NULL: none */
    ngx_msec_t                 resolver_timeout;
    ngx_msec_t                 connect_timeout;
    ngx_msec_t                 timeout;
    ngx_msec_t                 exchange_timeout;   /* of a token or a code */

    ngx_uint_t                 dances_per_second;
    cigna_gcra_limit_t         member_dances;
    ngx_uint_t                 token_requests;     /* refreshes a second */
    ngx_uint_t                 refresh_waiters;    /* requests, a worker */
    ngx_uint_t                 grant_waiters;      /* ... for one grant */
    ngx_uint_t                 refused_share;      /* per cent, see pace.h */

    ngx_cigna_budget_conf_t    budget_conf;
    ngx_cigna_budget_conf_t    member_budget_conf;
    cigna_budget_plan_t        plan;           /* made of them all */

    ngx_str_t                  fhir_origin;    /* of fhir_base */
    ngx_str_t                  fhir_host;      /* ... as a Host line has it */
    ngx_str_t                  trusted_certificate;
    ngx_cigna_place_t         *place;          /* of the block */

    /* in the zone, see ngx_cigna_rows.h */
    ngx_cigna_zone_row_t          *row;
    ngx_cigna_counters_t          *counters;
    ngx_cigna_refresh_gate_t      *pace;

    /* a worker's own */
    ngx_uint_t                 waiters;            /* for refreshes, now */
    ngx_msec_t                 secret_logged[2];   /* that the new secret has
                                                  worked, or the older one */
    ngx_cigna_budget_t        *budget;         /* NULL: no budgets */
} ngx_cigna_tenant_t;


typedef struct {
    ngx_shm_zone_t            *zone;
    ngx_cigna_place_t         *zone_place;
    ngx_shm_zone_t            *documents;      /* see ngx_cigna_documents.h */
    uint64_t                   generation;     /* of this configuration */

    ngx_uint_t                 vault_set;      /* the block was there */
    ngx_cigna_place_t         *vault_place;
    cigna_vault_t              vault;
    ngx_cigna_redis_conf_t     redis;
    ngx_msec_t                 revalidate;
    ngx_msec_t                 stale;

    ngx_array_t                tenants;        /* ngx_cigna_tenant_t * */
    ngx_cigna_index_t          names;          /* ... by their names */
    ngx_cigna_index_t          callbacks;      /* ... one for each path of a
                                                  redirect_uri */
    ngx_array_t                shared;         /* ngx_cigna_shared_t * */
    ngx_cigna_index_t          stores;         /* ngx_ssl_t, by the file with
                                                  CA certificates */
    ngx_array_t                aliases;        /* ngx_str_t */
    ngx_cigna_budget_conf_t    budget;         /* the gateway's */

    ngx_cigna_place_t         *used;           /* last use in a location */
    ngx_array_t               *noticed;        /* command tables of other
                                                  modules, while parsing */

    /* the request side's own, set by ngx_cigna_handlers_init() */
    ngx_int_t                  request_id;     /* index of $request_id */
    ngx_str_t                  page_csp;       /* policy of the pages */

    /* a worker's own, see ngx_cigna_worker.h */
    ngx_cigna_worker_t        *worker;
} ngx_cigna_main_conf_t;


/* a line that the operator has nginx's proxy send: proxy_set_header */

typedef struct {
    ngx_str_t                  name;
    ngx_http_complex_value_t  *value;          /* NULL: constant */
    unsigned                   warned:1;
    unsigned                   odd:1;          /* nginx may not know the name
                                                  again in a caller's line */
} ngx_cigna_set_line_t;


/* of a server: what tells callers where to go */

typedef struct {
    ngx_str_t                  connect_path;   /* of "location = /..." */
    ngx_http_server_name_t    *names;          /* "server_name" */
    ngx_uint_t                 nnames;
} ngx_cigna_srv_conf_t;


/* what "cigna_cors" says */

typedef struct {
    ngx_array_t                origins;        /* ngx_str_t, as browsers write
                                                  them */
    ngx_uint_t                 credentials;
} ngx_cigna_cors_t;


typedef struct {
    ngx_http_complex_value_t  *tenant_value;   /* NULL: no cigna_identity */
    ngx_cigna_tenant_t        *tenant;         /* constant tenant, or NULL */
    ngx_http_complex_value_t  *member_value;
    ngx_cigna_place_t         *identity;       /* place of cigna_identity */
    ngx_str_t                  certificate;    /* what of the client's it uses;
                                                  or empty */

    ngx_flag_t                 fhir;
    ngx_flag_t                 cache;
    ngx_flag_t                 links;
    ngx_str_t                  base_url;       /* ends with "/"; or empty */
    ngx_array_t               *endpoints;      /* cigna_public_endpoint_t; or
                                                  NULL */
    ngx_flag_t                 not_found;
    ngx_flag_t                 insecure_upstream;

    ngx_cigna_cors_t          *cors;           /* NULL: off */
    ngx_str_t                  cors_methods;   /* empty: cors has no effect */

    /* what else the location is: one of these handlers, or NULL */
    ngx_http_handler_pt        endpoint;

    ngx_cigna_place_t         *place;          /* of either directive */

    ngx_cigna_notices_t       *notices;        /* of other modules' lines */
    ngx_array_t               *set_lines;      /* ngx_cigna_set_line_t, of
                                                  proxy_set_header; compiled
                                                  for cigna_fhir; NULL: none */
    cigna_slice_t             *set_names;      /* of them */
    ngx_uint_t                 set_values;     /* one has variables, or is
                                                  odd */

    /* of a location with "fhir" */
    ngx_str_t                  name;
    ngx_http_handler_pt        content;        /* the handler that ours calls */

    /* a worker's own: when advice was logged, by cigna_gate_out_e */
    ngx_msec_t                 gate_logged[CIGNA_GATE_OUT_MAX];
} ngx_cigna_loc_conf_t;


extern ngx_module_t  ngx_cigna_module;


void *ngx_cigna_conf_create_main(ngx_conf_t *cf);
void *ngx_cigna_conf_create_srv(ngx_conf_t *cf);
char *ngx_cigna_conf_merge_srv(ngx_conf_t *cf, void *parent, void *child);
void *ngx_cigna_conf_create_loc(ngx_conf_t *cf);
char *ngx_cigna_conf_merge_loc(ngx_conf_t *cf, void *parent, void *child);

/*
 * In postconfiguration: the resolver of the http block, NULL if none that can
 * be asked was configured.
 */
void ngx_cigna_conf_resolver(ngx_conf_t *cf, ngx_resolver_t **resolver,
    ngx_msec_t *timeout);

/*
 * Gives the origin a host of its own in lower case: nginx's resolver changes
 * the case of a name in place, and what was configured is to stay.
 */
ngx_int_t ngx_cigna_conf_host(ngx_conf_t *cf, ngx_cigna_origin_t *origin,
    cigna_slice_t host);

/* the tenant of this name, or NULL */
#define ngx_cigna_tenant_find(mcf, name)                                      \
    ((ngx_cigna_tenant_t *)                                                   \
     ngx_cigna_index_find(&(mcf)->names, ngx_cigna_slice(name)))


#define ngx_cigna_slice(str)                                                  \
    ((cigna_slice_t) { (const uint8_t *) (str)->data, (str)->len })


#endif /* _NGX_CIGNA_CONF_H_INCLUDED_ */
