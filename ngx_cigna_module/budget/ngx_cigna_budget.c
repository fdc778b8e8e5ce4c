
/*
 *     take --> decide --+--> granted
 *               ^       +--> refused        no "delay=", or a delay too short
 *               |       +--> in the queue --+
 *               |                           | a reply of Redis, or the time
 *               +---------------------------+ that the decision has named
 *
 * The budget decides on waiters in the order in which they came.  If a waiter
 * needs the tenant's or the gateway's budget, or a reply of Redis, that waiter
 * stops the queue, because all waiters behind it need the same.  Later requests
 * then join the queue.  If only the waiter's own member has spent too much, the
 * queue goes on.  Requests for metadata never queue: they may come from
 * anybody, and the queue is for members.
 *
 * A decision may ask for a call to Redis.  The worker then makes this call even
 * if the request ends, because the whole node makes only one such call at a
 * time for a tenant.
 */


#include "ngx_cigna_budget.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_tenant.h"
#include "gateway/ngx_cigna_worker.h"
#include "nginx/ngx_cigna_timer.h"
#include "shm/ngx_cigna_counters.h"


static void ngx_cigna_budget_wake(void *data);
static ngx_int_t ngx_cigna_budget_judge(ngx_cigna_budget_t *budget,
    ngx_cigna_budget_waiter_t *waiter, ngx_uint_t waiting);
static ngx_int_t ngx_cigna_budget_decide(ngx_cigna_budget_t *budget,
    ngx_cigna_budget_waiter_t *waiter, ngx_uint_t waiting);
static ngx_int_t ngx_cigna_budget_queue(ngx_cigna_budget_t *budget,
    ngx_cigna_budget_waiter_t *waiter);
static ngx_uint_t ngx_cigna_budget_stops(ngx_cigna_budget_waiter_t *waiter);
static void ngx_cigna_budget_serve(ngx_event_t *ev);
static void ngx_cigna_budget_again(ngx_cigna_budget_t *budget, int64_t ms);


ngx_cigna_budget_t *
ngx_cigna_budget_create(ngx_cigna_main_conf_t *mcf, ngx_cigna_tenant_t *tenant,
    cigna_slice_t key, cigna_budget_members_t *members)
{
    ngx_cigna_budget_t  *budget;

    budget = ngx_pcalloc(mcf->worker->cycle->pool,
                         sizeof(ngx_cigna_budget_t));
    if (budget == NULL) {
        return NULL;
    }

    ngx_cigna_budget_zone_init(&budget->zone, mcf, tenant, key, members);

    budget->lease.zone = &budget->zone;
    budget->lease.handler = ngx_cigna_budget_wake;
    budget->lease.data = budget;

    ngx_cigna_budget_lease_init(&budget->lease);

    budget->pause.zone = &budget->zone;

    ngx_cigna_budget_pause_init(&budget->pause);

    ngx_queue_init(&budget->waiters);

    ngx_cigna_timer_init(&budget->timer, ngx_cigna_budget_serve, budget,
                         mcf->worker->cycle->log, 0);

    return budget;
}


void
ngx_cigna_budget_destroy(ngx_cigna_budget_t *budget)
{
    ngx_cigna_timer_stop(&budget->timer);
    ngx_cigna_redis_done(&budget->lease.call.cmd);
    ngx_cigna_redis_done(&budget->pause.call.cmd);
}


/*
 * posts the event whose handler decides on the waiting requests, so that this
 * happens after the caller has returned
 */

static void
ngx_cigna_budget_wake(void *data)
{
    ngx_cigna_budget_t  *budget = data;

    if (budget->nwaiters) {
        ngx_post_event(&budget->timer, &ngx_posted_events);
    }
}


ngx_int_t
ngx_cigna_budget_take(ngx_cigna_budget_t *budget,
    ngx_cigna_budget_waiter_t *waiter)
{
    ngx_int_t  rc;

    waiter->deadline = ngx_current_msec
                       + budget->zone.tenant->budget_conf.delay;

    if (budget->stuck && waiter->member != CIGNA_BUDGET_METADATA) {
        return ngx_cigna_budget_queue(budget, waiter);
    }

    rc = ngx_cigna_budget_judge(budget, waiter, budget->nwaiters + 1);

    if (rc != NGX_AGAIN) {
        return rc;
    }

    rc = ngx_cigna_budget_queue(budget, waiter);

    if (rc == NGX_AGAIN) {
        budget->stuck = ngx_cigna_budget_stops(waiter);
        ngx_cigna_budget_again(budget, waiter->answer.wait_ms);
    }

    return rc;
}


/* NGX_OK: granted; NGX_BUSY: refused; NGX_AGAIN: ask again after wait_ms */

static ngx_int_t
ngx_cigna_budget_judge(ngx_cigna_budget_t *budget,
    ngx_cigna_budget_waiter_t *waiter, ngx_uint_t waiting)
{
    ngx_msec_int_t  left;

    /* if Redis cannot be called, cigna_budget_decide() decides without it */

    if (ngx_cigna_budget_decide(budget, waiter, waiting) != NGX_OK
        && waiter->answer.rc == cigna_budget_rc_waiting)
    {
        (void) ngx_cigna_budget_decide(budget, waiter, waiting);
    }

    switch (waiter->answer.rc) {

    case cigna_budget_rc_granted:
        return NGX_OK;

    case cigna_budget_rc_waiting:
        return NGX_AGAIN;

    default: /* cigna_budget_rc_refused */

        left = (ngx_msec_int_t) (waiter->deadline - ngx_current_msec);

        if (left <= 0
            || waiter->answer.wait_ms > (int64_t) left
            || waiter->member == CIGNA_BUDGET_METADATA)
        {
            return NGX_BUSY;
        }

        waiter->delayed = 1;
        waiter->due = ngx_current_msec + waiter->answer.wait_ms;

        return NGX_AGAIN;
    }
}


/*
 * decides on the waiter; NGX_ERROR: the decision needs a call to Redis, which
 * cannot be made
 */

static ngx_int_t
ngx_cigna_budget_decide(ngx_cigna_budget_t *budget,
    ngx_cigna_budget_waiter_t *waiter, ngx_uint_t waiting)
{
    cigna_budget_answer_t  *a;

    a = &waiter->answer;

    cigna_budget_decide(ngx_cigna_budget_lock(&budget->zone, waiter->member),
                        (unsigned) waiting, waiter->asked, a);

    ngx_cigna_budget_unlock(&budget->zone);

    waiter->asked = 1;

    if (a->outage_began) {
        ngx_cigna_budget_lease_outage(&budget->lease,
                                      cigna_slice("no answer came"));
    }

    return a->call ? ngx_cigna_budget_lease_start(&budget->lease, a) : NGX_OK;
}


static ngx_int_t
ngx_cigna_budget_queue(ngx_cigna_budget_t *budget,
    ngx_cigna_budget_waiter_t *waiter)
{
    ngx_queue_t                *q;
    ngx_cigna_budget_waiter_t  *first;

    if (budget->nwaiters >= NGX_CIGNA_BUDGET_WAITERS_MAX) {

        q = ngx_queue_head(&budget->waiters);
        first = ngx_queue_data(q, ngx_cigna_budget_waiter_t, queue);

        waiter->answer = first->answer;
        waiter->answer.rc = cigna_budget_rc_refused;

        if (waiter->answer.by == cigna_budget_by_none) {
            waiter->answer.by = cigna_budget_by_tenant;
        }

        return NGX_BUSY;
    }

    /* a queued waiter has no answer yet; 0 would mean granted */

    if (!waiter->asked) {
        waiter->answer.rc = cigna_budget_rc_waiting;
    }

    waiter->budget = budget;

    ngx_queue_insert_tail(&budget->waiters, &waiter->queue);
    budget->nwaiters++;

    return NGX_AGAIN;
}


void
ngx_cigna_budget_leave(ngx_cigna_budget_waiter_t *waiter)
{
    ngx_cigna_budget_t  *budget = waiter->budget;

    if (budget == NULL) {
        return;
    }

    ngx_queue_remove(&waiter->queue);
    budget->nwaiters--;
    waiter->budget = NULL;

    if (budget->nwaiters == 0) {
        budget->stuck = 0;
        ngx_cigna_timer_stop(&budget->timer);
    }
}


/*
 * Returns 1 if all waiters behind this one must wait, too.  Only the limit of a
 * member does not concern them.
 */

static ngx_uint_t
ngx_cigna_budget_stops(ngx_cigna_budget_waiter_t *waiter)
{
    return waiter->answer.rc == cigna_budget_rc_waiting
           || waiter->answer.by != cigna_budget_by_member;
}


/* returns the ms until the waiter is decided on; 0 or less: now */

static int64_t
ngx_cigna_budget_due(ngx_cigna_budget_waiter_t *waiter)
{
    if (ngx_cigna_budget_stops(waiter)) {
        return 0;
    }

    return (ngx_msec_int_t) (waiter->due - ngx_current_msec);
}


/*
 * Decides on the waiters whose time has come.  Their handlers only post events,
 * so no handler changes the queue here.
 */

static void
ngx_cigna_budget_serve(ngx_event_t *ev)
{
    int64_t                     next, ms;
    ngx_queue_t                *q, *behind;
    ngx_cigna_budget_t         *budget = ev->data;
    ngx_cigna_budget_waiter_t  *waiter;

    next = INT64_MAX;
    budget->stuck = 0;

    for (q = ngx_queue_head(&budget->waiters);
         q != ngx_queue_sentinel(&budget->waiters) && !budget->stuck;
         q = behind)
    {
        behind = ngx_queue_next(q);
        waiter = ngx_queue_data(q, ngx_cigna_budget_waiter_t, queue);

        ms = ngx_cigna_budget_due(waiter);

        if (ms <= 0) {

            if (ngx_cigna_budget_judge(budget, waiter, budget->nwaiters)
                != NGX_AGAIN)
            {
                ngx_cigna_budget_leave(waiter);
                waiter->handler(waiter);
                continue;
            }

            ms = waiter->answer.wait_ms;
            budget->stuck = ngx_cigna_budget_stops(waiter);
        }

        next = ngx_min(next, ms);
    }

    if (budget->nwaiters) {
        ngx_cigna_budget_again(budget, next);
    }
}


static void
ngx_cigna_budget_again(ngx_cigna_budget_t *budget, int64_t ms)
{
    ngx_cigna_timer_within(&budget->timer,
                           (ngx_msec_t) ngx_max(ngx_min(ms, 60000), 1));
}


void
ngx_cigna_budget_return(ngx_cigna_budget_t *budget,
    ngx_cigna_budget_waiter_t *waiter)
{
    ngx_cigna_count(budget->zone.tenant->counters,
                    ngx_cigna_count_budget_returned);

    cigna_budget_give_back(ngx_cigna_budget_lock(&budget->zone,
                                                 waiter->member),
                           &waiter->answer);

    ngx_cigna_budget_unlock(&budget->zone);
}


void
ngx_cigna_budget_charge(ngx_cigna_budget_t *budget,
    ngx_cigna_budget_waiter_t *waiter)
{
    cigna_budget_charge_after(ngx_cigna_budget_lock(&budget->zone,
                                                    waiter->member));

    ngx_cigna_budget_unlock(&budget->zone);
}
