
#ifndef _NGX_CIGNA_REDIS_PENDING_H_INCLUDED_
#define _NGX_CIGNA_REDIS_PENDING_H_INCLUDED_


#include "ngx_cigna_redis_client.h"


/* Calls that wait, until there is a connection for them or they are late. */


void ngx_cigna_redis_pending_init(ngx_cigna_redis_t *redis);

/* takes the call; it is looked at when woken, when it has rested, in the end */
void ngx_cigna_redis_pending_enter(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_call_t *call);

/* something has changed: all are looked at, after this turn of events */
void ngx_cigna_redis_pending_wake(ngx_cigna_redis_t *redis);

void ngx_cigna_redis_pending_done(ngx_cigna_redis_t *redis);


/*
 * To the node, or to where the topology says.  NGX_OK: it is taken; NGX_AGAIN:
 * it has to wait; NGX_ERROR: that is of no use.
 */
ngx_int_t ngx_cigna_redis_dispatch(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_call_t *call);


#endif /* _NGX_CIGNA_REDIS_PENDING_H_INCLUDED_ */
