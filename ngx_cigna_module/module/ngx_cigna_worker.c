
#include "gateway/ngx_cigna_worker.h"
#include "budget/ngx_cigna_budget_init.h"
#include "jobs/ngx_cigna_discovery.h"
#include "jobs/ngx_cigna_cache_listener.h"
#include "run/ngx_cigna_run.h"
#include "jobs/ngx_cigna_journal_writer.h"
#include "jobs/ngx_cigna_metadata.h"
#include "vault/cigna_scripts.h"


static ngx_int_t ngx_cigna_worker_hasher(ngx_cigna_worker_t *worker,
    cigna_vault_t *vault);


ngx_int_t
ngx_cigna_worker_init(ngx_cycle_t *cycle, ngx_cigna_main_conf_t *mcf)
{
    ngx_uint_t            i;
    ngx_cigna_shared_t  **shared;
    ngx_cigna_worker_t   *worker;

    if (!mcf->vault_set) {
        return NGX_OK;
    }

    worker = ngx_pcalloc(cycle->pool, sizeof(ngx_cigna_worker_t));
    if (worker == NULL) {
        return NGX_ERROR;
    }

    worker->cycle = cycle;

    ngx_queue_init(&worker->runs);
    ngx_queue_init(&worker->seats);
    ngx_queue_init(&worker->documents);
    ngx_rbtree_init(&worker->refreshes, &worker->sentinel,
                    ngx_str_rbtree_insert_value);

    if (cigna_scripts_init() != CIGNA_OK
        || ngx_cigna_worker_hasher(worker, &mcf->vault) != NGX_OK)
    {
        return NGX_ERROR;
    }

    worker->redis = ngx_cigna_redis_create(cycle, &mcf->redis);
    if (worker->redis == NULL) {
        return NGX_ERROR;
    }

    mcf->worker = worker;

    shared = mcf->shared.elts;

    for (i = 0; i < mcf->shared.nelts; i++) {
        if (ngx_cigna_discovery_init(mcf, shared[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (ngx_cigna_budget_init(mcf) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_cigna_journal_writer_init(mcf);

    return ngx_cigna_cache_listener_init(mcf);
}


static ngx_int_t
ngx_cigna_worker_hasher(ngx_cigna_worker_t *worker, cigna_vault_t *vault)
{
    u_char  secret[16];

    cigna_keyring_siphash_key(vault->ring, secret);

    worker->hasher = ngx_cigna_cache_key_create(worker->cycle->pool, secret);

    cigna_secret_wipe(secret, sizeof(secret));

    return worker->hasher ? NGX_OK : NGX_ERROR;
}


void
ngx_cigna_worker_exit(ngx_cigna_main_conf_t *mcf)
{
    ngx_uint_t            i;
    ngx_cigna_shared_t  **shared;

    if (mcf->worker == NULL) {
        return;
    }

    ngx_cigna_run_end_all(mcf->worker);
    ngx_cigna_metadata_exit(mcf->worker);
    ngx_cigna_journal_writer_exit(mcf);
    ngx_cigna_budget_exit(mcf);
    ngx_cigna_redis_destroy(mcf->worker->redis);

    shared = mcf->shared.elts;

    for (i = 0; i < mcf->shared.nelts; i++) {
        cigna_jwks_destroy(shared[i]->keys.set);
        shared[i]->keys.set = NULL;
    }

    mcf->worker = NULL;
}


int64_t
ngx_cigna_now_ms(void)
{
    ngx_time_t  *tp;

    tp = ngx_timeofday();

    return (int64_t) tp->sec * 1000 + tp->msec;
}
