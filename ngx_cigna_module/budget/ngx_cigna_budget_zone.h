
#ifndef _NGX_CIGNA_BUDGET_ZONE_H_INCLUDED_
#define _NGX_CIGNA_BUDGET_ZONE_H_INCLUDED_


#include "gateway/ngx_cigna_conf.h"

#include "budget/cigna_budget.h"


/* A tenant's budget in the zone, which all workers share. */

typedef struct {
    ngx_cigna_main_conf_t   *mcf;
    ngx_cigna_tenant_t      *tenant;
    cigna_budget_t           core;
    cigna_budget_names_t     names;        /* names used in Redis */
    uint64_t                 origin;       /* hash of names.origin */
    cigna_budget_origins_t  *origins;
} ngx_cigna_budget_zone_t;


/*
 * Gives the node a random name if it has none yet, as Redis counts nodes by
 * name.  Sets *members to the table of members, or to NULL if the zone has no
 * room for the table; then members are not counted.  NGX_ERROR: no random
 * bytes.
 */
ngx_int_t ngx_cigna_budget_zone_open(ngx_cigna_main_conf_t *mcf,
    cigna_budget_members_t **members);

/*
 * Fills in *zone.  Borrows key, which is the Redis key of all budgets.  members
 * comes from ngx_cigna_budget_zone_open(), which must be called before.
 */
void ngx_cigna_budget_zone_init(ngx_cigna_budget_zone_t *zone,
    ngx_cigna_main_conf_t *mcf, ngx_cigna_tenant_t *tenant,
    cigna_slice_t key, cigna_budget_members_t *members);

/*
 * Locks the zone and returns the budget for the functions of core/budget, with
 * its member, time and origin set.  member: see cigna_budget_t.  The functions
 * may be called until ngx_cigna_budget_unlock().
 */
cigna_budget_t *ngx_cigna_budget_lock(ngx_cigna_budget_zone_t *zone,
    uint64_t member);
void ngx_cigna_budget_unlock(ngx_cigna_budget_zone_t *zone);


#endif /* _NGX_CIGNA_BUDGET_ZONE_H_INCLUDED_ */
