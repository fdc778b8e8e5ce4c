
#ifndef _NGX_CIGNA_SEATS_H_INCLUDED_
#define _NGX_CIGNA_SEATS_H_INCLUDED_


#include "gateway/ngx_cigna_conf.h"


/*
 * Limits the exchanges that a worker has open.  An exchange sends a code or a
 * refresh token to a token endpoint.  An open exchange holds a connection and
 * the memory of a run, for minutes if the endpoint does not answer.
 *
 * Each open exchange takes a seat.  The seats of one origin are a quarter of
 * worker_connections, and those of all origins together are half of it.  One
 * eighth of both numbers is only for dances.
 */

typedef struct ngx_cigna_seats_s  ngx_cigna_seats_t;

typedef enum {
    ngx_cigna_seat_refresh = 0,
    ngx_cigna_seat_dance
} ngx_cigna_seat_e;


/* seconds of Retry-After for a request that does not get a seat */

#define NGX_CIGNA_SEAT_RETRY_S  5


/*
 * Takes a seat (a place for one open exchange) at the origin of the tenant's
 * token endpoint.  All unknown endpoints count as one origin.  *seat is NULL,
 * or a seat that was taken before: the function keeps that seat if it belongs
 * to the same origin, and otherwise gives it back.  NGX_BUSY: no seat is free,
 * which is counted and logged.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_cigna_seat_take(ngx_cigna_worker_t *worker,
    ngx_cigna_tenant_t *tenant, ngx_cigna_seat_e kind,
    ngx_cigna_seats_t **seat);

/* gives the seat back and sets *seat to NULL; may be called twice */
void ngx_cigna_seat_give(ngx_cigna_worker_t *worker, ngx_cigna_seats_t **seat);


#endif /* _NGX_CIGNA_SEATS_H_INCLUDED_ */
