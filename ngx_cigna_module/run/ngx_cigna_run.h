
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
 * A run of one flow.  It is detached from any request: it has its own pool and
 * log.  Requests only wait for its result, and may leave at any time.  The
 * driver starts it and frees it, see ngx_cigna_driver.h.
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
 * Waits for the result of a run; in the memory of the request that waits.  When
 * the handler is called, the waiter is unlinked and may be freed.  The run can
 * be read until the handler returns.
 */

struct ngx_cigna_waiter_s {
    ngx_queue_t                queue;
    ngx_cigna_run_t           *run;            /* NULL: does not wait */
    ngx_cigna_waiter_pt        handler;
    void                      *data;
};


#define NGX_CIGNA_WAITERS_MAX   4096           /* of a run, by default */
#define NGX_CIGNA_RUN_BODY_MAX  (128 * 1024)   /* likewise */

/* the waiters of a run, and their bounds */

typedef struct {
    ngx_queue_t                queue;
    ngx_uint_t                 count;
    ngx_uint_t                 max;
    ngx_uint_t                *total;          /* the waiters of several runs;
                                                  NULL: they have no bound */
    ngx_uint_t                 total_max;
    unsigned                   told:1;         /* the result is there */
} ngx_cigna_run_waiters_t;


/* the driver calls these for the run's maker; each may be NULL */

typedef struct {
    /*
     * Called once, when the result is there, before any waiter: updates what
     * the whole worker shares (cache, log, counters)
     */
    ngx_cigna_run_pt           result;

    /* called once, just before the run is freed */
    ngx_cigna_run_pt           end;

    /* starts a revocation that the flow asks for (cigna_op_revoke) */
    ngx_cigna_revoke_pt        revoke;
} ngx_cigna_run_hooks_t;


/* the exchanges of a run with the token endpoint */

typedef struct {
    ngx_cigna_seats_t         *seat;           /* NULL: it has none */
    ngx_cigna_turn_t           turn;
    cigna_journal_t            entry;          /* the last journal entry */
    unsigned                   paced:1;        /* a refresh, which waits for the
                                                  tenant's token_requests */
    unsigned                   begun:1;        /* has its turn, but nothing was
                                                  sent yet */
    unsigned                   journalled:1;   /* Redis has not confirmed the
                                                  entry */
} ngx_cigna_run_exchange_t;


/* the budget of a run's request to the FHIR server */

typedef struct {
    ngx_cigna_budget_waiter_t  waiter;
    unsigned                   asked:1;        /* the waiter was queued */
    unsigned                   charged:1;      /* and granted, not used yet */
} ngx_cigna_run_budget_t;


struct ngx_cigna_run_s {
    ngx_queue_t                queue;          /* worker->runs */
    ngx_pool_t                *pool;
    ngx_cigna_log_t            log;
    ngx_cigna_main_conf_t     *mcf;
    ngx_cigna_tenant_t        *tenant;         /* NULL: no exchanges */

    void                      *flow;           /* zeroed, flow_size bytes */
    ngx_cigna_flow_pt          next;
    cigna_arena_t              arena;          /* of the flow */
    cigna_vault_names_t        identity;
    cigna_subject_t            subject;        /* of these, for the flow */

    /* set by the maker, before the start */
    ngx_cigna_run_hooks_t      on;
    void                      *data;
    ngx_cigna_cache_key_t      key;            /* of the member */
    size_t                     body_max;       /* bytes of a reply's body */

    unsigned                   failed:1;       /* there is no result */
    unsigned                   no_endpoints:1; /* failed: they are unknown */

    ngx_cigna_run_waiters_t    waiters;
    ngx_cigna_waiter_t         prior;          /* for another run, which has to
                                                  end before the first step */

    /* of the driver */
    cigna_op_t                 op;             /* under way */
    cigna_event_t              ev;             /* how it ended */
    ngx_event_t                event;          /* posts a step, or sleeps */
    ngx_msec_t                 started;        /* the sleep, or the request */
    ngx_uint_t                 watched;        /* the cache's epoch before the
                                                  last command */
    ngx_cigna_redis_cmd_t      cmd;
    ngx_cigna_http_t           http;
    unsigned                   queued:1;       /* the HTTP request waits for a
                                                  budget */
    ngx_cigna_run_exchange_t   exchange;
    ngx_cigna_run_lease_t      lease;
    ngx_cigna_run_budget_t     budget;
};


/*
 * Makes a run with a flow of flow_size zeroed bytes and an arena of arena_size
 * bytes.  tenant may be NULL if there are no exchanges.  "what" is a constant
 * for the log; request ($request_id, may be NULL) is copied.  NULL: no memory.
 */
ngx_cigna_run_t *ngx_cigna_run_create(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_tenant_t *tenant, const char *what, ngx_str_t *request,
    size_t flow_size, size_t arena_size);

/* frees a run that was not started; the driver frees the others */
void ngx_cigna_run_destroy(ngx_cigna_run_t *run);

/* copies an identity into the run, with slices that point into the copy */
void ngx_cigna_run_identify(ngx_cigna_run_t *run,
    const cigna_vault_names_t *id);

/* the same, and lines of the run's log have the keyed hash of the identity */
void ngx_cigna_run_about(ngx_cigna_run_t *run, const cigna_vault_names_t *id);

/* copies a string into the run's arena; empty if there is no room */
cigna_slice_t ngx_cigna_run_copy(ngx_cigna_run_t *run, cigna_slice_t s);

/* has the driver take the next step, after this call has returned */
void ngx_cigna_run_post(ngx_cigna_run_t *run);

/* NGX_OK, or NGX_BUSY: there are too many waiters, or the result was told */
ngx_int_t ngx_cigna_run_wait(ngx_cigna_run_t *run, ngx_cigna_waiter_t *waiter,
    ngx_cigna_waiter_pt handler, void *data);

/* waits no longer, without any effect on the run; may be called twice */
void ngx_cigna_waiter_leave(ngx_cigna_waiter_t *waiter);

/* the result is there: calls the maker's hook and all waiters, once */
void ngx_cigna_run_tell(ngx_cigna_run_t *run);


#endif /* _NGX_CIGNA_RUN_H_INCLUDED_ */
