
#ifndef _CIGNA_BUDGET_SLOT_H_INCLUDED_
#define _CIGNA_BUDGET_SLOT_H_INCLUDED_


#include "cigna_budget_call.h"
#include "cigna_pause.h"


/*
 * What the budgets keep in memory that all workers of a node share:
 *
 *     cigna_budget_node_t      one: what all tenants have in common
 *     cigna_budget_origins_t   one: a table of the servers that tenants ask
 *     cigna_budget_tenant_t    one for each tenant
 *     cigna_budget_members_t   one: a table of the members of all tenants, see
 *                              cigna_budget_member.h
 *
 * All are pointer-free, of fixed size, and all zero at first.  Every call is
 * made under one lock of the caller's, allocates nothing, and makes no call to
 * Redis.  A slot (a node, an origin, a tenant) carries a checksum: a slot whose
 * writer died half way is found by the next call and starts empty, which costs
 * what it had on lease.
 *
 * now_ns: ns of a monotonic clock that the workers share, with a grain of 1 ms
 * or less; it may step back.  Never 0.
 */

#define CIGNA_BUDGET_NODE_SIZE    256
#define CIGNA_BUDGET_ORIGIN_SIZE  128
#define CIGNA_BUDGET_TENANT_SIZE  384

#define CIGNA_BUDGET_ORIGINS      64


typedef union {
    struct {
        uint64_t             sum;          /* of what follows */
        int64_t              seen_ns;      /* latest time of a call */
        int64_t              down_ns;      /* since when Redis is down; 0: it
                                              is not */
        int64_t              asked_ns;     /* the last call while down */
        uint64_t             nodes;        /* last known to be alive */
        cigna_gcra_t         gateway;      /* see cigna_budget_local.h */
        cigna_gcra_t         metadata;
    };
    uint8_t                  room[CIGNA_BUDGET_NODE_SIZE];
} cigna_budget_node_t;


/* one FHIR server that tenants ask */

typedef union {
    struct {
        uint64_t             sum;          /* of what follows */
        int64_t              seen_ns;      /* latest time of a call */
        uint64_t             key;          /* hash of the origin; 0: free */
        uint64_t             pauses;       /* that began here */
        cigna_pause_t        all;
    };
    uint8_t                  room[CIGNA_BUDGET_ORIGIN_SIZE];
} cigna_budget_origin_t;


/* where there are more origins, one without a pause gives way first */

typedef struct {
    cigna_budget_origin_t    origins[CIGNA_BUDGET_ORIGINS];
} cigna_budget_origins_t;


typedef union {
    struct {
        uint64_t             sum;          /* of what follows */
        int64_t              seen_ns;      /* latest time of a call */

        int64_t              credits;      /* below 0: owed */
        int64_t              expiry_ns;
        int64_t              gateway_dry;  /* of the credits, see grant_t */
        int64_t              tenant_dry;
        uint64_t             lease;        /* number: another one after the
                                              credits were void */

        int64_t              refused_ns;   /* until then requests are refused */
        uint64_t             by;           /* ... by this budget */

        uint64_t             call;         /* number of the last call */
        int64_t              asked_ns;     /* when that was */
        int64_t              before_ns;    /* ... and the one before */
        uint64_t             under_way;    /* 1: its end is not known */
        int64_t              pid;          /* of the worker that makes it */

        /* requests of this window, and a moving average times 256 */
        int64_t              window_ns;
        uint64_t             count;
        uint64_t             demand;

        /* what calls ask for beyond that; and a bit for each of the last calls
           before which a request had to wait, the lowest of the next call */
        uint64_t             extra;
        uint64_t             scarce;

        cigna_gcra_t         tenant;       /* see cigna_budget_local.h */
        cigna_gcra_t         minimum;
        cigna_gcra_t         metadata;
        uint64_t             origin;       /* key of the one that asked for: */
        cigna_pause_t        own;
    };
    uint8_t                  room[CIGNA_BUDGET_TENANT_SIZE];
} cigna_budget_tenant_t;


typedef struct cigna_budget_members_s  cigna_budget_members_t;


/* instead of a member: a request for metadata, which strangers may ask for */

#define CIGNA_BUDGET_METADATA  UINT64_MAX


/* the place and time of a call: all borrowed */

typedef struct {
    const cigna_budget_plan_t  *plan;
    cigna_budget_node_t        *node;
    cigna_budget_origin_t      *origin;
    cigna_budget_tenant_t      *tenant;
    cigna_budget_members_t     *members;   /* NULL: members are not counted */
    uint64_t                    member;    /* keyed hash of tenant and member;
                                              0: is not counted;
                                              CIGNA_BUDGET_METADATA: nobody's */
    int64_t                     now_ns;
    int32_t                     pid;       /* the caller's */
    int                       (*alive)(int32_t pid);   /* 1 if this process is
                                              there; NULL: always; called only
                                              when its call is late */
} cigna_budget_t;


/*
 * Opens the slots of a call: copies its place and time to *b.  A slot whose sum
 * is wrong starts anew.  After a step back of the clock all that lay ahead
 * comes as much earlier; a small step goes unnoticed.
 */
void cigna_budget_slot_open(const cigna_budget_t *from, cigna_budget_t *b);

/* writes the sums */
void cigna_budget_slot_close(const cigna_budget_t *b);

/* counts a request of the tenant */
void cigna_budget_slot_count(const cigna_budget_t *b);

/* how many nodes share the budgets, 1 or more */
unsigned cigna_budget_slot_share(const cigna_budget_t *b);

/* voids what the tenant has on lease; what it owes stays */
void cigna_budget_slot_void(cigna_budget_tenant_t *t);


/*
 * The origin's place in the table; makes one if there is none.  key: never 0.
 * Valid until the caller gives its lock back.
 */
cigna_budget_origin_t *cigna_budget_origin(cigna_budget_origins_t *origins,
    uint64_t key, int64_t now_ns);

/* the same, but NULL if there is none */
const cigna_budget_origin_t *cigna_budget_origin_known(
    const cigna_budget_origins_t *origins, uint64_t key);


#endif /* _CIGNA_BUDGET_SLOT_H_INCLUDED_ */
