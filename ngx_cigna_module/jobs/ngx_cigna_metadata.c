
/*
 *   get --> not due ----------------------------------------> the text
 *      \--> due: start --> wait for the claim --> fetch --> result
 *                               |                              |
 *                               +-- another worker is done --> copy
 *
 * A run that does not get the claim asks for it again every 20 ms.  It gets the
 * claim if the worker that has it dies.
 */


#include "ngx_cigna_metadata.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_shared.h"
#include "gateway/ngx_cigna_tenant.h"
#include "gateway/ngx_cigna_worker.h"
#include "run/ngx_cigna_driver.h"
#include "shm/ngx_cigna_counters.h"
#include "shm/ngx_cigna_documents.h"

#include "provider/cigna_metadata_fetch.h"

#include <openssl/sha.h>


#define NGX_CIGNA_METADATA_POLL_MS  20

/* seconds until the next fetch: after a failure, after a reply not kept */

#define NGX_CIGNA_METADATA_AWAY_S   10
#define NGX_CIGNA_METADATA_PASS_S   300

/* seconds after its fetch for which a document may be served */

#define NGX_CIGNA_METADATA_STALE_S  86400

/* a claim lasts for the tenant's time-outs, and for so many seconds more */

#define NGX_CIGNA_METADATA_MORE_S   5


typedef struct {
    ngx_queue_t                  queue;    /* in worker->documents */
    u_char                       key[NGX_CIGNA_DOCUMENTS_KEY];
    ngx_cigna_document_state_t   state;    /* as last read from the zone */
    ngx_cigna_metadata_text_t   *text;     /* of state.version, or NULL */
    ngx_cigna_run_t             *run;      /* fetches it, or NULL */
} ngx_cigna_metadata_document_t;


/* the flow of a run: gets the claim, then fetches the document */

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
static size_t ngx_cigna_metadata_key_size(const ngx_cigna_metadata_t *asked);
static void ngx_cigna_metadata_key_parts(const ngx_cigna_metadata_t *asked,
    cigna_buf_t *b);
static ngx_cigna_metadata_document_t *ngx_cigna_metadata_document(
    ngx_cigna_worker_t *worker, const u_char *key);
static void ngx_cigna_metadata_shrink(ngx_cigna_worker_t *worker);
static void ngx_cigna_metadata_forget(ngx_cigna_worker_t *worker,
    ngx_cigna_metadata_document_t *doc);
static void ngx_cigna_metadata_sync(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_metadata_document_t *doc);
static void ngx_cigna_metadata_replace(ngx_cigna_worker_t *worker,
    ngx_cigna_metadata_document_t *doc, ngx_cigna_metadata_text_t *text);
static ngx_cigna_metadata_text_t *ngx_cigna_metadata_copy(
    ngx_cigna_main_conf_t *mcf, const u_char *key,
    const ngx_cigna_document_state_t *state);
static void ngx_cigna_metadata_start(const ngx_cigna_metadata_t *asked,
    ngx_cigna_metadata_document_t *doc);
static void ngx_cigna_metadata_flow_init(ngx_cigna_run_t *run,
    const ngx_cigna_metadata_t *asked, ngx_cigna_metadata_document_t *doc);
static void ngx_cigna_metadata_flow(void *flow, const cigna_event_t *ev,
    cigna_op_t *op);
static ngx_int_t ngx_cigna_metadata_claim(ngx_cigna_metadata_job_t *job);
static ngx_int_t ngx_cigna_metadata_room(ngx_cigna_metadata_job_t *job,
    size_t len);
static void ngx_cigna_metadata_result(ngx_cigna_run_t *run);
static void ngx_cigna_metadata_kept(ngx_cigna_run_t *run,
    ngx_cigna_metadata_job_t *job);
static void ngx_cigna_metadata_away(ngx_cigna_run_t *run,
    ngx_cigna_metadata_job_t *job);
static void ngx_cigna_metadata_passed(ngx_cigna_run_t *run,
    ngx_cigna_metadata_job_t *job, const char *what);
static void ngx_cigna_metadata_end(ngx_cigna_run_t *run);


ngx_int_t
ngx_cigna_metadata_get(const ngx_cigna_metadata_t *asked,
    ngx_cigna_metadata_text_t **text, ngx_cigna_run_t **run)
{
    u_char                          key[NGX_CIGNA_DOCUMENTS_KEY];
    ngx_cigna_metadata_document_t  *doc;

    if (ngx_cigna_metadata_key(asked, key) != NGX_OK) {
        return NGX_DECLINED;
    }

    doc = ngx_cigna_metadata_document(asked->mcf->worker, key);
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

    /* after a failed fetch a caller does not wait for the next one */

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
    u_char       *mem;
    size_t        size;
    cigna_buf_t   b;

    size = ngx_cigna_metadata_key_size(asked);

    mem = ngx_alloc(size, ngx_cycle->log);
    if (mem == NULL) {
        return NGX_ERROR;
    }

    cigna_buf_init(&b, mem, size);
    ngx_cigna_metadata_key_parts(asked, &b);

    (void) SHA256(b.start, b.pos - b.start, key);

    ngx_free(mem);

    return b.overflow ? NGX_ERROR : NGX_OK;
}


static size_t
ngx_cigna_metadata_key_size(const ngx_cigna_metadata_t *asked)
{
    size_t                    size;
    ngx_uint_t                i;
    cigna_public_endpoint_t  *endpoint;

    size = sizeof(uint32_t) * 8 + asked->url.len + asked->lines.len
           + asked->tenant->trusted_certificate.len
           + CIGNA_BASES_MAX * (sizeof(uint32_t) + CIGNA_FHIR_BASE_LEN_MAX);

    if (asked->endpoints) {
        endpoint = asked->endpoints->elts;

        for (i = 0; i < asked->endpoints->nelts; i++) {
            size += 2 * sizeof(uint32_t) + endpoint[i].name.len
                    + endpoint[i].url.len;
        }
    }

    return size;
}


static void
ngx_cigna_metadata_key_parts(const ngx_cigna_metadata_t *asked,
    cigna_buf_t *b)
{
    ngx_uint_t                i;
    const cigna_bases_t      *bases;
    cigna_public_endpoint_t  *endpoint;

    cigna_buf_append_lp(b, asked->url);
    cigna_buf_append_lp(b, asked->lines);
    cigna_buf_append_lp(b,
                        ngx_cigna_slice(&asked->tenant->trusted_certificate));

    bases = &asked->tenant->shared->bases;
    cigna_buf_append_u32(b, asked->links ? bases->n : 0);

    for (i = 0; asked->links && i < bases->n; i++) {
        cigna_buf_append_lp(b, cigna_slice_make(bases->base[i].text,
                                                bases->base[i].text
                                                + bases->base[i].len));
    }

    if (asked->endpoints == NULL) {
        return;
    }

    endpoint = asked->endpoints->elts;

    for (i = 0; i < asked->endpoints->nelts; i++) {
        cigna_buf_append_lp(b, endpoint[i].name);
        cigna_buf_append_lp(b, endpoint[i].url);
    }
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
            ngx_cigna_metadata_forget(worker, doc);
        }
    }
}


static void
ngx_cigna_metadata_forget(ngx_cigna_worker_t *worker,
    ngx_cigna_metadata_document_t *doc)
{
    ngx_cigna_metadata_replace(worker, doc, NULL);

    ngx_queue_remove(&doc->queue);
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

    ngx_cigna_documents_look(mcf->documents, doc->key, &state);

    if (state.version == doc->state.version) {
        doc->state = state;
        return;
    }

    if (state.version == 0 && !state.passed) {
        doc->state.due = state.due;
        doc->state.away = state.away;
        return;
    }

    text = NULL;

    if (state.version) {
        text = ngx_cigna_metadata_copy(mcf, doc->key, &state);

        if (text == NULL) {
            return;
        }
    }

    ngx_cigna_metadata_replace(mcf->worker, doc, text);
    doc->state = state;
}


/* replaces the document's text; the document owns the new one; may be NULL */

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


static ngx_cigna_metadata_text_t *
ngx_cigna_metadata_copy(ngx_cigna_main_conf_t *mcf, const u_char *key,
    const ngx_cigna_document_state_t *state)
{
    u_char                      digest[SHA256_DIGEST_LENGTH];
    ngx_cigna_metadata_text_t  *text;

    text = ngx_alloc(sizeof(ngx_cigna_metadata_text_t) + state->len,
                     ngx_cycle->log);
    if (text == NULL) {
        return NULL;
    }

    if (ngx_cigna_documents_copy(mcf->documents, key, state, text->data)
        != NGX_OK)
    {
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
    ngx_cigna_run_t  *run;

    run = ngx_cigna_run_create(asked->mcf, asked->tenant, "metadata", NULL,
                               sizeof(ngx_cigna_metadata_job_t),
                               asked->url.len + asked->lines.len + 1);
    if (run == NULL) {
        return;
    }

    doc->run = run;

    run->data = doc;
    run->body_max = CIGNA_PUBLIC_METADATA_MAX;
    run->on.result = ngx_cigna_metadata_result;
    run->on.end = ngx_cigna_metadata_end;

    /* the key is CIGNA_BUDGET_METADATA, as for requests without a token */

    ngx_memset(run->key.bytes, 0xff, sizeof(run->key.bytes));

    ngx_cigna_metadata_flow_init(run, asked, doc);

    ngx_cigna_run_start(run, ngx_cigna_metadata_flow);
}


static void
ngx_cigna_metadata_flow_init(ngx_cigna_run_t *run,
    const ngx_cigna_metadata_t *asked, ngx_cigna_metadata_document_t *doc)
{
    cigna_metadata_fetch_t    *fetch;
    ngx_cigna_metadata_job_t  *job;

    job = run->flow;
    job->run = run;
    job->doc = doc;

    fetch = &job->fetch;
    fetch->document = asked->document;
    (void) cigna_arena_copy(&run->arena, asked->url, &fetch->url);
    (void) cigna_arena_copy(&run->arena, asked->lines, &fetch->lines);
    fetch->bases = asked->links ? &asked->tenant->shared->bases : NULL;
    fetch->arena = &job->arena;

    if (asked->endpoints) {
        fetch->endpoints = asked->endpoints->elts;
        fetch->n = asked->endpoints->nelts;
    }

    cigna_metadata_fetch_init(fetch);
}


static void
ngx_cigna_metadata_flow(void *flow, const cigna_event_t *ev, cigna_op_t *op)
{
    ngx_int_t                  rc;
    ngx_cigna_metadata_job_t  *job;

    job = flow;

    if (!job->claimed) {

        rc = ngx_cigna_metadata_claim(job);

        if (rc == NGX_BUSY) {
            cigna_flow_sleep(op, NGX_CIGNA_METADATA_POLL_MS);
            return;
        }

        if (rc == NGX_DECLINED) {
            cigna_flow_done(op);
            return;
        }

        job->claimed = 1;

    } else {
        job->fetch.reply = &job->run->http.reply;

        if (ngx_cigna_metadata_room(job, ev->body.len) != NGX_OK) {
            cigna_flow_done(op);
            return;
        }
    }

    cigna_metadata_fetch_next(&job->fetch, ev, op);
}


static ngx_int_t
ngx_cigna_metadata_claim(ngx_cigna_metadata_job_t *job)
{
    ngx_cigna_tenant_t  *tenant;

    tenant = job->run->tenant;

    return ngx_cigna_documents_claim(job->run->mcf->documents, job->doc->key,
                                     ngx_time(),
                                     (tenant->connect_timeout
                                      + tenant->timeout) / 1000
                                     + NGX_CIGNA_METADATA_MORE_S);
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
    ngx_cigna_metadata_job_t  *job;

    job = run->flow;

    if (job->claimed) {

        ngx_cigna_count(run->tenant->counters,
                        ngx_cigna_count_metadata_fetches);

        if (run->failed) {
            job->fetch.rc = cigna_metadata_fetch_away;
        }

        switch (job->fetch.rc) {

        case cigna_metadata_fetch_kept:
            ngx_cigna_metadata_kept(run, job);
            break;

        case cigna_metadata_fetch_passed:
            ngx_cigna_metadata_passed(run, job, job->fetch.detail);
            break;

        default: /* cigna_metadata_fetch_away */
            ngx_cigna_metadata_away(run, job);
        }
    }

    ngx_cigna_metadata_sync(run->mcf, job->doc);
}


static void
ngx_cigna_metadata_kept(ngx_cigna_run_t *run, ngx_cigna_metadata_job_t *job)
{
    time_t                       now;
    ngx_str_t                    text;
    ngx_cigna_document_state_t   before;

    now = ngx_time();

    text.data = (u_char *) job->fetch.text.data;
    text.len = job->fetch.text.len;

    if (ngx_cigna_documents_keep(run->mcf->documents, job->doc->key, &text,
                                 now + job->fetch.fresh_s,
                                 now + NGX_CIGNA_METADATA_STALE_S, &before)
        != NGX_OK)
    {
        ngx_cigna_metadata_passed(run, job, "does not fit into memory");
        return;
    }

    if (before.away || before.passed) {
        ngx_log_error(NGX_LOG_NOTICE, &run->log.log, 0,
                      "\"%*s\" can be kept again", job->fetch.url.len,
                      job->fetch.url.data);
    }
}


static void
ngx_cigna_metadata_away(ngx_cigna_run_t *run, ngx_cigna_metadata_job_t *job)
{
    time_t                       now;
    ngx_cigna_document_state_t   before;

    now = ngx_time();

    ngx_cigna_count(run->tenant->counters, ngx_cigna_count_metadata_failures);

    ngx_cigna_documents_fail(run->mcf->documents, job->doc->key,
                             now + NGX_CIGNA_METADATA_AWAY_S, 0, &before);

    if (before.away) {
        return;
    }

    ngx_log_error(NGX_LOG_WARN, &run->log.log, 0,
                  "\"%*s\" cannot be had: %s; %s", job->fetch.url.len,
                  job->fetch.url.data,
                  job->fetch.detail[0] ? job->fetch.detail : "failed",
                  before.version && now < before.until
                      ? "the last one is served for a day at most"
                      : "requests for it are proxied");
}


static void
ngx_cigna_metadata_passed(ngx_cigna_run_t *run, ngx_cigna_metadata_job_t *job,
    const char *what)
{
    ngx_cigna_document_state_t  before;

    ngx_cigna_count(run->tenant->counters, ngx_cigna_count_metadata_failures);

    ngx_cigna_documents_fail(run->mcf->documents, job->doc->key,
                             ngx_time() + NGX_CIGNA_METADATA_PASS_S, 1,
                             &before);

    if (!before.passed) {
        ngx_log_error(NGX_LOG_WARN, &run->log.log, 0,
                      "\"%*s\" %s: it is not kept, and requests for it are "
                      "proxied", job->fetch.url.len, job->fetch.url.data, what);
    }
}


static void
ngx_cigna_metadata_end(ngx_cigna_run_t *run)
{
    ngx_cigna_metadata_document_t  *doc;

    doc = run->data;
    doc->run = NULL;
}


void
ngx_cigna_metadata_exit(ngx_cigna_worker_t *worker)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(&worker->documents)) {
        q = ngx_queue_head(&worker->documents);

        ngx_cigna_metadata_forget(worker,
                                  ngx_queue_data(q,
                                                 ngx_cigna_metadata_document_t,
                                                 queue));
    }
}
