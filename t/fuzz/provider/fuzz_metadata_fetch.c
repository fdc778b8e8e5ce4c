
#include <jansson.h>

#include "fuzz.h"

#include "provider/cigna_metadata_fetch.h"


/* the input chooses the server's reply, or the point where the request fails */

#define BODY_MAX  (16 * 1024)


static const cigna_public_endpoint_t  endpoint = {
    { (const uint8_t *) "token_endpoint", 14 },
    { (const uint8_t *) "https://g/token", 15 }
};

static cigna_bases_t  bases;
static uint8_t        mem[256 * 1024];


int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char  *error;

    (void) argc;
    (void) argv;

    cigna_bases_init(&bases);
    fuzz_assert(cigna_bases_add(&bases, cigna_slice("https://c/r4"), &error)
                == CIGNA_OK);

    return 0;
}


static void
check(const cigna_metadata_fetch_t *f, const cigna_event_t *ev)
{
    size_t    i;
    json_t   *doc;
    uint8_t  *text;

    if (f->rc != cigna_metadata_fetch_kept) {
        fuzz_assert(f->text.len == 0 && f->detail[0]);
        return;
    }

    fuzz_assert(ev->type == cigna_ev_ok && ev->status == 200
                && !f->reply->encoded);
    fuzz_assert(f->fresh_s >= CIGNA_METADATA_FETCH_FRESH_MIN * 9 / 10
                && f->fresh_s <= CIGNA_METADATA_FETCH_FRESH_MAX);

    text = malloc(f->text.len);
    memcpy(text, f->text.data, f->text.len);

    for (i = 0; i < f->text.len; i++) {
        if (text[i] == CIGNA_PUBLIC_METADATA_BASE) {
            text[i] = 'x';
        }
    }

    doc = json_loadb((const char *) text, f->text.len,
                     JSON_REJECT_DUPLICATES|JSON_DECODE_INT_AS_REAL
                     |JSON_ALLOW_NUL, NULL);
    fuzz_assert(json_is_object(doc));

    json_decref(doc);
    free(text);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t                  c, *bytes;
    unsigned                 requests;
    cigna_op_t               op;
    cigna_arena_t            arena;
    cigna_slice_t            input, raw;
    cigna_event_t            ev;
    cigna_http_reply_t       reply;
    cigna_metadata_fetch_t   f;

    input = fuzz_input(data, size);
    c = fuzz_byte(&input);

    memset(&f, 0, sizeof(f));
    memset(&ev, 0, sizeof(ev));

    f.document = c & 1 ? cigna_public_metadata_capabilities
                       : cigna_public_metadata_configuration;
    f.url = cigna_slice("https://c/r4/metadata");
    f.endpoints = &endpoint;
    f.n = c & 2 ? 1 : 0;
    f.bases = c & 4 ? &bases : NULL;

    cigna_metadata_fetch_init(&f);
    cigna_metadata_fetch_next(&f, &ev, &op);
    fuzz_assert(op.type == cigna_op_http && op.http.fhir);

    /* the bytes that come over the connection are the rest of the input */

    bytes = fuzz_join(input, cigna_slice_null);
    raw = (cigna_slice_t) { bytes, input.len };
    cigna_http_reply_init(&reply);

    ev.type = c & 8 ? cigna_ev_unsent : cigna_ev_lost;

    if (cigna_http_reply_parse(&reply, bytes, raw.len, BODY_MAX, 1)
        == CIGNA_OK)
    {
        ev.type = cigna_ev_ok;
        ev.status = reply.status;
        ev.body = reply.body;
    }

    ev.random[0] = c;
    f.reply = &reply;
    f.arena = &arena;
    fuzz_assert(2 * cigna_public_metadata_room(ev.body.len, &endpoint, f.n)
                <= sizeof(mem));
    cigna_arena_init(&arena, mem,
                     2 * cigna_public_metadata_room(ev.body.len, &endpoint,
                                                    f.n));

    for (requests = 0; op.type != cigna_op_done; requests++) {
        fuzz_assert(requests == 0);
        cigna_metadata_fetch_next(&f, &ev, &op);
    }

    check(&f, &ev);
    free(bytes);

    return 0;
}
