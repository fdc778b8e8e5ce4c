
#ifndef _NGX_CIGNA_REDIS_HANDSHAKE_H_INCLUDED_
#define _NGX_CIGNA_REDIS_HANDSHAKE_H_INCLUDED_


#include "ngx_cigna_redis_conf.h"
#include "vault/cigna_redis_handshake.h"


/*
 * The commands that make a new connection ready (see cigna_redis_handshake.h),
 * and, later, those of its check alone.
 */

typedef struct {
    /* set by the owner */
    ngx_cigna_redis_conf_t         *conf;
    ngx_cigna_redis_login_t        *login;
    ngx_uint_t                      db;
    cigna_redis_handshake_check_e   check;
    const unsigned                 *slot;  /* whose marker is checked; NULL: of
                                              no slot */

    /* how the last handshake or check ended: rc, error, age_ms, primary */
    cigna_redis_handshake_t         core;
} ngx_cigna_redis_handshake_t;


/*
 * Begins a handshake, or with check_only the check of a connection that is
 * ready.  Both functions return the number of arguments of the next command,
 * which argv borrows; argv has room for CIGNA_REDIS_ARGS_MAX.  0: it is over,
 * and core has the result.
 */
ngx_uint_t ngx_cigna_redis_handshake_start(ngx_cigna_redis_handshake_t *h,
    unsigned check_only, cigna_slice_t *argv);

/* type: how the last command ended; borrows the reply, which may be NULL */
ngx_uint_t ngx_cigna_redis_handshake_next(ngx_cigna_redis_handshake_t *h,
    cigna_ev_e type, const cigna_reply_t *reply, cigna_slice_t *argv);


#endif /* _NGX_CIGNA_REDIS_HANDSHAKE_H_INCLUDED_ */
