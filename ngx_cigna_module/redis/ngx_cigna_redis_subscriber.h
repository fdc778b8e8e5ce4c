
#ifndef _NGX_CIGNA_REDIS_SUBSCRIBER_H_INCLUDED_
#define _NGX_CIGNA_REDIS_SUBSCRIBER_H_INCLUDED_


#include "ngx_cigna_redis_cmd.h"


typedef void (*ngx_cigna_redis_up_pt)(void *data);
typedef void (*ngx_cigna_redis_message_pt)(void *data, cigna_slice_t message);


/*
 * Subscribes to a channel, over a separate connection, until the client is
 * destroyed.  A client has one subscriber at most.  Connects again when the
 * connection ends, or is silent for seven to ten seconds.  Calls "up" after
 * each subscription, because messages that were published before may have been
 * missed.  Calls "handler" with each message, which is valid during the call.
 * Calls neither of the two before this function has returned.  The subscriber's
 * timers let an exiting worker end.  Copies the channel's name.  NGX_ERROR: no
 * memory.
 */
ngx_int_t ngx_cigna_redis_subscribe(ngx_cigna_redis_t *redis,
    ngx_str_t *channel, ngx_cigna_redis_up_pt up,
    ngx_cigna_redis_message_pt handler, void *data);

/* the primary has changed: the subscriber, if any, connects to the new one */
void ngx_cigna_redis_subscriber_move(ngx_cigna_redis_t *redis);

/* closes the subscriber's connection, if any, in exit_process */
void ngx_cigna_redis_subscriber_done(ngx_cigna_redis_t *redis);


#endif /* _NGX_CIGNA_REDIS_SUBSCRIBER_H_INCLUDED_ */
