
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <string.h>

#include "cigna_base64url.h"
#include "cigna_jwk.h"


/* RFC 7518, section 3.3: 2048 bits or more; above, time is all that grows */
#define CIGNA_RSA_BITS_MIN      2048
#define CIGNA_RSA_BITS_MAX      8192
#define CIGNA_RSA_EXPONENT_MAX  8          /* bytes */

#define CIGNA_P256_LEN          32         /* of a coordinate, of r and of s */
#define CIGNA_P256_DER_MAX      72         /* of an ECDSA-Sig-Value */


static cigna_alg_e cigna_jwk_alg(const cigna_json_t *object);
static int cigna_jwk_member_is(const cigna_json_t *object, const char *name,
    cigna_slice_t value);
static int cigna_jwk_verifies(const cigna_json_t *object);
static int cigna_jwk_secret(const cigna_json_t *object);
static EVP_PKEY *cigna_jwk_rsa(const cigna_json_t *object);
static EVP_PKEY *cigna_jwk_ec(const cigna_json_t *object);
static EVP_PKEY *cigna_jwk_import(const char *type, OSSL_PARAM *params);
static int cigna_jwk_decode(const cigna_json_t *object, const char *name,
    cigna_buf_t *b);
static BIGNUM *cigna_jwk_number(const cigna_json_t *object, const char *name,
    size_t max);
static int cigna_jwk_der(cigna_slice_t raw, uint8_t *der);


cigna_alg_e
cigna_alg_find(cigna_slice_t name)
{
    if (cigna_slice_eq(name, cigna_slice("RS256"))) {
        return cigna_alg_rs256;
    }

    if (cigna_slice_eq(name, cigna_slice("ES256"))) {
        return cigna_alg_es256;
    }

    return cigna_alg_none;
}


int
cigna_jwk_init(cigna_jwk_t *key, const cigna_json_t *object)
{
    cigna_slice_t  kid;

    memset(key, 0, sizeof(cigna_jwk_t));

    if (cigna_jwk_secret(object)
        || !cigna_jwk_verifies(object)
        || cigna_json_string(object, "kid", CIGNA_KID_MAX, &kid)
           == CIGNA_ERROR)
    {
        return CIGNA_NONE;
    }

    key->alg = cigna_jwk_alg(object);

    switch (key->alg) {

    case cigna_alg_rs256:
        key->pkey = cigna_jwk_rsa(object);
        break;

    case cigna_alg_es256:
        key->pkey = cigna_jwk_ec(object);
        break;

    case cigna_alg_none:
        break;
    }

    ERR_clear_error();

    if (key->pkey == NULL) {
        return CIGNA_NONE;
    }

    key->kid_len = kid.len;

    if (kid.len) {
        memcpy(key->kid, kid.data, kid.len);
    }

    return CIGNA_OK;
}


void
cigna_jwk_done(cigna_jwk_t *key)
{
    EVP_PKEY_free(key->pkey);
    key->pkey = NULL;
}


/* the one algorithm that the key is for: "alg" may say so, "kty" must fit */

static cigna_alg_e
cigna_jwk_alg(const cigna_json_t *object)
{
    cigna_slice_t  kty;

    if (cigna_json_string(object, "kty", CIGNA_KID_MAX, &kty) != CIGNA_OK) {
        return cigna_alg_none;
    }

    if (cigna_slice_eq(kty, cigna_slice("RSA"))
        && cigna_jwk_member_is(object, "alg", cigna_slice("RS256")))
    {
        return cigna_alg_rs256;
    }

    if (cigna_slice_eq(kty, cigna_slice("EC"))
        && cigna_jwk_member_is(object, "alg", cigna_slice("ES256")))
    {
        return cigna_alg_es256;
    }

    return cigna_alg_none;
}


/* 1 if absent, too */

static int
cigna_jwk_member_is(const cigna_json_t *object, const char *name,
    cigna_slice_t value)
{
    int            rc;
    cigna_slice_t  s;

    rc = cigna_json_string(object, name, CIGNA_KID_MAX, &s);

    return rc == CIGNA_NONE || (rc == CIGNA_OK && cigna_slice_eq(s, value));
}


/* RFC 7517, sections 4.2 and 4.3: both members are optional */

static int
cigna_jwk_verifies(const cigna_json_t *object)
{
    int                  rc;
    size_t               i;
    const cigna_json_t  *ops;

    if (!cigna_jwk_member_is(object, "use", cigna_slice("sig"))) {
        return 0;
    }

    rc = cigna_json_array(object, "key_ops", &ops);

    if (rc != CIGNA_OK) {
        return rc == CIGNA_NONE;
    }

    for (i = 0; i < cigna_json_count(ops); i++) {
        if (cigna_slice_eq(cigna_json_item_string(ops, i),
                           cigna_slice("verify")))
        {
            return 1;
        }
    }

    return 0;
}


/*
 * A key whose secret part was published is anybody's: what it signed proves
 * nothing.  Of each kind of key, every secret form has one of these.
 */

static int
cigna_jwk_secret(const cigna_json_t *object)
{
    int  unused;

    return cigna_json_bool(object, "d", &unused) != CIGNA_NONE
           || cigna_json_bool(object, "p", &unused) != CIGNA_NONE
           || cigna_json_bool(object, "k", &unused) != CIGNA_NONE;
}


static EVP_PKEY *
cigna_jwk_rsa(const cigna_json_t *object)
{
    BIGNUM          *n, *e;
    EVP_PKEY        *pkey;
    OSSL_PARAM      *params;
    OSSL_PARAM_BLD  *bld;

    pkey = NULL;
    params = NULL;

    n = cigna_jwk_number(object, "n", CIGNA_RSA_BITS_MAX / 8);
    e = cigna_jwk_number(object, "e", CIGNA_RSA_EXPONENT_MAX);
    bld = OSSL_PARAM_BLD_new();

    /* with an exponent of 1 a message is its own signature */

    if (n && e && bld
        && BN_num_bits(n) >= CIGNA_RSA_BITS_MIN
        && BN_is_odd(n) && BN_is_odd(e) && !BN_is_one(e)
        && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) == 1
        && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e) == 1)
    {
        params = OSSL_PARAM_BLD_to_param(bld);
    }

    if (params) {
        pkey = cigna_jwk_import("RSA", params);
    }

    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    BN_free(n);
    BN_free(e);

    return pkey;
}


/* the import refuses points that are not on the curve */

static EVP_PKEY *
cigna_jwk_ec(const cigna_json_t *object)
{
    char           group[] = "prime256v1";
    uint8_t        point[1 + 2 * CIGNA_P256_LEN];
    cigna_buf_t    x, y;
    OSSL_PARAM     params[3];
    cigna_slice_t  crv;

    point[0] = POINT_CONVERSION_UNCOMPRESSED;

    cigna_buf_init(&x, point + 1, CIGNA_P256_LEN);
    cigna_buf_init(&y, point + 1 + CIGNA_P256_LEN, CIGNA_P256_LEN);

    if (cigna_json_string(object, "crv", CIGNA_KID_MAX, &crv) != CIGNA_OK
        || !cigna_slice_eq(crv, cigna_slice("P-256"))
        || cigna_jwk_decode(object, "x", &x) != CIGNA_OK
        || cigna_jwk_decode(object, "y", &y) != CIGNA_OK
        || x.pos != x.end || y.pos != y.end)
    {
        return NULL;
    }

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                                 group, 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
                                                  point, sizeof(point));
    params[2] = OSSL_PARAM_construct_end();

    return cigna_jwk_import("EC", params);
}


static EVP_PKEY *
cigna_jwk_import(const char *type, OSSL_PARAM *params)
{
    EVP_PKEY      *pkey;
    EVP_PKEY_CTX  *ctx;

    pkey = NULL;

    ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);

    if (ctx == NULL
        || EVP_PKEY_fromdata_init(ctx) != 1
        || EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
    {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }

    EVP_PKEY_CTX_free(ctx);

    return pkey;
}


static int
cigna_jwk_decode(const cigna_json_t *object, const char *name, cigna_buf_t *b)
{
    cigna_slice_t  text;

    if (cigna_json_string(object, name, CIGNA_JSON_SIZE_MAX, &text)
        != CIGNA_OK)
    {
        return CIGNA_ERROR;
    }

    return cigna_base64url_decode(text, b);
}


/* owned by the caller; NULL if absent, malformed, or over max bytes */

static BIGNUM *
cigna_jwk_number(const cigna_json_t *object, const char *name, size_t max)
{
    uint8_t      mem[CIGNA_RSA_BITS_MAX / 8];
    cigna_buf_t  b;

    cigna_buf_init(&b, mem, max);

    if (cigna_jwk_decode(object, name, &b) != CIGNA_OK) {
        return NULL;
    }

    return BN_bin2bn(mem, (int) (b.pos - b.start), NULL);
}


int
cigna_jwk_verify(const cigna_jwk_t *key, cigna_slice_t text,
    cigna_slice_t signature)
{
    int          rc, len;
    uint8_t      der[CIGNA_P256_DER_MAX];
    EVP_MD_CTX  *ctx;

    if (key->alg == cigna_alg_es256) {

        len = cigna_jwk_der(signature, der);
        if (len < 0) {
            return len;
        }

        signature = cigna_slice_make(der, der + len);
    }

    rc = CIGNA_ERROR;
    ctx = EVP_MD_CTX_new();

    if (ctx
        && EVP_DigestVerifyInit_ex(ctx, NULL, "SHA256", NULL, NULL, key->pkey,
                                   NULL)
           == 1)
    {
        rc = EVP_DigestVerify(ctx, signature.data, signature.len, text.data,
                              text.len)
             == 1 ? CIGNA_OK : CIGNA_NONE;
    }

    EVP_MD_CTX_free(ctx);
    ERR_clear_error();

    return rc;
}


/*
 * JOSE has r and s in a row, RFC 7518, section 3.4; OpenSSL wants DER.
 * Returns its length, or CIGNA_NONE, or CIGNA_ERROR if there is no memory.
 */

static int
cigna_jwk_der(cigna_slice_t raw, uint8_t *der)
{
    int         len;
    BIGNUM     *r, *s;
    ECDSA_SIG  *sig;

    if (raw.len != 2 * CIGNA_P256_LEN) {
        return CIGNA_NONE;
    }

    len = CIGNA_ERROR;

    r = BN_bin2bn(raw.data, CIGNA_P256_LEN, NULL);
    s = BN_bin2bn(raw.data + CIGNA_P256_LEN, CIGNA_P256_LEN, NULL);
    sig = ECDSA_SIG_new();

    if (r && s && sig && ECDSA_SIG_set0(sig, r, s) == 1) {

        /* they are the signature's now */

        r = NULL;
        s = NULL;

        len = i2d_ECDSA_SIG(sig, &der);
        if (len <= 0) {
            len = CIGNA_ERROR;
        }
    }

    ECDSA_SIG_free(sig);
    BN_free(r);
    BN_free(s);

    return len;
}
