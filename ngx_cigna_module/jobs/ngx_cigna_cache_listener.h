
#ifndef _NGX_CIGNA_CACHE_LISTENER_H_INCLUDED_
#define _NGX_CIGNA_CACHE_LISTENER_H_INCLUDED_


#include "gateway/ngx_cigna_conf.h"


/*
 * Listens, in one worker of the node, to what other nodes have written, and
 * keeps the cache to it.  In init_process, with Redis made; NGX_ERROR: no
 * memory.
 */
ngx_int_t ngx_cigna_cache_listener_init(ngx_cigna_main_conf_t *mcf);


#endif /* _NGX_CIGNA_CACHE_LISTENER_H_INCLUDED_ */
