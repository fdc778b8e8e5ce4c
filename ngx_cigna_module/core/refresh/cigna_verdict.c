
/*
 * A grant is judged by its record, by the node's knowledge of the token
 * endpoint, and by the clock:
 *
 *   refresh token      access token lives      access token has expired
 *   -------------      ------------------      ------------------------
 *   never sent         ok, pending when due    pending
 *   outcome unknown    ok, paused when due     pending or paused; spent after
 *                                              four attempts
 *   refused, not       ok, paused when due     pending or paused
 *   finally
 *   refused finally    spent; but pending or paused if the endpoint refused too
 *                      many grants then, or soon afterwards
 *
 * If outcomes are unknown, the pauses between attempts grow.  The second
 * attempt may follow at once, the third after 2 minutes, and the last after 15
 * minutes if the endpoint has answered any request since, otherwise after a
 * day.  After a refusal that is not final, a refresh is tried again after 5
 * minutes, an hour and a day, or as soon as the endpoint has refreshed other
 * grants.
 */


#include <string.h>

#include "cigna_lease.h"
#include "cigna_verdict.h"


/*
 * Clocks of nodes must not differ by more than two minutes.  If they differ by
 * more than this time (ms), one of them was set.
 */

#define CIGNA_VERDICT_STEP_MS    (5 * 60 * 1000)

/*
 * If the FHIR server has refused an access token, a refresh replaces it.  If
 * the server refuses the new access token, too, another refresh would not help.
 * So a refusal leads to no further refresh until the new access token has this
 * age (ms).
 */

#define CIGNA_VERDICT_FORCED_MS  (5 * 60 * 1000)

/* how often a refresh token is sent if no attempt has a final outcome */

#define CIGNA_VERDICT_ATTEMPTS   4

/*
 * If a grant was marked spent at most this long before refusals began to be
 * doubted, the same fault may be the cause.
 */

#define CIGNA_VERDICT_DOUBT_MS   (10 * 60 * 1000)

#define CIGNA_VERDICT_MINUTE_MS  INT64_C(60000)
#define CIGNA_VERDICT_DAY        1440      /* minutes */


static cigna_refresh_e cigna_verdict_refused(cigna_verdict_t *v,
    int64_t now_ms);
static cigna_refresh_e cigna_verdict_spent(cigna_verdict_t *v,
    int64_t now_ms);
static cigna_refresh_e cigna_verdict_again(cigna_verdict_t *v,
    const cigna_vault_mark_t *m, int64_t now_ms);
static int cigna_verdict_recovered(const cigna_verdict_t *v,
    int64_t since_ms);
static int64_t cigna_verdict_last_ms(const cigna_vault_mark_t *m);
static int cigna_verdict_is_refused(const cigna_verdict_t *v);
static int cigna_verdict_set_back(const cigna_grant_t *g, int64_t now_ms);


cigna_refresh_e
cigna_verdict_read(const cigna_subject_t *s, const cigna_reply_t *record,
    cigna_grant_t *g, cigna_vault_mark_t *mark, const char **why)
{
    memset(g, 0, sizeof(cigna_grant_t));

    switch (cigna_vault_read_grant(s, record, g, mark))
    {
    case CIGNA_OK:
        return cigna_refresh_ok;

    case CIGNA_NONE:
        *why = "there is no grant";
        return cigna_refresh_no_grant;

    case CIGNA_VAULT_MOVED:
        *why = "made for another registration";
        return cigna_refresh_moved;

    case CIGNA_SEAL_UNKNOWN_KEY:
        *why = "the key ring lacks the record's key";
        return cigna_refresh_unknown_key;

    case CIGNA_SEAL_DAMAGED:
        *why = "the record is damaged";
        return cigna_refresh_damaged;

    case CIGNA_AGAIN:
        *why = "Redis cannot be asked";
        return cigna_refresh_vault;

    default:
        *why = "the record cannot be opened";
        return cigna_refresh_vault;
    }
}


cigna_refresh_e
cigna_verdict(cigna_verdict_t *v, int64_t now_ms)
{
    int                   usable;
    cigna_refresh_e       rc;
    const cigna_grant_t  *g = v->grant;

    usable = cigna_verdict_usable(v, now_ms);

    v->why = NULL;
    v->retry_after_s = -1;

    if (cigna_verdict_behind(v)) {
        v->why = "the vault is behind this node's journal";
        return cigna_refresh_unavailable;
    }

    if (g->state == cigna_grant_spent) {
        return cigna_verdict_spent(v, now_ms);
    }

    if (usable
        && (g->refresh_token.len == 0
            || (now_ms < cigna_verdict_due_ms(v->provider, g)
                && !cigna_verdict_set_back(g, now_ms))))
    {
        return cigna_refresh_ok;
    }

    if (g->refresh_token.len == 0) {
        v->why = "there is no refresh token";
        return cigna_refresh_spent;
    }

    if (cigna_verdict_is_refused(v)) {
        rc = cigna_verdict_refused(v, now_ms);

        if (rc != cigna_refresh_pending) {
            return rc;
        }
    }

    if (v->mark.attempts == 0) {
        return cigna_refresh_pending;
    }

    if (usable) {
        v->why = "the end of an earlier refresh is not known";
        return cigna_refresh_paused;
    }

    return cigna_verdict_again(v, &v->mark, now_ms);
}


/*
 * decides whether a refresh is due, after the FHIR server refused the access
 * token
 */

static cigna_refresh_e
cigna_verdict_refused(cigna_verdict_t *v, int64_t now_ms)
{
    int64_t               age_ms;
    const cigna_grant_t  *g = v->grant;

    /*
     * the refresh token of a generation older than the refused one may be spent
     */

    if (g->generation < v->refused_generation) {
        v->why = "the vault is behind what this node has used";
        return cigna_refresh_unavailable;
    }

    age_ms = now_ms - g->obtained_ms;

    if (g->forced && age_ms < CIGNA_VERDICT_FORCED_MS
        && age_ms > -CIGNA_VERDICT_STEP_MS)
    {
        v->why = "the FHIR server refuses fresh tokens";
        return cigna_refresh_refused;
    }

    return cigna_refresh_pending;
}


/*
 * Judges a grant that is marked spent.  The refusal that ended the grant counts
 * as not final if it came while this node doubted refusals (see
 * cigna_refusal_rate.h), or at most CIGNA_VERDICT_DOUBT_MS before the doubt
 * began.  But if refusals are no longer doubted, and since the doubt began the
 * endpoint has not refreshed several grants in a row, the grant stays spent.
 */

static cigna_refresh_e
cigna_verdict_spent(cigna_verdict_t *v, int64_t now_ms)
{
    int64_t                  spent_ms;
    cigna_vault_mark_t       mark;
    const cigna_endpoint_t  *e;

    e = &v->endpoint;
    spent_ms = v->grant->obtained_ms;

    if (v->grant->refresh_token.len == 0
        || (!e->doubted && spent_ms > e->doubted_ms && spent_ms > e->sure_ms)
        || spent_ms < e->doubted_ms - CIGNA_VERDICT_DOUBT_MS
        || (!e->doubted && e->well_ms <= e->doubted_ms))
    {
        v->why = "refused before";
        return cigna_refresh_spent;
    }

    mark = v->mark;

    /*
     * if no refresh was tried since the grant was marked spent, the last
     * attempt is the one that was refused finally
     */

    if (mark.attempts == 0) {
        mark.attempts = 1;
        mark.refused_ms = spent_ms;

    } else if (mark.until_ms == 0) {
        mark.refused_ms = spent_ms;
    }

    return cigna_verdict_again(v, &mark, now_ms);
}


/*
 * judges a grant whose refresh token was sent before: the result is not known,
 * or was a refusal that does not count as final
 */

static cigna_refresh_e
cigna_verdict_again(cigna_verdict_t *v, const cigna_vault_mark_t *m,
    int64_t now_ms)
{
    int64_t  last_ms, due_ms;

    static const unsigned  unknown[CIGNA_VERDICT_ATTEMPTS - 1] = { 0, 2, 15 };
    static const unsigned  refused[CIGNA_VERDICT_ATTEMPTS - 1] = {
        5, 60, CIGNA_VERDICT_DAY
    };

    /*
     * Another run's exchange may be open.  This run goes on, and waits for the
     * end of that exchange when it asks for the lease (cigna_lease.h).
     */

    if (cigna_verdict_busy(v, now_ms)) {
        return cigna_refresh_pending;
    }

    /* "spent" is only this run's result: the record is not marked spent */

    if (m->attempts >= CIGNA_VERDICT_ATTEMPTS) {
        v->why = "the end of all attempts is not known";
        return cigna_refresh_spent;
    }

    last_ms = cigna_verdict_last_ms(m);

    /*
     * no wait if the clock of Redis is so far ahead that its times say nothing,
     * or if the endpoint has refreshed other grants since the refusal
     */

    if (last_ms > now_ms + CIGNA_VERDICT_STEP_MS
        || (m->refused_ms && cigna_verdict_recovered(v, last_ms)))
    {
        return cigna_refresh_pending;
    }

    due_ms = last_ms + CIGNA_VERDICT_MINUTE_MS
                       * (m->refused_ms ? refused : unknown)[m->attempts - 1];

    /* the last attempt may be a probe only after a day */

    if (m->attempts == CIGNA_VERDICT_ATTEMPTS - 1 && cigna_verdict_probes(v)) {
        due_ms = last_ms + CIGNA_VERDICT_MINUTE_MS * CIGNA_VERDICT_DAY;
    }

    if (now_ms >= due_ms) {
        return cigna_refresh_pending;
    }

    v->why = m->refused_ms ? "refused, as too many are"
                           : "the end of an earlier refresh is not known";
    v->retry_after_s = (due_ms - now_ms + 999) / 1000;

    return cigna_refresh_paused;
}


/*
 * 1 if refusals are final now, and the endpoint has refreshed several grants in
 * a row since that time
 */

static int
cigna_verdict_recovered(const cigna_verdict_t *v, int64_t since_ms)
{
    return !v->endpoint.doubted && v->endpoint.well_ms > since_ms;
}


/* the time when the last attempt ended or was given up */

static int64_t
cigna_verdict_last_ms(const cigna_vault_mark_t *m)
{
    return m->refused_ms ? m->refused_ms : m->until_ms - CIGNA_LEASE_MS;
}


int
cigna_verdict_busy(const cigna_verdict_t *v, int64_t now_ms)
{
    return !v->over && v->mark.until_ms > now_ms;
}


unsigned
cigna_verdict_probes(const cigna_verdict_t *v)
{
    return cigna_verdict_explains(v)
           && v->endpoint.heard_ms <= cigna_verdict_last_ms(&v->mark);
}


/*
 * The refusal of the last attempt is final.  Before that, the grant's first
 * refusal is final unless this node doubts the endpoint's refusals.  A refusal
 * after an earlier one is final only if the endpoint has refreshed other grants
 * since.  It does not suffice then that this node has no doubts: the node may
 * not have seen the refusals of other grants.
 */

int
cigna_verdict_final(const cigna_verdict_t *v)
{
    int64_t  before_ms;

    if (v->mark.attempts + 1 >= CIGNA_VERDICT_ATTEMPTS) {
        return 1;
    }

    before_ms = v->mark.refused_ms;

    if (before_ms == 0 && v->grant->state == cigna_grant_spent) {
        before_ms = v->grant->obtained_ms;
    }

    return before_ms ? cigna_verdict_recovered(v, before_ms)
                     : !v->endpoint.doubted;
}


int
cigna_verdict_explains(const cigna_verdict_t *v)
{
    return v->mark.attempts && v->mark.until_ms && v->mark.refused_ms == 0;
}


int
cigna_verdict_usable(const cigna_verdict_t *v, int64_t now_ms)
{
    const cigna_grant_t  *g = v->grant;

    return g->state == cigna_grant_live && g->access_token.len
           && !cigna_verdict_is_refused(v) && now_ms < g->expires_ms;
}


int
cigna_verdict_behind(const cigna_verdict_t *v)
{
    return v->ahead_id.len && cigna_slice_eq(v->grant->id, v->ahead_id)
           && v->grant->generation < v->ahead_generation;
}


static int
cigna_verdict_is_refused(const cigna_verdict_t *v)
{
    return v->refused_id.len && cigna_slice_eq(v->grant->id, v->refused_id)
           && v->grant->generation <= v->refused_generation;
}


/*
 * 1 if the clock shows a time well before the token was obtained.  Then the
 * clock was set back and cannot tell when the token expires, so a refresh is
 * due.
 */

static int
cigna_verdict_set_back(const cigna_grant_t *g, int64_t now_ms)
{
    return now_ms < g->obtained_ms - CIGNA_VERDICT_STEP_MS;
}


int64_t
cigna_verdict_due_ms(const cigna_provider_t *p, const cigna_grant_t *g)
{
    int64_t  life_ms, ahead_ms;

    /* a short-lived token is due after half of its lifetime */

    life_ms = g->expires_ms - g->obtained_ms;
    ahead_ms = p->refresh_ahead_s * 1000;

    return g->expires_ms - (ahead_ms < life_ms / 2 ? ahead_ms : life_ms / 2);
}


const char *
cigna_refresh_name(cigna_refresh_e rc)
{
    static const char *const  names[] = {
        [cigna_refresh_pending] = "pending",
        [cigna_refresh_ok] = "ok",
        [cigna_refresh_no_grant] = "no_grant",
        [cigna_refresh_spent] = "spent",
        [cigna_refresh_moved] = "moved",
        [cigna_refresh_refused] = "refused",
        [cigna_refresh_unavailable] = "unavailable",
        [cigna_refresh_paused] = "paused",
        [cigna_refresh_vault] = "vault",
        [cigna_refresh_damaged] = "damaged",
        [cigna_refresh_unknown_key] = "unknown_key"
    };

    return rc <= cigna_refresh_unknown_key ? names[rc] : "unknown";
}
