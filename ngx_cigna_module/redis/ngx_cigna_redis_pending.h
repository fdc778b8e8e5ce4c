
#ifndef _NGX_CIGNA_REDIS_PENDING_H_INCLUDED_
#define _NGX_CIGNA_REDIS_PENDING_H_INCLUDED_


#include "ngx_cigna_redis_call.h"


/*
 * Calls that cannot be sent yet.  Such a call waits for a connection, for the
 * topology to find its server, or for the time in its field rest_until.  It
 * waits until its deadline at most.
 */

/*
 * Tries to send a call.  NGX_OK: the function has taken the call.  NGX_AGAIN:
 * the call must wait longer.  NGX_ERROR: the call cannot be sent.
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
    ngx_event_t                   wake;    /* posted to dispatch all calls */
    ngx_event_t                   timer;   /* keeps an exiting worker alive
                                              while calls wait */
} ngx_cigna_redis_pending_t;


void ngx_cigna_redis_pending_init(ngx_cigna_redis_pending_t *pending);

/*
 * Takes a call.  The call is dispatched when "pending" is woken, at the call's
 * rest_until, and for the last time at its deadline.
 */
void ngx_cigna_redis_pending_enter(ngx_cigna_redis_pending_t *pending,
    ngx_cigna_redis_call_t *call);

/* call this after a change, such as a new connection: tries all calls again */
void ngx_cigna_redis_pending_wake(ngx_cigna_redis_pending_t *pending);

/* destroys the calls without calling a handler */
void ngx_cigna_redis_pending_done(ngx_cigna_redis_pending_t *pending);


#endif /* _NGX_CIGNA_REDIS_PENDING_H_INCLUDED_ */
