
#include "cigna_slot.h"


/* the greatest tag of any slot */

#define CIGNA_SLOT_NUMBER_MAX  109757


static unsigned cigna_slot_crc16(cigna_slice_t s);
static cigna_slice_t cigna_slot_hashed(cigna_slice_t key);


unsigned
cigna_slot(cigna_slice_t key)
{
    return cigna_slot_crc16(cigna_slot_hashed(key)) % CIGNA_SLOTS;
}


/* CRC16 with the polynomial 0x1021, four bits at a time */

static unsigned
cigna_slot_crc16(cigna_slice_t s)
{
    size_t    i;
    unsigned  crc;

    static const uint16_t  table[16] = {
        0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5, 0x60c6, 0x70e7,
        0x8108, 0x9129, 0xa14a, 0xb16b, 0xc18c, 0xd1ad, 0xe1ce, 0xf1ef
    };

    crc = 0;

    for (i = 0; i < s.len; i++) {
        crc = (crc << 4 ^ table[(crc >> 12 ^ s.data[i] >> 4) & 15]) & 0xffff;
        crc = (crc << 4 ^ table[(crc >> 12 ^ s.data[i]) & 15]) & 0xffff;
    }

    return crc;
}


static cigna_slice_t
cigna_slot_hashed(cigna_slice_t key)
{
    cigna_slice_t  tag;

    tag = key;
    (void) cigna_slice_cut(&tag, '{');

    if (!cigna_slice_has(tag, '}')) {
        return key;
    }

    tag = cigna_slice_cut(&tag, '}');

    return tag.len ? tag : key;
}


int
cigna_slot_append_tag(cigna_buf_t *b, unsigned slot)
{
    uint8_t      mem[CIGNA_SLOT_TAG_MAX];
    unsigned     n;
    cigna_buf_t  tag;

    for (n = 0; n <= CIGNA_SLOT_NUMBER_MAX; n++) {

        cigna_buf_init(&tag, mem, sizeof(mem));
        cigna_buf_append_uint(&tag, n);

        if (cigna_slot_crc16(cigna_buf_slice(&tag)) % CIGNA_SLOTS == slot) {
            cigna_buf_append(b, cigna_buf_slice(&tag));
            return b->overflow ? CIGNA_ERROR : CIGNA_OK;
        }
    }

    return CIGNA_ERROR;
}
