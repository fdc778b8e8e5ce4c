
#ifndef _NGX_CIGNA_REDIS_CONN_H_INCLUDED_
#define _NGX_CIGNA_REDIS_CONN_H_INCLUDED_


#include "net/ngx_cigna_peer.h"
#include "nginx/ngx_cigna_log.h"
#include "ngx_cigna_redis_handshake.h"
#include "ngx_cigna_redis_queue.h"


/*
 * One connection of the Redis client: connects to one origin, does the
 * handshake, carries calls, ends.  Its owner decides whether and where to
 * connect again.  See ngx_cigna_redis_conn.c for its states.
 */

#define NGX_CIGNA_REDIS_IN_SIZE  16384


typedef struct ngx_cigna_redis_conn_s  ngx_cigna_redis_conn_t;


/* what all connections of a worker share */

typedef struct {
    ngx_cigna_redis_conf_t           *conf;
    ngx_cigna_log_t                   log;
    ngx_cigna_redis_calls_t           calls;
    ngx_str_t                         wait;    /* bytes of "WAIT" */
    u_char                           *in;      /* receive buffer; emptied before
                                                  anything else happens */
} ngx_cigna_redis_shared_t;


/*
 * Calls to the owner.  None of them may close the connection; to have it
 * closed, they set its "error".
 */

typedef struct {
    /* the handshake is over, calls may be sent */
    void                            (*up)(ngx_cigna_redis_conn_t *conn);

    /* it never became ready and is closed; the owner may connect elsewhere */
    void                            (*failed)(ngx_cigna_redis_conn_t *conn,
                                              const char *error);

    /* takes the call and its reply; NULL: too few replicas have the write */
    void                            (*answered)(ngx_cigna_redis_conn_t *conn,
                                                ngx_cigna_redis_call_t *call,
                                                cigna_reply_t *reply);

    /* it was ready and is closed; takes the calls that had no reply */
    void                            (*closed)(ngx_cigna_redis_conn_t *conn,
                                              ngx_queue_t *calls);

    /* instead of "answered", for a subscriber: borrows each reply */
    void                            (*push)(ngx_cigna_redis_conn_t *conn,
                                            cigna_reply_t *reply);
} ngx_cigna_redis_conn_ops_t;


typedef enum {
    ngx_cigna_redis_conn_closed = 0,
    ngx_cigna_redis_conn_connecting,
    ngx_cigna_redis_conn_handshake,
    ngx_cigna_redis_conn_ready
} ngx_cigna_redis_conn_e;


struct ngx_cigna_redis_conn_s {
    /* set by the owner, all else zeroed; of handshake what it asks for */
    ngx_cigna_redis_shared_t         *shared;
    const ngx_cigna_redis_conn_ops_t *ops;
    void                             *owner;
    ngx_cigna_redis_handshake_t       handshake;
    unsigned                          leaving:1;   /* closed when unused */

    /* results */
    ngx_cigna_redis_conn_e            state;
    ngx_cigna_redis_queue_t           queue;
    const char                       *error;   /* why it must be closed */
    unsigned                          replica:1;   /* not a primary any more */
    unsigned                          used:1;      /* since it is ready */

    /* private */
    ngx_cigna_peer_t                  peer;
    cigna_reader_t                   *reader;
    ngx_cigna_redis_out_t             greeting;    /* of the handshake */
    ngx_event_t                       handshake_timer;
    ngx_msec_t                        handshake_deadline;
    ngx_event_t                       deadline;    /* the first of all calls */
};


/* how long to rest after so many failures in a row: ms, with jitter */
ngx_msec_t ngx_cigna_redis_backoff(ngx_uint_t failures);

/* login, and what the handshake checks; the owner has zeroed conn */
void ngx_cigna_redis_conn_init(ngx_cigna_redis_conn_t *conn,
    ngx_cigna_redis_shared_t *shared, const ngx_cigna_redis_conn_ops_t *ops,
    void *owner, ngx_cigna_redis_login_t *login,
    cigna_redis_handshake_check_e check);

/* it must be closed; may call the owner before it returns */
void ngx_cigna_redis_conn_connect(ngx_cigna_redis_conn_t *conn,
    ngx_cigna_origin_t *origin);

/* it must be ready; NGX_ERROR: no memory, the call stays the caller's */
ngx_int_t ngx_cigna_redis_conn_send_call(ngx_cigna_redis_conn_t *conn,
    ngx_cigna_redis_call_t *call);

/*
 * Makes a call of a command, and sends it as above.  NGX_ERROR: no memory, the
 * handler is not called.
 */
ngx_int_t ngx_cigna_redis_conn_start(ngx_cigna_redis_conn_t *conn,
    ngx_cigna_redis_cmd_t *cmd, const cigna_slice_t *argv, ngx_uint_t argc,
    ngx_msec_t timeout);

/* sends a command without waiting for its end */
ngx_int_t ngx_cigna_redis_conn_say(ngx_cigna_redis_conn_t *conn,
    const cigna_slice_t *argv, ngx_uint_t argc);

/* closes a connection that is not closed yet, and logs why */
void ngx_cigna_redis_conn_close(ngx_cigna_redis_conn_t *conn,
    const char *why);

/* closes one that is ready as soon as it has no calls, perhaps at once */
void ngx_cigna_redis_conn_leave(ngx_cigna_redis_conn_t *conn);

/* closes it without calling the owner or any handler */
void ngx_cigna_redis_conn_destroy(ngx_cigna_redis_conn_t *conn);


#endif /* _NGX_CIGNA_REDIS_CONN_H_INCLUDED_ */
