
#ifndef _NGX_CIGNA_REDIS_SUBSCRIBER_H_INCLUDED_
#define _NGX_CIGNA_REDIS_SUBSCRIBER_H_INCLUDED_


#include "ngx_cigna_redis_client.h"


/* what ngx_cigna_redis_subscribe() has made */

/* the primary is another one: they listen there from now on */
void ngx_cigna_redis_subscribers_move(ngx_cigna_redis_t *redis);

/* closes all, in exit_process */
void ngx_cigna_redis_subscribers_destroy(ngx_cigna_redis_t *redis);


#endif /* _NGX_CIGNA_REDIS_SUBSCRIBER_H_INCLUDED_ */
