
#ifndef _NGX_CIGNA_PACE_H_INCLUDED_
#define _NGX_CIGNA_PACE_H_INCLUDED_


#include "ngx_cigna_counters.h"
#include "ngx_cigna_hasher.h"
#include "cigna_brake.h"


/*
 * How fast the node goes about refreshing: what all its workers have to know
 * of each other's refreshes.  Times are ngx_current_msec.
 */

/* what a tenant's token endpoint is asked for; in the zone */

typedef struct ngx_cigna_pace_s  ngx_cigna_pace_t;


/* the tenant's, by its counters; NULL without these */
ngx_cigna_pace_t *ngx_cigna_pace(ngx_shm_zone_t *zone,
    ngx_cigna_counters_t *counters);


/* all of the following allow for no pace, and then set no bounds */

/*
 * One request within a budget of "rate" a second.  NGX_BUSY: it is spent, to
 * be asked again after *wait ms.
 */
ngx_int_t ngx_cigna_pace_take(ngx_cigna_pace_t *pace, ngx_uint_t rate,
    ngx_msec_t *wait);

/* one request that is made in any case, on the same account */
void ngx_cigna_pace_charge(ngx_cigna_pace_t *pace);

/* is there nothing left of the budget for now? */
ngx_uint_t ngx_cigna_pace_spent(ngx_cigna_pace_t *pace, ngx_uint_t rate);

/* the endpoint asks to be left alone for so long: no refreshes till then */
void ngx_cigna_pace_pause(ngx_cigna_pace_t *pace, ngx_msec_t ms);

/* what is left of that */
ngx_msec_t ngx_cigna_pace_paused(ngx_cigna_pace_t *pace);

/* a refresh was answered, by tokens or by invalid_grant */
void ngx_cigna_pace_answered(ngx_shm_zone_t *zone, ngx_cigna_pace_t *pace,
    ngx_uint_t refused);

/* are more than so many per cent refused? */
ngx_uint_t ngx_cigna_pace_holds(ngx_shm_zone_t *zone, ngx_cigna_pace_t *pace,
    ngx_uint_t percent);

/* 1 at most once a minute */
ngx_uint_t ngx_cigna_pace_alarm(ngx_cigna_pace_t *pace);


/* an identity whose refresh has failed: no worker tries for so long */
void ngx_cigna_pace_cool(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key, ngx_msec_t ms);

/* what is left of that */
ngx_msec_t ngx_cigna_pace_cooling(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key);


/* after a change of primary: no refresh starts for so long, and what is left */
void ngx_cigna_pace_be_quiet(ngx_shm_zone_t *zone, ngx_msec_t ms);
ngx_msec_t ngx_cigna_pace_quiet(ngx_shm_zone_t *zone);

/* for how long it has been the primary, as far as it and this node know */
int64_t ngx_cigna_pace_primary(ngx_shm_zone_t *zone, uint64_t primary,
    int64_t age_ms);


#endif /* _NGX_CIGNA_PACE_H_INCLUDED_ */
