
#ifndef _NGX_CIGNA_REDIS_TOPOLOGY_H_INCLUDED_
#define _NGX_CIGNA_REDIS_TOPOLOGY_H_INCLUDED_


#include "ngx_cigna_redis_client.h"


/* one primary, which is one of the seeds */
extern const ngx_cigna_redis_topology_t  ngx_cigna_redis_topology_standalone;

/* one primary, which Sentinels know */
extern const ngx_cigna_redis_topology_t  ngx_cigna_redis_topology_sentinel;

/* several primaries, each with some of the slots */
extern const ngx_cigna_redis_topology_t  ngx_cigna_redis_topology_cluster;


#endif /* _NGX_CIGNA_REDIS_TOPOLOGY_H_INCLUDED_ */
