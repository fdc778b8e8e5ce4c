
#ifndef _NGX_CIGNA_REDIS_CMD_H_INCLUDED_
#define _NGX_CIGNA_REDIS_CMD_H_INCLUDED_


#include "nginx/ngx_cigna_slice.h"
#include "flow/cigna_flow.h"


/*
 * One command, as the caller of the Redis client sees it.  The caller owns the
 * memory, and keeps it until the handler was called or ngx_cigna_redis_cancel()
 * has returned.
 */

typedef struct ngx_cigna_redis_s      ngx_cigna_redis_t;   /* the client */
typedef struct ngx_cigna_redis_cmd_s  ngx_cigna_redis_cmd_t;

typedef void (*ngx_cigna_redis_pt)(ngx_cigna_redis_cmd_t *cmd);

/* see ngx_cigna_redis_on_connected() in ngx_cigna_redis.h */
typedef void (*ngx_cigna_redis_connected_pt)(void *data, int64_t age_ms,
    uint64_t primary, ngx_uint_t durable);


struct ngx_cigna_redis_cmd_s {
    /* set by the caller, all else zeroed */
    ngx_cigna_redis_pt       handler;
    void                    *data;
    unsigned                 durable:1;    /* if fewer replicas have the write
                                              than "wait_replicas" asks for,
                                              the outcome is "lost" */

    /* results, valid in the handler; done() frees the reply */
    cigna_ev_e               outcome;      /* ok: answered; unsent: not run;
                                              lost: Redis may have run it */
    cigna_reply_t           *reply;

    /* private */
    ngx_cigna_redis_cmd_t  **back;         /* the client's pointer to this cmd;
                                              NULL: not in flight */
    unsigned                 eval:1;       /* EVAL was sent, see
                                              ngx_cigna_redis_script.h */
};


/* 1 after start() returned NGX_AGAIN, until the handler or cancel() runs */
#define ngx_cigna_redis_in_flight(cmd)  ((cmd)->back != NULL)

/* cancels a command: the client will not call the handler, and drops a reply */
void ngx_cigna_redis_cancel(ngx_cigna_redis_cmd_t *cmd);

/* cancels a command in flight, and frees the reply; may be called twice */
void ngx_cigna_redis_done(ngx_cigna_redis_cmd_t *cmd);


#endif /* _NGX_CIGNA_REDIS_CMD_H_INCLUDED_ */
