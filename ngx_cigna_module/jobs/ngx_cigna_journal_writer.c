
/*
 * A timer looks for entries of the journal that must be written to Redis.  The
 * worker claims those that no run works on, and starts a run for each of them
 * that writes the entry.  The number of claims on a node is limited.  After
 * each failure an entry waits longer.
 *
 * After a new connection to a Redis server, all entries are written again,
 * because the server may have lost some.  To notice such a server, the worker
 * regularly sends a command while the journal has entries.  The command makes a
 * connection if there is none.
 *
 * An exiting worker stays until Redis has confirmed all entries, for a minute
 * at most.  This includes entries of other workers, so that the last worker to
 * exit has waited for all entries.
 */


#include "ngx_cigna_journal_writer.h"
#include "ngx_cigna_revoker.h"
#include "shm/ngx_cigna_journal.h"
#include "run/ngx_cigna_driver.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_stay.h"
#include "nginx/ngx_cigna_timer.h"
#include "gateway/ngx_cigna_tenant.h"
#include "shm/ngx_cigna_counters.h"
#include "gateway/ngx_cigna_worker.h"
#include "refresh/cigna_lease.h"
#include "refresh/cigna_journal_replay.h"


#define NGX_CIGNA_JOURNAL_WRITER_TICK     200      /* ms */
#define NGX_CIGNA_JOURNAL_WRITER_AT_ONCE  32       /* most entries that the
                                                      node's processes write at
                                                      once */
#define NGX_CIGNA_JOURNAL_WRITER_STAY     60000    /* ms, while exiting */

#define NGX_CIGNA_JOURNAL_WRITER_BACKOFF_MIN  500  /* ms */
#define NGX_CIGNA_JOURNAL_WRITER_BACKOFF_MAX  8000

/*
 * timer ticks between two commands that may show that Redis is another server,
 * and between two removals of old entries
 */

#define NGX_CIGNA_JOURNAL_WRITER_ASK      5
#define NGX_CIGNA_JOURNAL_WRITER_EXPIRY   50


typedef struct ngx_cigna_journal_writer_s {
    ngx_cigna_main_conf_t    *mcf;
    ngx_event_t               timer;
    ngx_uint_t                ticks;
    ngx_atomic_uint_t         rewritten;   /* rewrite_ms of the zone when all
                                              entries were last written again */
    ngx_msec_t                exiting;     /* time at which the exiting
                                              worker first waited for Redis;
                                              0: not yet */
    ngx_uint_t                asked;       /* number of the entry that the next
                                              command is about */
    ngx_cigna_redis_cmd_t     cmd;
    ngx_uint_t                more;        /* 1: entries may wait, because as
                                              many as allowed are claimed */
} ngx_cigna_journal_writer_t;


static void ngx_cigna_journal_writer_connected(void *data,
    int64_t primary_age_ms, uint64_t primary, ngx_uint_t durable);
static void ngx_cigna_journal_writer_handler(ngx_event_t *ev);
static ngx_uint_t ngx_cigna_journal_writer_stays(
    ngx_cigna_journal_writer_t *writer, ngx_uint_t unconfirmed);
static void ngx_cigna_journal_writer_look(ngx_cigna_journal_writer_t *writer,
    ngx_uint_t unconfirmed);
static ngx_uint_t ngx_cigna_journal_writer_idle(
    const ngx_cigna_journal_writer_t *writer, ngx_atomic_uint_t rewrite);
static void ngx_cigna_journal_writer_ask(ngx_cigna_journal_writer_t *writer);
static ngx_int_t ngx_cigna_journal_writer_peek(
    ngx_cigna_journal_writer_t *writer, cigna_journal_t *entry);
static void ngx_cigna_journal_writer_replay(ngx_cigna_main_conf_t *mcf,
    const cigna_journal_t *entry, const cigna_journal_look_t *look);
static ngx_cigna_run_t *ngx_cigna_journal_writer_create(
    ngx_cigna_main_conf_t *mcf, const cigna_journal_t *entry);
static ngx_int_t ngx_cigna_journal_writer_copy(ngx_cigna_run_t *run,
    cigna_journal_replay_t *flow, const cigna_journal_t *entry);
static void ngx_cigna_journal_writer_end(ngx_cigna_run_t *run);
static void ngx_cigna_journal_writer_log(ngx_cigna_run_t *run,
    const cigna_journal_replay_t *flow);
static void ngx_cigna_journal_writer_leave(ngx_cigna_main_conf_t *mcf,
    const cigna_journal_t *entry, ngx_uint_t tries);


ngx_int_t
ngx_cigna_journal_writer_init(ngx_cigna_main_conf_t *mcf)
{
    ngx_cigna_journal_writer_t  *writer;

    writer = ngx_pcalloc(mcf->worker->cycle->pool,
                         sizeof(ngx_cigna_journal_writer_t));
    if (writer == NULL) {
        return NGX_ERROR;
    }

    mcf->worker->journal_writer = writer;

    writer->mcf = mcf;

    ngx_cigna_timer_init(&writer->timer, ngx_cigna_journal_writer_handler,
                         writer, ngx_cycle->log, 1);
    ngx_add_timer(&writer->timer, NGX_CIGNA_JOURNAL_WRITER_TICK);

    ngx_cigna_redis_on_connected(mcf->worker->redis,
                                 ngx_cigna_journal_writer_connected, mcf);

    return NGX_OK;
}


/*
 * Called after each new connection to a Redis server.  The server may lack
 * writes that Redis has confirmed before, so all entries are written again.  If
 * the server has just become the primary, it may also lack the locks and marks
 * of open exchanges.  Each worker then sets the locks and marks of its own
 * exchanges again, before any node may start a refresh.
 *
 * durable is 1 for a connection on which commands wait for replicas.  Such a
 * connection does not start a rewrite, because the rewrite itself makes durable
 * connections.
 */

static void
ngx_cigna_journal_writer_connected(void *data, int64_t primary_age_ms,
    uint64_t primary, ngx_uint_t durable)
{
    ngx_cigna_main_conf_t  *mcf = data;

    int64_t     age;
    ngx_msec_t  left;

    if (!durable) {
        ngx_cigna_journal_rewrite(mcf->zone);
    }

    left = CIGNA_LEASE_QUIET_MS;
    age = ngx_cigna_refresh_gate_primary(mcf->zone, primary, primary_age_ms);

    if (age >= (int64_t) left) {
        return;
    }

    ngx_cigna_run_retake(mcf->worker);

    left -= age;

    if (ngx_cigna_refresh_gate_quiet(mcf->zone) + NGX_CIGNA_JOURNAL_WRITER_TICK
        < left)
    {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "cigna: Redis has a new primary, no refresh starts for "
                      "%M ms", left);
    }

    ngx_cigna_refresh_gate_be_quiet(mcf->zone, left);
}


static void
ngx_cigna_journal_writer_handler(ngx_event_t *ev)
{
    ngx_uint_t                   unconfirmed;
    ngx_shm_zone_t              *zone;
    ngx_cigna_journal_writer_t  *writer = ev->data;

    zone = writer->mcf->zone;

    unconfirmed = ngx_cigna_journal_unconfirmed(zone);

    ngx_cigna_journal_writer_look(writer, unconfirmed);

    writer->ticks++;

    if (ngx_cigna_journal_entries(zone)) {

        if (writer->ticks % NGX_CIGNA_JOURNAL_WRITER_ASK == 0) {
            ngx_cigna_journal_writer_ask(writer);
        }

        if (writer->ticks % NGX_CIGNA_JOURNAL_WRITER_EXPIRY == 0) {
            ngx_cigna_journal_expire(zone);
        }
    }

    if (ngx_cigna_journal_writer_stays(writer, unconfirmed)) {
        ngx_cigna_stay(writer->mcf->worker);

    } else {
        ngx_cigna_stay_done(writer->mcf->worker);
    }

    ngx_add_timer(ev, NGX_CIGNA_JOURNAL_WRITER_TICK);
}


static ngx_uint_t
ngx_cigna_journal_writer_stays(ngx_cigna_journal_writer_t *writer,
    ngx_uint_t unconfirmed)
{
    if (unconfirmed == 0) {
        return 0;
    }

    if (!ngx_exiting) {
        return 1;
    }

    if (writer->exiting == 0) {
        writer->exiting = ngx_current_msec;

        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "cigna: the worker stays until Redis has confirmed "
                      "%ui new grants", unconfirmed);
    }

    return ngx_current_msec - writer->exiting < NGX_CIGNA_JOURNAL_WRITER_STAY;
}


/*
 * Claims entries and starts their runs.  The loop ends, because an entry that
 * is claimed cannot be claimed again.
 */

static void
ngx_cigna_journal_writer_look(ngx_cigna_journal_writer_t *writer,
    ngx_uint_t unconfirmed)
{
    ngx_uint_t             n;
    cigna_journal_t        entry;
    ngx_atomic_uint_t      rewrite;
    cigna_journal_look_t   look;

    rewrite = ngx_cigna_zone_fixed(writer->mcf->zone)->rewrite_ms;

    if (unconfirmed == 0 && ngx_cigna_journal_writer_idle(writer, rewrite)) {
        return;
    }

    ngx_memzero(&look, sizeof(cigna_journal_look_t));

    for (n = ngx_cigna_journal_claims(writer->mcf->zone);
         n < NGX_CIGNA_JOURNAL_WRITER_AT_ONCE;
         n++)
    {
        if (ngx_cigna_journal_claim(writer->mcf->zone, &look,
                                    writer->mcf->worker->journal_mem, &entry)
            != NGX_OK)
        {
            writer->more = 0;

            if (!look.waiting) {
                writer->rewritten = rewrite;
            }

            return;
        }

        look.waiting = 1;
        ngx_cigna_journal_writer_replay(writer->mcf, &entry, &look);
    }

    writer->more = 1;
}


/*
 * Returns 1 if all entries were written again after the last new connection.
 * Returns 0 in the first CIGNA_JOURNAL_LATE_MS after that connection: a run may
 * still add an entry that Redis has confirmed over the old connection.
 */

static ngx_uint_t
ngx_cigna_journal_writer_idle(const ngx_cigna_journal_writer_t *writer,
    ngx_atomic_uint_t rewrite)
{
    return rewrite == writer->rewritten
           && ngx_current_msec - rewrite >= CIGNA_JOURNAL_LATE_MS;
}


/*
 * Sends a command with the grant key of one entry, and ignores the reply.  Each
 * call uses the next entry, so that each server of a cluster gets commands.
 */

static void
ngx_cigna_journal_writer_ask(ngx_cigna_journal_writer_t *writer)
{
    cigna_slice_t           argv[3];
    cigna_journal_t         entry;
    cigna_vault_names_t     id;
    ngx_cigna_main_conf_t  *mcf = writer->mcf;

    if (ngx_cigna_journal_writer_peek(writer, &entry) != NGX_OK
        || ngx_cigna_redis_in_flight(&writer->cmd)
        || cigna_vault_names_known(&id, &mcf->vault, entry.identity)
           != CIGNA_OK)
    {
        return;
    }

    argv[0] = cigna_slice("HMGET");
    argv[1] = id.grant_key;
    argv[2] = cigna_slice("g");

    ngx_cigna_redis_done(&writer->cmd);
    writer->cmd.handler = ngx_cigna_redis_done;

    (void) ngx_cigna_redis_start(mcf->worker->redis, &writer->cmd, argv, 3);
}


/*
 * Reads the entry after the one that the last call has read.  NGX_DECLINED:
 * there are no more, and the next call reads the first entry.
 */

static ngx_int_t
ngx_cigna_journal_writer_peek(ngx_cigna_journal_writer_t *writer,
    cigna_journal_t *entry)
{
    ngx_int_t              rc;
    cigna_journal_look_t   look;

    ngx_memzero(&look, sizeof(cigna_journal_look_t));

    look.peek = 1;
    look.next = writer->asked;

    rc = ngx_cigna_journal_claim(writer->mcf->zone, &look,
                                 writer->mcf->worker->journal_mem, entry);

    writer->asked = rc == NGX_OK ? look.next : 0;

    return rc;
}


static void
ngx_cigna_journal_writer_replay(ngx_cigna_main_conf_t *mcf,
    const cigna_journal_t *entry, const cigna_journal_look_t *look)
{
    ngx_cigna_run_t         *run;
    cigna_journal_replay_t  *flow;

    run = ngx_cigna_journal_writer_create(mcf, entry);
    if (run == NULL) {
        ngx_cigna_journal_writer_leave(mcf, entry, look->tries);
        return;
    }

    flow = run->flow;

    /* for the log and revocations; the flow itself checks the identity */

    (void) cigna_vault_names_known(&run->identity, &mcf->vault,
                                   flow->entry.identity);

    run->log.id = ngx_cigna_str(flow->entry.identity);

    run->data = (void *) (uintptr_t) look->tries;
    run->on.end = ngx_cigna_journal_writer_end;
    run->on.revoke = ngx_cigna_revoker_start;

    flow->subject = run->subject;
    flow->confirmed = look->confirmed;

    ngx_cigna_run_start(run, cigna_journal_replay_next);
}


/* makes a run whose flow has a copy of the entry; NULL: no memory */

static ngx_cigna_run_t *
ngx_cigna_journal_writer_create(ngx_cigna_main_conf_t *mcf,
    const cigna_journal_t *entry)
{
    ngx_str_t         name;
    ngx_cigna_run_t  *run;

    name = ngx_cigna_str(entry->tenant);

    run = ngx_cigna_run_create(mcf, ngx_cigna_tenant_find(mcf, &name),
                               "journal", NULL, sizeof(cigna_journal_replay_t),
                               CIGNA_JOURNAL_REPLAY_ARENA);
    if (run == NULL) {
        return NULL;
    }

    if (ngx_cigna_journal_writer_copy(run, run->flow, entry) != NGX_OK) {
        ngx_cigna_run_destroy(run);
        return NULL;
    }

    return run;
}


static ngx_int_t
ngx_cigna_journal_writer_copy(ngx_cigna_run_t *run,
    cigna_journal_replay_t *flow, const cigna_journal_t *entry)
{
    ngx_str_t         s;
    ngx_uint_t        i;
    cigna_slice_t    *slices[4];
    cigna_journal_t  *copy;

    copy = &flow->entry;
    *copy = *entry;

    slices[0] = &copy->tenant;
    slices[1] = &copy->identity;
    slices[2] = &copy->id;
    slices[3] = &copy->blob;

    for (i = 0; i < 4; i++) {
        s = ngx_cigna_str(*slices[i]);

        slices[i]->data = ngx_pstrdup(run->pool, &s);
        if (slices[i]->data == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static void
ngx_cigna_journal_writer_end(ngx_cigna_run_t *run)
{
    cigna_journal_replay_t      *flow = run->flow;
    ngx_cigna_journal_writer_t  *writer;

    if (flow->rc != cigna_journal_replay_ok
        && flow->rc != cigna_journal_replay_superseded)
    {
        ngx_cigna_journal_writer_leave(run->mcf, &flow->entry,
                                       (uintptr_t) run->data);
    }

    ngx_cigna_journal_writer_log(run, flow);

    writer = run->mcf->worker->journal_writer;

    if (writer->more && writer->timer.timer_set) {
        writer->more = 0;

        ngx_cigna_timer_within(&writer->timer, 1);
    }
}


/*
 * logs the result of a run, at a lower level if Redis had confirmed the entry
 * before
 */

static void
ngx_cigna_journal_writer_log(ngx_cigna_run_t *run,
    const cigna_journal_replay_t *flow)
{
    ngx_uint_t         level;
    ngx_cigna_count_e  what;

    switch (flow->rc) {

    case cigna_journal_replay_ok:
        level = flow->confirmed ? NGX_LOG_DEBUG : NGX_LOG_NOTICE;
        what = ngx_cigna_count_journal_restored;
        break;

    case cigna_journal_replay_superseded:
        level = flow->confirmed ? NGX_LOG_INFO : NGX_LOG_WARN;
        what = ngx_cigna_count_journal_lost;
        break;

    default:
        level = NGX_LOG_INFO;
        what = ngx_cigna_count_max;
        break;
    }

    if (run->tenant && !flow->confirmed) {
        ngx_cigna_count(run->tenant->counters, what);
    }

    ngx_log_error(level, &run->log.log, 0,
                  "journal entry written to Redis, outcome: %s, generation: "
                  "%uL%s%s", cigna_journal_replay_name(flow->rc),
                  flow->entry.generation,
                  flow->detail[0] ? ", detail: " : "", flow->detail);
}


/*
 * gives back the claim to the journal entry; any worker may claim the entry
 * again after a pause
 */

static void
ngx_cigna_journal_writer_leave(ngx_cigna_main_conf_t *mcf,
    const cigna_journal_t *entry, ngx_uint_t tries)
{
    ngx_msec_t  delay;

    delay = NGX_CIGNA_JOURNAL_WRITER_BACKOFF_MIN << ngx_min(tries, 8);
    delay = ngx_min(delay, NGX_CIGNA_JOURNAL_WRITER_BACKOFF_MAX);
    delay = delay / 2 + ngx_random() % (delay / 2 + 1);

    ngx_cigna_journal_settle(mcf->zone, entry, cigna_journal_left,
                             ngx_current_msec + delay);
}


void
ngx_cigna_journal_writer_exit(ngx_cigna_main_conf_t *mcf)
{
    ngx_uint_t                   unconfirmed;
    ngx_cigna_journal_writer_t  *writer = mcf->worker->journal_writer;

    if (writer == NULL) {
        return;
    }

    ngx_cigna_timer_stop(&writer->timer);
    ngx_cigna_stay_done(mcf->worker);
    ngx_cigna_redis_done(&writer->cmd);

    unconfirmed = ngx_cigna_journal_unconfirmed(mcf->zone);

    if (unconfirmed) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "cigna: the worker leaves with %ui grants in the journal "
                      "that Redis has not confirmed", unconfirmed);

    } else if (writer->exiting) {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "cigna: Redis has confirmed all new grants after %M ms",
                      ngx_current_msec - writer->exiting);
    }
}
