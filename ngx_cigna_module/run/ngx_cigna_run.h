
#ifndef _NGX_CIGNA_RUN_H_INCLUDED_
#define _NGX_CIGNA_RUN_H_INCLUDED_


#include "budget/ngx_cigna_budget.h"
#include "ngx_cigna_exchanges.h"
#include "net/ngx_cigna_http.h"
#include "nginx/ngx_cigna_log.h"
#include "nginx/ngx_cigna_cache_key.h"
#include "shm/ngx_cigna_refresh_gate.h"


/*
 * The flow driver: performs the operations of one flow and feeds the events
 * back.  A run is detached: it has its own pool and log, requests only wait on
 * it and may leave at any time.
 */

typedef struct ngx_cigna_run_s     ngx_cigna_run_t;
typedef struct ngx_cigna_waiter_s  ngx_cigna_waiter_t;

typedef void (*ngx_cigna_flow_pt)(void *flow, const cigna_event_t *ev,
    cigna_op_t *op);
typedef void (*ngx_cigna_run_pt)(ngx_cigna_run_t *run);
typedef void (*ngx_cigna_revoke_pt)(ngx_cigna_run_t *run,
    const cigna_op_t *op);
typedef void (*ngx_cigna_waiter_pt)(ngx_cigna_waiter_t *waiter,
    ngx_cigna_run_t *run);


/*
 * Somebody who waits for the result; memory of the waiting request.  When the
 * handler is called the waiter is unlinked already and may be freed; the run
 * can be read until the handler returns.
 */

struct ngx_cigna_waiter_s {
    ngx_queue_t              queue;
    ngx_cigna_run_t         *run;              /* NULL: not waiting */
    ngx_cigna_waiter_pt      handler;
    void                    *data;
};


struct ngx_cigna_run_s {
    ngx_queue_t              queue;            /* worker->runs */
    ngx_pool_t              *pool;
    ngx_cigna_log_t          log;
    ngx_cigna_main_conf_t   *mcf;
    ngx_cigna_tenant_t      *tenant;

    void                    *flow;             /* zeroed, flow_size bytes */
    ngx_cigna_flow_pt        next;
    cigna_arena_t            arena;            /* of the flow */
    cigna_vault_names_t      identity;         /* for those who need one */
    cigna_subject_t          subject;          /* of those, for the flow */
    ngx_cigna_cache_key_t    key;
    ngx_uint_t               epoch;

    /*
     * Called once, when the result is there and before any waiter is woken:
     * what follows for the whole worker is done here (cache, log, counters).
     */
    ngx_cigna_run_pt         on_result;

    /* called once, just before the run is freed; may be NULL */
    ngx_cigna_run_pt         on_end;

    /*
     * Takes over the tokens that the flow wants revoked (cigna_op_revoke), which
     * it copies.  Set by who makes a run whose flow may ask for that.
     */
    ngx_cigna_revoke_pt      on_revoke;

    void                    *data;
    unsigned                 failed:1;         /* no result: it could not be
                                                  carried on */
    unsigned                 no_endpoints:1;   /* ... for want of endpoints */
    unsigned                 aborted:1;      /* for on_end: the worker exits,
                                                  the flow was not over */

    /*
     * Set by who makes it.  crowd: those who wait for any run of some kind
     * are counted there, and bounded; may be NULL.  patient: a refresh, whose
     * token requests wait for the tenant's budget.  seat: taken for the first
     * exchange, NULL: it is still to be taken.
     */
    ngx_uint_t               waiters_max;
    ngx_uint_t              *waiters_total;
    ngx_uint_t               waiters_total_max;
    unsigned                 patient:1;
    ngx_cigna_seats_t       *seat;
    size_t                   body_max;         /* of a reply, in bytes */

    /* private */
    ngx_cigna_waiter_t       prior;            /* another run, that comes
                                                  before the first step */
    ngx_queue_t              waiters;
    ngx_uint_t               nwaiters;
    cigna_op_t               op;
    cigna_event_t            ev;
    ngx_cigna_redis_cmd_t    cmd;
    ngx_cigna_http_t         http;
    ngx_cigna_budget_waiter_t  budget;         /* to the FHIR server */
    ngx_event_t              event;            /* posted, and the sleep timer */
    ngx_msec_t               started;          /* sleep or exchange */
    ngx_uint_t               watched;          /* epoch at the last command */
    ngx_cigna_redis_cmd_t    keep;             /* beside an exchange */
    const cigna_script_t    *keep_script;
    ngx_event_t              keep_timer;
    ngx_cigna_turn_t         turn;
    cigna_journal_t          note;             /* last journal entry */
    unsigned                 journalled:1;          /* ... not confirmed yet */
    unsigned                 queued:1;         /* exchange not begun yet */
    unsigned                 budgeted:1;       /* it was asked for ... */
    unsigned                 charged:1;        /* ... and granted, not used */
    unsigned                 retake:1;         /* lock and mark may be lost */
    unsigned                 begun:1;          /* turn taken, nothing sent */
    unsigned                 reported:1;
};


/*
 * Makes a run with a flow of flow_size zeroed bytes and an arena of arena_size
 * bytes.  tenant may be NULL where there are no exchanges.  "what" is a
 * constant for the log; request (may be NULL) is copied.  NULL if there is no
 * memory.
 */
ngx_cigna_run_t *ngx_cigna_run_create(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_tenant_t *tenant, const char *what, ngx_str_t *request,
    size_t flow_size, size_t arena_size);

/* copies an identity, whose slices point into itself, into the run */
void ngx_cigna_run_identify(ngx_cigna_run_t *run,
    const cigna_vault_names_t *id);

/* the same, and the log names the member by the keyed hash */
void ngx_cigna_run_about(ngx_cigna_run_t *run, const cigna_vault_names_t *id);

/*
 * Starts the run.  Returns before any handler is called.  From here on the run
 * frees itself.
 */
void ngx_cigna_run_start(ngx_cigna_run_t *run, ngx_cigna_flow_pt next);

/*
 * The two halves of the above, for a run that must wait for something: first
 * prepare(), and when the time has come post(), with "failed" set if the flow
 * must not be entered.
 */
void ngx_cigna_run_prepare(ngx_cigna_run_t *run, ngx_cigna_flow_pt next);
void ngx_cigna_run_post(ngx_cigna_run_t *run);

/* throws away a run that was not started */
void ngx_cigna_run_discard(ngx_cigna_run_t *run);


#define NGX_CIGNA_WAITERS_MAX  4096        /* on one run */

/* NGX_OK, or NGX_BUSY: too many wait already, or the result was told */
ngx_int_t ngx_cigna_run_wait(ngx_cigna_run_t *run, ngx_cigna_waiter_t *waiter,
    ngx_cigna_waiter_pt handler, void *data);

/* for a cleanup handler: leaves the run alone; idempotent */
void ngx_cigna_waiter_leave(ngx_cigna_waiter_t *waiter);


/* copies a string into the run's arena; empty on failure */
cigna_slice_t ngx_cigna_run_copy(ngx_cigna_run_t *run, cigna_slice_t s);


/*
 * Redis has a new primary: open exchanges set lock and mark there again, all
 * within a second.
 */
void ngx_cigna_run_retake(ngx_cigna_worker_t *worker);


/* ends every run of the worker, in exit_process */
void ngx_cigna_run_end_all(ngx_cigna_worker_t *worker);


#endif /* _NGX_CIGNA_RUN_H_INCLUDED_ */
