
#ifndef _CIGNA_BRAKE_H_INCLUDED_
#define _CIGNA_BRAKE_H_INCLUDED_


#include <stdint.h>


/*
 * How many of a tenant's refreshes were refused with invalid_grant lately.
 * Too many of them are not the members' doing but ours or the provider's: then
 * no grant is to be given up.  Pointer-free and all zero at first; calls are
 * made under a lock of the caller's, with times of a clock that never steps
 * back.
 */

#define CIGNA_BRAKE_MINUTES   10
#define CIGNA_BRAKE_FEWEST    10           /* refreshes that tell something */


typedef struct {
    int64_t     minute;
    uint32_t    all;
    uint32_t    refused;
} cigna_brake_minute_t;


typedef struct {
    cigna_brake_minute_t  minutes[CIGNA_BRAKE_MINUTES];
} cigna_brake_t;


/* a refresh was answered, by new tokens or by invalid_grant */
void cigna_brake_add(cigna_brake_t *b, int64_t now_ms, int refused);

/* 1 if the share of refused ones is above so many per cent */
int cigna_brake_holds(const cigna_brake_t *b, int64_t now_ms,
    unsigned percent);


#endif /* _CIGNA_BRAKE_H_INCLUDED_ */
