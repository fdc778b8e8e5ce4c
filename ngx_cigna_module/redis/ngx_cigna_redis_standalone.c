
#include "ngx_cigna_redis_node.h"


static ngx_int_t
ngx_cigna_redis_standalone_init(ngx_cigna_redis_t *redis)
{
    ngx_cigna_redis_conf_t  *conf = redis->shared.conf;

    redis->topology_data = ngx_cigna_redis_node_create(redis, conf->origins,
                                                       conf->norigins);

    return redis->topology_data ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_cigna_redis_standalone_route(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_call_t *call, ngx_cigna_redis_node_t **node)
{
    *node = redis->topology_data;

    return NGX_OK;
}


static ngx_cigna_origin_t *
ngx_cigna_redis_standalone_origin(ngx_cigna_redis_t *redis)
{
    return ngx_cigna_redis_node_origin(redis->topology_data);
}


const ngx_cigna_redis_topology_t  ngx_cigna_redis_topology_standalone = {
    .init = ngx_cigna_redis_standalone_init,
    .route = ngx_cigna_redis_standalone_route,
    .origin = ngx_cigna_redis_standalone_origin
};
