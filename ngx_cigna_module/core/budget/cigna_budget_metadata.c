
#include "cigna_budget_metadata.h"
#include "cigna_budget_slot.h"


static int64_t cigna_budget_metadata_of(cigna_gcra_t *bucket,
    const cigna_gcra_limit_t *limit, const cigna_budget_t *b, int64_t n);


int64_t
cigna_budget_metadata_wait_ns(const cigna_budget_t *b)
{
    int64_t  all, own;

    all = cigna_budget_metadata_of(&b->node->metadata,
                                   &b->plan->metadata_all, b, 0);
    own = cigna_budget_metadata_of(&b->tenant->metadata, &b->plan->metadata,
                                   b, 0);

    return all > own ? all : own;
}


void
cigna_budget_metadata_charge(const cigna_budget_t *b, int64_t n)
{
    (void) cigna_budget_metadata_of(&b->node->metadata,
                                    &b->plan->metadata_all, b, n);
    (void) cigna_budget_metadata_of(&b->tenant->metadata, &b->plan->metadata,
                                    b, n);
}


static int64_t
cigna_budget_metadata_of(cigna_gcra_t *bucket, const cigna_gcra_limit_t *limit,
    const cigna_budget_t *b, int64_t n)
{
    cigna_gcra_limit_t  l;

    if (limit->every_ns == 0) {
        return 0;
    }

    l.every_ns = limit->every_ns * cigna_budget_slot_share(b);
    l.span_ns = limit->span_ns > l.every_ns ? limit->span_ns : l.every_ns;

    cigna_gcra_drain(bucket, 2 * l.span_ns, b->now_ns);
    cigna_gcra_charge(bucket, &l, n);

    return cigna_gcra_wait_ns(bucket, &l);
}
