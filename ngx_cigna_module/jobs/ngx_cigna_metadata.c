
/*
 * How a worker gets the text of a document:
 *
 *   get --> not due ----------------------------------------> the text
 *      \--> due: start --> wait for the claim --> fetch --> result
 *                               |                              |
 *                               +-- another worker is done --> copy
 *
 * A run that does not get the claim asks for it again every 20 ms.  The run
 * gets the claim if the worker that has the claim dies, or fetches for too
 * long.
 */


#include "ngx_cigna_metadata.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_shared.h"
#include "gateway/ngx_cigna_tenant.h"
#include "gateway/ngx_cigna_worker.h"
#include "nginx/ngx_cigna_pid.h"
#include "run/ngx_cigna_driver.h"
#include "shm/ngx_cigna_counters.h"
#include "shm/ngx_cigna_documents.h"

#include "provider/cigna_metadata_fetch.h"

#include <openssl/evp.h>
#include <openssl/sha.h>


#define NGX_CIGNA_METADATA_POLL_MS  20

/* seconds until the next fetch: after a failure; after a reply not kept */

#define NGX_CIGNA_METADATA_AWAY_S   10
#define NGX_CIGNA_METADATA_PASS_S   300

/* seconds after its fetch for which a document may be served */

#define NGX_CIGNA_METADATA_STALE_S  86400

/*
 * a claim of a document lasts for the tenant's time-outs, and this number of
 * seconds more
 */

#define NGX_CIGNA_METADATA_MORE_S   5


typedef struct {
    ngx_queue_t                  queue;    /* in worker->documents */
    u_char                       key[NGX_CIGNA_DOCUMENTS_KEY];
    ngx_cigna_document_state_t   state;    /* as last read from the zone */
    ngx_cigna_metadata_text_t   *text;     /* the text of state.version, or
                                              NULL */
    ngx_cigna_run_t             *run;      /* the run that fetches the document,
                                              or NULL */
} ngx_cigna_metadata_document_t;


/* the flow of a run: claims the document for this worker, then fetches it */

typedef struct {
    cigna_metadata_fetch_t          fetch;
    cigna_arena_t                   arena;
    ngx_cigna_run_t                *run;
    ngx_cigna_metadata_document_t  *doc;
    unsigned                        claimed:1;
} ngx_cigna_metadata_job_t;


static void ngx_cigna_metadata_refresh(const ngx_cigna_metadata_t *asked,
    ngx_cigna_metadata_document_t *doc);
static ngx_int_t ngx_cigna_metadata_key(const ngx_cigna_metadata_t *asked,
    u_char *key);
static int ngx_cigna_metadata_digest(EVP_MD_CTX *ctx,
    const ngx_cigna_metadata_t *asked);
static int ngx_cigna_metadata_digest_part(EVP_MD_CTX *ctx, cigna_slice_t part);
static ngx_cigna_metadata_document_t *ngx_cigna_metadata_document(
    ngx_cigna_worker_t *worker, const u_char *key);
static void ngx_cigna_metadata_shrink(ngx_cigna_worker_t *worker);
static void ngx_cigna_metadata_forget(ngx_cigna_worker_t *worker,
    ngx_queue_t *q);
static void ngx_cigna_metadata_sync(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_metadata_document_t *doc);
static void ngx_cigna_metadata_replace(ngx_cigna_worker_t *worker,
    ngx_cigna_metadata_document_t *doc, ngx_cigna_metadata_text_t *text);
static ngx_cigna_metadata_text_t *ngx_cigna_metadata_copy(
    ngx_cigna_main_conf_t *mcf, const u_char *key,
    const ngx_cigna_document_state_t *state);
static void ngx_cigna_metadata_start(const ngx_cigna_metadata_t *asked,
    ngx_cigna_metadata_document_t *doc);
static void ngx_cigna_metadata_flow(void *flow, const cigna_event_t *ev,
    cigna_op_t *op);
static ngx_int_t ngx_cigna_metadata_claim(ngx_cigna_metadata_job_t *job);
static ngx_int_t ngx_cigna_metadata_room(ngx_cigna_metadata_job_t *job,
    size_t len);
static void ngx_cigna_metadata_result(ngx_cigna_run_t *run);
static void ngx_cigna_metadata_store(ngx_cigna_metadata_job_t *job,
    ngx_cigna_document_state_t *before);
static void ngx_cigna_metadata_log(ngx_cigna_metadata_job_t *job,
    const ngx_cigna_document_state_t *before);
static void ngx_cigna_metadata_end(ngx_cigna_run_t *run);


ngx_int_t
ngx_cigna_metadata_get(const ngx_cigna_metadata_t *asked,
    ngx_cigna_metadata_text_t **text, ngx_cigna_run_t **run)
{
    u_char                          key[NGX_CIGNA_DOCUMENTS_KEY];
    ngx_cigna_metadata_document_t  *doc;

    doc = ngx_cigna_metadata_key(asked, key) == NGX_OK
          ? ngx_cigna_metadata_document(asked->mcf->worker, key) : NULL;

    if (doc == NULL) {
        return NGX_DECLINED;
    }

    ngx_cigna_metadata_refresh(asked, doc);

    if (doc->text && ngx_time() < doc->state.until) {

        if (doc->state.away) {
            ngx_cigna_count(asked->tenant->counters,
                            ngx_cigna_count_metadata_stale);
        }

        doc->text->refs++;
        *text = doc->text;

        return NGX_OK;
    }

    /*
     * after a fetch that failed, or whose reply cannot be kept, a caller does
     * not wait for the next fetch
     */

    if (doc->run == NULL || doc->state.passed || doc->state.away) {
        return NGX_DECLINED;
    }

    *run = doc->run;

    return NGX_AGAIN;
}


/*
 * Starts a fetch of a document that is due.  Reads the zone first, because
 * another worker may have fetched the document.
 */

static void
ngx_cigna_metadata_refresh(const ngx_cigna_metadata_t *asked,
    ngx_cigna_metadata_document_t *doc)
{
    if (doc->run || ngx_time() < doc->state.due) {
        return;
    }

    ngx_cigna_metadata_sync(asked->mcf, doc);

    if (ngx_time() >= doc->state.due && !ngx_exiting) {
        ngx_cigna_metadata_start(asked, doc);
    }
}


/* the key is the SHA-256 of everything that the text depends on */

static ngx_int_t
ngx_cigna_metadata_key(const ngx_cigna_metadata_t *asked, u_char *key)
{
    int          ok;
    EVP_MD_CTX  *ctx;

    ctx = EVP_MD_CTX_new();

    ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL)
         && ngx_cigna_metadata_digest(ctx, asked)
         && EVP_DigestFinal_ex(ctx, key, NULL);

    EVP_MD_CTX_free(ctx);

    return ok ? NGX_OK : NGX_ERROR;
}


static int
ngx_cigna_metadata_digest(EVP_MD_CTX *ctx, const ngx_cigna_metadata_t *asked)
{
    int                       ok;
    ngx_uint_t                i;
    const cigna_fhir_base_t  *base;

    ok = ngx_cigna_metadata_digest_part(ctx,
                                          asked->tenant->provider.fhir_base)
         && ngx_cigna_metadata_digest_part(ctx,
                                   cigna_public_metadata_path(asked->document))
         && ngx_cigna_metadata_digest_part(ctx, asked->lines)
         && ngx_cigna_metadata_digest_part(ctx,
                         ngx_cigna_slice(&asked->tenant->trusted_certificate));

    for (i = 0; ok && i < asked->n; i++) {
        ok = ngx_cigna_metadata_digest_part(ctx, asked->endpoints[i].name)
             && ngx_cigna_metadata_digest_part(ctx, asked->endpoints[i].url);
    }

    /* an empty part marks the end of the endpoints */

    ok = ok && ngx_cigna_metadata_digest_part(ctx, cigna_slice_null);

    for (i = 0; ok && asked->bases && i < asked->bases->n; i++) {
        base = &asked->bases->base[i];
        ok = ngx_cigna_metadata_digest_part(ctx,
                        cigna_slice_make(base->text, base->text + base->len));
    }

    return ok;
}


static int
ngx_cigna_metadata_digest_part(EVP_MD_CTX *ctx, cigna_slice_t part)
{
    return EVP_DigestUpdate(ctx, &part.len, sizeof(part.len))
           && EVP_DigestUpdate(ctx, part.data, part.len);
}


/* finds the worker's document with this key, or makes it; NULL: no memory */

static ngx_cigna_metadata_document_t *
ngx_cigna_metadata_document(ngx_cigna_worker_t *worker, const u_char *key)
{
    ngx_queue_t                    *q;
    ngx_cigna_metadata_document_t  *doc;

    for (q = ngx_queue_head(&worker->documents);
         q != ngx_queue_sentinel(&worker->documents);
         q = ngx_queue_next(q))
    {
        doc = ngx_queue_data(q, ngx_cigna_metadata_document_t, queue);

        if (ngx_cigna_documents_same(doc->key, key)) {
            ngx_queue_remove(q);
            ngx_queue_insert_head(&worker->documents, q);
            return doc;
        }
    }

    doc = ngx_calloc(sizeof(ngx_cigna_metadata_document_t), ngx_cycle->log);
    if (doc == NULL) {
        return NULL;
    }

    ngx_memcpy(doc->key, key, NGX_CIGNA_DOCUMENTS_KEY);

    ngx_queue_insert_head(&worker->documents, &doc->queue);
    worker->ndocuments++;

    ngx_cigna_metadata_shrink(worker);

    return doc;
}


/*
 * Drops the least recently used documents until the limits hold.  The most
 * recently used one stays, and so do those that a run fetches.
 */

static void
ngx_cigna_metadata_shrink(ngx_cigna_worker_t *worker)
{
    ngx_queue_t                    *q, *prev;
    ngx_cigna_metadata_document_t  *doc;

    for (q = ngx_queue_last(&worker->documents);
         q != ngx_queue_head(&worker->documents)
         && (worker->ndocuments > NGX_CIGNA_METADATA_MAX
             || worker->documents_size > NGX_CIGNA_METADATA_SIZE);
         q = prev)
    {
        prev = ngx_queue_prev(q);
        doc = ngx_queue_data(q, ngx_cigna_metadata_document_t, queue);

        if (doc->run == NULL) {
            ngx_cigna_metadata_forget(worker, q);
        }
    }
}


static void
ngx_cigna_metadata_forget(ngx_cigna_worker_t *worker, ngx_queue_t *q)
{
    ngx_cigna_metadata_document_t  *doc;

    doc = ngx_queue_data(q, ngx_cigna_metadata_document_t, queue);

    ngx_cigna_metadata_replace(worker, doc, NULL);

    ngx_queue_remove(q);
    worker->ndocuments--;

    ngx_free(doc);
}


/*
 * Copies the state and the text from the zone.  If the zone has dropped the
 * document to make room, the worker's copy of the text stays.
 */

static void
ngx_cigna_metadata_sync(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_metadata_document_t *doc)
{
    ngx_cigna_metadata_text_t   *text;
    ngx_cigna_document_state_t   state;

    state = ngx_cigna_documents_lock(mcf->documents, doc->key)->state;
    ngx_cigna_documents_unlock(mcf->documents);

    if (state.version == doc->state.version) {
        doc->state = state;
        return;
    }

    if (state.version == 0 && !state.passed) {
        doc->state.due = state.due;
        doc->state.away = state.away;
        return;
    }

    text = state.version ? ngx_cigna_metadata_copy(mcf, doc->key, &state)
                         : NULL;

    if (text || state.passed) {
        ngx_cigna_metadata_replace(mcf->worker, doc, text);
        doc->state = state;
    }
}


/* replaces the document's text; the document then owns "text", or has none */

static void
ngx_cigna_metadata_replace(ngx_cigna_worker_t *worker,
    ngx_cigna_metadata_document_t *doc, ngx_cigna_metadata_text_t *text)
{
    if (doc->text) {
        worker->documents_size -= doc->text->len;
        ngx_cigna_metadata_release(doc->text);
    }

    doc->text = text;

    if (text) {
        worker->documents_size += text->len;
        ngx_cigna_metadata_shrink(worker);
    }
}


/*
 * copies a document's text out of the zone; NULL: the zone does not have the
 * version in "state" any more, or there is no memory
 */

static ngx_cigna_metadata_text_t *
ngx_cigna_metadata_copy(ngx_cigna_main_conf_t *mcf, const u_char *key,
    const ngx_cigna_document_state_t *state)
{
    u_char                      digest[SHA256_DIGEST_LENGTH];
    ngx_uint_t                  same;
    ngx_cigna_document_t       *doc;
    ngx_cigna_metadata_text_t  *text;

    text = ngx_alloc(sizeof(ngx_cigna_metadata_text_t) + state->len,
                     ngx_cycle->log);
    if (text == NULL) {
        return NULL;
    }

    doc = ngx_cigna_documents_lock(mcf->documents, key);
    same = (doc->state.version == state->version);

    if (same) {
        ngx_memcpy(text->data, doc->text, state->len);
    }

    ngx_cigna_documents_unlock(mcf->documents);

    if (!same) {
        ngx_free(text);
        return NULL;
    }

    text->refs = 1;
    text->len = state->len;

    (void) SHA256(text->data, text->len, digest);
    ngx_memcpy(&text->hash, digest, sizeof(text->hash));

    return text;
}


void
ngx_cigna_metadata_release(void *data)
{
    ngx_cigna_metadata_text_t *text = data;

    if (--text->refs == 0) {
        ngx_free(text);
    }
}


static void
ngx_cigna_metadata_start(const ngx_cigna_metadata_t *asked,
    ngx_cigna_metadata_document_t *doc)
{
    size_t                     size;
    cigna_provider_t          *p;
    ngx_cigna_run_t           *run;
    ngx_cigna_metadata_job_t  *job;

    p = &asked->tenant->provider;
    size = p->fhir_base.len + asked->lines.len
           + cigna_public_metadata_path(asked->document).len;

    run = ngx_cigna_run_create(asked->mcf, asked->tenant, "metadata", NULL,
                               sizeof(ngx_cigna_metadata_job_t), size);
    if (run == NULL) {
        return;
    }

    doc->run = run;

    run->body_max = CIGNA_PUBLIC_METADATA_MAX;
    run->on.result = ngx_cigna_metadata_result;
    run->on.end = ngx_cigna_metadata_end;

    /*
     * this key belongs to no member (CIGNA_BUDGET_METADATA), so the request is
     * charged as metadata
     */

    ngx_memset(run->key.bytes, 0xff, sizeof(run->key.bytes));

    job = run->flow;
    job->run = run;
    job->doc = doc;

    job->fetch = (cigna_metadata_fetch_t) {
        .document = asked->document,
        .url = cigna_metadata_fetch_url(&run->arena, p, asked->document),
        .endpoints = asked->endpoints,
        .n = asked->n,
        .bases = asked->bases,
        .reply = &run->http.reply,
        .arena = &job->arena
    };

    (void) cigna_arena_copy(&run->arena, asked->lines, &job->fetch.lines);

    cigna_metadata_fetch_init(&job->fetch);

    ngx_cigna_run_start(run, ngx_cigna_metadata_flow);
}


static void
ngx_cigna_metadata_flow(void *flow, const cigna_event_t *ev, cigna_op_t *op)
{
    ngx_int_t                  rc;
    ngx_cigna_metadata_job_t  *job = flow;

    rc = job->claimed ? ngx_cigna_metadata_room(job, ev->body.len)
                      : ngx_cigna_metadata_claim(job);

    if (rc == NGX_BUSY) {
        cigna_flow_sleep(op, NGX_CIGNA_METADATA_POLL_MS);

    } else if (rc == NGX_OK) {
        job->claimed = 1;
        cigna_metadata_fetch_next(&job->fetch, ev, op);

    } else {
        cigna_flow_done(op);
    }
}


/*
 * NGX_OK: the document is claimed for this process, which must fetch it.
 * NGX_BUSY: another live process has claimed it.  NGX_DECLINED: the document is
 * not due.
 */

static ngx_int_t
ngx_cigna_metadata_claim(ngx_cigna_metadata_job_t *job)
{
    time_t                 now;
    ngx_int_t              rc;
    ngx_shm_zone_t        *zone;
    ngx_cigna_tenant_t    *tenant;
    ngx_cigna_document_t  *doc;

    now = ngx_time();
    rc = NGX_OK;
    zone = job->run->mcf->documents;
    tenant = job->run->tenant;

    doc = ngx_cigna_documents_lock(zone, job->doc->key);

    if (now < doc->state.due) {
        rc = NGX_DECLINED;

    } else if (doc->pid && doc->pid != ngx_pid && now < doc->claimed
               && ngx_cigna_pid_alive(doc->pid))
    {
        rc = NGX_BUSY;

    } else {
        doc->pid = ngx_pid;
        doc->claimed = now + (tenant->connect_timeout + tenant->timeout) / 1000
                       + NGX_CIGNA_METADATA_MORE_S;
    }

    ngx_cigna_documents_unlock(zone);

    return rc;
}


static ngx_int_t
ngx_cigna_metadata_room(ngx_cigna_metadata_job_t *job, size_t len)
{
    void    *mem;
    size_t   size;

    size = 2 * cigna_public_metadata_room(len, job->fetch.endpoints,
                                          job->fetch.n);

    mem = ngx_palloc(job->run->pool, size);
    if (mem == NULL) {
        return NGX_ERROR;
    }

    cigna_arena_init(&job->arena, mem, size);

    return NGX_OK;
}


static void
ngx_cigna_metadata_result(ngx_cigna_run_t *run)
{
    ngx_cigna_metadata_job_t    *job = run->flow;
    ngx_cigna_document_state_t   before;

    if (job->claimed) {

        if (run->failed) {
            job->fetch.rc = cigna_metadata_fetch_away;
        }

        ngx_cigna_metadata_store(job, &before);
        ngx_cigna_metadata_log(job, &before);
    }

    ngx_cigna_metadata_sync(run->mcf, job->doc);
}


/*
 * Stores the result of the fetch, and gives the claim up.  If another process
 * has got the claim meanwhile, only a text that can be kept is stored.
 */

static void
ngx_cigna_metadata_store(ngx_cigna_metadata_job_t *job,
    ngx_cigna_document_state_t *before)
{
    time_t                   now;
    ngx_shm_zone_t          *zone;
    ngx_cigna_document_t    *doc;
    cigna_metadata_fetch_t  *fetch;

    now = ngx_time();
    fetch = &job->fetch;
    zone = job->run->mcf->documents;

    doc = ngx_cigna_documents_lock(zone, job->doc->key);
    *before = doc->state;

    if (fetch->rc == cigna_metadata_fetch_kept
        && ngx_cigna_documents_keep(zone, doc, fetch->text) != NGX_OK)
    {
        fetch->rc = cigna_metadata_fetch_passed;
        cigna_flow_detail(fetch, "does not fit into memory", cigna_slice_null);
    }

    if (fetch->rc == cigna_metadata_fetch_kept) {
        doc->pid = 0;
        doc->state.due = now + fetch->fresh_s;
        doc->state.until = now + NGX_CIGNA_METADATA_STALE_S;

    } else if (doc->pid == ngx_pid) {
        doc->pid = 0;

        if (fetch->rc == cigna_metadata_fetch_away) {
            doc->state.away = 1;
            doc->state.due = now + NGX_CIGNA_METADATA_AWAY_S;

        } else {
            ngx_cigna_documents_drop(zone, doc);
            doc->state.passed = 1;
            doc->state.due = now + NGX_CIGNA_METADATA_PASS_S;
        }
    }

    ngx_cigna_documents_unlock(zone);
}


static void
ngx_cigna_metadata_log(ngx_cigna_metadata_job_t *job,
    const ngx_cigna_document_state_t *before)
{
    ngx_log_t               *log;
    ngx_cigna_counters_t    *counters;
    cigna_metadata_fetch_t  *fetch;

    log = &job->run->log.log;
    fetch = &job->fetch;
    counters = job->run->tenant->counters;

    ngx_cigna_count(counters, ngx_cigna_count_metadata_fetches);

    if (fetch->rc == cigna_metadata_fetch_kept) {

        if (before->away || before->passed) {
            ngx_log_error(NGX_LOG_NOTICE, log, 0, "\"%*s\" can be kept again",
                          fetch->url.len, fetch->url.data);
        }

        return;
    }

    ngx_cigna_count(counters, ngx_cigna_count_metadata_failures);

    if (fetch->rc == cigna_metadata_fetch_passed && !before->passed) {
        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "\"%*s\" %s: it is not kept, and requests for it are "
                      "proxied", fetch->url.len, fetch->url.data,
                      fetch->detail);
    }

    if (fetch->rc == cigna_metadata_fetch_away && !before->away) {
        ngx_log_error(NGX_LOG_WARN, log, 0, "\"%*s\" cannot be had: %s; %s",
                      fetch->url.len, fetch->url.data,
                      fetch->detail[0] ? fetch->detail : "failed",
                      before->version && ngx_time() < before->until
                          ? "the last one is served for a day at most"
                          : "requests for it are proxied");
    }
}


static void
ngx_cigna_metadata_end(ngx_cigna_run_t *run)
{
    ((ngx_cigna_metadata_job_t *) run->flow)->doc->run = NULL;
}


void
ngx_cigna_metadata_exit(ngx_cigna_worker_t *worker)
{
    while (!ngx_queue_empty(&worker->documents)) {
        ngx_cigna_metadata_forget(worker, ngx_queue_head(&worker->documents));
    }
}
