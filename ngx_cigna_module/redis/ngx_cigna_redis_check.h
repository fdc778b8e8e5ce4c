
#ifndef _NGX_CIGNA_REDIS_CHECK_H_INCLUDED_
#define _NGX_CIGNA_REDIS_CHECK_H_INCLUDED_


#include "ngx_cigna_redis_conn.h"


/*
 * The set-up of a connection, step by step, and later its check alone, again
 * and again, as a command among others.  What a check has found is the
 * connection's "error", which closes it.
 */

/* again: the check alone */
void ngx_cigna_redis_check_init(ngx_cigna_redis_conn_t *conn, unsigned again);

/* what comes next; at the end conn->setup has the result */
void ngx_cigna_redis_check_next(ngx_cigna_redis_conn_t *conn, cigna_ev_e type,
    cigna_reply_t *reply, cigna_op_t *op);

/* the command; argv has room for CIGNA_REDIS_ARGS_MAX */
ngx_uint_t ngx_cigna_redis_check_args(cigna_op_t *op, cigna_slice_t *argv);

/* of conn->check_timer */
void ngx_cigna_redis_check_handler(ngx_event_t *ev);

/* sets it */
void ngx_cigna_redis_check_later(ngx_cigna_redis_conn_t *conn);

/*
 * That nothing is there is believed only once a check that was sent afterwards
 * has been passed: Redis may have been emptied behind an open connection.
 * NGX_OK: both are taken, to be finished later.  NGX_DECLINED: the reply says
 * no such thing, or this connection is not checked.
 */
ngx_int_t ngx_cigna_redis_check_doubt(ngx_cigna_redis_conn_t *conn,
    ngx_cigna_redis_call_t *call, cigna_reply_t *reply);

/* with the connection: those that wait for a check go to "calls", as lost */
void ngx_cigna_redis_check_end(ngx_cigna_redis_conn_t *conn,
    ngx_queue_t *calls);


#endif /* _NGX_CIGNA_REDIS_CHECK_H_INCLUDED_ */
