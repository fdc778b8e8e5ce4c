
#ifndef _CIGNA_PAUSE_H_INCLUDED_
#define _CIGNA_PAUSE_H_INCLUDED_


#include "cigna_rate.h"


/*
 * A pause that the FHIR server has asked for, as a node knows it.  The scripts
 * budget_lease and budget_pause have the same rules, and Redis has the pauses
 * of all nodes.
 *
 * After a pause, Redis lets a part of the rate through: 1/16 in the first
 * second, then twice as much each second, and all of it after
 * CIGNA_PAUSE_RAMP_S seconds.  Trouble that begins before that goes on: the
 * pause then lasts a third of the time since the trouble began, so that
 * recovery is noticed within a third of the outage.
 *
 * A single reply may be a mistake, of the server or of something in front of
 * it: a pause that one reply has asked for lasts CIGNA_PAUSE_ONE_MS at most.
 * If that cuts it short, and the reply to a request after the pause asks again,
 * the pause is confirmed ("sure") and lasts as long as the server says.  It
 * stays confirmed while the next such reply comes within the same time.
 *
 * Times are ns of one clock, which may step back.
 */

#define CIGNA_PAUSE_RAMP_S      4
#define CIGNA_PAUSE_MIN_MS      1000
#define CIGNA_PAUSE_MAX_MS      30000      /* unless the server asks for more */
#define CIGNA_PAUSE_ONE_MS      300000

/* a pause is prolonged by up to so much at random, so that fleets spread */

#define CIGNA_PAUSE_JITTER_MAX  250        /* permille */


/* pointer-free, all zero: there is no pause */

typedef struct {
    int64_t   began_ns;                    /* the trouble */
    int64_t   from_ns;                     /* the pause */
    int64_t   until_ns;                    /* 0: there is none */
    int64_t   asked_ns;                    /* until when the server wants it */
    uint64_t  sure;                        /* 1: a second reply confirmed it */
} cigna_pause_t;


/*
 * A reply has asked for a pause; retry_after_ms -1: without saying for how
 * long.  A reply that comes within a pause only makes the pause longer and
 * confirms nothing: it answers a request that was sent before.  jitter:
 * permille, at random.  Returns ms until the end of the pause.
 */
int64_t cigna_pause_ask(cigna_pause_t *p, int64_t retry_after_ms,
    unsigned jitter, int64_t now_ns);

/* ns left of the pause; 0: there is none, or it is over */
int64_t cigna_pause_left_ns(const cigna_pause_t *p, int64_t now_ns);

/* another node knows of a pause of left_ns from now: makes this one as long */
void cigna_pause_learn(cigna_pause_t *p, int64_t left_ns, int64_t now_ns);

/*
 * An operator has ended the pause ago_ns ago.  Leaves a pause alone that began
 * later; a second is allowed for what was on its way meanwhile.
 */
void cigna_pause_end(cigna_pause_t *p, int64_t ago_ns, int64_t now_ns);


#endif /* _CIGNA_PAUSE_H_INCLUDED_ */
