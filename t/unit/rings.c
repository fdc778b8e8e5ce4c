
#include <stdlib.h>

#include "rings.h"


cigna_keyring_t *
ring_of(const char *text)
{
    unsigned          line;
    const char       *error;
    cigna_keyring_t  *ring;

    ring = cigna_keyring_create(cigna_slice_str(text), &error, &line);

    if (ring == NULL) {
        abort();
    }

    return ring;
}


int
ring_marker(const cigna_vault_t *vault, cigna_slice_t key, int64_t made_ms,
    const uint8_t nonce[CIGNA_SEAL_NONCE_LEN], cigna_buf_t *out)
{
    uint8_t         mem[CIGNA_MARKER_PLAIN_LEN];
    cigna_buf_t     plain;
    cigna_record_t  record;

    cigna_buf_init(&plain, mem, sizeof(mem));
    cigna_buf_append_char(&plain, CIGNA_MARKER_VERSION);
    cigna_buf_append_u64(&plain, (uint64_t) made_ms);

    record = (cigna_record_t) { cigna_slice("marker"), .name = key,
                                .named = 1 };

    return cigna_seal(vault->ring, &record, cigna_slice_null,
                      cigna_buf_slice(&plain), nonce, out);
}
