
#ifndef _NGX_CIGNA_REDIS_CONN_H_INCLUDED_
#define _NGX_CIGNA_REDIS_CONN_H_INCLUDED_


#include "ngx_cigna_log.h"
#include "ngx_cigna_redis.h"
#include "cigna_setup.h"


/*
 * One connection of the Redis client, private to ngx_cigna_redis*.c.  See
 * ngx_cigna_redis_conn.c for its states.
 */

#define NGX_CIGNA_REDIS_WAITING_MAX  4096  /* commands, until connected */
#define NGX_CIGNA_REDIS_PENDING_MAX  65536
#define NGX_CIGNA_REDIS_IN_SIZE      16384


typedef struct ngx_cigna_redis_conn_s  ngx_cigna_redis_conn_t;


/* a command's place in the order of replies; it outlives a cancelled one */

typedef struct {
    ngx_queue_t               queue;
    ngx_cigna_redis_cmd_t    *cmd;         /* NULL: cancelled */
    ngx_msec_t                deadline;
    uint64_t                  end;         /* of its bytes in the stream */
} ngx_cigna_redis_slot_t;


typedef struct {
    u_char                   *start;
    u_char                   *pos;         /* sent up to here */
    u_char                   *last;
    u_char                   *end;
} ngx_cigna_redis_out_t;


typedef enum {
    ngx_cigna_redis_closed = 0,
    ngx_cigna_redis_connecting,
    ngx_cigna_redis_setup,
    ngx_cigna_redis_ready,
    ngx_cigna_redis_backoff
} ngx_cigna_redis_state_e;


struct ngx_cigna_redis_conn_s {
    ngx_cigna_redis_t        *redis;
    ngx_cigna_redis_state_e   state;

    ngx_cigna_peer_t          peer;
    cigna_reader_t           *reader;
    cigna_setup_t             setup;

    ngx_event_t               deadline;    /* of the oldest command */
    ngx_event_t               wait;        /* end of set-up, of back-off */
    ngx_msec_t                connect_by;

    ngx_uint_t                origin;      /* of the conf's origins */
    ngx_uint_t                failures;    /* in a row */
    ngx_uint_t                tried;       /* origins, in this round */

    ngx_queue_t               slots;       /* oldest first */
    ngx_uint_t                nslots;

    ngx_cigna_redis_out_t     greeting;    /* commands of the set-up */
    ngx_cigna_redis_out_t     out;
    uint64_t                  queued;      /* stream offset of out.last */
    uint64_t                  offered;     /* what may have left, up to here */
};


struct ngx_cigna_redis_s {
    ngx_cigna_redis_conf_t   *conf;
    ngx_pool_t               *pool;
    ngx_cigna_log_t           log;

    ngx_cigna_redis_conn_t   *conns;
    ngx_uint_t                nconns;
    ngx_uint_t                origin;      /* which seed is used */

    ngx_queue_t               free_slots;
    u_char                   *in;          /* one for all, see read handler */

    unsigned                  down:1;      /* has been logged */
};


void ngx_cigna_redis_conn_init(ngx_cigna_redis_conn_t *conn,
    ngx_cigna_redis_t *redis);

/* commands given to it now would not fail at once */
ngx_uint_t ngx_cigna_redis_conn_usable(ngx_cigna_redis_conn_t *conn);

/* NGX_AGAIN, or NGX_ERROR; argv is copied */
ngx_int_t ngx_cigna_redis_conn_queue(ngx_cigna_redis_conn_t *conn,
    ngx_cigna_redis_cmd_t *cmd, const cigna_slice_t *argv, ngx_uint_t argc);

/* without calling any handler */
void ngx_cigna_redis_conn_destroy(ngx_cigna_redis_conn_t *conn);


/*
 * In ngx_cigna_redis_out.c: what is queued, as slots and as bytes.
 */

ngx_cigna_redis_slot_t *ngx_cigna_redis_get_slot(ngx_cigna_redis_t *redis);

/* the slot of bytes that are in conn->out already; arms the deadline */
void ngx_cigna_redis_push_slot(ngx_cigna_redis_conn_t *conn,
    ngx_cigna_redis_slot_t *slot, ngx_cigna_redis_cmd_t *cmd);

/* takes the oldest slot away; NULL if its command has been cancelled */
ngx_cigna_redis_cmd_t *ngx_cigna_redis_pop_slot(ngx_cigna_redis_conn_t *conn);

void ngx_cigna_redis_free_slot(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_slot_t *slot);

/* stream offset of out.pos */
#define ngx_cigna_redis_gone(conn)                                            \
    ((conn)->queued - ((conn)->out.last - (conn)->out.pos))

/* appends nothing on NGX_ERROR: no memory, or bad arguments */
ngx_int_t ngx_cigna_redis_append(ngx_cigna_redis_out_t *out,
    const cigna_slice_t *argv, ngx_uint_t argc);

/* all has been sent: wipes, and keeps the memory if it is not much */
void ngx_cigna_redis_rewind(ngx_cigna_redis_out_t *out);

void ngx_cigna_redis_free(ngx_cigna_redis_out_t *out);


#endif /* _NGX_CIGNA_REDIS_CONN_H_INCLUDED_ */
