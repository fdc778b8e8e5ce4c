
#ifndef _NGX_CIGNA_REDIS_SUBSCRIBER_H_INCLUDED_
#define _NGX_CIGNA_REDIS_SUBSCRIBER_H_INCLUDED_


#include "ngx_cigna_redis_cmd.h"


typedef struct ngx_cigna_redis_subscriber_s  ngx_cigna_redis_subscriber_t;

typedef void (*ngx_cigna_redis_up_pt)(void *data);
typedef void (*ngx_cigna_redis_message_pt)(void *data, cigna_slice_t message);


/*
 * Subscribes to a channel, over a connection of its own, until the client is
 * destroyed.  The connection is made again when it ends or when nothing was
 * heard for ten seconds.  Calls "up" after each subscription: messages that
 * were published before may have been missed.  Calls "handler" with each
 * message, borrowed.  Nothing is called before this function has returned, and
 * no timer keeps an exiting worker alive.  Copies the channel's name.  NULL: no
 * memory.
 */
ngx_cigna_redis_subscriber_t *ngx_cigna_redis_subscribe(
    ngx_cigna_redis_t *redis, ngx_str_t *channel, ngx_cigna_redis_up_pt up,
    ngx_cigna_redis_message_pt handler, void *data);

/* another server is the primary: all subscribe there from now on */
void ngx_cigna_redis_subscribers_move(ngx_cigna_redis_t *redis);

/* closes all, in exit_process */
void ngx_cigna_redis_subscribers_destroy(ngx_cigna_redis_t *redis);


#endif /* _NGX_CIGNA_REDIS_SUBSCRIBER_H_INCLUDED_ */
