
/*
 * The lock in Redis allows one refresh of a grant at a time in the whole fleet.
 * The worker also keeps its refreshes in a tree, so that its requests find a
 * running refresh without asking Redis.  The refresh gate is the node's record
 * of failures and pauses (shm/ngx_cigna_refresh_gate.h).
 *
 * A run leaves the tree when it has its result.  From then on no request can
 * wait for the run, and the rest of its flow only updates the vault.
 *
 * After a failure, the node starts no refresh of the same identity for a while.
 * No refresh at all starts for a while after a change of Redis' primary.  No
 * refresh of a tenant starts during a pause that its token endpoint asked for.
 */


#include "ngx_cigna_refresher.h"
#include "run/ngx_cigna_driver.h"
#include "shm/ngx_cigna_journal.h"
#include "ngx_cigna_client_secret.h"
#include "ngx_cigna_discovery.h"
#include "ngx_cigna_revoker.h"
#include "ngx_cigna_userinfo.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_tenant.h"
#include "gateway/ngx_cigna_worker.h"
#include "shm/ngx_cigna_counters.h"
#include "nginx/ngx_cigna_time.h"


/*
 * ms until the next refresh, if one failed and the access token is still valid
 */

#define NGX_CIGNA_REFRESH_AGAIN_MS     2000
#define NGX_CIGNA_REFRESH_JITTER_MS    1000

/* seconds: the longest pause that a token endpoint gets when it asks for one */

#define NGX_CIGNA_REFRESH_PAUSE_MAX_S  600


_Static_assert(CIGNA_SCOPE_MAX + CIGNA_PATIENT_MAX + CIGNA_USERINFO_MAX
               <= NGX_CIGNA_CACHE_ABOUT_MAX,
               "a grant's scope, patient and $userinfo do not fit into the "
               "cache");


/* the flow of a run, and the run's place in worker->refreshes */

typedef struct {
    cigna_refresh_t          flow;             /* must be first: run->flow is
                                                  used as a cigna_refresh_t */
    ngx_cigna_run_t         *run;
    ngx_str_node_t           node;             /* empty string: not in the
                                                  tree */
    ngx_uint_t               epoch;            /* the identity's epoch in the
                                                  cache, at the start of the
                                                  run */
    u_char                   ahead[CIGNA_GRANT_ID_LEN];
                                               /* bytes of verdict.ahead_id */
} ngx_cigna_refresher_t;


static ngx_int_t ngx_cigna_refresher_allowed(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_tenant_t *tenant, const ngx_cigna_cache_key_t *key,
    ngx_uint_t *retry_after);
static ngx_msec_t ngx_cigna_refresher_paused(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_tenant_t *tenant);
static ngx_cigna_run_t *ngx_cigna_refresher_find(ngx_cigna_worker_t *worker,
    const ngx_cigna_cache_key_t *key);
static ngx_cigna_run_t *ngx_cigna_refresher_create(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_tenant_t *tenant, const cigna_vault_names_t *identity,
    const ngx_cigna_cache_key_t *key, ngx_str_t *request);
static void ngx_cigna_refresher_run(ngx_cigna_run_t *run,
    const cigna_grant_t *refused);
static void ngx_cigna_refresher_remember(ngx_cigna_refresher_t *refresher);
static void ngx_cigna_refresher_flow(void *data, const cigna_event_t *ev,
    cigna_op_t *op);
static void ngx_cigna_refresher_journalled(ngx_cigna_refresher_t *refresher);
static void ngx_cigna_refresher_answered(ngx_cigna_run_t *run,
    const cigna_refresh_t *flow);
static void ngx_cigna_refresher_result(ngx_cigna_run_t *run);
static void ngx_cigna_refresher_cache(ngx_cigna_run_t *run,
    const cigna_refresh_t *flow);
static ngx_uint_t ngx_cigna_refresher_unavailable(const cigna_refresh_t *flow);
static void ngx_cigna_refresher_failed(ngx_cigna_run_t *run,
    const cigna_refresh_t *flow);
static int64_t ngx_cigna_refresher_due(const ngx_cigna_tenant_t *tenant,
    const cigna_grant_t *grant);
static void ngx_cigna_refresher_log(ngx_cigna_run_t *run,
    const cigna_refresh_t *flow);
static void ngx_cigna_refresher_end(ngx_cigna_run_t *run);
static void ngx_cigna_refresher_forget(ngx_cigna_refresher_t *refresher);


ngx_int_t
ngx_cigna_refresher_start(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_tenant_t *tenant, const cigna_vault_names_t *identity,
    const ngx_cigna_cache_key_t *key, const cigna_grant_t *refused,
    ngx_str_t *request, ngx_cigna_run_t **run, ngx_uint_t *retry_after)
{
    ngx_int_t           rc;
    ngx_cigna_seats_t  *seat;

    *run = ngx_cigna_refresher_find(mcf->worker, key);
    if (*run != NULL) {
        return NGX_OK;
    }

    rc = ngx_cigna_refresher_allowed(mcf, tenant, key, retry_after);
    if (rc != NGX_OK) {
        return rc;
    }

    /*
     * Seats limit the open exchanges (run/ngx_cigna_seats.h).  A refresh
     * without a seat gets no run: thousands of grants may be due, and each run
     * takes memory.
     */

    seat = NULL;
    rc = ngx_cigna_seat_take(mcf->worker, tenant, ngx_cigna_seat_refresh,
                             &seat);
    if (rc != NGX_OK) {
        *retry_after = NGX_CIGNA_SEAT_RETRY_S;
        return rc == NGX_BUSY ? NGX_DECLINED : NGX_ERROR;
    }

    *run = ngx_cigna_refresher_create(mcf, tenant, identity, key, request);
    if (*run == NULL) {
        ngx_cigna_seat_give(mcf->worker, &seat);
        return NGX_ERROR;
    }

    (*run)->exchange.seat = seat;

    ngx_cigna_refresher_run(*run, refused);

    return NGX_OK;
}


void
ngx_cigna_refresher_ahead(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_tenant_t *tenant, const cigna_vault_names_t *identity,
    const ngx_cigna_cache_key_t *key, ngx_str_t *request)
{
    ngx_uint_t        retry_after;
    ngx_cigna_run_t  *run;

    if (ngx_exiting
        || ngx_cigna_refresh_gate_spent(tenant->refresh_gate,
                                        tenant->token_requests))
    {
        return;
    }

    (void) ngx_cigna_refresher_start(mcf, tenant, identity, key, NULL, request,
                                     &run, &retry_after);
}


/* returns NGX_OK, or an error as ngx_cigna_refresher_start() does */

static ngx_int_t
ngx_cigna_refresher_allowed(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_tenant_t *tenant, const ngx_cigna_cache_key_t *key,
    ngx_uint_t *retry_after)
{
    ngx_int_t   rc;
    ngx_msec_t  wait;

    rc = NGX_DECLINED;
    wait = ngx_cigna_refresher_paused(mcf, tenant);

    if (wait == 0) {
        rc = NGX_BUSY;
        wait = ngx_cigna_refresh_gate_cooling(mcf->zone, key);
    }

    if (wait == 0) {
        return NGX_OK;
    }

    *retry_after = (wait + 999) / 1000;

    return rc;
}


/* returns the ms until a refresh of the tenant may start; 0: now */

static ngx_msec_t
ngx_cigna_refresher_paused(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_tenant_t *tenant)
{
    ngx_msec_t  wait, paused, quiet;

    wait = ngx_cigna_refresh_gate_refusal_wait(mcf->zone, tenant->refresh_gate);
    paused = ngx_cigna_refresh_gate_paused(tenant->refresh_gate);
    quiet = ngx_cigna_refresh_gate_quiet(mcf->zone);

    wait = ngx_max(wait, paused);

    return ngx_max(wait, quiet);
}


static ngx_cigna_run_t *
ngx_cigna_refresher_find(ngx_cigna_worker_t *worker,
    const ngx_cigna_cache_key_t *key)
{
    ngx_str_t               name;
    ngx_str_node_t         *node;
    ngx_cigna_refresher_t  *refresher;

    name.data = (u_char *) key->bytes;
    name.len = NGX_CIGNA_CACHE_KEY_LEN;

    node = ngx_str_rbtree_lookup(&worker->refreshes, &name,
                                 ngx_crc32_short(name.data, name.len));

    if (node == NULL) {
        return NULL;
    }

    refresher = ngx_rbtree_data(node, ngx_cigna_refresher_t, node);

    return refresher->run;
}


static ngx_cigna_run_t *
ngx_cigna_refresher_create(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_tenant_t *tenant, const cigna_vault_names_t *identity,
    const ngx_cigna_cache_key_t *key, ngx_str_t *request)
{
    ngx_cigna_run_t  *run;

    run = ngx_cigna_run_create(mcf, tenant, "refresh", request,
                               sizeof(ngx_cigna_refresher_t), CIGNA_FLOW_ARENA);
    if (run == NULL) {
        return NULL;
    }

    ngx_cigna_run_about(run, identity);

    run->key = *key;
    run->on.result = ngx_cigna_refresher_result;
    run->on.end = ngx_cigna_refresher_end;
    run->on.revoke = ngx_cigna_revoker_start;
    run->exchange.paced = 1;
    run->waiters.max = tenant->grant_waiters;
    run->waiters.total = &tenant->waiters;
    run->waiters.total_max = tenant->refresh_waiters;

    return run;
}


/* starts the run, whose flow is a refresh */

static void
ngx_cigna_refresher_run(ngx_cigna_run_t *run, const cigna_grant_t *refused)
{
    cigna_refresh_t        *flow;
    ngx_cigna_tenant_t     *tenant = run->tenant;
    ngx_cigna_refresher_t  *refresher;

    refresher = run->flow;
    refresher->run = run;
    refresher->epoch = ngx_cigna_cache_epoch(run->mcf->zone,
                                             run->identity.hash);

    ngx_cigna_refresher_remember(refresher);

    flow = &refresher->flow;
    flow->subject = &run->subject;
    flow->exchange_ms = tenant->connect_timeout + tenant->exchange_timeout;
    flow->wait_ms = tenant->connect_timeout + tenant->timeout;

    if (refused != NULL) {
        flow->verdict.refused_generation = refused->generation;

        (void) cigna_arena_copy(&run->arena, refused->id,
                                &flow->verdict.refused_id);
    }

    if (tenant->provider.token_endpoint.len == 0) {
        ngx_cigna_discovery_start_run(run, ngx_cigna_refresher_flow);

    } else {
        ngx_cigna_run_start(run, ngx_cigna_refresher_flow);
    }
}


/* adds the run to worker->refreshes */

static void
ngx_cigna_refresher_remember(ngx_cigna_refresher_t *refresher)
{
    ngx_str_node_t   *node;
    ngx_cigna_run_t  *run;

    node = &refresher->node;
    run = refresher->run;

    node->str.data = run->key.bytes;
    node->str.len = NGX_CIGNA_CACHE_KEY_LEN;
    node->node.key = ngx_crc32_short(node->str.data, node->str.len);

    ngx_rbtree_insert(&run->mcf->worker->refreshes, &node->node);
}


/*
 * Before each step, gives the flow the newest state of the token endpoint and
 * of the journal.  After each step, reports a new answer of the token endpoint
 * to the node's refresh gate.
 */

static void
ngx_cigna_refresher_flow(void *data, const cigna_event_t *ev, cigna_op_t *op)
{
    cigna_answer_e          answer;
    ngx_cigna_run_t        *run;
    cigna_refresh_t        *flow;
    ngx_cigna_tenant_t     *tenant;
    ngx_cigna_refresher_t  *refresher = data;

    flow = &refresher->flow;
    run = refresher->run;
    tenant = run->tenant;

    ngx_cigna_refresh_gate_endpoint(run->mcf->zone, tenant->refresh_gate,
                                    tenant->provider.token_endpoint,
                                    tenant->refused_share, ev->now_ms,
                                    &flow->verdict.endpoint);

    ngx_cigna_refresher_journalled(refresher);

    answer = flow->exchange.answer;

    cigna_refresh_next(flow, ev, op);

    ngx_cigna_client_secret_worked(run, &flow->exchange.secret);

    if (flow->exchange.answer != answer) {
        ngx_cigna_refresher_answered(run, flow);
    }
}


/*
 * Gives the flow the journal entry that Redis may lack, if there is one: the
 * entry of the flow's grant, or of the identity's newest grant if the flow has
 * not read a grant yet.  A deletion counts as newer than all generations.
 */

static void
ngx_cigna_refresher_journalled(ngx_cigna_refresher_t *refresher)
{
    cigna_journal_t         entry;
    ngx_cigna_run_t        *run;
    cigna_verdict_t        *v;
    cigna_journal_known_t   known;

    v = &refresher->flow.verdict;
    run = refresher->run;

    ngx_memzero(&known, sizeof(cigna_journal_known_t));

    known.tenant = run->tenant->provider.tenant;
    known.identity = cigna_script_identity(&run->identity);
    known.id = refresher->flow.grant.id;
    known.now_ms = ngx_cigna_now_ms();

    v->ahead_id = cigna_slice_null;

    if (ngx_cigna_journal_ahead(run->mcf->zone, &known,
                                run->mcf->worker->journal_mem, &entry)
        != NGX_OK)
    {
        return;
    }

    ngx_memcpy(refresher->ahead, entry.id.data, CIGNA_GRANT_ID_LEN);

    v->ahead_id = cigna_slice_make(refresher->ahead,
                                   refresher->ahead + CIGNA_GRANT_ID_LEN);
    v->ahead_generation = entry.generation ? entry.generation : INT64_MAX;
}


/*
 * Tells the node's refresh gate how the token endpoint has answered, and logs
 * the bad state that the gate returns.  The gate returns each bad state at most
 * once a minute.
 */

static void
ngx_cigna_refresher_answered(ngx_cigna_run_t *run,
    const cigna_refresh_t *flow)
{
    ngx_cigna_refresh_gate_e   state;
    ngx_cigna_tenant_t        *tenant = run->tenant;

    state = ngx_cigna_refresh_gate_answered(run->mcf->zone,
                                            tenant->refresh_gate, &run->key,
                                            flow->exchange.answer,
                                            tenant->refused_share);

    if (state == ngx_cigna_refresh_gate_doubting) {
        ngx_log_error(NGX_LOG_ERR, &run->log.log, 0,
                      "the token endpoint refuses too many grants of \"%V\" "
                      "with invalid_grant: none is given up for that, and few "
                      "refreshes begin; are client_id and secret right?",
                      &tenant->name);

    } else if (state == ngx_cigna_refresh_gate_failing) {
        ngx_log_error(NGX_LOG_ERR, &run->log.log, 0,
                      "refreshes of \"%V\" fail one after the other: few begin "
                      "until one does well", &tenant->name);
    }
}


static void
ngx_cigna_refresher_result(ngx_cigna_run_t *run)
{
    cigna_refresh_t  *flow = run->flow;

    if (run->failed) {
        flow->rc = cigna_refresh_unavailable;
        flow->failure = cigna_refresh_unavailable;
        flow->retry_after_s = -1;
    }

    switch (flow->rc) {

    case cigna_refresh_ok:
        ngx_cigna_refresher_cache(run, flow);
        break;

    case cigna_refresh_no_grant:
    case cigna_refresh_spent:
    case cigna_refresh_moved:
        ngx_cigna_cache_drop(run->mcf->zone, &run->key, run->identity.hash);
        break;

    default:
        break;
    }

    if (flow->exchanged) {
        ngx_cigna_refresh_gate_warm(run->mcf->zone, &run->key);

    } else if (ngx_cigna_refresher_unavailable(flow)) {
        ngx_cigna_refresher_failed(run, flow);
    }

    ngx_cigna_refresher_log(run, flow);

    ngx_cigna_refresher_forget(run->flow);
}


/*
 * Puts the grant into the cache.  After a failed refresh this may be the old
 * grant, whose next refresh must not be due at once.
 */

static void
ngx_cigna_refresher_cache(ngx_cigna_run_t *run, const cigna_refresh_t *flow)
{
    int64_t                  now;
    ngx_cigna_refresher_t   *refresher;
    ngx_cigna_cache_entry_t  entry;

    ngx_cigna_refresher_entry(run->tenant, &run->identity, &flow->grant,
                              &entry);

    now = ngx_cigna_now_ms();

    if (entry.due_ms && entry.due_ms <= now) {
        entry.due_ms = now + NGX_CIGNA_REFRESH_AGAIN_MS
                       + ngx_random() % NGX_CIGNA_REFRESH_JITTER_MS;
    }

    refresher = run->flow;

    (void) ngx_cigna_cache_put(run->mcf->zone, &run->key, &entry,
                               refresher->epoch);
}


/*
 * returns 1 if the refresh failed at the token endpoint, even if the old token
 * is still valid
 */

static ngx_uint_t
ngx_cigna_refresher_unavailable(const cigna_refresh_t *flow)
{
    return !flow->overtaken && !cigna_verdict_behind(&flow->verdict)
           && flow->failure == cigna_refresh_unavailable
           && (flow->rc == cigna_refresh_unavailable
               || (flow->rc == cigna_refresh_ok && flow->detail[0] != '\0'));
}


/*
 * holds back the identity's next refresh, and all refreshes of the tenant if
 * the token endpoint has asked for a pause
 */

static void
ngx_cigna_refresher_failed(ngx_cigna_run_t *run, const cigna_refresh_t *flow)
{
    int64_t  pause_s;

    ngx_cigna_refresh_gate_cool(run->mcf->zone, &run->key,
                                flow->exchange.answer != cigna_answer_none);

    pause_s = ngx_min(flow->retry_after_s, NGX_CIGNA_REFRESH_PAUSE_MAX_S);

    if (pause_s > 0) {
        ngx_cigna_refresh_gate_pause(run->tenant->refresh_gate, pause_s * 1000);
    }
}


void
ngx_cigna_refresher_entry(const ngx_cigna_tenant_t *tenant,
    const cigna_vault_names_t *identity, const cigna_grant_t *grant,
    ngx_cigna_cache_entry_t *entry)
{
    ngx_memzero(entry, sizeof(ngx_cigna_cache_entry_t));

    ngx_memcpy(entry->name, identity->hash, CIGNA_NAME_LEN);

    if (grant->id.len == CIGNA_GRANT_ID_LEN) {
        ngx_memcpy(entry->id, grant->id.data, CIGNA_GRANT_ID_LEN);
    }

    entry->token = ngx_cigna_str(grant->access_token);
    entry->patient = ngx_cigna_str(grant->patient);
    entry->scope = ngx_cigna_str(grant->scope);
    entry->userinfo = ngx_cigna_str(grant->userinfo);
    entry->generation = grant->generation;
    entry->expires_ms = grant->expires_ms;
    entry->checked_ms = ngx_cigna_now_ms();
    entry->due_ms = ngx_cigna_refresher_due(tenant, grant);
}


/*
 * Returns a random time in the first half of the last refresh_ahead seconds
 * before the expiry.  These seconds are at most half of the token's life.  0:
 * never.
 */

static int64_t
ngx_cigna_refresher_due(const ngx_cigna_tenant_t *tenant,
    const cigna_grant_t *grant)
{
    int64_t  life, ahead;

    life = grant->expires_ms - grant->obtained_ms;
    ahead = ngx_min(tenant->provider.refresh_ahead_s * 1000, life / 2);

    if (grant->refresh_token.len == 0 || ahead <= 0) {
        return 0;
    }

    return grant->expires_ms - ahead / 2 - ngx_random() % (ahead / 2 + 1);
}


static void
ngx_cigna_refresher_log(ngx_cigna_run_t *run, const cigna_refresh_t *flow)
{
    ngx_uint_t  level;

    if (flow->exchange.foreign) {
        ngx_cigna_count(run->tenant->counters, ngx_cigna_count_strangers);
    }

    if (flow->exchange.provisional) {
        ngx_cigna_count(run->tenant->counters, ngx_cigna_count_refusals_held);
    }

    if (flow->rc == cigna_refresh_ok && flow->exchanged) {
        ngx_cigna_count(run->tenant->counters, ngx_cigna_count_refreshes);
        level = NGX_LOG_INFO;

    } else if ((flow->rc == cigna_refresh_ok && flow->detail[0] == '\0')
               || flow->rc == cigna_refresh_refused)
    {
        /*
         * no exchange was tried, or each waiting request logs the refusal
         * itself
         */
        return;

    } else if (flow->failure == cigna_refresh_paused
               && !flow->exchange.provisional)
    {
        level = NGX_LOG_INFO;

    } else {
        ngx_cigna_count(run->tenant->counters,
                        ngx_cigna_count_refresh_failures);
        level = flow->exchange.secret.refused ? NGX_LOG_ERR : NGX_LOG_WARN;
    }

    ngx_log_error(level, &run->log.log, 0, "refresh ended, outcome: %s%s%s",
                  run->no_endpoints ? "discovery_failed"
                                    : cigna_refresh_name(flow->rc),
                  flow->detail[0] ? ", " : "", flow->detail);
}


/* in an exiting worker a run may end while it is still in worker->refreshes */

static void
ngx_cigna_refresher_end(ngx_cigna_run_t *run)
{
    cigna_refresh_t  *flow = run->flow;

    ngx_cigna_refresher_forget(run->flow);

    if (flow->superseded) {
        ngx_cigna_cache_drop(run->mcf->zone, &run->key, run->identity.hash);

        ngx_log_error(NGX_LOG_WARN, &run->log.log, 0,
                      "the new tokens are not used any more%s%s",
                      flow->detail[0] ? ", detail: " : "", flow->detail);

    } else if (flow->exchanged && !flow->left && !run->failed) {
        ngx_cigna_userinfo_start(run->mcf, run->tenant, &run->identity,
                                 &run->key, &flow->grant, &run->log.request);
    }
}


/* removes the run from worker->refreshes; may be called twice */

static void
ngx_cigna_refresher_forget(ngx_cigna_refresher_t *refresher)
{
    if (refresher->node.str.len) {
        ngx_rbtree_delete(&refresher->run->mcf->worker->refreshes,
                          &refresher->node.node);

        refresher->node.str.len = 0;
    }
}
