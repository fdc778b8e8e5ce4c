
#ifndef _NGX_CIGNA_REDIS_ASK_H_INCLUDED_
#define _NGX_CIGNA_REDIS_ASK_H_INCLUDED_


#include "ngx_cigna_redis_client.h"


/*
 * One question to servers that may know the answer, one after the other, until
 * one does.  Each is asked over a connection of its own, which is closed then.
 */

#define NGX_CIGNA_REDIS_ASK_MAX  32


typedef struct {
    /* set by the owner, all else zeroed */
    ngx_cigna_redis_t        *redis;
    ngx_cigna_redis_login_t  *login;
    const char               *what;        /* for the log */
    cigna_slice_t             argv[3];
    ngx_uint_t                argc;

    /* NGX_OK if that is an answer, else the next one is asked */
    ngx_int_t               (*answer)(ngx_cigna_redis_t *redis,
                                      cigna_reply_t *reply,
                                      ngx_cigna_origin_t *origin);

    /* it is over; rc: somebody has answered */
    void                    (*over)(ngx_cigna_redis_t *redis, ngx_int_t rc);

    /* whom to ask, before each start */
    ngx_cigna_origin_t       *origins[NGX_CIGNA_REDIS_ASK_MAX];
    ngx_uint_t                n;

    /* private */
    ngx_cigna_redis_conn_t    conn;
    ngx_cigna_redis_cmd_t     cmd;
    ngx_event_t               step;        /* posted */
    ngx_uint_t                i;
    ngx_int_t                 rc;
    unsigned                  active:1;
    unsigned                  failed:1;    /* and this was logged */
} ngx_cigna_redis_ask_t;


void ngx_cigna_redis_ask_init(ngx_cigna_redis_ask_t *ask);

/* nothing if it is active; never calls back before it has returned */
void ngx_cigna_redis_ask_start(ngx_cigna_redis_ask_t *ask);

void ngx_cigna_redis_ask_done(ngx_cigna_redis_ask_t *ask);


#endif /* _NGX_CIGNA_REDIS_ASK_H_INCLUDED_ */
