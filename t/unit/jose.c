
#define _GNU_SOURCE

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <stdio.h>

#include "jose.h"


static char    jose_mem[512 * 1024];
static size_t  jose_used;


static size_t jose_raw(const uint8_t *der, size_t len, uint8_t *raw, int half);
static int jose_len(EVP_PKEY *pkey);


void
jose_reset(void)
{
    jose_used = 0;
}


char *
jose_keep(const char *text, size_t len)
{
    char  *p;

    assert_true(len < sizeof(jose_mem) - jose_used);

    p = jose_mem + jose_used;
    memcpy(p, text, len);
    p[len] = '\0';
    jose_used += len + 1;

    return p;
}


char *
jose_base64url(const void *bytes, size_t len)
{
    char         text[32 * 1024];
    cigna_buf_t  b;

    cigna_buf_init(&b, text, sizeof(text));
    cigna_base64url_append(&b, (cigna_slice_t) { bytes, len });
    assert_false(b.overflow);

    return jose_keep(text, (size_t) (b.pos - b.start));
}


char *
jose_number(EVP_PKEY *pkey, const char *name, int len)
{
    char     *text;
    BIGNUM   *n;
    uint8_t   bytes[1024];

    n = NULL;
    assert_int_equal(EVP_PKEY_get_bn_param(pkey, name, &n), 1);

    if (len < BN_num_bytes(n)) {
        len = BN_num_bytes(n);
    }

    assert_int_equal(BN_bn2binpad(n, bytes, len), len);
    text = jose_base64url(bytes, (size_t) len);
    BN_free(n);

    return text;
}


char *
jose_raw_key(EVP_PKEY *pkey)
{
    size_t   len;
    uint8_t  bytes[64];

    len = sizeof(bytes);
    assert_int_equal(EVP_PKEY_get_raw_public_key(pkey, bytes, &len), 1);

    return jose_base64url(bytes, len);
}


/* the length of a coordinate of a P-256 or P-384 key, in bytes */

static int
jose_len(EVP_PKEY *pkey)
{
    return EVP_PKEY_get_bits(pkey) == 384 ? 48 : 32;
}


char *
jose_jwk(EVP_PKEY *pkey, const char *more)
{
    int   len;
    char  text[4096];

    if (EVP_PKEY_is_a(pkey, "RSA")) {
        len = snprintf(text, sizeof(text),
                       "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"%s}",
                       jose_number(pkey, OSSL_PKEY_PARAM_RSA_N, 0),
                       jose_number(pkey, OSSL_PKEY_PARAM_RSA_E, 0), more);

    } else if (EVP_PKEY_is_a(pkey, "ED25519")) {
        len = snprintf(text, sizeof(text),
                       "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%s\"%s}",
                       jose_raw_key(pkey), more);

    } else {
        len = snprintf(text, sizeof(text),
                       "{\"kty\":\"EC\",\"crv\":\"P-%d\",\"x\":\"%s\","
                       "\"y\":\"%s\"%s}", jose_len(pkey) * 8,
                       jose_number(pkey, OSSL_PKEY_PARAM_EC_PUB_X,
                                   jose_len(pkey)),
                       jose_number(pkey, OSSL_PKEY_PARAM_EC_PUB_Y,
                                   jose_len(pkey)), more);
    }

    assert_in_range(len, 1, sizeof(text) - 1);

    return jose_keep(text, (size_t) len);
}


/* converts a DER signature to r and s in a row (RFC 7518, section 3.4) */

static size_t
jose_raw(const uint8_t *der, size_t len, uint8_t *raw, int half)
{
    ECDSA_SIG  *sig;

    sig = d2i_ECDSA_SIG(NULL, &der, (long) len);
    assert_non_null(sig);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, half), half);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + half, half),
                     half);
    ECDSA_SIG_free(sig);

    return (size_t) half * 2;
}


size_t
jose_sign_as(EVP_PKEY *pkey, const char *digest, int pss, const char *text,
    uint8_t sig[1024])
{
    size_t         len;
    uint8_t        der[1024];
    EVP_MD_CTX    *ctx;
    EVP_PKEY_CTX  *pctx;

    len = sizeof(der);
    ctx = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit_ex(ctx, &pctx, digest, NULL, NULL,
                                           pkey, NULL),
                     1);

    if (pss) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(pctx,
                                                      RSA_PKCS1_PSS_PADDING),
                         1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx,
                                                     RSA_PSS_SALTLEN_DIGEST),
                         1);
    }

    assert_int_equal(EVP_DigestSign(ctx, der, &len, (const uint8_t *) text,
                                    strlen(text)),
                     1);
    EVP_MD_CTX_free(ctx);

    if (!EVP_PKEY_is_a(pkey, "EC")) {
        memcpy(sig, der, len);
        return len;
    }

    return jose_raw(der, len, sig, jose_len(pkey));
}


size_t
jose_sign(EVP_PKEY *pkey, const char *text, uint8_t sig[1024])
{
    return jose_sign_as(pkey, "SHA256", 0, text, sig);
}


char *
jose_text(const char *header, const char *payload)
{
    int   len;
    char  text[32 * 1024];

    len = snprintf(text, sizeof(text), "%s.%s",
                   jose_base64url(header, strlen(header)),
                   jose_base64url(payload, strlen(payload)));

    return jose_keep(text, (size_t) len);
}


char *
jose_join(const char *text, const void *sig, size_t len)
{
    int   n;
    char  token[32 * 1024];

    n = snprintf(token, sizeof(token), "%s.%s", text,
                 jose_base64url(sig, len));

    return jose_keep(token, (size_t) n);
}


char *
jose_token(EVP_PKEY *pkey, const char *header, const char *payload)
{
    char     *text;
    size_t    len;
    uint8_t   sig[1024];

    text = jose_text(header, payload);
    len = jose_sign(pkey, text, sig);

    return jose_join(text, sig, len);
}
