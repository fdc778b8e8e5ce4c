
#ifndef _NGX_CIGNA_REFRESH_GATE_H_INCLUDED_
#define _NGX_CIGNA_REFRESH_GATE_H_INCLUDED_


#include "nginx/ngx_cigna_cache_key.h"
#include "ngx_cigna_zone.h"

#include "refresh/cigna_refusal_rate.h"
#include "refresh/cigna_verdict.h"


/*
 * The limits that tell when a refresh may begin, shared by the workers of a
 * node: a tenant's token_requests, the pause that its token endpoint asked for,
 * its rate of refusals, probes of an endpoint that may be down, the cool-down
 * of an identity, and the quiet time after a change of primary.
 *
 * All times are ngx_current_msec.
 */

/* of one tenant, in the zone */

typedef struct ngx_cigna_refresh_gate_s  ngx_cigna_refresh_gate_t;


ngx_cigna_refresh_gate_t *ngx_cigna_refresh_gate(ngx_cigna_zone_row_t *row);


/*
 * Takes one request to the token endpoint from a budget of "rate" a second.
 * NGX_BUSY: none is left, ask again after *wait ms.
 */
ngx_int_t ngx_cigna_refresh_gate_take(ngx_cigna_refresh_gate_t *gate,
    ngx_uint_t rate, ngx_msec_t *wait);

/* takes one that is sent even if none is left */
void ngx_cigna_refresh_gate_charge(ngx_cigna_refresh_gate_t *gate);

/* 1 if none is left in this second */
ngx_uint_t ngx_cigna_refresh_gate_spent(ngx_cigna_refresh_gate_t *gate,
    ngx_uint_t rate);

/* the endpoint has asked for a pause: no refresh begins for so many ms */
void ngx_cigna_refresh_gate_pause(ngx_cigna_refresh_gate_t *gate,
    ngx_msec_t ms);

/* ms that are left of the pause */
ngx_msec_t ngx_cigna_refresh_gate_paused(ngx_cigna_refresh_gate_t *gate);


typedef enum {
    ngx_cigna_refresh_gate_well = 0,
    ngx_cigna_refresh_gate_failing,        /* few refreshes are let through */
    ngx_cigna_refresh_gate_doubting        /* too many are refused */
} ngx_cigna_refresh_gate_e;

/*
 * A refresh of this identity's grant was answered: see cigna_refusal_rate.h,
 * percent is the tenant's refused_share.  Returns a state to be logged, each at
 * most once a minute; "well" is not to be logged.
 */
ngx_cigna_refresh_gate_e ngx_cigna_refresh_gate_answered(ngx_shm_zone_t *zone,
    ngx_cigna_refresh_gate_t *gate, const ngx_cigna_cache_key_t *key,
    cigna_answer_e answer, ngx_uint_t percent);

/* ms for which the tenant's rate of refusals lets no refresh begin */
ngx_msec_t ngx_cigna_refresh_gate_refusal_wait(ngx_shm_zone_t *zone,
    ngx_cigna_refresh_gate_t *gate);

/* what a refresh has taken to begin */

typedef struct {
    cigna_turn_e             turn;
    unsigned                 probe:1;      /* it is the endpoint's probe */
} ngx_cigna_turn_t;


/*
 * A refresh begins.  probe: the last exchange with the server of this URL had
 * no reply, so that few refreshes find out for all whether it answers again.
 * NGX_BUSY: not yet, ask again after *wait ms.
 */
ngx_int_t ngx_cigna_refresh_gate_turn(ngx_shm_zone_t *zone,
    ngx_cigna_refresh_gate_t *gate, cigna_slice_t url, ngx_uint_t probe,
    ngx_cigna_turn_t *turn, ngx_msec_t *wait);

/* the refresh that took the turn has sent nothing */
void ngx_cigna_refresh_gate_give_back(ngx_shm_zone_t *zone,
    ngx_cigna_refresh_gate_t *gate, cigna_slice_t url,
    const ngx_cigna_turn_t *turn);

/* the server of this URL has sent a complete reply */
void ngx_cigna_refresh_gate_heard(ngx_shm_zone_t *zone, cigna_slice_t url);

/*
 * Fills in what the node knows of the token endpoint of this URL.  percent: as
 * above; now_ms: since the epoch, as are all times of *endpoint.
 */
void ngx_cigna_refresh_gate_endpoint(ngx_shm_zone_t *zone,
    ngx_cigna_refresh_gate_t *gate, cigna_slice_t url, ngx_uint_t percent,
    int64_t now_ms, cigna_endpoint_t *endpoint);


/*
 * The identity's refresh has failed.  No worker tries again for some seconds,
 * and for longer after each failure for which the refresh token was sent.
 */
void ngx_cigna_refresh_gate_cool(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key, ngx_uint_t sent);

/* the identity's refresh has worked */
void ngx_cigna_refresh_gate_warm(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key);

/* ms that are left of the cool-down */
ngx_msec_t ngx_cigna_refresh_gate_cooling(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key);


/* Redis has a new primary: no refresh begins for so many ms */
void ngx_cigna_refresh_gate_be_quiet(ngx_shm_zone_t *zone, ngx_msec_t ms);

/* ms that are left of the quiet time */
ngx_msec_t ngx_cigna_refresh_gate_quiet(ngx_shm_zone_t *zone);

/*
 * For how many ms this server has been the primary: age_ms by its own account,
 * or longer if this node has known it for longer, see cigna_primaries.h.
 */
int64_t ngx_cigna_refresh_gate_primary(ngx_shm_zone_t *zone, uint64_t primary,
    int64_t age_ms);


#endif /* _NGX_CIGNA_REFRESH_GATE_H_INCLUDED_ */
