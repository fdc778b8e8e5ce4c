
#ifndef _NGX_CIGNA_REDIS_CONN_H_INCLUDED_
#define _NGX_CIGNA_REDIS_CONN_H_INCLUDED_


#include "ngx_cigna_log.h"
#include "ngx_cigna_redis_queue.h"
#include "cigna_setup.h"


/*
 * One connection of the Redis client, private to ngx_cigna_redis.c: connects
 * to one origin, sets itself up, carries commands, ends.  Whether to try again,
 * and where, is not its business.  See ngx_cigna_redis_conn.c for its states.
 */

#define NGX_CIGNA_REDIS_IN_SIZE  16384


typedef struct ngx_cigna_redis_conn_s  ngx_cigna_redis_conn_t;


/* of a worker, for all of its connections */

typedef struct {
    ngx_cigna_redis_conf_t   *conf;
    ngx_cigna_log_t           log;
    ngx_cigna_redis_slots_t   slots;
    u_char                   *in;          /* read into, and taken from there
                                              before anything else happens */
} ngx_cigna_redis_shared_t;


typedef enum {
    ngx_cigna_redis_closed = 0,
    ngx_cigna_redis_connecting,
    ngx_cigna_redis_setup,
    ngx_cigna_redis_ready
} ngx_cigna_redis_state_e;


struct ngx_cigna_redis_conn_s {
    /* set by the owner, all else zeroed */
    ngx_cigna_redis_shared_t *shared;
    void                     *owner;

    /*
     * up: it is ready.  failed: it never became ready and is closed again;
     * commands still wait, for connect() with another origin or for give_up()
     */
    void                    (*up)(ngx_cigna_redis_conn_t *conn);
    void                    (*failed)(ngx_cigna_redis_conn_t *conn,
                                      const char *error);

    /*
     * Both may be NULL.  closed: it was ready and has ended, called last of
     * all.  push: takes the place of commands: gets each reply, which it
     * borrows, and may do nothing to the connection but say(), or set error
     * to have it closed
     */
    void                    (*closed)(ngx_cigna_redis_conn_t *conn);
    void                    (*push)(ngx_cigna_redis_conn_t *conn,
                                    cigna_reply_t *reply);

    /* of the owner */
    ngx_event_t               retry;
    ngx_uint_t                origin;
    ngx_uint_t                tried;
    ngx_uint_t                failures;

    /* to be looked at */
    ngx_cigna_redis_state_e   state;
    ngx_cigna_redis_queue_t   queue;
    const char               *error;       /* why it must be closed */
    unsigned                  replica:1;   /* it was one, when it ended */

    /* private */
    ngx_cigna_peer_t          peer;
    cigna_reader_t           *reader;
    cigna_setup_t             setup;
    ngx_cigna_redis_out_t     greeting;    /* commands of the set-up */
    ngx_event_t               setup_timer;
    ngx_msec_t                setup_by;
    ngx_event_t               deadline;    /* of the oldest command */
};


/* how long to rest after so many failures in a row, in ms */
ngx_msec_t ngx_cigna_redis_pause(ngx_uint_t failures);

void ngx_cigna_redis_conn_init(ngx_cigna_redis_conn_t *conn);

/* the handlers may be called before it returns; it must be closed */
void ngx_cigna_redis_conn_connect(ngx_cigna_redis_conn_t *conn,
    ngx_cigna_origin_t *origin);

/* it must not be closed; NGX_AGAIN, or NGX_ERROR: no memory; argv is copied */
ngx_int_t ngx_cigna_redis_conn_queue(ngx_cigna_redis_conn_t *conn,
    ngx_cigna_redis_cmd_t *cmd, const cigna_slice_t *argv, ngx_uint_t argc);

/* the same for a command of which nobody waits for the end; it must be ready */
ngx_int_t ngx_cigna_redis_conn_say(ngx_cigna_redis_conn_t *conn,
    const cigna_slice_t *argv, ngx_uint_t argc);

/* the end, for a reason that is logged; not to be called by push */
void ngx_cigna_redis_conn_close(ngx_cigna_redis_conn_t *conn,
    const char *why);

/* ends all commands that wait; their handlers are called */
void ngx_cigna_redis_conn_give_up(ngx_cigna_redis_conn_t *conn);

/* without calling any handler */
void ngx_cigna_redis_conn_destroy(ngx_cigna_redis_conn_t *conn);


#endif /* _NGX_CIGNA_REDIS_CONN_H_INCLUDED_ */
