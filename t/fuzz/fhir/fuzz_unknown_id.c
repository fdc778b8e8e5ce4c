
#define _GNU_SOURCE                        /* memmem() */

#include "fuzz.h"

#include "json/cigna_json.h"
#include "fhir/cigna_unknown_id.h"


/*
 * Cigna's reply for an unknown id is recognised only if it is an
 * OperationOutcome in valid JSON.  If the JSON has no escapes, its bytes
 * include the sentence.
 */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cigna_json_t   *doc;
    cigna_slice_t   text, type;

    text = fuzz_input(data, size);

    if (!cigna_unknown_id(text)) {
        return 0;
    }

    fuzz_assert(size <= CIGNA_UNKNOWN_ID_MAX);

    doc = cigna_json_parse(text);

    fuzz_assert(doc != NULL);
    fuzz_assert(cigna_json_string(doc, "resourceType", 64, &type) == CIGNA_OK);
    fuzz_assert(cigna_slice_eq(type, cigna_slice("OperationOutcome")));

    cigna_json_destroy(doc);

    fuzz_assert(cigna_slice_has(text, '\\')
                || (memmem(data, size, "Resource ", 9)
                    && memmem(data, size, " is not known", 13)));

    return 0;
}
