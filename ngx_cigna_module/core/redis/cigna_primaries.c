
#include "cigna_primaries.h"


static cigna_primary_t *cigna_primaries_place(cigna_primaries_t *p,
    uint64_t primary);


int64_t
cigna_primaries_meet(cigna_primaries_t *p, uint64_t primary, int64_t age_ms,
    uint64_t now_ms)
{
    uint64_t          age;
    cigna_primary_t  *place;

    age = (uint64_t) age_ms;
    place = cigna_primaries_place(p, primary);

    if (place->primary == primary && place->since_ms <= now_ms
        && now_ms - place->since_ms > age)
    {
        age = now_ms - place->since_ms;
    }

    /*
     * If the worker dies before the end of this function, the place is free.
     * It never has one primary's number and another one's times.
     */

    place->primary = 0;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);

    place->since_ms = age < now_ms ? now_ms - age : 0;
    place->met_ms = now_ms;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);

    place->primary = primary;

    return (int64_t) age;
}


/*
 * Finds a place for a primary: the place that it has, or a free place, or the
 * place of the primary with the smallest met_ms.
 */

static cigna_primary_t *
cigna_primaries_place(cigna_primaries_t *p, uint64_t primary)
{
    unsigned          i;
    cigna_primary_t  *place, *q;

    place = &p->places[0];

    for (i = 0; i < CIGNA_PRIMARIES; i++) {
        q = &p->places[i];

        if (q->primary == primary) {
            return q;
        }

        if (place->primary
            && (q->primary == 0 || q->met_ms < place->met_ms))
        {
            place = q;
        }
    }

    return place;
}
