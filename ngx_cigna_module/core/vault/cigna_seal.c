
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#include "cigna_seal.h"


#define CIGNA_SEAL_VERSION   1

/* EVP counts in int; records are much smaller */
#define CIGNA_SEAL_DATA_MAX  (1024 * 1024)


static int cigna_seal_start(cigna_keyring_t *ring, const cigna_ring_key_t *key,
    const cigna_record_t *record, const uint8_t *nonce, int encrypt);
static int cigna_seal_run(EVP_CIPHER_CTX *gcm, cigna_slice_t aad,
    cigna_slice_t in, uint8_t *out);
static int cigna_seal_failed(cigna_buf_t *out, uint8_t *start, int rc);


int
cigna_seal(cigna_keyring_t *ring, const cigna_record_t *record,
    cigna_slice_t aad, cigna_slice_t plain,
    const uint8_t nonce[CIGNA_SEAL_NONCE_LEN], cigna_buf_t *out)
{
    int                      n;
    uint8_t                 *start, *body, *tag;
    const cigna_ring_key_t  *key;

    key = record->named ? &ring->name : ring->keys;
    start = out->pos;

    cigna_buf_append_char(out, CIGNA_SEAL_VERSION);
    cigna_buf_append(out, cigna_slice_make(key->id,
                                           key->id + CIGNA_SEAL_KEY_ID_LEN));
    cigna_buf_append(out, cigna_slice_make(nonce,
                                           nonce + CIGNA_SEAL_NONCE_LEN));

    body = cigna_buf_reserve(out, plain.len);
    tag = cigna_buf_reserve(out, CIGNA_SEAL_TAG_LEN);

    if (out->overflow
        || cigna_seal_start(ring, key, record, nonce, 1) != CIGNA_OK
        || cigna_seal_run(ring->gcm, aad, plain, body) != CIGNA_OK
        || EVP_CipherFinal_ex(ring->gcm, tag, &n) != 1
        || EVP_CIPHER_CTX_ctrl(ring->gcm, EVP_CTRL_AEAD_GET_TAG,
                               CIGNA_SEAL_TAG_LEN, tag)
           != 1)
    {
        return cigna_seal_failed(out, start, CIGNA_ERROR);
    }

    return CIGNA_OK;
}


int
cigna_seal_open(cigna_keyring_t *ring, const cigna_record_t *record,
    cigna_slice_t aad, cigna_slice_t sealed, cigna_buf_t *out)
{
    int                      n;
    uint8_t                 *start, *plain, tag[CIGNA_SEAL_TAG_LEN];
    const uint8_t           *nonce, *body, *end;
    const cigna_ring_key_t  *key;

    if (sealed.len < CIGNA_SEAL_OVERHEAD
        || sealed.data[0] != CIGNA_SEAL_VERSION)
    {
        return CIGNA_SEAL_DAMAGED;
    }

    key = cigna_keyring_find(ring, sealed.data + 1, record->named);
    if (key == NULL) {
        return CIGNA_SEAL_UNKNOWN_KEY;
    }

    nonce = sealed.data + 1 + CIGNA_SEAL_KEY_ID_LEN;
    body = nonce + CIGNA_SEAL_NONCE_LEN;
    end = sealed.data + sealed.len - CIGNA_SEAL_TAG_LEN;

    memcpy(tag, end, CIGNA_SEAL_TAG_LEN);

    start = out->pos;
    plain = cigna_buf_reserve(out, (size_t) (end - body));

    if (out->overflow
        || cigna_seal_start(ring, key, record, nonce, 0) != CIGNA_OK
        || cigna_seal_run(ring->gcm, aad, cigna_slice_make(body, end), plain)
           != CIGNA_OK
        || EVP_CIPHER_CTX_ctrl(ring->gcm, EVP_CTRL_AEAD_SET_TAG,
                               CIGNA_SEAL_TAG_LEN, tag)
           != 1)
    {
        return cigna_seal_failed(out, start, CIGNA_ERROR);
    }

    /* for GCM this call compares the tag and writes nothing */

    if (EVP_CipherFinal_ex(ring->gcm, tag, &n) != 1) {
        return cigna_seal_failed(out, start, CIGNA_SEAL_DAMAGED);
    }

    return CIGNA_OK;
}


/* sets the record's encryption key and the nonce */

static int
cigna_seal_start(cigna_keyring_t *ring, const cigna_ring_key_t *key,
    const cigna_record_t *record, const uint8_t *nonce, int encrypt)
{
    int            rc;
    uint8_t        own[CIGNA_SHA256_LEN], version;
    cigna_slice_t  info[6];

    version = CIGNA_SEAL_VERSION;

    info[0] = cigna_slice("record");
    info[1] = cigna_slice_make(key->id, key->id + CIGNA_SEAL_KEY_ID_LEN);
    info[2] = cigna_slice_make(&version, &version + 1);
    info[3] = record->type;
    info[4] = record->tenant;
    info[5] = record->name;

    rc = cigna_keyring_expand(key, info, 6, own);

    if (rc == CIGNA_OK
        && EVP_CipherInit_ex2(ring->gcm, NULL, own, nonce, encrypt, NULL) != 1)
    {
        rc = CIGNA_ERROR;
    }

    cigna_secret_wipe(own, sizeof(own));

    return rc;
}


static int
cigna_seal_run(EVP_CIPHER_CTX *gcm, cigna_slice_t aad, cigna_slice_t in,
    uint8_t *out)
{
    int  n;

    if (aad.len > CIGNA_SEAL_DATA_MAX
        || in.len > CIGNA_SEAL_DATA_MAX
        || (aad.len
            && EVP_CipherUpdate(gcm, NULL, &n, aad.data, (int) aad.len) != 1)
        || (in.len
            && EVP_CipherUpdate(gcm, out, &n, in.data, (int) in.len) != 1))
    {
        return CIGNA_ERROR;
    }

    return CIGNA_OK;
}


/* wipes and removes the appended text, which may not be authentic */

static int
cigna_seal_failed(cigna_buf_t *out, uint8_t *start, int rc)
{
    ERR_clear_error();

    cigna_secret_wipe(start, (size_t) (out->pos - start));
    out->pos = start;

    return rc;
}
