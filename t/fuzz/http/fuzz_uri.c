
#define _GNU_SOURCE

#include "dots.h"

#include "http/cigna_uri.h"


#define MEM  (64 * 1024)

static uint8_t  mem[MEM], again_mem[MEM];


static cigna_slice_t
written(const cigna_uri_t *u, uint8_t *to)
{
    cigna_buf_t  b;

    cigna_buf_init(&b, to, MEM);
    cigna_uri_append(&b, u);
    fuzz_assert(!b.overflow);

    return cigna_buf_slice(&b);
}


static size_t
count(const uint8_t *p, size_t len)
{
    size_t  i, n;

    for (i = 0, n = 0; i < len; i++) {
        n += (p[i] == '/' || p[i] == '\\');
    }

    return n;
}


static void
check_parts(const cigna_uri_t *u, cigna_slice_t text)
{
    size_t  i;

    fuzz_assert(fuzz_within(u->host, u->authority));
    fuzz_assert(fuzz_within(u->authority, text));
    fuzz_assert(fuzz_within(u->path, text));
    fuzz_assert(fuzz_within(u->query, text));

    fuzz_assert(u->host.len && u->port);
    fuzz_assert(u->path.len == 0 || u->path.data[0] == '/');
    fuzz_assert(u->has_query || u->query.len == 0);

    for (i = 0; i < text.len; i++) {
        fuzz_assert(text.data[i] > ' ' && text.data[i] < 0x7f);
        fuzz_assert(text.data[i] != '\\' && text.data[i] != '#');
    }
}


/* an allowed URL has no dot segments and no escaped slashes */

static void
check_path(cigna_slice_t path)
{
    size_t    len, slashes;
    uint8_t  *p;

    fuzz_assert(memmem(path.data, path.len, "//", 2) == NULL);
    fuzz_assert(!dots_in(path));

    p = fuzz_join(path, cigna_slice_null);
    len = path.len;
    slashes = count(p, len);

    while (dots_decode(p, &len)) {
        fuzz_assert(count(p, len) == slashes);
    }

    free(p);
}


/*
 * Writes the URL, parses the text and writes the result again.  Both texts are
 * the same, and so are origin and query of both URLs.
 */

static void
check_written(const cigna_uri_t *u, cigna_uri_t *again)
{
    cigna_slice_t  text;

    text = written(u, mem);

    fuzz_assert(cigna_uri_parse(text, again) == CIGNA_OK);
    fuzz_assert(cigna_uri_same_origin(u, again));
    fuzz_assert(cigna_slice_eq(u->query, again->query));
    fuzz_assert(cigna_slice_eq(written(again, again_mem), text));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cigna_uri_t    allowed, target, again;
    cigna_slice_t  first, second;

    if (size > MEM / 2) {
        return 0;
    }

    second = fuzz_input(data, size);
    first = cigna_slice_cut(&second, '\n');

    if (cigna_uri_parse(second, &target) != CIGNA_OK) {
        return 0;
    }

    check_parts(&target, second);
    check_written(&target, &again);

    if (cigna_uri_parse(first, &allowed) != CIGNA_OK) {
        return 0;
    }

    /*
     * The gateway checks the URL as it came against the allow list, and sends
     * the browser the URL as it is written anew.
     */

    fuzz_assert(cigna_uri_allows(&allowed, &target)
                == cigna_uri_allows(&allowed, &again));

    if (cigna_uri_allows(&allowed, &target)) {
        fuzz_assert(cigna_uri_same_origin(&allowed, &again));
        check_path(again.path);
    }

    return 0;
}
