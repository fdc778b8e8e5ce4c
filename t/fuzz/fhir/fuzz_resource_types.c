
#include "fuzz.h"

#include "fhir/cigna_resource_types.h"


/*
 * A longer list of types never allows less.  An empty list allows only requests
 * that return no resources.  The type that a refusal names can be written into
 * logs and replies.
 */

static int
allowed(cigna_slice_t path, cigna_slice_t query, size_t count)
{
    int                     rc;
    size_t                  i;
    uint8_t                 mem[CIGNA_TYPE_LEN_MAX];
    cigna_buf_t             what;
    cigna_resource_types_t  types;

    static const cigna_slice_t  names[] = {
        { (const uint8_t *) "Patient", 7 },
        { (const uint8_t *) "Coverage", 8 },
        { (const uint8_t *) "$everything", 11 }
    };

    types.names = names;
    types.count = count;

    cigna_buf_init(&what, mem, sizeof(mem));
    rc = cigna_resource_types_allow(&types, path, query, &what);

    fuzz_assert(!what.overflow);
    fuzz_assert(rc == CIGNA_OK || rc == CIGNA_ERROR);
    fuzz_assert(rc == CIGNA_ERROR || what.pos == what.start);

    for (i = 0; what.start + i < what.pos; i++) {
        fuzz_assert(cigna_slice_alnum(mem[i])
                    || cigna_slice_has(cigna_slice("$*_-.;"), mem[i]));
    }

    return rc == CIGNA_OK;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int            none, one, two, three;
    cigna_slice_t  path, query;

    query = fuzz_input(data, size);
    path = cigna_slice_cut(&query, '?');

    none = allowed(path, query, 0);
    one = allowed(path, query, 1);
    two = allowed(path, query, 2);
    three = allowed(path, query, 3);

    fuzz_assert(none <= one && one <= two && two <= three);

    if (none && path.len) {
        fuzz_assert(path.data[0] == 'm' || path.data[0] == '.'
                    || path.data[0] == '$' || path.data[0] == '%');
    }

    if (three && path.len && path.data[0] >= 'A' && path.data[0] <= 'Z'
        && !cigna_slice_has(path, '%') && !cigna_slice_has(path, '/'))
    {
        fuzz_assert(cigna_slice_eq(path, cigna_slice("Patient"))
                    || cigna_slice_eq(path, cigna_slice("Coverage")));
    }

    return 0;
}
