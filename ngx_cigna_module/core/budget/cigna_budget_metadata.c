
#include "cigna_budget_local.h"
#include "cigna_budget_metadata.h"


static int64_t cigna_budget_metadata_pay(const cigna_budget_t *b, int64_t n);


int64_t
cigna_budget_metadata_wait_ns(const cigna_budget_t *b)
{
    return cigna_budget_metadata_pay(b, 0);
}


void
cigna_budget_metadata_charge(const cigna_budget_t *b, int64_t n)
{
    (void) cigna_budget_metadata_pay(b, n);
}


static int64_t
cigna_budget_metadata_pay(const cigna_budget_t *b, int64_t n)
{
    int64_t  all_ns, own_ns;

    all_ns = cigna_budget_local_pay(b, &b->node->metadata,
                                    &b->plan->metadata_all, n);
    own_ns = cigna_budget_local_pay(b, &b->tenant->metadata,
                                    &b->plan->metadata, n);

    return all_ns > own_ns ? all_ns : own_ns;
}
