
#ifndef _NGX_CIGNA_REDIS_TOPOLOGY_H_INCLUDED_
#define _NGX_CIGNA_REDIS_TOPOLOGY_H_INCLUDED_


#include "ngx_cigna_redis_client.h"


/* one primary, which is configured */
extern const ngx_cigna_redis_topology_t  ngx_cigna_redis_topology_standalone;

/* one primary, which Sentinels name */
extern const ngx_cigna_redis_topology_t  ngx_cigna_redis_topology_sentinel;

/* several primaries, each with some of the slots */
extern const ngx_cigna_redis_topology_t  ngx_cigna_redis_topology_cluster;


#endif /* _NGX_CIGNA_REDIS_TOPOLOGY_H_INCLUDED_ */
