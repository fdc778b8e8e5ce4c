
#ifndef _NGX_CIGNA_REDIS_QUEUE_H_INCLUDED_
#define _NGX_CIGNA_REDIS_QUEUE_H_INCLUDED_


#include "ngx_cigna_redis.h"


/*
 * Bytes on their way out.  Grows as needed, is wiped when sent.
 */

typedef struct {
    u_char                   *start;
    u_char                   *pos;         /* sent up to here */
    u_char                   *last;
    u_char                   *end;
} ngx_cigna_redis_out_t;


/* appends nothing on NGX_ERROR: no memory, or bad arguments */
ngx_int_t ngx_cigna_redis_out_append(ngx_cigna_redis_out_t *out,
    const cigna_slice_t *argv, ngx_uint_t argc);

/* n bytes from pos on are gone */
void ngx_cigna_redis_out_skip(ngx_cigna_redis_out_t *out, size_t n);

void ngx_cigna_redis_out_free(ngx_cigna_redis_out_t *out);


/*
 * The commands of one connection, between start() and their replies.  Each has
 * a slot, in the order in which replies are due, and its bytes in "out" as
 * long as they have not left.  Offsets count the bytes of all commands since
 * the connection was made.
 *
 * A command is "unsent" if its last byte cannot have left, as Redis runs no
 * command of which a byte is missing, and "lost" if it may have.
 */

typedef struct {
    ngx_pool_t               *pool;
    ngx_queue_t               free;
} ngx_cigna_redis_slots_t;


typedef struct {
    ngx_cigna_redis_slots_t  *slots;       /* unused ones, of the worker */
    ngx_queue_t               pending;     /* oldest first */
    ngx_uint_t                n;

    ngx_cigna_redis_out_t     out;
    uint64_t                  queued;      /* offset of out.last */
    uint64_t                  offered;     /* what may have left, up to here */
} ngx_cigna_redis_queue_t;


void ngx_cigna_redis_queue_init(ngx_cigna_redis_queue_t *queue,
    ngx_cigna_redis_slots_t *slots);

ngx_int_t ngx_cigna_redis_queue_push(ngx_cigna_redis_queue_t *queue,
    ngx_cigna_redis_cmd_t *cmd, const cigna_slice_t *argv, ngx_uint_t argc,
    ngx_msec_t deadline);

/* a command that nobody waits for and that gets no reply of its own */
ngx_int_t ngx_cigna_redis_queue_say(ngx_cigna_redis_queue_t *queue,
    const cigna_slice_t *argv, ngx_uint_t argc);

/* the oldest one's; there must be one */
ngx_msec_t ngx_cigna_redis_queue_deadline(ngx_cigna_redis_queue_t *queue);

/* all that is in "out" may be leaving */
void ngx_cigna_redis_queue_offer(ngx_cigna_redis_queue_t *queue);

/* n bytes have left */
void ngx_cigna_redis_queue_sent(ngx_cigna_redis_queue_t *queue, size_t n);

/* takes the oldest one away; NULL if it was cancelled */
ngx_cigna_redis_cmd_t *ngx_cigna_redis_queue_pop(
    ngx_cigna_redis_queue_t *queue);

/* gives up the oldest one, of which no byte has left, and calls its handler */
void ngx_cigna_redis_queue_expire(ngx_cigna_redis_queue_t *queue);

/*
 * Gives up all.  The queue is as new before the first handler is called:
 * handlers may start commands, or cancel those whose turn has not come yet.
 */
void ngx_cigna_redis_queue_end(ngx_cigna_redis_queue_t *queue);

/* the same without handlers */
void ngx_cigna_redis_queue_destroy(ngx_cigna_redis_queue_t *queue);

/* cmd is pending: its reply will be thrown away */
void ngx_cigna_redis_queue_cancel(ngx_cigna_redis_cmd_t *cmd);


#endif /* _NGX_CIGNA_REDIS_QUEUE_H_INCLUDED_ */
