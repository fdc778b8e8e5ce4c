
#include <stdio.h>

#include "cigna_jwks_fetch.h"


#define CIGNA_JWKS_FETCH_FRESH_MS  (60 * 60 * 1000)

/*
 * an unknown key causes no fetch within this time after a fetch that brought
 * keys
 */

#define CIGNA_JWKS_FETCH_AGAIN_MS  (10 * 1000)

/*
 * after a failed fetch, keys that were fetched before stay in use, and the next
 * fetch is due after this time
 */

#define CIGNA_JWKS_FETCH_STALE_MS  (60 * 1000)


static int cigna_jwks_fetch_openid(cigna_slice_t scope);
static void cigna_jwks_fetch_tell(const cigna_event_t *ev,
    const cigna_jwks_t *jwks, char why[CIGNA_JWKS_FETCH_WHY_MAX]);
static int cigna_jwks_fetch_older(const cigna_provider_t *p, int64_t now_ms,
    int64_t ms);


int
cigna_jwks_fetch_due(const cigna_provider_t *p, int64_t now_ms)
{
    return p->jwks_uri.len && cigna_jwks_fetch_openid(p->scope)
           && cigna_jwks_fetch_older(p, now_ms, CIGNA_JWKS_FETCH_FRESH_MS);
}


/* 1 if "openid" is one of the scopes */

static int
cigna_jwks_fetch_openid(cigna_slice_t scope)
{
    while (scope.len) {
        if (cigna_slice_eq(cigna_slice_cut(&scope, ' '),
                           cigna_slice("openid")))
        {
            return 1;
        }
    }

    return 0;
}


/*
 * 1 if the keys were fetched more than ms ago, if the clock was set back since,
 * or if there are no keys
 */

static int
cigna_jwks_fetch_older(const cigna_provider_t *p, int64_t now_ms, int64_t ms)
{
    int64_t  age_ms;

    age_ms = now_ms - p->keys->fetched_ms;

    return p->keys->set == NULL || age_ms < 0 || age_ms > ms;
}


int
cigna_jwks_fetch_again(const cigna_provider_t *p, int64_t now_ms)
{
    return p->jwks_uri.len
           && cigna_jwks_fetch_older(p, now_ms, CIGNA_JWKS_FETCH_AGAIN_MS);
}


void
cigna_jwks_fetch_start(const cigna_provider_t *p, cigna_op_t *op)
{
    cigna_http_request_t  req = { .url = p->jwks_uri };

    cigna_flow_http(op, &req);
}


void
cigna_jwks_fetch_done(cigna_provider_t *p, const cigna_event_t *ev,
    char why[CIGNA_JWKS_FETCH_WHY_MAX])
{
    cigna_jwks_t  *jwks;

    jwks = NULL;
    why[0] = '\0';

    if (ev->type == cigna_ev_ok && ev->status >= 200 && ev->status < 300) {
        jwks = cigna_jwks_create(ev->body);
    }

    if (jwks && cigna_jwks_count(jwks)) {
        cigna_jwks_destroy(p->keys->set);
        p->keys->set = jwks;
        p->keys->fetched_ms = ev->now_ms;
        return;
    }

    cigna_jwks_fetch_tell(ev, jwks, why);

    cigna_jwks_destroy(jwks);

    p->keys->fetched_ms = ev->now_ms - CIGNA_JWKS_FETCH_FRESH_MS
                          + CIGNA_JWKS_FETCH_STALE_MS;
}


/* writes why there are no new keys: the fetch failed, or no key is usable */

static void
cigna_jwks_fetch_tell(const cigna_event_t *ev, const cigna_jwks_t *jwks,
    char why[CIGNA_JWKS_FETCH_WHY_MAX])
{
    cigna_buf_t  b;

    if (jwks) {
        cigna_buf_init(&b, why, CIGNA_JWKS_FETCH_WHY_MAX - 1);
        cigna_buf_append_str(&b, "none of the keys is usable: ");
        cigna_jwks_append_shape(jwks, &b);
        *b.pos = '\0';

    } else if (ev->type != cigna_ev_ok) {
        cigna_flow_say(why, CIGNA_JWKS_FETCH_WHY_MAX,
                       "the keys cannot be fetched: no answer",
                       cigna_slice_null);

    } else {
        (void) snprintf(why, CIGNA_JWKS_FETCH_WHY_MAX,
                        "the keys cannot be fetched: status %u, %zu bytes that "
                        "are no key set", ev->status, ev->body.len);
    }
}
