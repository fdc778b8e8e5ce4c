
#ifndef _CIGNA_BUDGET_CALL_H_INCLUDED_
#define _CIGNA_BUDGET_CALL_H_INCLUDED_


#include "cigna_budget_plan.h"
#include "redis/cigna_redis.h"
#include "http/cigna_retry_after.h"


/*
 * All nodes and tenants of a vault use the same Redis key.  In a cluster, the
 * key is in the slot of "budget".
 */

#define CIGNA_BUDGET_KEY       ":b:{budget}"   /* after the vault's prefix */

/*
 * the most arguments of a call, the key included; and the size of the memory in
 * which the functions below write arguments
 */

#define CIGNA_BUDGET_ARGS        5
#define CIGNA_BUDGET_CALL_MEM    1536

/*
 * most bytes of a node's or tenant's name, and of an origin,
 * "https://host:port"
 */

#define CIGNA_BUDGET_NAME_MAX    255
#define CIGNA_BUDGET_ORIGIN_MAX  511

/*
 * how long (ms) Redis counts a node after its last call, and the most nodes
 * that Redis counts
 */

#define CIGNA_BUDGET_NODE_MS     10000
#define CIGNA_BUDGET_NODES_MAX   256


/*
 * the limit that refuses a request, or grants fewer requests than were wanted
 */

typedef enum {
    cigna_budget_by_none = 0,
    cigna_budget_by_gateway,
    cigna_budget_by_tenant,
    cigna_budget_by_pause,                 /* a pause that the FHIR server asked
                                              for, or the ramp after it */
    cigna_budget_by_member,
    cigna_budget_by_outage,                /* an outage of Redis, with
                                              outage=closed */
    cigna_budget_by_metadata
} cigna_budget_by_e;


typedef enum {
    cigna_budget_scope_own = 0,            /* this tenant */
    cigna_budget_scope_all                 /* all tenants of its origin */
} cigna_budget_scope_e;


/* the names in a call, all borrowed */

typedef struct {
    cigna_slice_t         key;             /* Redis key of the budgets */
    cigna_slice_t         node;            /* letters and digits; another node
                                              has another name, and a node may
                                              have a new name at each start */
    cigna_slice_t         tenant;          /* the tenant's name: any bytes, the
                                              same on all nodes */
    cigna_slice_t         origin;          /* origin of the tenant's FHIR
                                              server */
} cigna_budget_names_t;


/* a reply of the FHIR server that asks for a pause */

typedef struct {
    cigna_budget_scope_e  scope;
    unsigned              status;          /* status of the reply */
    int64_t               retry_after_ms;  /* -1: none */
    unsigned              jitter;          /* permille, a random number from 0
                                              to CIGNA_PAUSE_JITTER_MAX */
} cigna_budget_cause_t;


/*
 * Makes the arguments of budget_lease.  want is the number of requests: up to
 * CIGNA_BUDGET_BURST_MAX, or 0 to learn of pauses only.  Writes the numbers to
 * mem.  CIGNA_ERROR: a name is empty, too long, or has a byte that it must not
 * have.
 */
int cigna_budget_lease_argv(const cigna_budget_plan_t *p,
    const cigna_budget_names_t *names, int64_t want,
    uint8_t mem[CIGNA_BUDGET_CALL_MEM],
    cigna_slice_t argv[CIGNA_BUDGET_ARGS], unsigned *argc);

/* makes the arguments of budget_pause, like cigna_budget_lease_argv() */
int cigna_budget_pause_argv(const cigna_budget_names_t *names,
    const cigna_budget_cause_t *cause, uint8_t mem[CIGNA_BUDGET_CALL_MEM],
    cigna_slice_t argv[CIGNA_BUDGET_ARGS], unsigned *argc);


typedef struct {
    int64_t               granted;         /* from 0 to want; all are charged */
    int64_t               wait_ns;         /* until the next request, if fewer
                                              than want were granted */
    cigna_budget_by_e     by;              /* the limit that refused the
                                              requests that were not granted */
    int64_t               pause_ns;        /* rest of the tenant's or the
                                              origin's pause, the longer one */
    cigna_budget_scope_e  scope;           /* scope of that pause */

    /* numbers of granted requests that a budget would refuse without dry_run */
    int64_t               gateway_dry;
    int64_t               tenant_dry;
} cigna_budget_grant_t;


typedef struct {
    cigna_budget_grant_t  grant;
    unsigned              nodes;           /* nodes that are alive, 1 or more */

    /*
     * 1 + the ms since an operator ended the pause of all tenants of the
     * origin, or of this tenant; 0: no operator ended one
     */
    int64_t               all_ended_ms;
    int64_t               own_ended_ms;
} cigna_budget_lease_reply_t;


/*
 * Parses the reply of budget_lease.  CIGNA_ERROR: the reply is not one that the
 * script returns (an error, nil, or a number out of range).  The caller treats
 * such a reply as an outage.
 */
int cigna_budget_lease_parse(const cigna_reply_t *reply,
    cigna_budget_lease_reply_t *r);

/*
 * parses the reply of the script budget_pause; *left_ms: ms that the pause
 * still lasts
 */
int cigna_budget_pause_parse(const cigna_reply_t *reply, int64_t *left_ms);


#endif /* _CIGNA_BUDGET_CALL_H_INCLUDED_ */
