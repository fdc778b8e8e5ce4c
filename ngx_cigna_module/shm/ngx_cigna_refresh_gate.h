
#ifndef _NGX_CIGNA_REFRESH_GATE_H_INCLUDED_
#define _NGX_CIGNA_REFRESH_GATE_H_INCLUDED_


#include "ngx_cigna_zone.h"
#include "nginx/ngx_cigna_cache_key.h"
#include "refresh/cigna_refusal_rate.h"
#include "refresh/cigna_verdict.h"


/*
 * How fast the node goes about refreshing: what all its workers have to know
 * of each other's refreshes.  Times are ngx_current_msec.
 */

/* what a tenant's token endpoint is asked for; in the zone */

typedef struct ngx_cigna_refresh_gate_s  ngx_cigna_refresh_gate_t;


ngx_cigna_refresh_gate_t *ngx_cigna_refresh_gate(ngx_cigna_zone_row_t *row);


/*
 * One request within a budget of "rate" a second.  NGX_BUSY: it is spent, to
 * be asked again after *wait ms.
 */
ngx_int_t ngx_cigna_refresh_gate_take(ngx_cigna_refresh_gate_t *gate,
    ngx_uint_t rate, ngx_msec_t *wait);

/* one request that is made in any case, on the same account */
void ngx_cigna_refresh_gate_charge(ngx_cigna_refresh_gate_t *gate);

/* is there nothing left of the budget for now? */
ngx_uint_t ngx_cigna_refresh_gate_spent(ngx_cigna_refresh_gate_t *gate,
    ngx_uint_t rate);

/* the endpoint asks to be left alone for so long: no refreshes till then */
void ngx_cigna_refresh_gate_pause(ngx_cigna_refresh_gate_t *gate,
    ngx_msec_t ms);

/* what is left of that */
ngx_msec_t ngx_cigna_refresh_gate_paused(ngx_cigna_refresh_gate_t *gate);

/*
 * The tenant's brake, see cigna_refusal_rate.h.  answered: a refresh of the grant was,
 * by so much; what is to be said of it, once a minute.
 */

typedef enum {
    ngx_cigna_refresh_gate_well = 0,
    ngx_cigna_refresh_gate_failing,                    /* it is on */
    ngx_cigna_refresh_gate_doubting                    /* too many are refused */
} ngx_cigna_refresh_gate_e;

ngx_cigna_refresh_gate_e ngx_cigna_refresh_gate_answered(ngx_shm_zone_t *zone,
    ngx_cigna_refresh_gate_t *gate, const ngx_cigna_cache_key_t *key,
    cigna_answer_e answer, ngx_uint_t percent);

/* how long the brake lets no refresh begin */
ngx_msec_t ngx_cigna_refresh_gate_refusal_wait(ngx_shm_zone_t *zone,
    ngx_cigna_refresh_gate_t *gate);

/* what a refresh that begins has taken */

typedef struct {
    cigna_turn_e             turn;
    unsigned                 probe:1;          /* of the server */
} ngx_cigna_turn_t;


/*
 * One refresh begins: it is told so to the brake, which may be waiting for it.
 * probe: nobody knows whether the server of this URL answers, and few find out
 * for all.  NGX_BUSY: not yet, to be asked again after *wait ms.
 */
ngx_int_t ngx_cigna_refresh_gate_turn(ngx_shm_zone_t *zone,
    ngx_cigna_refresh_gate_t *gate, cigna_slice_t url, ngx_uint_t probe,
    ngx_cigna_turn_t *turn, ngx_msec_t *wait);

/* the one that began has sent nothing */
void ngx_cigna_refresh_gate_give_back(ngx_shm_zone_t *zone,
    ngx_cigna_refresh_gate_t *gate, cigna_slice_t url,
    const ngx_cigna_turn_t *turn);

/* the server of this URL has sent a complete reply */
void ngx_cigna_refresh_gate_heard(ngx_shm_zone_t *zone, cigna_slice_t url);

/*
 * What there is to know of the token endpoint of this URL.  percent: as above;
 * now_ms: since the epoch.
 */
void ngx_cigna_refresh_gate_endpoint(ngx_shm_zone_t *zone,
    ngx_cigna_refresh_gate_t *gate, cigna_slice_t url, ngx_uint_t percent,
    int64_t now_ms, cigna_endpoint_t *endpoint);


/*
 * An identity whose refresh has failed: no worker tries for some seconds, with
 * each further failure for longer.  "sent": the refresh token was.
 */
void ngx_cigna_refresh_gate_cool(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key, ngx_uint_t sent);

/* it was refreshed */
void ngx_cigna_refresh_gate_warm(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key);

/* what is left of that */
ngx_msec_t ngx_cigna_refresh_gate_cooling(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key);


/* after a change of primary: no refresh starts for so long, and what is left */
void ngx_cigna_refresh_gate_be_quiet(ngx_shm_zone_t *zone, ngx_msec_t ms);
ngx_msec_t ngx_cigna_refresh_gate_quiet(ngx_shm_zone_t *zone);

/* for how long it has been the primary, as far as it and this node know */
int64_t ngx_cigna_refresh_gate_primary(ngx_shm_zone_t *zone, uint64_t primary,
    int64_t age_ms);


#endif /* _NGX_CIGNA_REFRESH_GATE_H_INCLUDED_ */
