
#ifndef _WORLD_ACTORS_H_INCLUDED_
#define _WORLD_ACTORS_H_INCLUDED_


#include <stddef.h>

#include "dance/cigna_callback.h"
#include "dance/cigna_connect.h"
#include "dance/cigna_disconnect.h"
#include "dance/cigna_userinfo.h"
#include "provider/cigna_discovery.h"
#include "refresh/cigna_journal_replay.h"
#include "refresh/cigna_refresh.h"
#include "vault/cigna_redis_handshake.h"

#include "world.h"


/* flows that run in the world, and a driver that fails where it is told to */

#define WORLD_HTTP_MS   185000             /* deadline of an exchange */
#define WORLD_WAIT_MS   15000              /* for another run's exchange */
#define WORLD_HEARD_MS  20                 /* from a message to its listeners */
#define WORLD_STEPS     2000               /* no run takes so many */
#define WORLD_ARENA     CIGNA_FLOW_ARENA


/* a run of a flow */

typedef struct world_actor_s  world_actor_t;

typedef void (*world_flow_pt)(void *flow, const cigna_event_t *ev,
    cigna_op_t *op);

/* may look at every operation just when it is asked for */
typedef void (*world_watch_pt)(world_t *w, world_actor_t *a);


struct world_actor_s {
    union {
        cigna_redis_handshake_t   handshake;
        cigna_discovery_t         discovery;
        cigna_connect_t           connect;
        cigna_callback_t          callback;
        cigna_refresh_t           refresh;
        cigna_disconnect_t        disconnect;
        cigna_journal_replay_t    replay;
        cigna_userinfo_t          userinfo;
    } flow;

    world_flow_pt                 next;
    world_watch_pt                watch;   /* may be NULL */
    cigna_verdict_t              *verdict;  /* of a refresh */
    unsigned                      node;    /* set after the flow is chosen */
    cigna_arena_t                 arena;
    cigna_subject_t               subject;  /* set when the flow is chosen */
    cigna_op_t                    op;
    int64_t                       asked_ms;  /* for the operation */
    int64_t                       wake_ms;  /* of a sleep */
    unsigned                      published;  /* before its last script */
    unsigned                      renewals;
    unsigned                      steps;
    unsigned                      reports;
    unsigned                      tokens_sent;  /* codes and refresh tokens */
    unsigned                      turned;  /* one more may be sent */
    char                          sent[32];  /* client secret with the last */
    unsigned                      faults;  /* of any kind */
    unsigned                      redis_faults;
    unsigned                      lost;    /* token requests */
    unsigned                      done:1;
};


void world_handshake(world_t *w, world_actor_t *a);
void world_discovery(world_t *w, world_actor_t *a);
void world_connect(world_t *w, world_actor_t *a, const char *return_to);
void world_callback(world_t *w, world_actor_t *a, const char *code,
    const char *state, const char *secret);
void world_refresh(world_t *w, world_actor_t *a);
void world_disconnect(world_t *w, world_actor_t *a);

/* of the grant that is there; id: its, which lives as long as the flow */
void world_userinfo(world_t *w, world_actor_t *a, cigna_slice_t id);

/* of entry n of a node's journal, which is there */
void world_replay(world_t *w, world_actor_t *a, unsigned node, unsigned n);

/* what a node does when a connection is made: all of its journal, in order */
void world_replay_all(world_t *w, unsigned node);

/* frees the arena; the flow's slices are gone then */
void world_end(world_actor_t *a);

/* performs the pending operation and asks for the next one */
void world_step(world_t *w, world_actor_t *a, world_fault_e fault);

/* while an exchange runs: one of its scripts; 1 if Redis says "mine" */
int world_keep(world_t *w, world_actor_t *a, const cigna_script_t *script);

/* what a driver does now and then: what is lost is taken again */
void world_renew(world_t *w, world_actor_t *a);

/* when a sleep ends, which may be before its time */
int64_t world_wake_ms(const world_t *w, const world_actor_t *a);

/* to the end, the clock following the sleeps */
void world_run(world_t *w, world_actor_t *a);

/* likewise, with the nth operation (from 1) failing; 1 if there was one */
int world_run_fault(world_t *w, world_actor_t *a, unsigned nth,
    world_fault_e fault);

/* a whole dance: connect, login, callback; ends the program if it fails */
void world_connected(world_t *w);


#endif /* _WORLD_ACTORS_H_INCLUDED_ */
