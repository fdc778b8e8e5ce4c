
/*
 * Closes overdue dances.
 *
 *   start --> look --> close --> done
 *              ^ ^     |  ^ |
 *              | |     |  +-+ one dance at a time
 *              | +-----+ the same shard again, if more dances are overdue
 *              +------- the next shard
 *
 * If Redis fails, the flow is done: the next run finds the same dances.
 */


#include "cigna_dance_upkeep.h"
#include "vault/cigna_scripts.h"


/* after so long, another run may find a dance that this run failed to close */
#define CIGNA_DANCE_UPKEEP_AGAIN_MS  (60 * 1000)


typedef enum {
    cigna_dance_upkeep_st_start = 0,
    cigna_dance_upkeep_st_look,
    cigna_dance_upkeep_st_close
} cigna_dance_upkeep_state_e;


static void cigna_dance_upkeep_look(cigna_dance_upkeep_t *u, cigna_op_t *op);


void
cigna_dance_upkeep_next(void *flow, const cigna_event_t *ev, cigna_op_t *op)
{
    cigna_dance_upkeep_t  *u = flow;
    cigna_dance_closer_t  *c = &u->closer;

    switch ((cigna_dance_upkeep_state_e) u->state) {

    case cigna_dance_upkeep_st_start:

        c->overdue = 1;
        cigna_dance_upkeep_look(u, op);
        return;

    case cigna_dance_upkeep_st_look:

        if (!cigna_script_said(ev, "ok")
            || cigna_dance_closer_list(c, ev, 1) != CIGNA_OK)
        {
            cigna_flow_done(op);
            return;
        }

        u->state = cigna_dance_upkeep_st_close;

        /* fall through */

    case cigna_dance_upkeep_st_close:

        if (cigna_dance_closer_next(c, ev, op) == CIGNA_AGAIN) {
            return;
        }

        break;
    }

    u->shard += c->count < CIGNA_EVICTED_MAX;

    if (u->shard < CIGNA_SHARDS) {
        cigna_dance_upkeep_look(u, op);
        return;
    }

    cigna_flow_done(op);
}


static void
cigna_dance_upkeep_look(cigna_dance_upkeep_t *u, cigna_op_t *op)
{
    cigna_buf_t     b;
    cigna_slice_t   key;
    cigna_arena_t  *a = u->closer.arena;

    cigna_arena_wipe(a);

    cigna_arena_open(a, &b);
    cigna_vault_append_open_key(&b, u->closer.vault, u->shard);
    key = cigna_flow_text(a, &b);

    cigna_script_call(op, cigna_script_dance_due, key,
                      cigna_flow_uint(a, CIGNA_EVICTED_MAX),
                      cigna_flow_uint(a, CIGNA_DANCE_UPKEEP_AGAIN_MS));
    u->state = cigna_dance_upkeep_st_look;
}
