
#include "fuzz.h"

#include "dance/cigna_dance_entry.h"
#include "dance/cigna_dance_id.h"


/*
 * Dance ids that people type, and entries of the lists of dances that Redis
 * returns.
 */


/* a dance id that was parsed, and so has its usual form, is parsed the same */

static void
check_id(cigna_slice_t text)
{
    uint8_t  id[CIGNA_DANCE_ID_LEN], again[CIGNA_DANCE_ID_LEN];

    if (cigna_dance_id_parse(text, id) != CIGNA_OK) {
        return;
    }

    fuzz_assert(cigna_dance_id_parse(cigna_slice_make(id, id + sizeof(id)),
                                     again)
                == CIGNA_OK);
    fuzz_assert(memcmp(id, again, sizeof(id)) == 0);
}


/* an entry is written as it was read */

static void
check_entry(cigna_slice_t text)
{
    uint8_t              mem[CIGNA_DANCE_ENTRY_MAX];
    cigna_arena_t        arena;
    cigna_dance_entry_t  e;

    if (cigna_dance_entry_parse(text, &e) != CIGNA_OK) {
        return;
    }

    fuzz_assert(fuzz_within(e.name, text) && fuzz_within(e.id, text)
                && fuzz_within(e.tenant, text)
                && fuzz_within(e.identity, text));

    cigna_arena_init(&arena, mem, sizeof(mem));
    fuzz_assert(cigna_slice_eq(cigna_dance_entry_text(&arena, &e), text));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cigna_slice_t  text;

    text = fuzz_input(data, size);

    check_id(text);
    check_entry(text);

    return 0;
}
