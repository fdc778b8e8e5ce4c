
#define _GNU_SOURCE                        /* memmem() */

#include "fuzz.h"

#include "json/cigna_json.h"
#include "fhir/cigna_unknown_id.h"


/*
 * In a whole document without escapes it is found where jansson finds it; a
 * beginning finds nothing that the whole does not.
 */

static int
says(const cigna_json_t *object, const char *name)
{
    const uint8_t  *p;
    cigna_slice_t   s;

    if (cigna_json_string(object, name, CIGNA_JSON_SIZE_MAX, &s) != CIGNA_OK) {
        return 0;
    }

    p = memmem(s.data, s.len, "Resource ", 9);

    return p != NULL
           && memmem(p + 9, s.data + s.len - p - 9, " is not known", 13)
              != NULL;
}


static int
expected(const cigna_json_t *doc)
{
    size_t               i;
    cigna_slice_t        type;
    const cigna_json_t  *issues, *issue;

    if (cigna_json_string(doc, "resourceType", 64, &type) != CIGNA_OK
        || !cigna_slice_eq(type, cigna_slice("OperationOutcome"))
        || cigna_json_array(doc, "issue", &issues) != CIGNA_OK)
    {
        return 0;
    }

    for (i = 0; i < cigna_json_count(issues); i++) {

        issue = cigna_json_item(issues, i);

        if (issue && says(issue, "diagnostics")) {
            return 1;
        }
    }

    return 0;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int            found;
    uint8_t       *copy;
    cigna_json_t  *doc;
    cigna_slice_t  text, part;

    text = fuzz_input(data, size);
    found = cigna_unknown_id(text);

    fuzz_assert(!found
                || (memmem(data, size, "OperationOutcome", 16)
                    && memmem(data, size, " is not known", 13)));

    if (size > 1 && size < 2000) {

        part = cigna_slice_make(data, data + size / 2);
        copy = fuzz_join(part, cigna_slice_null);

        /* what is found is the end of it */

        fuzz_assert(!cigna_unknown_id(cigna_slice_make(copy, copy + part.len))
                    || found);
        free(copy);
    }

    doc = cigna_json_parse(text);

    if (doc && !cigna_slice_has(text, '\\')) {
        fuzz_assert(!expected(doc) || found);
        fuzz_assert(expected(doc) || !found
                    || memmem(data, size, "\"details\"", 9));
    }

    cigna_json_destroy(doc);

    return 0;
}
