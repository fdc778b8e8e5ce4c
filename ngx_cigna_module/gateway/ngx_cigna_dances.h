
#ifndef _NGX_CIGNA_DANCES_H_INCLUDED_
#define _NGX_CIGNA_DANCES_H_INCLUDED_


#include "ngx_cigna_budget_conf.h"
#include "ngx_cigna_conf.h"
#include "nginx/ngx_cigna_cache_key.h"

#include "budget/cigna_gcra.h"


/*
 * How many dances may start, on this node: "member_dances" comes first, so that
 * nobody uses up the "dances_per_second" of a tenant alone.
 */

/*
 * Works out member_dances, of which what is not given comes of
 * dances_per_second: a tenth of it as the rate, and half of it as the burst.
 */
void ngx_cigna_dances_limit(const ngx_cigna_budget_conf_t *given,
    ngx_uint_t per_second, cigna_gcra_limit_t *limit);

typedef enum {
    ngx_cigna_dances_start = 0,
    ngx_cigna_dances_of_member,            /* the member has started enough */
    ngx_cigna_dances_of_tenant             /* all together have */
} ngx_cigna_dances_e;


/*
 * One dance of the member with this key.  Only "start" charges, and then both
 * limits.  *wait: ms until another one may start, where none does.
 */
ngx_cigna_dances_e ngx_cigna_dances(ngx_shm_zone_t *zone,
    const ngx_cigna_tenant_t *tenant, const ngx_cigna_cache_key_t *key,
    ngx_msec_t *wait);


#endif /* _NGX_CIGNA_DANCES_H_INCLUDED_ */
