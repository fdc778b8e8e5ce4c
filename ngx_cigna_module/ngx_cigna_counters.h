
#ifndef _NGX_CIGNA_COUNTERS_H_INCLUDED_
#define _NGX_CIGNA_COUNTERS_H_INCLUDED_


#include "ngx_cigna_zone.h"
#include "cigna_outcome.h"


/*
 * What happened, by tenant: in the fixed part of the zone, so that neither a
 * reload nor a reset of the cache loses them.  Slots belong to the names of
 * tenants, as the order of tenants changes with the configuration.
 */

#define NGX_CIGNA_TENANTS_MAX      256
#define NGX_CIGNA_TENANT_NAME_MAX  64


typedef enum {
    ngx_cigna_count_dances_started = 0,
    ngx_cigna_count_fhir_requests,
    ngx_cigna_count_cache_hits,
    ngx_cigna_count_vault_reads,
    ngx_cigna_count_refreshes,
    ngx_cigna_count_refresh_failures,
    ngx_cigna_count_stale_served,
    ngx_cigna_count_max
} ngx_cigna_count_e;


typedef struct ngx_cigna_counters_s  ngx_cigna_counters_t;


/* the tenant's counters, made at first use; NULL if all slots are taken */
ngx_cigna_counters_t *ngx_cigna_counters(ngx_shm_zone_t *zone,
    ngx_str_t *tenant);

/* counters NULL is allowed: nothing is counted */
void ngx_cigna_count(ngx_cigna_counters_t *counters, ngx_cigna_count_e what);
void ngx_cigna_count_outcome(ngx_cigna_counters_t *counters,
    cigna_outcome_e outcome);

uint64_t ngx_cigna_counted(ngx_cigna_counters_t *counters,
    ngx_cigna_count_e what);
uint64_t ngx_cigna_counted_outcome(ngx_cigna_counters_t *counters,
    cigna_outcome_e outcome);

/*
 * A token bucket of one second for starting dances: NGX_OK, or NGX_BUSY if
 * "rate" were started in this second already.
 */
ngx_int_t ngx_cigna_counters_start_dance(ngx_cigna_counters_t *counters,
    ngx_uint_t rate, time_t now);


#endif /* _NGX_CIGNA_COUNTERS_H_INCLUDED_ */
