
#include "ngx_cigna_redis_topology.h"
#include "ngx_cigna_redis_lookup.h"
#include "ngx_cigna_redis_node.h"
#include "ngx_cigna_redis_pending.h"
#include "ngx_cigna_redis_subscriber.h"
#include "redis/cigna_cluster.h"
#include "redis/cigna_sentinel.h"


/*
 * One primary, which Sentinels know.
 *
 * They are asked when there is no primary yet, when something is wrong with
 * the one that is known (a connection has ended, none can be made, it says that
 * it is a replica), and now and then, as a primary that was cut off from the
 * others may look fine.  The one that gave the last answer is asked last, since
 * it may be cut off, too.  Whether a server is the primary it has to say
 * itself: see cigna_redis_handshake.h.
 */


#define NGX_CIGNA_REDIS_SENTINEL_IDLE   4000    /* ms between two questions */
#define NGX_CIGNA_REDIS_SENTINEL_REST   50      /* of a call that must wait */


typedef struct {
    ngx_cigna_redis_node_t    *primary;      /* NULL: not known */
    ngx_cigna_redis_lookup_t   ask;
    ngx_uint_t                 first;        /* whom */
    unsigned                   lost:1;       /* nobody knows it */
} ngx_cigna_redis_sentinel_t;


static ngx_int_t ngx_cigna_redis_sentinel_init(ngx_cigna_redis_t *redis);
static ngx_int_t ngx_cigna_redis_sentinel_route(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_call_t *call, ngx_cigna_redis_node_t **node);
static ngx_int_t ngx_cigna_redis_sentinel_answered(ngx_cigna_redis_node_t *node,
    ngx_cigna_redis_call_t *call, cigna_reply_t *reply);
static ngx_uint_t ngx_cigna_redis_sentinel_trouble(
    ngx_cigna_redis_node_t *node);
static ngx_cigna_origin_t *ngx_cigna_redis_sentinel_origin(
    ngx_cigna_redis_t *redis);
static void ngx_cigna_redis_sentinel_whom(ngx_cigna_redis_lookup_t *ask);
static ngx_int_t ngx_cigna_redis_sentinel_answer(ngx_cigna_redis_t *redis,
    cigna_reply_t *reply, ngx_cigna_origin_t *origin);
static void ngx_cigna_redis_sentinel_switch(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_node_t *node);
static void ngx_cigna_redis_sentinel_over(ngx_cigna_redis_t *redis,
    ngx_int_t rc);
static void ngx_cigna_redis_sentinel_done(ngx_cigna_redis_t *redis);


const ngx_cigna_redis_topology_t  ngx_cigna_redis_topology_watched = {
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
    u_char                      *what;
    ngx_str_t                   *name;
    ngx_cigna_redis_lookup_t    *ask;
    ngx_cigna_redis_conf_t      *conf;
    ngx_cigna_redis_sentinel_t  *w;

    conf = redis->shared.conf;

    w = ngx_pcalloc(redis->pool, sizeof(ngx_cigna_redis_sentinel_t));
    if (w == NULL) {
        return NGX_ERROR;
    }

    redis->topology_data = w;

    name = &conf->sentinel_master;
    ask = &w->ask;

    what = ngx_pnalloc(redis->pool, sizeof("the primary \"\"") + name->len);
    if (what == NULL) {
        return NGX_ERROR;
    }

    ngx_sprintf(what, "the primary \"%V\"%Z", name);

    ask->redis = redis;
    ask->login = &conf->sentinel_login;
    ask->what = (char *) what;
    ask->whom = ngx_cigna_redis_sentinel_whom;
    ask->answer = ngx_cigna_redis_sentinel_answer;
    ask->over = ngx_cigna_redis_sentinel_over;

    ask->argv[0] = cigna_slice("SENTINEL");
    ask->argv[1] = cigna_slice("GET-MASTER-ADDR-BY-NAME");
    ask->argv[2] = cigna_slice_make(name->data, name->data + name->len);
    ask->argc = 3;

    ngx_cigna_redis_lookup_init(ask);

    w->first = (ngx_uint_t) ngx_random() % conf->norigins;

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_redis_sentinel_route(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_call_t *call, ngx_cigna_redis_node_t **node)
{
    ngx_cigna_redis_sentinel_t  *w;

    w = redis->topology_data;

    if (w->primary) {
        *node = w->primary;
        return NGX_OK;
    }

    if (w->lost) {
        return NGX_ERROR;
    }

    ngx_cigna_redis_lookup_soon(&w->ask);

    return NGX_AGAIN;
}


/* what a server says that is a primary no more, or not yet */

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

    call->resting = 1;
    call->rest_by = ngx_current_msec + NGX_CIGNA_REDIS_SENTINEL_REST;

    (void) ngx_cigna_redis_sentinel_trouble(node);

    return NGX_AGAIN;
}


static ngx_uint_t
ngx_cigna_redis_sentinel_trouble(ngx_cigna_redis_node_t *node)
{
    ngx_cigna_redis_sentinel_t  *w;

    w = node->redis->topology_data;

    if (node == w->primary) {
        ngx_cigna_redis_lookup_soon(&w->ask);
    }

    return 1;
}


static ngx_cigna_origin_t *
ngx_cigna_redis_sentinel_origin(ngx_cigna_redis_t *redis)
{
    ngx_cigna_redis_sentinel_t  *w;

    w = redis->topology_data;

    if (w->primary == NULL) {
        ngx_cigna_redis_lookup_soon(&w->ask);
        return NULL;
    }

    return ngx_cigna_redis_node_origin(w->primary);
}


static void
ngx_cigna_redis_sentinel_whom(ngx_cigna_redis_lookup_t *ask)
{
    ngx_uint_t                   i;
    ngx_cigna_redis_conf_t      *conf;
    ngx_cigna_redis_sentinel_t  *w;

    conf = ask->redis->shared.conf;
    w = ask->redis->topology_data;

    ask->n = ngx_min(conf->norigins, NGX_CIGNA_REDIS_LOOKUP_MAX);

    for (i = 0; i < ask->n; i++) {
        ask->origins[i] = &conf->origins[(w->first + i) % conf->norigins];
    }
}


static ngx_int_t
ngx_cigna_redis_sentinel_answer(ngx_cigna_redis_t *redis, cigna_reply_t *reply,
    ngx_cigna_origin_t *origin)
{
    cigna_server_t               server;
    ngx_cigna_redis_node_t      *node;
    ngx_cigna_redis_sentinel_t  *w;

    w = redis->topology_data;

    if (cigna_sentinel_primary(reply, &server) != CIGNA_OK) {
        return NGX_DECLINED;
    }

    node = ngx_cigna_redis_node_get(redis, &server, origin);
    if (node == NULL) {
        return NGX_DECLINED;
    }

    w->first = origin - redis->shared.conf->origins + 1;

    if (node != w->primary) {
        ngx_cigna_redis_sentinel_switch(redis, node);
    }

    return NGX_OK;
}


static void
ngx_cigna_redis_sentinel_switch(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_node_t *node)
{
    ngx_cigna_redis_node_t      *old;
    ngx_cigna_redis_sentinel_t  *w;

    w = redis->topology_data;
    old = w->primary;

    ngx_log_error(NGX_LOG_NOTICE, ngx_cigna_redis_log(redis), 0,
                  "redis \"%V\" is the primary of \"%V\"",
                  &node->own.name, &redis->shared.conf->sentinel_master);

    w->primary = node;

    if (old) {
        ngx_cigna_redis_node_leave(old);
        ngx_cigna_redis_subscribers_move(redis);
    }
}


/*
 * Calls have waited for this answer.  If it was no news for a primary that is
 * down they wait no more.
 */

static void
ngx_cigna_redis_sentinel_over(ngx_cigna_redis_t *redis, ngx_int_t rc)
{
    ngx_uint_t                   well;
    ngx_cigna_redis_sentinel_t  *w;

    w = redis->topology_data;

    w->lost = (rc != NGX_OK && w->primary == NULL);

    if (!ngx_cigna_redis_lookup_again(&w->ask)) {
        well = rc == NGX_OK && w->primary && !w->primary->down;

        ngx_cigna_redis_lookup_later(&w->ask,
                                     well ? NGX_CIGNA_REDIS_SENTINEL_IDLE : 0);

        if (w->primary) {
            w->primary->hope = 0;
        }
    }

    ngx_cigna_redis_pending_wake(redis);
}


static void
ngx_cigna_redis_sentinel_done(ngx_cigna_redis_t *redis)
{
    ngx_cigna_redis_sentinel_t  *w;

    w = redis->topology_data;

    ngx_cigna_redis_lookup_done(&w->ask);
}
