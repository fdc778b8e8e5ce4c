
#ifndef _NGX_CIGNA_REDIS_LOOKUP_H_INCLUDED_
#define _NGX_CIGNA_REDIS_LOOKUP_H_INCLUDED_


#include "ngx_cigna_redis_client.h"


/*
 * One question to servers that may know the answer, one after the other, until
 * one does.  Each is asked over a connection of its own, which is closed then.
 * The question is put again and again, soon where somebody wants to know.
 */

#define NGX_CIGNA_REDIS_LOOKUP_MAX    32
#define NGX_CIGNA_REDIS_LOOKUP_LEAST  100     /* ms between two questions */


typedef struct ngx_cigna_redis_lookup_s  ngx_cigna_redis_lookup_t;

struct ngx_cigna_redis_lookup_s {
    /* set by the owner, all else zeroed */
    ngx_cigna_redis_t        *redis;
    ngx_cigna_redis_login_t  *login;
    const char               *what;        /* for the log */
    cigna_slice_t             argv[3];
    ngx_uint_t                argc;

    /* fills in whom to ask: origins and n, which is 0 */
    void                    (*whom)(ngx_cigna_redis_lookup_t *ask);

    /* NGX_OK if that is an answer, else the next one is asked */
    ngx_int_t               (*answer)(ngx_cigna_redis_t *redis,
                                      cigna_reply_t *reply,
                                      ngx_cigna_origin_t *origin);

    /* it is over, to be put again; rc: somebody has answered */
    void                    (*over)(ngx_cigna_redis_t *redis, ngx_int_t rc);

    ngx_cigna_origin_t       *origins[NGX_CIGNA_REDIS_LOOKUP_MAX];
    ngx_uint_t                n;

    /* private */
    ngx_cigna_redis_conn_t    conn;
    ngx_cigna_redis_cmd_t     cmd;
    ngx_event_t               again;       /* the next question */
    ngx_event_t               step;        /* posted */
    ngx_msec_t                asked;       /* when */
    ngx_uint_t                failures;
    ngx_uint_t                i;
    ngx_int_t                 rc;
    unsigned                  active:1;
    unsigned                  more:1;      /* ask again, at once */
    unsigned                  failed:1;    /* and this was logged */
};


void ngx_cigna_redis_lookup_init(ngx_cigna_redis_lookup_t *ask);

/* soon, but not all the time; never calls back before it has returned */
void ngx_cigna_redis_lookup_soon(ngx_cigna_redis_lookup_t *ask);

/*
 * over() ends with the one or the other: at once, if somebody wanted to know
 * meanwhile (else 0); or in about idle_ms, in 0: when something is wrong, soon
 * at first.
 */
ngx_uint_t ngx_cigna_redis_lookup_again(ngx_cigna_redis_lookup_t *ask);
void ngx_cigna_redis_lookup_later(ngx_cigna_redis_lookup_t *ask,
    ngx_msec_t idle_ms);

void ngx_cigna_redis_lookup_done(ngx_cigna_redis_lookup_t *ask);


#endif /* _NGX_CIGNA_REDIS_LOOKUP_H_INCLUDED_ */
