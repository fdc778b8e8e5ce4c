
#define _GNU_SOURCE

#include "fuzz.h"

#include "provider/cigna_discovery.h"
#include "world_actors.h"


/*
 * A server whose metadata document is the input, or a sound document that the
 * input has changed.
 */

static world_t  w;
static uint8_t  mem[64 * 1024];


static const char  sound[] =
    "{\"issuer\":\"https://as.example\","
    "\"authorization_endpoint\":\"https://as.example/authorize\","
    "\"token_endpoint\":\"https://as.example/token\","
    "\"jwks_uri\":\"https://as.example/jwks\"}";


static size_t
document(cigna_slice_t *input, char *text, size_t size)
{
    uint8_t        c;
    size_t         len, n;
    cigna_slice_t  piece;

    c = fuzz_byte(input);
    piece = fuzz_cut(input, c >> 1);

    if (c & 1) {
        len = piece.len < size ? piece.len : size;
        memcpy(text, piece.data, len);
        return len;
    }

    len = sizeof(sound) - 1;
    memcpy(text, sound, len);

    n = fuzz_byte(input);

    if (n + piece.len <= len) {
        memcpy(text + n, piece.data, piece.len);
    }

    return len;
}


static void
check(const cigna_discovery_t *f, unsigned requests, unsigned status)
{
    fuzz_assert(requests <= 2);

    if (f->rc != CIGNA_OK) {
        fuzz_assert(f->rc == CIGNA_ERROR && f->detail[0]);
        fuzz_assert(!f->refused || status / 100 == 2);
        fuzz_assert(f->refused || !f->moved);
        return;
    }

    fuzz_assert(status / 100 == 2 && !f->moved && !f->refused
                && f->detail[0] == '\0');
    fuzz_assert(f->metadata.authorization_endpoint.len
                || f->provider->authorization_endpoint.len);
    fuzz_assert(f->metadata.token_endpoint.len
                || f->provider->token_endpoint.len);

    if (f->known) {
        fuzz_assert(!cigna_oauth_metadata_moved(f->known, &f->metadata));
        fuzz_assert(f->metadata.issuer.len && f->metadata.jwks_uri.len);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char               text[512], *body;
    uint8_t            c;
    unsigned           requests;
    cigna_op_t         op;
    cigna_arena_t      arena;
    cigna_slice_t      input;
    cigna_event_t      ev;
    cigna_discovery_t  f;

    static const unsigned  statuses[] = { 200, 200, 200, 201, 302, 404, 429,
                                          503 };

    input = fuzz_input(data, size);
    c = fuzz_byte(&input);

    world_init(&w);
    cigna_arena_init(&arena, mem, sizeof(mem));

    memset(&f, 0, sizeof(f));
    f.provider = &w.provider;
    f.arena = &arena;
    f.known = c & 1 ? &w.auth.metadata : NULL;

    if (c & 2) {
        w.provider.configured_issuer = w.auth.metadata.issuer;
    }

    if (c & 4) {
        w.provider.authorization_endpoint = cigna_slice_null;
        w.provider.token_endpoint = cigna_slice_null;
    }

    memset(&ev, 0, sizeof(ev));
    requests = 0;

    cigna_discovery_init(&f);
    cigna_discovery_next(&f, &ev, &op);

    while (op.type != cigna_op_done) {
        ev.type = cigna_ev_ok;
        body = NULL;

        if (op.type == cigna_op_http) {
            requests++;
            c = fuzz_byte(&input);

            ev.type = c & 3 ? cigna_ev_ok
                            : c & 4 ? cigna_ev_lost : cigna_ev_unsent;
            ev.status = statuses[c >> 5];
            ev.body.len = document(&input, text, sizeof(text));
            body = malloc(ev.body.len + 1);
            fuzz_assert(body);
            memcpy(body, text, ev.body.len);
            ev.body.data = (uint8_t *) body;
        }

        cigna_discovery_next(&f, &ev, &op);
        free(body);
    }

    check(&f, requests, ev.status);
    world_done(&w);

    return 0;
}
