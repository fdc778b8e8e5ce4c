
#ifndef _CIGNA_BUDGET_CALL_H_INCLUDED_
#define _CIGNA_BUDGET_CALL_H_INCLUDED_


#include "cigna_budget_plan.h"
#include "redis/cigna_redis.h"
#include "http/cigna_retry_after.h"


/*
 * Arguments and replies of the scripts budget_lease and budget_pause, see
 * cigna_budget_scripts.c.  Both have one key, a hash:
 *
 *     <prefix>:b:{budget}
 *
 * It is the same for all nodes, tenants and members of a vault; in a cluster it
 * is in the slot of "budget".
 */

#define CIGNA_BUDGET_KEY       ":b:{budget}"   /* after the vault's prefix */

/* arguments of one call, the key included, and bytes of their text */

#define CIGNA_BUDGET_ARGS        5
#define CIGNA_BUDGET_CALL_MEM    1536

/* most bytes of a node's or tenant's name, and of "https://host:port" */

#define CIGNA_BUDGET_NAME_MAX    255
#define CIGNA_BUDGET_ORIGIN_MAX  511

/* Redis counts the nodes that have called within so many ms, up to so many */

#define CIGNA_BUDGET_NODE_MS     10000
#define CIGNA_BUDGET_NODES_MAX   256


/* what refuses a request, or grants fewer than were wanted */

typedef enum {
    cigna_budget_by_none = 0,
    cigna_budget_by_gateway,
    cigna_budget_by_tenant,
    cigna_budget_by_pause,                 /* that the FHIR server asked for */
    cigna_budget_by_member,
    cigna_budget_by_outage,                /* of Redis, with outage=closed */
    cigna_budget_by_metadata
} cigna_budget_by_e;


typedef enum {
    cigna_budget_scope_own = 0,            /* this tenant */
    cigna_budget_scope_all                 /* all tenants of its origin */
} cigna_budget_scope_e;


/* names of a call; all borrowed */

typedef struct {
    cigna_slice_t         key;             /* of the budgets, in Redis */
    cigna_slice_t         node;            /* letters and digits that no other
                                              node has; a new name at each start
                                              is fine */
    cigna_slice_t         tenant;          /* any bytes, alike on all nodes */
    cigna_slice_t         origin;          /* of its FHIR server */
} cigna_budget_names_t;


/* a reply that asks for a pause */

typedef struct {
    cigna_budget_scope_e  scope;
    unsigned              status;          /* of the reply */
    int64_t               retry_after_ms;  /* -1: none */
    unsigned              jitter;          /* permille, at random, from 0 to
                                              CIGNA_PAUSE_JITTER_MAX */
} cigna_budget_cause_t;


/*
 * Arguments of budget_lease, for want requests: up to CIGNA_BUDGET_BURST_MAX, 0
 * to learn how things are.  Writes the numbers to mem.  CIGNA_ERROR: a name is
 * empty or too long.
 */
int cigna_budget_lease_argv(const cigna_budget_plan_t *p,
    const cigna_budget_names_t *names, int64_t want,
    uint8_t mem[CIGNA_BUDGET_CALL_MEM],
    cigna_slice_t argv[CIGNA_BUDGET_ARGS], unsigned *argc);

/* arguments of budget_pause; the same rules */
int cigna_budget_pause_argv(const cigna_budget_names_t *names,
    const cigna_budget_cause_t *cause, uint8_t mem[CIGNA_BUDGET_CALL_MEM],
    cigna_slice_t argv[CIGNA_BUDGET_ARGS], unsigned *argc);


typedef struct {
    int64_t               granted;         /* 0..want, all charged */
    int64_t               wait_ns;         /* if fewer than want: until the
                                              next one */
    cigna_budget_by_e     by;              /* ... and what refused it */
    int64_t               pause_ns;        /* left of the longer pause */
    cigna_budget_scope_e  scope;           /* ... of this scope */

    /* of those granted, what a budget with dry_run would have refused */
    int64_t               gateway_dry;
    int64_t               tenant_dry;
} cigna_budget_grant_t;


typedef struct {
    cigna_budget_grant_t  grant;
    unsigned              nodes;           /* that are alive, 1.. */

    /* 1 + the ms since an operator has ended the pause; 0: never */
    int64_t               all_ended_ms;
    int64_t               own_ended_ms;
} cigna_budget_lease_reply_t;


/*
 * CIGNA_ERROR for all that the scripts do not return (errors, nil, numbers out
 * of range): that counts as an outage.
 */
int cigna_budget_lease_parse(const cigna_reply_t *reply,
    cigna_budget_lease_reply_t *r);

/* *left_ms: what is left of the pause */
int cigna_budget_pause_parse(const cigna_reply_t *reply, int64_t *left_ms);


#endif /* _CIGNA_BUDGET_CALL_H_INCLUDED_ */
