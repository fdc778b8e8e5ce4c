
#ifndef _NGX_CIGNA_REDIS_HANDSHAKE_H_INCLUDED_
#define _NGX_CIGNA_REDIS_HANDSHAKE_H_INCLUDED_


#include "ngx_cigna_redis_conf.h"
#include "vault/cigna_redis_handshake.h"


/*
 * The commands that make a new connection ready, see cigna_redis_handshake.h.
 * The check is the last part of the handshake, and is repeated later.
 */

typedef struct {
    /* set by the owner */
    ngx_cigna_redis_conf_t         *conf;
    ngx_cigna_redis_login_t        *login;
    ngx_uint_t                      db;
    cigna_redis_handshake_check_e   check;
    const unsigned                 *slot;  /* the check reads the marker of this
                                              slot; NULL: without a slot */

    /* how the last handshake or check ended: rc, error, age_ms, primary */
    cigna_redis_handshake_t         core;
} ngx_cigna_redis_handshake_t;


/*
 * Begins a handshake.  check_only: begins the check of a connection that is
 * ready.  Both functions fill argv, which has room for CIGNA_REDIS_ARGS_MAX
 * arguments and borrows their bytes, with the next command.  They return its
 * number of arguments.  0: there is no next command, and core has the result.
 */
ngx_uint_t ngx_cigna_redis_handshake_start(ngx_cigna_redis_handshake_t *h,
    unsigned check_only, cigna_slice_t *argv);

/* type: the last command's outcome; borrows the reply, which may be NULL */
ngx_uint_t ngx_cigna_redis_handshake_next(ngx_cigna_redis_handshake_t *h,
    cigna_ev_e type, const cigna_reply_t *reply, cigna_slice_t *argv);


#endif /* _NGX_CIGNA_REDIS_HANDSHAKE_H_INCLUDED_ */
