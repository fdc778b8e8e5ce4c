
#ifndef _CIGNA_REFUSAL_RATE_H_INCLUDED_
#define _CIGNA_REFUSAL_RATE_H_INCLUDED_


#include <stdint.h>


/*
 * What has become of a tenant's refreshes lately.  Where too many are refused
 * with invalid_grant, or fail one after the other, that is not the members'
 * doing but ours or the authorization server's.  Then the brake is on: few
 * refreshes are let through, to find out whether it does well again.  Refusals
 * among what put it on, and those that come while it is, are doubted.
 *
 * Pointer-free and all zero at first.  Calls are made under a lock of the
 * caller's, with times of one clock that never steps back.
 */

#define CIGNA_REFUSAL_RATE_SLICES   6      /* of the last minute */
#define CIGNA_REFUSAL_RATE_MINUTES  10
#define CIGNA_REFUSAL_RATE_ROW      5      /* failures of different grants */
#define CIGNA_REFUSAL_RATE_WELL     3      /* refreshes in a row */


typedef enum {
    cigna_answer_none = 0,                 /* nothing was sent */
    cigna_answer_tokens,
    cigna_answer_refused,                  /* invalid_grant */
    cigna_answer_explained,                /* the same, of a refresh token that
                                              had been sent before */
    cigna_answer_failed,                   /* any other reply */
    cigna_answer_lost                      /* no complete reply */
} cigna_answer_e;


/* a stretch of time, and what was answered in it */

typedef struct {
    uint32_t         number;
    uint16_t         all;                  /* tokens and refusals */
    uint16_t         refused;
} cigna_refusal_rate_count_t;


typedef struct {
    cigna_refusal_rate_count_t  slices[CIGNA_REFUSAL_RATE_SLICES];
    cigna_refusal_rate_count_t  minutes[CIGNA_REFUSAL_RATE_MINUTES];
    uint64_t                    last;      /* grant that has failed last */
    uint32_t                    failures;  /* in a row, of different grants */
    uint32_t                    refusals;  /* likewise */
    uint32_t                    well;      /* refreshes in a row */
    int64_t                     well_ms;   /* when they were enough, 0: never */
    int64_t                     failed_ms;  /* last */
    int64_t                     doubted_ms;  /* refusals are, or were, since */
    int64_t                     sure_ms;   /* they were, up to then; 0: never */
    uint32_t                    doubted;
    uint32_t                    on;
    uint32_t                    probing;   /* a turn without a credit is out */
    uint32_t                    credits;   /* turns, while it is on */
    int64_t                     next_ms;   /* the next turn without a credit */
    int64_t                     pause_ms;  /* and from there to the one after */
} cigna_refusal_rate_t;


/*
 * A refresh was answered, of the grant with this tag.  Refusals are doubted
 * where more than so many per cent are refused; at 100 they never are.
 */
void cigna_refusal_rate_answered(cigna_refusal_rate_t *b, int64_t now_ms,
    cigna_answer_e e, uint64_t tag, unsigned percent);

/*
 * How long no refresh may begin; 0: one may.  again: its refresh token may have
 * been spent, and those of which that is not so go first.
 */
int64_t cigna_refusal_rate_rest(const cigna_refusal_rate_t *b, int64_t now_ms,
    int again);

/* what one that begins has taken */

typedef enum {
    cigna_turn_free = 0,                   /* nothing: the brake is off */
    cigna_turn_credit,
    cigna_turn_probe                       /* the one of this pause */
} cigna_turn_e;


/* one begins; to be asked only if one may */
cigna_turn_e cigna_refusal_rate_take(cigna_refusal_rate_t *b, int64_t now_ms);

/* it has sent nothing */
void cigna_refusal_rate_give_back(cigna_refusal_rate_t *b, cigna_turn_e turn);

/* for a day nothing has failed: whatever it was, it is over */
void cigna_refusal_rate_lapse(cigna_refusal_rate_t *b, int64_t now_ms);


#endif /* _CIGNA_REFUSAL_RATE_H_INCLUDED_ */
