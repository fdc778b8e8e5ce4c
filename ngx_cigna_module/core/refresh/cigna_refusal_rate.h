
#ifndef _CIGNA_REFUSAL_RATE_H_INCLUDED_
#define _CIGNA_REFUSAL_RATE_H_INCLUDED_


#include <stdint.h>


/*
 * How the latest refreshes of a tenant ended.  If too many are refused with
 * invalid_grant, or fail one after the other, the fault is probably in the
 * gateway or in the authorization server and not in the grants.  Then
 * throttling is on: only a few refreshes may start, to find out whether the
 * server works again.  After too many refusals, or one in a row of failures,
 * refusals are "doubted", that is, not final, until throttling ends.
 *
 * The struct has no pointers and begins as zeros.  The caller holds a lock, and
 * takes times from one clock that never steps back.
 */

#define CIGNA_REFUSAL_RATE_SLICES   6      /* ten-second slices, for the share
                                              of refusals in one minute */
#define CIGNA_REFUSAL_RATE_MINUTES  10     /* one-minute slices, for the share
                                              in ten minutes */
#define CIGNA_REFUSAL_RATE_ROW      5      /* failures in a row, of different
                                              grants, that switch throttling
                                              on */
#define CIGNA_REFUSAL_RATE_WELL     3      /* successes in a row that switch
                                              throttling off */


/* how the token endpoint answered a refresh */

typedef enum {
    cigna_answer_none = 0,                 /* nothing was sent */
    cigna_answer_tokens,
    cigna_answer_refused,                  /* invalid_grant */
    cigna_answer_explained,                /* invalid_grant, and an earlier
                                              attempt may have spent the
                                              refresh token */
    cigna_answer_failed,                   /* any other reply, also one with
                                              tokens of another member */
    cigna_answer_lost                      /* no complete reply */
} cigna_answer_e;


/* the answers in one slice or minute */

typedef struct {
    uint32_t         number;               /* number of the slice or minute,
                                              since the start of the clock */
    uint16_t         all;                  /* number of answers that bring
                                              tokens or refuse the grant */
    uint16_t         refused;
} cigna_refusal_rate_count_t;


typedef struct {
    cigna_refusal_rate_count_t  slices[CIGNA_REFUSAL_RATE_SLICES];
    cigna_refusal_rate_count_t  minutes[CIGNA_REFUSAL_RATE_MINUTES];
    uint64_t                    last;      /* tag of the grant whose refresh
                                              failed last */
    uint32_t                    failures;  /* failures in a row, of different
                                              grants */
    uint32_t                    refusals;  /* number of refusals among
                                              "failures" */
    uint32_t                    well;      /* successes in a row */
    int64_t                     well_ms;   /* time of the last success that was
                                              at least number
                                              CIGNA_REFUSAL_RATE_WELL in a row;
                                              0: never */
    int64_t                     failed_ms;  /* time of the last failure */
    int64_t                     doubted_ms;  /* when refusals began to be
                                                doubted, the last time */
    int64_t                     sure_ms;   /* when successes in a row last ended
                                              the doubt; 0: never */
    uint32_t                    doubted;   /* 1: refusals are doubted now */
    uint32_t                    on;        /* 1: throttling is on now */
    uint32_t                    probing;   /* 1: the next failure counts as that
                                              of a probe; see cigna_turn_e */
    uint32_t                    credits;   /* number of refreshes that may start
                                              before next_ms, because of earlier
                                              answers */
    int64_t                     next_ms;   /* earliest time of the next probe */
    int64_t                     pause_ms;  /* time between two probes */
} cigna_refusal_rate_t;


/*
 * Counts the answer to a refresh.  tag is a number by which the caller tells
 * grants apart.  Refusals are doubted if they are more than "percent" of the
 * answers that bring tokens or refuse the grant, or if one of several failures
 * in a row is a refusal.  At 100 they are never doubted.
 */
void cigna_refusal_rate_answered(cigna_refusal_rate_t *r, int64_t now_ms,
    cigna_answer_e e, uint64_t tag, unsigned percent);

/*
 * Returns in how many ms this refresh may start; 0: now, also if throttling is
 * off or a credit is left.  again: 1 if an earlier attempt may have spent the
 * grant's refresh token.  As a probe, such a refresh starts one pause later, so
 * that refreshes of other grants go first.
 */
int64_t cigna_refusal_rate_rest(const cigna_refusal_rate_t *r, int64_t now_ms,
    int again);

/* the right by which a refresh starts */

typedef enum {
    cigna_turn_free = 0,                   /* throttling is off */
    cigna_turn_credit,                     /* one of "credits" */
    cigna_turn_probe                       /* a start without a credit, at most
                                              one in each pause */
} cigna_turn_e;


/*
 * takes a turn, which lets one refresh begin; call it after
 * cigna_refusal_rate_rest() returned 0
 */
cigna_turn_e cigna_refusal_rate_take(cigna_refusal_rate_t *r, int64_t now_ms);

/* gives a turn back; call it if the refresh token was not sent */
void cigna_refusal_rate_give_back(cigna_refusal_rate_t *r, cigna_turn_e turn);

/* switches throttling off if nothing has failed for a day */
void cigna_refusal_rate_lapse(cigna_refusal_rate_t *r, int64_t now_ms);


#endif /* _CIGNA_REFUSAL_RATE_H_INCLUDED_ */
