
#include "fuzz.h"

#include "http/cigna_base64url.h"
#include "oauth/cigna_jwt.h"


/*
 * If the first byte is odd, the rest of the input is a token.  If the first
 * byte is even, the rest is a header and claims with a NUL byte between them,
 * and the target makes a token of them.  The target signs nothing with the
 * set's key, so no token may pass.
 */

#define MEM  (64 * 1024)

static uint8_t        token_mem[MEM], mem[MEM];
static cigna_jwks_t  *jwks;


/* the public key of RFC 7515, appendix A.3 */

static const char  set[] =
    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"a\","
    "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";


static cigna_slice_t
made_token(cigna_slice_t rest)
{
    cigna_buf_t    b;
    cigna_slice_t  header;

    header = cigna_slice_cut(&rest, '\0');

    cigna_buf_init(&b, token_mem, MEM);
    cigna_base64url_append(&b, header);
    cigna_buf_append_char(&b, '.');
    cigna_base64url_append(&b, rest);
    cigna_buf_append_str(&b, ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCg"
                             "fTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q");

    return cigna_buf_slice(&b);
}


static void
verify(cigna_slice_t token)
{
    int                 good;
    cigna_jwt_e         e;
    cigna_arena_t       arena;
    cigna_id_token_t    claims;
    cigna_jwt_expect_t  expect;

    expect = (cigna_jwt_expect_t) {
        .iss = cigna_slice("i"),
        .aud = cigna_slice("c"),
        .nonce = cigna_slice("n"),
        .now_s = 1700000000,
        .leeway_s = 60
    };

    cigna_arena_init(&arena, mem, MEM);
    e = cigna_jwt_verify(token, jwks, &expect, &arena, &claims);
    fuzz_assert(e != cigna_jwt_ok);
    fuzz_assert(claims.sub.len == 0);

    cigna_arena_init(&arena, mem, MEM);
    e = cigna_jwt_verify(token, NULL, &expect, &arena, &claims);
    fuzz_assert((e == cigna_jwt_ok) == (claims.sub.len > 0));
    fuzz_assert(e != cigna_jwt_signature && e != cigna_jwt_unknown_kid);

    cigna_arena_init(&arena, mem, MEM);
    e = cigna_jwt_read(token, jwks, &arena, &claims, &good);
    fuzz_assert((e == cigna_jwt_ok) == (claims.sub.len > 0));
    fuzz_assert(!good);
}


static void
read_keys(cigna_slice_t text)
{
    cigna_jwks_t  *keys;

    keys = cigna_jwks_create(text);
    fuzz_assert(keys == NULL
                || cigna_jwks_count(keys) <= CIGNA_JWKS_KEYS_MAX);
    cigna_jwks_destroy(keys);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t        kind;
    cigna_slice_t  text;

    if (jwks == NULL) {
        jwks = cigna_jwks_create(cigna_slice_str(set));
        fuzz_assert(jwks);
    }

    text = fuzz_input(data, size);
    kind = fuzz_byte(&text);

    verify(kind & 1 ? text : made_token(text));
    read_keys(text);

    return 0;
}
