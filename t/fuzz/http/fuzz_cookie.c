
#include "fuzz.h"

#include "http/cigna_cookie.h"


static uint8_t  mem[1024];


/* a dance cookie that the gateway writes is parsed to the same values */

static void
round_trip(const cigna_cookie_t *c, int https)
{
    cigna_buf_t     b;
    cigna_slice_t   line, name, value;
    cigna_cookie_t  again;

    fuzz_assert(c->tag.len == CIGNA_COOKIE_TAG_LEN);

    cigna_buf_init(&b, mem, sizeof(mem));
    cigna_cookie_append(&b, c, https, CIGNA_COOKIE_LIFE_S);

    line = cigna_buf_slice(&b);

    fuzz_assert(cigna_cookie_next(&line, &name, &value) == CIGNA_OK);
    fuzz_assert(cigna_cookie_parse(name, value, https, &again) == CIGNA_OK);

    fuzz_assert(cigna_slice_eq(again.tag, c->tag));
    fuzz_assert(cigna_slice_eq(again.secret, c->secret));
    fuzz_assert(again.started_s == c->started_s);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int             https;
    cigna_slice_t   rest, line, name, value;
    cigna_cookie_t  c;

    line = fuzz_input(data, size);
    https = fuzz_byte(&line) & 1;
    rest = line;

    while (cigna_cookie_next(&rest, &name, &value) == CIGNA_OK) {

        fuzz_assert(name.len);
        fuzz_assert(fuzz_within(name, line) && fuzz_within(value, line));
        fuzz_assert(!cigna_slice_has(name, ';') && !cigna_slice_has(name, '=')
                    && !cigna_slice_has(value, ';'));

        if (cigna_cookie_parse(name, value, https, &c) == CIGNA_OK) {
            round_trip(&c, https);
        }
    }

    fuzz_assert(rest.len == 0);

    return 0;
}
