
#ifndef _NGX_CIGNA_RUN_LEASE_H_INCLUDED_
#define _NGX_CIGNA_RUN_LEASE_H_INCLUDED_


#include "redis/ngx_cigna_redis.h"
#include "flow/cigna_flow.h"


/*
 * Keeps the lease of a grant (lock and mark, see cigna_lease.h) while an
 * exchange is open: a timer runs the Redis script that renews the lease.  After
 * the reply "lost", or after a change of primary, the timer runs the script
 * that takes the lease again, until the reply is "mine".
 */

typedef struct {
    const cigna_op_lease_t  *op;           /* NULL: no lease is kept */
    ngx_cigna_redis_t       *redis;
    ngx_event_t              timer;
    ngx_cigna_redis_cmd_t    cmd;
    const cigna_script_t    *script;       /* the script of cmd */
    unsigned                 retake:1;     /* Redis may have lost the lease */
} ngx_cigna_run_lease_t;


/*
 * Starts the timer, if op->renew is not NULL.  op is borrowed until
 * ngx_cigna_run_lease_done().  The caller has zeroed *lease, or has ended it
 * with that function.
 */
void ngx_cigna_run_lease_start(ngx_cigna_run_lease_t *lease,
    const cigna_op_lease_t *op, ngx_cigna_redis_t *redis, ngx_log_t *log);

/* sets lock and mark again, within a second; does nothing without a lease */
void ngx_cigna_run_lease_retake(ngx_cigna_run_lease_t *lease);

/* stops the timer; lock and mark stay in Redis; may be called twice */
void ngx_cigna_run_lease_done(ngx_cigna_run_lease_t *lease);


#endif /* _NGX_CIGNA_RUN_LEASE_H_INCLUDED_ */
