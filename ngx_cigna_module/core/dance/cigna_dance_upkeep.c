
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


#include <string.h>

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
static int cigna_dance_upkeep_found(cigna_dance_upkeep_t *u,
    const cigna_event_t *ev);
static int cigna_dance_upkeep_close(cigna_dance_upkeep_t *u,
    const cigna_event_t *ev, cigna_op_t *op);


void
cigna_dance_upkeep_next(void *flow, const cigna_event_t *ev, cigna_op_t *op)
{
    cigna_dance_upkeep_t  *u = flow;

    switch ((cigna_dance_upkeep_state_e) u->state) {

    case cigna_dance_upkeep_st_start:

        cigna_dance_upkeep_look(u, op);
        return;

    case cigna_dance_upkeep_st_look:

        if (cigna_dance_upkeep_found(u, ev) != CIGNA_OK) {
            cigna_flow_done(op);
            return;
        }

        break;

    case cigna_dance_upkeep_st_close:

        if (cigna_dance_close_next(&u->close, ev, op) == CIGNA_AGAIN) {
            return;
        }

        if (u->close.ended) {
            u->closed(u, &u->close);
        }

        u->at++;
        break;
    }

    if (cigna_dance_upkeep_close(u, ev, op) == CIGNA_AGAIN) {
        return;
    }

    u->shard += u->count < CIGNA_EVICTED_MAX;

    if (u->shard < CIGNA_SHARDS) {
        cigna_dance_upkeep_look(u, op);
        return;
    }

    cigna_flow_done(op);
}


static void
cigna_dance_upkeep_look(cigna_dance_upkeep_t *u, cigna_op_t *op)
{
    cigna_buf_t    b;
    cigna_slice_t  key;

    cigna_arena_wipe(u->arena);

    cigna_arena_open(u->arena, &b);
    cigna_vault_append_open_key(&b, u->vault, u->shard);
    key = cigna_flow_text(u->arena, &b);

    cigna_script_call(op, cigna_script_dance_due, key,
                      cigna_flow_uint(u->arena, CIGNA_EVICTED_MAX),
                      cigna_flow_uint(u->arena, CIGNA_DANCE_UPKEEP_AGAIN_MS));
    u->state = cigna_dance_upkeep_st_look;
}


/*
 * copies the entries of overdue dances out of the reply, which belongs to the
 * event
 */

static int
cigna_dance_upkeep_found(cigna_dance_upkeep_t *u, const cigna_event_t *ev)
{
    size_t         i;
    cigna_slice_t  entry;

    if (!cigna_script_said(ev, "ok")) {
        return CIGNA_ERROR;
    }

    u->at = 0;
    u->count = 0;

    for (i = 1; u->count < CIGNA_EVICTED_MAX; i++) {
        entry = cigna_script_slice(ev, i);

        if (entry.len == 0) {
            break;
        }

        if (cigna_arena_copy(u->arena, entry, &u->entries[u->count])
            != CIGNA_OK)
        {
            return CIGNA_ERROR;
        }

        u->count++;
    }

    return CIGNA_OK;
}


/* starts to close the next dance; CIGNA_OK: there is none */

static int
cigna_dance_upkeep_close(cigna_dance_upkeep_t *u, const cigna_event_t *ev,
    cigna_op_t *op)
{
    for ( ; u->at < u->count; u->at++) {

        memset(&u->close, 0, sizeof(cigna_dance_close_t));

        u->close.vault = u->vault;
        u->close.arena = u->arena;
        u->close.entry = u->entries[u->at];
        u->close.overdue = 1;

        if (cigna_dance_close_next(&u->close, ev, op) == CIGNA_AGAIN) {
            u->state = cigna_dance_upkeep_st_close;
            return CIGNA_AGAIN;
        }
    }

    return CIGNA_OK;
}
