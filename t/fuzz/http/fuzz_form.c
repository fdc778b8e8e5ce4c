
#include "fuzz.h"

#include "http/cigna_form.h"


#define MEM  (64 * 1024)

static uint8_t  value_mem[MEM], query_mem[MEM], more_mem[MEM];


static int
get(cigna_slice_t query, cigna_slice_t name, uint8_t *mem,
    cigna_slice_t *value)
{
    cigna_arena_t  arena;

    cigna_arena_init(&arena, mem, MEM);

    return cigna_form_get(query, name, &arena, value);
}


/*
 * Appends a pair with the name.  If the query did not have the name, the new
 * value must be found.  If the query had the name, or was malformed, it must be
 * refused.
 */

static void
one_more(cigna_slice_t query, cigna_slice_t name, int rc)
{
    cigna_buf_t    b;
    cigna_slice_t  value;

    cigna_buf_init(&b, query_mem, MEM);
    cigna_buf_append(&b, query);
    cigna_form_append_pair(&b, b.start, name, cigna_slice("more"));

    if (rc == CIGNA_NONE) {
        fuzz_assert(get(cigna_buf_slice(&b), name, more_mem, &value)
                    == CIGNA_OK);
        fuzz_assert(cigna_slice_eq(value, cigna_slice("more")));

    } else {
        fuzz_assert(get(cigna_buf_slice(&b), name, more_mem, &value)
                    == CIGNA_ERROR);
    }
}


/* writes a pair; its value must be found by the name, and by no part of it */

static void
round_trip(cigna_slice_t name, cigna_slice_t value)
{
    cigna_buf_t    b;
    cigna_slice_t  again, shorter;

    cigna_buf_init(&b, query_mem, MEM);
    cigna_form_append_pair(&b, b.start, name, value);

    fuzz_assert(get(cigna_buf_slice(&b), name, more_mem, &again) == CIGNA_OK);
    fuzz_assert(cigna_slice_eq(again, value));

    shorter = (cigna_slice_t) { name.data, name.len - 1 };
    fuzz_assert(get(cigna_buf_slice(&b), shorter, more_mem, &again)
                == CIGNA_NONE);
    fuzz_assert(get(cigna_buf_slice(&b), cigna_slice_skip(name, 1), more_mem,
                    &again)
                == CIGNA_NONE);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int            rc;
    cigna_slice_t  query, name, value;

    if (size > MEM / 4) {
        return 0;
    }

    query = fuzz_input(data, size);
    name = fuzz_cut(&query, fuzz_byte(&query));

    rc = get(query, name, value_mem, &value);

    fuzz_assert(rc == CIGNA_OK || value.len == 0);
    fuzz_assert(!cigna_slice_has(value, '\0'));

    if (name.len == 0 || cigna_slice_has(name, '\0')) {
        return 0;
    }

    one_more(query, name, rc);

    if (rc == CIGNA_OK) {
        round_trip(name, value);
    }

    return 0;
}
