
#include <jansson.h>

#include "fuzz.h"

#include "fhir/cigna_public_metadata.h"


#define OAUTH                                                                 \
    "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"

#define MEM  (1024 * 1024)


static const char *const  names[] = {
    "token_endpoint", "authorization_endpoint", "issuer"
};

static const char *const  urls[] = {
    "https://g/token", "https://g/authorize", "https://g"
};

static cigna_public_endpoint_t  endpoints[3];
static cigna_bases_t            bases;
static uint8_t                  mem[MEM], linked[MEM];


int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    unsigned     i;
    const char  *error;

    (void) argc;
    (void) argv;

    for (i = 0; i < 3; i++) {
        endpoints[i].name = cigna_slice_str(names[i]);
        endpoints[i].url = cigna_slice_str(urls[i]);
    }

    cigna_bases_init(&bases);
    fuzz_assert(cigna_bases_add(&bases, cigna_slice("https://c/r4"), &error)
                == CIGNA_OK);

    return 0;
}


static int
is(const json_t *value, const char *text)
{
    return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}


/* the extensions in the list must include this name with this URL */

static void
take_uri(json_t *list, const char *name, const char *url)
{
    size_t   i;
    json_t  *one;

    json_array_foreach(list, i, one) {
        if (is(json_object_get(one, "url"), name)) {
            fuzz_assert(is(json_object_get(one, "valueUri"), url));
            return;
        }
    }

    fuzz_assert(0);
}


/*
 * Each server of a CapabilityStatement must have the extension oauth-uris with
 * both endpoints, unless its "security" or a list in it has the wrong type.
 */

static void
check_rest(const json_t *rest)
{
    size_t   i;
    json_t  *security, *list, *one;

    if (!json_is_object(rest) || is(json_object_get(rest, "mode"), "client")) {
        return;
    }

    security = json_object_get(rest, "security");
    fuzz_assert(security);
    list = json_object_get(security, "extension");

    if (!json_is_object(security) || !json_is_array(list)) {
        fuzz_assert(!json_is_object(security) || list);
        return;
    }

    json_array_foreach(list, i, one) {

        if (!is(json_object_get(one, "url"), OAUTH)) {
            continue;
        }

        list = json_object_get(one, "extension");
        fuzz_assert(list);

        if (json_is_array(list)) {
            take_uri(list, "token", urls[0]);
            take_uri(list, "authorize", urls[1]);
        }

        return;
    }

    fuzz_assert(0);
}


static void
check(cigna_public_metadata_e document, cigna_slice_t out)
{
    size_t   i;
    json_t  *doc, *rest;

    doc = json_loadb((const char *) out.data, out.len,
                     JSON_REJECT_DUPLICATES|JSON_DECODE_INT_AS_REAL
                     |JSON_ALLOW_NUL, NULL);
    fuzz_assert(json_is_object(doc));

    if (document == cigna_public_metadata_configuration) {
        for (i = 0; i < 3; i++) {
            fuzz_assert(is(json_object_get(doc, names[i]), urls[i]));
        }

    } else {
        json_array_foreach(json_object_get(doc, "rest"), i, rest) {
            check_rest(rest);
        }
    }

    json_decref(doc);
}


/*
 * Writing a written document again changes nothing, whether with the same
 * endpoints or with none.
 */

static void
check_again(cigna_public_metadata_e document, cigna_slice_t out)
{
    size_t        room;
    unsigned      n;
    cigna_buf_t   b;
    const char   *error;

    for (n = 0; n <= 3; n += 3) {
        room = cigna_public_metadata_room(out.len, endpoints, n);
        cigna_buf_init(&b, linked, room);

        fuzz_assert(cigna_public_metadata_write(document, out, endpoints, n,
                                                &b, &error)
                    == CIGNA_OK);
        fuzz_assert(cigna_slice_eq(cigna_buf_slice(&b), out));
    }
}


static void
check_links(cigna_slice_t out)
{
    size_t        i;
    cigna_buf_t   b;
    const char   *error;

    cigna_buf_init(&b, linked, cigna_public_metadata_room(out.len, NULL, 0));

    if (cigna_public_metadata_links(out, &bases, &b, &error) != CIGNA_OK) {
        fuzz_assert(error);
        return;
    }

    out = cigna_buf_slice(&b);

    /* a byte that ends a base URL follows each byte that marks a base */

    for (i = 0; i < out.len; i++) {
        if (out.data[i] == CIGNA_PUBLIC_METADATA_BASE) {
            fuzz_assert(i && i + 1 < out.len);
            fuzz_assert(cigna_slice_has(cigna_slice("/?#\"\\"),
                                        out.data[i + 1]));
        }
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                       rc;
    size_t                    room;
    cigna_buf_t               b;
    const char               *error;
    cigna_slice_t             text, out;
    cigna_public_metadata_e   document;

    text = fuzz_input(data, size);

    if (size < 2 || size > 64 * 1024) {
        return 0;
    }

    document = (fuzz_byte(&text) & 1) ? cigna_public_metadata_configuration
                                      : cigna_public_metadata_capabilities;

    room = cigna_public_metadata_room(text.len, endpoints, 3);
    fuzz_assert(room <= MEM);
    cigna_buf_init(&b, mem, room);

    error = NULL;
    rc = cigna_public_metadata_write(document, text, endpoints, 3, &b, &error);

    if (rc != CIGNA_OK) {
        fuzz_assert(rc == CIGNA_ERROR && error);
        return 0;
    }

    out = cigna_buf_slice(&b);

    check(document, out);
    check_again(document, out);
    check_links(out);

    return 0;
}
