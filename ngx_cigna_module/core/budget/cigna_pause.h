
#ifndef _CIGNA_PAUSE_H_INCLUDED_
#define _CIGNA_PAUSE_H_INCLUDED_


#include "cigna_rate.h"


/*
 * A pause that the FHIR server has asked for, as a node knows it.  The scripts
 * budget_lease and budget_pause have the same rules.  Redis has the pauses of
 * all nodes.
 *
 * After a pause, Redis lets a part of the rate through: 1/16 in the first
 * second, twice as much in each following second, and all of it after
 * CIGNA_PAUSE_RAMP_S seconds.  This is the ramp.  If the FHIR server asks again
 * before its end, the same trouble goes on.  The new pause then lasts a third
 * of the time since the trouble began, within the bounds below, or longer if
 * the server asks for more.  So the gateway notices the recovery soon.
 *
 * A single reply may be a mistake, of the server or of something in front of
 * the server.  So a pause that only one reply has asked for lasts at most
 * CIGNA_PAUSE_ONE_MS.  If this limit has shortened a pause, and a reply within
 * CIGNA_PAUSE_ONE_MS after its end asks again, the new pause is confirmed
 * ("sure") and lasts as long as the server says.  A pause after a confirmed one
 * is confirmed too, if its reply comes within the same time.
 *
 * Times are ns of one clock, which may step back.
 */

#define CIGNA_PAUSE_RAMP_S      4
#define CIGNA_PAUSE_MIN_MS      1000
#define CIGNA_PAUSE_MAX_MS      30000      /* longer if the server asks for
                                              it */
#define CIGNA_PAUSE_ONE_MS      300000

/*
 * a random part of each pause, at most this, is added to it, so that nodes do
 * not all return at once
 */

#define CIGNA_PAUSE_JITTER_MAX  250        /* permille */


/* without pointers; all zero means that there is no pause */

typedef struct {
    int64_t   began_ns;                    /* when the first pause of a series
                                              began */
    int64_t   from_ns;                     /* when the pause began */
    int64_t   until_ns;                    /* when the pause ends; 0: there was
                                              none */
    int64_t   asked_ns;                    /* the end that the server asked
                                              for */
    uint64_t  sure;                        /* 1: the pause is confirmed, see
                                              above */
} cigna_pause_t;


/*
 * Records that a reply has asked for a pause.  retry_after_ms is -1 if the
 * reply does not say for how long.  A reply that comes during a pause may
 * prolong the pause but does not confirm it, because that reply answers a
 * request from before the pause.  jitter is a random number of permille.
 * Returns the ms until the end of the pause.
 */
int64_t cigna_pause_ask(cigna_pause_t *p, int64_t retry_after_ms,
    unsigned jitter, int64_t now_ns);

/* the ns left of the pause; 0: there is none, or it is over */
int64_t cigna_pause_left_ns(const cigna_pause_t *p, int64_t now_ns);

/*
 * Records that another node knows of a pause that ends in left_ns.  This node's
 * pause then ends at the same time.  If left_ns is 0 or less, nothing changes.
 */
void cigna_pause_learn(cigna_pause_t *p, int64_t left_ns, int64_t now_ns);

/*
 * Records that an operator ended the pause ago_ns ago.  A pause that began more
 * than a second after that is not changed.  A pause that began within this
 * second is ended too: the reply to an earlier request may have begun it.
 */
void cigna_pause_end(cigna_pause_t *p, int64_t ago_ns, int64_t now_ns);


#endif /* _CIGNA_PAUSE_H_INCLUDED_ */
