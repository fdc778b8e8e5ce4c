
#include "ngx_cigna_redis_lookup.h"
#include "ngx_cigna_redis_map.h"


/*
 * Several primaries, each with some of the slots.
 *
 * The map tells the server of each slot.  Where the map is out of date, servers
 * redirect commands.  "MOVED" corrects the map at once, and the client fetches
 * a new map.  "ASK" is for one command only.  The client follows a redirection
 * only to a server that the map names, because the client sends its password
 * there.  Until a map names the server, the command waits and is tried again.
 *
 * The client also fetches a new map when something is wrong with a server, and
 * at intervals.  It asks servers that are ready first, then the others, then
 * the configured ones.
 *
 * If a slot has no server, or its server is down, a replica may soon take over.
 * So calls for the slot wait until the client has asked for a new map.
 */


#define NGX_CIGNA_REDIS_CLUSTER_IDLE   15000 /* ms between two questions for the
                                                map */
#define NGX_CIGNA_REDIS_CLUSTER_REST   25    /* ms before a call is sent
                                                again */
#define NGX_CIGNA_REDIS_CLUSTER_MOVES  4     /* redirections that a call follows
                                                at once; then it rests */


typedef struct {
    ngx_cigna_redis_map_t       map;
    ngx_cigna_redis_lookup_t    lookup;
    ngx_msec_t                  said;         /* when a redirection to an
                                                 unknown server was last
                                                 logged */
    unsigned                    known:1;      /* a server has given a map */
} ngx_cigna_redis_cluster_t;


static ngx_int_t
ngx_cigna_redis_cluster_route(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_call_t *call, ngx_cigna_redis_node_t **node)
{
    ngx_cigna_redis_cluster_t  *cl = redis->topology_data;

    *node = (call->slot < CIGNA_SLOTS) ? cl->map[call->slot]
                                       : ngx_cigna_redis_map_any(redis);

    if (*node) {
        return NGX_OK;
    }

    if (cl->known) {
        ngx_cigna_redis_call_rest(call, NGX_CIGNA_REDIS_CLUSTER_REST);

    } else if (cl->lookup.failed) {
        return NGX_ERROR;
    }

    ngx_cigna_redis_lookup_soon(&cl->lookup);

    return NGX_AGAIN;
}


/*
 * Logs a redirection to a server that the cluster's slot map does not name.
 * That server may be a new primary, which the next map will name, or a server
 * outside of the cluster.
 */

static void
ngx_cigna_redis_cluster_stranger(ngx_cigna_redis_node_t *node,
    cigna_server_t *server)
{
    ngx_cigna_redis_cluster_t  *cl = node->redis->topology_data;

    if (!ngx_cigna_log_due(&cl->said)) {
        return;
    }

    ngx_log_error(NGX_LOG_WARN, ngx_cigna_redis_log(node->redis), 0,
                  "redis \"%V\" redirects to \"%*s:%ui\", which is not in the "
                  "map of the cluster: it is not asked before a map names it",
                  &ngx_cigna_redis_node_origin(node)->name,
                  server->host.len, server->host.data,
                  (ngx_uint_t) server->port);
}


static ngx_int_t
ngx_cigna_redis_cluster_redirect(ngx_cigna_redis_node_t *node,
    ngx_cigna_redis_call_t *call, cigna_redirect_t *r)
{
    ngx_cigna_redis_node_t     *to;
    ngx_cigna_redis_cluster_t  *cl = node->redis->topology_data;

    to = ngx_cigna_redis_node_find(node->redis, &r->server,
                                   ngx_cigna_redis_node_origin(node));

    if (to == NULL || !to->listed) {
        ngx_cigna_redis_cluster_stranger(node, &r->server);
        ngx_cigna_redis_call_rest(call, NGX_CIGNA_REDIS_CLUSTER_REST);
        ngx_cigna_redis_lookup_soon(&cl->lookup);

        return NGX_AGAIN;
    }

    if (r->type == cigna_redirect_ask) {
        call->node = to;
        call->asking = 1;

    } else {
        cl->map[r->slot] = to;

        if (to->slot == CIGNA_MARKER_NO_SLOT) {
            to->slot = r->slot;
        }

        ngx_cigna_redis_lookup_soon(&cl->lookup);
    }

    if (call->tries > NGX_CIGNA_REDIS_CLUSTER_MOVES) {

        /* two servers may be redirecting to each other */

        ngx_cigna_redis_call_rest(call, NGX_CIGNA_REDIS_CLUSTER_REST);
    }

    return NGX_AGAIN;
}


static ngx_int_t
ngx_cigna_redis_cluster_answered(ngx_cigna_redis_node_t *node,
    ngx_cigna_redis_call_t *call, cigna_reply_t *reply)
{
    cigna_redirect_t  r;

    if (cigna_cluster_redirect(reply, &r) == cigna_redirect_none
        && cigna_reply_is_readonly(reply))
    {
        r.type = cigna_redirect_wait;
    }

    call->node = NULL;
    call->asking = 0;

    switch (r.type) {

    case cigna_redirect_moved:
    case cigna_redirect_ask:
        return ngx_cigna_redis_cluster_redirect(node, call, &r);

    case cigna_redirect_wait:

        ngx_cigna_redis_call_rest(call, NGX_CIGNA_REDIS_CLUSTER_REST);

        if (!cigna_reply_is_error(reply, "TRYAGAIN")) {
            ngx_cigna_redis_lookup_soon(node->redis->lookup);
        }

        return NGX_AGAIN;

    default:
        return NGX_OK;
    }
}


static ngx_uint_t
ngx_cigna_redis_cluster_trouble(ngx_cigna_redis_node_t *node)
{
    ngx_cigna_redis_cluster_t  *cl = node->redis->topology_data;

    if (node->shifts) {

        /* the node's slot is moving away: check another slot's marker */

        ngx_cigna_redis_map_shift(cl->map, node);
    }

    ngx_cigna_redis_lookup_soon(&cl->lookup);

    return 1;
}


/* any server will do: a cluster passes published messages on to all servers */

static ngx_cigna_origin_t *
ngx_cigna_redis_cluster_origin(ngx_cigna_redis_t *redis)
{
    ngx_uint_t               n;
    ngx_cigna_origin_t      *origin;
    ngx_cigna_redis_node_t  *node;
    ngx_cigna_redis_conf_t  *conf;

    n = 0;
    origin = NULL;

    ngx_cigna_redis_each_node(redis, node) {

        if (node->nslots && !node->down
            && (ngx_uint_t) ngx_random() % ++n == 0)
        {
            origin = node->origins;
        }
    }

    if (origin == NULL) {
        conf = redis->shared.conf;
        origin = &conf->origins[(ngx_uint_t) ngx_random() % conf->norigins];

        ngx_cigna_redis_lookup_soon(redis->lookup);
    }

    return origin;
}


/*
 * Adds servers of the map to the servers to ask, a random one first.  ready: 1
 * for the servers with a ready connection, 0 for the others.  Leaves half of
 * the places for the configured servers.
 */

static void
ngx_cigna_redis_cluster_listed(ngx_cigna_redis_lookup_t *lookup,
    ngx_uint_t ready)
{
    ngx_uint_t               i, n, first;
    ngx_cigna_origin_t      *swap;
    ngx_cigna_redis_node_t  *node;

    first = lookup->n;

    ngx_cigna_redis_each_node(lookup->redis, node) {

        if (node->listed && lookup->n < NGX_CIGNA_REDIS_LOOKUP_MAX / 2
            && ngx_cigna_redis_node_ready(node) == ready)
        {
            lookup->origins[lookup->n++] = node->origins;
        }
    }

    n = lookup->n - first;

    if (n > 1) {
        i = first + (ngx_uint_t) ngx_random() % n;

        swap = lookup->origins[i];
        lookup->origins[i] = lookup->origins[first];
        lookup->origins[first] = swap;
    }
}


static void
ngx_cigna_redis_cluster_servers(ngx_cigna_redis_lookup_t *lookup)
{
    ngx_cigna_redis_cluster_listed(lookup, 1);
    ngx_cigna_redis_cluster_listed(lookup, 0);

    ngx_cigna_redis_lookup_seeds(lookup, (ngx_uint_t) ngx_random());
}


static ngx_int_t
ngx_cigna_redis_cluster_answer(ngx_cigna_redis_t *redis,
    cigna_reply_t *reply, ngx_cigna_origin_t *origin)
{
    ngx_cigna_redis_cluster_t  *cl = redis->topology_data;

    if (ngx_cigna_redis_map_read(redis, cl->map, reply, origin) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (!cl->known) {
        ngx_log_error(NGX_LOG_INFO, ngx_cigna_redis_log(redis), 0,
                      "redis \"%V\" has told the slots of the cluster",
                      &origin->name);
    }

    cl->known = 1;

    return NGX_OK;
}


/*
 * The servers were asked for a map, so calls to servers that are down wait no
 * longer.  Returns 1 if no server with slots is down.
 */

static ngx_uint_t
ngx_cigna_redis_cluster_settle(ngx_cigna_redis_t *redis)
{
    ngx_uint_t               well;
    ngx_cigna_redis_node_t  *node;

    well = 1;

    ngx_cigna_redis_each_node(redis, node) {
        node->hope = 0;

        if (node->nslots && node->down) {
            well = 0;
        }
    }

    return well;
}


static ngx_int_t
ngx_cigna_redis_cluster_init(ngx_cigna_redis_t *redis)
{
    ngx_cigna_redis_lookup_t   *lookup;
    ngx_cigna_redis_cluster_t  *cl;

    cl = ngx_pcalloc(redis->pool, sizeof(ngx_cigna_redis_cluster_t));
    if (cl == NULL) {
        return NGX_ERROR;
    }

    redis->topology_data = cl;

    lookup = &cl->lookup;

    lookup->redis = redis;
    lookup->login = &redis->shared.conf->login;
    lookup->what = "the slots of the cluster";
    lookup->idle = NGX_CIGNA_REDIS_CLUSTER_IDLE;
    lookup->servers = ngx_cigna_redis_cluster_servers;
    lookup->answer = ngx_cigna_redis_cluster_answer;
    lookup->settle = ngx_cigna_redis_cluster_settle;

    lookup->argv[0] = cigna_slice("CLUSTER");
    lookup->argv[1] = cigna_slice("SLOTS");
    lookup->argc = 2;

    ngx_cigna_redis_lookup_init(lookup);

    return NGX_OK;
}


const ngx_cigna_redis_topology_t  ngx_cigna_redis_topology_cluster = {
    .init = ngx_cigna_redis_cluster_init,
    .route = ngx_cigna_redis_cluster_route,
    .answered = ngx_cigna_redis_cluster_answered,
    .trouble = ngx_cigna_redis_cluster_trouble,
    .origin = ngx_cigna_redis_cluster_origin
};
