
#include "ngx_cigna_vault_read.h"
#include "ngx_cigna_identity.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_tenant.h"
#include "gateway/ngx_cigna_worker.h"
#include "nginx/ngx_cigna_time.h"
#include "shm/ngx_cigna_counters.h"
#include "shm/ngx_cigna_journal.h"
#include "vault/cigna_scripts.h"


/*
 * A grant is opened, read and wiped without a return to the event loop, so one
 * arena serves all requests of the worker.  The arena has room for two grants:
 * one from Redis and one from the journal.
 */

#define NGX_CIGNA_VAULT_READ_ARENA  (2 * (CIGNA_GRANT_PLAIN_MAX + 8 * 1024))


static cigna_subject_t ngx_cigna_vault_read_subject(ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_vault_read_newer(ngx_cigna_ctx_t *ctx,
    cigna_grant_t *grant, int *rc);
static ngx_int_t ngx_cigna_vault_read_open(ngx_cigna_ctx_t *ctx,
    const cigna_journal_t *entry, cigna_grant_t *grant, int *rc);
static ngx_cigna_condition_e ngx_cigna_vault_read_judge(
    ngx_cigna_main_conf_t *mcf, ngx_cigna_tenant_t *tenant,
    const cigna_grant_t *grant, const cigna_vault_mark_t *mark);
static ngx_cigna_condition_e ngx_cigna_vault_read_failed(int rc);
static ngx_cigna_worker_t *ngx_cigna_vault_read_worker(ngx_cigna_ctx_t *ctx);


ngx_int_t
ngx_cigna_vault_read_init(ngx_cigna_worker_t *worker)
{
    u_char  *mem;

    mem = ngx_palloc(worker->cycle->pool, NGX_CIGNA_VAULT_READ_ARENA);
    if (mem == NULL) {
        return NGX_ERROR;
    }

    cigna_arena_init(&worker->read_arena, mem, NGX_CIGNA_VAULT_READ_ARENA);

    return NGX_OK;
}


ngx_int_t
ngx_cigna_vault_read_start(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_http_event_handler_pt resume)
{
    size_t                argc;
    cigna_slice_t         argv[CIGNA_GRANT_READ_ARGC];
    cigna_vault_names_t  *id;

    id = ngx_cigna_identity_names(r, ctx);
    if (id == NULL || ngx_cigna_wait_init(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_cigna_count(ctx->tenant->counters, ngx_cigna_count_vault_reads);

    argc = cigna_vault_read_args(id, argv);

    return ngx_cigna_wait_redis(ctx->wait, argv, argc, resume);
}


ngx_cigna_condition_e
ngx_cigna_vault_read_grant(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    cigna_grant_t *grant)
{
    int                     rc;
    cigna_subject_t         subject;
    cigna_vault_mark_t      mark;
    ngx_cigna_redis_cmd_t  *cmd;

    cmd = &ctx->wait->cmd;

    ngx_memzero(grant, sizeof(cigna_grant_t));

    ctx->mcf->worker->read_journal = 0;

    if (cmd->outcome != cigna_ev_ok) {
        return ngx_cigna_condition_vault_unreachable;
    }

    subject = ngx_cigna_vault_read_subject(ctx);

    rc = cigna_vault_read_grant(&subject, cmd->reply, grant, &mark);

    if (ngx_cigna_vault_read_newer(ctx, grant, &rc) == NGX_OK) {
        ctx->mcf->worker->read_journal = 1;

        /* the mark is about the older generation in Redis */

        ngx_memzero(&mark, sizeof(cigna_vault_mark_t));
    }

    if (rc != CIGNA_OK) {
        return ngx_cigna_vault_read_failed(rc);
    }

    return ngx_cigna_vault_read_judge(ctx->mcf, ctx->tenant, grant, &mark);
}


/* decides by the same rules as a refresh does, see cigna_verdict() */

static ngx_cigna_condition_e
ngx_cigna_vault_read_judge(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_tenant_t *tenant, const cigna_grant_t *grant,
    const cigna_vault_mark_t *mark)
{
    int64_t          now;
    cigna_verdict_t  v;

    ngx_memzero(&v, sizeof(cigna_verdict_t));

    now = ngx_cigna_now_ms();

    v.provider = &tenant->provider;
    v.grant = grant;
    v.mark = *mark;

    if (grant->state == cigna_grant_spent || mark->attempts) {
        ngx_cigna_refresh_gate_endpoint(mcf->zone, tenant->refresh_gate,
                                        tenant->provider.token_endpoint,
                                        tenant->refused_share, now,
                                        &v.endpoint);
    }

    switch (cigna_verdict(&v, now)) {

    case cigna_refresh_spent:
        return grant->refresh_token.len ? ngx_cigna_condition_grant_spent
                                        : ngx_cigna_condition_grant_expired;

    case cigna_refresh_paused:
        return cigna_verdict_usable(&v, now)
               ? ngx_cigna_condition_served
               : ngx_cigna_condition_refresh_paused;

    default:
        return ngx_cigna_condition_served;
    }
}


static cigna_subject_t
ngx_cigna_vault_read_subject(ngx_cigna_ctx_t *ctx)
{
    return (cigna_subject_t) {
        .vault = &ctx->mcf->vault,
        .provider = &ctx->tenant->provider,
        .identity = ctx->names,
        .arena = &ctx->mcf->worker->read_arena
    };
}


/*
 * The journal can be ahead of Redis, which may have refused or lost a write.
 * NGX_OK: the journal has a newer generation of the grant, and *grant and *rc
 * are now about that generation.  If Redis has lost the whole record, this
 * function finds nothing; the journal writes the record again later.
 */

static ngx_int_t
ngx_cigna_vault_read_newer(ngx_cigna_ctx_t *ctx, cigna_grant_t *grant,
    int *rc)
{
    cigna_journal_t        entry;
    cigna_journal_known_t  known;

    if (grant->id.len == 0 || grant->generation == 0) {
        return NGX_DECLINED;
    }

    known.tenant = ctx->tenant->provider.tenant;
    known.identity = cigna_script_identity(ctx->names);
    known.id = grant->id;
    known.generation = grant->generation;
    known.now_ms = ngx_cigna_now_ms();
    known.spent = grant->state == cigna_grant_spent;

    if (ngx_cigna_journal_ahead(ctx->mcf->zone, &known,
                                ctx->mcf->worker->journal_mem, &entry)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    return ngx_cigna_vault_read_open(ctx, &entry, grant, rc);
}


/*
 * Opens the journal's entry into *grant.  *rc is then CIGNA_OK,
 * CIGNA_VAULT_MOVED, or CIGNA_NONE for the entry of a deletion.  NGX_DECLINED:
 * the entry cannot be opened, and *grant and *rc stay as they are.  The entry
 * may belong to another vault, its key may be gone from the key ring, or there
 * is no memory.
 */

static ngx_int_t
ngx_cigna_vault_read_open(ngx_cigna_ctx_t *ctx, const cigna_journal_t *entry,
    cigna_grant_t *grant, int *rc)
{
    int              opened;
    cigna_grant_t    newer;
    cigna_subject_t  subject;

    ngx_memzero(&newer, sizeof(cigna_grant_t));

    opened = CIGNA_NONE;

    if (entry->generation) {
        newer.generation = entry->generation;

        subject = ngx_cigna_vault_read_subject(ctx);

        if (cigna_arena_copy(subject.arena, entry->id, &newer.id) != CIGNA_OK) {
            return NGX_DECLINED;
        }

        opened = cigna_vault_open_grant(&subject, entry->blob, &newer);

        if (opened != CIGNA_OK && opened != CIGNA_VAULT_MOVED) {
            return NGX_DECLINED;
        }
    }

    *grant = newer;
    *rc = opened;

    return NGX_OK;
}


static ngx_cigna_condition_e
ngx_cigna_vault_read_failed(int rc)
{
    switch (rc) {

    case CIGNA_NONE:
        return ngx_cigna_condition_not_connected;

    case CIGNA_AGAIN:
        return ngx_cigna_condition_vault_unreachable;

    case CIGNA_VAULT_MOVED:
        return ngx_cigna_condition_grant_moved;

    case CIGNA_SEAL_UNKNOWN_KEY:
        return ngx_cigna_condition_key_unknown;

    case CIGNA_SEAL_DAMAGED:
        return ngx_cigna_condition_record_damaged;

    default:
        return ngx_cigna_condition_internal_error;
    }
}


ngx_uint_t
ngx_cigna_vault_read_marked(ngx_cigna_ctx_t *ctx)
{
    /* a mark in Redis says nothing about a newer grant from the journal */

    return !ngx_cigna_vault_read_worker(ctx)->read_journal
           && cigna_vault_read_marked(ctx->wait->cmd.reply);
}


void
ngx_cigna_vault_read_done(ngx_cigna_ctx_t *ctx, cigna_grant_t *grant)
{
    cigna_arena_wipe(&ngx_cigna_vault_read_worker(ctx)->read_arena);
    ngx_memzero(grant, sizeof(cigna_grant_t));

    ngx_cigna_redis_done(&ctx->wait->cmd);
}


static ngx_cigna_worker_t *
ngx_cigna_vault_read_worker(ngx_cigna_ctx_t *ctx)
{
    ngx_cigna_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(ctx->wait->request, ngx_cigna_module);

    return mcf->worker;
}
