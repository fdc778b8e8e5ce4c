
#include "ngx_cigna_process.h"
#include "budget/ngx_cigna_budget_init.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_rows.h"
#include "gateway/ngx_cigna_shared.h"
#include "gateway/ngx_cigna_stay.h"
#include "gateway/ngx_cigna_worker.h"
#include "jobs/ngx_cigna_cache_listener.h"
#include "jobs/ngx_cigna_dance_upkeep.h"
#include "jobs/ngx_cigna_discovery.h"
#include "jobs/ngx_cigna_journal_writer.h"
#include "jobs/ngx_cigna_metadata.h"
#include "nginx/ngx_cigna_cache_key.h"
#include "request/ngx_cigna_vault_read.h"
#include "run/ngx_cigna_driver.h"

#include "vault/cigna_journal.h"
#include "vault/cigna_scripts.h"


static ngx_cigna_worker_t *ngx_cigna_process_worker(ngx_cycle_t *cycle,
    ngx_cigna_main_conf_t *mcf);
static ngx_int_t ngx_cigna_process_jobs(ngx_cigna_main_conf_t *mcf);


ngx_int_t
ngx_cigna_process_init(ngx_cycle_t *cycle)
{
    ngx_cigna_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_cigna_module);

    if (mcf == NULL || mcf->zone == NULL) {
        return NGX_OK;
    }

    ngx_cigna_rows_use(mcf);

    /* the cache manager and the cache loader call this function, too */

    if (mcf->vault_place == NULL
        || (ngx_process != NGX_PROCESS_WORKER
            && ngx_process != NGX_PROCESS_SINGLE))
    {
        return NGX_OK;
    }

    if (cigna_scripts_init() != CIGNA_OK) {
        return NGX_ERROR;
    }

    mcf->worker = ngx_cigna_process_worker(cycle, mcf);

    return mcf->worker ? ngx_cigna_process_jobs(mcf) : NGX_ERROR;
}


static ngx_cigna_worker_t *
ngx_cigna_process_worker(ngx_cycle_t *cycle, ngx_cigna_main_conf_t *mcf)
{
    ngx_cigna_worker_t  *worker;

    worker = ngx_pcalloc(cycle->pool, sizeof(ngx_cigna_worker_t));
    if (worker == NULL) {
        return NULL;
    }

    worker->cycle = cycle;

    ngx_queue_init(&worker->runs);
    ngx_queue_init(&worker->seats);
    ngx_queue_init(&worker->documents);
    ngx_rbtree_init(&worker->refreshes, &worker->sentinel,
                    ngx_str_rbtree_insert_value);
    ngx_cigna_stay_init(worker);

    worker->cache_hash = ngx_cigna_cache_key_create(cycle->pool,
                                                    mcf->vault.ring);
    worker->journal_mem = ngx_palloc(cycle->pool, CIGNA_JOURNAL_MEM);

    if (worker->cache_hash == NULL || worker->journal_mem == NULL
        || ngx_cigna_vault_read_init(worker) != NGX_OK)
    {
        return NULL;
    }

    worker->redis = ngx_cigna_redis_create(cycle, &mcf->redis);

    return worker->redis ? worker : NULL;
}


static ngx_int_t
ngx_cigna_process_jobs(ngx_cigna_main_conf_t *mcf)
{
    ngx_uint_t            i;
    ngx_cigna_shared_t  **shared = mcf->shared.elts;

    for (i = 0; i < mcf->shared.nelts; i++) {
        if (ngx_cigna_discovery_init(mcf, shared[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (ngx_cigna_budget_init(mcf) != NGX_OK
        || ngx_cigna_journal_writer_init(mcf) != NGX_OK
        || ngx_cigna_dance_upkeep_init(mcf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_cigna_cache_listener_init(mcf);
}


void
ngx_cigna_process_exit(ngx_cycle_t *cycle)
{
    ngx_uint_t              i;
    ngx_cigna_shared_t    **shared;
    ngx_cigna_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_cigna_module);

    if (mcf == NULL || mcf->worker == NULL) {
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
