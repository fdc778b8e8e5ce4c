
#ifndef _NGX_CIGNA_REDIS_CALL_H_INCLUDED_
#define _NGX_CIGNA_REDIS_CALL_H_INCLUDED_


#include "ngx_cigna_redis_cmd.h"
#include "nginx/ngx_cigna_timer.h"


/*
 * A command inside the client, from ngx_cigna_redis_start() until its handler
 * is called.  A call keeps the command's bytes, because Redis may redirect the
 * command to another server.  When the command is cancelled, the call stays,
 * because the reply still comes.
 */

typedef struct ngx_cigna_redis_node_s  ngx_cigna_redis_node_t;


typedef struct {
    ngx_queue_t              link;         /* in the list that holds the call */
    ngx_cigna_redis_cmd_t   *cmd;          /* NULL: the command was cancelled,
                                              or has no caller */

    u_char                  *text;
    size_t                   len;
    ngx_msec_t               deadline;

    /* where and when the call is sent */
    unsigned                 slot;         /* CIGNA_SLOTS: any server will do */
    ngx_cigna_redis_node_t  *node;         /* NULL: the topology chooses it */
    ngx_uint_t               tries;        /* how often the call was put back
                                              to be sent again */
    ngx_msec_t               rest_until;   /* the call is not sent before this
                                              time */

    /* while the call is in the queue of a connection */
    uint64_t                 end;          /* offset behind the command's
                                              last byte, see
                                              ngx_cigna_redis_queue.h */
    cigna_reply_t           *reply;        /* kept until "WAIT" is answered, or
                                              until a check has ended, see
                                              ngx_cigna_redis_check.h */

    unsigned                 durable:1;    /* "WAIT" is sent after the
                                              command */
    unsigned                 asking:1;     /* "ASKING" is sent before the
                                              command, in a cluster */
    unsigned                 asked:1;      /* "ASKING" was answered */
    unsigned                 reads:1;      /* the command writes nothing, so it
                                              may run twice */
    unsigned                 lost:1;       /* the connection has ended, and
                                              Redis may have run the command */
} ngx_cigna_redis_call_t;


/* the memory of a worker's calls */

typedef struct {
    ngx_pool_t              *pool;
    ngx_queue_t              unused;
} ngx_cigna_redis_calls_t;


void ngx_cigna_redis_calls_init(ngx_cigna_redis_calls_t *calls,
    ngx_pool_t *pool);

/*
 * Copies argv; timeout in ms; cmd may be NULL if the caller takes the reply
 * itself.  NULL: no memory, or too many or long arguments.
 */
ngx_cigna_redis_call_t *ngx_cigna_redis_call_create(
    ngx_cigna_redis_calls_t *calls, ngx_cigna_redis_cmd_t *cmd,
    const cigna_slice_t *argv, ngx_uint_t argc, ngx_msec_t timeout);

/*
 * Frees a call, which must not be in a list, and calls the handler unless the
 * command was cancelled.  Takes over the reply, which may be NULL.
 */
void ngx_cigna_redis_call_finish(ngx_cigna_redis_calls_t *calls,
    ngx_cigna_redis_call_t *call, cigna_ev_e outcome, cigna_reply_t *reply);

/* cancels the command and frees the call, without calling the handler */
void ngx_cigna_redis_call_destroy(ngx_cigna_redis_calls_t *calls,
    ngx_cigna_redis_call_t *call);

/* destroys all calls of the list */
void ngx_cigna_redis_calls_destroy(ngx_cigna_redis_calls_t *calls,
    ngx_queue_t *list);

/* takes the first call off the list; NULL: the list is empty */
ngx_cigna_redis_call_t *ngx_cigna_redis_call_shift(ngx_queue_t *list);

/* moves all calls of the list "from" to the end of the list "to" */
void ngx_cigna_redis_calls_move(ngx_queue_t *from, ngx_queue_t *to);

/* the call must not be sent before ms have passed */
#define ngx_cigna_redis_call_rest(call, ms)                                   \
    (call)->rest_until = ngx_current_msec + (ms)

/* ms until the call's deadline, 0 or more */
#define ngx_cigna_redis_call_left(call)  ngx_cigna_timer_left((call)->deadline)

#define ngx_cigna_redis_call_first(list)                                      \
    (ngx_queue_data(ngx_queue_head(list), ngx_cigna_redis_call_t, link))


#endif /* _NGX_CIGNA_REDIS_CALL_H_INCLUDED_ */
