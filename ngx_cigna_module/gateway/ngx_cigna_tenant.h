
#ifndef _NGX_CIGNA_TENANT_H_INCLUDED_
#define _NGX_CIGNA_TENANT_H_INCLUDED_


#include "ngx_cigna_budget_conf.h"
#include "ngx_cigna_conf.h"

#include "budget/cigna_budget_plan.h"
#include "fhir/cigna_resource_types.h"
#include "oauth/cigna_provider.h"
#include "vault/cigna_vault_names.h"


/*
 * A block cigna_tenant.  Most fields are constant.  Comments name the fields
 * that a worker changes: each worker changes its own copy.
 */

struct ngx_cigna_tenant_s {
    ngx_str_t                  name;

    /* each worker's discovery fills in endpoints and keys in its own copy */
    cigna_provider_t           provider;

    cigna_uri_t                fhir_uri;   /* parsed fhir_base */
    cigna_uri_t                redirect_uri;   /* parsed redirect_uri */
    ngx_cigna_shared_t        *shared;
    cigna_resource_types_t     types;      /* allowed types; empty: all types */
    ngx_uint_t                 types_dry;  /* 1: requests for types that "types"
                                              lacks are counted, but not
                                              refused */

    ngx_ssl_t                 *ssl;        /* for the gateway's own requests */
    ngx_resolver_t            *resolver;   /* NULL: none */
    ngx_msec_t                 resolver_timeout;
    ngx_msec_t                 connect_timeout;
    ngx_msec_t                 timeout;
    ngx_msec_t                 exchange_timeout;   /* for a token request, after
                                                      the connection is made */

    ngx_uint_t                 dances_per_second;
    cigna_gcra_limit_t         member_dances;
    ngx_uint_t                 token_requests;     /* token requests that may
                                                      begin in a second; further
                                                      refreshes wait */
    ngx_uint_t                 refresh_waiters;    /* requests that may wait
                                                      for refreshes in a
                                                      worker */
    ngx_uint_t                 grant_waiters;      /* requests that may wait for
                                                      the refresh of one
                                                      grant, in a worker */
    ngx_uint_t                 refused_share;      /* per cent, see
                                              cigna_refusal_rate.h */

    ngx_cigna_budget_conf_t    budget_conf;
    ngx_cigna_budget_conf_t    member_budget_conf;
    cigna_budget_plan_t        plan;       /* made from all budget directives */

    ngx_str_t                  fhir_origin;    /* scheme, host and port of
                                                  fhir_base */
    ngx_str_t                  fhir_host;  /* value of the Host line for
                                              fhir_base */
    ngx_str_t                  trusted_certificate;
    ngx_cigna_place_t         *place;      /* file and line of the tenant's
                                              block */

    /* in the zone, see ngx_cigna_rows.h */
    struct ngx_cigna_zone_row_s      *row;
    struct ngx_cigna_counters_s      *counters;
    struct ngx_cigna_refresh_gate_s  *refresh_gate;

    /* set and changed by the worker */
    u_char                     hash[CIGNA_TENANT_LEN];   /* of the name; records
                                              of dances have this hash */
    ngx_uint_t                 waiters;    /* requests waiting for refreshes */
    ngx_msec_t                 secret_logged[2];   /* when the worker logged
                                              that the newer secret, or the
                                              older one, worked */
    struct ngx_cigna_budget_s *budget;     /* NULL: no budgets */
};


#endif /* _NGX_CIGNA_TENANT_H_INCLUDED_ */
