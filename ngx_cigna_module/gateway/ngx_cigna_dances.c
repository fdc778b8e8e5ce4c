
/*
 * A table of fixed size counts the dances of members.  If too many members
 * start dances, members with few dances push each other out of the table, and
 * members with many dances stay.  "dances_per_second" still bounds the dances
 * of all members of a tenant together.
 */


#include "ngx_cigna_dances.h"
#include "shm/ngx_cigna_zone.h"
#include "ngx_cigna_tenant.h"
#include "shm/ngx_cigna_counters.h"
#include "budget/cigna_budget_member.h"


/*
 * by default a member's rate and burst are dances_per_second divided by these
 */

#define NGX_CIGNA_DANCES_RATE   10
#define NGX_CIGNA_DANCES_BURST  2


_Static_assert(NGX_CIGNA_ZONE_DANCES >= CIGNA_BUDGET_MEMBERS_MIN,
               "the table is too small");


void
ngx_cigna_dances_limit(const ngx_cigna_budget_conf_t *given,
    ngx_uint_t per_second, cigna_gcra_limit_t *limit)
{
    uint64_t      burst, day;
    cigna_rate_t  rate;

    if (given->rate.n) {
        rate = given->rate;
        burst = given->burst ? given->burst : cigna_rate_burst(&rate);

    } else {
        rate.n = ngx_max(per_second / NGX_CIGNA_DANCES_RATE, 1);
        rate.per_s = 1;
        burst = ngx_max(per_second / NGX_CIGNA_DANCES_BURST, 1);
    }

    day = cigna_rate_per_day(&rate);

    limit->every_ns = cigna_rate_interval_ns(day);
    limit->span_ns = ngx_min(burst, day) * limit->every_ns;
}


ngx_cigna_dances_e
ngx_cigna_dances(ngx_shm_zone_t *zone, const ngx_cigna_tenant_t *tenant,
    const ngx_cigna_cache_key_t *key, ngx_msec_t *wait)
{
    int64_t              ns;
    cigna_budget_t       b;
    ngx_cigna_dances_e   e;
    cigna_budget_plan_t  plan;

    ngx_memzero(&b, sizeof(cigna_budget_t));
    ngx_memzero(&plan, sizeof(cigna_budget_plan_t));

    plan.member = tenant->member_dances;

    b.plan = &plan;
    b.now_ns = (int64_t) ngx_current_msec * CIGNA_RATE_MS;
    ngx_memcpy(&b.member, key->bytes, sizeof(b.member));

    ngx_cigna_zone_lock(zone);

    b.members = cigna_budget_members_init(ngx_cigna_zone_fixed(zone)->dances,
                                          NGX_CIGNA_ZONE_DANCES);

    ns = cigna_budget_member_wait_ns(&b);

    if (ns > 0) {
        e = ngx_cigna_dances_of_member;

    } else if (ngx_cigna_counters_start_dance(tenant->counters,
                                              tenant->dances_per_second,
                                              ngx_time())
               != NGX_OK)
    {
        ns = CIGNA_RATE_SECOND;
        e = ngx_cigna_dances_of_tenant;

    } else {
        cigna_budget_member_charge(&b, 1);
        e = ngx_cigna_dances_start;
    }

    ngx_cigna_zone_unlock(zone);

    *wait = (ns + CIGNA_RATE_MS - 1) / CIGNA_RATE_MS;

    return e;
}
