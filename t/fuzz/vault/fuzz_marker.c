
#include "fuzz.h"
#include "rings.h"

#include "vault/cigna_marker.h"


/* only the marker that was made for a Redis key is accepted for that key */

static cigna_vault_t  vault;
static uint8_t        mem[1024], key_mem[128];


int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void) argc;
    (void) argv;

    vault.prefix = cigna_slice("cigna");
    vault.ring = ring_of(NAME SEAL);

    return 0;
}


/* the slot of a Redis key is that of its hash tag, whatever follows the tag */

static void
check_slot(cigna_slice_t key)
{
    unsigned        slot;
    uint8_t        *both;
    cigna_slice_t   tagged = cigna_slice("a{tag}");

    slot = cigna_slot(key);
    fuzz_assert(slot < CIGNA_SLOTS);

    both = fuzz_join(tagged, key);
    fuzz_assert(cigna_slot((cigna_slice_t) { both, tagged.len + key.len })
                == cigna_slot(cigna_slice("tag")));
    free(both);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int            rc;
    size_t         at;
    uint8_t        flip, nonce[CIGNA_SEAL_NONCE_LEN] = { 1 };
    cigna_buf_t    b;
    cigna_slice_t  input, key, blob;

    input = fuzz_input(data, size);
    check_slot(input);

    cigna_buf_init(&b, key_mem, sizeof(key_mem));
    fuzz_assert(cigna_marker_append_key(&b, &vault, CIGNA_MARKER_NO_SLOT)
                == CIGNA_OK);
    key = cigna_buf_slice(&b);

    rc = cigna_marker_open(&vault, key, input);
    fuzz_assert(rc == CIGNA_SEAL_DAMAGED || rc == CIGNA_MARKER_OTHER_NAMES);

    at = fuzz_byte(&input);
    flip = fuzz_byte(&input);

    cigna_buf_init(&b, mem, sizeof(mem));
    fuzz_assert(ring_marker(&vault, key, 12345, nonce, &b) == CIGNA_OK);
    mem[at % CIGNA_MARKER_LEN] ^= flip;
    blob = cigna_buf_slice(&b);

    rc = cigna_marker_open(&vault, key, blob);
    fuzz_assert((rc == CIGNA_OK) == (flip == 0));
    fuzz_assert(cigna_marker_error(rc));

    return 0;
}
