
#include "fuzz.h"
#include "rings.h"

#include "vault/cigna_seal.h"


/* only bytes that were sealed can be opened, and only if they are unchanged */

#define MEM  (64 * 1024)

static uint8_t           sealed_mem[MEM], plain_mem[MEM];
static cigna_keyring_t  *ring;

static const uint8_t     nonce[CIGNA_SEAL_NONCE_LEN] = { 1, 2, 3 };


int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void) argc;
    (void) argv;

    ring = ring_of(NAME SEAL);

    return 0;
}


static int
open_sealed(cigna_slice_t sealed, cigna_buf_t *plain)
{
    int             rc;
    cigna_record_t  record = { cigna_slice("grant"), cigna_slice("acme"),
                               .name = cigna_slice("key") };

    cigna_buf_init(plain, plain_mem, MEM);
    rc = cigna_seal_open(ring, &record, cigna_slice("aad"), sealed, plain);

    fuzz_assert(rc == CIGNA_OK || rc == CIGNA_SEAL_UNKNOWN_KEY
                || rc == CIGNA_SEAL_DAMAGED);
    fuzz_assert(rc == CIGNA_OK || plain->pos == plain->start);

    return rc;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t          at;
    uint8_t         flip;
    cigna_buf_t     b, plain;
    cigna_slice_t   input;
    cigna_record_t  record = { cigna_slice("grant"), cigna_slice("acme"),
                               .name = cigna_slice("key") };

    if (size > MEM / 2) {
        return 0;
    }

    input = fuzz_input(data, size);

    fuzz_assert(open_sealed(input, &plain) != CIGNA_OK);

    flip = fuzz_byte(&input);
    at = fuzz_byte(&input);

    cigna_buf_init(&b, sealed_mem, MEM);
    fuzz_assert(cigna_seal(ring, &record, cigna_slice("aad"), input, nonce, &b)
                == CIGNA_OK);

    b.start[at % (size_t) (b.pos - b.start)] ^= flip;

    fuzz_assert((open_sealed(cigna_buf_slice(&b), &plain) == CIGNA_OK)
                == (flip == 0));

    if (flip == 0) {
        fuzz_assert(cigna_slice_eq(cigna_buf_slice(&plain), input));
    }

    return 0;
}
