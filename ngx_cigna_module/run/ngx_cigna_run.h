
#ifndef _NGX_CIGNA_RUN_H_INCLUDED_
#define _NGX_CIGNA_RUN_H_INCLUDED_


#include "budget/ngx_cigna_budget.h"
#include "ngx_cigna_run_lease.h"
#include "ngx_cigna_seats.h"
#include "net/ngx_cigna_http.h"
#include "nginx/ngx_cigna_log.h"
#include "nginx/ngx_cigna_cache_key.h"
#include "shm/ngx_cigna_refresh_gate.h"


/*
 * A run of one flow.  A run has its own pool and log, and does not depend on a
 * request.  Requests only wait for the run's result, and may stop waiting at
 * any time.  The driver starts and frees the run, see ngx_cigna_driver.h.
 */

typedef struct ngx_cigna_run_s     ngx_cigna_run_t;
typedef struct ngx_cigna_waiter_s  ngx_cigna_waiter_t;

typedef void (*ngx_cigna_flow_pt)(void *flow, const cigna_event_t *ev,
    cigna_op_t *op);
typedef void (*ngx_cigna_run_pt)(ngx_cigna_run_t *run);
typedef void (*ngx_cigna_revoke_pt)(ngx_cigna_run_t *run, const cigna_op_t *op);
typedef void (*ngx_cigna_waiter_pt)(ngx_cigna_waiter_t *waiter,
    ngx_cigna_run_t *run);


/*
 * A request, or another run, that waits for the result of a run.  Its owner
 * allocates the waiter.  Before the driver calls the handler, it unlinks the
 * waiter, so that the handler may free it.  The run is valid until the handler
 * returns.
 */

struct ngx_cigna_waiter_s {
    ngx_queue_t                queue;
    ngx_cigna_run_t           *run;            /* NULL: does not wait */
    ngx_cigna_waiter_pt        handler;
    void                      *data;
};


/* a run's default limits: its waiters, and the bytes of a reply's body */

#define NGX_CIGNA_WAITERS_MAX   4096
#define NGX_CIGNA_RUN_BODY_MAX  (128 * 1024)


/* the waiters of a run, and their limits */

typedef struct {
    ngx_queue_t                queue;
    ngx_uint_t                 count;
    ngx_uint_t                 max;
    ngx_uint_t                *total;          /* counts waiters of all runs
                                                  that share it; NULL: none */
    ngx_uint_t                 total_max;      /* limit of *total */
    unsigned                   told:1;         /* the waiters were called, and
                                                  no more may wait */
} ngx_cigna_run_waiters_t;


/*
 * functions of the run's creator, which the driver calls; each may be NULL, but
 * "revoke" only if the flow never asks for a revocation
 */

typedef struct {
    /*
     * Called once, when the flow has its result, before any waiter is called.
     * Updates the state that requests share (cache, log, counters).
     */
    ngx_cigna_run_pt           result;

    /* called once, just before the run is freed */
    ngx_cigna_run_pt           end;

    /* starts a revocation that the flow asks for (cigna_op_revoke) */
    ngx_cigna_revoke_pt        revoke;
} ngx_cigna_run_hooks_t;


/* the exchanges of a run with the token endpoint */

typedef struct {
    ngx_cigna_seats_t         *seat;           /* NULL: the run has no seat,
                                                  see ngx_cigna_seats.h */
    ngx_cigna_turn_t           turn;
    cigna_journal_t            entry;          /* the last entry that this
                                                  run put into the journal */
    unsigned                   paced:1;        /* this is a refresh, which the
                                                  tenant's token_requests may
                                                  let wait */
    unsigned                   begun:1;        /* "turn" was taken, but the
                                                  request was not sent yet */
    unsigned                   journalled:1;   /* "entry" is in the journal, and
                                                  Redis has not confirmed it */
} ngx_cigna_run_exchange_t;


/* the budget of a run's request to the FHIR server */

typedef struct {
    ngx_cigna_budget_waiter_t  waiter;
    unsigned                   asked:1;        /* the budget was asked */
    unsigned                   charged:1;      /* the request was charged, but
                                                  not sent yet */
} ngx_cigna_run_budget_t;


struct ngx_cigna_run_s {
    ngx_queue_t                queue;          /* in worker->runs */
    ngx_pool_t                *pool;
    ngx_cigna_log_t            log;
    ngx_cigna_main_conf_t     *mcf;
    ngx_cigna_tenant_t        *tenant;         /* NULL: the run belongs to no
                                                  tenant */

    void                      *flow;           /* the flow's struct */
    ngx_cigna_flow_pt          next;           /* the flow's function */
    cigna_arena_t              arena;          /* memory for the flow */
    cigna_vault_names_t        identity;
    cigna_subject_t            subject;        /* for the flow: points to the
                                                  fields above */

    /* set by the creator, before the start */
    ngx_cigna_run_hooks_t      on;
    void                      *data;
    ngx_cigna_cache_key_t      key;            /* the member's key in the
                                                  cache */
    size_t                     body_max;       /* most bytes of a body */

    unsigned                   failed:1;       /* the flow has no result */
    unsigned                   no_endpoints:1; /* the run has failed, as the
                                                  tenant's endpoints are
                                                  unknown */

    ngx_cigna_run_waiters_t    waiters;
    ngx_cigna_waiter_t         prior;          /* waits for another run before
                                                  the first step */

    /* private to the driver */
    cigna_op_t                 op;             /* the current operation */
    cigna_event_t              ev;             /* the result of "op" */
    ngx_event_t                event;          /* calls the next step */
    ngx_msec_t                 started;        /* when the sleep or the HTTP
                                                  request began */
    ngx_uint_t                 watched;        /* the identity's epoch in the
                                                  cache, before the last Redis
                                                  command */
    ngx_cigna_redis_cmd_t      cmd;
    ngx_cigna_http_t           http;
    unsigned                   queued:1;       /* the HTTP request waits for
                                                  a budget or for
                                                  token_requests */
    ngx_cigna_run_exchange_t   exchange;
    ngx_cigna_run_lease_t      lease;
    ngx_cigna_run_budget_t     budget;
};


/*
 * Makes a run with a flow of flow_size zeroed bytes and an arena of arena_size
 * bytes.  tenant may be NULL if the run makes no HTTP request.  "what" is a
 * constant for the log; request ($cigna_request_id, may be NULL) is copied.
 * NULL: no memory.
 */
ngx_cigna_run_t *ngx_cigna_run_create(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_tenant_t *tenant, const char *what, ngx_str_t *request,
    size_t flow_size, size_t arena_size);

/* frees a run that was not started; the driver frees the others */
void ngx_cigna_run_destroy(ngx_cigna_run_t *run);

/* copies an identity into the run, with slices that point into the copy */
void ngx_cigna_run_identify(ngx_cigna_run_t *run,
    const cigna_vault_names_t *id);

/*
 * Calls ngx_cigna_run_identify(), and adds the identity's keyed hash to the
 * run's log lines.
 */
void ngx_cigna_run_about(ngx_cigna_run_t *run, const cigna_vault_names_t *id);

/* posts the run's event: the driver calls the next step from the event loop */
void ngx_cigna_run_post(ngx_cigna_run_t *run);

/* posts the run's event after ms; cancelable: 1 lets an exiting worker end */
void ngx_cigna_run_post_in(ngx_cigna_run_t *run, ngx_msec_t ms,
    unsigned cancelable);

/*
 * Adds a waiter, whose handler will be called with the result.  NGX_BUSY: there
 * are too many waiters, or the waiters were already called.
 */
ngx_int_t ngx_cigna_run_wait(ngx_cigna_run_t *run, ngx_cigna_waiter_t *waiter,
    ngx_cigna_waiter_pt handler, void *data);

/* removes the waiter; the run goes on; may be called twice */
void ngx_cigna_waiter_leave(ngx_cigna_waiter_t *waiter);

/* calls the hook "result" and all waiters; does nothing at a second call */
void ngx_cigna_run_tell(ngx_cigna_run_t *run);


#endif /* _NGX_CIGNA_RUN_H_INCLUDED_ */
