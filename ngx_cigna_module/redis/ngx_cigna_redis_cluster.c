
#include "ngx_cigna_redis_topology.h"
#include "ngx_cigna_redis_lookup.h"
#include "ngx_cigna_redis_map.h"


/*
 * Several primaries, each with some of the slots.
 *
 * Commands go where the map says.  Where the map is out of date, servers
 * redirect: "MOVED" corrects the map at once, and a new map is fetched; "ASK"
 * is for one command.  A redirection counts only if the map names that server,
 * with any slots or none, for the client sends its password there: a reply to
 * a command is not enough for that.  Until a map names the server, the command
 * waits and is tried again.
 *
 * A new map is also fetched when something is wrong with a server, and now and
 * then.  Any server may be asked for it: first those that are well, then the
 * others, then the seeds.
 *
 * A slot without a server, or one whose server is down, may get another server
 * soon, when a replica takes over: calls wait for one new map.
 */


#define NGX_CIGNA_REDIS_CLUSTER_IDLE   15000 /* ms between two maps */
#define NGX_CIGNA_REDIS_CLUSTER_REST   25    /* of a call that must wait */
#define NGX_CIGNA_REDIS_CLUSTER_MOVES  4     /* of a call, without rest */
#define NGX_CIGNA_REDIS_CLUSTER_SAY    60000 /* between two log lines */


typedef struct {
    ngx_cigna_redis_map_t       map;
    ngx_cigna_redis_lookup_t    lookup;
    ngx_msec_t                  said;         /* when a stranger was logged */
    unsigned                    known:1;      /* there was a map */
    unsigned                    lost:1;       /* no server has a map */
    unsigned                    strange:1;    /* said is set */
} ngx_cigna_redis_cluster_t;


static ngx_int_t ngx_cigna_redis_cluster_init(ngx_cigna_redis_t *redis);
static ngx_int_t ngx_cigna_redis_cluster_route(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_call_t *call, ngx_cigna_redis_node_t **node);
static ngx_int_t ngx_cigna_redis_cluster_answered(
    ngx_cigna_redis_node_t *node, ngx_cigna_redis_call_t *call,
    cigna_reply_t *reply);
static ngx_int_t ngx_cigna_redis_cluster_redirect(
    ngx_cigna_redis_node_t *node, ngx_cigna_redis_call_t *call,
    cigna_redirect_t *r);
static void ngx_cigna_redis_cluster_stranger(ngx_cigna_redis_node_t *node,
    cigna_server_t *server);
static ngx_uint_t ngx_cigna_redis_cluster_trouble(
    ngx_cigna_redis_node_t *node);
static ngx_cigna_origin_t *ngx_cigna_redis_cluster_origin(
    ngx_cigna_redis_t *redis);
static void ngx_cigna_redis_cluster_servers(ngx_cigna_redis_lookup_t *lookup);
static void ngx_cigna_redis_cluster_listed(ngx_cigna_redis_lookup_t *lookup,
    ngx_uint_t ready);
static ngx_int_t ngx_cigna_redis_cluster_answer(ngx_cigna_redis_t *redis,
    cigna_reply_t *reply, ngx_cigna_origin_t *origin);
static void ngx_cigna_redis_cluster_over(ngx_cigna_redis_t *redis,
    ngx_int_t rc);
static ngx_uint_t ngx_cigna_redis_cluster_settle(ngx_cigna_redis_t *redis);
static void ngx_cigna_redis_cluster_done(ngx_cigna_redis_t *redis);


const ngx_cigna_redis_topology_t  ngx_cigna_redis_topology_cluster = {
    ngx_cigna_redis_cluster_init,
    ngx_cigna_redis_cluster_route,
    ngx_cigna_redis_cluster_answered,
    ngx_cigna_redis_cluster_trouble,
    ngx_cigna_redis_cluster_origin,
    ngx_cigna_redis_cluster_done
};


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
    lookup->servers = ngx_cigna_redis_cluster_servers;
    lookup->answer = ngx_cigna_redis_cluster_answer;
    lookup->over = ngx_cigna_redis_cluster_over;

    lookup->argv[0] = cigna_slice("CLUSTER");
    lookup->argv[1] = cigna_slice("SLOTS");
    lookup->argc = 2;

    ngx_cigna_redis_lookup_init(lookup);

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_redis_cluster_route(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_call_t *call, ngx_cigna_redis_node_t **node)
{
    ngx_cigna_redis_cluster_t  *cl;

    cl = redis->topology_data;

    if (call->slot < CIGNA_SLOTS) {
        *node = cl->map[call->slot];

    } else {
        *node = ngx_cigna_redis_map_any(redis);
    }

    if (*node) {
        return NGX_OK;
    }

    if (cl->lost) {
        return NGX_ERROR;
    }

    if (cl->known) {
        ngx_cigna_redis_call_rest(call, NGX_CIGNA_REDIS_CLUSTER_REST);
    }

    ngx_cigna_redis_lookup_soon(&cl->lookup);

    return NGX_AGAIN;
}


static ngx_int_t
ngx_cigna_redis_cluster_answered(ngx_cigna_redis_node_t *node,
    ngx_cigna_redis_call_t *call, cigna_reply_t *reply)
{
    cigna_redirect_t            r;
    ngx_cigna_redis_cluster_t  *cl;

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
            cl = node->redis->topology_data;
            ngx_cigna_redis_lookup_soon(&cl->lookup);
        }

        return NGX_AGAIN;

    default:
        return NGX_OK;
    }
}


static ngx_int_t
ngx_cigna_redis_cluster_redirect(ngx_cigna_redis_node_t *node,
    ngx_cigna_redis_call_t *call, cigna_redirect_t *r)
{
    ngx_cigna_redis_node_t     *to;
    ngx_cigna_redis_cluster_t  *cl;

    cl = node->redis->topology_data;

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

        /* two servers redirect to each other */

        ngx_cigna_redis_call_rest(call, NGX_CIGNA_REDIS_CLUSTER_REST);
    }

    return NGX_AGAIN;
}


/* a new primary, which the next map will name, or a foreign server */

static void
ngx_cigna_redis_cluster_stranger(ngx_cigna_redis_node_t *node,
    cigna_server_t *server)
{
    ngx_cigna_redis_cluster_t  *cl;

    cl = node->redis->topology_data;

    if (cl->strange
        && ngx_current_msec - cl->said < NGX_CIGNA_REDIS_CLUSTER_SAY)
    {
        return;
    }

    cl->strange = 1;
    cl->said = ngx_current_msec;

    ngx_log_error(NGX_LOG_WARN, ngx_cigna_redis_log(node->redis), 0,
                  "redis \"%V\" redirects to \"%*s:%ui\", which is not in the "
                  "map of the cluster: it is not asked before a map names it",
                  &ngx_cigna_redis_node_origin(node)->name,
                  server->host.len, server->host.data,
                  (ngx_uint_t) server->port);
}


static ngx_uint_t
ngx_cigna_redis_cluster_trouble(ngx_cigna_redis_node_t *node)
{
    ngx_cigna_redis_cluster_t  *cl;

    cl = node->redis->topology_data;

    if (node->shifts) {

        /* the slot whose marker could not be checked is moving away */

        ngx_cigna_redis_map_shift(cl->map, node);
    }

    ngx_cigna_redis_lookup_soon(&cl->lookup);

    return 1;
}


/* servers of a cluster pass messages on to all others, replicas as well */

static ngx_cigna_origin_t *
ngx_cigna_redis_cluster_origin(ngx_cigna_redis_t *redis)
{
    ngx_uint_t                  n;
    ngx_queue_t                *q;
    ngx_cigna_redis_node_t     *node;
    ngx_cigna_redis_conf_t     *conf;
    ngx_cigna_redis_cluster_t  *cl;

    n = 0;

    ngx_cigna_redis_each_node(redis, q) {
        node = ngx_cigna_redis_node_at(q);
        n += (node->nslots && !node->down);
    }

    if (n == 0) {
        cl = redis->topology_data;
        conf = redis->shared.conf;

        ngx_cigna_redis_lookup_soon(&cl->lookup);

        return &conf->origins[(ngx_uint_t) ngx_random() % conf->norigins];
    }

    n = (ngx_uint_t) ngx_random() % n;

    ngx_cigna_redis_each_node(redis, q) {
        node = ngx_cigna_redis_node_at(q);

        if (node->nslots && !node->down && n-- == 0) {
            return &node->named;
        }
    }

    return NULL;
}


static void
ngx_cigna_redis_cluster_servers(ngx_cigna_redis_lookup_t *lookup)
{
    ngx_uint_t               i, first;
    ngx_cigna_redis_conf_t  *conf;

    conf = lookup->redis->shared.conf;

    ngx_cigna_redis_cluster_listed(lookup, 1);
    ngx_cigna_redis_cluster_listed(lookup, 0);

    first = (ngx_uint_t) ngx_random();

    for (i = 0; i < conf->norigins; i++) {

        if (lookup->n == NGX_CIGNA_REDIS_LOOKUP_MAX) {
            break;
        }

        lookup->origins[lookup->n++] =
            &conf->origins[(first + i) % conf->norigins];
    }
}


/* fills at most half of the places, with another server first each time */

static void
ngx_cigna_redis_cluster_listed(ngx_cigna_redis_lookup_t *lookup,
    ngx_uint_t ready)
{
    ngx_uint_t               i, n, first;
    ngx_queue_t             *q;
    ngx_cigna_origin_t      *swap;
    ngx_cigna_redis_node_t  *node;

    first = lookup->n;

    ngx_cigna_redis_each_node(lookup->redis, q) {
        node = ngx_cigna_redis_node_at(q);

        if (node->listed && lookup->n < NGX_CIGNA_REDIS_LOOKUP_MAX / 2
            && ngx_cigna_redis_node_ready(node) == ready)
        {
            lookup->origins[lookup->n++] = &node->named;
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


static ngx_int_t
ngx_cigna_redis_cluster_answer(ngx_cigna_redis_t *redis,
    cigna_reply_t *reply, ngx_cigna_origin_t *origin)
{
    ngx_cigna_redis_cluster_t  *cl;

    cl = redis->topology_data;

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


static void
ngx_cigna_redis_cluster_over(ngx_cigna_redis_t *redis, ngx_int_t rc)
{
    ngx_uint_t                  well;
    ngx_cigna_redis_cluster_t  *cl;

    cl = redis->topology_data;

    cl->lost = (rc != NGX_OK && !cl->known);

    if (!ngx_cigna_redis_lookup_again(&cl->lookup)) {
        well = ngx_cigna_redis_cluster_settle(redis) && rc == NGX_OK;

        ngx_cigna_redis_lookup_later(&cl->lookup,
                                     well ? NGX_CIGNA_REDIS_CLUSTER_IDLE : 0);
    }

    ngx_cigna_redis_pending_wake(&redis->pending);
}


/*
 * This map counts for now: calls to servers that are down wait no longer.  1 if
 * no server with slots is down.
 */

static ngx_uint_t
ngx_cigna_redis_cluster_settle(ngx_cigna_redis_t *redis)
{
    ngx_uint_t               well;
    ngx_queue_t             *q;
    ngx_cigna_redis_node_t  *node;

    well = 1;

    ngx_cigna_redis_each_node(redis, q) {
        node = ngx_cigna_redis_node_at(q);

        node->hope = 0;

        if (node->nslots && node->down) {
            well = 0;
        }
    }

    return well;
}


static void
ngx_cigna_redis_cluster_done(ngx_cigna_redis_t *redis)
{
    ngx_cigna_redis_cluster_t  *cl;

    cl = redis->topology_data;

    ngx_cigna_redis_lookup_done(&cl->lookup);
}
