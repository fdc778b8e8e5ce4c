
#include "ngx_cigna_budget_zone.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_tenant.h"
#include "nginx/ngx_cigna_pid.h"
#include "shm/ngx_cigna_zone.h"
#include "base/cigna_siphash.h"
#include "budget/cigna_budget_member.h"

#include <openssl/rand.h>


#define NGX_CIGNA_BUDGET_NAME  32          /* hexadecimal digits */


typedef struct {
    cigna_budget_node_t     node;
    cigna_budget_origins_t  origins;
    u_char                  name[NGX_CIGNA_BUDGET_NAME];
} ngx_cigna_budget_area_t;

_Static_assert(sizeof(ngx_cigna_budget_area_t) <= NGX_CIGNA_ZONE_BUDGETS,
               "there is no room for the budgets");
_Static_assert(sizeof(cigna_budget_tenant_t) <= NGX_CIGNA_ROW_BUDGET,
               "there is no room for a tenant's budget");


#define ngx_cigna_budget_area(zone)                                           \
    ((ngx_cigna_budget_area_t *) ngx_cigna_zone_fixed(zone)->budgets)


ngx_int_t
ngx_cigna_budget_zone_open(ngx_cigna_main_conf_t *mcf,
    cigna_budget_members_t **members)
{
    u_char                    bytes[NGX_CIGNA_BUDGET_NAME / 2];
    ngx_cigna_zone_t         *fixed;
    ngx_cigna_budget_area_t  *area;

    if (RAND_bytes(bytes, sizeof(bytes)) != 1) {
        return NGX_ERROR;
    }

    fixed = ngx_cigna_zone_fixed(mcf->zone);
    area = ngx_cigna_budget_area(mcf->zone);

    ngx_cigna_zone_lock(mcf->zone);

    if (area->name[0] == '\0') {
        (void) ngx_hex_dump(area->name, bytes, sizeof(bytes));
    }

    *members = cigna_budget_members_init(ngx_cigna_zone_members(fixed),
                                         fixed->members_size);

    ngx_cigna_zone_unlock(mcf->zone);

    return NGX_OK;
}


void
ngx_cigna_budget_zone_init(ngx_cigna_budget_zone_t *zone,
    ngx_cigna_main_conf_t *mcf, ngx_cigna_tenant_t *tenant,
    cigna_slice_t key, cigna_budget_members_t *members)
{
    ngx_cigna_budget_area_t  *area;

    area = ngx_cigna_budget_area(mcf->zone);

    zone->mcf = mcf;
    zone->tenant = tenant;

    zone->core.plan = &tenant->plan;
    zone->core.node = &area->node;
    zone->core.tenant = (cigna_budget_tenant_t *) tenant->row->budget;
    zone->core.members = members;
    zone->core.pid = ngx_pid;
    zone->core.alive = ngx_cigna_pid_alive;

    zone->names.key = key;
    zone->names.node.data = area->name;
    zone->names.node.len = NGX_CIGNA_BUDGET_NAME;
    zone->names.tenant = ngx_cigna_slice(&tenant->name);
    zone->names.origin = ngx_cigna_slice(&tenant->fhir_origin);

    zone->origins = &area->origins;
    zone->origin = cigna_siphash_plain(zone->names.origin);
    zone->origin = zone->origin ? zone->origin : 1;
}


cigna_budget_t *
ngx_cigna_budget_lock(ngx_cigna_budget_zone_t *zone, uint64_t member)
{
    zone->core.member = member;
    zone->core.now_ns = (int64_t) ngx_current_msec * CIGNA_RATE_MS;

    ngx_cigna_zone_lock(zone->mcf->zone);

    zone->core.origin = cigna_budget_origin(zone->origins, zone->origin,
                                            zone->core.now_ns);

    return &zone->core;
}


void
ngx_cigna_budget_unlock(ngx_cigna_budget_zone_t *zone)
{
    ngx_cigna_zone_unlock(zone->mcf->zone);
}
