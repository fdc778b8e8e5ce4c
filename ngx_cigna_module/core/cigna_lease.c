
/*
 * The lease of a grant, within the refresh.
 *
 *   begin --> over              release --> over
 *    ^ |                          ^ |
 *    | v                          | v
 *   sleep                        sleep
 *
 * Whoever has the lease tells the others nothing: they ask until the record
 * has changed.
 *
 * Invariants:
 *
 *   (1) "mine" is said only after Redis has set lock and mark for this owner
 *       and this generation;
 *   (2) asking is bounded: in number where Redis fails, in time where somebody
 *       else is at it;
 *   (3) whatever may have been set is known as held, until it is given up.
 */


#include "cigna_lease.h"


/*
 * The mark covers the lease, in which the exchange ends, and the time in which
 * its result may still be waiting to be stored.
 */

#define CIGNA_LEASE_STORE_MS      (90 * 1000)

#define CIGNA_LEASE_TRIES         3
#define CIGNA_LEASE_REDIS_MS      50
#define CIGNA_LEASE_REDIS_MAX_MS  100

#define CIGNA_LEASE_POLL_MS       20
#define CIGNA_LEASE_POLL_MAX_MS   40


typedef enum {
    cigna_lease_st_over = 0,
    cigna_lease_st_begin,
    cigna_lease_st_release,
    cigna_lease_st_sleep
} cigna_lease_state_e;


static int cigna_lease_begun(cigna_lease_t *l, const cigna_event_t *ev,
    cigna_op_t *op);
static int cigna_lease_wait(cigna_lease_t *l, const cigna_event_t *ev,
    cigna_op_t *op);
static int cigna_lease_again(cigna_lease_t *l, cigna_op_t *op);
static int cigna_lease_over(cigna_lease_t *l, cigna_lease_e rc);


int
cigna_lease_init(cigna_lease_t *l, const cigna_event_t *ev)
{
    uint64_t  mark_ms;

    l->rc = cigna_lease_failed;
    l->attempts = 0;
    l->held = 0;
    l->state = cigna_lease_st_over;
    l->waited_ms = 0;

    mark_ms = (uint64_t) l->lease_ms + CIGNA_LEASE_STORE_MS;

    if (cigna_flow_token(l->arena, ev->random, 16, &l->owner) != CIGNA_OK
        || cigna_flow_uint(l->arena, l->lease_ms, &l->lease) != CIGNA_OK
        || cigna_flow_uint(l->arena, mark_ms, &l->mark) != CIGNA_OK)
    {
        return CIGNA_ERROR;
    }

    return CIGNA_OK;
}


int
cigna_lease_begin(cigna_lease_t *l, const cigna_grant_t *g,
    unsigned attempts, int hasty, const cigna_event_t *ev, cigna_op_t *op)
{
    cigna_slice_t  argv[8];

    argv[0] = l->identity->grant_key;
    argv[1] = l->identity->lock_key;
    argv[2] = l->owner;
    argv[3] = g->id;
    argv[5] = l->lease;
    argv[6] = l->mark;

    if (cigna_flow_uint(l->arena, g->generation, &argv[4]) != CIGNA_OK
        || cigna_flow_uint(l->arena, attempts, &argv[7]) != CIGNA_OK)
    {
        return CIGNA_ERROR;
    }

    l->hasty = hasty ? 1 : 0;
    l->asked_ms = ev->now_ms;

    cigna_script_run(op, cigna_script_grant_begin, argv, 8);
    cigna_retry_init(&l->retry, op, cigna_lease_st_begin);
    l->state = cigna_lease_st_begin;

    return CIGNA_OK;
}


int
cigna_lease_next(cigna_lease_t *l, const cigna_event_t *ev, cigna_op_t *op)
{
    switch ((cigna_lease_state_e) l->state) {

    case cigna_lease_st_begin:

        return cigna_lease_begun(l, ev, op);

    case cigna_lease_st_release:

        if (cigna_script_word(ev).len == 0
            && cigna_lease_again(l, op) == CIGNA_OK)
        {
            return CIGNA_AGAIN;
        }

        l->held = 0;
        break;

    case cigna_lease_st_sleep:

        l->asked_ms = ev->now_ms;
        l->state = cigna_retry_again(&l->retry, op);
        return CIGNA_AGAIN;

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

        /* the same owner may ask again: it is given the same lease */

        l->held |= ev->type == cigna_ev_lost;

        if (cigna_lease_again(l, op) == CIGNA_OK) {
            return CIGNA_AGAIN;
        }

        return cigna_lease_over(l, cigna_lease_failed);
    }

    if (cigna_slice_eq(word, cigna_slice("mine"))) {
        l->held = 1;
        return cigna_lease_over(l, cigna_lease_mine);
    }

    if (cigna_slice_eq(word, cigna_slice("unknown"))) {
        l->held = 1;
        l->attempts = (unsigned) cigna_reply_int(
                                     cigna_reply_item(ev->reply, 1), 0);
        return cigna_lease_over(l, cigna_lease_unknown);
    }

    if (cigna_slice_eq(word, cigna_slice("stale"))) {
        return cigna_lease_over(l, cigna_lease_stale);
    }

    return cigna_lease_wait(l, ev, op);
}


static int
cigna_lease_wait(cigna_lease_t *l, const cigna_event_t *ev, cigna_op_t *op)
{
    unsigned  ms;

    if (l->waited_ms >= l->wait_ms
        || (l->hasty && cigna_script_said(ev, "marked")))
    {
        return cigna_lease_over(l, cigna_lease_busy);
    }

    ms = cigna_flow_jitter(ev, CIGNA_LEASE_POLL_MS, CIGNA_LEASE_POLL_MAX_MS);

    l->waited_ms += ms;
    l->retry.tries = 1;
    l->state = cigna_lease_st_sleep;
    cigna_flow_sleep(op, ms);

    return CIGNA_AGAIN;
}


const cigna_reply_t *
cigna_lease_record(const cigna_event_t *ev)
{
    return cigna_reply_item(ev->reply, 1);
}


int
cigna_lease_late(const cigna_lease_t *l, int64_t now_ms)
{
    return now_ms - l->asked_ms > l->lease_ms / 4;
}


void
cigna_lease_release(cigna_lease_t *l, cigna_lease_mark_e mark, cigna_op_t *op)
{
    cigna_slice_t  argv[4];

    argv[0] = l->identity->grant_key;
    argv[1] = l->identity->lock_key;
    argv[2] = l->owner;
    argv[3] = mark == cigna_lease_keep ? l->lease : cigna_slice("");

    cigna_script_run(op, cigna_script_grant_release, argv, 4);
    cigna_retry_init(&l->retry, op, cigna_lease_st_release);
    l->state = cigna_lease_st_release;
}


static int
cigna_lease_again(cigna_lease_t *l, cigna_op_t *op)
{
    if (cigna_retry_sleep(&l->retry, op, CIGNA_LEASE_TRIES,
                          CIGNA_LEASE_REDIS_MS, CIGNA_LEASE_REDIS_MAX_MS)
        != CIGNA_OK)
    {
        return CIGNA_ERROR;
    }

    l->state = cigna_lease_st_sleep;

    return CIGNA_OK;
}


static int
cigna_lease_over(cigna_lease_t *l, cigna_lease_e rc)
{
    l->rc = rc;
    l->state = cigna_lease_st_over;

    return CIGNA_OK;
}
