
/*
 * The commit of a new generation.  At first its tokens are only in the run's
 * memory.
 *
 *   begin --> journal --> usable      store() --> swap --> stored, stale,
 *              ^  |                                ^ |     left, failed
 *              |  +-- no room ---------------------+ |
 *              |                                   | |
 *   not in the |             in the journal        | | failure
 *   journal    +-------------- sleep --------------+ |
 *                                ^                   |
 *                                +-------------------+
 *
 * The flow tries the journal before each swap until the journal takes the
 * entry, because the journal outlives the run.
 *
 * Invariants:
 *
 *   (1) rc is "usable" only if the journal has the entry, and "stored" only if
 *       Redis has the generation;
 *   (2) after "usable" the refresh settles the entry, unless rc is "left";
 *   (3) the flow tries for about two seconds to store a generation that is in
 *       the journal, then the node's journal writer goes on with it; the flow
 *       tries for about a minute to store any other.
 */


#include "cigna_grant_commit.h"


#define CIGNA_GRANT_COMMIT_TRIES         20      /* about a minute of sleeps */
#define CIGNA_GRANT_COMMIT_LEFT_TRIES    6       /* about 1.5 seconds */
#define CIGNA_GRANT_COMMIT_SLEEP_MS      50
#define CIGNA_GRANT_COMMIT_SLEEP_MAX_MS  4000


typedef enum {
    cigna_grant_commit_st_over = 0,
    cigna_grant_commit_st_journal,
    cigna_grant_commit_st_swap,
    cigna_grant_commit_st_sleep
} cigna_grant_commit_state_e;


static int cigna_grant_commit_swapped(cigna_grant_commit_t *c,
    const cigna_event_t *ev, cigna_op_t *op);
static void cigna_grant_commit_journal(cigna_grant_commit_t *c, cigna_op_t *op);
static int cigna_grant_commit_over(cigna_grant_commit_t *c,
    cigna_grant_commit_e rc);


int
cigna_grant_commit_begin(cigna_grant_commit_t *c, const cigna_grant_t *g,
    cigna_slice_t owner, int64_t connected_ms, const cigna_event_t *ev,
    cigna_op_t *op)
{
    uint64_t                kept_ms;
    const cigna_subject_t  *s = c->subject;

    c->rc = cigna_grant_commit_failed;
    c->journalled = 0;

    kept_ms = cigna_grant_write_kept_ms(s->provider, g, ev->now_ms);

    if (cigna_grant_write_swap(s, g, owner, kept_ms, ev->random, op)
        != CIGNA_OK)
    {
        return CIGNA_ERROR;
    }

    cigna_retry_init(&c->retry, op, cigna_grant_commit_st_swap);

    c->entry = cigna_grant_write_entry(s, g, cigna_grant_write_swap_blob(op),
                                       ev->now_ms, kept_ms);
    c->entry.connected_ms = connected_ms;

    cigna_grant_commit_journal(c, op);

    return CIGNA_OK;
}


int
cigna_grant_commit_next(cigna_grant_commit_t *c, const cigna_event_t *ev,
    cigna_op_t *op)
{
    switch ((cigna_grant_commit_state_e) c->state) {

    case cigna_grant_commit_st_journal:
        if (ev->type == cigna_ev_ok) {
            c->journalled = 1;
            return cigna_grant_commit_over(c, cigna_grant_commit_usable);
        }

        cigna_grant_commit_store(c, op);
        return CIGNA_AGAIN;

    case cigna_grant_commit_st_swap:
        return cigna_grant_commit_swapped(c, ev, op);

    case cigna_grant_commit_st_sleep:
        if (c->journalled) {
            cigna_grant_commit_store(c, op);

        } else {
            cigna_grant_commit_journal(c, op);
        }

        return CIGNA_AGAIN;

    case cigna_grant_commit_st_over:
        break;
    }

    return CIGNA_OK;
}


static int
cigna_grant_commit_swapped(cigna_grant_commit_t *c, const cigna_event_t *ev,
    cigna_op_t *op)
{
    unsigned  tries;

    if (cigna_script_said(ev, "ok")) {
        return cigna_grant_commit_over(c, cigna_grant_commit_stored);
    }

    if (cigna_script_said(ev, "stale")) {
        return cigna_grant_commit_over(c, cigna_grant_commit_stale);
    }

    /* the swap is tried again, as it is harmless to store a generation twice */

    tries = c->journalled ? CIGNA_GRANT_COMMIT_LEFT_TRIES
                          : CIGNA_GRANT_COMMIT_TRIES;

    if (cigna_retry_sleep(&c->retry, op, tries, CIGNA_GRANT_COMMIT_SLEEP_MS,
                          CIGNA_GRANT_COMMIT_SLEEP_MAX_MS)
        == CIGNA_OK)
    {
        c->state = cigna_grant_commit_st_sleep;
        return CIGNA_AGAIN;
    }

    return cigna_grant_commit_over(c, c->journalled
                                      ? cigna_grant_commit_left
                                      : cigna_grant_commit_failed);
}


void
cigna_grant_commit_store(cigna_grant_commit_t *c, cigna_op_t *op)
{
    c->state = cigna_retry_again(&c->retry, op);
}


static void
cigna_grant_commit_journal(cigna_grant_commit_t *c, cigna_op_t *op)
{
    c->state = cigna_grant_commit_st_journal;
    cigna_flow_journal(op, &c->entry, 0);
}


static int
cigna_grant_commit_over(cigna_grant_commit_t *c, cigna_grant_commit_e rc)
{
    c->rc = rc;
    c->state = cigna_grant_commit_st_over;

    return CIGNA_OK;
}
