
#ifndef _NGX_CIGNA_REDIS_CONN_H_INCLUDED_
#define _NGX_CIGNA_REDIS_CONN_H_INCLUDED_


#include "net/ngx_cigna_peer.h"
#include "nginx/ngx_cigna_log.h"
#include "ngx_cigna_redis_handshake.h"
#include "ngx_cigna_redis_queue.h"


/*
 * One connection of the Redis client.  It connects to one origin, does the
 * handshake and carries calls.  When the connection ends, its owner decides
 * whether and where to connect again.  See ngx_cigna_redis_conn.c for the
 * states.
 */

#define NGX_CIGNA_REDIS_IN_SIZE  16384


typedef struct ngx_cigna_redis_conn_s  ngx_cigna_redis_conn_t;


/* shared by all connections of a worker */

typedef struct {
    ngx_cigna_redis_conf_t           *conf;
    ngx_cigna_log_t                   log;
    ngx_cigna_redis_calls_t           calls;
    ngx_str_t                         wait;    /* bytes of the command "WAIT" */
    u_char                           *in;      /* receive buffer; a connection
                                                  empties it at once */
} ngx_cigna_redis_shared_t;


/*
 * Functions of the owner, called by the connection.  They must not close the
 * connection.  To end the connection they set conn->error.
 */

typedef struct {
    /* the handshake is over: calls may be sent */
    void                            (*up)(ngx_cigna_redis_conn_t *conn);

    /* the connection ended before it was ready; the owner may connect again */
    void                            (*failed)(ngx_cigna_redis_conn_t *conn,
                                              const char *error);

    /*
     * The owner takes over the call and its reply.  The reply is NULL if too
     * few replicas have the write.
     */
    void                            (*answered)(ngx_cigna_redis_conn_t *conn,
                                                ngx_cigna_redis_call_t *call,
                                                cigna_reply_t *reply);

    /* the ready connection has ended; the owner takes the unanswered calls */
    void                            (*closed)(ngx_cigna_redis_conn_t *conn,
                                              ngx_queue_t *calls);

    /* a subscriber's function in place of "answered"; borrows the reply */
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
    /* set by init(), apart from handshake.db and handshake.slot */
    ngx_cigna_redis_shared_t         *shared;
    const ngx_cigna_redis_conn_ops_t *ops;
    void                             *owner;
    ngx_cigna_redis_handshake_t       handshake;
    unsigned                          leaving:1;   /* close the connection once
                                                      it has no calls; the owner
                                                      may clear this */

    /* results */
    ngx_cigna_redis_conn_e            state;
    ngx_cigna_redis_queue_t           queue;
    const char                       *error;   /* why the connection must be
                                                  closed; NULL: it may stay.
                                                  The owner may set the field,
                                                  too */
    unsigned                          replica:1;   /* the server is not a
                                                      primary any more */
    unsigned                          used:1;      /* the connection has had a
                                                      call */

    /* private */
    ngx_cigna_peer_t                  peer;
    cigna_reader_t                   *reader;
    ngx_event_t                       handshake_timer;
    ngx_event_t                       deadline;    /* timer for the call that
                                                      is due first */
};


/* ms to wait after this number of failures in a row, with jitter */
ngx_msec_t ngx_cigna_redis_backoff(ngx_uint_t failures);

/*
 * Makes conn ready for ngx_cigna_redis_conn_connect().  The owner has zeroed
 * conn, apart from handshake.db and handshake.slot.  Borrows login.
 */
void ngx_cigna_redis_conn_init(ngx_cigna_redis_conn_t *conn,
    ngx_cigna_redis_shared_t *shared, const ngx_cigna_redis_conn_ops_t *ops,
    void *owner, ngx_cigna_redis_login_t *login,
    cigna_redis_handshake_check_e check);

/* connects a closed connection; may call the owner before it returns */
void ngx_cigna_redis_conn_connect(ngx_cigna_redis_conn_t *conn,
    ngx_cigna_origin_t *origin);

/*
 * Sends a call over a ready connection, and takes over the call.  NGX_ERROR: no
 * memory, and the call stays the caller's.
 */
ngx_int_t ngx_cigna_redis_conn_send_call(ngx_cigna_redis_conn_t *conn,
    ngx_cigna_redis_call_t *call);

/*
 * Makes a call from a command, which may be NULL, and sends the call over a
 * ready connection.  NGX_ERROR: no memory, and the handler is not called.
 */
ngx_int_t ngx_cigna_redis_conn_start(ngx_cigna_redis_conn_t *conn,
    ngx_cigna_redis_cmd_t *cmd, const cigna_slice_t *argv, ngx_uint_t argc,
    ngx_msec_t timeout);

/*
 * Sends a command whose reply goes to the handshake or to "push".  NGX_ERROR:
 * no memory.
 */
ngx_int_t ngx_cigna_redis_conn_say(ngx_cigna_redis_conn_t *conn,
    const cigna_slice_t *argv, ngx_uint_t argc);

/* closes a connection that is not closed yet; why: the reason, for the log */
void ngx_cigna_redis_conn_close(ngx_cigna_redis_conn_t *conn,
    const char *why);

/* closes a ready connection once it has no calls: perhaps at once */
void ngx_cigna_redis_conn_leave(ngx_cigna_redis_conn_t *conn);

/* closes the connection without calling the owner or a handler */
void ngx_cigna_redis_conn_destroy(ngx_cigna_redis_conn_t *conn);


#endif /* _NGX_CIGNA_REDIS_CONN_H_INCLUDED_ */
