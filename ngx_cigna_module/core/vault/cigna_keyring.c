
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#include "http/cigna_base64url.h"
#include "cigna_keyring.h"


#if (OPENSSL_VERSION_NUMBER < 0x30000030L)
#error "OpenSSL 3.0.3 or newer is needed: HMAC must start again without a key"
#endif


/*
 * most bytes of "info" of HKDF: the parts, and room for length prefixes, label,
 * key id, version and counter
 */
#define CIGNA_KEYRING_INFO_MAX  (CIGNA_SEAL_PARTS_MAX + 128)


static int cigna_keyring_init_gcm(cigna_keyring_t *ring);
static int cigna_keyring_init_hmac(cigna_keyring_t *ring);
static const char *cigna_keyring_read(cigna_keyring_t *ring,
    cigna_slice_t text, unsigned *line);
static const char *cigna_keyring_line(cigna_keyring_t *ring,
    cigna_slice_t line);
static cigna_slice_t cigna_keyring_word(cigna_slice_t *line);
static int cigna_keyring_blank(uint8_t c);
static cigna_ring_key_t *cigna_keyring_slot(cigna_keyring_t *ring,
    cigna_slice_t kind, const char **error);
static const char *cigna_keyring_decode(cigna_slice_t word,
    uint8_t key[CIGNA_SEAL_KEY_LEN]);
static const char *cigna_keyring_add(cigna_keyring_t *ring,
    cigna_ring_key_t *slot, const uint8_t key[CIGNA_SEAL_KEY_LEN]);
static const char *cigna_keyring_derive(cigna_keyring_t *ring);
static int cigna_keyring_extract(const cigna_keyring_t *ring,
    const uint8_t key[CIGNA_SEAL_KEY_LEN], cigna_ring_key_t *slot);
static int cigna_keyring_set(const cigna_keyring_t *ring,
    const uint8_t prk[CIGNA_SHA256_LEN], cigna_ring_key_t *slot);
static int cigna_keyring_hmac(EVP_MAC_CTX *hmac, cigna_slice_t key,
    cigna_slice_t data, uint8_t out[CIGNA_SHA256_LEN]);


cigna_keyring_t *
cigna_keyring_create(cigna_slice_t text, const char **error, unsigned *line)
{
    cigna_keyring_t  *ring;

    *error = NULL;
    *line = 0;

    ring = calloc(1, sizeof(cigna_keyring_t));

    if (ring == NULL
        || cigna_keyring_init_gcm(ring) != CIGNA_OK
        || cigna_keyring_init_hmac(ring) != CIGNA_OK)
    {
        *error = "no memory, or the cryptographic library lacks AES-256-GCM "
                 "or HMAC-SHA256";

    } else {
        *error = cigna_keyring_read(ring, text, line);
    }

    if (*error) {
        ERR_clear_error();
        cigna_keyring_destroy(ring);
        return NULL;
    }

    return ring;
}


void
cigna_keyring_destroy(cigna_keyring_t *ring)
{
    unsigned  i;

    if (ring == NULL) {
        return;
    }

    for (i = 0; i < CIGNA_SEAL_KEYS_MAX; i++) {
        EVP_MAC_CTX_free(ring->keys[i].hmac);
    }

    EVP_MAC_CTX_free(ring->name.hmac);
    EVP_MAC_CTX_free(ring->names.hmac);
    EVP_MAC_CTX_free(ring->hmac);
    EVP_CIPHER_CTX_free(ring->gcm);

    cigna_secret_wipe(ring, sizeof(cigna_keyring_t));
    free(ring);
}


static int
cigna_keyring_init_gcm(cigna_keyring_t *ring)
{
    ring->gcm = EVP_CIPHER_CTX_new();

    if (ring->gcm == NULL
        || EVP_CipherInit_ex2(ring->gcm, EVP_aes_256_gcm(), NULL, NULL, 1, NULL)
           != 1)
    {
        return CIGNA_ERROR;
    }

    return CIGNA_OK;
}


static int
cigna_keyring_init_hmac(cigna_keyring_t *ring)
{
    char         digest[] = "SHA256";
    EVP_MAC     *mac;
    OSSL_PARAM   params[2];

    mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    if (mac == NULL) {
        return CIGNA_ERROR;
    }

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                                 digest, 0);
    params[1] = OSSL_PARAM_construct_end();

    ring->hmac = EVP_MAC_CTX_new(mac);
    EVP_MAC_free(mac);

    if (ring->hmac == NULL
        || EVP_MAC_CTX_set_params(ring->hmac, params) != 1)
    {
        return CIGNA_ERROR;
    }

    return CIGNA_OK;
}


/* returns an error text, or NULL */

static const char *
cigna_keyring_read(cigna_keyring_t *ring, cigna_slice_t text, unsigned *line)
{
    const char  *error;

    while (text.len) {
        (*line)++;

        error = cigna_keyring_line(ring, cigna_slice_cut(&text, '\n'));
        if (error) {
            return error;
        }
    }

    *line = 0;

    if (!ring->has_name) {
        return "there is no \"name\" line";
    }

    if (ring->nkeys == 0) {
        return "there is no \"seal\" line";
    }

    return cigna_keyring_derive(ring);
}


static const char *
cigna_keyring_line(cigna_keyring_t *ring, cigna_slice_t line)
{
    uint8_t            key[CIGNA_SEAL_KEY_LEN];
    const char        *error;
    cigna_slice_t      kind, word;
    cigna_ring_key_t  *slot;

    kind = cigna_keyring_word(&line);

    if (kind.len == 0 || kind.data[0] == '#') {
        return NULL;
    }

    slot = cigna_keyring_slot(ring, kind, &error);
    if (slot == NULL) {
        return error;
    }

    word = cigna_keyring_word(&line);

    if (cigna_keyring_word(&line).len) {
        return "there is something behind the key";
    }

    error = cigna_keyring_decode(word, key);

    if (error == NULL) {
        error = cigna_keyring_add(ring, slot, key);
    }

    cigna_secret_wipe(key, sizeof(key));

    return error;
}


/* the next word, empty at the end of the line */

static cigna_slice_t
cigna_keyring_word(cigna_slice_t *line)
{
    size_t         n;
    cigna_slice_t  word;

    for (n = 0; n < line->len && cigna_keyring_blank(line->data[n]); n++) {
        /* void */
    }

    word = cigna_slice_skip(*line, n);

    for (n = 0; n < word.len && !cigna_keyring_blank(word.data[n]); n++) {
        /* void */
    }

    *line = cigna_slice_skip(word, n);
    word.len = n;

    return word;
}


static int
cigna_keyring_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}


/*
 * returns the place for a key of this kind; NULL: *error says why there is none
 */

static cigna_ring_key_t *
cigna_keyring_slot(cigna_keyring_t *ring, cigna_slice_t kind,
    const char **error)
{
    if (cigna_slice_eq(kind, cigna_slice("name"))) {

        if (ring->has_name) {
            *error = "there is a second \"name\" line";
            return NULL;
        }

        return &ring->name;
    }

    if (cigna_slice_eq(kind, cigna_slice("seal"))) {

        if (ring->nkeys == CIGNA_SEAL_KEYS_MAX) {
            *error = "there are more than 16 \"seal\" lines";
            return NULL;
        }

        return &ring->keys[ring->nkeys];
    }

    *error = "a line must begin with \"name\", \"seal\" or \"#\"";

    return NULL;
}


static const char *
cigna_keyring_decode(cigna_slice_t word, uint8_t key[CIGNA_SEAL_KEY_LEN])
{
    size_t       i;
    cigna_buf_t  b;

    cigna_buf_init(&b, key, CIGNA_SEAL_KEY_LEN);

    if (cigna_base64url_decode(word, &b) != CIGNA_OK || b.pos != b.end) {
        return "a key is 32 bytes in base64url, 43 characters without \"=\"";
    }

    for (i = 1; i < CIGNA_SEAL_KEY_LEN; i++) {
        if (key[i] != key[0]) {
            return NULL;
        }
    }

    return "a key must be random: this one repeats a single byte";
}


static const char *
cigna_keyring_add(cigna_keyring_t *ring, cigna_ring_key_t *slot,
    const uint8_t key[CIGNA_SEAL_KEY_LEN])
{
    uint8_t        id[CIGNA_SHA256_LEN];
    cigna_slice_t  label = cigna_slice("key id");

    if (cigna_keyring_extract(ring, key, slot) != CIGNA_OK
        || cigna_keyring_expand(slot, &label, 1, id) != CIGNA_OK)
    {
        return "keys cannot be derived";
    }

    if (cigna_keyring_find(ring, id, 0) || cigna_keyring_find(ring, id, 1)) {
        return "the same key occurs twice";
    }

    memcpy(slot->id, id, CIGNA_SEAL_KEY_ID_LEN);

    if (slot == &ring->name) {
        ring->has_name = 1;

    } else {
        ring->nkeys++;
    }

    return NULL;
}


/* HKDF-Extract (RFC 5869, section 2.2), once for each key */

static int
cigna_keyring_extract(const cigna_keyring_t *ring,
    const uint8_t key[CIGNA_SEAL_KEY_LEN], cigna_ring_key_t *slot)
{
    int      rc;
    uint8_t  prk[CIGNA_SHA256_LEN];

    rc = cigna_keyring_hmac(ring->hmac, cigna_slice("ngx_cigna_module"),
                            (cigna_slice_t) { key, CIGNA_SEAL_KEY_LEN }, prk);

    if (rc == CIGNA_OK) {
        rc = cigna_keyring_set(ring, prk, slot);
    }

    cigna_secret_wipe(prk, sizeof(prk));

    return rc;
}


static int
cigna_keyring_set(const cigna_keyring_t *ring,
    const uint8_t prk[CIGNA_SHA256_LEN], cigna_ring_key_t *slot)
{
    slot->hmac = EVP_MAC_CTX_dup(ring->hmac);

    if (slot->hmac == NULL
        || EVP_MAC_init(slot->hmac, prk, CIGNA_SHA256_LEN, NULL) != 1)
    {
        ERR_clear_error();
        return CIGNA_ERROR;
    }

    return CIGNA_OK;
}


/* derives two keys from the name key */

static const char *
cigna_keyring_derive(cigna_keyring_t *ring)
{
    int            rc;
    uint8_t        prk[CIGNA_SHA256_LEN];
    cigna_slice_t  names = cigna_slice("names");
    cigna_slice_t  siphash = cigna_slice("siphash");

    rc = cigna_keyring_expand(&ring->name, &names, 1, prk);

    if (rc == CIGNA_OK) {
        rc = cigna_keyring_set(ring, prk, &ring->names);
    }

    cigna_secret_wipe(prk, sizeof(prk));

    if (rc != CIGNA_OK
        || cigna_keyring_expand(&ring->name, &siphash, 1, ring->siphash)
           != CIGNA_OK)
    {
        return "keys cannot be derived";
    }

    return NULL;
}


int
cigna_keyring_name(const cigna_keyring_t *ring, const cigna_slice_t *parts,
    size_t count, uint8_t out[CIGNA_SHA256_LEN])
{
    return cigna_keyring_expand(&ring->names, parts, count, out);
}


void
cigna_keyring_siphash_key(const cigna_keyring_t *ring, uint8_t out[16])
{
    memcpy(out, ring->siphash, 16);
}


const cigna_ring_key_t *
cigna_keyring_find(const cigna_keyring_t *ring,
    const uint8_t id[CIGNA_SEAL_KEY_ID_LEN], int named)
{
    const cigna_ring_key_t  *key, *end;

    key = named ? &ring->name : ring->keys;

    for (end = key + (named ? ring->has_name : ring->nkeys); key < end; key++) {
        if (memcmp(key->id, id, CIGNA_SEAL_KEY_ID_LEN) == 0) {
            return key;
        }
    }

    return NULL;
}


/*
 * HKDF-Expand (RFC 5869, section 2.3).  One block is enough:
 * T(1) = HMAC(PRK, info | 0x01).
 */

int
cigna_keyring_expand(const cigna_ring_key_t *key, const cigna_slice_t *parts,
    size_t count, uint8_t out[CIGNA_SHA256_LEN])
{
    size_t       i;
    uint8_t      mem[CIGNA_KEYRING_INFO_MAX];
    cigna_buf_t  info;

    cigna_buf_init(&info, mem, sizeof(mem));

    for (i = 0; i < count; i++) {
        cigna_buf_append_lp(&info, parts[i]);
    }

    cigna_buf_append_char(&info, 1);

    if (info.overflow) {
        return CIGNA_ERROR;
    }

    return cigna_keyring_hmac(key->hmac, cigna_slice_null,
                              cigna_buf_slice(&info), out);
}


/* computes an HMAC; key: if empty, the context uses its present key again */

static int
cigna_keyring_hmac(EVP_MAC_CTX *hmac, cigna_slice_t key, cigna_slice_t data,
    uint8_t out[CIGNA_SHA256_LEN])
{
    size_t  len;

    if (EVP_MAC_init(hmac, key.data, key.len, NULL) != 1
        || EVP_MAC_update(hmac, data.data, data.len) != 1
        || EVP_MAC_final(hmac, out, &len, CIGNA_SHA256_LEN) != 1)
    {
        ERR_clear_error();
        return CIGNA_ERROR;
    }

    return CIGNA_OK;
}
