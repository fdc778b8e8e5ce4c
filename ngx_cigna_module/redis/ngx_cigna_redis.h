
#ifndef _NGX_CIGNA_REDIS_H_INCLUDED_
#define _NGX_CIGNA_REDIS_H_INCLUDED_


#include "net/ngx_cigna_peer.h"
#include "flow/cigna_flow.h"
#include "vault/cigna_vault_names.h"


/*
 * The Redis client of one worker: pipelined commands over one connection (or
 * a few) to each server that has to be asked, each with a deadline; connects
 * on demand, sets the connection up (see cigna_redis_handshake.h), reconnects with
 * back-off and jitter, and fails fast while Redis is down.  Finds the primary
 * by asking Sentinels, or the servers of a cluster by asking these.  Knows
 * nothing of grants.
 */

typedef enum {
    ngx_cigna_redis_alone = 0,             /* the seeds are all there is */
    ngx_cigna_redis_watched,               /* the seeds are Sentinels */
    ngx_cigna_redis_clustered
} ngx_cigna_redis_mode_e;


typedef struct {
    ngx_str_t                username;     /* empty: none */
    ngx_str_t                password;     /* empty: none */
} ngx_cigna_redis_login_t;


typedef struct {
    ngx_cigna_redis_mode_e   mode;

    ngx_cigna_origin_t      *origins;      /* seeds */
    ngx_uint_t               norigins;
    ngx_str_t                tls_name;     /* of all servers; empty: each has
                                              its own */
    ngx_cigna_redis_login_t  login;
    ngx_cigna_redis_login_t  sentinel_login;
    ngx_str_t                sentinel_master;

    ngx_uint_t               db;
    ngx_uint_t               connections;  /* per worker and server */
    ngx_msec_t               connect_timeout; /* resolve, TLS, set-up, too */
    ngx_msec_t               timeout;      /* of one command */

    ngx_uint_t               wait_replicas;   /* 0: durable commands are like
                                                 any other */
    ngx_msec_t               wait_timeout;

    const cigna_vault_t     *vault;        /* whose marker must be there */
} ngx_cigna_redis_conf_t;


typedef struct ngx_cigna_redis_s             ngx_cigna_redis_t;
typedef struct ngx_cigna_redis_cmd_s         ngx_cigna_redis_cmd_t;
typedef struct ngx_cigna_redis_subscriber_s  ngx_cigna_redis_subscriber_t;

typedef void (*ngx_cigna_redis_pt)(ngx_cigna_redis_cmd_t *cmd);
typedef void (*ngx_cigna_redis_connected_pt)(void *data,
    int64_t primary_age_ms, uint64_t primary, ngx_uint_t durable);
typedef void (*ngx_cigna_redis_up_pt)(void *data);
typedef void (*ngx_cigna_redis_message_pt)(void *data, cigna_slice_t message);


/*
 * One command; memory of the caller, which must stay until the handler was
 * called or cancel() has returned.
 */

struct ngx_cigna_redis_cmd_s {
    /* set by the caller, all else zeroed */
    ngx_cigna_redis_pt   handler;
    void                *data;
    unsigned             durable:1;        /* "ok" only once as many replicas
                                              have it as are configured, else
                                              "lost" */

    /* results, valid in the handler; the reply is owned by the command and
       freed by done() */
    cigna_ev_e           outcome;          /* ok, unsent, lost */
    cigna_reply_t       *reply;

    /* private */
    void                *call;
    unsigned             eval:1;           /* see ngx_cigna_redis_script.h */
};

/* between a start that returned NGX_AGAIN and handler or cancel() */
#define ngx_cigna_redis_in_flight(cmd)  ((cmd)->call != NULL)


/*
 * One a worker, in init_process.  conf is borrowed and lives as long as the
 * cycle.  NULL if there is no memory.  Does not connect yet.
 */
ngx_cigna_redis_t *ngx_cigna_redis_create(ngx_cycle_t *cycle,
    ngx_cigna_redis_conf_t *conf);

/*
 * The handler is called whenever a connection for commands has been made, with
 * the time that its server has been the primary for; commands may be started
 * in it.  What was written to another primary before may be lost.  That time
 * is never below 0, and "for ever" (INT64_MAX) where it cannot be known.  In a
 * cluster it may be too short, after slots have moved; "primary" is the same as
 * long as the server is one, and 0 if not known.  "durable": the connection is
 * for durable commands, which make it as they come: one for all others will
 * follow.
 */
void ngx_cigna_redis_on_connected(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_connected_pt handler, void *data);

/*
 * Queues one command, to be sent with all others of this turn of the event
 * loop; argv is copied.  NGX_AGAIN: handler will be called once, later.
 * NGX_ERROR: outcome is "unsent" and handler is not called (down, or too many
 * commands waiting).  Commands of one worker may overtake each other if there
 * are several connections.  done() first if cmd has been used before.
 */
ngx_int_t ngx_cigna_redis_start(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_cmd_t *cmd, const cigna_slice_t *argv, ngx_uint_t argc);

/* the reply, when it comes, is thrown away; handler is not called */
void ngx_cigna_redis_cancel(ngx_cigna_redis_cmd_t *cmd);

/* cancels if pending, frees the reply; idempotent */
void ngx_cigna_redis_done(ngx_cigna_redis_cmd_t *cmd);

/*
 * Listens to a channel, over a connection of its own, until the client is
 * destroyed; made again whenever it ends, or is silent for ten seconds.  "up"
 * is called each time when it has subscribed: what was published before may
 * have been missed.  "handler" gets each message, borrowed.  Nothing is called
 * before this function has returned, and no timer keeps an exiting worker.
 * The name of the channel is copied.  NULL if there is no memory.
 */
ngx_cigna_redis_subscriber_t *ngx_cigna_redis_subscribe(
    ngx_cigna_redis_t *redis, ngx_str_t *channel, ngx_cigna_redis_up_pt up,
    ngx_cigna_redis_message_pt handler, void *data);

/* closes the connections, in exit_process; pending handlers are not called */
void ngx_cigna_redis_destroy(ngx_cigna_redis_t *redis);


#endif /* _NGX_CIGNA_REDIS_H_INCLUDED_ */
