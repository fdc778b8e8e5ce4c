
#ifndef _NGX_CIGNA_REDIS_CONN_H_INCLUDED_
#define _NGX_CIGNA_REDIS_CONN_H_INCLUDED_


#include "nginx/ngx_cigna_log.h"
#include "ngx_cigna_redis_queue.h"
#include "vault/cigna_redis_handshake.h"


/*
 * One connection of the Redis client, private to it: connects to one origin,
 * sets itself up, carries calls, ends.  Whether to try again, and where, is
 * its owner's business.  See ngx_cigna_redis_conn.c for its states.
 */

#define NGX_CIGNA_REDIS_IN_SIZE  16384


typedef struct ngx_cigna_redis_conn_s  ngx_cigna_redis_conn_t;


/* of a worker, for all of its connections */

typedef struct {
    ngx_cigna_redis_conf_t           *conf;
    ngx_cigna_log_t                   log;
    ngx_cigna_redis_calls_t           calls;
    ngx_str_t                         wait;    /* bytes of "WAIT" */
    u_char                           *in;      /* read into, and taken from
                                                  there before anything else
                                                  happens */
} ngx_cigna_redis_shared_t;


/*
 * What the owner is told.  None of these may close the connection, but set its
 * "error", which closes it.
 */

typedef struct {
    /* it is ready */
    void                            (*up)(ngx_cigna_redis_conn_t *conn);

    /* it never became ready and is closed again; may connect elsewhere */
    void                            (*failed)(ngx_cigna_redis_conn_t *conn,
                                              const char *error);

    /* a reply, which is taken, as is the call; NULL: not in enough replicas */
    void                            (*answered)(ngx_cigna_redis_conn_t *conn,
                                                ngx_cigna_redis_call_t *call,
                                                cigna_reply_t *reply);

    /* it was ready and has ended; the calls, which are taken, were pending */
    void                            (*closed)(ngx_cigna_redis_conn_t *conn,
                                              ngx_queue_t *calls);

    /* in place of "answered": borrows whatever comes */
    void                            (*push)(ngx_cigna_redis_conn_t *conn,
                                            cigna_reply_t *reply);
} ngx_cigna_redis_conn_ops_t;


typedef enum {
    ngx_cigna_redis_closed = 0,
    ngx_cigna_redis_connecting,
    ngx_cigna_redis_setup,
    ngx_cigna_redis_ready
} ngx_cigna_redis_state_e;


struct ngx_cigna_redis_conn_s {
    /* set by the owner, all else zeroed */
    ngx_cigna_redis_shared_t         *shared;
    const ngx_cigna_redis_conn_ops_t *ops;
    void                             *owner;
    ngx_cigna_redis_login_t          *login;
    ngx_uint_t                        db;
    cigna_redis_handshake_check_e     check;   /* also now and then */
    const unsigned                   *slot;    /* whose marker is checked */
    unsigned                          leaving:1;   /* closed when unused */

    /* of the owner */
    ngx_msec_t                        rest_by;
    unsigned                          resting:1;
    unsigned                          durable:1;
    unsigned                          served:1;    /* at least one call */

    /* to be looked at */
    ngx_cigna_redis_state_e           state;
    ngx_cigna_redis_queue_t           queue;
    cigna_redis_handshake_t           setup;   /* how the last check ended */
    const char                       *error;   /* why it must be closed */
    unsigned                          replica:1;   /* it was one, as it ended */
    unsigned                          used:1;      /* since it is ready */

    /* private */
    ngx_cigna_peer_t                  peer;
    cigna_reader_t                   *reader;
    ngx_cigna_redis_out_t             greeting;    /* commands of the set-up */
    ngx_event_t                       setup_timer;
    ngx_msec_t                        setup_by;
    ngx_event_t                       deadline;    /* the first of all calls */
    ngx_event_t                       check_timer;
    ngx_cigna_redis_cmd_t             checking;
    ngx_queue_t                       doubted; /* calls that wait for it */
    ngx_queue_t                       doubts;  /* ... for the next one */
};


/* how long to rest after so many failures in a row, in ms */
ngx_msec_t ngx_cigna_redis_pause(ngx_uint_t failures);

void ngx_cigna_redis_conn_init(ngx_cigna_redis_conn_t *conn);

/* the handlers may be called before it returns; it must be closed */
void ngx_cigna_redis_conn_connect(ngx_cigna_redis_conn_t *conn,
    ngx_cigna_origin_t *origin);

/* it must be ready; NGX_ERROR: no memory, the call stays the caller's */
ngx_int_t ngx_cigna_redis_conn_send_call(ngx_cigna_redis_conn_t *conn,
    ngx_cigna_redis_call_t *call);

/* the same for a command of which nobody waits for the end */
ngx_int_t ngx_cigna_redis_conn_say(ngx_cigna_redis_conn_t *conn,
    const cigna_slice_t *argv, ngx_uint_t argc);

/* the end of one that is not closed, for a reason that is logged */
void ngx_cigna_redis_conn_close(ngx_cigna_redis_conn_t *conn,
    const char *why);

/* if it is ready: closed as soon as it has no calls, which may be at once */
void ngx_cigna_redis_conn_leave(ngx_cigna_redis_conn_t *conn);

/* without calling any handler */
void ngx_cigna_redis_conn_destroy(ngx_cigna_redis_conn_t *conn);


#endif /* _NGX_CIGNA_REDIS_CONN_H_INCLUDED_ */
