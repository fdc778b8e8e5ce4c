
#ifndef _NGX_CIGNA_REDIS_CHECK_H_INCLUDED_
#define _NGX_CIGNA_REDIS_CHECK_H_INCLUDED_


#include "ngx_cigna_redis_conn.h"


/*
 * The handshake's check, repeated while a connection is ready: a policy can be
 * changed, a primary demoted, and Redis emptied behind an open connection.  A
 * check that fails sets the connection's "error", which closes it.
 *
 * "No record" is trusted only after a later check confirms that this is still
 * our vault.
 */

typedef struct {
    ngx_cigna_redis_conn_t  *conn;
    ngx_event_t              timer;
    ngx_cigna_redis_cmd_t    cmd;
    ngx_queue_t              unconfirmed;  /* calls that wait for the check that
                                              was sent ... */
    ngx_queue_t              next;         /* ... and for the one after it */
} ngx_cigna_redis_check_t;


void ngx_cigna_redis_check_init(ngx_cigna_redis_check_t *check,
    ngx_cigna_redis_conn_t *conn);

/* the connection is ready: sets the timer of the next check */
void ngx_cigna_redis_check_later(ngx_cigna_redis_check_t *check);

/* 1 if the call is the check itself, to be finished like any other */
#define ngx_cigna_redis_check_is(check, call)  ((call)->cmd == &(check)->cmd)

/*
 * NGX_OK: takes the call and its reply, which says that there is no record, and
 * finishes the call after a check.  NGX_DECLINED: the reply says something
 * else, or this connection has no vault to check.
 */
ngx_int_t ngx_cigna_redis_check_confirm(ngx_cigna_redis_check_t *check,
    ngx_cigna_redis_call_t *call, cigna_reply_t *reply);

/*
 * The connection is closed: moves the calls that wait for a check to the end of
 * the list, as lost.
 */
void ngx_cigna_redis_check_end(ngx_cigna_redis_check_t *check,
    ngx_queue_t *calls);


#endif /* _NGX_CIGNA_REDIS_CHECK_H_INCLUDED_ */
