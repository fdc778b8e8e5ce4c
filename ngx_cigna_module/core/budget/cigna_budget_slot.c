
#include <stddef.h>
#include <string.h>

#include "cigna_budget_slot.h"


/* the clocks of two workers differ by less than this */

#define CIGNA_BUDGET_STEP_NS  INT64_C(1000000000)

/* after this many windows (lease_ns each) without a request, demand is 0 */

#define CIGNA_BUDGET_IDLE     16


/* the used bytes of a struct in shared memory: up to the end of "last" */

#define cigna_budget_used(type, last)                                         \
    (offsetof(type, last) + sizeof(((type *) 0)->last))

#define CIGNA_BUDGET_NODE_USED                                                \
    cigna_budget_used(cigna_budget_node_t, metadata)

#define CIGNA_BUDGET_ORIGIN_USED                                              \
    cigna_budget_used(cigna_budget_origin_t, all)

#define CIGNA_BUDGET_TENANT_USED                                              \
    cigna_budget_used(cigna_budget_tenant_t, own)

_Static_assert(sizeof(cigna_budget_node_t) == CIGNA_BUDGET_NODE_SIZE,
               "a slot is too small");
_Static_assert(sizeof(cigna_budget_origin_t) == CIGNA_BUDGET_ORIGIN_SIZE,
               "a slot is too small");
_Static_assert(sizeof(cigna_budget_tenant_t) == CIGNA_BUDGET_TENANT_SIZE,
               "a slot is too small");


static void cigna_budget_slot_clock(cigna_budget_t *b);
static int64_t cigna_budget_slot_now(int64_t *seen_ns, int64_t *now_ns);
static uint64_t cigna_budget_sum(const void *slot, size_t size);


void
cigna_budget_slot_open(const cigna_budget_t *from, cigna_budget_t *b)
{
    cigna_budget_node_t    *n;
    cigna_budget_origin_t  *o;
    cigna_budget_tenant_t  *t;

    *b = *from;
    n = b->node;
    o = b->origin;
    t = b->tenant;

    if (n->sum != cigna_budget_sum(n, CIGNA_BUDGET_NODE_USED)) {
        memset(n, 0, sizeof(cigna_budget_node_t));
    }

    if (t->sum != cigna_budget_sum(t, CIGNA_BUDGET_TENANT_USED)) {
        memset(t, 0, sizeof(cigna_budget_tenant_t));
    }

    if (o->sum != cigna_budget_sum(o, CIGNA_BUDGET_ORIGIN_USED)) {
        *o = (cigna_budget_origin_t) { .key = o->key };
    }

    if (t->origin != o->key) {
        t->origin = o->key;
        t->own = (cigna_pause_t) { 0 };
    }

    cigna_budget_slot_clock(b);
}


/* handles a step back of the clock; cigna_pause.c does so for pauses */

static void
cigna_budget_slot_clock(cigna_budget_t *b)
{
    int64_t                 back;
    cigna_budget_node_t    *n = b->node;
    cigna_budget_tenant_t  *t = b->tenant;

    back = cigna_budget_slot_now(&n->seen_ns, &b->now_ns);

    if (back) {
        n->down_ns = n->down_ns ? b->now_ns : 0;
        n->asked_ns -= back;
    }

    back = cigna_budget_slot_now(&t->seen_ns, &b->now_ns);

    if (back) {
        t->expiry_ns -= back;
        t->refused_ns -= back;
        t->asked_ns -= back;
        t->before_ns -= back;
        t->window_ns -= back;
    }

    b->origin->seen_ns = b->now_ns;
}


cigna_budget_origin_t *
cigna_budget_origin(cigna_budget_origins_t *origins, uint64_t key,
    int64_t now_ns)
{
    unsigned                i;
    int64_t                 left_ns, least_ns;
    cigna_budget_origin_t  *o, *worst;

    worst = NULL;
    least_ns = 0;

    for (i = 0; i < CIGNA_BUDGET_ORIGINS; i++) {
        o = &origins->origins[i];

        if (o->key == key) {
            return o;
        }

        left_ns = o->key ? 1 + cigna_pause_left_ns(&o->all, now_ns) : 0;

        if (worst == NULL
            || left_ns < least_ns
            || (left_ns == least_ns && o->seen_ns < worst->seen_ns))
        {
            worst = o;
            least_ns = left_ns;
        }
    }

    *worst = (cigna_budget_origin_t) { .key = key };
    worst->sum = cigna_budget_sum(worst, CIGNA_BUDGET_ORIGIN_USED);

    return worst;
}


const cigna_budget_origin_t *
cigna_budget_origin_known(const cigna_budget_origins_t *origins, uint64_t key)
{
    unsigned                      i;
    const cigna_budget_origin_t  *o;

    for (i = 0; i < CIGNA_BUDGET_ORIGINS; i++) {
        o = &origins->origins[i];

        if (o->key == key
            && o->sum == cigna_budget_sum(o, CIGNA_BUDGET_ORIGIN_USED))
        {
            return o;
        }
    }

    return NULL;
}


/*
 * Returns the ns by which *now_ns, the clock, is behind *seen_ns, its latest
 * time; 0: it is not behind.  If it is behind by less than
 * CIGNA_BUDGET_STEP_NS, sets *now_ns to *seen_ns and returns 0.  Otherwise sets
 * *seen_ns to *now_ns.
 */

static int64_t
cigna_budget_slot_now(int64_t *seen_ns, int64_t *now_ns)
{
    int64_t  back;

    back = 0;

    if (*now_ns < *seen_ns) {

        if (*seen_ns - *now_ns < CIGNA_BUDGET_STEP_NS) {
            *now_ns = *seen_ns;

        } else {
            back = *seen_ns - *now_ns;
        }
    }

    *seen_ns = *now_ns;

    return back;
}


void
cigna_budget_slot_close(const cigna_budget_t *b)
{
    b->node->sum = cigna_budget_sum(b->node, CIGNA_BUDGET_NODE_USED);
    b->origin->sum = cigna_budget_sum(b->origin, CIGNA_BUDGET_ORIGIN_USED);
    b->tenant->sum = cigna_budget_sum(b->tenant, CIGNA_BUDGET_TENANT_USED);
}


/* a slot that is all zero has the sum 0 */

static uint64_t
cigna_budget_sum(const void *slot, size_t size)
{
    size_t           i;
    uint64_t         h;
    const uint64_t  *word = slot;

    h = 0;

    for (i = 1; i < size / sizeof(uint64_t); i++) {
        h = (h << 29 | h >> 35) ^ word[i];
        h *= UINT64_C(0x9e3779b97f4a7c15);
    }

    return h;
}


void
cigna_budget_slot_count(const cigna_budget_t *b)
{
    int64_t                 n;
    cigna_budget_tenant_t  *t = b->tenant;

    if (b->now_ns < t->window_ns) {
        t->window_ns = b->now_ns;
    }

    n = (b->now_ns - t->window_ns) / b->plan->lease_ns;

    if (n > 0) {
        t->demand = (3 * t->demand + t->count * 256) / 4;
        t->demand = n > CIGNA_BUDGET_IDLE ? 0 : t->demand >> (n - 1);
        t->count = 0;
        t->window_ns += n * b->plan->lease_ns;
    }

    t->count++;
}


void
cigna_budget_slot_void(cigna_budget_tenant_t *t)
{
    t->credits = t->credits < 0 ? t->credits : 0;
    t->gateway_dry = 0;
    t->tenant_dry = 0;
    t->lease++;
}


unsigned
cigna_budget_slot_share(const cigna_budget_t *b)
{
    return b->node->nodes > 1 ? (unsigned) b->node->nodes : 1;
}
