
#include "cigna_gcra.h"


void
cigna_gcra_drain(cigna_gcra_t *b, int64_t max_ns, int64_t now_ns)
{
    uint64_t  gone;

    if (b->level_ns > max_ns) {
        b->level_ns = max_ns;
    }

    if (b->level_ns < 0) {
        b->level_ns = 0;
    }

    if (now_ns > b->at_ns) {
        gone = (uint64_t) now_ns - (uint64_t) b->at_ns;

        b->level_ns = gone < (uint64_t) b->level_ns
                      ? b->level_ns - (int64_t) gone : 0;
    }

    b->at_ns = now_ns;
}


int64_t
cigna_gcra_room(const cigna_gcra_t *b, const cigna_gcra_limit_t *l, int64_t n)
{
    int64_t  room;

    if (l->every_ns == 0) {
        return n;
    }

    if (b->level_ns >= l->span_ns) {
        return 0;
    }

    room = (l->span_ns - b->level_ns) / l->every_ns;

    return room < n ? room : n;
}


void
cigna_gcra_charge(cigna_gcra_t *b, const cigna_gcra_limit_t *l, int64_t n)
{
    int64_t  ns;

    if (__builtin_mul_overflow(n, l->every_ns, &ns)
        || __builtin_add_overflow(b->level_ns, ns, &b->level_ns))
    {
        b->level_ns = n < 0 ? 0 : INT64_MAX;
    }

    if (b->level_ns < 0) {
        b->level_ns = 0;
    }
}


int64_t
cigna_gcra_wait_ns(const cigna_gcra_t *b, const cigna_gcra_limit_t *l)
{
    int64_t  over;

    if (l->every_ns == 0) {
        return 0;
    }

    over = b->level_ns - (l->span_ns - l->every_ns);

    return over > 0 ? over : 0;
}
