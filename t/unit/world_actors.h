
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


/*
 * Actors, which run flows, and the driver, which performs their operations and
 * lets an operation fail if a test says so.
 */

#define WORLD_HTTP_MS   185000             /* deadline of an exchange */
#define WORLD_WAIT_MS   15000              /* wait for another run's exchange */
#define WORLD_HEARD_MS  20                 /* time until nodes get a message */
#define WORLD_STEPS     2000               /* no run takes so many steps */
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
    cigna_verdict_t              *verdict;  /* NULL if not a refresh */
    unsigned                      node;    /* 0, unless the test sets it after
                                              the flow's setup */
    cigna_arena_t                 arena;
    cigna_subject_t               subject;  /* set with the flow */
    uint8_t                       id[CIGNA_DANCE_ID_LEN];  /* of a new dance */
    cigna_op_t                    op;
    int64_t                       asked_ms;  /* when "op" was asked for */
    int64_t                       wake_ms;  /* end of a sleep */
    unsigned                      published;  /* number of messages before the
                                                 last script */
    unsigned                      renewals;
    unsigned                      steps;
    unsigned                      reports;
    unsigned                      tokens_sent;  /* requests with a code or a
                                                   refresh token */
    unsigned                      turned;  /* 1: the server refused the client's
                                              first secret, so one more token
                                              request may follow */
    char                          sent[32];  /* the client secret in the last
                                                token request */
    unsigned                      faults;  /* failed operations */
    unsigned                      redis_faults;
    unsigned                      lost;    /* token requests without a reply */
    unsigned                      done:1;
};


/* each sets up a run of a flow, which the first world_step() starts */

void world_handshake(world_t *w, world_actor_t *a);
void world_discovery(world_t *w, world_actor_t *a);
void world_connect(world_t *w, world_actor_t *a, const char *return_to);
void world_upkeep(world_t *w, world_actor_t *a, cigna_dance_closed_pt closed);
void world_callback(world_t *w, world_actor_t *a, const char *code,
    const char *state, const char *secret);
void world_refresh(world_t *w, world_actor_t *a);
void world_disconnect(world_t *w, world_actor_t *a);

/*
 * sets up a run that asks for the identifier of the grant with this id; the
 * bytes of id must live as long as the run
 */
void world_userinfo(world_t *w, world_actor_t *a, cigna_slice_t id);

/* sets up a run that replays entry n of a node's journal, which must exist */
void world_replay(world_t *w, world_actor_t *a, unsigned node, unsigned n);

/*
 * replays all entries of a node's journal, as after a new connection to Redis
 */
void world_replay_all(world_t *w, unsigned node);

/* frees the arena, in which the flow's slices live */
void world_end(world_actor_t *a);

/* performs the pending operation, and asks the flow for the next one */
void world_step(world_t *w, world_actor_t *a, world_fault_e fault);

/*
 * runs grant_renew or grant_retake (cigna_scripts.c) for the actor's open
 * exchange; 1 if the script says "mine"
 */
int world_keep(world_t *w, world_actor_t *a, const cigna_script_t *script);

/*
 * prolongs the lock of the actor's open exchange, or sets lock and mark again
 * if they were lost
 */
void world_renew(world_t *w, world_actor_t *a);

/* the time when the actor's sleep ends, unless a message ends it earlier */
int64_t world_wake_ms(const world_t *w, const world_actor_t *a);

/* runs the flow to its end; sleeps move the clock */
void world_run(world_t *w, world_actor_t *a);

/*
 * Runs the flow to its end.  The nth operation of Redis or HTTP (from 1) fails.
 * Returns 1 if there was an nth operation.
 */
int world_run_fault(world_t *w, world_actor_t *a, unsigned nth,
    world_fault_e fault);

/* takes the member through a whole dance; ends the program if that fails */
void world_connected(world_t *w);


#endif /* _WORLD_ACTORS_H_INCLUDED_ */
