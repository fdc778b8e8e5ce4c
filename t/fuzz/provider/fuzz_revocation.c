
#define _GNU_SOURCE

#include "fuzz.h"

#include "provider/cigna_revocation.h"


/*
 * A server that answers anything or nothing, and metadata that come late.  For
 * each step the input has a byte that chooses the result, and the status,
 * length and body of a reply.  The numbers in this file are those of the
 * invariants of cigna_revocation.c.
 */

static const char  token[] = "a+b%c";

static const char  invalid_client[] = "{\"error\":\"invalid_client\"}";


static cigna_provider_t    provider;
static cigna_revocation_t  f;
static unsigned            slept;
static cigna_slice_t       last_body;      /* of the last request */
static cigna_slice_t       last_authorization;
static unsigned            turned;         /* changes to another secret */


/*
 * Invariant (1) of cigna_client_secret.c: the flow changes to the other secret
 * at most once, and only after a reply with invalid_client.
 */

static void
check_secret(const cigna_op_t *op, const cigna_event_t *ev)
{
    if (last_body.len
        && (!cigna_slice_eq(op->http.request.body, last_body)
            || !cigna_slice_eq(op->http.request.authorization,
                               last_authorization)))
    {
        fuzz_assert(turned++ == 0 && provider.older_secret.len);
        fuzz_assert(ev->type == cigna_ev_ok
                    && (ev->status == 400 || ev->status == 401));
        fuzz_assert(memmem(ev->body.data, ev->body.len, "invalid_client",
                           14));
    }

    last_body = op->http.request.body;
    last_authorization = op->http.request.authorization;
}


static void
check(const cigna_op_t *op, const cigna_event_t *ev)
{
    switch (op->type) {

    case cigna_op_http:

        check_secret(op, ev);

        /* invariant (4) of cigna_revocation.c */

        fuzz_assert(cigna_slice_eq(op->http.request.url,
                                   provider.revocation_endpoint));
        fuzz_assert(memmem(op->http.request.body.data,
                           op->http.request.body.len,
                           "token=a%2Bb%25c&", 16));
        break;

    case cigna_op_sleep:

        /* invariant (1) of cigna_revocation.c */

        fuzz_assert(op->sleep.idle && op->sleep.ms > 0);
        slept += op->sleep.ms;
        fuzz_assert(slept <= CIGNA_REVOCATION_MS);
        break;

    case cigna_op_done:

        /* invariants (2) and (3) of cigna_revocation.c */

        fuzz_assert((f.rc != cigna_revocation_ok)
                    || (ev->type == cigna_ev_ok && ev->status == 200));
        fuzz_assert((f.rc != cigna_revocation_refused)
                    || (ev->type == cigna_ev_ok && ev->status / 100 == 4
                        && ev->status != 429));
        fuzz_assert(f.rc != cigna_revocation_unreachable
                    || slept == CIGNA_REVOCATION_MS);
        fuzz_assert(!f.secret.worked
                    || (turned && f.rc == cigna_revocation_ok));
        fuzz_assert(f.rc != cigna_revocation_none
                    && f.rc != cigna_revocation_no_room);
        break;

    default:
        fuzz_assert(0);
    }

    fuzz_assert(memchr(f.detail, '\0', sizeof(f.detail)));
}


static void
answer(cigna_slice_t *input, cigna_event_t *ev)
{
    uint8_t  c;

    c = fuzz_byte(input);

    ev->type = c % 8 > 5 ? cigna_ev_lost : c % 8 > 4 ? cigna_ev_unsent
                                                     : cigna_ev_ok;
    ev->retry_after_s = c & 16 ? fuzz_byte(input) * 7 : -1;
    f.known |= c >> 6 & 1;

    if (ev->type == cigna_ev_ok) {
        ev->status = 200 + fuzz_byte(input) * 2;
        ev->body = fuzz_cut(input, fuzz_byte(input));
    }

    if (ev->type == cigna_ev_ok && c & 32) {
        ev->status = 400 + (ev->status >> 1 & 1);
        ev->body = cigna_slice(invalid_client);
    }

    memset(ev->random, fuzz_byte(input), CIGNA_RANDOM_LEN);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t        c, mem[4096];
    cigna_op_t     op;
    cigna_arena_t  arena;
    cigna_event_t  ev;
    cigna_slice_t  input;

    input = fuzz_input(data, size);

    memset(&provider, 0, sizeof(provider));
    provider.client_id = cigna_slice("client");
    provider.client_secret = cigna_slice("s+cret");
    c = fuzz_byte(&input);
    provider.auth = (cigna_auth_e) (c % 3);

    if (c & 64 && provider.auth != cigna_auth_none) {
        provider.older_secret = cigna_slice("f%rmer");
        provider.older_works = c >> 7;
    }

    memset(&f, 0, sizeof(f));
    f.provider = &provider;
    f.arena = &arena;
    f.token = cigna_slice(token);

    cigna_arena_init(&arena, mem,
                     cigna_revocation_room(&provider, f.token));
    cigna_revocation_init(&f);

    slept = 0;
    last_body = cigna_slice_null;
    turned = 0;
    memset(&ev, 0, sizeof(ev));

    do {
        if (fuzz_byte(&input) & 1) {
            provider.revocation_endpoint = cigna_slice("https://as/revoke");
        }

        memset(&op, 0xa5, sizeof(op));
        cigna_revocation_next(&f, &ev, &op);
        check(&op, &ev);

        memset(&ev, 0, sizeof(ev));
        answer(&input, &ev);

    } while (op.type != cigna_op_done);

    return 0;
}
