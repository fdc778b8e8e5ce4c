
#include "ngx_cigna_pace.h"


#define NGX_CIGNA_PACE_BITS   16
#define NGX_CIGNA_PACE_MASK   ((1 << NGX_CIGNA_PACE_BITS) - 1)

#define NGX_CIGNA_PACE_SPREAD    200       /* ms, of those who wait */
#define NGX_CIGNA_PACE_ALARM     60000


struct ngx_cigna_pace_s {
    /* a second, and in the low bits how many requests were made in it */
    ngx_atomic_t        requests;

    ngx_atomic_t        paused_until;
    ngx_atomic_t        alarm_after;
    cigna_brake_t       brake;
};


#define NGX_CIGNA_PACE_SLOT                                                   \
    (NGX_CIGNA_ZONE_PACES / NGX_CIGNA_TENANTS_MAX)

_Static_assert(sizeof(ngx_cigna_pace_t) <= NGX_CIGNA_PACE_SLOT,
               "a slot is too small");


static ngx_atomic_uint_t ngx_cigna_pace_second(void);
static void ngx_cigna_pace_extend(ngx_atomic_t *until, ngx_msec_t ms);
static ngx_msec_t ngx_cigna_pace_left(ngx_atomic_uint_t until);
static ngx_cigna_zone_cooling_t *ngx_cigna_pace_place(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key, uint64_t *tag);


ngx_cigna_pace_t *
ngx_cigna_pace(ngx_shm_zone_t *zone, ngx_cigna_counters_t *counters)
{
    if (counters == NULL) {
        return NULL;
    }

    return (ngx_cigna_pace_t *) (ngx_cigna_zone_fixed(zone)->paces
                                 + ngx_cigna_counters_slot(zone, counters)
                                   * NGX_CIGNA_PACE_SLOT);
}


ngx_int_t
ngx_cigna_pace_take(ngx_cigna_pace_t *pace, ngx_uint_t rate, ngx_msec_t *wait)
{
    ngx_atomic_uint_t  old, second, made;

    if (pace == NULL) {
        return NGX_OK;
    }

    rate = ngx_min(rate, NGX_CIGNA_PACE_MASK);
    second = ngx_cigna_pace_second();

    do {
        old = pace->requests;
        made = (old & ~(ngx_atomic_uint_t) NGX_CIGNA_PACE_MASK) == second
               ? old & NGX_CIGNA_PACE_MASK : 0;

        if (made >= rate) {
            *wait = 1000 - ngx_current_msec % 1000
                    + ngx_random() % NGX_CIGNA_PACE_SPREAD;
            return NGX_BUSY;
        }

    } while (!ngx_atomic_cmp_set(&pace->requests, old, second | (made + 1)));

    return NGX_OK;
}


void
ngx_cigna_pace_charge(ngx_cigna_pace_t *pace)
{
    ngx_msec_t  wait;

    (void) ngx_cigna_pace_take(pace, NGX_CIGNA_PACE_MASK, &wait);
}


ngx_uint_t
ngx_cigna_pace_spent(ngx_cigna_pace_t *pace, ngx_uint_t rate)
{
    ngx_atomic_uint_t  old;

    if (pace == NULL) {
        return 0;
    }

    old = pace->requests;

    return (old & ~(ngx_atomic_uint_t) NGX_CIGNA_PACE_MASK)
           == ngx_cigna_pace_second()
           && (old & NGX_CIGNA_PACE_MASK) >= rate;
}


static ngx_atomic_uint_t
ngx_cigna_pace_second(void)
{
    return (ngx_atomic_uint_t) (ngx_current_msec / 1000)
           << NGX_CIGNA_PACE_BITS;
}


void
ngx_cigna_pace_pause(ngx_cigna_pace_t *pace, ngx_msec_t ms)
{
    if (pace) {
        ngx_cigna_pace_extend(&pace->paused_until, ms);
    }
}


ngx_msec_t
ngx_cigna_pace_paused(ngx_cigna_pace_t *pace)
{
    return pace ? ngx_cigna_pace_left(pace->paused_until) : 0;
}


static void
ngx_cigna_pace_extend(ngx_atomic_t *until, ngx_msec_t ms)
{
    ngx_atomic_uint_t  old;

    do {
        old = *until;

        if (ngx_cigna_pace_left(old) >= ms) {
            return;
        }

    } while (!ngx_atomic_cmp_set(until, old, ngx_current_msec + ms));
}


static ngx_msec_t
ngx_cigna_pace_left(ngx_atomic_uint_t until)
{
    return until > ngx_current_msec ? until - ngx_current_msec : 0;
}


void
ngx_cigna_pace_answered(ngx_shm_zone_t *zone, ngx_cigna_pace_t *pace,
    ngx_uint_t refused)
{
    if (pace == NULL) {
        return;
    }

    (void) ngx_cigna_zone_lock(zone);

    cigna_brake_add(&pace->brake, ngx_current_msec, refused);

    ngx_cigna_zone_unlock(zone);
}


ngx_uint_t
ngx_cigna_pace_holds(ngx_shm_zone_t *zone, ngx_cigna_pace_t *pace,
    ngx_uint_t percent)
{
    ngx_uint_t  holds;

    if (pace == NULL) {
        return 0;
    }

    (void) ngx_cigna_zone_lock(zone);

    holds = cigna_brake_holds(&pace->brake, ngx_current_msec, percent);

    ngx_cigna_zone_unlock(zone);

    return holds;
}


ngx_uint_t
ngx_cigna_pace_alarm(ngx_cigna_pace_t *pace)
{
    ngx_atomic_uint_t  after;

    if (pace == NULL) {
        return 1;
    }

    after = pace->alarm_after;

    return ngx_cigna_pace_left(after) == 0
           && ngx_atomic_cmp_set(&pace->alarm_after, after,
                                 ngx_current_msec + NGX_CIGNA_PACE_ALARM);
}


void
ngx_cigna_pace_cool(ngx_shm_zone_t *zone, const ngx_cigna_cache_key_t *key,
    ngx_msec_t ms)
{
    uint64_t                   tag;
    ngx_cigna_zone_cooling_t  *place;

    place = ngx_cigna_pace_place(zone, key, &tag);

    (void) ngx_cigna_zone_lock(zone);

    place->tag = tag;
    place->until_ms = ngx_current_msec + ms;

    ngx_cigna_zone_unlock(zone);
}


ngx_msec_t
ngx_cigna_pace_cooling(ngx_shm_zone_t *zone, const ngx_cigna_cache_key_t *key)
{
    uint64_t                   tag;
    ngx_msec_t                 left;
    ngx_cigna_zone_cooling_t  *place;

    place = ngx_cigna_pace_place(zone, key, &tag);

    (void) ngx_cigna_zone_lock(zone);

    left = place->tag == tag ? ngx_cigna_pace_left(place->until_ms) : 0;

    ngx_cigna_zone_unlock(zone);

    return left;
}


/* who comes to an occupied place takes it: the other one cools down less */

static ngx_cigna_zone_cooling_t *
ngx_cigna_pace_place(ngx_shm_zone_t *zone, const ngx_cigna_cache_key_t *key,
    uint64_t *tag)
{
    ngx_memcpy(tag, key->bytes, sizeof(*tag));

    return &ngx_cigna_zone_fixed(zone)->cooling[*tag % NGX_CIGNA_ZONE_COOLING];
}


void
ngx_cigna_pace_be_quiet(ngx_shm_zone_t *zone, ngx_msec_t ms)
{
    ngx_cigna_pace_extend(&ngx_cigna_zone_fixed(zone)->quiet_until_ms, ms);
}


ngx_msec_t
ngx_cigna_pace_quiet(ngx_shm_zone_t *zone)
{
    return ngx_cigna_pace_left(ngx_cigna_zone_fixed(zone)->quiet_until_ms);
}


int64_t
ngx_cigna_pace_primary(ngx_shm_zone_t *zone, uint64_t primary, int64_t age_ms)
{
    if (primary == 0 || age_ms < 0 || age_ms == INT64_MAX) {
        return age_ms;
    }

    (void) ngx_cigna_zone_lock(zone);

    age_ms = cigna_primaries_meet(&ngx_cigna_zone_fixed(zone)->primaries,
                                  primary, age_ms, ngx_current_msec);

    ngx_cigna_zone_unlock(zone);

    return age_ms;
}
