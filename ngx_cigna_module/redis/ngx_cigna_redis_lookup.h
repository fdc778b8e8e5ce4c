
#ifndef _NGX_CIGNA_REDIS_LOOKUP_H_INCLUDED_
#define _NGX_CIGNA_REDIS_LOOKUP_H_INCLUDED_


#include "ngx_cigna_redis_client.h"


/*
 * Asks several servers a question, one after the other, until one knows the
 * answer.  Each server gets a new connection, which is closed after the reply.
 * The question is repeated at intervals, and soon if a call waits for the
 * answer.
 */

#define NGX_CIGNA_REDIS_LOOKUP_MAX    32      /* servers to ask, at most */
#define NGX_CIGNA_REDIS_LOOKUP_LEAST  100     /* ms between two questions,
                                                 at least */


struct ngx_cigna_redis_lookup_s {
    /* set by the owner, all else zeroed */
    ngx_cigna_redis_t        *redis;
    ngx_cigna_redis_login_t  *login;
    const char               *what;        /* the answer's name in log lines */
    cigna_slice_t             argv[3];     /* the question */
    ngx_uint_t                argc;

    ngx_msec_t                idle;        /* ms between two questions, if all
                                              is well */

    /* adds the servers to ask to "origins", and sets n to their number */
    void                    (*servers)(ngx_cigna_redis_lookup_t *lookup);

    /* NGX_OK: the reply is an answer; otherwise the next server is asked */
    ngx_int_t               (*answer)(ngx_cigna_redis_t *redis,
                                      cigna_reply_t *reply,
                                      ngx_cigna_origin_t *origin);

    /*
     * Called when a server has answered, or when all have failed, but not if
     * the question is asked again at once.  From now on, calls must not wait
     * for servers that are down.  Returns 1 if no server is down.
     */
    ngx_uint_t              (*settle)(ngx_cigna_redis_t *redis);

    /* results */
    unsigned                  failed:1;    /* no server has answered the last
                                              question, and this was logged */

    /* the servers to ask, in this order */
    ngx_cigna_origin_t       *origins[NGX_CIGNA_REDIS_LOOKUP_MAX];
    ngx_uint_t                n;

    /* private */
    ngx_cigna_redis_conn_t    conn;
    ngx_event_t               again;       /* begins the next question */
    ngx_event_t               step;        /* posted to ask the next server */
    ngx_msec_t                asked;       /* time of the last question */
    ngx_uint_t                failures;    /* in a row, for the back-off */
    ngx_uint_t                i;           /* index of the next server */
    ngx_int_t                 rc;          /* NGX_OK: a server has answered */
    unsigned                  active:1;    /* servers are being asked */
    unsigned                  more:1;      /* after this question, ask all
                                              servers again */
};


/* sets redis->lookup; ngx_cigna_redis_destroy() ends the look-up */
void ngx_cigna_redis_lookup_init(ngx_cigna_redis_lookup_t *lookup);

/*
 * Asks soon, but not more often than every NGX_CIGNA_REDIS_LOOKUP_LEAST ms.
 * The function does not call the owner before it returns.
 */
void ngx_cigna_redis_lookup_soon(ngx_cigna_redis_lookup_t *lookup);

/*
 * for the field "servers": adds the configured servers, beginning with number
 * "first"
 */
void ngx_cigna_redis_lookup_seeds(ngx_cigna_redis_lookup_t *lookup,
    ngx_uint_t first);

void ngx_cigna_redis_lookup_done(ngx_cigna_redis_lookup_t *lookup);


#endif /* _NGX_CIGNA_REDIS_LOOKUP_H_INCLUDED_ */
