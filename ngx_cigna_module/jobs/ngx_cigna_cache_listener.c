
/*
 * The scripts that replace, amend or delete a grant publish "<keyed hash of the
 * identity> <grant id> <generation>".  Generation 0 means that the grant was
 * deleted or amended.  A lost connection may lose messages.  So after each new
 * connection, a worker that uses a cache entry compares the entry with the
 * vault first.
 */


#include "ngx_cigna_cache_listener.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "redis/ngx_cigna_redis_subscriber.h"
#include "shm/ngx_cigna_cache.h"
#include "gateway/ngx_cigna_worker.h"
#include "nginx/ngx_cigna_log.h"
#include "nginx/ngx_cigna_time.h"
#include "vault/cigna_vault_names.h"
#include "vault/cigna_grant.h"


static void ngx_cigna_cache_listener_up(void *data);
static void ngx_cigna_cache_listener_message(void *data, cigna_slice_t message);


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
                                     ngx_cigna_cache_listener_message, mcf);
}


static void
ngx_cigna_cache_listener_up(void *data)
{
    ngx_cigna_main_conf_t  *mcf = data;

    ngx_cigna_cache_suspect(mcf->zone, ngx_cigna_now_ms());
}


/*
 * A message with an identity, but without a readable generation counts as a
 * deletion, and drops the cache entry.  Log lines are limited, because anyone
 * who can publish could fill the log.
 */

static void
ngx_cigna_cache_listener_message(void *data, cigna_slice_t message)
{
    ngx_cigna_main_conf_t  *mcf = data;

    size_t         skip;
    ngx_int_t      generation;
    const u_char  *name, *id;

    name = message.data;
    id = name + CIGNA_NAME_LEN + 1;
    skip = CIGNA_NAME_LEN + 1 + CIGNA_GRANT_ID_LEN + 1;

    if (message.len <= CIGNA_NAME_LEN || name[CIGNA_NAME_LEN] != ' ') {

        if (ngx_cigna_log_due(&mcf->worker->no_identity_logged)) {
            ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                          "cigna: ignored a message of %uz bytes without an "
                          "identity on the channel of invalidations",
                          message.len);
        }

        return;
    }

    generation = 0;

    if (message.len > skip && id[CIGNA_GRANT_ID_LEN] == ' ') {
        generation = ngx_atoi((u_char *) name + skip, message.len - skip);
    }

    (void) ngx_cigna_cache_invalidate(mcf->zone, name, id,
                                      ngx_max(generation, 0));
}
