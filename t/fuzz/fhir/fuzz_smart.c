
#include <jansson.h>

#include "fuzz.h"

#include "base/cigna_buf.h"
#include "fhir/cigna_smart.h"


#define OAUTH                                                                 \
    "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"

#define MEM  (1024 * 1024)


static const char *const  urls[] = {
    "https://g/token", "https://g/authorize", "https://g"
};

static cigna_public_endpoint_t  endpoints[3];
static cigna_smart_t           smart;
static uint8_t                 whole[MEM], cut[MEM];


int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    unsigned  i;

    static const char *const  names[] = {
        "token_endpoint", "authorization_endpoint", "issuer"
    };

    (void) argc;
    (void) argv;

    for (i = 0; i < 3; i++) {
        endpoints[i].name = cigna_slice_str(names[i]);
        endpoints[i].url = cigna_slice_str(urls[i]);
    }

    return 0;
}


/* pieces of as many bytes as the text itself says; 0: all at once */

static cigna_slice_t
replaced(cigna_public_metadata_e document, cigna_slice_t text, uint8_t *mem,
    unsigned step)
{
    size_t         n;
    uint8_t       *copy;
    cigna_buf_t    b;
    cigna_slice_t  in, piece;

    cigna_buf_init(&b, mem, MEM);
    cigna_smart_init(&smart, document, endpoints, 3);

    while (text.len) {

        n = step ? 1 + (text.data[0] * step) % 37 : text.len;
        in = fuzz_cut(&text, n);

        /* what is borrowed from it is watched */

        copy = fuzz_join(in, cigna_slice_null);
        in.data = copy;

        while (cigna_smart_next(&smart, &in, &piece) == CIGNA_OK) {
            fuzz_assert(piece.len);
            cigna_buf_append(&b, piece);
        }

        fuzz_assert(in.len == 0);
        free(copy);
    }

    while (cigna_smart_end(&smart, &piece) == CIGNA_OK) {
        fuzz_assert(piece.len);
        cigna_buf_append(&b, piece);
    }

    fuzz_assert(smart.held_len == 0 && !smart.holding && !smart.releasing);
    fuzz_assert(!b.overflow);

    return cigna_buf_slice(&b);
}


static int
is(const json_t *value, const char *text)
{
    return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}


static void
differs(json_t *from, json_t *to, const char *name, unsigned endpoint)
{
    json_t  *value;

    value = json_object_get(to, name);

    if (json_is_string(json_object_get(from, name))) {
        fuzz_assert(is(value, urls[endpoint]));
        json_object_set(from, name, value);
    }
}


static void
extension_differs(json_t *from, json_t *to)
{
    size_t   i;
    json_t  *list, *e, *url;

    list = json_object_get(from, "extension");

    if (!is(json_object_get(from, "url"), OAUTH) || !json_is_array(list)) {
        return;
    }

    json_array_foreach(list, i, e) {

        url = json_object_get(e, "url");

        if (is(url, "token") || is(url, "authorize")) {
            differs(e, json_array_get(json_object_get(to, "extension"), i),
                    "valueUri", is(url, "token") ? 0 : 1);
        }
    }
}


/* makes of the one what must have become of it */

static void
expected(cigna_public_metadata_e document, json_t *from, json_t *to)
{
    size_t   i, k;
    json_t  *rest, *extensions, *e, *others;

    if (document == cigna_public_metadata_configuration) {
        differs(from, to, "token_endpoint", 0);
        differs(from, to, "authorization_endpoint", 1);
        differs(from, to, "issuer", 2);
        return;
    }

    json_array_foreach(json_object_get(from, "rest"), i, rest) {

        extensions = json_object_get(json_object_get(rest, "security"),
                                     "extension");
        others = json_array_get(json_object_get(to, "rest"), i);
        others = json_object_get(json_object_get(others, "security"),
                                 "extension");

        json_array_foreach(extensions, k, e) {
            extension_differs(e, json_array_get(others, k));
        }
    }
}


static void
compare(cigna_public_metadata_e document, cigna_slice_t text, cigna_slice_t out)
{
    json_t  *from, *to;

    /* what is too long to be held stays, and so do texts of its size */

    if (text.len > CIGNA_SMART_HELD_MAX) {
        return;
    }

    from = json_loadb((const char *) text.data, text.len,
                      JSON_DECODE_ANY|JSON_REJECT_DUPLICATES, NULL);
    if (from == NULL) {
        return;
    }

    to = json_loadb((const char *) out.data, out.len, JSON_DECODE_ANY, NULL);
    fuzz_assert(to != NULL);

    if (json_is_object(from)) {
        expected(document, from, to);
    }

    fuzz_assert(json_equal(from, to));

    json_decref(from);
    json_decref(to);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t       n;
    unsigned       step;
    cigna_slice_t  text, out, again;
    cigna_public_metadata_e  document;

    text = fuzz_input(data, size);

    if (size < 2 || size > 64 * 1024) {
        return 0;
    }

    document = (fuzz_byte(&text) & 1) ? cigna_public_metadata_configuration
                                      : cigna_public_metadata_capabilities;

    out = replaced(document, text, whole, 0);
    n = smart.replaced;

    for (step = 1; step < 4; step++) {
        again = replaced(document, text, cut, step);

        fuzz_assert(cigna_slice_eq(out, again));
        fuzz_assert(smart.replaced == n);
    }

    if (n == 0) {
        fuzz_assert(cigna_slice_eq(out, text));
    }

    compare(document, text, out);

    return 0;
}
