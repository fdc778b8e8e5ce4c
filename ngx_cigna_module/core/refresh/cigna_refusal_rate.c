
/*
 * Throttling is switched on when the share of refusals in the last minute or in
 * the last ten minutes is too high, or after some failures in a row.  While it
 * is on, one refresh may start after each pause, and the failure of such a
 * refresh doubles the pause.  After a success further refreshes may start at
 * once.  A few successes in a row switch throttling off.
 *
 * When the pauses are minutes long, it would take hours to count enough
 * refusals for a share.  So while a server fails in other ways, its refusals
 * are doubted, however few they are.
 *
 * The refusal of a refresh token that may have been spent says nothing about
 * other grants.  But it shows that the server answers.
 */


#include <string.h>

#include "cigna_refusal_rate.h"


#define CIGNA_REFUSAL_RATE_SLICE_MS       10000
#define CIGNA_REFUSAL_RATE_MINUTE_MS      60000

/* a share counts only if there are at least this many answers */

#define CIGNA_REFUSAL_RATE_FEWEST_SLICE   4
#define CIGNA_REFUSAL_RATE_FEWEST_MINUTE  10

/* a failure more than this time after the last one begins a new row of them */

#define CIGNA_REFUSAL_RATE_ROW_MS         (10 * CIGNA_REFUSAL_RATE_MINUTE_MS)

#define CIGNA_REFUSAL_RATE_LAPSE_MS       (1440 * CIGNA_REFUSAL_RATE_MINUTE_MS)

#define CIGNA_REFUSAL_RATE_PAUSE_MS       1000
#define CIGNA_REFUSAL_RATE_PAUSE_MAX_MS   60000

/*
 * turns (permissions to start a refresh) that each success or "explained"
 * refusal earns, and the most turns that are kept
 */

#define CIGNA_REFUSAL_RATE_CREDITS        4
#define CIGNA_REFUSAL_RATE_CREDITS_MAX    64


static void cigna_refusal_rate_count(cigna_refusal_rate_count_t *counts,
    unsigned n, int64_t number, int refused);
static void cigna_refusal_rate_did_well(cigna_refusal_rate_t *r,
    int64_t now_ms);
static void cigna_refusal_rate_give_turns(cigna_refusal_rate_t *r,
    int64_t now_ms);
static void cigna_refusal_rate_failed(cigna_refusal_rate_t *r, int64_t now_ms,
    int refused, uint64_t tag);
static void cigna_refusal_rate_throttle(cigna_refusal_rate_t *r,
    int64_t now_ms);
static int cigna_refusal_rate_doubts(const cigna_refusal_rate_t *r,
    int64_t now_ms, unsigned percent);


void
cigna_refusal_rate_answered(cigna_refusal_rate_t *r, int64_t now_ms,
    cigna_answer_e e, uint64_t tag, unsigned percent)
{
    int  refused;

    refused = e == cigna_answer_refused;

    cigna_refusal_rate_lapse(r, now_ms);

    if (percent >= 100) {
        r->doubted = 0;
    }

    if (e == cigna_answer_none
        || (e == cigna_answer_explained && !r->on)
        || (refused && percent >= 100))
    {
        return;
    }

    if (refused || e == cigna_answer_tokens) {
        cigna_refusal_rate_count(r->slices, CIGNA_REFUSAL_RATE_SLICES,
                                 now_ms / CIGNA_REFUSAL_RATE_SLICE_MS, refused);
        cigna_refusal_rate_count(r->minutes, CIGNA_REFUSAL_RATE_MINUTES,
                                 now_ms / CIGNA_REFUSAL_RATE_MINUTE_MS,
                                 refused);
    }

    if (e == cigna_answer_tokens) {
        cigna_refusal_rate_did_well(r, now_ms);
        return;
    }

    if (e == cigna_answer_explained && !r->doubted) {
        cigna_refusal_rate_give_turns(r, now_ms);
        return;
    }

    cigna_refusal_rate_failed(r, now_ms, refused, tag);

    if (!r->doubted && cigna_refusal_rate_doubts(r, now_ms, percent)) {
        r->doubted = 1;
        r->doubted_ms = now_ms;
    }

    cigna_refusal_rate_throttle(r, now_ms);
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

    /* both are halved, so their ratio stays */

    if (c->all == UINT16_MAX) {
        c->all /= 2;
        c->refused /= 2;
    }

    c->all++;
    c->refused += refused ? 1 : 0;
}


/* 1 if enough answers came, and more than "percent" of them are refusals */

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
cigna_refusal_rate_did_well(cigna_refusal_rate_t *r, int64_t now_ms)
{
    r->failures = 0;
    r->refusals = 0;
    r->last = 0;
    r->well++;

    if (r->well >= CIGNA_REFUSAL_RATE_WELL) {
        r->well_ms = now_ms;
    }

    if (!r->on) {
        return;
    }

    if (r->well < CIGNA_REFUSAL_RATE_WELL) {
        cigna_refusal_rate_give_turns(r, now_ms);
        return;
    }

    r->on = 0;

    if (r->doubted) {
        r->doubted = 0;
        r->sure_ms = now_ms;
    }

    memset(r->slices, 0, sizeof(r->slices));
    memset(r->minutes, 0, sizeof(r->minutes));
}


static void
cigna_refusal_rate_give_turns(cigna_refusal_rate_t *r, int64_t now_ms)
{
    r->next_ms = now_ms;
    r->pause_ms = CIGNA_REFUSAL_RATE_PAUSE_MS;
    r->credits += CIGNA_REFUSAL_RATE_CREDITS;

    if (r->credits > CIGNA_REFUSAL_RATE_CREDITS_MAX) {
        r->credits = CIGNA_REFUSAL_RATE_CREDITS_MAX;
    }
}


static void
cigna_refusal_rate_failed(cigna_refusal_rate_t *r, int64_t now_ms,
    int refused, uint64_t tag)
{
    if (now_ms - r->failed_ms > CIGNA_REFUSAL_RATE_ROW_MS) {
        r->failures = 0;
        r->refusals = 0;
    }

    if (r->failures == 0 || tag != r->last) {
        r->failures++;
        r->refusals += refused ? 1 : 0;
    }

    r->last = tag;
    r->failed_ms = now_ms;
    r->well = 0;
}


/* after a failure: switches throttling on, or makes its pause longer */

static void
cigna_refusal_rate_throttle(cigna_refusal_rate_t *r, int64_t now_ms)
{
    if (r->on) {
        r->credits = 0;

        /* only the failure of a probe makes the pause longer */

        if (r->probing) {
            r->probing = 0;
            r->pause_ms = r->pause_ms < CIGNA_REFUSAL_RATE_PAUSE_MAX_MS / 2
                          ? 2 * r->pause_ms : CIGNA_REFUSAL_RATE_PAUSE_MAX_MS;
            r->next_ms = now_ms + r->pause_ms;
        }

        return;
    }

    if (!r->doubted && r->failures < CIGNA_REFUSAL_RATE_ROW) {
        return;
    }

    r->on = 1;
    r->probing = 0;
    r->credits = 0;
    r->pause_ms = CIGNA_REFUSAL_RATE_PAUSE_MS;
    r->next_ms = now_ms + r->pause_ms;
}


/*
 * 1 if too many refreshes are refused, or if a long row of failures has a
 * refusal in it
 */

static int
cigna_refusal_rate_doubts(const cigna_refusal_rate_t *r, int64_t now_ms,
    unsigned percent)
{
    return (r->refusals && r->failures >= CIGNA_REFUSAL_RATE_ROW)
           || cigna_refusal_rate_share(r->slices, CIGNA_REFUSAL_RATE_SLICES,
                                       now_ms / CIGNA_REFUSAL_RATE_SLICE_MS,
                                       CIGNA_REFUSAL_RATE_FEWEST_SLICE, percent)
           || cigna_refusal_rate_share(r->minutes, CIGNA_REFUSAL_RATE_MINUTES,
                                       now_ms / CIGNA_REFUSAL_RATE_MINUTE_MS,
                                       CIGNA_REFUSAL_RATE_FEWEST_MINUTE,
                                       percent);
}


int64_t
cigna_refusal_rate_rest(const cigna_refusal_rate_t *r, int64_t now_ms,
    int again)
{
    int64_t  next_ms;

    next_ms = r->next_ms + (again ? r->pause_ms : 0);

    if (!r->on || r->credits || now_ms >= next_ms) {
        return 0;
    }

    return next_ms - now_ms;
}


/*
 * a probe also sets when the next one may start, even if this one gets no
 * answer
 */

cigna_turn_e
cigna_refusal_rate_take(cigna_refusal_rate_t *r, int64_t now_ms)
{
    if (!r->on) {
        return cigna_turn_free;
    }

    if (r->credits) {
        r->credits--;
        return cigna_turn_credit;
    }

    r->probing = 1;
    r->next_ms = now_ms + r->pause_ms;

    return cigna_turn_probe;
}


void
cigna_refusal_rate_give_back(cigna_refusal_rate_t *r, cigna_turn_e turn)
{
    if (!r->on) {
        return;
    }

    if (turn == cigna_turn_credit
        && r->credits < CIGNA_REFUSAL_RATE_CREDITS_MAX)
    {
        r->credits++;

    } else if (turn == cigna_turn_probe && r->probing) {
        r->probing = 0;
        r->next_ms = 0;
    }
}


void
cigna_refusal_rate_lapse(cigna_refusal_rate_t *r, int64_t now_ms)
{
    if (r->on && now_ms - r->failed_ms > CIGNA_REFUSAL_RATE_LAPSE_MS) {
        r->on = 0;
        r->doubted = 0;
    }
}
