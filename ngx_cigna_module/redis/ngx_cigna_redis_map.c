
#include "ngx_cigna_redis_map.h"


static ngx_uint_t ngx_cigna_redis_map_usable(cigna_reply_t *reply);
static void ngx_cigna_redis_map_range(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_map_t map, cigna_cluster_range_t *range,
    ngx_cigna_origin_t *origin);
static void ngx_cigna_redis_map_leave(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_map_t map);


ngx_int_t
ngx_cigna_redis_map_read(ngx_cigna_redis_t *redis, ngx_cigna_redis_map_t map,
    cigna_reply_t *reply, ngx_cigna_origin_t *origin)
{
    size_t                   i;
    cigna_cluster_range_t    range;
    ngx_cigna_redis_node_t  *node;

    if (!ngx_cigna_redis_map_usable(reply)) {
        return NGX_DECLINED;
    }

    ngx_memzero(map, sizeof(ngx_cigna_redis_map_t));

    ngx_cigna_redis_each_node(redis, node) {

        node->listed = 0;
        node->nslots = 0;
    }

    for (i = 0; i < cigna_reply_count(reply); i++) {

        if (cigna_cluster_range(reply, i, &range) == CIGNA_OK) {
            ngx_cigna_redis_map_range(redis, map, &range, origin);
        }
    }

    ngx_cigna_redis_map_leave(redis, map);

    return NGX_OK;
}


/* 1 if the reply names a server for at least one slot */

static ngx_uint_t
ngx_cigna_redis_map_usable(cigna_reply_t *reply)
{
    size_t                 i;
    cigna_server_t         server;
    cigna_cluster_range_t  range;

    for (i = 0; i < cigna_reply_count(reply); i++) {

        if (cigna_cluster_range(reply, i, &range) == CIGNA_OK
            && cigna_cluster_server(&range, 0, &server) == CIGNA_OK)
        {
            return 1;
        }
    }

    return 0;
}


static void
ngx_cigna_redis_map_range(ngx_cigna_redis_t *redis, ngx_cigna_redis_map_t map,
    cigna_cluster_range_t *range, ngx_cigna_origin_t *origin)
{
    int                      rc;
    size_t                   i;
    unsigned                 slot;
    cigna_server_t           server;
    ngx_cigna_redis_node_t  *node;

    for (i = 0; ; i++) {
        rc = cigna_cluster_server(range, i, &server);

        if (rc == CIGNA_NONE) {
            return;
        }

        node = (rc == CIGNA_OK)
               ? ngx_cigna_redis_node_get(redis, &server, origin) : NULL;

        if (node == NULL) {
            continue;
        }

        node->listed = 1;

        /* a replica has no slots, but can be asked for maps */

        for (slot = range->first; i == 0 && slot <= range->last; slot++) {
            map[slot] = node;
            node->nslots++;
        }
    }
}


/*
 * Closes the connections to nodes without slots.  Each other node keeps the
 * slot whose marker its checks read, or gets one of its own slots.
 */

static void
ngx_cigna_redis_map_leave(ngx_cigna_redis_t *redis, ngx_cigna_redis_map_t map)
{
    ngx_cigna_redis_node_t  *node;

    ngx_cigna_redis_each_node(redis, node) {

        if (node->nslots == 0) {
            ngx_cigna_redis_node_leave(node);
            node->slot = CIGNA_MARKER_NO_SLOT;

        } else if (node->slot == CIGNA_MARKER_NO_SLOT
                   || map[node->slot] != node)
        {
            ngx_cigna_redis_map_shift(map, node);
        }
    }
}


void
ngx_cigna_redis_map_shift(ngx_cigna_redis_map_t map,
    ngx_cigna_redis_node_t *node)
{
    ngx_uint_t  i, slot;

    for (i = 1; i <= CIGNA_SLOTS; i++) {
        slot = (node->slot + i) % CIGNA_SLOTS;

        if (map[slot] == node) {
            node->slot = slot;
            return;
        }
    }
}


ngx_cigna_redis_node_t *
ngx_cigna_redis_map_any(ngx_cigna_redis_t *redis)
{
    ngx_cigna_redis_node_t  *node, *any;

    any = NULL;

    ngx_cigna_redis_each_node(redis, node) {

        if (node->nslots == 0) {
            continue;
        }

        if (ngx_cigna_redis_node_ready(node)) {
            return node;
        }

        if (any == NULL || any->down) {
            any = node;
        }
    }

    return any;
}
