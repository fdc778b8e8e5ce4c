
#ifndef _NGX_CIGNA_CACHE_LISTENER_H_INCLUDED_
#define _NGX_CIGNA_CACHE_LISTENER_H_INCLUDED_


#include "gateway/ngx_cigna_conf.h"


/*
 * Subscribes to the Redis channel of invalidations, in one worker of the node,
 * and applies its messages to the node's cache.  To be called in init_process,
 * after the Redis client was made.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_cigna_cache_listener_init(ngx_cigna_main_conf_t *mcf);


#endif /* _NGX_CIGNA_CACHE_LISTENER_H_INCLUDED_ */
