
#include "cigna_siphash.h"


typedef struct {
    uint64_t  v0;
    uint64_t  v1;
    uint64_t  v2;
    uint64_t  v3;
} cigna_siphash_t;


static void cigna_siphash_word(cigna_siphash_t *h, uint64_t word);
static void cigna_siphash_rounds(cigna_siphash_t *h, unsigned n);
static uint64_t cigna_siphash_rotate(uint64_t x, unsigned bits);
static uint64_t cigna_siphash_load(const uint8_t *p);
static uint64_t cigna_siphash_tail(const uint8_t *p, size_t len);
static void cigna_siphash_store(uint8_t *p, uint64_t word);


void
cigna_siphash(const uint8_t key[CIGNA_SIPHASH_KEY_LEN], cigna_slice_t s,
    uint8_t out[CIGNA_SIPHASH_LEN])
{
    uint64_t         k0, k1;
    const uint8_t   *p, *tail;
    cigna_siphash_t  h;

    k0 = cigna_siphash_load(key);
    k1 = cigna_siphash_load(key + 8);

    /*
     * constants of the SipHash paper; 0xee and 0xdd are of the 128-bit variant
     */

    h.v0 = k0 ^ 0x736f6d6570736575;
    h.v1 = k1 ^ 0x646f72616e646f6d ^ 0xee;
    h.v2 = k0 ^ 0x6c7967656e657261;
    h.v3 = k1 ^ 0x7465646279746573;

    tail = s.data + s.len / 8 * 8;

    for (p = s.data; p != tail; p += 8) {
        cigna_siphash_word(&h, cigna_siphash_load(p));
    }

    cigna_siphash_word(&h, (uint64_t) s.len << 56
                           | cigna_siphash_tail(tail, s.len % 8));

    h.v2 ^= 0xee;
    cigna_siphash_rounds(&h, 4);
    cigna_siphash_store(out, h.v0 ^ h.v1 ^ h.v2 ^ h.v3);

    h.v1 ^= 0xdd;
    cigna_siphash_rounds(&h, 4);
    cigna_siphash_store(out + 8, h.v0 ^ h.v1 ^ h.v2 ^ h.v3);
}


uint64_t
cigna_siphash_plain(cigna_slice_t s)
{
    uint64_t  hash[CIGNA_SIPHASH_LEN / sizeof(uint64_t)];

    static const uint8_t  key[CIGNA_SIPHASH_KEY_LEN];

    cigna_siphash(key, s, (uint8_t *) hash);

    return hash[0];
}


static void
cigna_siphash_word(cigna_siphash_t *h, uint64_t word)
{
    h->v3 ^= word;
    cigna_siphash_rounds(h, 2);
    h->v0 ^= word;
}


static void
cigna_siphash_rounds(cigna_siphash_t *h, unsigned n)
{
    while (n--) {
        h->v0 += h->v1;
        h->v1 = cigna_siphash_rotate(h->v1, 13) ^ h->v0;
        h->v0 = cigna_siphash_rotate(h->v0, 32);

        h->v2 += h->v3;
        h->v3 = cigna_siphash_rotate(h->v3, 16) ^ h->v2;

        h->v0 += h->v3;
        h->v3 = cigna_siphash_rotate(h->v3, 21) ^ h->v0;

        h->v2 += h->v1;
        h->v1 = cigna_siphash_rotate(h->v1, 17) ^ h->v2;
        h->v2 = cigna_siphash_rotate(h->v2, 32);
    }
}


static uint64_t
cigna_siphash_rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}


/* reads a little-endian number; compilers turn this into one instruction */

static uint64_t
cigna_siphash_load(const uint8_t *p)
{
    return (uint64_t) p[0] | (uint64_t) p[1] << 8
           | (uint64_t) p[2] << 16 | (uint64_t) p[3] << 24
           | (uint64_t) p[4] << 32 | (uint64_t) p[5] << 40
           | (uint64_t) p[6] << 48 | (uint64_t) p[7] << 56;
}


static uint64_t
cigna_siphash_tail(const uint8_t *p, size_t len)
{
    uint64_t  word;

    word = 0;

    while (len--) {
        word = word << 8 | p[len];
    }

    return word;
}


static void
cigna_siphash_store(uint8_t *p, uint64_t word)
{
    unsigned  i;

    for (i = 0; i < 8; i++) {
        p[i] = (uint8_t) (word >> (8 * i));
    }
}
