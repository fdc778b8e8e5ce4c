
/*
 * Ends a dance that nobody completes, or that a newer dance displaces.
 *
 *   start --> close --> forget --> over
 *              ^ | |                ^
 *              | v +----------------+ the dance goes on, or Redis fails
 *             sleep
 *
 * A malformed entry leads from "start" to "over".
 *
 * Invariants, checked by t/fuzz/dance/fuzz_callback.c:
 *
 *   (1) "ended" is set only if the script has ended the dance for this run, or
 *       if the record is missing and this run has counted the dance as "lost";
 *   (2) a dance that is taken goes on; a dance that is not overdue goes on
 *       unless a newer one displaces it;
 *   (3) an entry without a record stays until it is overdue: the run that has
 *       listed the dance may be about to store it.
 */


#include <string.h>

#include "cigna_dance_close.h"
#include "cigna_dance_outcome.h"
#include "cigna_dance_story.h"
#include "vault/cigna_scripts.h"


typedef enum {
    cigna_dance_close_st_start = 0,
    cigna_dance_close_st_close,
    cigna_dance_close_st_sleep,
    cigna_dance_close_st_forget,
    cigna_dance_close_st_over
} cigna_dance_close_state_e;


static int cigna_dance_close_start(cigna_dance_close_t *c,
    const cigna_event_t *ev, cigna_op_t *op);
static int cigna_dance_close_heard(cigna_dance_close_t *c,
    const cigna_event_t *ev, cigna_op_t *op);
static int cigna_dance_close_over(cigna_dance_close_t *c);


int
cigna_dance_close_next(cigna_dance_close_t *c, const cigna_event_t *ev,
    cigna_op_t *op)
{
    switch ((cigna_dance_close_state_e) c->state) {

    case cigna_dance_close_st_start:

        if (cigna_dance_close_start(c, ev, op) == CIGNA_OK) {
            return CIGNA_AGAIN;
        }

        return cigna_dance_close_over(c);

    case cigna_dance_close_st_close:

        return cigna_dance_close_heard(c, ev, op);

    case cigna_dance_close_st_sleep:

        c->state = cigna_retry_again(&c->retry, op);
        return CIGNA_AGAIN;

    case cigna_dance_close_st_forget:

        if (cigna_dance_forget_next(&c->forget, ev, op) == CIGNA_AGAIN) {
            return CIGNA_AGAIN;
        }

        /* of all runs that miss the record, only one counts the dance */

        if (c->lost) {
            c->ended = c->forget.counted;
        }

        break;

    case cigna_dance_close_st_over:
        break;
    }

    return cigna_dance_close_over(c);
}


static int
cigna_dance_close_start(cigna_dance_close_t *c, const cigna_event_t *ev,
    cigna_op_t *op)
{
    cigna_buf_t          b;
    cigna_slice_t        key, token, line;
    cigna_dance_story_t  story = { 0 };

    c->forget.vault = c->vault;
    c->forget.arena = c->arena;

    if (cigna_dance_entry_parse(c->entry, &c->forget.entry) != CIGNA_OK) {
        return CIGNA_ERROR;
    }

    cigna_arena_open(c->arena, &b);
    cigna_vault_append_named_key(&b, c->vault, c->forget.entry.name);
    key = cigna_flow_text(c->arena, &b);

    token = cigna_flow_token(c->arena, ev->random, 16);
    line = cigna_dance_story_line(c->vault, c->arena, "closed", &story);

    cigna_script_call(op, cigna_script_dance_close, key,
                      c->overdue ? cigna_slice("abandoned")
                                 : cigna_slice("displaced"),
                      token, line);
    c->state = cigna_retry_init(&c->retry, op, cigna_dance_close_st_close);

    return c->arena->overflow ? CIGNA_ERROR : CIGNA_OK;
}


static int
cigna_dance_close_heard(cigna_dance_close_t *c, const cigna_event_t *ev,
    cigna_op_t *op)
{
    cigna_slice_t  word;

    word = cigna_script_word(ev);

    if (word.len == 0
        && cigna_retry_redis(&c->retry, op, &c->state,
                             cigna_dance_close_st_sleep)
           == CIGNA_AGAIN)
    {
        return CIGNA_AGAIN;
    }

    c->lost = cigna_slice_eq(word, cigna_slice("absent"));

    if (word.len == 0 || cigna_slice_eq(word, cigna_slice("open"))
        || (c->lost && !c->overdue))
    {
        return cigna_dance_close_over(c);
    }

    c->ended = cigna_slice_eq(word, cigna_slice("ok"));
    c->outcome = cigna_slice_str(
                     cigna_dance_outcome_row(cigna_dance_outcome_lost)->name);

    if (!c->lost
        && (cigna_arena_copy(c->arena, cigna_script_slice(ev, 5), &c->outcome)
            != CIGNA_OK
            || cigna_arena_copy(c->arena, cigna_script_slice(ev, 3),
                                &c->forget.started)
               != CIGNA_OK))
    {
        return cigna_dance_close_over(c);
    }

    c->forget.outcome = c->outcome;
    c->state = cigna_dance_close_st_forget;

    if (cigna_dance_forget_next(&c->forget, ev, op) == CIGNA_AGAIN) {
        return CIGNA_AGAIN;
    }

    return cigna_dance_close_over(c);
}


static int
cigna_dance_close_over(cigna_dance_close_t *c)
{
    c->state = cigna_dance_close_st_over;

    return CIGNA_OK;
}


int
cigna_dance_closer_list(cigna_dance_closer_t *c, const cigna_event_t *ev,
    size_t i)
{
    cigna_slice_t  entry;

    c->at = 0;

    for (c->count = 0; c->count < CIGNA_EVICTED_MAX; c->count++) {
        entry = cigna_script_slice(ev, i + c->count);

        if (entry.len == 0) {
            break;
        }

        if (cigna_arena_copy(c->arena, entry, &c->entries[c->count])
            != CIGNA_OK)
        {
            return CIGNA_ERROR;
        }
    }

    return CIGNA_OK;
}


int
cigna_dance_closer_next(cigna_dance_closer_t *c, const cigna_event_t *ev,
    cigna_op_t *op)
{
    for ( ; c->at < c->count; c->at++) {
        c->close.vault = c->vault;
        c->close.arena = c->arena;
        c->close.overdue = c->overdue;
        c->close.entry = c->entries[c->at];

        if (cigna_dance_close_next(&c->close, ev, op) == CIGNA_AGAIN) {
            return CIGNA_AGAIN;
        }

        if (c->close.ended && c->closed) {
            c->closed(c->data, &c->close);
        }

        memset(&c->close, 0, sizeof(cigna_dance_close_t));
    }

    return CIGNA_OK;
}
