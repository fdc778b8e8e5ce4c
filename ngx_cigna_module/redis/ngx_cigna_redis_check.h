
#ifndef _NGX_CIGNA_REDIS_CHECK_H_INCLUDED_
#define _NGX_CIGNA_REDIS_CHECK_H_INCLUDED_


#include "ngx_cigna_redis_conn.h"


/*
 * Repeats the handshake's check while a connection is ready.  Meanwhile the
 * operator may change Redis's eviction policy, a primary may become a replica,
 * or Redis may lose its data.  A failed check sets the connection's "error",
 * which closes the connection.
 *
 * The client passes a reply that means "no record" on to its caller only after
 * a later check did not find that Redis has lost the vault's marker.
 */

typedef struct {
    ngx_cigna_redis_conn_t  *conn;
    ngx_event_t              timer;
    ngx_cigna_redis_cmd_t    cmd;
    ngx_queue_t              unconfirmed;  /* calls that wait for the check in
                                              flight */
    ngx_queue_t              next;         /* calls that wait for the check
                                              after the one in flight */
} ngx_cigna_redis_check_t;


void ngx_cigna_redis_check_init(ngx_cigna_redis_check_t *check,
    ngx_cigna_redis_conn_t *conn);

/* the connection is ready: sets the timer of the next check */
void ngx_cigna_redis_check_later(ngx_cigna_redis_check_t *check);

/* 1 if the call is the check's own, and not a caller's */
#define ngx_cigna_redis_check_is(check, call)  ((call)->cmd == &(check)->cmd)

/*
 * If the reply says that there is no record, takes the call and its reply,
 * returns NGX_OK, and finishes the call after a check.  NGX_DECLINED: the reply
 * says something else, the call was cancelled, or this connection has no vault
 * to check.
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
