
/*
 * The first tenant of an authorization server fetches the metadata for all
 * tenants of the server, and the log names only the first tenant.
 *
 * Configured endpoints never change.  The other endpoints come from the
 * metadata, and stay in use even if a later fetch fails.  A document is refused
 * and logged if its issuer, or the origin of an endpoint, is another one than
 * before.
 *
 * If authorization_endpoint and token_endpoint are configured, a dance goes on
 * even if the metadata cannot be fetched.  It does not go on if the metadata
 * contradict the configuration.
 */


#include "ngx_cigna_discovery.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_shared.h"
#include "gateway/ngx_cigna_tenant.h"
#include "gateway/ngx_cigna_worker.h"
#include "run/ngx_cigna_driver.h"
#include "run/ngx_cigna_endpoints.h"
#include "nginx/ngx_cigna_timer.h"
#include "provider/cigna_discovery.h"


#define NGX_CIGNA_DISCOVERY_ARENA     (64 * 1024)
#define NGX_CIGNA_DISCOVERY_START_MS  100
#define NGX_CIGNA_DISCOVERY_AGAIN_S   3600
#define NGX_CIGNA_DISCOVERY_FAILED_S  10


typedef struct ngx_cigna_discovery_s {
    ngx_cigna_main_conf_t   *mcf;
    ngx_cigna_tenant_t      *tenant;           /* the first of the tenants that
                                                  share the server */

    cigna_provider_t         configured;
    cigna_metadata_t         metadata;
    ngx_cigna_run_t         *run;              /* the run that fetches now, or
                                                  NULL */
    time_t                   next;             /* no fetch before this time */
    ngx_event_t              start;
    unsigned                 needed:1;         /* the configuration lacks
                                                  authorization_endpoint,
                                                  token_endpoint, issuer or
                                                  jwks_uri */
    unsigned                 known:1;          /* "metadata" is set */
    unsigned                 failed:1;         /* a fetch has failed since
                                                  the start of the worker */
    unsigned                 refused:1;        /* since the last success a
                                                  document was refused, see
                                                  cigna_discovery.h */
} ngx_cigna_discovery_t;


static void ngx_cigna_discovery_begin(ngx_event_t *ev);
static void ngx_cigna_discovery_over(ngx_cigna_waiter_t *waiter,
    ngx_cigna_run_t *discovery);
static void ngx_cigna_discovery_go(ngx_cigna_run_t *run, ngx_uint_t failed);
static void ngx_cigna_discovery_run(ngx_cigna_discovery_t *d);
static void ngx_cigna_discovery_result(ngx_cigna_run_t *run);
static void ngx_cigna_discovery_failed(ngx_cigna_discovery_t *d,
    ngx_cigna_run_t *run);
static void ngx_cigna_discovery_end(ngx_cigna_run_t *run);
static ngx_int_t ngx_cigna_discovery_learn(ngx_cigna_discovery_t *d,
    cigna_metadata_t *fresh);


ngx_int_t
ngx_cigna_discovery_init(ngx_cigna_main_conf_t *mcf, ngx_cigna_shared_t *shared)
{
    cigna_provider_t       *p;
    ngx_cigna_discovery_t  *d;

    d = ngx_pcalloc(mcf->worker->cycle->pool, sizeof(ngx_cigna_discovery_t));

    if (d == NULL || ngx_cigna_endpoints_init(mcf, shared) != NGX_OK) {
        return NGX_ERROR;
    }

    d->mcf = mcf;
    d->tenant = *(ngx_cigna_tenant_t **) shared->tenants.elts;

    p = &d->tenant->provider;
    d->configured = *p;

    d->needed = (p->authorization_endpoint.len == 0
                 || p->token_endpoint.len == 0
                 || p->issuer.len == 0
                 || p->jwks_uri.len == 0);

    shared->discovery = d;

    if (!d->needed) {
        return NGX_OK;
    }

    ngx_cigna_timer_init(&d->start, ngx_cigna_discovery_begin, d,
                         mcf->worker->cycle->log, 1);
    ngx_add_timer(&d->start, 1 + ngx_random() % NGX_CIGNA_DISCOVERY_START_MS);

    return NGX_OK;
}


static void
ngx_cigna_discovery_begin(ngx_event_t *ev)
{
    ngx_cigna_discovery_t *d = ev->data;

    (void) ngx_cigna_discovery_start(d->tenant);
}


ngx_uint_t
ngx_cigna_discovery_ready(ngx_cigna_tenant_t *tenant)
{
    ngx_cigna_discovery_t  *d = tenant->shared->discovery;

    if (!d->needed) {
        return 1;
    }

    if (d->known && ngx_time() >= d->next && !ngx_exiting) {
        (void) ngx_cigna_discovery_start(tenant);
    }

    return d->known;
}


/*
 * Returns 1 if a fetch has failed, but a dance can go on: authorization
 * endpoint and token endpoint are configured, and no document contradicts the
 * configuration.
 */

static ngx_uint_t
ngx_cigna_discovery_spared(ngx_cigna_tenant_t *tenant)
{
    ngx_cigna_discovery_t  *d = tenant->shared->discovery;

    return d->failed && !d->refused
           && d->configured.authorization_endpoint.len
           && d->configured.token_endpoint.len;
}


ngx_cigna_run_t *
ngx_cigna_discovery_start(ngx_cigna_tenant_t *tenant)
{
    ngx_cigna_discovery_t  *d = tenant->shared->discovery;

    if (d->run == NULL && ngx_time() >= d->next) {
        ngx_cigna_discovery_run(d);
    }

    return d->run;
}


void
ngx_cigna_discovery_start_run(ngx_cigna_run_t *run, ngx_cigna_flow_pt next)
{
    ngx_uint_t        spared;
    ngx_cigna_run_t  *discovery;

    ngx_cigna_run_prepare(run, next);

    if (ngx_cigna_discovery_ready(run->tenant)) {
        ngx_cigna_discovery_go(run, 0);
        return;
    }

    discovery = ngx_cigna_discovery_start(run->tenant);

    /* after a failed fetch, a tenant that needs no metadata does not wait */

    spared = ngx_cigna_discovery_spared(run->tenant);

    if (spared || discovery == NULL
        || ngx_cigna_run_wait(discovery, &run->prior,
                              ngx_cigna_discovery_over, run)
           != NGX_OK)
    {
        ngx_cigna_discovery_go(run, !spared);
    }
}


static void
ngx_cigna_discovery_over(ngx_cigna_waiter_t *waiter,
    ngx_cigna_run_t *discovery)
{
    ngx_uint_t        failed;
    ngx_cigna_run_t  *run = waiter->data;

    failed = discovery->failed || !ngx_cigna_discovery_ready(run->tenant);

    ngx_cigna_discovery_go(run, failed
                                && !ngx_cigna_discovery_spared(run->tenant));
}


/* starts the run, or ends it if "failed" is 1: the endpoints are not known */

static void
ngx_cigna_discovery_go(ngx_cigna_run_t *run, ngx_uint_t failed)
{
    run->failed = failed;
    run->no_endpoints = failed;

    ngx_cigna_run_post(run);
}


static void
ngx_cigna_discovery_run(ngx_cigna_discovery_t *d)
{
    ngx_cigna_run_t    *run;
    cigna_discovery_t  *flow;

    run = ngx_cigna_run_create(d->mcf, d->tenant, "discovery", NULL,
                               sizeof(cigna_discovery_t),
                               NGX_CIGNA_DISCOVERY_ARENA);
    if (run == NULL) {
        return;
    }

    d->run = run;
    d->next = ngx_time() + NGX_CIGNA_DISCOVERY_FAILED_S;

    run->data = d;
    run->on.result = ngx_cigna_discovery_result;
    run->on.end = ngx_cigna_discovery_end;

    flow = run->flow;
    flow->provider = &d->configured;
    flow->known = d->known ? &d->metadata : NULL;
    flow->arena = &run->arena;

    cigna_discovery_init(flow);

    ngx_cigna_run_start(run, cigna_discovery_next);
}


static void
ngx_cigna_discovery_result(ngx_cigna_run_t *run)
{
    ngx_uint_t              i, level;
    cigna_discovery_t      *flow = run->flow;
    ngx_cigna_tenant_t    **tenants;
    ngx_cigna_discovery_t  *d = run->data;

    if (flow->ignored[0]) {
        ngx_log_error(NGX_LOG_WARN, &run->log.log, 0,
                      "discovery passed over: %s", flow->ignored);
    }

    if (run->failed || flow->rc != CIGNA_OK
        || ngx_cigna_discovery_learn(d, &flow->metadata) != NGX_OK)
    {
        ngx_cigna_discovery_failed(d, run);
        return;
    }

    level = d->known ? NGX_LOG_INFO : NGX_LOG_NOTICE;

    ngx_log_error(level, &run->log.log, 0,
                  "discovery succeeded, issuer: \"%*s\"",
                  d->metadata.issuer.len, d->metadata.issuer.data);

    d->known = 1;
    d->refused = 0;
    d->next = ngx_time() + NGX_CIGNA_DISCOVERY_AGAIN_S
              + ngx_random() % (NGX_CIGNA_DISCOVERY_AGAIN_S / 10);

    tenants = d->tenant->shared->tenants.elts;

    for (i = 0; i < d->tenant->shared->tenants.nelts; i++) {
        cigna_oauth_metadata_apply(&d->metadata, &d->configured,
                                   &tenants[i]->provider);
    }
}


static void
ngx_cigna_discovery_failed(ngx_cigna_discovery_t *d, ngx_cigna_run_t *run)
{
    ngx_uint_t          level;
    const char         *instead;
    cigna_discovery_t  *flow = run->flow;

    run->failed = 1;
    d->failed = 1;

    /* if a fetch fails, a document that was refused before stays refused */

    d->refused |= flow->refused;

    instead = d->known ? "; what was known before is used"
              : ngx_cigna_discovery_spared(d->tenant)
                ? "; the configured endpoints are used without it" : "";

    level = flow->moved ? NGX_LOG_ERR : NGX_LOG_WARN;

    ngx_log_error(level, &run->log.log, 0, "discovery failed: %s%s",
                  flow->detail, instead);
}


static void
ngx_cigna_discovery_end(ngx_cigna_run_t *run)
{
    ((ngx_cigna_discovery_t *) run->data)->run = NULL;
}


/*
 * Replaces the known metadata.  Flows borrow its strings while they run.  So a
 * string that has changed gets a new copy, and the old bytes stay in memory as
 * long as the cycle.  Changes are rare, because hosts never change.
 */

static ngx_int_t
ngx_cigna_discovery_learn(ngx_cigna_discovery_t *d, cigna_metadata_t *fresh)
{
    ngx_str_t          s;
    ngx_uint_t         i;
    cigna_slice_t     *to, *from;
    cigna_metadata_t   m;

    m = d->metadata;
    m.iss_supported = fresh->iss_supported;

    for (i = 0; (to = cigna_oauth_metadata_member(&m, i)) != NULL; i++) {

        from = cigna_oauth_metadata_member(fresh, i);

        if (cigna_slice_eq(*to, *from)) {
            continue;
        }

        s = ngx_cigna_str(*from);

        to->len = from->len;
        to->data = ngx_pstrdup(d->mcf->worker->cycle->pool, &s);

        if (to->data == NULL) {
            return NGX_ERROR;
        }
    }

    d->metadata = m;

    return NGX_OK;
}
