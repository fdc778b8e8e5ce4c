
#ifndef _CIGNA_FLOW_H_INCLUDED_
#define _CIGNA_FLOW_H_INCLUDED_


#include "cigna_arena.h"
#include "cigna_oauth.h"
#include "cigna_redis.h"


/*
 * The vocabulary of flows.  A flow makes no calls: it is told how the last
 * operation ended (an event) and says what is to be done next (an operation),
 *
 *     void cigna_<flow>_next(flow, const cigna_event_t *ev, cigna_op_t *op);
 *
 * until it says "done".  All bytes of an operation are borrowed from the
 * flow's arena and live until the flow is over; all bytes of an event are
 * borrowed for the duration of the call.
 */


typedef enum {
    cigna_op_redis = 0,                    /* one command: argv, argc */
    cigna_op_script,                       /* one script: script, argv, argc */
    cigna_op_http,                         /* one exchange: http */
    cigna_op_sleep,                        /* call again after ms */
    cigna_op_report,                       /* the result for those who wait is
                                              there; the flow itself goes on,
                                              call again at once */
    cigna_op_done                          /* finished; never called again */
} cigna_op_e;


typedef enum {
    cigna_ev_start = 0,
    cigna_ev_ok,                           /* a reply came; it may be a refusal
                                              (Redis error, HTTP 4xx) */
    cigna_ev_unsent,                       /* failed, the peer saw nothing */
    cigna_ev_lost                          /* failed, outcome unknown */
} cigna_ev_e;


#define CIGNA_RANDOM_LEN  96


typedef struct {
    cigna_ev_e             type;

    int64_t                now_ms;         /* since the epoch */
    uint8_t                random[CIGNA_RANDOM_LEN];   /* fresh every time */

    const cigna_reply_t   *reply;          /* of redis and script */

    unsigned               status;         /* of http */
    cigna_slice_t          body;
    int64_t                retry_after_s;  /* -1: none */
} cigna_event_t;


/* a Lua script; the driver sends EVALSHA, and EVAL once after NOSCRIPT */

typedef struct {
    const char            *name;
    const char            *text;
    char                   sha1[41];       /* filled by cigna_scripts_init() */
    unsigned               nkeys;          /* the first of argv */
} cigna_script_t;


typedef struct {
    cigna_op_e             type;

    const cigna_script_t  *script;
    cigna_slice_t          argv[CIGNA_REDIS_ARGS_MAX];
    unsigned               argc;

    cigna_http_request_t   http;

    unsigned               ms;
} cigna_op_t;


#endif /* _CIGNA_FLOW_H_INCLUDED_ */
