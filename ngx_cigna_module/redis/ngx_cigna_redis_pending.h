
#ifndef _NGX_CIGNA_REDIS_PENDING_H_INCLUDED_
#define _NGX_CIGNA_REDIS_PENDING_H_INCLUDED_


#include <ngx_event.h>

#include "ngx_cigna_redis_call.h"


/*
 * Calls that wait for a connection, or for word of the server that they should
 * go to, until their deadline.
 */

/*
 * Tries to send a call.  NGX_OK: takes it; NGX_AGAIN: the call must wait on;
 * NGX_ERROR: waiting is of no use.
 */
typedef ngx_int_t (*ngx_cigna_redis_dispatch_pt)(void *data,
    ngx_cigna_redis_call_t *call);


typedef struct {
    /* set by the owner, all else zeroed */
    ngx_cigna_redis_calls_t      *memory;
    ngx_cigna_redis_dispatch_pt   dispatch;
    void                         *data;
    ngx_log_t                    *log;

    ngx_uint_t                    n;

    /* private */
    ngx_queue_t                   calls;
    ngx_event_t                   wake;    /* posted */
    ngx_event_t                   timer;   /* not cancelable: calls wait */
} ngx_cigna_redis_pending_t;


void ngx_cigna_redis_pending_init(ngx_cigna_redis_pending_t *pending);

/*
 * Takes a call.  It is dispatched when pending is woken, when it has rested,
 * and for the last time at its deadline.
 */
void ngx_cigna_redis_pending_enter(ngx_cigna_redis_pending_t *pending,
    ngx_cigna_redis_call_t *call);

/* something has changed: dispatches all calls, after this turn of events */
void ngx_cigna_redis_pending_wake(ngx_cigna_redis_pending_t *pending);

/* destroys the calls without calling a handler */
void ngx_cigna_redis_pending_done(ngx_cigna_redis_pending_t *pending);


#endif /* _NGX_CIGNA_REDIS_PENDING_H_INCLUDED_ */
