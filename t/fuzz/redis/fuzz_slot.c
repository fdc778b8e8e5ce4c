
#include "fuzz.h"

#include "redis/cigna_cluster.h"


/*
 * The input is a Redis key, and a command whose arguments are pieces of it.  A
 * second implementation computes the CRC16 of the key's hash tag bit by bit.
 */

static unsigned
crc16(cigna_slice_t s)
{
    int       bit;
    size_t    i;
    unsigned  crc;

    crc = 0;

    for (i = 0; i < s.len; i++) {
        crc ^= (unsigned) s.data[i] << 8;

        for (bit = 0; bit < 8; bit++) {
            crc = (crc & 0x8000) ? (crc << 1) ^ 0x1021 : crc << 1;
            crc &= 0xffff;
        }
    }

    return crc;
}


static cigna_slice_t
tag_of(cigna_slice_t key)
{
    uint8_t        *open, *close;
    cigna_slice_t   tag;

    open = key.len ? memchr(key.data, '{', key.len) : NULL;

    if (open == NULL) {
        return key;
    }

    tag.data = open + 1;
    tag.len = key.data + key.len - tag.data;

    close = tag.len ? memchr(tag.data, '}', tag.len) : NULL;

    if (close == NULL || close == tag.data) {
        return key;
    }

    tag.len = close - tag.data;

    return tag;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t         argc;
    unsigned       slot, i, known;
    cigna_slice_t  input, key, argv[8];

    key = fuzz_input(data, size);

    fuzz_assert(cigna_slot(key) == crc16(tag_of(key)) % CIGNA_SLOTS);

    input = key;

    for (argc = 0; argc < 8 && input.len; argc++) {
        argv[argc] = fuzz_cut(&input, fuzz_byte(&input) % 16);
    }

    if (cigna_cluster_slot(argv, argc, &slot) == CIGNA_OK) {

        /* the command's slot is that of one of its arguments */

        known = 0;

        for (i = 1; i < argc; i++) {
            known |= cigna_slot(argv[i]) == slot;
        }

        fuzz_assert(known);
    }

    return 0;
}
