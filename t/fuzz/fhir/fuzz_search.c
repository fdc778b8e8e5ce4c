
#include "fuzz.h"

#include "http/cigna_form.h"
#include "fhir/cigna_search.h"


#define MEM  (64 * 1024)

static uint8_t  mem[MEM], again_mem[MEM];


/*
 * Builds the query of a search in exactly as much memory as
 * cigna_search_query_max() says, so that ASan notices writes beyond it.
 */

static int
query(cigna_slice_t url, cigna_slice_t body, uint8_t *to, cigna_slice_t *out)
{
    int          rc;
    size_t       max;
    uint8_t     *room;
    cigna_buf_t  b;

    max = cigna_search_query_max(url.len, body.len);
    fuzz_assert(max <= MEM);

    room = malloc(max);
    fuzz_assert(room);

    cigna_buf_init(&b, room, max);
    rc = cigna_search_query(url, body, &b);
    fuzz_assert(!b.overflow);

    *out = cigna_buf_slice(&b);
    memcpy(to, room, out->len);
    out->data = to;
    free(room);

    return rc;
}


static void
check_bytes(cigna_slice_t s)
{
    size_t  i;

    for (i = 0; i < s.len; i++) {

        if (s.data[i] == '%') {
            fuzz_assert(s.len - i > 2);
            fuzz_assert(memchr("0123456789ABCDEF", s.data[i + 1], 16));
            fuzz_assert(memchr("0123456789ABCDEF", s.data[i + 2], 16));
            i += 2;
            continue;
        }

        fuzz_assert(cigna_slice_alnum(s.data[i])
                    || memchr("-._~=&", s.data[i], 6));
    }
}


/*
 * cuts the next pair that is not empty from "first", or if that has no more,
 * from "second"; 0: there is none
 */

static int
next_pair(cigna_slice_t *first, cigna_slice_t *second, cigna_slice_t *pair)
{
    while (first->len || second->len) {

        *pair = cigna_slice_cut(first->len ? first : second, '&');

        if (pair->len) {
            return 1;
        }
    }

    return 0;
}


/* decodes a name or a value of a pair */

static cigna_slice_t
decoded(cigna_slice_t encoded, uint8_t *to)
{
    cigna_buf_t    b;
    cigna_slice_t  value;
    cigna_arena_t  arena;

    static uint8_t  text[MEM];

    cigna_buf_init(&b, text, MEM);
    cigna_buf_append_str(&b, "x=");
    cigna_buf_append(&b, encoded);

    cigna_arena_init(&arena, to, MEM);
    fuzz_assert(cigna_form_get(cigna_buf_slice(&b), cigna_slice("x"), &arena,
                               &value)
                == CIGNA_OK);

    return value;
}


static void
check_pairs(cigna_slice_t url, cigna_slice_t body, cigna_slice_t out)
{
    cigna_slice_t   from, to, from_name, to_name, none;
    static uint8_t  a[MEM], b[MEM];

    none = cigna_slice_null;

    while (next_pair(&url, &body, &from)) {

        fuzz_assert(next_pair(&out, &none, &to));
        fuzz_assert(cigna_slice_has(from, '=') == cigna_slice_has(to, '='));

        from_name = cigna_slice_cut(&from, '=');
        to_name = cigna_slice_cut(&to, '=');

        fuzz_assert(cigna_slice_eq(decoded(from_name, a),
                                   decoded(to_name, b)));
        fuzz_assert(cigna_slice_eq(decoded(from, a), decoded(to, b)));
    }

    fuzz_assert(out.len == 0);
}


/* treats the word as a Content-Type, and as a path */

static void
check_words(cigna_slice_t word)
{
    if (cigna_search_form(word)) {
        fuzz_assert(cigna_slice_eq_case(
            cigna_slice_trim(cigna_slice_cut(&word, ';')),
            cigna_slice("application/x-www-form-urlencoded")));
        return;
    }

    if (cigna_search_path(word)) {
        fuzz_assert(word.len > sizeof("/P/_search") - 1);
        fuzz_assert(memcmp(word.data + word.len - 8, "/_search", 8) == 0);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cigna_slice_t  url, body, out, again;

    if (size > MEM / 4) {
        return 0;
    }

    body = fuzz_input(data, size);
    check_words(body);

    url = cigna_slice_cut(&body, '\n');

    if (query(url, body, mem, &out) != CIGNA_OK) {
        return 0;
    }

    check_bytes(out);
    check_pairs(url, body, out);

    fuzz_assert(query(out, cigna_slice_null, again_mem, &again) == CIGNA_OK);
    fuzz_assert(cigna_slice_eq(again, out));

    return 0;
}
