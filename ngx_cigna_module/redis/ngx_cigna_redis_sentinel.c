
#include "ngx_cigna_redis_topology.h"
#include "ngx_cigna_redis_lookup.h"
#include "ngx_cigna_redis_node.h"
#include "ngx_cigna_redis_subscriber.h"
#include "redis/cigna_cluster.h"
#include "redis/cigna_sentinel.h"


/*
 * One primary, which Sentinels know.
 *
 * Sentinels are asked when no primary is known yet, when something is wrong
 * with the primary (a connection has ended, none can be made, the server says
 * that it is a replica), and now and then, as a primary that was cut off from
 * the others may look fine.  The Sentinel that gave the last answer is asked
 * last, since it may be cut off, too.  Whether a server is the primary, it has
 * to say itself: see cigna_redis_handshake.h.
 */


#define NGX_CIGNA_REDIS_SENTINEL_IDLE   4000    /* ms between two questions */
#define NGX_CIGNA_REDIS_SENTINEL_REST   50      /* of a call that must wait */


typedef struct {
    ngx_cigna_redis_node_t    *primary;      /* NULL: not known */
    ngx_cigna_redis_lookup_t   lookup;
    ngx_uint_t                 next;         /* seed to ask first */
    unsigned                   lost:1;       /* no Sentinel knows a primary */
} ngx_cigna_redis_sentinel_t;


static ngx_int_t ngx_cigna_redis_sentinel_init(ngx_cigna_redis_t *redis);
static const char *ngx_cigna_redis_sentinel_what(ngx_pool_t *pool,
    ngx_str_t *name);
static ngx_int_t ngx_cigna_redis_sentinel_route(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_call_t *call, ngx_cigna_redis_node_t **node);
static ngx_int_t ngx_cigna_redis_sentinel_answered(ngx_cigna_redis_node_t *node,
    ngx_cigna_redis_call_t *call, cigna_reply_t *reply);
static ngx_uint_t ngx_cigna_redis_sentinel_trouble(
    ngx_cigna_redis_node_t *node);
static ngx_cigna_origin_t *ngx_cigna_redis_sentinel_origin(
    ngx_cigna_redis_t *redis);
static void ngx_cigna_redis_sentinel_servers(ngx_cigna_redis_lookup_t *lookup);
static ngx_int_t ngx_cigna_redis_sentinel_answer(ngx_cigna_redis_t *redis,
    cigna_reply_t *reply, ngx_cigna_origin_t *origin);
static void ngx_cigna_redis_sentinel_switch(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_node_t *node);
static void ngx_cigna_redis_sentinel_over(ngx_cigna_redis_t *redis,
    ngx_int_t rc);
static void ngx_cigna_redis_sentinel_done(ngx_cigna_redis_t *redis);


const ngx_cigna_redis_topology_t  ngx_cigna_redis_topology_sentinel = {
    ngx_cigna_redis_sentinel_init,
    ngx_cigna_redis_sentinel_route,
    ngx_cigna_redis_sentinel_answered,
    ngx_cigna_redis_sentinel_trouble,
    ngx_cigna_redis_sentinel_origin,
    ngx_cigna_redis_sentinel_done
};


static ngx_int_t
ngx_cigna_redis_sentinel_init(ngx_cigna_redis_t *redis)
{
    ngx_str_t                   *name;
    ngx_cigna_redis_lookup_t    *lookup;
    ngx_cigna_redis_conf_t      *conf;
    ngx_cigna_redis_sentinel_t  *sentinel;

    conf = redis->shared.conf;

    sentinel = ngx_pcalloc(redis->pool, sizeof(ngx_cigna_redis_sentinel_t));
    if (sentinel == NULL) {
        return NGX_ERROR;
    }

    redis->topology_data = sentinel;

    name = &conf->sentinel_master;
    lookup = &sentinel->lookup;

    lookup->what = ngx_cigna_redis_sentinel_what(redis->pool, name);
    if (lookup->what == NULL) {
        return NGX_ERROR;
    }

    lookup->redis = redis;
    lookup->login = &conf->sentinel_login;
    lookup->servers = ngx_cigna_redis_sentinel_servers;
    lookup->answer = ngx_cigna_redis_sentinel_answer;
    lookup->over = ngx_cigna_redis_sentinel_over;

    lookup->argv[0] = cigna_slice("SENTINEL");
    lookup->argv[1] = cigna_slice("GET-MASTER-ADDR-BY-NAME");
    lookup->argv[2] = cigna_slice_make(name->data, name->data + name->len);
    lookup->argc = 3;

    ngx_cigna_redis_lookup_init(lookup);

    sentinel->next = (ngx_uint_t) ngx_random() % conf->norigins;

    return NGX_OK;
}


/* for the log; NULL: no memory */

static const char *
ngx_cigna_redis_sentinel_what(ngx_pool_t *pool, ngx_str_t *name)
{
    u_char  *what;

    what = ngx_pnalloc(pool, sizeof("the primary \"\"") + name->len);

    if (what) {
        ngx_sprintf(what, "the primary \"%V\"%Z", name);
    }

    return (char *) what;
}


static ngx_int_t
ngx_cigna_redis_sentinel_route(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_call_t *call, ngx_cigna_redis_node_t **node)
{
    ngx_cigna_redis_sentinel_t  *sentinel;

    sentinel = redis->topology_data;

    if (sentinel->primary) {
        *node = sentinel->primary;
        return NGX_OK;
    }

    if (sentinel->lost) {
        return NGX_ERROR;
    }

    ngx_cigna_redis_lookup_soon(&sentinel->lookup);

    return NGX_AGAIN;
}


/* waits after the errors of a server that is not a primary any more, or yet */

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


static ngx_uint_t
ngx_cigna_redis_sentinel_trouble(ngx_cigna_redis_node_t *node)
{
    ngx_cigna_redis_sentinel_t  *sentinel;

    sentinel = node->redis->topology_data;

    if (node == sentinel->primary) {
        ngx_cigna_redis_lookup_soon(&sentinel->lookup);
    }

    return 1;
}


static ngx_cigna_origin_t *
ngx_cigna_redis_sentinel_origin(ngx_cigna_redis_t *redis)
{
    ngx_cigna_redis_sentinel_t  *sentinel;

    sentinel = redis->topology_data;

    if (sentinel->primary == NULL) {
        ngx_cigna_redis_lookup_soon(&sentinel->lookup);
        return NULL;
    }

    return ngx_cigna_redis_node_origin(sentinel->primary);
}


static void
ngx_cigna_redis_sentinel_servers(ngx_cigna_redis_lookup_t *lookup)
{
    ngx_uint_t                   i;
    ngx_cigna_redis_conf_t      *conf;
    ngx_cigna_redis_sentinel_t  *sentinel;

    conf = lookup->redis->shared.conf;
    sentinel = lookup->redis->topology_data;

    lookup->n = ngx_min(conf->norigins, NGX_CIGNA_REDIS_LOOKUP_MAX);

    for (i = 0; i < lookup->n; i++) {
        lookup->origins[i] =
            &conf->origins[(sentinel->next + i) % conf->norigins];
    }
}


static ngx_int_t
ngx_cigna_redis_sentinel_answer(ngx_cigna_redis_t *redis, cigna_reply_t *reply,
    ngx_cigna_origin_t *origin)
{
    cigna_server_t               server;
    ngx_cigna_redis_node_t      *node;
    ngx_cigna_redis_sentinel_t  *sentinel;

    sentinel = redis->topology_data;

    if (cigna_sentinel_primary(reply, &server) != CIGNA_OK) {
        return NGX_DECLINED;
    }

    node = ngx_cigna_redis_node_get(redis, &server, origin);
    if (node == NULL) {
        return NGX_DECLINED;
    }

    sentinel->next = origin - redis->shared.conf->origins + 1;

    if (node != sentinel->primary) {
        ngx_cigna_redis_sentinel_switch(redis, node);
    }

    return NGX_OK;
}


static void
ngx_cigna_redis_sentinel_switch(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_node_t *node)
{
    ngx_cigna_redis_node_t      *old;
    ngx_cigna_redis_sentinel_t  *sentinel;

    sentinel = redis->topology_data;
    old = sentinel->primary;

    ngx_log_error(NGX_LOG_NOTICE, ngx_cigna_redis_log(redis), 0,
                  "redis \"%V\" is the primary of \"%V\"",
                  &node->named.name, &redis->shared.conf->sentinel_master);

    sentinel->primary = node;

    if (old) {
        ngx_cigna_redis_node_leave(old);
        ngx_cigna_redis_subscribers_move(redis);
    }
}


/*
 * Calls have waited for this answer.  They wait no longer for a primary that is
 * down if the Sentinels still name it.
 */

static void
ngx_cigna_redis_sentinel_over(ngx_cigna_redis_t *redis, ngx_int_t rc)
{
    ngx_uint_t                   well;
    ngx_cigna_redis_sentinel_t  *sentinel;

    sentinel = redis->topology_data;

    sentinel->lost = (rc != NGX_OK && sentinel->primary == NULL);

    if (!ngx_cigna_redis_lookup_again(&sentinel->lookup)) {
        well = rc == NGX_OK && sentinel->primary && !sentinel->primary->down;

        ngx_cigna_redis_lookup_later(&sentinel->lookup,
                                     well ? NGX_CIGNA_REDIS_SENTINEL_IDLE : 0);

        if (sentinel->primary) {
            sentinel->primary->hope = 0;
        }
    }

    ngx_cigna_redis_pending_wake(&redis->pending);
}


static void
ngx_cigna_redis_sentinel_done(ngx_cigna_redis_t *redis)
{
    ngx_cigna_redis_sentinel_t  *sentinel;

    sentinel = redis->topology_data;

    ngx_cigna_redis_lookup_done(&sentinel->lookup);
}
