
#include "fuzz.h"

#include "http/cigna_accept.h"


/*
 * How lines are split makes no difference where nothing is quoted, and one that
 * asks for one of the two only is heard.
 */

static int
json(cigna_slice_t one, cigna_slice_t two)
{
    cigna_accept_t  a;

    cigna_accept_init(&a);
    cigna_accept_add(&a, one);
    cigna_accept_add(&a, two);

    fuzz_assert(a.fhir.quality <= 1000 && a.json.quality <= 1000);
    fuzz_assert(a.fhir.exact <= 3 && a.json.exact <= 3);

    return cigna_accept_json(&a);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int             both;
    cigna_slice_t   line, first, rest;
    cigna_accept_t  a;

    line = fuzz_input(data, size);
    both = json(line, cigna_slice_null);

    if (!cigna_slice_has(line, '"')) {
        rest = line;
        first = cigna_slice_cut(&rest, ',');
        fuzz_assert(json(first, rest) == both);
        fuzz_assert(json(rest, first) == both);
    }

    cigna_accept_init(&a);
    cigna_accept_add(&a, line);

    if (a.fhir.quality == 1000 && a.fhir.exact == 3) {
        fuzz_assert(!both);
    }

    if (a.fhir.quality == 0 && a.json.quality) {
        fuzz_assert(both);
    }

    return 0;
}
