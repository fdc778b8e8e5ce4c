
#include "cigna_brake.h"


void
cigna_brake_add(cigna_brake_t *b, int64_t now_ms, int refused)
{
    int64_t                minute;
    cigna_brake_minute_t  *m;

    minute = now_ms / 60000;
    m = &b->minutes[minute % CIGNA_BRAKE_MINUTES];

    if (m->minute != minute) {
        m->minute = minute;
        m->all = 0;
        m->refused = 0;
    }

    m->all++;
    m->refused += refused ? 1 : 0;
}


int
cigna_brake_holds(const cigna_brake_t *b, int64_t now_ms, unsigned percent)
{
    int64_t                      minute;
    uint64_t                     all, refused;
    unsigned                     i;
    const cigna_brake_minute_t  *m;

    minute = now_ms / 60000;
    all = 0;
    refused = 0;

    for (i = 0; i < CIGNA_BRAKE_MINUTES; i++) {
        m = &b->minutes[i];

        if (minute - m->minute < CIGNA_BRAKE_MINUTES) {
            all += m->all;
            refused += m->refused;
        }
    }

    return all >= CIGNA_BRAKE_FEWEST && refused * 100 > all * percent;
}
