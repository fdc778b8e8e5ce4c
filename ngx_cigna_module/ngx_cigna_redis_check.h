
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


#endif /* _NGX_CIGNA_REDIS_CHECK_H_INCLUDED_ */
