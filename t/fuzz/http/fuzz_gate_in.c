
#include "fuzz.h"

#include "http/cigna_cors.h"
#include "http/cigna_gate_in.h"


/*
 * The input is taken for a header line, "name: value", and for a value alone.
 * A line for which cigna_gate_in_passes() returns 1 has one of these names, and
 * a value without control bytes.
 */

static const char *const  names[] = {
    "date", "etag", "vary", "allow", "digest", "location", "x-progress",
    "retry-after", "content-md5", "repr-digest", "content-type",
    "last-modified", "accept-ranges", "content-range", "content-length",
    "content-digest", "content-location", "content-encoding",
    "content-language", "preference-applied", "content-disposition"
};


static int
listed(cigna_slice_t name)
{
    size_t  i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (cigna_slice_eq_case(name, cigna_slice_str(names[i]))) {
            return 1;
        }
    }

    return 0;
}


static int
plain(cigna_slice_t s)
{
    size_t  i;

    for (i = 0; i < s.len; i++) {
        if ((s.data[i] < ' ' && s.data[i] != '\t') || s.data[i] == 0x7f) {
            return 0;
        }
    }

    return 1;
}


static void
line(cigna_slice_t s)
{
    int            passes;
    cigna_slice_t  name, value;

    value = s;
    name = cigna_slice_cut(&value, ':');
    passes = cigna_gate_in_passes(name, value);

    fuzz_assert(!passes || (listed(name) && plain(value)));
    fuzz_assert(!cigna_cors_line(name)
                || cigna_gate_in_own(name) == cigna_gate_in_unlisted);

    if (cigna_gate_in_own(name) == cigna_gate_in_disposition) {
        fuzz_assert(passes == cigna_gate_in_attachment(value));

    } else {
        fuzz_assert(passes == (listed(name) && plain(value)));
    }
}


static void
whole(cigna_slice_t s)
{
    const char     *error;
    cigna_uri_t     uri;
    cigna_slice_t   rest;

    fuzz_assert(cigna_slice_plain(s) == plain(s));

    if (cigna_gate_in_attachment(s)) {
        fuzz_assert(plain(s) && s.len >= 10
                    && cigna_slice_eq_case(cigna_slice_make(s.data,
                                                            s.data + 10),
                                           cigna_slice("attachment")));
    }

    if (cigna_gate_in_json(s)) {
        rest = s;
        fuzz_assert(!cigna_slice_has(s, ',')
                    && plain(cigna_slice_trim(cigna_slice_cut(&rest, ';'))));
    }

    if (cigna_cors_names(s)) {
        fuzz_assert(plain(s) && s.len > 0 && s.len <= CIGNA_CORS_NAMES_MAX
                    && !cigna_slice_has(s, ':') && !cigna_slice_has(s, '"'));
    }

    if (cigna_cors_origin_parse(s, &uri, &error) == CIGNA_OK) {
        fuzz_assert(uri.path.len == 0 && !uri.has_query
                    && (uri.https || cigna_uri_loopback(&uri)));
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cigna_slice_t  s;

    s = fuzz_input(data, size);

    line(s);
    whole(s);

    return 0;
}
