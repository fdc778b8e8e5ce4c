
#ifndef _CIGNA_BUDGET_H_INCLUDED_
#define _CIGNA_BUDGET_H_INCLUDED_


#include "cigna_budget_call.h"


/*
 * Budgets on a node.  Redis holds the truth; a node leases small amounts of it
 * for each of its tenants, so that most requests ask nobody.  What is leased
 * lies in memory that all workers share:
 *
 *     cigna_budget_node_t      one: what all tenants have in common
 *     cigna_budget_origins_t   one: a table of the servers that tenants ask
 *     cigna_budget_tenant_t    one a tenant
 *     cigna_budget_members_t   one: a table of the members of all tenants,
 *                              which are counted on each node by itself
 *
 * All are pointer-free, of fixed size, and all zero at first.  Every call below
 * is made under one lock of the caller's, allocates nothing, and makes no call
 * of its own.  A slot carries a checksum: one whose writer died half
 * way is found by the next call and starts empty, which costs what it had on
 * lease.
 *
 * A request's life:
 *
 *     decide --- granted ----------------------> sent: nothing more to do
 *      | ^          \--> not sent ------> give_back
 *      | |           \-> sent once more ------> charge_after
 *      | +-- waiting: again after wait_ms, or when a reply was applied
 *      +--- refused: by whom, and for how long
 *
 * Metadata, which strangers may ask for, has a small part of its own beside the
 * budgets, on each node and without a lease: neither takes of what members may
 * ask for, nor waits.
 *
 * A gateway with dry_run neither pauses nor minds outage=closed; what goes out
 * then is charged like all else, and a tenant's dry_run is about its rate only.
 *
 * Beside any of the three an answer may ask for a call (answer.call > 0): the
 * caller then owns the one call that is under way for this tenant and node,
 * sends budget_lease with want = ask (which may be 0: to learn of pauses), and
 * reports its end, exactly once, by cigna_budget_leased() or
 * cigna_budget_failed().  A caller that dies is replaced.  After leased() and
 * failed() those who wait decide again, first come first served.
 *
 * now_ns: ns of a monotonic clock that the workers share, a ms may be its
 * grain; it may step back.  Never 0.
 */

#define CIGNA_BUDGET_NODE_SIZE    256
#define CIGNA_BUDGET_ORIGIN_SIZE  128
#define CIGNA_BUDGET_TENANT_SIZE  384

#define CIGNA_BUDGET_ORIGINS      64

/* how long a reply is waited for until Redis counts as down */

#define CIGNA_BUDGET_PATIENCE_MS  250

/* how long a call may be under way before somebody else may make another */

#define CIGNA_BUDGET_CALL_MS      2000

/*
 * Two calls of a tenant and node may follow each other at once, so that a few
 * requests after a quiet time do not wait for a lease; but in 2.2 leases there
 * are no more than these two: at most 20 a second where a lease is 50 ms.
 */

#define CIGNA_BUDGET_CALLS_NS(lease_ns)  ((lease_ns) * 11 / 5)

/*
 * How old the knowledge of a pause may be: an operator may end one.  After that
 * Redis is asked again before somebody is refused.
 */

#define CIGNA_BUDGET_HELD_MS      1000

/* wait_ms of those who wait for a call under way: maybe another worker's */

#define CIGNA_BUDGET_POLL_MS      2


typedef union {
    struct {
        uint64_t             sum;          /* of what follows */
        int64_t              seen_ns;      /* latest time of a call */
        int64_t              down_ns;      /* Redis, since; 0: it is not */
        int64_t              asked_ns;     /* the last call while down */
        uint64_t             nodes;        /* last known to be alive */
        cigna_gcra_t         gateway;      /* this node's own, for outages */
        cigna_gcra_t         metadata;     /* this node's part */
    };
    uint8_t                  room[CIGNA_BUDGET_NODE_SIZE];
} cigna_budget_node_t;


/* of one server that tenants ask */

typedef union {
    struct {
        uint64_t             sum;          /* of what follows */
        int64_t              seen_ns;      /* latest time of a call */
        uint64_t             key;          /* hash of the origin; 0: free */
        uint64_t             pauses;       /* that began here */
        cigna_budget_hold_t  all;
    };
    uint8_t                  room[CIGNA_BUDGET_ORIGIN_SIZE];
} cigna_budget_origin_t;


/* origins of which nobody is held back give way to others, if there are more */

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

        int64_t              refused_ns;   /* until then hardly anybody asks */
        uint64_t             by;           /* ... since this refused */

        uint64_t             call;         /* number of the last call */
        int64_t              asked_ns;     /* when that was */
        int64_t              before_ns;    /* ... and the one before */
        uint64_t             under_way;    /* 1: its end is not known */
        int64_t              pid;          /* whose it is */

        /* requests of this window, and a moving average times 256 */
        int64_t              window_ns;
        uint64_t             count;
        uint64_t             demand;

        /* what calls ask for beside that, and before which of the last ones
           somebody had to wait: a bit each, the lowest one of the next */
        uint64_t             extra;
        uint64_t             scarce;

        cigna_gcra_t         tenant;       /* this node's own, for outages */
        cigna_gcra_t         minimum;
        cigna_gcra_t         metadata;     /* this node's part */
        uint64_t             origin;       /* key of the one that asked: */
        cigna_budget_hold_t  own;
    };
    uint8_t                  room[CIGNA_BUDGET_TENANT_SIZE];
} cigna_budget_tenant_t;


typedef struct cigna_budget_members_s  cigna_budget_members_t;


/*
 * A table in mem, which is zeroed or was such a table of the same size before.
 * 24 bytes a member, so 64 KB have room for 2,700.  Where there is none the
 * member gives way that could send soonest: it starts anew with a full burst.
 * NULL: size is less than CIGNA_BUDGET_MEMBERS_MIN.
 */

#define CIGNA_BUDGET_MEMBERS_MIN  1024     /* bytes */

cigna_budget_members_t *cigna_budget_members_open(void *mem, size_t size);


/*
 * The origin's place in the table, which is made if there is none.  key: never
 * 0.  Good until the caller's lock is given back.
 */
cigna_budget_origin_t *cigna_budget_origin(cigna_budget_origins_t *origins,
    uint64_t key, int64_t now_ns);

/* it, or NULL: there is none */
const cigna_budget_origin_t *cigna_budget_origin_known(
    const cigna_budget_origins_t *origins, uint64_t key);


/* instead of a member: the request is for metadata */

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
    int                       (*alive)(int32_t pid);   /* is another process
                                              there?  NULL: always; asked only
                                              when its call is late */
} cigna_budget_t;


typedef enum {
    cigna_budget_granted = 0,
    cigna_budget_waiting,
    cigna_budget_refused
} cigna_budget_rc_e;


typedef struct {
    cigna_budget_rc_e  rc;

    /*
     * What refused.  Of granted ones: what would have, but for its dry_run;
     * none otherwise
     */
    cigna_budget_by_e  by;

    /*
     * Of waiting ones: decide again after so many ms at most.  Of refused ones
     * when the next one may be granted, 1..; Retry-After is this in seconds,
     * rounded up.  A request with delay= decides again then, with again = 1
     */
    int64_t            wait_ms;

    uint64_t           call;               /* > 0: make a call of this number */
    int64_t            ask;                /* ... for so many, 0.. */

    unsigned           outage:1;           /* decided without Redis */
    unsigned           outage_began:1;     /* ... for the first time: log it */

    /* for cigna_budget_give_back() */
    unsigned           leased:1;
    unsigned           local:1;
    unsigned           member:1;
    unsigned           metadata:1;
    uint64_t           lease;
} cigna_budget_answer_t;


/*
 * One request.  waiting: how many requests of this tenant wait in the caller's
 * worker, this one included (so 1..), which is what a call asks for.  again: 1
 * if it was asked for this request before, which then does not count as demand
 * once more.
 *
 * The member's bucket and the tenant's lease are asked in one go: only
 * "granted" charges, and then both.
 */
void cigna_budget_decide(const cigna_budget_t *b, unsigned waiting, int again,
    cigna_budget_answer_t *a);

/*
 * The reply to call number "call".  Returns 1 if Redis was down and is not any
 * more (log it), else 0.  want: what was asked for.  A reply that does not
 * parse is to be taken for a failure, see there.
 */
int cigna_budget_leased(const cigna_budget_t *b, uint64_t call, int64_t want,
    const cigna_budget_lease_reply_t *r);

/*
 * The call failed, or could not be sent.  Returns 1 if that begins an outage
 * (log it), else 0.
 */
int cigna_budget_failed(const cigna_budget_t *b, uint64_t call);

/*
 * A request that was granted and whose connection to the upstream nginx has
 * not begun to make.  Its credit is lost if the lease is over.
 */
void cigna_budget_give_back(const cigna_budget_t *b,
    const cigna_budget_answer_t *a);

/*
 * One more attempt of a request that was granted, made by nginx or by a
 * replay: charged in any case, and paid by those who come after.
 */
void cigna_budget_charge_after(const cigna_budget_t *b);

/*
 * The upstream asked to be left alone: 429 (scope own) or 503 with Retry-After
 * (scope all, which is all tenants of the origin).  Takes effect on this node
 * at once, and voids what it has on lease.  CIGNA_OK: the fleet is to be told,
 * by budget_pause with the same values.  CIGNA_NONE: it knows.  *began says
 * whether a new pause began (to be counted and logged), or one was prolonged.
 */
int cigna_budget_held_back(const cigna_budget_t *b,
    const cigna_budget_cause_t *cause, int *began);

/* the reply of budget_pause: what is left of the pause, in ms */
void cigna_budget_paused(const cigna_budget_t *b, cigna_budget_scope_e scope,
    int64_t left_ms);

/* a glance for the status page: ms of the pause left, and its scope; 0: none */
int64_t cigna_budget_pause_ms(const cigna_budget_t *b,
    cigna_budget_scope_e *scope);


#endif /* _CIGNA_BUDGET_H_INCLUDED_ */
