
#ifndef _CIGNA_BUDGET_SLOT_H_INCLUDED_
#define _CIGNA_BUDGET_SLOT_H_INCLUDED_


#include "cigna_budget_call.h"
#include "cigna_pause.h"


/*
 * The memory of the budgets, which all workers of a node share:
 *
 *     cigna_budget_node_t      one: the state that all tenants have in common
 *     cigna_budget_origins_t   one: a table of the servers that tenants ask
 *     cigna_budget_tenant_t    one for each tenant
 *     cigna_budget_members_t   one: a table of the members of all tenants, see
 *                              cigna_budget_member.h
 *
 * They have no pointers and a fixed size, and are all zero at first.  The
 * caller holds one lock of its own during each function.  The functions
 * allocate nothing and do not call Redis.  A slot (a node, an origin, a tenant)
 * carries a checksum.  If a worker dies while it writes a slot,
 * cigna_budget_slot_open() finds the wrong checksum and empties the slot.  A
 * tenant's lease is then lost.
 *
 * now_ns: ns of a monotonic clock that the workers share.  Its resolution is 1
 * ms or finer.  The clock may step back.  now_ns is never 0.
 */

#define CIGNA_BUDGET_NODE_SIZE    256
#define CIGNA_BUDGET_ORIGIN_SIZE  128
#define CIGNA_BUDGET_TENANT_SIZE  384

#define CIGNA_BUDGET_ORIGINS      64


typedef union {
    struct {
        uint64_t             sum;          /* checksum of the fields below */
        int64_t              seen_ns;      /* latest now_ns with which the
                                              slot was opened */
        int64_t              down_ns;      /* time since when Redis is down; 0:
                                              Redis is not down */
        int64_t              asked_ns;     /* time of the last call to Redis
                                              while Redis is down */
        uint64_t             nodes;        /* number of nodes that were last
                                              known to be alive */

        /* buckets of this node, see cigna_budget_local.h */
        cigna_gcra_t         gateway;
        cigna_gcra_t         metadata;
    };
    uint8_t                  room[CIGNA_BUDGET_NODE_SIZE];
} cigna_budget_node_t;


/* one FHIR server that tenants ask */

typedef union {
    struct {
        uint64_t             sum;          /* checksum of the fields below */
        int64_t              seen_ns;      /* latest now_ns */
        uint64_t             key;          /* hash of the origin; 0: free */
        uint64_t             pauses;       /* number of pauses that began on
                                              this node: of all tenants, or of
                                              one */
        cigna_pause_t        all;          /* pause of all tenants */
    };
    uint8_t                  room[CIGNA_BUDGET_ORIGIN_SIZE];
} cigna_budget_origin_t;


/*
 * in a full table, a new origin replaces one without a pause, or else the one
 * whose pause ends first
 */

typedef struct {
    cigna_budget_origin_t    origins[CIGNA_BUDGET_ORIGINS];
} cigna_budget_origins_t;


typedef union {
    struct {
        uint64_t             sum;          /* checksum of the fields below */
        int64_t              seen_ns;      /* latest now_ns */

        int64_t              credits;      /* requests left of the lease; below
                                              0: owed */
        int64_t              expiry_ns;    /* end of the lease */
        int64_t              gateway_dry;  /* credits that the gateway's budget
                                              would refuse without dry_run */
        int64_t              tenant_dry;   /* the same of the tenant's budget */
        uint64_t             lease;        /* number of the lease; it changes
                                              when the lease is voided */

        int64_t              refused_ns;   /* requests are refused until this
                                              time */
        uint64_t             by;           /* the cigna_budget_by_e that
                                              refuses them */

        uint64_t             call;         /* number of the last call to
                                              Redis */
        int64_t              asked_ns;     /* time of the last call */
        int64_t              before_ns;    /* time of the call before the
                                              last */
        uint64_t             under_way;    /* 1: the last call has not ended */
        int64_t              pid;          /* pid of the worker that made the
                                              last call */

        /*
         * A window is lease_ns long.  window_ns: start of the present window.
         * count: requests in it.  demand: 256 times the moving average of the
         * requests in a window.
         */
        int64_t              window_ns;
        uint64_t             count;
        uint64_t             demand;

        /*
         * Calls ask for "extra" requests beyond the demand.  "scarce" has a bit
         * for each of the last calls: 1 if a request had to wait until that
         * call was allowed.  The lowest bit is that of the next call.
         */
        uint64_t             extra;
        uint64_t             scarce;

        /* buckets of this node, see cigna_budget_local.h */
        cigna_gcra_t         tenant;
        cigna_gcra_t         minimum;
        cigna_gcra_t         metadata;

        uint64_t             origin;       /* key of the tenant's origin; when
                                              the origin changes, the pause
                                              "own" ends */
        cigna_pause_t        own;          /* pause of this tenant only */
    };
    uint8_t                  room[CIGNA_BUDGET_TENANT_SIZE];
} cigna_budget_tenant_t;


typedef struct cigna_budget_members_s  cigna_budget_members_t;


/* "member" of a request for metadata, which strangers may send */

#define CIGNA_BUDGET_METADATA  UINT64_MAX


/*
 * the arguments that most functions have in common; the pointers are borrowed
 */

typedef struct {
    const cigna_budget_plan_t  *plan;
    cigna_budget_node_t        *node;
    cigna_budget_origin_t      *origin;
    cigna_budget_tenant_t      *tenant;
    cigna_budget_members_t     *members;   /* NULL: members are not counted */
    uint64_t                    member;    /* keyed hash of tenant and member;
                                              0: not counted;
                                              CIGNA_BUDGET_METADATA: a request
                                              for metadata */
    int64_t                     now_ns;
    int32_t                     pid;       /* pid of this worker */
    int                       (*alive)(int32_t pid);   /* 1 if this process
                                                          is alive; NULL: it
                                                          counts as alive */
} cigna_budget_t;


/*
 * Copies *from to *b, and makes its slots ready for use.  Empties a slot whose
 * checksum is wrong.  If the clock has stepped back by a second or more, moves
 * the times of node and tenant back by the same amount.  After a smaller step,
 * b->now_ns is the latest time that was seen.  If the tenant's FHIR server has
 * another origin than before, forgets the tenant's pause.
 */
void cigna_budget_slot_open(const cigna_budget_t *from, cigna_budget_t *b);

/* writes the checksums */
void cigna_budget_slot_close(const cigna_budget_t *b);

/* counts a request in the tenant's demand */
void cigna_budget_slot_count(const cigna_budget_t *b);

/* how many nodes share the budgets, 1 or more */
unsigned cigna_budget_slot_share(const cigna_budget_t *b);

/*
 * ends the tenant's lease: sets credits to 0 if it is above 0; a debt (credits
 * below 0) stays
 */
void cigna_budget_slot_void(cigna_budget_tenant_t *t);


/*
 * Finds the origin's entry in the table, or makes one.  If the table is full,
 * another origin's entry is dropped.  key is the hash of the origin, and never
 * 0.  The pointer is valid until the caller releases its
 * lock.
 */
cigna_budget_origin_t *cigna_budget_origin(cigna_budget_origins_t *origins,
    uint64_t key, int64_t now_ns);

/*
 * like cigna_budget_origin(), but returns NULL if there is no entry, or if its
 * checksum is wrong
 */
const cigna_budget_origin_t *cigna_budget_origin_known(
    const cigna_budget_origins_t *origins, uint64_t key);


#endif /* _CIGNA_BUDGET_SLOT_H_INCLUDED_ */
