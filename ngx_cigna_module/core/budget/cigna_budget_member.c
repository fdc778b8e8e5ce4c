
/*
 * The members' buckets are in a set-associative table.  Its entries need no
 * checksum.  If a worker dies while it writes a bucket, only one member's
 * requests are miscounted, until the bucket is empty.  While a place changes
 * from one member to another, it belongs to neither.
 */


#include <string.h>

#include "cigna_budget_member.h"


#define CIGNA_BUDGET_SET  4                /* places where a member may be */


typedef struct {
    uint64_t                member;        /* 0: the place is free */
    cigna_gcra_t            bucket;
} cigna_budget_member_t;


struct cigna_budget_members_s {
    uint64_t                n;             /* number of sets of CIGNA_BUDGET_SET
                                              places */
    uint64_t                unused;
    cigna_budget_member_t   members[];
};


static int cigna_budget_counted(const cigna_budget_t *b);
static cigna_budget_member_t *cigna_budget_place(const cigna_budget_t *b,
    int make);
static int64_t cigna_budget_member_end(const cigna_budget_member_t *m,
    int64_t now_ns);


cigna_budget_members_t *
cigna_budget_members_init(void *mem, size_t size)
{
    uint64_t                 n;
    cigna_budget_members_t  *t = mem;

    if (size < CIGNA_BUDGET_MEMBERS_MIN) {
        return NULL;
    }

    n = (size - sizeof(cigna_budget_members_t))
        / (CIGNA_BUDGET_SET * sizeof(cigna_budget_member_t));

    if (t->n != n) {
        memset(mem, 0, size);
        t->n = n;
    }

    return t;
}


int64_t
cigna_budget_member_wait_ns(const cigna_budget_t *b)
{
    cigna_gcra_t            bucket;
    cigna_budget_member_t  *m;

    if (!cigna_budget_counted(b)) {
        return 0;
    }

    m = cigna_budget_place(b, 0);

    if (m == NULL) {
        return 0;
    }

    bucket = m->bucket;
    cigna_gcra_drain(&bucket, 2 * b->plan->member.span_ns, b->now_ns);

    return cigna_gcra_wait_ns(&bucket, &b->plan->member);
}


void
cigna_budget_member_charge(const cigna_budget_t *b, int64_t n)
{
    cigna_budget_member_t  *m;

    if (!cigna_budget_counted(b)) {
        return;
    }

    m = cigna_budget_place(b, n > 0);

    if (m) {
        cigna_gcra_drain(&m->bucket, 2 * b->plan->member.span_ns, b->now_ns);
        cigna_gcra_charge(&m->bucket, &b->plan->member, n);
    }
}


static int
cigna_budget_counted(const cigna_budget_t *b)
{
    return b->members && b->members->n && b->member
           && b->plan->member.every_ns;
}


/*
 * Finds the member's place.  If the member has none, returns NULL, or, if
 * "make" is 1, gives the member a free place, or else the place of the member
 * whose bucket is empty soonest.
 */

static cigna_budget_member_t *
cigna_budget_place(const cigna_budget_t *b, int make)
{
    unsigned                i;
    cigna_budget_member_t  *set, *m;

    set = &b->members->members[b->member % b->members->n * CIGNA_BUDGET_SET];
    m = set;

    for (i = 0; i < CIGNA_BUDGET_SET; i++) {

        if (set[i].member == b->member) {
            return &set[i];
        }

        if (cigna_budget_member_end(&set[i], b->now_ns)
            < cigna_budget_member_end(m, b->now_ns))
        {
            m = &set[i];
        }
    }

    if (!make) {
        return NULL;
    }

    m->member = 0;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);

    m->bucket.level_ns = 0;
    m->bucket.at_ns = b->now_ns;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);

    m->member = b->member;

    return m;
}


/* ns until the member's bucket is empty; -1: the place is free */

static int64_t
cigna_budget_member_end(const cigna_budget_member_t *m, int64_t now_ns)
{
    cigna_gcra_t  bucket;

    if (m->member == 0) {
        return -1;
    }

    bucket = m->bucket;
    cigna_gcra_drain(&bucket, INT64_MAX, now_ns);

    return bucket.level_ns;
}
