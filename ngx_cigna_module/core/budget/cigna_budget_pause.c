
#include "cigna_budget_pause.h"


int
cigna_budget_pause_ask(const cigna_budget_t *from,
    const cigna_budget_cause_t *cause, int *began)
{
    int64_t         left_ns;
    cigna_pause_t  *p;
    cigna_budget_t  b;

    cigna_budget_slot_open(from, &b);

    p = cigna_budget_pause_of(&b, cause->scope);
    left_ns = cigna_pause_left_ns(p, b.now_ns);
    *began = left_ns == 0;

    b.origin->pauses += (uint64_t) *began;

    (void) cigna_pause_ask(p, cause->retry_after_ms, cause->jitter, b.now_ns);

    if (!b.plan->gateway_dry) {
        cigna_budget_slot_void(b.tenant);
    }

    left_ns = cigna_pause_left_ns(p, b.now_ns) - left_ns;

    cigna_budget_slot_close(&b);

    return left_ns > 0 ? CIGNA_OK : CIGNA_NONE;
}


void
cigna_budget_pause_learn(const cigna_budget_t *from, cigna_budget_scope_e scope,
    int64_t left_ms)
{
    cigna_budget_t  b;

    cigna_budget_slot_open(from, &b);

    cigna_pause_learn(cigna_budget_pause_of(&b, scope),
                      left_ms * CIGNA_RATE_MS, b.now_ns);

    cigna_budget_slot_close(&b);
}


int64_t
cigna_budget_pause_left_ms(const cigna_budget_t *from)
{
    int64_t               ns;
    cigna_budget_t        b;
    cigna_budget_scope_e  scope;

    cigna_budget_slot_open(from, &b);

    ns = cigna_budget_pause_left_ns(&b, &scope);

    cigna_budget_slot_close(&b);

    return (ns + CIGNA_RATE_MS - 1) / CIGNA_RATE_MS;
}


cigna_pause_t *
cigna_budget_pause_of(const cigna_budget_t *b, cigna_budget_scope_e scope)
{
    return scope == cigna_budget_scope_all ? &b->origin->all
                                           : &b->tenant->own;
}


int64_t
cigna_budget_pause_left_ns(const cigna_budget_t *b, cigna_budget_scope_e *scope)
{
    int64_t  all, own;

    all = cigna_pause_left_ns(&b->origin->all, b->now_ns);
    own = cigna_pause_left_ns(&b->tenant->own, b->now_ns);

    *scope = all >= own ? cigna_budget_scope_all : cigna_budget_scope_own;

    return all >= own ? all : own;
}
