
#ifndef _NGX_CIGNA_REDIS_QUEUE_H_INCLUDED_
#define _NGX_CIGNA_REDIS_QUEUE_H_INCLUDED_


#include "ngx_cigna_redis_call.h"
#include "ngx_cigna_redis_out.h"


/*
 * The calls of one connection, in the order in which replies are due, and in
 * "out" the bytes that have not left yet.  Offsets count the bytes of all calls
 * since the connection was made.
 *
 * A call is "unsent" if its last byte cannot have left, because Redis runs no
 * command of which a byte is missing.  It is "lost" if its last byte may have
 * left.
 *
 * A call consists of up to three commands with a reply each:
 *
 *     [ASKING]  the command itself  [WAIT]
 */

typedef struct {
    ngx_queue_t              calls;        /* oldest first */
    ngx_uint_t               n;

    ngx_cigna_redis_out_t    out;
    uint64_t                 queued;       /* offset of out.last */
    uint64_t                 offered;      /* bytes before it may have left */

    unsigned                 disorder:1;   /* a call's deadline is before that
                                              of an older call */
} ngx_cigna_redis_queue_t;


void ngx_cigna_redis_queue_init(ngx_cigna_redis_queue_t *queue);

/* wait: bytes of "WAIT", for a durable call; NGX_ERROR: no memory */
ngx_int_t ngx_cigna_redis_queue_push(ngx_cigna_redis_queue_t *queue,
    ngx_cigna_redis_call_t *call, ngx_str_t *wait);

/* queues a command without a call: its reply is not waited for */
ngx_int_t ngx_cigna_redis_queue_say(ngx_cigna_redis_queue_t *queue,
    const cigna_slice_t *argv, ngx_uint_t argc);

/* ms until the first deadline, 0 or more; there must be a call */
ngx_msec_t ngx_cigna_redis_queue_left(ngx_cigna_redis_queue_t *queue);

/* from now on all bytes in "out" may have left */
void ngx_cigna_redis_queue_offer(ngx_cigna_redis_queue_t *queue);

/* n bytes have left */
void ngx_cigna_redis_queue_sent(ngx_cigna_redis_queue_t *queue, size_t n);

/*
 * Takes a reply; there must be a call.  NULL: the oldest call waits for another
 * reply.  Else returns the oldest call, taken off the queue, with its reply in
 * *reply; of a durable call *reply is NULL if fewer than "replicas" replicas
 * have the write.
 */
ngx_cigna_redis_call_t *ngx_cigna_redis_queue_reply(
    ngx_cigna_redis_queue_t *queue, cigna_reply_t **reply,
    ngx_uint_t replicas);

/*
 * The reply to the oldest call cannot be read: the call must not be sent again,
 * even if it only reads, as it would end the next connection in the same way.
 */
void ngx_cigna_redis_queue_unread(ngx_cigna_redis_queue_t *queue);

/* moves all calls to the end of the list, sets their "lost", starts anew */
void ngx_cigna_redis_queue_end(ngx_cigna_redis_queue_t *queue,
    ngx_queue_t *list);


#endif /* _NGX_CIGNA_REDIS_QUEUE_H_INCLUDED_ */
