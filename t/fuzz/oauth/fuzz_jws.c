
#include "fuzz.h"

#include "oauth/cigna_jwt.h"


/*
 * The public keys of an issuer, EC and RSA, and a token that was signed with
 * each.  The target changes one of the tokens by the input.  The private keys
 * no longer exist, so a token that passes must have the header and the payload
 * of one of these tokens.
 */

static const char  set[] =
    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"e\",\"x\":\"b"
    "59evvMo6-2nvbTrblwg4AAha-HgxFVfgGS9Yd66_cc\",\"y\":\"J4b9Nq8Mt0CaRKq"
    "LN8XZNiM7_-1d_xMeeDCUmzHUtNc\"},{\"kty\":\"RSA\",\"kid\":\"r\",\"e\""
    ":\"AQAB\",\"n\":\"un09r5xpoXmHgY_T0a5TvPrQqRlGiUUtcYiJ3d0f-8_WG_HavC"
    "Fd29l3w92a5q343FdvLZTd8T6pLP-rfZq0N1nkDKbZRYXTHGizYxqZW-xayIm7s5o-T4"
    "TOlrQX87KSmiHofcIbUJn163jE8i67gKDvyUxxPzXdQBevmemAP8ZIn-TvXGjxwTU5bi"
    "40dLMwBfWjRx3PYG26k9XOa6w-Jnq62ytz8w1Ibu2HDzbWBgMRPoSGatkkJGx74ReXQf"
    "fK7K36lPvep42vor7NnxK1l29XWU4_uqVvPdksOoce-RAvzDnoYJBF9LLb838Q6dxWPe"
    "MW7OKB0bpZLRXtDqWLNw\"}]}";

static const char *const  tokens[] = {
    "eyJhbGciOiJFUzI1NiIsImtpZCI6ImUifQ.eyJpc3MiOiJodHRwczovL2FzLmV4YW1wb"
    "GUiLCJhdWQiOiJjbGllbnQiLCJzdWIiOiJzIiwiZXhwIjoxNzAwMDAwNjAwLCJpYXQiO"
    "jE3MDAwMDAwMDAsIm5vbmNlIjoibiJ9.GfVQpvESGmKAtj3-beDKWU6UMIYluCXOF2s8"
    "_qLzUhovEq4D-7eim6dAUwt9sAwcOmyxvI4kfbqiHehFu1IdKQ",

    "eyJhbGciOiJSUzI1NiIsImtpZCI6InIifQ.eyJpc3MiOiJodHRwczovL2FzLmV4YW1wb"
    "GUiLCJhdWQiOiJjbGllbnQiLCJzdWIiOiJzIiwiZXhwIjoxNzAwMDAwNjAwLCJpYXQiO"
    "jE3MDAwMDAwMDAsIm5vbmNlIjoibiJ9.A6Rx-gmP9bvibWWdhS3DbqWPvGhSKwxjcS7V"
    "YczAWC0UQfEkOw6mT61YqziNF-3uFOtChH8Ua3yVt_dcjrIQJWSbSRe0ByPkczr8u95z"
    "mRN6oNLfV6ARA0gDhFDpPa4AF6_WKszPdrXiyUzZtiQDTsoczeLxE6Iz_stJJ76pavSp"
    "rl_KcFeiR7fxeGEVv7lvHPlN7qtxLxER8wTL1jxtHuauuV_F-O8s9tj6Zw3HyEHgao9m"
    "bHzNWC0-CAEz16_tZ86F-39C-Rs1wuowOCAu4T7V3HopVr_OhaBA_hqCahcjbbIov9qa"
    "3s2T3AS47cI62PN-yAGb1QP7bSjdSG4Tzg"
};


#define MEM  (64 * 1024)

static uint8_t        arena_mem[MEM], token_mem[MEM];
static cigna_jwks_t  *jwks;


static cigna_jwt_e
verify(cigna_slice_t token)
{
    cigna_jwt_e         e;
    cigna_arena_t       arena;
    cigna_id_token_t    claims;
    cigna_jwt_expect_t  expect;

    expect = (cigna_jwt_expect_t) {
        .iss = cigna_slice("https://as.example"),
        .aud = cigna_slice("client"),
        .nonce = cigna_slice("n"),
        .now_s = 1700000000,
        .leeway_s = 60
    };

    cigna_arena_init(&arena, arena_mem, MEM);
    e = cigna_jwt_verify(token, jwks, &expect, &arena, &claims);

    if (e == cigna_jwt_ok) {
        fuzz_assert(cigna_slice_eq(claims.iss, expect.iss));
        fuzz_assert(cigna_slice_eq(claims.sub, cigna_slice("s")));

    } else {
        fuzz_assert(claims.iss.len == 0 && claims.sub.len == 0);
    }

    return e;
}


/*
 * 1 if header and payload are those of a known token.  The signature may
 * differ: if (r, s) is a valid ECDSA signature, (r, -s) is one, too.
 */

static int
is_ours(cigna_slice_t token)
{
    size_t         i;
    cigna_slice_t  text;

    for (i = 0; i < 2; i++) {

        text = cigna_slice_str(tokens[i]);
        text.len = (size_t) (strrchr(tokens[i], '.') + 1 - tokens[i]);

        if (cigna_slice_starts(token, text)) {
            return 1;
        }
    }

    return 0;
}


/*
 * Returns one of the tokens, into which bytes of the input were inserted, or in
 * which they replace as many bytes.
 */

static cigna_slice_t
spliced(cigna_slice_t input)
{
    size_t         at;
    uint8_t        kind;
    cigna_buf_t    b;
    cigna_slice_t  text;

    kind = fuzz_byte(&input);
    at = fuzz_byte(&input);
    at = at << 8 | fuzz_byte(&input);

    text = cigna_slice_str(tokens[kind & 1]);

    cigna_buf_init(&b, token_mem, MEM);
    cigna_buf_append(&b, fuzz_cut(&text, at % text.len));
    cigna_buf_append(&b, input);
    cigna_buf_append(&b, cigna_slice_skip(text, kind & 2 ? 0 : input.len));

    return cigna_buf_slice(&b);
}


int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    size_t  i;

    (void) argc;
    (void) argv;

    jwks = cigna_jwks_create(cigna_slice_str(set));
    fuzz_assert(jwks && cigna_jwks_count(jwks) == 2);

    for (i = 0; i < 2; i++) {
        fuzz_assert(verify(cigna_slice_str(tokens[i])) == cigna_jwt_ok);
    }

    return 0;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t        *copy;
    cigna_slice_t   token;

    if (size > MEM / 4) {
        return 0;
    }

    token = spliced(fuzz_input(data, size));

    /*
     * the copy has memory of exactly its size, so that ASan notices reads
     * beyond it
     */

    copy = fuzz_join(token, cigna_slice_null);

    if (verify(fuzz_input(copy, token.len)) == cigna_jwt_ok) {
        fuzz_assert(is_ours(token));
    }

    free(copy);

    return 0;
}
