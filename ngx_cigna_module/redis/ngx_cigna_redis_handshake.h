
#ifndef _NGX_CIGNA_REDIS_HANDSHAKE_H_INCLUDED_
#define _NGX_CIGNA_REDIS_HANDSHAKE_H_INCLUDED_


#include "ngx_cigna_redis_conf.h"
#include "vault/cigna_redis_handshake.h"


/*
 * The commands that make a new connection ready, see cigna_redis_handshake.h.
 * The last part of the handshake is a check, which is repeated later.
 */

typedef struct {
    /* set by the owner */
    ngx_cigna_redis_conf_t         *conf;
    ngx_cigna_redis_login_t        *login;
    ngx_uint_t                      db;
    cigna_redis_handshake_check_e   check;
    const unsigned                 *slot;  /* the slot whose marker the check
                                              reads; NULL: none */

    /* the result of the last handshake or check: rc, error, age_ms, primary */
    cigna_redis_handshake_t         core;
} ngx_cigna_redis_handshake_t;


/*
 * Begins a handshake or, if check_only is 1, the check of a ready connection.
 * Writes the first command to argv, and returns its number of arguments.  argv
 * has room for CIGNA_REDIS_ARGS_MAX arguments, and borrows their bytes.  0:
 * there is no command, and core has the result.
 */
ngx_uint_t ngx_cigna_redis_handshake_start(ngx_cigna_redis_handshake_t *h,
    unsigned check_only, cigna_slice_t *argv);

/*
 * Goes on after a command: writes the next command to argv, and returns what
 * ngx_cigna_redis_handshake_start() returns.  type is the last command's
 * outcome.  Borrows that command's reply, which may be NULL.
 */
ngx_uint_t ngx_cigna_redis_handshake_next(ngx_cigna_redis_handshake_t *h,
    cigna_ev_e type, const cigna_reply_t *reply, cigna_slice_t *argv);


#endif /* _NGX_CIGNA_REDIS_HANDSHAKE_H_INCLUDED_ */
