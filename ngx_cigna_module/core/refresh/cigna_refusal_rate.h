
#ifndef _CIGNA_REFUSAL_RATE_H_INCLUDED_
#define _CIGNA_REFUSAL_RATE_H_INCLUDED_


#include <stdint.h>


/*
 * How the latest refreshes of a tenant ended.  If too many are refused with
 * invalid_grant, or fail one after the other, the cause is the gateway or the
 * authorization server, and not the members.  Then throttling is on: only a few
 * refreshes are let through, which find out whether the server works again.
 * Refusals that switched throttling on, and those that come while it is on, are
 * doubted: they are not final.
 *
 * The struct has no pointers and begins as zeros.  The caller holds a lock, and
 * takes times from one clock that never steps back.
 */

#define CIGNA_REFUSAL_RATE_SLICES   6      /* of ten seconds, for the share in
                                              the last minute */
#define CIGNA_REFUSAL_RATE_MINUTES  10     /* for the share in ten minutes */
#define CIGNA_REFUSAL_RATE_ROW      5      /* failures of different grants that
                                              switch throttling on */
#define CIGNA_REFUSAL_RATE_WELL     3      /* successes in a row that switch it
                                              off */


/* how the token endpoint answered a refresh */

typedef enum {
    cigna_answer_none = 0,                 /* nothing was sent */
    cigna_answer_tokens,
    cigna_answer_refused,                  /* invalid_grant */
    cigna_answer_explained,                /* invalid_grant, and an earlier
                                              attempt may have spent the
                                              refresh token */
    cigna_answer_failed,                   /* any other reply */
    cigna_answer_lost                      /* no complete reply */
} cigna_answer_e;


/* the answers in one slice or minute */

typedef struct {
    uint32_t         number;               /* of the slice, since the start of
                                              the clock */
    uint16_t         all;                  /* tokens and refusals */
    uint16_t         refused;
} cigna_refusal_rate_count_t;


typedef struct {
    cigna_refusal_rate_count_t  slices[CIGNA_REFUSAL_RATE_SLICES];
    cigna_refusal_rate_count_t  minutes[CIGNA_REFUSAL_RATE_MINUTES];
    uint64_t                    last;      /* tag of the grant that failed
                                              last */
    uint32_t                    failures;  /* in a row, of different grants */
    uint32_t                    refusals;  /* among them */
    uint32_t                    well;      /* successes in a row */
    int64_t                     well_ms;   /* when they were last enough; 0:
                                              never */
    int64_t                     failed_ms;  /* time of the last failure */
    int64_t                     doubted_ms;  /* start of the last doubt */
    int64_t                     sure_ms;   /* its end; 0: none has ended */
    uint32_t                    doubted;   /* refusals are, now */
    uint32_t                    on;        /* throttling is, now */
    uint32_t                    probing;   /* a probe has not been answered */
    uint32_t                    credits;   /* turns that successes have
                                              earned */
    int64_t                     next_ms;   /* time of the next probe */
    int64_t                     pause_ms;  /* to the one after it */
} cigna_refusal_rate_t;


/*
 * Counts the answer to a refresh of the grant with this tag.  Refusals are
 * doubted if they are more than "percent" of all; at 100 they never are.
 */
void cigna_refusal_rate_answered(cigna_refusal_rate_t *r, int64_t now_ms,
    cigna_answer_e e, uint64_t tag, unsigned percent);

/*
 * How many ms no refresh may start; 0: it may.  again: an earlier attempt may
 * have spent the refresh token, so refreshes with other tokens go first.
 */
int64_t cigna_refusal_rate_rest(const cigna_refusal_rate_t *r, int64_t now_ms,
    int again);

/* the right by which a refresh starts */

typedef enum {
    cigna_turn_free = 0,                   /* throttling is off */
    cigna_turn_credit,                     /* a success has earned it */
    cigna_turn_probe                       /* the only one in this pause */
} cigna_turn_e;


/* takes a turn, which rest() has allowed */
cigna_turn_e cigna_refusal_rate_take(cigna_refusal_rate_t *r, int64_t now_ms);

/* gives a turn back: nothing was sent */
void cigna_refusal_rate_give_back(cigna_refusal_rate_t *r, cigna_turn_e turn);

/* switches throttling off if nothing has failed for a day */
void cigna_refusal_rate_lapse(cigna_refusal_rate_t *r, int64_t now_ms);


#endif /* _CIGNA_REFUSAL_RATE_H_INCLUDED_ */
