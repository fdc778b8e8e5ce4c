
#ifndef _NGX_CIGNA_BUDGET_ZONE_H_INCLUDED_
#define _NGX_CIGNA_BUDGET_ZONE_H_INCLUDED_


#include "gateway/ngx_cigna_conf.h"

#include "budget/cigna_budget.h"


/* A tenant's budget as it lies in the zone, which all workers share. */

typedef struct {
    ngx_cigna_main_conf_t   *mcf;
    ngx_cigna_tenant_t      *tenant;
    cigna_budget_t           core;
    cigna_budget_names_t     names;        /* in Redis */
    uint64_t                 origin;       /* key of names.origin */
    cigna_budget_origins_t  *origins;
} ngx_cigna_budget_zone_t;


/* gives the node a name, by which Redis counts nodes, if it has none yet */
ngx_int_t ngx_cigna_budget_zone_name(ngx_cigna_main_conf_t *mcf);

/* the members' table; NULL: members are not counted */
cigna_budget_members_t *ngx_cigna_budget_zone_members(
    ngx_cigna_main_conf_t *mcf);

/* key, of the budgets in Redis, is borrowed; there is a name */
void ngx_cigna_budget_zone_init(ngx_cigna_budget_zone_t *zone,
    ngx_cigna_main_conf_t *mcf, ngx_cigna_tenant_t *tenant,
    cigna_slice_t key, cigna_budget_members_t *members);

/* around each call of the core; member: see cigna_budget_t */
cigna_budget_t *ngx_cigna_budget_lock(ngx_cigna_budget_zone_t *zone,
    uint64_t member);
void ngx_cigna_budget_unlock(ngx_cigna_budget_zone_t *zone);


#endif /* _NGX_CIGNA_BUDGET_ZONE_H_INCLUDED_ */
