
#include <string.h>

#include "http/cigna_base64url.h"
#include "cigna_dance_id.h"


#define CIGNA_DANCE_ID_HASH  18            /* bytes of the digest, 24 characters
                                              in base64url */


static int cigna_dance_id_digit(uint8_t c);


static const char  cigna_dance_id_digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";


void
cigna_dance_id_append(cigna_buf_t *b,
    const uint8_t random[CIGNA_DANCE_ID_BYTES])
{
    unsigned  i;
    uint64_t  bits;

    bits = 0;

    for (i = 0; i < CIGNA_DANCE_ID_BYTES; i++) {
        bits = bits << 8 | random[i];
    }

    for (i = 0; i < CIGNA_DANCE_ID_LEN; i++) {
        cigna_buf_append_char(b, (uint8_t)
            cigna_dance_id_digits[bits >> 5 * (CIGNA_DANCE_ID_LEN - 1 - i)
                                  & 31]);
    }
}


int
cigna_dance_id_parse(cigna_slice_t text, uint8_t id[CIGNA_DANCE_ID_LEN])
{
    int       digit;
    size_t    i;
    unsigned  n;

    n = 0;

    for (i = 0; i < text.len; i++) {

        if (text.data[i] == ' ' || text.data[i] == '-') {
            continue;
        }

        digit = cigna_dance_id_digit(text.data[i]);

        if (digit < 0 || n == CIGNA_DANCE_ID_LEN) {
            return CIGNA_ERROR;
        }

        id[n++] = (uint8_t) cigna_dance_id_digits[digit];
    }

    return n == CIGNA_DANCE_ID_LEN ? CIGNA_OK : CIGNA_ERROR;
}


static int
cigna_dance_id_digit(uint8_t c)
{
    const char  *found;

    c = cigna_slice_lower(c);

    if (c == 'o') {
        return 0;
    }

    if (c == 'i' || c == 'l') {
        return 1;
    }

    if (c >= 'a' && c <= 'z') {
        c -= 'a' - 'A';
    }

    found = c ? strchr(cigna_dance_id_digits, c) : NULL;

    return found ? (int) (found - cigna_dance_id_digits) : -1;
}


int
cigna_dance_id_append_state(cigna_buf_t *b, const cigna_vault_t *vault,
    cigna_slice_t id)
{
    uint8_t        hash[CIGNA_SHA256_LEN];
    cigna_slice_t  parts[] = { cigna_slice("dance state"), id };

    if (id.len != CIGNA_DANCE_ID_LEN
        || cigna_keyring_expand(&vault->ring->name, parts, 2, hash) != CIGNA_OK)
    {
        return CIGNA_ERROR;
    }

    cigna_buf_append(b, (cigna_slice_t) { id.data, CIGNA_DANCE_TAG_LEN });
    cigna_base64url_append(b, cigna_slice_make(hash,
                                               hash + CIGNA_DANCE_ID_HASH));
    cigna_secret_wipe(hash, sizeof(hash));

    return b->overflow ? CIGNA_ERROR : CIGNA_OK;
}


int
cigna_dance_id_append_key(cigna_buf_t *b, const cigna_vault_t *vault,
    cigna_slice_t id)
{
    int          rc;
    uint8_t      mem[CIGNA_STATE_LEN];
    cigna_buf_t  state;

    cigna_buf_init(&state, mem, sizeof(mem));

    rc = cigna_dance_id_append_state(&state, vault, id);

    if (rc == CIGNA_OK) {
        rc = cigna_vault_append_dance_key(b, vault, cigna_buf_slice(&state));
    }

    cigna_secret_wipe(mem, sizeof(mem));

    return rc;
}
