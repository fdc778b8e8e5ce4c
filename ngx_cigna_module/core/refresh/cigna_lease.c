
/*
 * The lease of a grant: its lock and mark in Redis.  A part of the refresh.
 *
 *   begin --> over              release --> over
 *    ^ |                          ^ |
 *    | v                          | v
 *   sleep, wait                  sleep
 *
 * The script that stores a new generation publishes a message.  Runs that wait
 * for the lease then ask for it again.  They also ask from time to time, as a
 * message may be lost.
 *
 * Invariants:
 *
 *   (1) rc is "mine" only if Redis has set lock and mark for this owner and
 *       this generation;
 *   (2) if Redis fails, the flow asks a limited number of times; if there is
 *       another owner, it asks for a limited time;
 *   (3) a lease that Redis may have granted counts as taken until it is given
 *       up; while the exchange is open it is set again if a new primary lacks
 *       it;
 *   (4) no lease is asked for in the quiet time after a change of primary.
 */


#include <string.h>

#include "cigna_lease.h"


/*
 * The mark lasts for three times together: the longest exchange, CIGNA_LEASE_MS
 * and this time, in which the result may have to wait until it is stored.
 */

#define CIGNA_LEASE_STORE_MS     (90 * 1000)

/*
 * ms between two tries to get lock and mark; the message that a new generation
 * is stored ends a pause early
 */

#define CIGNA_LEASE_POLL_MS      400
#define CIGNA_LEASE_POLL_MAX_MS  600


typedef enum {
    cigna_lease_st_over = 0,
    cigna_lease_st_begin,
    cigna_lease_st_release,
    cigna_lease_st_sleep,
    cigna_lease_st_wait
} cigna_lease_state_e;


static int cigna_lease_begun(cigna_lease_t *l, const cigna_event_t *ev,
    cigna_op_t *op);
static int64_t cigna_lease_connected(const cigna_event_t *ev);
static int cigna_lease_wait(cigna_lease_t *l, const cigna_event_t *ev,
    cigna_op_t *op);
static int cigna_lease_ask(cigna_lease_t *l, const cigna_event_t *ev,
    cigna_op_t *op);
static int cigna_lease_over(cigna_lease_t *l, cigna_lease_e rc);


int
cigna_lease_init(cigna_lease_t *l, const cigna_event_t *ev)
{
    cigna_arena_t  *a = l->subject->arena;

    l->owner = cigna_flow_token(a, ev->random, 16);
    l->lease = cigna_flow_uint(a, CIGNA_LEASE_MS);
    l->mark = cigna_flow_uint(a, (uint64_t) l->exchange_ms + CIGNA_LEASE_MS
                                 + CIGNA_LEASE_STORE_MS);

    return a->overflow ? CIGNA_ERROR : CIGNA_OK;
}


int
cigna_lease_begin(cigna_lease_t *l, const cigna_grant_t *g,
    unsigned attempts, int hasty, const cigna_event_t *ev, cigna_op_t *op)
{
    cigna_arena_t              *a = l->subject->arena;
    const cigna_vault_names_t  *id = l->subject->identity;

    l->grant_id = g->id;
    l->generation = cigna_flow_uint(a, g->generation);
    l->attempts = cigna_flow_uint(a, (uint64_t) attempts + 1);
    l->hasty = hasty ? 1 : 0;
    l->asked_ms = ev->now_ms;

    cigna_script_call(op, cigna_script_grant_begin, id->grant_key,
                      id->lock_key, l->owner, l->grant_id, l->generation,
                      l->lease, l->mark, cigna_flow_uint(a, attempts));
    op->redis.durable = 1;

    if (a->overflow) {
        return CIGNA_ERROR;
    }

    l->state = cigna_retry_init(&l->retry, op, cigna_lease_st_begin);

    return CIGNA_OK;
}


int
cigna_lease_next(cigna_lease_t *l, const cigna_event_t *ev, cigna_op_t *op)
{
    int64_t  passed;

    switch ((cigna_lease_state_e) l->state) {

    case cigna_lease_st_begin:

        return cigna_lease_begun(l, ev, op);

    case cigna_lease_st_release:

        if (cigna_script_word(ev).len == 0
            && cigna_retry_redis(&l->retry, op, &l->state, cigna_lease_st_sleep)
               == CIGNA_AGAIN)
        {
            return CIGNA_AGAIN;
        }

        l->taken = 0;
        break;

    case cigna_lease_st_wait:

        /* if the clock was set meanwhile, the difference means nothing */

        passed = ev->now_ms - l->slept_ms;
        l->waited_ms += passed < 1 ? 1 : passed < CIGNA_LEASE_POLL_MAX_MS
                        ? (unsigned) passed : CIGNA_LEASE_POLL_MAX_MS;

        /* fall through */

    case cigna_lease_st_sleep:

        return cigna_lease_ask(l, ev, op);

    case cigna_lease_st_over:
        break;
    }

    l->state = cigna_lease_st_over;

    return CIGNA_OK;
}


static int
cigna_lease_begun(cigna_lease_t *l, const cigna_event_t *ev, cigna_op_t *op)
{
    cigna_slice_t  word;

    word = cigna_script_word(ev);

    if (word.len == 0) {

        /* the same owner may ask again, and gets the same lease */

        l->taken |= ev->type == cigna_ev_lost;

        if (cigna_retry_redis(&l->retry, op, &l->state, cigna_lease_st_sleep)
            == CIGNA_AGAIN)
        {
            return CIGNA_AGAIN;
        }

        return cigna_lease_over(l, cigna_lease_failed);
    }

    if (cigna_slice_eq(word, cigna_slice("mine"))) {
        l->taken = 1;
        l->connected_ms = cigna_lease_connected(ev);
        return cigna_lease_over(l, cigna_lease_mine);
    }

    if (cigna_slice_eq(word, cigna_slice("stale"))) {
        return cigna_lease_over(l, cigna_lease_stale);
    }

    return cigna_lease_wait(l, ev, op);
}


static int64_t
cigna_lease_connected(const cigna_event_t *ev)
{
    uint64_t  ms;

    ms = 0;
    (void) cigna_slice_uint(cigna_script_slice(ev, 1), INT64_MAX, &ms);

    return (int64_t) ms;
}


static int
cigna_lease_wait(cigna_lease_t *l, const cigna_event_t *ev, cigna_op_t *op)
{
    unsigned  ms, left;

    if (l->waited_ms >= l->wait_ms
        || (l->hasty && cigna_script_said(ev, "marked")))
    {
        return cigna_lease_over(l, cigna_lease_busy);
    }

    ms = cigna_flow_jitter(ev, CIGNA_LEASE_POLL_MS, CIGNA_LEASE_POLL_MAX_MS);
    left = l->wait_ms - l->waited_ms;

    l->retry.tries = 1;
    l->slept_ms = ev->now_ms;
    l->state = cigna_lease_st_wait;
    cigna_flow_sleep(op, ms < left ? ms : left);
    op->sleep.watch = 1;

    return CIGNA_AGAIN;
}


/*
 * Repeats the call of the script.  In the quiet time after a change of Redis'
 * primary, a run may give up its lock and mark, but may not ask for new ones.
 */

static int
cigna_lease_ask(cigna_lease_t *l, const cigna_event_t *ev, cigna_op_t *op)
{
    if (l->retry.state == cigna_lease_st_begin && ev->quiet_ms > 0) {
        return cigna_lease_over(l, cigna_lease_quiet);
    }

    l->asked_ms = ev->now_ms;
    l->state = cigna_retry_again(&l->retry, op);

    return CIGNA_AGAIN;
}


void
cigna_lease_renew(const cigna_lease_t *l, cigna_op_t *op)
{
    cigna_op_lease_t  *lease;

    const cigna_slice_t  argv[] = {
        l->subject->identity->grant_key, l->subject->identity->lock_key,
        l->owner, l->lease, l->mark, l->grant_id, l->generation, l->attempts
    };

    lease = &op->http.lease;

    lease->renew = cigna_script(cigna_script_grant_renew);
    lease->retake = cigna_script(cigna_script_grant_retake);
    lease->ms = CIGNA_LEASE_MS / 3;
    lease->argc = sizeof(argv) / sizeof(argv[0]);
    memcpy(lease->argv, argv, sizeof(argv));
}


int
cigna_lease_late(const cigna_lease_t *l, int64_t now_ms)
{
    int64_t  passed;

    /* negative if the clock was set back: then the time is not known */

    passed = now_ms - l->asked_ms;

    return passed < 0 || passed > CIGNA_LEASE_MS / 4;
}


void
cigna_lease_release(cigna_lease_t *l, cigna_lease_mark_e mark, cigna_op_t *op)
{
    cigna_slice_t               how;
    const cigna_vault_names_t  *id = l->subject->identity;

    how = mark == cigna_lease_keep ? l->lease
          : cigna_slice_str(mark == cigna_lease_refuse ? "refused" : "");

    cigna_script_call(op, cigna_script_grant_release, id->grant_key,
                      id->lock_key, l->owner, how);
    l->state = cigna_retry_init(&l->retry, op, cigna_lease_st_release);
}


static int
cigna_lease_over(cigna_lease_t *l, cigna_lease_e rc)
{
    l->rc = rc;
    l->state = cigna_lease_st_over;

    return CIGNA_OK;
}
