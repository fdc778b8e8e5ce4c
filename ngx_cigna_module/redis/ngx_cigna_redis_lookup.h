
#ifndef _NGX_CIGNA_REDIS_LOOKUP_H_INCLUDED_
#define _NGX_CIGNA_REDIS_LOOKUP_H_INCLUDED_


#include "ngx_cigna_redis_client.h"


/*
 * One question to servers that may know the answer, asked one after the other
 * until one knows.  Each is asked over a connection of its own, which is closed
 * then.  The question is asked again and again, soon if a call waits for the
 * answer.
 */

#define NGX_CIGNA_REDIS_LOOKUP_MAX    32      /* servers */
#define NGX_CIGNA_REDIS_LOOKUP_LEAST  100     /* ms between two questions */


typedef struct ngx_cigna_redis_lookup_s  ngx_cigna_redis_lookup_t;

struct ngx_cigna_redis_lookup_s {
    /* set by the owner, all else zeroed */
    ngx_cigna_redis_t        *redis;
    ngx_cigna_redis_login_t  *login;
    const char               *what;        /* for the log */
    cigna_slice_t             argv[3];     /* the question */
    ngx_uint_t                argc;

    /* fills in the servers to ask: origins and n, which is 0 before */
    void                    (*servers)(ngx_cigna_redis_lookup_t *lookup);

    /* NGX_OK: that is an answer; else the next server is asked */
    ngx_int_t               (*answer)(ngx_cigna_redis_t *redis,
                                      cigna_reply_t *reply,
                                      ngx_cigna_origin_t *origin);

    /* the question is over; rc NGX_OK: a server has answered it */
    void                    (*over)(ngx_cigna_redis_t *redis, ngx_int_t rc);

    ngx_cigna_origin_t       *origins[NGX_CIGNA_REDIS_LOOKUP_MAX];
    ngx_uint_t                n;

    /* private */
    ngx_cigna_redis_conn_t    conn;
    ngx_cigna_redis_cmd_t     cmd;
    ngx_event_t               again;       /* begins the next question */
    ngx_event_t               step;        /* posted */
    ngx_msec_t                asked;       /* when */
    ngx_uint_t                failures;
    ngx_uint_t                i;
    ngx_int_t                 rc;
    unsigned                  active:1;
    unsigned                  more:1;      /* ask again, at once */
    unsigned                  failed:1;    /* and this was logged */
};


void ngx_cigna_redis_lookup_init(ngx_cigna_redis_lookup_t *lookup);

/*
 * Asks soon, but not more often than every NGX_CIGNA_REDIS_LOOKUP_LEAST ms;
 * never calls the owner before it has returned.
 */
void ngx_cigna_redis_lookup_soon(ngx_cigna_redis_lookup_t *lookup);

/*
 * over() ends with one of these.  again() asks at once if soon() was called
 * meanwhile, and returns 1; else 0.  later() asks in about idle_ms; with 0 for
 * idle_ms something is wrong, and it asks soon at first.
 */
ngx_uint_t ngx_cigna_redis_lookup_again(ngx_cigna_redis_lookup_t *lookup);
void ngx_cigna_redis_lookup_later(ngx_cigna_redis_lookup_t *lookup,
    ngx_msec_t idle_ms);

void ngx_cigna_redis_lookup_done(ngx_cigna_redis_lookup_t *lookup);


#endif /* _NGX_CIGNA_REDIS_LOOKUP_H_INCLUDED_ */
