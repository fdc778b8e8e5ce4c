
#ifndef _NGX_CIGNA_REDIS_QUEUE_H_INCLUDED_
#define _NGX_CIGNA_REDIS_QUEUE_H_INCLUDED_


#include "ngx_cigna_redis_call.h"
#include "ngx_cigna_redis_out.h"


/*
 * The calls of one connection, in the order in which replies are due, and
 * their bytes in "out" as long as they have not left.  Offsets count the bytes
 * of all calls since the connection was made.
 *
 * A call is "unsent" if its last byte cannot have left, as Redis runs no
 * command of which a byte is missing, and "lost" if it may have.
 *
 * A call may consist of up to three commands with a reply each:
 *
 *     [ASKING]  the command itself  [WAIT]
 */

typedef struct {
    ngx_queue_t              calls;        /* oldest first */
    ngx_uint_t               n;

    ngx_cigna_redis_out_t    out;
    uint64_t                 queued;       /* offset of out.last */
    uint64_t                 offered;      /* what may have left, up to here */

    unsigned                 disorder:1;   /* a deadline is before that of an
                                              older call */
} ngx_cigna_redis_queue_t;


void ngx_cigna_redis_queue_init(ngx_cigna_redis_queue_t *queue);

/* wait: the bytes of the command "WAIT", for a durable call */
ngx_int_t ngx_cigna_redis_queue_push(ngx_cigna_redis_queue_t *queue,
    ngx_cigna_redis_call_t *call, ngx_str_t *wait);

/* a command that nobody waits for and that gets no reply of its own */
ngx_int_t ngx_cigna_redis_queue_say(ngx_cigna_redis_queue_t *queue,
    const cigna_slice_t *argv, ngx_uint_t argc);

/* ms until the first deadline; there must be a call */
ngx_msec_t ngx_cigna_redis_queue_left(ngx_cigna_redis_queue_t *queue);

/* all that is in "out" may be leaving */
void ngx_cigna_redis_queue_offer(ngx_cigna_redis_queue_t *queue);

/* n bytes have left */
void ngx_cigna_redis_queue_sent(ngx_cigna_redis_queue_t *queue, size_t n);

/*
 * A reply, which is taken; there must be a call.  NULL: the oldest call wants
 * another one; else it is taken off the queue, with its reply in *reply: of a
 * durable call NULL if fewer than "replicas" have what was written.
 */
ngx_cigna_redis_call_t *ngx_cigna_redis_queue_reply(
    ngx_cigna_redis_queue_t *queue, cigna_reply_t **reply,
    ngx_uint_t replicas);

/*
 * The reply to the first one cannot be read: it is not to be made again, though
 * it may only read.
 */
void ngx_cigna_redis_queue_unread(ngx_cigna_redis_queue_t *queue);

/* moves all to the end of the list, each with its "lost", and is as new */
void ngx_cigna_redis_queue_end(ngx_cigna_redis_queue_t *queue,
    ngx_queue_t *list);


#endif /* _NGX_CIGNA_REDIS_QUEUE_H_INCLUDED_ */
