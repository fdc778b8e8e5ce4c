
#include "ngx_cigna_redis_lookup.h"
#include "ngx_cigna_redis_node.h"
#include "ngx_cigna_redis_subscriber.h"
#include "redis/cigna_cluster.h"
#include "redis/cigna_sentinel.h"


/*
 * One primary, which Sentinels know.
 *
 * The client asks Sentinels when it does not know a primary yet, and when
 * something is wrong with the primary: a connection has ended or cannot be
 * made, or the server says that it is a replica.  The client also asks at
 * intervals, because a primary that is cut off from the other servers may look
 * fine.  The Sentinel that gave the last answer is asked last, because that
 * Sentinel may be cut off, too.  The handshake then checks that the server is a
 * primary: see cigna_redis_handshake.h.
 */


#define NGX_CIGNA_REDIS_SENTINEL_IDLE   4000    /* ms between two questions */
#define NGX_CIGNA_REDIS_SENTINEL_REST   50      /* ms before a call is sent
                                                   again */


typedef struct {
    ngx_cigna_redis_node_t    *primary;      /* NULL: not known */
    ngx_cigna_redis_lookup_t   lookup;
    ngx_uint_t                 next;         /* index of the Sentinel to ask
                                                first */
} ngx_cigna_redis_sentinel_t;


static ngx_int_t
ngx_cigna_redis_sentinel_route(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_call_t *call, ngx_cigna_redis_node_t **node)
{
    ngx_cigna_redis_sentinel_t  *sentinel = redis->topology_data;

    *node = sentinel->primary;

    if (*node == NULL && !sentinel->lookup.failed) {
        ngx_cigna_redis_lookup_soon(&sentinel->lookup);
        return NGX_AGAIN;
    }

    return *node ? NGX_OK : NGX_ERROR;
}


static ngx_uint_t
ngx_cigna_redis_sentinel_trouble(ngx_cigna_redis_node_t *node)
{
    ngx_cigna_redis_sentinel_t  *sentinel = node->redis->topology_data;

    if (node == sentinel->primary) {
        ngx_cigna_redis_lookup_soon(&sentinel->lookup);
    }

    return 1;
}


/* sends the call again if the server is a replica, or asks to try later */

static ngx_int_t
ngx_cigna_redis_sentinel_answered(ngx_cigna_redis_node_t *node,
    ngx_cigna_redis_call_t *call, cigna_reply_t *reply)
{
    cigna_redirect_t  r;

    if (!cigna_reply_is_readonly(reply)
        && cigna_cluster_redirect(reply, &r) != cigna_redirect_wait)
    {
        return NGX_OK;
    }

    ngx_cigna_redis_call_rest(call, NGX_CIGNA_REDIS_SENTINEL_REST);
    (void) ngx_cigna_redis_sentinel_trouble(node);

    return NGX_AGAIN;
}


static ngx_cigna_origin_t *
ngx_cigna_redis_sentinel_origin(ngx_cigna_redis_t *redis)
{
    ngx_cigna_redis_sentinel_t  *sentinel = redis->topology_data;

    if (sentinel->primary == NULL) {
        ngx_cigna_redis_lookup_soon(&sentinel->lookup);
        return NULL;
    }

    return ngx_cigna_redis_node_origin(sentinel->primary);
}


static void
ngx_cigna_redis_sentinel_servers(ngx_cigna_redis_lookup_t *lookup)
{
    ngx_cigna_redis_sentinel_t  *sentinel = lookup->redis->topology_data;

    ngx_cigna_redis_lookup_seeds(lookup, sentinel->next);
}


static ngx_int_t
ngx_cigna_redis_sentinel_answer(ngx_cigna_redis_t *redis, cigna_reply_t *reply,
    ngx_cigna_origin_t *origin)
{
    cigna_server_t               server;
    ngx_cigna_redis_node_t      *node, *old;
    ngx_cigna_redis_sentinel_t  *sentinel = redis->topology_data;

    if (cigna_sentinel_primary(reply, &server) != CIGNA_OK) {
        return NGX_DECLINED;
    }

    node = ngx_cigna_redis_node_get(redis, &server, origin);
    if (node == NULL) {
        return NGX_DECLINED;
    }

    sentinel->next = origin - redis->shared.conf->origins + 1;

    old = sentinel->primary;

    if (node == old) {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_NOTICE, ngx_cigna_redis_log(redis), 0,
                  "redis \"%V\" is the primary of \"%V\"",
                  &node->origins->name, &redis->shared.conf->sentinel_master);

    sentinel->primary = node;

    if (old) {
        ngx_cigna_redis_node_leave(old);
        ngx_cigna_redis_subscriber_move(redis);
    }

    return NGX_OK;
}


/*
 * The Sentinels were asked, so calls to a primary that is down wait no longer.
 * Returns 1 if the primary is known and is not down.
 */

static ngx_uint_t
ngx_cigna_redis_sentinel_settle(ngx_cigna_redis_t *redis)
{
    ngx_cigna_redis_sentinel_t  *sentinel = redis->topology_data;

    if (sentinel->primary == NULL) {
        return 0;
    }

    sentinel->primary->hope = 0;

    return !sentinel->primary->down;
}


static ngx_int_t
ngx_cigna_redis_sentinel_init(ngx_cigna_redis_t *redis)
{
    u_char                      *what;
    ngx_str_t                   *name;
    ngx_cigna_redis_lookup_t    *lookup;
    ngx_cigna_redis_conf_t      *conf = redis->shared.conf;
    ngx_cigna_redis_sentinel_t  *sentinel;

    name = &conf->sentinel_master;

    sentinel = ngx_pcalloc(redis->pool, sizeof(ngx_cigna_redis_sentinel_t));
    what = ngx_pnalloc(redis->pool, sizeof("the primary \"\"") + name->len);

    if (sentinel == NULL || what == NULL) {
        return NGX_ERROR;
    }

    ngx_sprintf(what, "the primary \"%V\"%Z", name);

    redis->topology_data = sentinel;
    sentinel->next = (ngx_uint_t) ngx_random() % conf->norigins;

    lookup = &sentinel->lookup;

    lookup->redis = redis;
    lookup->login = &conf->sentinel_login;
    lookup->what = (char *) what;
    lookup->idle = NGX_CIGNA_REDIS_SENTINEL_IDLE;
    lookup->servers = ngx_cigna_redis_sentinel_servers;
    lookup->answer = ngx_cigna_redis_sentinel_answer;
    lookup->settle = ngx_cigna_redis_sentinel_settle;

    lookup->argv[0] = cigna_slice("SENTINEL");
    lookup->argv[1] = cigna_slice("GET-MASTER-ADDR-BY-NAME");
    lookup->argv[2] = ngx_cigna_slice(name);
    lookup->argc = 3;

    ngx_cigna_redis_lookup_init(lookup);

    return NGX_OK;
}


const ngx_cigna_redis_topology_t  ngx_cigna_redis_topology_sentinel = {
    .init = ngx_cigna_redis_sentinel_init,
    .route = ngx_cigna_redis_sentinel_route,
    .answered = ngx_cigna_redis_sentinel_answered,
    .trouble = ngx_cigna_redis_sentinel_trouble,
    .origin = ngx_cigna_redis_sentinel_origin
};
