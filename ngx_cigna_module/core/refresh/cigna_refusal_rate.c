
/*
 * The brake goes on by the share of refusals in the last minute or in the last
 * ten minutes, or by a row of them, or of failures.  While it is on, a turn
 * comes after a pause, which doubles with each failure.  A refresh that does
 * well brings further turns at once, and a few of them release the brake.
 *
 * With pauses of a minute it takes many to count as a share: a server that
 * fails otherwise is not believed when it refuses, however few it does.
 *
 * A refusal of a refresh token that may have been spent says nothing of other
 * grants.  But it is an answer, where there was none before.
 */


#include <string.h>

#include "cigna_refusal_rate.h"


#define CIGNA_REFUSAL_RATE_SLICE_MS       10000
#define CIGNA_REFUSAL_RATE_MINUTE_MS      60000

/* answers that tell something */

#define CIGNA_REFUSAL_RATE_FEWEST_SLICE   4
#define CIGNA_REFUSAL_RATE_FEWEST_MINUTE  10

/* failures further apart than this are no row */

#define CIGNA_REFUSAL_RATE_ROW_MS         (10 * CIGNA_REFUSAL_RATE_MINUTE_MS)

#define CIGNA_REFUSAL_RATE_LAPSE_MS       (1440 * CIGNA_REFUSAL_RATE_MINUTE_MS)

#define CIGNA_REFUSAL_RATE_PAUSE_MS       1000
#define CIGNA_REFUSAL_RATE_PAUSE_MAX_MS   60000

/* turns that a refresh which does well brings, and at most */

#define CIGNA_REFUSAL_RATE_CREDITS        4
#define CIGNA_REFUSAL_RATE_CREDITS_MAX    64


static void cigna_refusal_rate_count(cigna_refusal_rate_count_t *counts,
    unsigned n, int64_t number, int refused);
static int cigna_refusal_rate_share(const cigna_refusal_rate_count_t *counts,
    unsigned n, int64_t number, unsigned fewest, unsigned percent);
static void cigna_refusal_rate_did_well(cigna_refusal_rate_t *b,
    int64_t now_ms);
static void cigna_refusal_rate_give_turns(cigna_refusal_rate_t *b,
    int64_t now_ms);
static void cigna_refusal_rate_failed(cigna_refusal_rate_t *b, int64_t now_ms);
static int cigna_refusal_rate_doubts(const cigna_refusal_rate_t *b,
    int64_t now_ms, unsigned percent);


void
cigna_refusal_rate_answered(cigna_refusal_rate_t *b, int64_t now_ms,
    cigna_answer_e e, uint64_t tag, unsigned percent)
{
    int  refused;

    refused = e == cigna_answer_refused;

    cigna_refusal_rate_lapse(b, now_ms);

    if (percent >= 100) {
        b->doubted = 0;
    }

    if (e == cigna_answer_none
        || (e == cigna_answer_explained && !b->on)
        || (refused && percent >= 100))
    {
        return;
    }

    if (refused || e == cigna_answer_tokens) {
        cigna_refusal_rate_count(b->slices, CIGNA_REFUSAL_RATE_SLICES,
                                 now_ms / CIGNA_REFUSAL_RATE_SLICE_MS, refused);
        cigna_refusal_rate_count(b->minutes, CIGNA_REFUSAL_RATE_MINUTES,
                                 now_ms / CIGNA_REFUSAL_RATE_MINUTE_MS,
                                 refused);
    }

    if (e == cigna_answer_tokens) {
        cigna_refusal_rate_did_well(b, now_ms);
        return;
    }

    if (e == cigna_answer_explained && !b->doubted) {
        cigna_refusal_rate_give_turns(b, now_ms);
        return;
    }

    if (now_ms - b->failed_ms > CIGNA_REFUSAL_RATE_ROW_MS) {
        b->failures = 0;
        b->refusals = 0;
    }

    if (b->failures == 0 || tag != b->last) {
        b->failures++;
        b->refusals += refused ? 1 : 0;
    }

    b->last = tag;
    b->failed_ms = now_ms;
    b->well = 0;

    if (!b->doubted && cigna_refusal_rate_doubts(b, now_ms, percent)) {
        b->doubted = 1;
        b->doubted_ms = now_ms;
    }

    cigna_refusal_rate_failed(b, now_ms);
}


static void
cigna_refusal_rate_count(cigna_refusal_rate_count_t *counts, unsigned n,
    int64_t number, int refused)
{
    cigna_refusal_rate_count_t  *c;

    c = &counts[number % n];

    if (c->number != (uint32_t) number) {
        memset(c, 0, sizeof(cigna_refusal_rate_count_t));
        c->number = (uint32_t) number;
    }

    /* the share is what matters */

    if (c->all == UINT16_MAX) {
        c->all /= 2;
        c->refused /= 2;
    }

    c->all++;
    c->refused += refused ? 1 : 0;
}


/* is more than that refused? */

static int
cigna_refusal_rate_share(const cigna_refusal_rate_count_t *counts, unsigned n,
    int64_t number, unsigned fewest, unsigned percent)
{
    unsigned  i;
    uint64_t  all, refused;

    all = 0;
    refused = 0;

    for (i = 0; i < n; i++) {

        if ((uint32_t) number - counts[i].number < n) {
            all += counts[i].all;
            refused += counts[i].refused;
        }
    }

    return all >= fewest && refused * 100 > all * percent;
}


static void
cigna_refusal_rate_did_well(cigna_refusal_rate_t *b, int64_t now_ms)
{
    b->failures = 0;
    b->refusals = 0;
    b->last = 0;
    b->well++;

    if (b->well >= CIGNA_REFUSAL_RATE_WELL) {
        b->well_ms = now_ms;
    }

    if (!b->on) {
        return;
    }

    if (b->well >= CIGNA_REFUSAL_RATE_WELL) {
        b->on = 0;

        if (b->doubted) {
            b->doubted = 0;
            b->sure_ms = now_ms;
        }

        memset(b->slices, 0, sizeof(b->slices));
        memset(b->minutes, 0, sizeof(b->minutes));

        return;
    }

    cigna_refusal_rate_give_turns(b, now_ms);
}


static void
cigna_refusal_rate_give_turns(cigna_refusal_rate_t *b, int64_t now_ms)
{
    b->next_ms = now_ms;
    b->pause_ms = CIGNA_REFUSAL_RATE_PAUSE_MS;
    b->credits += CIGNA_REFUSAL_RATE_CREDITS;

    if (b->credits > CIGNA_REFUSAL_RATE_CREDITS_MAX) {
        b->credits = CIGNA_REFUSAL_RATE_CREDITS_MAX;
    }
}


static void
cigna_refusal_rate_failed(cigna_refusal_rate_t *b, int64_t now_ms)
{
    if (b->on) {
        b->credits = 0;

        /* those that began before tell nothing new */

        if (b->probing) {
            b->probing = 0;
            b->pause_ms *= 2;

            if (b->pause_ms > CIGNA_REFUSAL_RATE_PAUSE_MAX_MS) {
                b->pause_ms = CIGNA_REFUSAL_RATE_PAUSE_MAX_MS;
            }

            b->next_ms = now_ms + b->pause_ms;
        }

        return;
    }

    if (!b->doubted && b->failures < CIGNA_REFUSAL_RATE_ROW) {
        return;
    }

    b->on = 1;
    b->probing = 0;
    b->credits = 0;
    b->pause_ms = CIGNA_REFUSAL_RATE_PAUSE_MS;
    b->next_ms = now_ms + b->pause_ms;
}


/* are too many refused to be true, or any where others fail as well? */

static int
cigna_refusal_rate_doubts(const cigna_refusal_rate_t *b, int64_t now_ms,
    unsigned percent)
{
    return (b->refusals && b->failures >= CIGNA_REFUSAL_RATE_ROW)
           || cigna_refusal_rate_share(b->slices, CIGNA_REFUSAL_RATE_SLICES,
                                       now_ms / CIGNA_REFUSAL_RATE_SLICE_MS,
                                       CIGNA_REFUSAL_RATE_FEWEST_SLICE, percent)
           || cigna_refusal_rate_share(b->minutes, CIGNA_REFUSAL_RATE_MINUTES,
                                       now_ms / CIGNA_REFUSAL_RATE_MINUTE_MS,
                                       CIGNA_REFUSAL_RATE_FEWEST_MINUTE,
                                       percent);
}


int64_t
cigna_refusal_rate_rest(const cigna_refusal_rate_t *b, int64_t now_ms,
    int again)
{
    int64_t  next_ms;

    next_ms = b->next_ms + (again ? b->pause_ms : 0);

    if (!b->on || b->credits || now_ms >= next_ms) {
        return 0;
    }

    return next_ms - now_ms;
}


/* who does not come back leaves the next turn to somebody else */

cigna_turn_e
cigna_refusal_rate_take(cigna_refusal_rate_t *b, int64_t now_ms)
{
    if (!b->on) {
        return cigna_turn_free;
    }

    if (b->credits) {
        b->credits--;
        return cigna_turn_credit;
    }

    b->probing = 1;
    b->next_ms = now_ms + b->pause_ms;

    return cigna_turn_probe;
}


void
cigna_refusal_rate_give_back(cigna_refusal_rate_t *b, cigna_turn_e turn)
{
    if (!b->on) {
        return;
    }

    if (turn == cigna_turn_credit
        && b->credits < CIGNA_REFUSAL_RATE_CREDITS_MAX)
    {
        b->credits++;

    } else if (turn == cigna_turn_probe && b->probing) {
        b->probing = 0;
        b->next_ms = 0;
    }
}


void
cigna_refusal_rate_lapse(cigna_refusal_rate_t *b, int64_t now_ms)
{
    if (b->on && now_ms - b->failed_ms > CIGNA_REFUSAL_RATE_LAPSE_MS) {
        b->on = 0;
        b->doubted = 0;
    }
}
