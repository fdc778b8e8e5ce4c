
#include "ngx_cigna_refresh_gate.h"
#include "ngx_cigna_counters.h"


/* times in ms */

#define NGX_CIGNA_REFRESH_GATE_SPREAD     200      /* random part of a wait for
                                                      the next second */
#define NGX_CIGNA_REFRESH_GATE_ALARM      60000    /* least time between two log
                                                      lines of a state */

#define NGX_CIGNA_REFRESH_GATE_COOL       2000     /* the first cool-down after
                                                      a failure */
#define NGX_CIGNA_REFRESH_GATE_COOL_MAX   60000
#define NGX_CIGNA_REFRESH_GATE_JITTER     1000     /* random part of each
                                                      cool-down */
#define NGX_CIGNA_REFRESH_GATE_ROW        600000   /* so long after a cool-down,
                                                      failures count from 0
                                                      again */

#define NGX_CIGNA_REFRESH_GATE_PROBE      5000     /* between two probes */
#define NGX_CIGNA_REFRESH_GATE_PROBE_MAX  60000

/*
 * An origin is the scheme, host and port of a token endpoint.  It has one of
 * this many entries of the zone's table, which follow one another.  The hash of
 * the origin says which entry is the first.
 */

#define NGX_CIGNA_REFRESH_GATE_PLACES     4


struct ngx_cigna_refresh_gate_s {
    ngx_atomic_t          requests;        /* token requests in the last second
                                              that had any, and that second; see
                                              ngx_cigna_second_take() */
    ngx_atomic_t          paused_until;
    ngx_atomic_t          said_after[ngx_cigna_refresh_gate_doubting + 1];
                                           /* when the state may be logged
                                              again */
    cigna_refusal_rate_t  refusals;
};


_Static_assert(sizeof(ngx_cigna_refresh_gate_t) <= NGX_CIGNA_ROW_REFRESH_GATE,
               "a row is too small");


static void ngx_cigna_refresh_gate_extend(ngx_atomic_t *until, ngx_msec_t ms);
static ngx_msec_t ngx_cigna_refresh_gate_left(ngx_atomic_uint_t until);
static ngx_uint_t ngx_cigna_refresh_gate_says(ngx_cigna_refresh_gate_t *gate,
    ngx_cigna_refresh_gate_e state);
static ngx_msec_t ngx_cigna_refresh_gate_probe(ngx_cigna_zone_origin_t *origin);
static ngx_cigna_zone_origin_t *ngx_cigna_refresh_gate_origin(
    ngx_shm_zone_t *zone, cigna_slice_t url, ngx_uint_t create);
static uint64_t ngx_cigna_refresh_gate_origin_tag(cigna_slice_t url);
static void ngx_cigna_refresh_gate_since_epoch(int64_t *ms, int64_t behind_ms);
static ngx_cigna_zone_cooling_t *ngx_cigna_refresh_gate_place(
    ngx_shm_zone_t *zone, const ngx_cigna_cache_key_t *key, uint64_t *tag);


ngx_int_t
ngx_cigna_refresh_gate_take(ngx_cigna_refresh_gate_t *gate, ngx_uint_t rate,
    ngx_msec_t *wait)
{
    if (ngx_cigna_second_take(&gate->requests, rate, ngx_current_msec / 1000)
        == NGX_OK)
    {
        return NGX_OK;
    }

    *wait = 1000 - ngx_current_msec % 1000
            + ngx_random() % NGX_CIGNA_REFRESH_GATE_SPREAD;

    return NGX_BUSY;
}


void
ngx_cigna_refresh_gate_charge(ngx_cigna_refresh_gate_t *gate)
{
    (void) ngx_cigna_second_take(&gate->requests, NGX_CIGNA_SECOND_MAX,
                                 ngx_current_msec / 1000);
}


ngx_uint_t
ngx_cigna_refresh_gate_spent(ngx_cigna_refresh_gate_t *gate, ngx_uint_t rate)
{
    ngx_uint_t  made;

    made = ngx_cigna_second_taken(gate->requests, ngx_current_msec / 1000);

    return made && made >= rate;
}


void
ngx_cigna_refresh_gate_pause(ngx_cigna_refresh_gate_t *gate, ngx_msec_t ms)
{
    ngx_cigna_refresh_gate_extend(&gate->paused_until, ms);
}


ngx_msec_t
ngx_cigna_refresh_gate_paused(ngx_cigna_refresh_gate_t *gate)
{
    return ngx_cigna_refresh_gate_left(gate->paused_until);
}


static void
ngx_cigna_refresh_gate_extend(ngx_atomic_t *until, ngx_msec_t ms)
{
    ngx_atomic_uint_t  old;

    do {
        old = *until;

        if (ngx_cigna_refresh_gate_left(old) >= ms) {
            return;
        }

    } while (!ngx_atomic_cmp_set(until, old, ngx_current_msec + ms));
}


static ngx_msec_t
ngx_cigna_refresh_gate_left(ngx_atomic_uint_t until)
{
    return until > ngx_current_msec ? until - ngx_current_msec : 0;
}


ngx_cigna_refresh_gate_e
ngx_cigna_refresh_gate_answered(ngx_shm_zone_t *zone,
    ngx_cigna_refresh_gate_t *gate, const ngx_cigna_cache_key_t *key,
    cigna_answer_e answer, ngx_uint_t percent)
{
    uint64_t                   tag;
    ngx_cigna_refresh_gate_e   state;

    ngx_memcpy(&tag, key->bytes, sizeof(tag));

    ngx_cigna_zone_lock(zone);

    cigna_refusal_rate_answered(&gate->refusals, ngx_current_msec, answer, tag,
                                percent);

    state = gate->refusals.doubted ? ngx_cigna_refresh_gate_doubting
            : gate->refusals.on ? ngx_cigna_refresh_gate_failing
                                : ngx_cigna_refresh_gate_well;

    ngx_cigna_zone_unlock(zone);

    if (answer == cigna_answer_tokens || state == ngx_cigna_refresh_gate_well
        || !ngx_cigna_refresh_gate_says(gate, state))
    {
        return ngx_cigna_refresh_gate_well;
    }

    return state;
}


/*
 * Returns 1 if the state was not logged within the last minute.  The caller
 * must then log it.
 */

static ngx_uint_t
ngx_cigna_refresh_gate_says(ngx_cigna_refresh_gate_t *gate,
    ngx_cigna_refresh_gate_e state)
{
    ngx_atomic_uint_t  after;

    after = gate->said_after[state];

    return ngx_cigna_refresh_gate_left(after) == 0
           && ngx_atomic_cmp_set(&gate->said_after[state], after,
                                 ngx_current_msec
                                 + NGX_CIGNA_REFRESH_GATE_ALARM);
}


ngx_msec_t
ngx_cigna_refresh_gate_refusal_wait(ngx_shm_zone_t *zone,
    ngx_cigna_refresh_gate_t *gate)
{
    ngx_msec_t  rest;

    /* no lock here: ngx_cigna_refresh_gate_turn() locks and checks again */

    if (!gate->refusals.on) {
        return 0;
    }

    ngx_cigna_zone_lock(zone);

    rest = cigna_refusal_rate_rest(&gate->refusals, ngx_current_msec, 0);

    ngx_cigna_zone_unlock(zone);

    return rest;
}


ngx_int_t
ngx_cigna_refresh_gate_turn(ngx_shm_zone_t *zone,
    ngx_cigna_refresh_gate_t *gate, cigna_slice_t url, ngx_uint_t probe,
    ngx_cigna_turn_t *turn, ngx_msec_t *wait)
{
    ngx_cigna_zone_origin_t  *origin;

    ngx_memzero(turn, sizeof(ngx_cigna_turn_t));

    ngx_cigna_zone_lock(zone);

    *wait = cigna_refusal_rate_rest(&gate->refusals, ngx_current_msec, probe);

    if (*wait == 0 && probe) {
        origin = ngx_cigna_refresh_gate_origin(zone, url, 1);
        *wait = ngx_cigna_refresh_gate_probe(origin);
        turn->probe = 1;
    }

    if (*wait == 0) {
        turn->turn = cigna_refusal_rate_take(&gate->refusals, ngx_current_msec);
    }

    ngx_cigna_zone_unlock(zone);

    return *wait ? NGX_BUSY : NGX_OK;
}


/* returns ms until the next probe; 0: the caller's refresh is the probe */

static ngx_msec_t
ngx_cigna_refresh_gate_probe(ngx_cigna_zone_origin_t *origin)
{
    ngx_msec_t  left;

    left = ngx_cigna_refresh_gate_left(origin->probe_ms);

    if (left) {
        return left;
    }

    origin->pause_ms = ngx_max(2 * origin->pause_ms,
                               NGX_CIGNA_REFRESH_GATE_PROBE);
    origin->pause_ms = ngx_min(origin->pause_ms,
                               NGX_CIGNA_REFRESH_GATE_PROBE_MAX);
    origin->probe_ms = ngx_current_msec + origin->pause_ms;

    return 0;
}


/*
 * Returns the zone's entry for the origin of a URL.  If the zone has no such
 * entry, returns NULL, or, if create is 1, makes one.  Of the places in which
 * the entry may be, it takes a free one, or the one of the origin whose last
 * reply is oldest.
 */

static ngx_cigna_zone_origin_t *
ngx_cigna_refresh_gate_origin(ngx_shm_zone_t *zone, cigna_slice_t url,
    ngx_uint_t create)
{
    uint64_t                  tag;
    ngx_uint_t                i;
    ngx_cigna_zone_origin_t  *origin, *oldest;

    tag = ngx_cigna_refresh_gate_origin_tag(url);
    oldest = NULL;

    for (i = 0; i < NGX_CIGNA_REFRESH_GATE_PLACES; i++) {
        origin = &ngx_cigna_zone_fixed(zone)->origins[(tag + i)
                                                      % NGX_CIGNA_ZONE_ORIGINS];

        if (origin->tag == tag) {
            return origin;
        }

        if (oldest == NULL || origin->heard_ms < oldest->heard_ms) {
            oldest = origin;
        }
    }

    if (!create) {
        return NULL;
    }

    ngx_memzero(oldest, sizeof(ngx_cigna_zone_origin_t));
    oldest->tag = tag;

    return oldest;
}


/* returns a hash of the URL's scheme, host and port */

static uint64_t
ngx_cigna_refresh_gate_origin_tag(cigna_slice_t url)
{
    size_t  len;

    for (len = 0; len < url.len; len++) {
        if (url.data[len] == '/' && len >= sizeof("https://") - 1) {
            break;
        }
    }

    return (uint64_t) ngx_murmur_hash2((u_char *) url.data, len) << 32
           | ngx_crc32_long((u_char *) url.data, len);
}


void
ngx_cigna_refresh_gate_give_back(ngx_shm_zone_t *zone,
    ngx_cigna_refresh_gate_t *gate, cigna_slice_t url,
    const ngx_cigna_turn_t *turn)
{
    ngx_cigna_zone_origin_t  *origin;

    if (turn->turn == cigna_turn_free && !turn->probe) {
        return;
    }

    ngx_cigna_zone_lock(zone);

    cigna_refusal_rate_give_back(&gate->refusals, turn->turn);

    origin = turn->probe ? ngx_cigna_refresh_gate_origin(zone, url, 0) : NULL;

    if (origin) {
        origin->probe_ms = 0;
    }

    ngx_cigna_zone_unlock(zone);
}


void
ngx_cigna_refresh_gate_heard(ngx_shm_zone_t *zone, cigna_slice_t url)
{
    ngx_cigna_zone_origin_t  *origin;

    ngx_cigna_zone_lock(zone);

    origin = ngx_cigna_refresh_gate_origin(zone, url, 1);

    origin->heard_ms = ngx_current_msec;
    origin->probe_ms = 0;
    origin->pause_ms = 0;

    ngx_cigna_zone_unlock(zone);
}


void
ngx_cigna_refresh_gate_endpoint(ngx_shm_zone_t *zone,
    ngx_cigna_refresh_gate_t *gate, cigna_slice_t url, ngx_uint_t percent,
    int64_t now_ms, cigna_endpoint_t *endpoint)
{
    int64_t                   behind_ms;
    ngx_cigna_zone_origin_t  *origin;

    ngx_memzero(endpoint, sizeof(cigna_endpoint_t));

    ngx_cigna_zone_lock(zone);

    origin = ngx_cigna_refresh_gate_origin(zone, url, 0);

    if (origin) {
        endpoint->heard_ms = origin->heard_ms;
    }

    cigna_refusal_rate_lapse(&gate->refusals, ngx_current_msec);

    endpoint->well_ms = gate->refusals.well_ms;

    if (percent < 100) {
        endpoint->doubted_ms = gate->refusals.doubted_ms;
        endpoint->sure_ms = gate->refusals.sure_ms;
        endpoint->doubted = gate->refusals.doubted;
    }

    ngx_cigna_zone_unlock(zone);

    behind_ms = now_ms - (int64_t) ngx_current_msec;

    ngx_cigna_refresh_gate_since_epoch(&endpoint->heard_ms, behind_ms);
    ngx_cigna_refresh_gate_since_epoch(&endpoint->well_ms, behind_ms);
    ngx_cigna_refresh_gate_since_epoch(&endpoint->doubted_ms, behind_ms);
    ngx_cigna_refresh_gate_since_epoch(&endpoint->sure_ms, behind_ms);
}


/*
 * turns a time of nginx's clock into ms since the epoch; 0 means "never" and
 * stays 0
 */

static void
ngx_cigna_refresh_gate_since_epoch(int64_t *ms, int64_t behind_ms)
{
    if (*ms) {
        *ms += behind_ms;
    }
}

void
ngx_cigna_refresh_gate_cool(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key, ngx_uint_t sent)
{
    uint64_t                   tag;
    ngx_msec_t                 ms;
    ngx_cigna_zone_cooling_t  *place;

    place = ngx_cigna_refresh_gate_place(zone, key, &tag);

    ngx_cigna_zone_lock(zone);

    if (place->tag != tag
        || (int64_t) ngx_current_msec - place->until_ms
           > NGX_CIGNA_REFRESH_GATE_ROW)
    {
        place->tag = tag;
        place->failures = 0;
    }

    ms = NGX_CIGNA_REFRESH_GATE_COOL;

    if (sent) {
        ms <<= ngx_min(2 * place->failures, 16);
        ms = ngx_min(ms, NGX_CIGNA_REFRESH_GATE_COOL_MAX);
        place->failures++;
    }

    place->until_ms = ngx_current_msec + ms
                      + ngx_random() % NGX_CIGNA_REFRESH_GATE_JITTER;

    ngx_cigna_zone_unlock(zone);
}


void
ngx_cigna_refresh_gate_warm(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key)
{
    uint64_t                   tag;
    ngx_cigna_zone_cooling_t  *place;

    place = ngx_cigna_refresh_gate_place(zone, key, &tag);

    /* most identities have no cool-down: look without the lock first */

    if (place->tag != tag) {
        return;
    }

    ngx_cigna_zone_lock(zone);

    if (place->tag == tag) {
        ngx_memzero(place, sizeof(ngx_cigna_zone_cooling_t));
    }

    ngx_cigna_zone_unlock(zone);
}


ngx_msec_t
ngx_cigna_refresh_gate_cooling(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key)
{
    uint64_t                   tag;
    ngx_msec_t                 left;
    ngx_cigna_zone_cooling_t  *place;

    place = ngx_cigna_refresh_gate_place(zone, key, &tag);

    ngx_cigna_zone_lock(zone);

    left = place->tag == tag ? ngx_cigna_refresh_gate_left(place->until_ms) : 0;

    ngx_cigna_zone_unlock(zone);

    return left;
}


/*
 * Returns the identity's place in the zone's array "cooling".  Two identities
 * may share a place, and overwrite each other's cool-down.  One of them then
 * cools down for less time.
 */

static ngx_cigna_zone_cooling_t *
ngx_cigna_refresh_gate_place(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key, uint64_t *tag)
{
    ngx_memcpy(tag, key->bytes, sizeof(*tag));

    return &ngx_cigna_zone_fixed(zone)->cooling[*tag % NGX_CIGNA_ZONE_COOLING];
}


void
ngx_cigna_refresh_gate_be_quiet(ngx_shm_zone_t *zone, ngx_msec_t ms)
{
    ngx_cigna_refresh_gate_extend(&ngx_cigna_zone_fixed(zone)->quiet_until_ms,
                                  ms);
}


ngx_msec_t
ngx_cigna_refresh_gate_quiet(ngx_shm_zone_t *zone)
{
    return ngx_cigna_refresh_gate_left(
                                  ngx_cigna_zone_fixed(zone)->quiet_until_ms);
}


int64_t
ngx_cigna_refresh_gate_primary(ngx_shm_zone_t *zone, uint64_t primary,
    int64_t age_ms)
{
    if (primary == 0 || age_ms < 0 || age_ms == INT64_MAX) {
        return age_ms;
    }

    ngx_cigna_zone_lock(zone);

    age_ms = cigna_primaries_meet(&ngx_cigna_zone_fixed(zone)->primaries,
                                  primary, age_ms, ngx_current_msec);

    ngx_cigna_zone_unlock(zone);

    return age_ms;
}
