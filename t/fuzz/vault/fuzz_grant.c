
#include "fuzz.h"

#include "vault/cigna_grant.h"


/*
 * A record that can be parsed is written in the same form, and the written
 * record is parsed to the same values.
 */

static uint8_t  mem[8192];


static void
read_grant(cigna_slice_t text)
{
    cigna_buf_t    b;
    cigna_grant_t  g, again;

    memset(&g, 0xff, sizeof(g));

    if (cigna_grant_parse(text, &g) != CIGNA_OK) {
        fuzz_assert(g.access_token.len == 0 && g.refresh_token.len == 0);
        return;
    }

    fuzz_assert(fuzz_within(g.access_token, text));
    fuzz_assert(fuzz_within(g.refresh_token, text));
    fuzz_assert(fuzz_within(g.scope, text));
    fuzz_assert(fuzz_within(g.patient, text));
    fuzz_assert(fuzz_within(g.sub, text));
    fuzz_assert(fuzz_within(g.fhir_user, text));
    fuzz_assert(g.state == cigna_grant_live || g.state == cigna_grant_spent);

    cigna_buf_init(&b, mem, sizeof(mem));
    cigna_grant_append(&b, &g);

    fuzz_assert(cigna_grant_parse(cigna_buf_slice(&b), &again) == CIGNA_OK);
    fuzz_assert(cigna_slice_eq(g.access_token, again.access_token));
    fuzz_assert(cigna_slice_eq(g.refresh_token, again.refresh_token));
    fuzz_assert(cigna_slice_eq(g.fhir_user, again.fhir_user));
    fuzz_assert(g.state == again.state);
    fuzz_assert(g.forced <= 1 && g.forced == again.forced);
    fuzz_assert(g.obtained_ms == again.obtained_ms);
    fuzz_assert(g.expires_ms == again.expires_ms);
    fuzz_assert(g.connected_ms == again.connected_ms);
}


static void
read_dance(cigna_slice_t text)
{
    cigna_buf_t    b;
    cigna_dance_t  d, again;

    if (cigna_dance_parse(text, &d) != CIGNA_OK) {
        fuzz_assert(d.verifier.len == 0);
        return;
    }

    fuzz_assert(fuzz_within(d.id, text));
    fuzz_assert(fuzz_within(d.verifier, text));
    fuzz_assert(fuzz_within(d.nonce, text));
    fuzz_assert(fuzz_within(d.return_to, text));
    fuzz_assert(fuzz_within(d.redirect_uri, text));
    fuzz_assert(fuzz_within(d.issuer, text));

    cigna_buf_init(&b, mem, sizeof(mem));
    cigna_dance_append(&b, &d);

    fuzz_assert(cigna_dance_parse(cigna_buf_slice(&b), &again) == CIGNA_OK);
    fuzz_assert(cigna_slice_eq(d.verifier, again.verifier));
    fuzz_assert(d.started_ms == again.started_ms);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size <= sizeof(mem) / 2) {
        read_grant(fuzz_input(data, size));
        read_dance(fuzz_input(data, size));
    }

    return 0;
}
