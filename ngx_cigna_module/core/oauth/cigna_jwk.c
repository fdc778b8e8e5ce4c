
/*
 * How each member of a JWK is read.  All other members are ignored.  If a name
 * occurs twice, the last value counts.
 *
 *   member   absent or null       odd or wrong
 *   ------   --------------       ------------
 *   kty      not usable           not usable
 *   crv      not usable, if EC    not usable, if EC or OKP
 *            or OKP
 *   alg      any of its kind      not usable, if not of its kind
 *   use      for signatures       not usable, unless "sig"
 *   key_ops  for signatures       not usable without "verify"
 *   kid      key is tried last    as if absent
 *   n, e     not usable           base64 of either alphabet is read, with or
 *   x, y                          without padding and leading zeros; not usable
 *                                 are RSA keys below 2048 or above 8192 bits,
 *                                 even numbers, an exponent of 1 or of more
 *                                 than 8 bytes, and points that are off the
 *                                 curve or have a small order
 *   d, p, k  accepted             if present, not usable: the secret part was
 *                                 published
 *
 * A key that is not usable does not affect the other keys of the set.
 */


#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <string.h>

#include "http/cigna_base64url.h"
#include "cigna_jwk.h"


/* RFC 7518, section 3.3: 2048 bits or more; the maximum bounds the time */
#define CIGNA_RSA_BITS_MIN      2048
#define CIGNA_RSA_BITS_MAX      8192
#define CIGNA_RSA_EXPONENT_MAX  8          /* most bytes of an exponent */

#define CIGNA_EC_LEN_MAX        48         /* most bytes of a coordinate, and of
                                              r and s of a signature */
#define CIGNA_EC_DER_MAX        104        /* most bytes of an
                                              ECDSA-Sig-Value */

#define CIGNA_ED25519_LEN       32


typedef struct {
    const char     *name;
    cigna_kind_e    kind;
    const char     *digest;                /* NULL: the key implies the
                                              digest */
    int             pss;
} cigna_alg_t;


typedef struct {
    const char     *kty;
    const char     *crv;                   /* NULL: not checked */
    cigna_kind_e    kind;
    const char     *group;                 /* OpenSSL's name of the curve */
    size_t          len;                   /* bytes of a coordinate */
} cigna_kind_t;


static cigna_jwk_e cigna_jwk_purpose(cigna_jwk_t *key,
    const cigna_json_t *object, const cigna_kind_t **kind);
static cigna_jwk_e cigna_jwk_public(cigna_jwk_t *key,
    const cigna_json_t *object, const cigna_kind_t *kind);
static const cigna_kind_t *cigna_jwk_kind_of(const cigna_json_t *object);
static int cigna_jwk_verifies(const cigna_json_t *object);
static int cigna_jwk_is_secret(const cigna_json_t *object);
static void cigna_jwk_copy_kid(cigna_jwk_t *key, const cigna_json_t *object);
static cigna_jwk_e cigna_jwk_rsa(cigna_jwk_t *key,
    const cigna_json_t *object);
static EVP_PKEY *cigna_jwk_rsa_import(const BIGNUM *n, const BIGNUM *e);
static cigna_jwk_e cigna_jwk_ec(cigna_jwk_t *key, const cigna_json_t *object,
    const cigna_kind_t *kind);
static cigna_jwk_e cigna_jwk_ed25519(cigna_jwk_t *key,
    const cigna_json_t *object);
static int cigna_jwk_small_order(const uint8_t *point);
static EVP_PKEY *cigna_jwk_import(const char *type, OSSL_PARAM *params);
static int cigna_jwk_decode(const cigna_json_t *object, const char *name,
    cigna_buf_t *b);
static BIGNUM *cigna_jwk_number(const cigna_json_t *object, const char *name,
    size_t max);
static int cigna_jwk_coordinate(const cigna_json_t *object, const char *name,
    uint8_t *out, size_t len);
static int cigna_jwk_check(const cigna_jwk_t *key, const cigna_alg_t *alg,
    cigna_slice_t text, cigna_slice_t signature);
static int cigna_jwk_der(cigna_slice_t raw, size_t half, uint8_t *der);


static const cigna_alg_t  cigna_algs[] = {
    [cigna_alg_none] = { "", cigna_kind_none, NULL, 0 },
    [cigna_alg_rs256] = { "RS256", cigna_kind_rsa, "SHA256", 0 },
    [cigna_alg_rs384] = { "RS384", cigna_kind_rsa, "SHA384", 0 },
    [cigna_alg_rs512] = { "RS512", cigna_kind_rsa, "SHA512", 0 },
    [cigna_alg_ps256] = { "PS256", cigna_kind_rsa, "SHA256", 1 },
    [cigna_alg_ps384] = { "PS384", cigna_kind_rsa, "SHA384", 1 },
    [cigna_alg_ps512] = { "PS512", cigna_kind_rsa, "SHA512", 1 },
    [cigna_alg_es256] = { "ES256", cigna_kind_p256, "SHA256", 0 },
    [cigna_alg_es384] = { "ES384", cigna_kind_p384, "SHA384", 0 },
    [cigna_alg_eddsa] = { "EdDSA", cigna_kind_ed25519, NULL, 0 }
};


static const cigna_kind_t  cigna_kinds[] = {
    { "RSA", NULL, cigna_kind_rsa, NULL, 0 },
    { "EC", "P-256", cigna_kind_p256, "prime256v1", 32 },
    { "EC", "P-384", cigna_kind_p384, "secp384r1", 48 },
    { "OKP", "Ed25519", cigna_kind_ed25519, NULL, 0 }
};


/*
 * The y coordinates of all points of Ed25519 that have a small order, in all
 * encodings, also those not reduced modulo p, without the sign (the highest
 * bit).
 */

static const char *const  cigna_jwk_small_orders[] = {
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",

    "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",

    "\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0"
    "\xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05",

    "\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f"
    "\x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a",

    "\xec\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",

    "\xed\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",

    "\xee\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"
};


cigna_alg_e
cigna_alg_find(cigna_slice_t name)
{
    unsigned  alg;

    for (alg = cigna_alg_none + 1; alg < cigna_alg_max; alg++) {
        if (cigna_slice_eq(name, cigna_slice_str(cigna_algs[alg].name))) {
            return (cigna_alg_e) alg;
        }
    }

    /* RFC 9864, section 2.2: "Ed25519" is EdDSA with an Ed25519 key */

    return cigna_slice_eq(name, cigna_slice("Ed25519")) ? cigna_alg_eddsa
                                                        : cigna_alg_none;
}


cigna_jwk_e
cigna_jwk_init(cigna_jwk_t *key, const cigna_json_t *object)
{
    cigna_jwk_e          e;
    const cigna_kind_t  *kind;

    memset(key, 0, sizeof(cigna_jwk_t));

    if (object == NULL) {
        return cigna_jwk_object;
    }

    e = cigna_jwk_purpose(key, object, &kind);
    if (e != cigna_jwk_ok) {
        return e;
    }

    e = cigna_jwk_public(key, object, kind);

    ERR_clear_error();

    cigna_jwk_copy_kid(key, object);

    return e;
}


void
cigna_jwk_done(cigna_jwk_t *key)
{
    EVP_PKEY_free(key->pkey);
    key->pkey = NULL;
}


const char *
cigna_jwk_name(cigna_jwk_e e)
{
    static const char *const  names[] = {
        [cigna_jwk_ok] = "usable",
        [cigna_jwk_object] = "no object",
        [cigna_jwk_secret] = "secret",
        [cigna_jwk_use] = "not for verifying",
        [cigna_jwk_kind] = "unknown kind",
        [cigna_jwk_alg] = "other algorithm",
        [cigna_jwk_weak] = "weak",
        [cigna_jwk_broken] = "broken"
    };

    return ((unsigned) e < cigna_jwk_max) ? names[e] : "unknown";
}


int
cigna_jwk_fits(const cigna_jwk_t *key, cigna_alg_e alg)
{
    return alg != cigna_alg_none && alg < cigna_alg_max
           && cigna_algs[alg].kind == key->kind
           && (key->alg == cigna_alg_none || key->alg == alg);
}


int
cigna_jwk_same(const cigna_jwk_t *a, const cigna_jwk_t *b)
{
    int  same;

    same = a->kind == b->kind && a->alg == b->alg
           && cigna_slice_eq(cigna_slice_make(a->kid, a->kid + a->kid_len),
                             cigna_slice_make(b->kid, b->kid + b->kid_len))
           && EVP_PKEY_eq(a->pkey, b->pkey) == 1;

    ERR_clear_error();

    return same;
}


/* finds the kind of the key, and checks that it may verify signatures */

static cigna_jwk_e
cigna_jwk_purpose(cigna_jwk_t *key, const cigna_json_t *object,
    const cigna_kind_t **kind)
{
    int            rc;
    cigna_slice_t  name;

    if (cigna_jwk_is_secret(object)) {
        return cigna_jwk_secret;
    }

    if (!cigna_jwk_verifies(object)) {
        return cigna_jwk_use;
    }

    *kind = cigna_jwk_kind_of(object);
    if (*kind == NULL) {
        return cigna_jwk_kind;
    }

    key->kind = (*kind)->kind;

    rc = cigna_json_string(object, "alg", CIGNA_KID_MAX, &name);

    if (rc == CIGNA_NONE) {
        return cigna_jwk_ok;
    }

    key->alg = cigna_alg_find(name);

    return (rc == CIGNA_OK && cigna_jwk_fits(key, key->alg)) ? cigna_jwk_ok
                                                             : cigna_jwk_alg;
}


/* finds the kind of a key by kty and crv; NULL if the kind is unknown */

static const cigna_kind_t *
cigna_jwk_kind_of(const cigna_json_t *object)
{
    size_t               i;
    cigna_slice_t        kty, crv;
    const cigna_kind_t  *kind;

    (void) cigna_json_string(object, "kty", CIGNA_KID_MAX, &kty);
    (void) cigna_json_string(object, "crv", CIGNA_KID_MAX, &crv);

    for (i = 0; i < sizeof(cigna_kinds) / sizeof(cigna_kinds[0]); i++) {
        kind = &cigna_kinds[i];

        if (cigna_slice_eq(kty, cigna_slice_str(kind->kty))
            && (kind->crv == NULL
                || cigna_slice_eq(crv, cigna_slice_str(kind->crv))))
        {
            return kind;
        }
    }

    return NULL;
}


/*
 * 1 if the key may verify signatures; "use" and "key_ops" are optional (RFC
 * 7517, sections 4.2 and 4.3)
 */

static int
cigna_jwk_verifies(const cigna_json_t *object)
{
    int                  rc;
    size_t               i;
    cigna_slice_t        use;
    const cigna_json_t  *ops;

    rc = cigna_json_string(object, "use", CIGNA_KID_MAX, &use);

    if (rc != CIGNA_NONE && !cigna_slice_eq(use, cigna_slice("sig"))) {
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
 * Anybody can sign with a key whose secret part was published.  A secret key of
 * any kind has one of these members.
 */

static int
cigna_jwk_is_secret(const cigna_json_t *object)
{
    int  unused;

    return cigna_json_bool(object, "d", &unused) != CIGNA_NONE
           || cigna_json_bool(object, "p", &unused) != CIGNA_NONE
           || cigna_json_bool(object, "k", &unused) != CIGNA_NONE;
}


/* copies the kid; a kid that cannot be read counts as absent */

static void
cigna_jwk_copy_kid(cigna_jwk_t *key, const cigna_json_t *object)
{
    cigna_slice_t  kid;

    if (cigna_json_string(object, "kid", CIGNA_KID_MAX, &kid) == CIGNA_OK
        && kid.len)
    {
        memcpy(key->kid, kid.data, kid.len);
        key->kid_len = kid.len;
    }
}


static cigna_jwk_e
cigna_jwk_public(cigna_jwk_t *key, const cigna_json_t *object,
    const cigna_kind_t *kind)
{
    switch (kind->kind) {

    case cigna_kind_rsa:
        return cigna_jwk_rsa(key, object);

    case cigna_kind_ed25519:
        return cigna_jwk_ed25519(key, object);

    default: /* an elliptic curve */
        return cigna_jwk_ec(key, object, kind);
    }
}


static cigna_jwk_e
cigna_jwk_rsa(cigna_jwk_t *key, const cigna_json_t *object)
{
    BIGNUM       *n, *e;
    cigna_jwk_e   rc;

    n = cigna_jwk_number(object, "n", CIGNA_RSA_BITS_MAX / 8);
    e = cigna_jwk_number(object, "e", CIGNA_RSA_EXPONENT_MAX);

    if (n == NULL || e == NULL) {
        rc = cigna_jwk_broken;

    } else if (BN_num_bits(n) < CIGNA_RSA_BITS_MIN
               || !BN_is_odd(n) || !BN_is_odd(e) || BN_is_one(e))
    {
        /* with an exponent of 1 a message is its own signature */

        rc = cigna_jwk_weak;

    } else {
        key->pkey = cigna_jwk_rsa_import(n, e);
        rc = key->pkey ? cigna_jwk_ok : cigna_jwk_broken;
    }

    BN_free(n);
    BN_free(e);

    return rc;
}


static EVP_PKEY *
cigna_jwk_rsa_import(const BIGNUM *n, const BIGNUM *e)
{
    int         nlen, elen;
    uint8_t     nmem[CIGNA_RSA_BITS_MAX / 8], emem[CIGNA_RSA_EXPONENT_MAX];
    OSSL_PARAM  params[3];

    nlen = BN_bn2nativepad(n, nmem, BN_num_bytes(n));
    elen = BN_bn2nativepad(e, emem, BN_num_bytes(e));

    params[0] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, nmem,
                                        (size_t) nlen);
    params[1] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_E, emem,
                                        (size_t) elen);
    params[2] = OSSL_PARAM_construct_end();

    return cigna_jwk_import("RSA", params);
}


/*
 * reads a key of an elliptic curve; OpenSSL refuses points that are not on the
 * curve
 */

static cigna_jwk_e
cigna_jwk_ec(cigna_jwk_t *key, const cigna_json_t *object,
    const cigna_kind_t *kind)
{
    uint8_t     point[1 + 2 * CIGNA_EC_LEN_MAX];
    OSSL_PARAM  params[3];

    point[0] = POINT_CONVERSION_UNCOMPRESSED;

    if (cigna_jwk_coordinate(object, "x", point + 1, kind->len) != CIGNA_OK
        || cigna_jwk_coordinate(object, "y", point + 1 + kind->len, kind->len)
           != CIGNA_OK)
    {
        return cigna_jwk_broken;
    }

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                                 (char *) kind->group, 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
                                                  point, 1 + 2 * kind->len);
    params[2] = OSSL_PARAM_construct_end();

    key->pkey = cigna_jwk_import("EC", params);

    return key->pkey ? cigna_jwk_ok : cigna_jwk_broken;
}


static cigna_jwk_e
cigna_jwk_ed25519(cigna_jwk_t *key, const cigna_json_t *object)
{
    uint8_t      point[CIGNA_ED25519_LEN];
    cigna_buf_t  b;

    cigna_buf_init(&b, point, sizeof(point));

    if (cigna_jwk_decode(object, "x", &b) != CIGNA_OK || b.pos != b.end) {
        return cigna_jwk_broken;
    }

    if (cigna_jwk_small_order(point)) {
        return cigna_jwk_weak;
    }

    key->pkey = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, point,
                                               sizeof(point));

    return key->pkey ? cigna_jwk_ok : cigna_jwk_broken;
}


/* 1 if the point has a small order: then anybody can sign for the key */

static int
cigna_jwk_small_order(const uint8_t *point)
{
    size_t         i, count;
    uint8_t        y[CIGNA_ED25519_LEN];
    cigna_slice_t  small;

    memcpy(y, point, sizeof(y));
    y[sizeof(y) - 1] &= 0x7f;

    count = sizeof(cigna_jwk_small_orders) / sizeof(cigna_jwk_small_orders[0]);

    for (i = 0; i < count; i++) {
        small.data = (const uint8_t *) cigna_jwk_small_orders[i];
        small.len = sizeof(y);

        if (cigna_slice_eq(cigna_slice_make(y, y + sizeof(y)), small)) {
            return 1;
        }
    }

    return 0;
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

    return cigna_json_string(object, name, CIGNA_JSON_SIZE_MAX, &text)
           == CIGNA_OK ? cigna_base64_decode_any(text, b) : CIGNA_ERROR;
}


/*
 * reads a number, which the caller frees; NULL if it is absent, malformed or
 * over max bytes, or if there is no memory
 */

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


/* reads a coordinate; some servers leave out leading zeros, or add some */

static int
cigna_jwk_coordinate(const cigna_json_t *object, const char *name,
    uint8_t *out, size_t len)
{
    int      rc;
    BIGNUM  *n;

    n = cigna_jwk_number(object, name, CIGNA_RSA_BITS_MAX / 8);

    rc = (n && BN_bn2binpad(n, out, (int) len) >= 0) ? CIGNA_OK : CIGNA_ERROR;

    BN_free(n);

    return rc;
}


int
cigna_jwk_verify(const cigna_jwk_t *key, cigna_alg_e alg, cigna_slice_t text,
    cigna_slice_t signature)
{
    int      rc, len;
    uint8_t  der[CIGNA_EC_DER_MAX];

    /* a token must not choose an algorithm that the key is not for */

    if (!cigna_jwk_fits(key, alg)) {
        return CIGNA_NONE;
    }

    if (key->kind == cigna_kind_p256 || key->kind == cigna_kind_p384) {

        len = cigna_jwk_der(signature, key->kind == cigna_kind_p256 ? 32 : 48,
                            der);
        if (len < 0) {
            return len;
        }

        signature = cigna_slice_make(der, der + len);
    }

    rc = cigna_jwk_check(key, &cigna_algs[alg], text, signature);

    ERR_clear_error();

    return rc;
}


/* in PS256, ... the salt is as long as the digest (RFC 7518, section 3.5) */

static int
cigna_jwk_check(const cigna_jwk_t *key, const cigna_alg_t *alg,
    cigna_slice_t text, cigna_slice_t signature)
{
    int            rc;
    EVP_MD_CTX    *ctx;
    EVP_PKEY_CTX  *pctx;

    rc = CIGNA_ERROR;
    pctx = NULL;
    ctx = EVP_MD_CTX_new();

    if (ctx
        && EVP_DigestVerifyInit_ex(ctx, &pctx, alg->digest, NULL, NULL,
                                   key->pkey, NULL)
           == 1
        && (!alg->pss
            || (EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1
                && EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx,
                                                    RSA_PSS_SALTLEN_DIGEST)
                   == 1)))
    {
        rc = EVP_DigestVerify(ctx, signature.data, signature.len, text.data,
                              text.len)
             == 1 ? CIGNA_OK : CIGNA_NONE;
    }

    EVP_MD_CTX_free(ctx);

    return rc;
}


/*
 * JOSE joins r and s (RFC 7518, section 3.4); OpenSSL needs DER.  Returns the
 * length of the DER, CIGNA_NONE if the signature has another length, or
 * CIGNA_ERROR if there is no memory.
 */

static int
cigna_jwk_der(cigna_slice_t raw, size_t half, uint8_t *der)
{
    int         len;
    BIGNUM     *r, *s;
    ECDSA_SIG  *sig;

    if (raw.len != 2 * half) {
        return CIGNA_NONE;
    }

    r = BN_bin2bn(raw.data, (int) half, NULL);
    s = BN_bin2bn(raw.data + half, (int) half, NULL);
    sig = ECDSA_SIG_new();

    if (sig == NULL || ECDSA_SIG_set0(sig, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        ECDSA_SIG_free(sig);

        return CIGNA_ERROR;
    }

    /* the signature now owns r and s */

    len = i2d_ECDSA_SIG(sig, &der);

    ECDSA_SIG_free(sig);

    return len > 0 ? len : CIGNA_ERROR;
}
