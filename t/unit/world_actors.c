
#define _GNU_SOURCE

#include <stdlib.h>
#include <string.h>

#include "world_actors.h"


/* the common part of setting up a run of a flow */

static void
world_start(world_t *w, world_actor_t *a, world_flow_pt next)
{
    world_watch_pt  watch;

    watch = a->watch;
    memset(a, 0, sizeof(world_actor_t));

    a->watch = watch;
    a->next = next;
    a->op.type = cigna_op_sleep;

    cigna_arena_init(&a->arena, malloc(WORLD_ARENA), WORLD_ARENA);

    a->subject = world_subject(w, &a->arena);
}


void
world_end(world_actor_t *a)
{
    free(a->arena.start);
    memset(&a->arena, 0, sizeof(cigna_arena_t));
}


static void
world_next_handshake(void *flow, const cigna_event_t *ev, cigna_op_t *op)
{
    cigna_redis_handshake_next(flow, ev, op);
}


static void
world_next_callback(void *flow, const cigna_event_t *ev, cigna_op_t *op)
{
    cigna_callback_next(flow, ev, op);
}


static void
world_next_refresh(void *flow, const cigna_event_t *ev, cigna_op_t *op)
{
    cigna_refresh_next(flow, ev, op);
}


void
world_handshake(world_t *w, world_actor_t *a)
{
    cigna_redis_handshake_t  *f;

    world_start(w, a, world_next_handshake);

    f = &a->flow.handshake;
    f->password = cigna_slice_str(w->redis.password);
}


void
world_discovery(world_t *w, world_actor_t *a)
{
    cigna_discovery_t  *f;

    world_start(w, a, cigna_discovery_next);

    f = &a->flow.discovery;
    f->provider = &w->provider;
    f->arena = &a->arena;

    cigna_discovery_init(f);
}


void
world_connect(world_t *w, world_actor_t *a, const char *return_to)
{
    uint8_t           random[CIGNA_DANCE_ID_BYTES];
    cigna_buf_t       b;
    cigna_connect_t  *f;

    world_start(w, a, cigna_connect_next);
    world_random(w, random, sizeof(random));

    f = &a->flow.connect;
    f->subject = &a->subject;
    f->return_to = cigna_slice_str(return_to);
    f->request = cigna_slice("request-1");

    cigna_buf_init(&b, a->id, sizeof(a->id));
    cigna_dance_id_append(&b, random);
    f->dance_id = cigna_buf_slice(&b);
}


void
world_upkeep(world_t *w, world_actor_t *a, cigna_dance_closed_pt closed)
{
    cigna_dance_upkeep_t  *f;

    world_start(w, a, cigna_dance_upkeep_next);

    f = &a->flow.upkeep;
    f->closer.vault = &w->vault;
    f->closer.arena = &a->arena;
    f->closer.closed = closed;
    f->closer.data = a;
}


static cigna_slice_t
world_text(world_actor_t *a, const char *text)
{
    cigna_slice_t  s;

    if (cigna_arena_copy(&a->arena, cigna_slice_str(text), &s) != CIGNA_OK) {
        world_fail("no room");
    }

    return s;
}


void
world_callback(world_t *w, world_actor_t *a, const char *code,
    const char *state, const char *secret)
{
    cigna_callback_t  *f;

    world_start(w, a, world_next_callback);

    f = &a->flow.callback;
    f->subject = &a->subject;
    f->code = world_text(a, code);
    f->state_param = world_text(a, state);
    f->secret = world_text(a, secret);
    f->request = cigna_slice("request-2");
    f->reference = cigna_slice("REFERENCE-12");
    f->exchange_ms = WORLD_HTTP_MS;
}


void
world_refresh(world_t *w, world_actor_t *a)
{
    cigna_refresh_t  *f;

    world_start(w, a, world_next_refresh);

    f = &a->flow.refresh;
    f->subject = &a->subject;
    f->exchange_ms = WORLD_HTTP_MS;
    f->wait_ms = WORLD_WAIT_MS;
    a->verdict = &f->verdict;
}


void
world_disconnect(world_t *w, world_actor_t *a)
{
    cigna_disconnect_t  *f;

    world_start(w, a, cigna_disconnect_next);

    f = &a->flow.disconnect;
    f->subject = &a->subject;
}


void
world_userinfo(world_t *w, world_actor_t *a, cigna_slice_t id)
{
    cigna_userinfo_t  *f;

    world_start(w, a, cigna_userinfo_flow);

    f = &a->flow.userinfo;
    f->subject = &a->subject;
    f->id = id;
}


void
world_replay(world_t *w, world_actor_t *a, unsigned node, unsigned n)
{
    cigna_journal_replay_t  *f;
    cigna_journal_t         *entry;

    world_start(w, a, cigna_journal_replay_next);

    f = &a->flow.replay;
    f->subject = a->subject;
    f->confirmed = world_entry(&w->fleet, node, n)->confirmed;
    f->entry = world_entry(&w->fleet, node, n)->entry;

    entry = &f->entry;

    if (cigna_arena_copy(&a->arena, entry->identity, &entry->identity)
        != CIGNA_OK
        || cigna_arena_copy(&a->arena, entry->id, &entry->id) != CIGNA_OK
        || cigna_arena_copy(&a->arena, entry->blob, &entry->blob) != CIGNA_OK)
    {
        world_fail("no room");
    }

    entry->tenant = w->provider.tenant;
    a->node = node;
}


void
world_replay_all(world_t *w, unsigned node)
{
    unsigned       n;
    world_actor_t  a;

    a.watch = NULL;

    for (n = 0; n < WORLD_JOURNAL; n++) {
        if (world_entry(&w->fleet, node, n)) {
            world_replay(w, &a, node, n);
            world_run(w, &a);
            world_end(&a);
        }
    }
}
