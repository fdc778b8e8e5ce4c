
#ifndef _NGX_CIGNA_REDIS_QUEUE_H_INCLUDED_
#define _NGX_CIGNA_REDIS_QUEUE_H_INCLUDED_


#include "ngx_cigna_redis_call.h"
#include "ngx_cigna_redis_out.h"


/*
 * The calls of one connection, in the order in which replies are due.  "out"
 * has the bytes that were not sent yet.  Offsets count the bytes of all
 * commands since the connection was made.
 *
 * A call is "lost" if its last byte may have been sent.  Otherwise the call is
 * "unsent": Redis does not run a command before it has all of its bytes.
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
    uint64_t                 offered;      /* bytes before this offset may have
                                              been sent */

    unsigned                 disorder:1;   /* a call is due before an older
                                              call */
} ngx_cigna_redis_queue_t;


void ngx_cigna_redis_queue_init(ngx_cigna_redis_queue_t *queue);

/*
 * Appends the call to the queue and its bytes to "out".  wait: the bytes of the
 * command WAIT, which follow the call's if the call is durable.  NGX_ERROR: no
 * memory, or too many bytes wait in "out".
 */
ngx_int_t ngx_cigna_redis_queue_push(ngx_cigna_redis_queue_t *queue,
    ngx_cigna_redis_call_t *call, ngx_str_t *wait);

/*
 * Queues a command that belongs to no call.  Its reply must not be passed to
 * ngx_cigna_redis_queue_reply().  NGX_ERROR: no memory.
 */
ngx_int_t ngx_cigna_redis_queue_say(ngx_cigna_redis_queue_t *queue,
    const cigna_slice_t *argv, ngx_uint_t argc);

/* ms until the first deadline, 0 or more; there must be a call */
ngx_msec_t ngx_cigna_redis_queue_left(ngx_cigna_redis_queue_t *queue);

/* from now on all bytes in "out" count as possibly sent */
void ngx_cigna_redis_queue_offer(ngx_cigna_redis_queue_t *queue);

/* notes that n bytes of "out" were sent */
void ngx_cigna_redis_queue_sent(ngx_cigna_redis_queue_t *queue, size_t n);

/*
 * Takes a reply; there must be a call.  NULL: the oldest call waits for another
 * reply.  Otherwise takes the oldest call off the queue and returns it, with
 * its reply in *reply.  If the call is durable and fewer than "replicas"
 * replicas have the write, *reply is NULL.
 */
ngx_cigna_redis_call_t *ngx_cigna_redis_queue_reply(
    ngx_cigna_redis_queue_t *queue, cigna_reply_t **reply,
    ngx_uint_t replicas);

/*
 * Moves all calls to the end of "list", and empties "out".  Sets "lost" in
 * each call whose command may have been sent as a whole.
 */
void ngx_cigna_redis_queue_end(ngx_cigna_redis_queue_t *queue,
    ngx_queue_t *list);


#endif /* _NGX_CIGNA_REDIS_QUEUE_H_INCLUDED_ */
