
/*
 * Only the master process assigns rows, while workers of former configurations
 * may still run.  Each process writes the generation of its configuration to
 * its slot (ngx_process_slot) in the zone.  Until a new process has done so,
 * its slot has an older generation.  That is safe: the master then only reuses
 * rows later.
 */


#include "ngx_cigna_rows.h"
#include "shm/ngx_cigna_zone.h"
#include "ngx_cigna_main_conf.h"
#include "nginx/ngx_cigna_block.h"
#include "ngx_cigna_tenant.h"
#include "shm/ngx_cigna_counters.h"
#include "shm/ngx_cigna_refresh_gate.h"
#include "budget/cigna_roster.h"


static uint64_t ngx_cigna_rows_oldest(ngx_cigna_zone_t *fixed);
static void ngx_cigna_rows_set(ngx_cigna_tenant_t *tenant,
    ngx_cigna_zone_t *fixed, cigna_roster_claim_t *claim);


ngx_int_t
ngx_cigna_rows_check(ngx_conf_t *cf, ngx_cigna_main_conf_t *mcf)
{
    ngx_uint_t  room;

    room = ngx_cigna_zone_tenants(mcf->zone->shm.size);

    if (mcf->tenants.nelts <= room) {
        return NGX_OK;
    }

    ngx_cigna_place_enter(cf, mcf->zone_place);

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"cigna_zone\" has room for %ui tenants, and there are "
                       "%ui blocks \"cigna_tenant\", write \"cigna_zone "
                       "zone=%V:%uzm;\"", room, mcf->tenants.nelts,
                       &mcf->zone->shm.name,
                       ngx_cigna_zone_size(mcf->tenants.nelts)
                       / (1024 * 1024));

    ngx_cigna_place_leave(cf, mcf->zone_place);

    return NGX_ERROR;
}


ngx_int_t
ngx_cigna_rows_claim(ngx_cigna_main_conf_t *mcf)
{
    int                     rc;
    ngx_uint_t              i, n;
    ngx_cigna_zone_t       *fixed;
    ngx_cigna_tenant_t    **tenants;
    cigna_roster_claim_t   *claims;

    fixed = ngx_cigna_zone_fixed(mcf->zone);
    tenants = mcf->tenants.elts;
    n = mcf->tenants.nelts;

    claims = ngx_alloc(n * sizeof(cigna_roster_claim_t), ngx_cycle->log);
    if (claims == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        claims[i].name = ngx_cigna_slice(&tenants[i]->name);
    }

    mcf->generation = ++fixed->generation;

    rc = cigna_roster_claim(ngx_cigna_zone_roster(fixed),
                            (unsigned) fixed->tenants, claims, (unsigned) n,
                            mcf->generation, ngx_cigna_rows_oldest(fixed));

    for (i = 0; rc == CIGNA_OK && i < n; i++) {
        ngx_cigna_rows_set(tenants[i], fixed, &claims[i]);
    }

    if (rc == CIGNA_NONE) {
        ngx_log_error(NGX_LOG_EMERG, mcf->zone->shm.log, 0,
                      "cigna_zone \"%V\" has no room for the new tenants, as "
                      "processes of former configurations still serve others: "
                      "remove those by a reload, and add the new ones by "
                      "another reload when these processes have ended, or "
                      "write \"cigna_zone zone=%V:%uzm;\"",
                      &mcf->zone->shm.name,
                      &mcf->zone->shm.name,
                      ngx_cigna_zone_size(2 * n) / (1024 * 1024));
    }

    ngx_free(claims);

    return rc == CIGNA_OK ? NGX_OK : NGX_ERROR;
}


/*
 * returns the generation of the oldest configuration that a process still uses;
 * 0: not known
 */

static uint64_t
ngx_cigna_rows_oldest(ngx_cigna_zone_t *fixed)
{
    uint64_t   oldest;
    ngx_int_t  i;

    if (ngx_process != NGX_PROCESS_MASTER) {
        return 0;
    }

    oldest = UINT64_MAX;

    for (i = 0; i < ngx_last_process; i++) {

        if (ngx_processes[i].pid == -1 || ngx_processes[i].detached) {
            continue;
        }

        oldest = ngx_min(oldest, fixed->generations[i]);
    }

    return oldest;
}


static void
ngx_cigna_rows_set(ngx_cigna_tenant_t *tenant, ngx_cigna_zone_t *fixed,
    cigna_roster_claim_t *claim)
{
    tenant->row = ngx_cigna_zone_row(fixed, claim->row);

    if (claim->taken) {
        ngx_memzero(tenant->row, sizeof(ngx_cigna_zone_row_t));
    }

    tenant->counters = ngx_cigna_counters(tenant->row);
    tenant->refresh_gate = ngx_cigna_refresh_gate(tenant->row);
}


void
ngx_cigna_rows_use(ngx_cigna_main_conf_t *mcf)
{
    if (ngx_process != NGX_PROCESS_SINGLE) {
        ngx_cigna_zone_fixed(mcf->zone)->generations[ngx_process_slot]
                                                            = mcf->generation;
    }
}
