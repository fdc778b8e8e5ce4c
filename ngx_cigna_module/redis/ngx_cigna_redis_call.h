
#ifndef _NGX_CIGNA_REDIS_CALL_H_INCLUDED_
#define _NGX_CIGNA_REDIS_CALL_H_INCLUDED_


#include "ngx_cigna_redis.h"


/*
 * A command between start() and its handler.  It has the command as bytes,
 * since these may have to be sent again, to whom Redis says, and outlives a
 * command that is cancelled, as the reply still comes.
 */

typedef struct ngx_cigna_redis_node_s  ngx_cigna_redis_node_t;


typedef struct {
    ngx_queue_t              link;         /* of whoever has it */
    ngx_cigna_redis_cmd_t   *cmd;          /* NULL: cancelled */

    u_char                  *text;
    size_t                   len;
    ngx_msec_t               deadline;

    /* where it goes */
    unsigned                 slot;         /* CIGNA_SLOTS: anywhere */
    ngx_cigna_redis_node_t  *node;         /* there and nowhere else */
    ngx_uint_t               tries;
    ngx_msec_t               rest_by;      /* if resting, not before */

    /* while it is in the queue of a connection */
    uint64_t                 end;          /* offset of its last byte, + 1 */
    cigna_reply_t           *reply;        /* until that of "WAIT" is there */

    unsigned                 durable:1;    /* "WAIT" follows */
    unsigned                 asking:1;     /* "ASKING" goes ahead */
    unsigned                 asked:1;      /* ... and was answered */
    unsigned                 resting:1;
    unsigned                 reads:1;      /* only: may be made again */
    unsigned                 lost:1;       /* on the way back: may have run */
} ngx_cigna_redis_call_t;


/* of a worker: those that are not in use */

typedef struct {
    ngx_pool_t              *pool;
    ngx_queue_t              unused;
} ngx_cigna_redis_calls_t;


void ngx_cigna_redis_calls_init(ngx_cigna_redis_calls_t *calls,
    ngx_pool_t *pool);

/* argv is copied; NULL: no memory, or bad arguments */
ngx_cigna_redis_call_t *ngx_cigna_redis_call_create(
    ngx_cigna_redis_calls_t *calls, ngx_cigna_redis_cmd_t *cmd,
    const cigna_slice_t *argv, ngx_uint_t argc, ngx_msec_t timeout);

/*
 * The end of a call that is in no list any more: calls the handler, if there
 * still is somebody to hear it.  Takes the reply, which may be NULL.
 */
void ngx_cigna_redis_call_finish(ngx_cigna_redis_calls_t *calls,
    ngx_cigna_redis_call_t *call, cigna_ev_e outcome, cigna_reply_t *reply);

/* the same without a handler */
void ngx_cigna_redis_call_destroy(ngx_cigna_redis_calls_t *calls,
    ngx_cigna_redis_call_t *call);

/* ms until its deadline, never below 0 */
ngx_msec_t ngx_cigna_redis_call_left(ngx_cigna_redis_call_t *call);


#define ngx_cigna_redis_call_first(head)                                      \
    ngx_queue_data(ngx_queue_head(head), ngx_cigna_redis_call_t, link)


#endif /* _NGX_CIGNA_REDIS_CALL_H_INCLUDED_ */
