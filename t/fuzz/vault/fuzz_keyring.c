
#include "fuzz.h"

#include "vault/cigna_keyring.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t            i, lines;
    unsigned          line;
    const char       *error;
    cigna_keyring_t  *ring;

    ring = cigna_keyring_create(fuzz_input(data, size), &error, &line);

    if (ring) {
        fuzz_assert(error == NULL && line == 0);
        fuzz_assert(cigna_keyring_find(ring, ring->keys[0].id, 0)
                    == &ring->keys[0]);

    } else {
        lines = 1;

        for (i = 0; i < size; i++) {
            lines += (data[i] == '\n');
        }

        fuzz_assert(error && line <= lines);
    }

    cigna_keyring_destroy(ring);

    return 0;
}
