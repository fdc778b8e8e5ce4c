
#ifndef _NGX_CIGNA_EXCHANGES_H_INCLUDED_
#define _NGX_CIGNA_EXCHANGES_H_INCLUDED_


#include "gateway/ngx_cigna_conf.h"


/*
 * How many exchanges a worker may have open.  Each has a connection and the
 * memory of a run, and a token endpoint that does not answer holds them for
 * minutes: an origin has at most a quarter of worker_connections, all origins
 * together have half.  One eighth of either is left to dances.
 */

typedef struct ngx_cigna_seats_s  ngx_cigna_seats_t;

typedef enum {
    ngx_cigna_seat_refresh = 0,
    ngx_cigna_seat_dance
} ngx_cigna_seat_e;


/* what is asked to come again is asked to come after so many seconds */

#define NGX_CIGNA_SEAT_RETRY_S  5


/*
 * Takes a seat at the origin of the tenant's token endpoint, which may not be
 * known yet.  *seat is NULL, or a seat that was taken before: one of the same
 * origin is kept, another one is given back first.  NGX_BUSY: none is free,
 * which is counted and logged.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_cigna_seat_take(ngx_cigna_worker_t *worker,
    ngx_cigna_tenant_t *tenant, ngx_cigna_seat_e kind,
    ngx_cigna_seats_t **seat);

/* gives it back, and sets *seat to NULL; idempotent */
void ngx_cigna_seat_give(ngx_cigna_worker_t *worker,
    ngx_cigna_seats_t **seat);


#endif /* _NGX_CIGNA_EXCHANGES_H_INCLUDED_ */
