
#include "ngx_cigna_redis_topology.h"
#include "ngx_cigna_redis_lookup.h"
#include "ngx_cigna_redis_map.h"
#include "ngx_cigna_redis_pending.h"


/*
 * Many primaries, each with some of the slots.
 *
 * Commands go where the map says.  Where that is not right any more, servers
 * say where to: "MOVED" corrects the map at once, and a new one is fetched;
 * "ASK" is for one command.  Either counts only if the map names that server,
 * with whatever slots or none, for it is told the password: a reply to a
 * command is not enough for that.  Until a map does, the command waits and is
 * tried again.  A new map is fetched, too, when something is wrong
 * with a server, and now and then.  Any server may be asked for it: those that
 * are well first, then the others, then the seeds.
 *
 * A slot without a server, or one whose server is down, may get another one
 * soon, when a replica takes over: calls wait for one new map.
 */


#define NGX_CIGNA_REDIS_CLUSTER_IDLE   15000 /* ms between two maps */
#define NGX_CIGNA_REDIS_CLUSTER_REST   25    /* of a call that must wait */
#define NGX_CIGNA_REDIS_CLUSTER_MOVES  4     /* of a call, without rest */
#define NGX_CIGNA_REDIS_CLUSTER_SAY    60000 /* between two log lines */


typedef struct {
    ngx_cigna_redis_map_t       map;
    ngx_cigna_redis_lookup_t    ask;
    ngx_msec_t                  said;         /* that a stranger was named */
    unsigned                    known:1;      /* there was a map */
    unsigned                    lost:1;       /* nobody has one */
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
static void ngx_cigna_redis_cluster_rest(ngx_cigna_redis_call_t *call);
static ngx_uint_t ngx_cigna_redis_cluster_trouble(
    ngx_cigna_redis_node_t *node);
static ngx_cigna_origin_t *ngx_cigna_redis_cluster_origin(
    ngx_cigna_redis_t *redis);
static void ngx_cigna_redis_cluster_whom(ngx_cigna_redis_lookup_t *ask);
static void ngx_cigna_redis_cluster_some(ngx_cigna_redis_lookup_t *ask,
    ngx_uint_t ready);
static ngx_int_t ngx_cigna_redis_cluster_answer(ngx_cigna_redis_t *redis,
    cigna_reply_t *reply, ngx_cigna_origin_t *origin);
static void ngx_cigna_redis_cluster_over(ngx_cigna_redis_t *redis,
    ngx_int_t rc);
static ngx_uint_t ngx_cigna_redis_cluster_settle(ngx_cigna_redis_t *redis);
static void ngx_cigna_redis_cluster_done(ngx_cigna_redis_t *redis);


const ngx_cigna_redis_topology_t  ngx_cigna_redis_topology_clustered = {
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
    ngx_cigna_redis_lookup_t   *ask;
    ngx_cigna_redis_cluster_t  *cl;

    cl = ngx_pcalloc(redis->pool, sizeof(ngx_cigna_redis_cluster_t));
    if (cl == NULL) {
        return NGX_ERROR;
    }

    redis->topology_data = cl;

    ask = &cl->ask;

    ask->redis = redis;
    ask->login = &redis->shared.conf->login;
    ask->what = "the slots of the cluster";
    ask->whom = ngx_cigna_redis_cluster_whom;
    ask->answer = ngx_cigna_redis_cluster_answer;
    ask->over = ngx_cigna_redis_cluster_over;

    ask->argv[0] = cigna_slice("CLUSTER");
    ask->argv[1] = cigna_slice("SLOTS");
    ask->argc = 2;

    ngx_cigna_redis_lookup_init(ask);

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
        ngx_cigna_redis_cluster_rest(call);
    }

    ngx_cigna_redis_lookup_soon(&cl->ask);

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

        ngx_cigna_redis_cluster_rest(call);

        if (!cigna_reply_is_error(reply, "TRYAGAIN")) {
            cl = node->redis->topology_data;
            ngx_cigna_redis_lookup_soon(&cl->ask);
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
        ngx_cigna_redis_cluster_rest(call);
        ngx_cigna_redis_lookup_soon(&cl->ask);

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

        ngx_cigna_redis_lookup_soon(&cl->ask);
    }

    if (call->tries > NGX_CIGNA_REDIS_CLUSTER_MOVES) {

        /* two servers who each think it is the other one's */

        ngx_cigna_redis_cluster_rest(call);
    }

    return NGX_AGAIN;
}


/* a new primary, of which the next map will tell, or none of the cluster's */

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


static void
ngx_cigna_redis_cluster_rest(ngx_cigna_redis_call_t *call)
{
    call->resting = 1;
    call->rest_by = ngx_current_msec + NGX_CIGNA_REDIS_CLUSTER_REST;
}


static ngx_uint_t
ngx_cigna_redis_cluster_trouble(ngx_cigna_redis_node_t *node)
{
    ngx_cigna_redis_cluster_t  *cl;

    cl = node->redis->topology_data;

    if (node->shifts) {

        /* the slot whose marker could not be checked is moving */

        ngx_cigna_redis_map_shift(cl->map, node);
    }

    ngx_cigna_redis_lookup_soon(&cl->ask);

    return 1;
}


/* messages are passed on to all servers of a cluster, replicas as well */

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

        ngx_cigna_redis_lookup_soon(&cl->ask);

        return &conf->origins[(ngx_uint_t) ngx_random() % conf->norigins];
    }

    n = (ngx_uint_t) ngx_random() % n;

    ngx_cigna_redis_each_node(redis, q) {
        node = ngx_cigna_redis_node_at(q);

        if (node->nslots && !node->down && n-- == 0) {
            return &node->own;
        }
    }

    return NULL;
}


static void
ngx_cigna_redis_cluster_whom(ngx_cigna_redis_lookup_t *ask)
{
    ngx_uint_t               i, first;
    ngx_cigna_redis_conf_t  *conf;

    conf = ask->redis->shared.conf;

    ngx_cigna_redis_cluster_some(ask, 1);
    ngx_cigna_redis_cluster_some(ask, 0);

    first = (ngx_uint_t) ngx_random();

    for (i = 0; i < conf->norigins && ask->n < NGX_CIGNA_REDIS_LOOKUP_MAX; i++) {
        ask->origins[ask->n++] = &conf->origins[(first + i) % conf->norigins];
    }
}


/* at most half of all that can be asked, with another one first each time */

static void
ngx_cigna_redis_cluster_some(ngx_cigna_redis_lookup_t *ask, ngx_uint_t ready)
{
    ngx_uint_t               i, n, first;
    ngx_queue_t             *q;
    ngx_cigna_origin_t      *swap;
    ngx_cigna_redis_node_t  *node;

    first = ask->n;

    ngx_cigna_redis_each_node(ask->redis, q) {
        node = ngx_cigna_redis_node_at(q);

        if (node->listed && ask->n < NGX_CIGNA_REDIS_LOOKUP_MAX / 2
            && ngx_cigna_redis_node_ready(node) == ready)
        {
            ask->origins[ask->n++] = &node->own;
        }
    }

    n = ask->n - first;

    if (n > 1) {
        i = first + (ngx_uint_t) ngx_random() % n;

        swap = ask->origins[i];
        ask->origins[i] = ask->origins[first];
        ask->origins[first] = swap;
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

    if (!ngx_cigna_redis_lookup_again(&cl->ask)) {
        well = ngx_cigna_redis_cluster_settle(redis) && rc == NGX_OK;

        ngx_cigna_redis_lookup_later(&cl->ask,
                                     well ? NGX_CIGNA_REDIS_CLUSTER_IDLE : 0);
    }

    ngx_cigna_redis_pending_wake(redis);
}


/*
 * This is the map for now: calls to servers that are down wait no more.  1 if
 * there are no such servers.
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

    ngx_cigna_redis_lookup_done(&cl->ask);
}
