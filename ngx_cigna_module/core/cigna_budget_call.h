
#ifndef _CIGNA_BUDGET_CALL_H_INCLUDED_
#define _CIGNA_BUDGET_CALL_H_INCLUDED_


#include "cigna_budget_take.h"
#include "cigna_redis.h"
#include "cigna_retry_after.h"


/*
 * The calls of the two scripts, cigna_script_budget_lease and
 * cigna_script_budget_pause of cigna_scripts.h: their arguments and replies.
 * Both have one key, a hash:
 *
 *     <prefix>:b:{budget}
 *
 * which is the same for all nodes, tenants and members of a vault: in a
 * cluster it is in the slot of "budget".
 */

#define CIGNA_BUDGET_KEY       ":b:{budget}"   /* after the vault's prefix */

/* of one call, the key included */

#define CIGNA_BUDGET_ARGS      4

/* text of its numbers */

#define CIGNA_BUDGET_CALL_MEM  512

/* names of nodes and tenants in the hash: longer ones are an error */

#define CIGNA_BUDGET_NAME_MAX  255

/*
 * Nodes of which the last call is older than this do not count.  More than
 * CIGNA_BUDGET_NODES_MAX are not counted either.
 */

#define CIGNA_BUDGET_NODE_MS   10000
#define CIGNA_BUDGET_NODES_MAX 256


/*
 * Arguments of budget_lease, for want requests (1..CIGNA_BUDGET_BURST_MAX).
 * key, node (letters and digits that no other node has; a new one at each
 * start is fine) and tenant (any bytes, the same on all nodes) are borrowed;
 * the numbers are written to mem.  CIGNA_ERROR: a name is empty or too long.
 */
int cigna_budget_lease_argv(const cigna_budget_plan_t *p, cigna_slice_t key,
    cigna_slice_t node, cigna_slice_t tenant, int64_t want,
    uint8_t mem[CIGNA_BUDGET_CALL_MEM],
    cigna_slice_t argv[CIGNA_BUDGET_ARGS], unsigned *argc);

/*
 * Arguments of budget_pause.  retry_after_ms: -1: none; jitter: permille, from
 * 0 to CIGNA_BUDGET_JITTER_MAX, at random.  The same rules.
 */
int cigna_budget_pause_argv(cigna_slice_t key, cigna_budget_scope_e scope,
    cigna_slice_t tenant, int64_t retry_after_ms, unsigned jitter,
    uint8_t mem[CIGNA_BUDGET_CALL_MEM],
    cigna_slice_t argv[CIGNA_BUDGET_ARGS], unsigned *argc);


typedef struct {
    cigna_budget_grant_t  grant;
    unsigned              nodes;           /* that are alive, 1.. */
} cigna_budget_lease_reply_t;


/*
 * Anything that is not what the scripts return (errors, nil, numbers out of
 * range) is CIGNA_ERROR: an outage.
 */
int cigna_budget_lease_parse(const cigna_reply_t *reply,
    cigna_budget_lease_reply_t *r);

/* *left_ms: of the pause */
int cigna_budget_pause_parse(const cigna_reply_t *reply, int64_t *left_ms);


#endif /* _CIGNA_BUDGET_CALL_H_INCLUDED_ */
