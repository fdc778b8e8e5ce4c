
#ifndef _WORLD_ACTORS_H_INCLUDED_
#define _WORLD_ACTORS_H_INCLUDED_


#include <stddef.h>

#include "dance/cigna_callback.h"
#include "dance/cigna_connect.h"
#include "dance/cigna_dance_upkeep.h"
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


/* an actor: a run of a flow */

typedef struct world_actor_s  world_actor_t;

typedef void (*world_flow_pt)(void *flow, const cigna_event_t *ev,
    cigna_op_t *op);

/* called with each operation that the flow asks for */
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
        cigna_dance_upkeep_t      upkeep;
    } flow;

    world_flow_pt                 next;
    world_watch_pt                watch;   /* may be NULL */
    cigna_verdict_t              *verdict;  /* of a refresh */
    unsigned                      node;    /* to be set after the flow */
    cigna_arena_t                 arena;
    cigna_subject_t               subject;  /* set with the flow */
    uint8_t                       id[CIGNA_DANCE_ID_LEN];  /* of a new dance */
    cigna_op_t                    op;
    int64_t                       asked_ms;  /* time of the operation */
    int64_t                       wake_ms;  /* of a sleep */
    unsigned                      published;  /* at its last script */
    unsigned                      renewals;
    unsigned                      steps;
    unsigned                      reports;
    unsigned                      tokens_sent;  /* codes and refresh tokens */
    unsigned                      turned;  /* a second one may be sent */
    char                          sent[32];  /* the last client secret */
    unsigned                      faults;  /* of any kind */
    unsigned                      redis_faults;
    unsigned                      lost;    /* token requests */
    unsigned                      done:1;
};


/* each sets a flow up, which world_step() starts */

void world_handshake(world_t *w, world_actor_t *a);
void world_discovery(world_t *w, world_actor_t *a);
void world_connect(world_t *w, world_actor_t *a, const char *return_to);
void world_upkeep(world_t *w, world_actor_t *a, cigna_dance_closed_pt closed);
void world_callback(world_t *w, world_actor_t *a, const char *code,
    const char *state, const char *secret);
void world_refresh(world_t *w, world_actor_t *a);
void world_disconnect(world_t *w, world_actor_t *a);

/* for the grant with this id, which has to live as long as the flow */
void world_userinfo(world_t *w, world_actor_t *a, cigna_slice_t id);

/* for entry n of a node's journal, which must be there */
void world_replay(world_t *w, world_actor_t *a, unsigned node, unsigned n);

/* replays all of a node's journal, as after a new connection */
void world_replay_all(world_t *w, unsigned node);

/* frees the arena, and with it the flow's slices */
void world_end(world_actor_t *a);

/* performs the pending operation and asks for the next one */
void world_step(world_t *w, world_actor_t *a, world_fault_e fault);

/* runs a script of the open exchange's lease; 1 if Redis says "mine" */
int world_keep(world_t *w, world_actor_t *a, const cigna_script_t *script);

/* renews the lease of the open exchange, or takes it again */
void world_renew(world_t *w, world_actor_t *a);

/* the time when a sleep ends, which a message may bring forward */
int64_t world_wake_ms(const world_t *w, const world_actor_t *a);

/* runs the flow to its end; sleeps move the clock */
void world_run(world_t *w, world_actor_t *a);

/* the same, and the nth operation (from 1) fails; 1 if there was one */
int world_run_fault(world_t *w, world_actor_t *a, unsigned nth,
    world_fault_e fault);

/* connects the member: connect, login, callback; ends the program on failure */
void world_connected(world_t *w);


#endif /* _WORLD_ACTORS_H_INCLUDED_ */
