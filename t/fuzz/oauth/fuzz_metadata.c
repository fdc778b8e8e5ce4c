
#include "fuzz.h"

#include "oauth/cigna_oauth.h"


#define MEM  (64 * 1024)

static uint8_t  mem[MEM];


static void
check_url(cigna_slice_t url, const cigna_provider_t *p)
{
    cigna_uri_t  u;

    if (url.len) {
        fuzz_assert(cigna_uri_parse(url, &u) == CIGNA_OK);
        fuzz_assert(u.https || p->insecure_http);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char        *error;
    uint8_t            told[511];
    cigna_buf_t        notes;
    cigna_slice_t      body;
    cigna_arena_t      arena;
    cigna_metadata_t   m;
    cigna_provider_t   p;

    body = fuzz_input(data, size);

    memset(&p, 0, sizeof(cigna_provider_t));
    p.fhir_base = cigna_slice("https://fhir.example/base");
    p.insecure_http = fuzz_byte(&body) & 1;

    if (fuzz_byte(&body) & 1) {
        p.configured_issuer = cigna_slice("https://as.example");
    }

    cigna_arena_init(&arena, mem, MEM);

    cigna_buf_init(&notes, told, sizeof(told));

    if (cigna_oauth_metadata_parse(&p, body, &arena, &m, &notes, &error)
        != CIGNA_OK)
    {
        fuzz_assert(error && m.issuer.len == 0 && m.token_endpoint.len == 0);
        return 0;
    }

    fuzz_assert(!notes.overflow);

    check_url(m.issuer, &p);
    check_url(m.authorization_endpoint, &p);
    check_url(m.token_endpoint, &p);
    check_url(m.jwks_uri, &p);
    check_url(m.revocation_endpoint, &p);

    fuzz_assert(m.issuer.len == 0 || p.configured_issuer.len == 0
                || cigna_slice_eq(m.issuer, p.configured_issuer));
    fuzz_assert(!cigna_oauth_metadata_moved(&m, &m));

    return 0;
}
