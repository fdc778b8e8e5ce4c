
#ifndef _NGX_CIGNA_REDIS_CALL_H_INCLUDED_
#define _NGX_CIGNA_REDIS_CALL_H_INCLUDED_


#include "ngx_cigna_redis_cmd.h"


/*
 * A command inside the client, from start() to its handler.  A call keeps the
 * command's bytes, because Redis may direct the command to another server.  It
 * outlives a command that is cancelled, because the reply still comes.
 */

typedef struct ngx_cigna_redis_node_s  ngx_cigna_redis_node_t;


typedef struct {
    ngx_queue_t              link;         /* in the list that has the call */
    ngx_cigna_redis_cmd_t   *cmd;          /* NULL: cancelled */

    u_char                  *text;
    size_t                   len;
    ngx_msec_t               deadline;

    /* where it goes */
    unsigned                 slot;         /* CIGNA_SLOTS: to any server */
    ngx_cigna_redis_node_t  *node;         /* NULL: where the slot is */
    ngx_uint_t               tries;
    ngx_msec_t               rest_until;   /* if resting, not sent before */

    /* while it is in the queue of a connection */
    uint64_t                 end;          /* offset of its last byte, + 1 */
    cigna_reply_t           *reply;        /* waits for that of "WAIT", or for a
                                              check */

    unsigned                 durable:1;    /* "WAIT" follows */
    unsigned                 asking:1;     /* "ASKING" goes ahead */
    unsigned                 asked:1;      /* ... and was answered */
    unsigned                 resting:1;
    unsigned                 reads:1;      /* writes nothing: may run twice */
    unsigned                 lost:1;       /* its connection has ended, and it
                                              may have run */
} ngx_cigna_redis_call_t;


/* the memory of a worker's calls */

typedef struct {
    ngx_pool_t              *pool;
    ngx_queue_t              unused;
} ngx_cigna_redis_calls_t;


void ngx_cigna_redis_calls_init(ngx_cigna_redis_calls_t *calls,
    ngx_pool_t *pool);

/* copies argv; timeout in ms; NULL: no memory, or too many or long arguments */
ngx_cigna_redis_call_t *ngx_cigna_redis_call_create(
    ngx_cigna_redis_calls_t *calls, ngx_cigna_redis_cmd_t *cmd,
    const cigna_slice_t *argv, ngx_uint_t argc, ngx_msec_t timeout);

/*
 * Ends a call that is in no list any more, and calls the handler unless the
 * command was cancelled.  Takes the reply, which may be NULL.
 */
void ngx_cigna_redis_call_finish(ngx_cigna_redis_calls_t *calls,
    ngx_cigna_redis_call_t *call, cigna_ev_e outcome, cigna_reply_t *reply);

/* the same without calling the handler */
void ngx_cigna_redis_call_destroy(ngx_cigna_redis_calls_t *calls,
    ngx_cigna_redis_call_t *call);

/* destroys all calls of the list */
void ngx_cigna_redis_calls_destroy(ngx_cigna_redis_calls_t *calls,
    ngx_queue_t *list);

/* takes the first call off the list; NULL: the list is empty */
ngx_cigna_redis_call_t *ngx_cigna_redis_call_shift(ngx_queue_t *list);

/* moves all calls of a list to the end of another one */
void ngx_cigna_redis_calls_move(ngx_queue_t *from, ngx_queue_t *to);

/* the call is sent again in ms at the earliest */
void ngx_cigna_redis_call_rest(ngx_cigna_redis_call_t *call, ngx_msec_t ms);

/* ms until its deadline, 0 or more */
ngx_msec_t ngx_cigna_redis_call_left(ngx_cigna_redis_call_t *call);


#define ngx_cigna_redis_call_first(list)                                      \
    ngx_queue_data(ngx_queue_head(list), ngx_cigna_redis_call_t, link)


#endif /* _NGX_CIGNA_REDIS_CALL_H_INCLUDED_ */
