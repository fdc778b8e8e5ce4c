
#ifndef _NGX_CIGNA_DANCES_H_INCLUDED_
#define _NGX_CIGNA_DANCES_H_INCLUDED_


#include "ngx_cigna_budget_conf.h"
#include "ngx_cigna_conf.h"
#include "nginx/ngx_cigna_cache_key.h"

#include "budget/cigna_gcra.h"


/*
 * Limits how many dances start on this node.  "member_dances" is checked first,
 * so that a single member cannot use up the tenant's "dances_per_second".
 */

/*
 * Fills in a member's limit from "given", the parsed directive member_dances.
 * If the directive has no rate, the rate is a tenth of dances_per_second, and
 * the burst is half of dances_per_second; each is at least 1.
 */
void ngx_cigna_dances_limit(const ngx_cigna_budget_conf_t *given,
    ngx_uint_t per_second, cigna_gcra_limit_t *limit);

typedef enum {
    ngx_cigna_dances_start = 0,
    ngx_cigna_dances_of_member,            /* refused by member_dances */
    ngx_cigna_dances_of_tenant             /* refused by dances_per_second */
} ngx_cigna_dances_e;


/*
 * Asks whether the member with this key may start a dance.
 * ngx_cigna_dances_start: the member may, and both limits are charged.  With
 * any other result nothing is charged, and *wait is the ms until a dance may
 * start.
 */
ngx_cigna_dances_e ngx_cigna_dances(ngx_shm_zone_t *zone,
    const ngx_cigna_tenant_t *tenant, const ngx_cigna_cache_key_t *key,
    ngx_msec_t *wait);


#endif /* _NGX_CIGNA_DANCES_H_INCLUDED_ */
