
/*
 *     take --> decide --+--> granted
 *               ^       +--> refused        there is no delay=, or not enough
 *               |       +--> in the queue --+
 *               |                           | a reply of Redis, or the time
 *               +---------------------------+ that the decision has named
 *
 * Waiters are asked in the order in which they came.  One that waits for what
 * all others need, too, stops the queue, and who comes then goes behind it;
 * one whose own member has spent too much does not.  Metadata, for which
 * strangers may ask, neither waits nor goes behind others: the queue is for
 * members.
 *
 * A decision may bring with it that Redis is to be asked.  That is for this
 * worker to do then, whatever becomes of the request: the node makes one such
 * call at a time for a tenant.
 */


#include "ngx_cigna_budget.h"
#include "ngx_cigna_budget_lease.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_tenant.h"
#include "gateway/ngx_cigna_worker.h"


static ngx_int_t ngx_cigna_budget_judge(ngx_cigna_budget_t *budget,
    ngx_cigna_budget_waiter_t *waiter, ngx_uint_t waiting);
static ngx_int_t ngx_cigna_budget_decide(ngx_cigna_budget_t *budget,
    ngx_cigna_budget_waiter_t *waiter, ngx_uint_t waiting);
static ngx_int_t ngx_cigna_budget_queue(ngx_cigna_budget_t *budget,
    ngx_cigna_budget_waiter_t *waiter);
static ngx_uint_t ngx_cigna_budget_stops(ngx_cigna_budget_waiter_t *waiter);
static int64_t ngx_cigna_budget_due(ngx_cigna_budget_waiter_t *waiter);
static void ngx_cigna_budget_serve(ngx_event_t *ev);
static void ngx_cigna_budget_again(ngx_cigna_budget_t *budget, int64_t ms);


void
ngx_cigna_budget_queue_init(ngx_cigna_budget_t *budget)
{
    ngx_event_t  *ev;

    ngx_queue_init(&budget->waiters);

    ev = &budget->timer;

    ev->handler = ngx_cigna_budget_serve;
    ev->data = budget;
    ev->log = budget->mcf->worker->cycle->log;
}


void
ngx_cigna_budget_queue_done(ngx_cigna_budget_t *budget)
{
    ngx_event_t  *ev;

    ev = &budget->timer;

    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    if (ev->posted) {
        ngx_delete_posted_event(ev);
    }
}


void
ngx_cigna_budget_wake(ngx_cigna_budget_t *budget)
{
    ngx_event_t  *ev;

    ev = &budget->timer;

    if (budget->nwaiters) {
        ngx_post_event(ev, &ngx_posted_events);
    }
}


ngx_int_t
ngx_cigna_budget_take(ngx_cigna_budget_t *budget,
    ngx_cigna_budget_waiter_t *waiter)
{
    ngx_int_t  rc;

    waiter->deadline = ngx_current_msec + budget->tenant->budget_conf.delay;

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


/* NGX_OK, NGX_BUSY, or NGX_AGAIN: to be judged again after answer.wait_ms */

static ngx_int_t
ngx_cigna_budget_judge(ngx_cigna_budget_t *budget,
    ngx_cigna_budget_waiter_t *waiter, ngx_uint_t waiting)
{
    ngx_msec_int_t  left;

    /* without Redis it is decided at once */

    if (ngx_cigna_budget_decide(budget, waiter, waiting) != NGX_OK
        && waiter->answer.rc == cigna_budget_waiting)
    {
        (void) ngx_cigna_budget_decide(budget, waiter, waiting);
    }

    switch (waiter->answer.rc) {

    case cigna_budget_granted:
        return NGX_OK;

    case cigna_budget_waiting:
        return NGX_AGAIN;

    default: /* cigna_budget_refused */

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


/* NGX_ERROR: Redis was to be asked, and cannot be */

static ngx_int_t
ngx_cigna_budget_decide(ngx_cigna_budget_t *budget,
    ngx_cigna_budget_waiter_t *waiter, ngx_uint_t waiting)
{
    cigna_budget_answer_t  *a;

    a = &waiter->answer;

    cigna_budget_decide(ngx_cigna_budget_lock(budget, waiter->member),
                        (unsigned) waiting, waiter->asked, a);

    ngx_cigna_budget_unlock(budget);

    waiter->asked = 1;

    if (a->outage_began) {
        ngx_cigna_budget_log_outage(budget, cigna_slice("no answer comes"));
    }

    return a->call ? ngx_cigna_budget_lease(budget, a) : NGX_OK;
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
        waiter->answer.rc = cigna_budget_refused;

        if (waiter->answer.by == cigna_budget_none) {
            waiter->answer.by = cigna_budget_tenant;
        }

        return NGX_BUSY;
    }

    /* who goes behind others has no answer yet, and zero would be a grant */

    if (!waiter->asked) {
        waiter->answer.rc = cigna_budget_waiting;
    }

    waiter->budget = budget;

    ngx_queue_insert_tail(&budget->waiters, &waiter->queue);
    budget->nwaiters++;

    return NGX_AGAIN;
}


void
ngx_cigna_budget_leave(ngx_cigna_budget_waiter_t *waiter)
{
    ngx_cigna_budget_t  *budget;

    budget = waiter->budget;

    if (budget == NULL) {
        return;
    }

    ngx_queue_remove(&waiter->queue);
    budget->nwaiters--;
    waiter->budget = NULL;

    if (budget->nwaiters) {
        return;
    }

    budget->stuck = 0;

    ngx_cigna_budget_queue_done(budget);
}


/* does it wait for what all others need, too? */

static ngx_uint_t
ngx_cigna_budget_stops(ngx_cigna_budget_waiter_t *waiter)
{
    return waiter->answer.rc == cigna_budget_waiting
           || waiter->answer.by != cigna_budget_member;
}


/* ms; who waits for the own member only need not be asked each time */

static int64_t
ngx_cigna_budget_due(ngx_cigna_budget_waiter_t *waiter)
{
    if (ngx_cigna_budget_stops(waiter)) {
        return 0;
    }

    return (ngx_msec_int_t) (waiter->due - ngx_current_msec);
}


/* handlers only take note, so that the queue stays as it is meanwhile */

static void
ngx_cigna_budget_serve(ngx_event_t *ev)
{
    int64_t                     next, left;
    ngx_queue_t                *q, *behind;
    ngx_cigna_budget_t         *budget;
    ngx_cigna_budget_waiter_t  *waiter;

    budget = ev->data;

    next = INT64_MAX;
    budget->stuck = 0;

    for (q = ngx_queue_head(&budget->waiters);
         q != ngx_queue_sentinel(&budget->waiters);
         q = behind)
    {
        behind = ngx_queue_next(q);
        waiter = ngx_queue_data(q, ngx_cigna_budget_waiter_t, queue);

        left = ngx_cigna_budget_due(waiter);

        if (left > 0) {
            next = ngx_min(next, left);
            continue;
        }

        if (ngx_cigna_budget_judge(budget, waiter, budget->nwaiters)
            != NGX_AGAIN)
        {
            ngx_cigna_budget_leave(waiter);
            waiter->handler(waiter);
            continue;
        }

        next = ngx_min(next, waiter->answer.wait_ms);

        if (ngx_cigna_budget_stops(waiter)) {
            budget->stuck = 1;
            break;
        }
    }

    if (budget->nwaiters) {
        ngx_cigna_budget_again(budget, next);
    }
}


/* not later than it was to be; nginx would leave a timer that is near by */

static void
ngx_cigna_budget_again(ngx_cigna_budget_t *budget, int64_t ms)
{
    ngx_msec_t       time;
    ngx_event_t     *ev;
    ngx_msec_int_t   before;

    ev = &budget->timer;
    time = (ngx_msec_t) ngx_max(ngx_min(ms, 60000), 1);

    if (ev->timer_set) {

        before = (ngx_msec_int_t) (ev->timer.key - ngx_current_msec);

        if (before <= (ngx_msec_int_t) time) {
            return;
        }

        ngx_del_timer(ev);
    }

    ngx_add_timer(ev, time);
}
