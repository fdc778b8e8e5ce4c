
#include "cigna_pause.h"
#include "http/cigna_retry_after.h"


static void cigna_pause_prolong(cigna_pause_t *p, int64_t asked_ns);
static void cigna_pause_begin(cigna_pause_t *p, int64_t retry_us,
    unsigned jitter, int64_t now_ns);
static int cigna_pause_sure(const cigna_pause_t *p, int64_t now_ns);
static int cigna_pause_again(const cigna_pause_t *p, int64_t now_ns);
static void cigna_pause_step(cigna_pause_t *p, int64_t now_ns);
static int64_t cigna_pause_within(int64_t n, int64_t min, int64_t max);


int64_t
cigna_pause_ask(cigna_pause_t *p, int64_t retry_after_ms, unsigned jitter,
    int64_t now_ns)
{
    int64_t  retry_us, asked_ns;

    cigna_pause_step(p, now_ns);

    retry_us = cigna_pause_within(retry_after_ms, 0, CIGNA_RETRY_AFTER_MAX_MS)
               * 1000;
    asked_ns = now_ns + retry_us * 1000;

    if (now_ns < p->until_ns) {

        if (asked_ns > p->asked_ns) {
            p->asked_ns = asked_ns;
        }

        cigna_pause_prolong(p, asked_ns);

    } else {
        p->sure = (uint64_t) cigna_pause_sure(p, now_ns);
        p->asked_ns = asked_ns;

        cigna_pause_begin(p, retry_us, jitter, now_ns);
    }

    return (p->until_ns - now_ns + CIGNA_RATE_MS - 1) / CIGNA_RATE_MS;
}


static void
cigna_pause_prolong(cigna_pause_t *p, int64_t asked_ns)
{
    int64_t  most_ns;

    most_ns = p->from_ns + CIGNA_PAUSE_ONE_MS * CIGNA_RATE_MS;

    if (p->sure || asked_ns < most_ns) {
        most_ns = asked_ns;
    }

    if (most_ns > p->until_ns) {
        p->until_ns = most_ns;
    }
}


static void
cigna_pause_begin(cigna_pause_t *p, int64_t retry_us, unsigned jitter,
    int64_t now_ns)
{
    int64_t  us;

    if (!cigna_pause_again(p, now_ns)) {
        p->began_ns = now_ns;
    }

    us = cigna_pause_within((now_ns - p->began_ns) / 1000 / 3,
                            CIGNA_PAUSE_MIN_MS * 1000,
                            CIGNA_PAUSE_MAX_MS * 1000);

    if (us < retry_us) {
        us = retry_us;
    }

    us += us * cigna_pause_within(jitter, 0, CIGNA_PAUSE_JITTER_MAX) / 1000;

    if (!p->sure) {
        us = cigna_pause_within(us, 0, CIGNA_PAUSE_ONE_MS * 1000);
    }

    p->from_ns = now_ns;
    p->until_ns = now_ns + us * 1000;
}


/*
 * 1 if a pause that begins now is "sure": it follows soon after a pause that
 * was sure, or that was shorter than the server had asked for
 */

static int
cigna_pause_sure(const cigna_pause_t *p, int64_t now_ns)
{
    if (p->until_ns == 0 || (!p->sure && p->asked_ns <= p->until_ns)) {
        return 0;
    }

    return now_ns - p->until_ns < CIGNA_PAUSE_ONE_MS * CIGNA_RATE_MS;
}


/* 1 if the last pause still lasts, or ended less than CIGNA_PAUSE_RAMP_S ago */

static int
cigna_pause_again(const cigna_pause_t *p, int64_t now_ns)
{
    return p->until_ns
           && now_ns - p->until_ns < CIGNA_PAUSE_RAMP_S * CIGNA_RATE_SECOND;
}


int64_t
cigna_pause_left_ns(const cigna_pause_t *p, int64_t now_ns)
{
    if (p->until_ns == 0) {
        return 0;
    }

    /* a step back of the clock must not make a pause longer than it was */

    if (now_ns < p->from_ns) {
        return p->until_ns - p->from_ns;
    }

    return now_ns < p->until_ns ? p->until_ns - now_ns : 0;
}


void
cigna_pause_learn(cigna_pause_t *p, int64_t left_ns, int64_t now_ns)
{
    cigna_pause_step(p, now_ns);

    if (left_ns <= 0) {
        return;
    }

    if (now_ns >= p->until_ns) {

        if (!cigna_pause_again(p, now_ns)) {
            p->began_ns = now_ns;
        }

        p->from_ns = now_ns;
        p->asked_ns = 0;
        p->sure = 0;
    }

    p->until_ns = now_ns + left_ns;
}


void
cigna_pause_end(cigna_pause_t *p, int64_t ago_ns, int64_t now_ns)
{
    if (cigna_pause_left_ns(p, now_ns) == 0
        || p->from_ns > now_ns - ago_ns + CIGNA_RATE_SECOND)
    {
        return;
    }

    cigna_pause_step(p, now_ns);

    p->until_ns = now_ns;
    p->asked_ns = now_ns;
    p->sure = 0;
}


/*
 * If the clock was set back to a time before the pause began, moves all times
 * of the pause back by the same amount, so that the pause begins now.
 */

static void
cigna_pause_step(cigna_pause_t *p, int64_t now_ns)
{
    int64_t  back;

    if (p->until_ns == 0 || now_ns >= p->from_ns) {
        return;
    }

    back = p->from_ns - now_ns;

    p->began_ns -= back;
    p->from_ns -= back;
    p->until_ns -= back;
    p->asked_ns -= back;
}


static int64_t
cigna_pause_within(int64_t n, int64_t min, int64_t max)
{
    return n < min ? min : n > max ? max : n;
}
