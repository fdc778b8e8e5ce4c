
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
