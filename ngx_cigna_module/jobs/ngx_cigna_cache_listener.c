
/*
 * Each script that writes a grant publishes "<keyed hash of the identity>
 * <grant id> <generation>"; generation 0 means that the grant was deleted.  A
 * lost connection may lose messages.  After each new one, every cache entry is
 * compared with the vault at its next use.
 */


#include "ngx_cigna_cache_listener.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "redis/ngx_cigna_redis.h"
#include "shm/ngx_cigna_cache.h"
#include "gateway/ngx_cigna_worker.h"
#include "nginx/ngx_cigna_time.h"
#include "vault/cigna_vault_names.h"
#include "vault/cigna_grant.h"


#define NGX_CIGNA_CACHE_LISTENER_SAY  60       /* s between two log lines */


static void ngx_cigna_cache_listener_up(void *data);
static void ngx_cigna_cache_listener_message(void *data, cigna_slice_t message);
static void ngx_cigna_cache_listener_nobody(ngx_cigna_main_conf_t *mcf,
    cigna_slice_t message);


ngx_int_t
ngx_cigna_cache_listener_init(ngx_cigna_main_conf_t *mcf)
{
    u_char         mem[CIGNA_KEY_MAX];
    ngx_str_t      channel;
    cigna_slice_t  prefix;

    if (ngx_worker != 0) {
        return NGX_OK;
    }

    prefix = mcf->vault.prefix;

    channel.data = mem;
    channel.len = ngx_snprintf(mem, sizeof(mem), "%*s:invalidate", prefix.len,
                               prefix.data)
                  - mem;

    return ngx_cigna_redis_subscribe(mcf->worker->redis, &channel,
                                     ngx_cigna_cache_listener_up,
                                     ngx_cigna_cache_listener_message, mcf)
           ? NGX_OK : NGX_ERROR;
}


static void
ngx_cigna_cache_listener_up(void *data)
{
    ngx_cigna_main_conf_t  *mcf = data;

    ngx_cigna_cache_suspect(mcf->zone, ngx_cigna_now_ms());
}


/* an identity alone is enough: its cache entry is then dropped */

static void
ngx_cigna_cache_listener_message(void *data, cigna_slice_t message)
{
    ngx_cigna_main_conf_t  *mcf = data;

    size_t         skip;
    ngx_int_t      generation;
    const u_char  *who, *id;

    who = message.data;
    id = who + CIGNA_NAME_LEN + 1;
    skip = CIGNA_NAME_LEN + 1 + CIGNA_GRANT_ID_LEN + 1;

    if (message.len <= CIGNA_NAME_LEN || who[CIGNA_NAME_LEN] != ' ') {
        ngx_cigna_cache_listener_nobody(mcf, message);
        return;
    }

    generation = 0;

    if (message.len > skip && id[CIGNA_GRANT_ID_LEN] == ' ') {
        generation = ngx_atoi((u_char *) who + skip, message.len - skip);
    }

    (void) ngx_cigna_cache_invalidate(mcf->zone, who, id,
                                      ngx_max(generation, 0));
}


/* once a minute, so that a stranger who may publish cannot fill the log */

static void
ngx_cigna_cache_listener_nobody(ngx_cigna_main_conf_t *mcf,
    cigna_slice_t message)
{
    ngx_cigna_worker_t  *worker;

    worker = mcf->worker;

    if (worker->nobody_logged
        && ngx_time() - worker->nobody_logged < NGX_CIGNA_CACHE_LISTENER_SAY)
    {
        return;
    }

    worker->nobody_logged = ngx_time();

    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "cigna: a message of %uz bytes on the channel of "
                  "invalidations names nobody", message.len);
}
