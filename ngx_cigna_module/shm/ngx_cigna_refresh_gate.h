
#ifndef _NGX_CIGNA_REFRESH_GATE_H_INCLUDED_
#define _NGX_CIGNA_REFRESH_GATE_H_INCLUDED_


#include "nginx/ngx_cigna_cache_key.h"
#include "ngx_cigna_zone.h"

#include "refresh/cigna_refusal_rate.h"
#include "refresh/cigna_verdict.h"


/*
 * Decides when a refresh may begin, for all workers of a node.  The limits are:
 * the tenant's token_requests, a pause that the token endpoint has asked for,
 * the rate of refused refreshes, probes of an endpoint that may be down, the
 * cool-down of an identity after a failure, and the quiet time after Redis has
 * changed its primary.
 *
 * All times are values of ngx_current_msec, unless a comment says otherwise.
 */

/* one tenant's part of the gate, in the tenant's row of the zone */

typedef struct ngx_cigna_refresh_gate_s  ngx_cigna_refresh_gate_t;


#define ngx_cigna_refresh_gate(row)                                           \
    ((ngx_cigna_refresh_gate_t *) (row)->refresh_gate)


/*
 * Counts one request to the token endpoint.  NGX_BUSY: "rate" requests were
 * counted in this second already; ask again after *wait ms.
 */
ngx_int_t ngx_cigna_refresh_gate_take(ngx_cigna_refresh_gate_t *gate,
    ngx_uint_t rate, ngx_msec_t *wait);

/* counts one request that is sent regardless of the rate */
void ngx_cigna_refresh_gate_charge(ngx_cigna_refresh_gate_t *gate);

/* 1 if "rate" requests were counted in this second already */
ngx_uint_t ngx_cigna_refresh_gate_spent(ngx_cigna_refresh_gate_t *gate,
    ngx_uint_t rate);

/* the token endpoint has asked for a pause: no refresh begins for this time */
void ngx_cigna_refresh_gate_pause(ngx_cigna_refresh_gate_t *gate,
    ngx_msec_t ms);

/* ms that are left of the pause that the token endpoint has asked for */
ngx_msec_t ngx_cigna_refresh_gate_paused(ngx_cigna_refresh_gate_t *gate);


typedef enum {
    ngx_cigna_refresh_gate_well = 0,
    ngx_cigna_refresh_gate_failing,        /* throttling is on: most refreshes
                                              have to wait */
    ngx_cigna_refresh_gate_doubting        /* throttling is on, and refusals are
                                              doubted */
} ngx_cigna_refresh_gate_e;

/*
 * The token endpoint has answered a refresh of this identity's grant, see
 * cigna_refusal_rate.h.  percent is the tenant's refused_share.  Returns a
 * state that the caller must log, but the same state at most once a minute.
 * ngx_cigna_refresh_gate_well: there is nothing to log.
 */
ngx_cigna_refresh_gate_e ngx_cigna_refresh_gate_answered(ngx_shm_zone_t *zone,
    ngx_cigna_refresh_gate_t *gate, const ngx_cigna_cache_key_t *key,
    cigna_answer_e answer, ngx_uint_t percent);

/* ms until the rate of refusals allows a refresh; looks at no other limit */
ngx_msec_t ngx_cigna_refresh_gate_refusal_wait(ngx_shm_zone_t *zone,
    ngx_cigna_refresh_gate_t *gate);

/* the permission for one refresh to begin */

typedef struct {
    cigna_turn_e             turn;
    unsigned                 probe:1;      /* 1: the refresh tests whether the
                                              endpoint answers again */
} ngx_cigna_turn_t;


/*
 * Asks whether a refresh may begin.  probe: 1 if an earlier attempt may have
 * spent the grant's refresh token, and the token endpoint at this URL has
 * answered no request since.  Such refreshes begin one at a time, with pauses,
 * to test whether the server answers again.  NGX_OK: *turn has the
 * permission.  NGX_BUSY: not yet; ask again after *wait ms.
 */
ngx_int_t ngx_cigna_refresh_gate_turn(ngx_shm_zone_t *zone,
    ngx_cigna_refresh_gate_t *gate, cigna_slice_t url, ngx_uint_t probe,
    ngx_cigna_turn_t *turn, ngx_msec_t *wait);

/* gives back the turn of a refresh that has sent nothing */
void ngx_cigna_refresh_gate_give_back(ngx_shm_zone_t *zone,
    ngx_cigna_refresh_gate_t *gate, cigna_slice_t url,
    const ngx_cigna_turn_t *turn);

/* call it when the server of this URL has sent a complete reply */
void ngx_cigna_refresh_gate_heard(ngx_shm_zone_t *zone, cigna_slice_t url);

/*
 * Fills in the state of the token endpoint of this URL, as this node knows it.
 * percent is the tenant's refused_share.  now_ms and all times of *endpoint are
 * since the epoch.
 */
void ngx_cigna_refresh_gate_endpoint(ngx_shm_zone_t *zone,
    ngx_cigna_refresh_gate_t *gate, cigna_slice_t url, ngx_uint_t percent,
    int64_t now_ms, cigna_endpoint_t *endpoint);


/*
 * The identity's refresh has failed.  No worker tries again for some seconds:
 * the cool-down.  sent: 1 if the refresh token was sent.  The cool-down grows
 * with each failure in a row for which "sent" is 1.
 */
void ngx_cigna_refresh_gate_cool(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key, ngx_uint_t sent);

/* the identity's refresh has succeeded: ends the identity's cool-down */
void ngx_cigna_refresh_gate_warm(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key);

/* ms that are left of the identity's cool-down */
ngx_msec_t ngx_cigna_refresh_gate_cooling(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key);


/* Redis has a new primary: no refresh begins before ms have passed */
void ngx_cigna_refresh_gate_be_quiet(ngx_shm_zone_t *zone, ngx_msec_t ms);

/* ms that are left of the quiet time after a change of Redis' primary */
ngx_msec_t ngx_cigna_refresh_gate_quiet(ngx_shm_zone_t *zone);

/*
 * Returns for how many ms this Redis server has been the primary.  The server
 * itself says age_ms.  The result is longer if this node has known this primary
 * for longer, see cigna_primaries.h.  If primary is 0 or age_ms is INT64_MAX
 * (not known), returns age_ms.
 */
int64_t ngx_cigna_refresh_gate_primary(ngx_shm_zone_t *zone, uint64_t primary,
    int64_t age_ms);


#endif /* _NGX_CIGNA_REFRESH_GATE_H_INCLUDED_ */
