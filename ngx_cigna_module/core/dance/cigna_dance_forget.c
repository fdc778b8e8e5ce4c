
/*
 * Takes an ended dance out of the lists of open dances (cigna_dance_entry.h),
 * counts its end, and deletes the records of the oldest ended dances if Redis
 * keeps too many.
 *
 *   start --> forget --> unlink --> over
 *              ^ |        ^  |
 *              | v        +--+ one record at a time
 *             sleep
 *
 * Failures do not matter: a dance that stays in its shard's list is found there
 * later by any node (cigna_dance_upkeep.c), and a record that stays expires.
 */


#include "cigna_dance_forget.h"
#include "cigna_dance_id.h"
#include "vault/cigna_scripts.h"


#define CIGNA_DANCE_FORGET_HOUR_MS  (3600 * 1000)


typedef enum {
    cigna_dance_forget_st_start = 0,
    cigna_dance_forget_st_forget,
    cigna_dance_forget_st_sleep,
    cigna_dance_forget_st_unlink,
    cigna_dance_forget_st_over
} cigna_dance_forget_state_e;


static int cigna_dance_forget_start(cigna_dance_forget_t *f,
    const cigna_event_t *ev, cigna_op_t *op);
static void cigna_dance_forget_heard(cigna_dance_forget_t *f,
    const cigna_event_t *ev);


int
cigna_dance_forget_next(cigna_dance_forget_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    switch ((cigna_dance_forget_state_e) f->state) {

    case cigna_dance_forget_st_start:

        if (cigna_dance_forget_start(f, ev, op) == CIGNA_OK) {
            return CIGNA_AGAIN;
        }

        break;

    case cigna_dance_forget_st_forget:

        if (cigna_script_word(ev).len == 0
            && cigna_retry_redis(&f->retry, op, &f->state,
                                 cigna_dance_forget_st_sleep)
               == CIGNA_AGAIN)
        {
            return CIGNA_AGAIN;
        }

        cigna_dance_forget_heard(f, ev);
        f->state = cigna_dance_forget_st_unlink;

        /* fall through */

    case cigna_dance_forget_st_unlink:

        if (f->leaving) {
            cigna_flow_command(op, cigna_slice("UNLINK"),
                               f->keys[--f->leaving]);
            return CIGNA_AGAIN;
        }

        break;

    case cigna_dance_forget_st_sleep:

        f->state = cigna_retry_again(&f->retry, op);
        return CIGNA_AGAIN;

    case cigna_dance_forget_st_over:
        break;
    }

    f->state = cigna_dance_forget_st_over;

    return CIGNA_OK;
}


static int
cigna_dance_forget_start(cigna_dance_forget_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    cigna_buf_t    b;
    cigna_slice_t  entry, count, ended, counts;

    if (cigna_vault_names_known(&f->names, f->vault, f->entry.identity)
        != CIGNA_OK)
    {
        return CIGNA_ERROR;
    }

    entry = cigna_dance_entry_text(f->arena, &f->entry);

    count = f->outcome;
    ended = cigna_slice_null;

    if (f->outcome.len) {
        count = cigna_flow_words(f->arena, f->entry.tenant, f->outcome);
        ended = cigna_flow_words(f->arena, f->entry.id, f->entry.tenant,
                                 f->outcome, f->started);
    }

    cigna_arena_open(f->arena, &b);
    cigna_buf_append(&b, f->names.counts_key);
    cigna_buf_append_uint(&b, (uint64_t) ev->now_ms
                              / CIGNA_DANCE_FORGET_HOUR_MS);
    counts = cigna_flow_text(f->arena, &b);

    cigna_script_call(op, cigna_script_dance_forget, f->names.dances_key,
                      f->names.open_key, f->names.ended_key, counts, entry,
                      count, ended,
                      cigna_flow_uint(f->arena,
                                      cigna_vault_shard_stories(f->vault)),
                      cigna_flow_uint(f->arena, CIGNA_DANCE_STORY_MS));
    f->state = cigna_retry_init(&f->retry, op, cigna_dance_forget_st_forget);

    return f->arena->overflow ? CIGNA_ERROR : CIGNA_OK;
}


/* notes what the reply says; makes the keys of the old records to delete */

static void
cigna_dance_forget_heard(cigna_dance_forget_t *f, const cigna_event_t *ev)
{
    size_t         i;
    cigna_buf_t    b;
    cigna_slice_t  ended, key;

    if (!cigna_script_said(ev, "ok")) {
        return;
    }

    f->counted = f->outcome.len != 0;
    f->dropped = f->counted && cigna_slice_eq(cigna_script_slice(ev, 1),
                                              cigna_slice("0"));

    for (i = 2; f->leaving < CIGNA_EVICTED_MAX; i++) {
        ended = cigna_script_slice(ev, i);

        if (ended.len == 0) {
            return;
        }

        cigna_arena_open(f->arena, &b);

        if (cigna_dance_id_append_key(&b, f->vault,
                                      cigna_slice_cut(&ended, ' '))
            != CIGNA_OK)
        {
            b.overflow = 1;
        }

        key = cigna_arena_close(f->arena, &b);

        if (key.len) {
            f->keys[f->leaving++] = key;
        }
    }
}
