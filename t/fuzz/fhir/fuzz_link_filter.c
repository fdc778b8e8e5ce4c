
#include <strings.h>

#include <jansson.h>

#include "dots.h"

#include "fhir/cigna_link_filter.h"


#define NAME  "h.example"
#define PATH  "/r4"
#define HOST  "https://" NAME
#define BASE  HOST PATH
#define OWN   "https://g.example/fhir"

#define MEM   (512 * 1024)


static cigna_bases_t   bases, mixed;
static cigna_bases_t  *known;
static cigna_link_filter_t   links;
static uint8_t         whole[MEM], cut[MEM];


int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char  *error;

    (void) argc;
    (void) argv;

    cigna_bases_init(&bases);
    fuzz_assert(cigna_bases_add(&bases, cigna_slice(BASE), &error)
                == CIGNA_OK);
    fuzz_assert(cigna_bases_add(&bases, cigna_slice(HOST), &error)
                == CIGNA_OK);

    /* two base URLs with the same host and different origins */

    cigna_bases_init(&mixed);
    fuzz_assert(cigna_bases_add(&mixed, cigna_slice("http://" NAME ":80" PATH),
                                &error)
                == CIGNA_OK);
    fuzz_assert(cigna_bases_add(&mixed, cigna_slice(HOST), &error)
                == CIGNA_OK);

    return 0;
}


static void
append(cigna_buf_t *b, cigna_slice_t piece)
{
    fuzz_assert(piece.len);
    cigna_buf_append(b, piece);
}


/*
 * Returns the text with rewritten links.  step: chooses the sizes of the pieces
 * in which the filter gets the text; 0: in one piece
 */

static cigna_slice_t
rewritten(cigna_slice_t text, uint8_t *mem, unsigned step)
{
    size_t         n;
    uint8_t       *copy;
    cigna_buf_t    b;
    cigna_slice_t  in, piece;

    cigna_buf_init(&b, mem, MEM);
    cigna_link_filter_init(&links, known, cigna_slice(OWN "/"));

    while (text.len) {

        n = step ? 1 + (text.data[0] * step) % 37 : text.len;
        in = fuzz_cut(&text, n);

        /*
         * the filter gets a copy, so that ASan notices slices that borrow from
         * it too long
         */

        copy = fuzz_join(in, cigna_slice_null);
        in.data = copy;

        while (cigna_link_filter_next(&links, &in, &piece) == CIGNA_OK) {
            append(&b, piece);
        }

        fuzz_assert(in.len == 0);
        free(copy);

        fuzz_assert(links.url.kept_len <= CIGNA_LINK_KEYS_KEPT_MAX);
    }

    while (cigna_link_filter_end(&links, &piece) == CIGNA_OK) {
        append(&b, piece);
    }

    fuzz_assert(links.url.kept_len == 0);

    return cigna_buf_slice(&b);
}


/*
 * Returns the rest of a URL after the host of the base, or NULL.  This is a
 * second implementation, independent of cigna_fhir_base.c.
 */

static const char *
behind_host(const char *url)
{
    if (url[0] == '/' && url[1] != '/') {
        return strncmp(url, PATH, sizeof(PATH) - 1) == 0 ? url : NULL;
    }

    if (strncasecmp(url, "http", 4) == 0) {
        url += 4;
        url += (*url == 's' || *url == 'S');

        if (*url++ != ':') {
            return NULL;
        }
    }

    if (strncasecmp(url, "//" NAME, sizeof("//" NAME) - 1) != 0) {
        return NULL;
    }

    url += sizeof("//" NAME) - 1;
    url += (*url == '.');

    if (*url == ':') {
        url += strspn(url, ":0123456789");
    }

    return strchr("/?#", *url) ? url : NULL;
}


/* skips the base's path, if the rest of a URL begins with it */

static const char *
behind_base(const char *rest)
{
    const char  *path;

    for (path = rest; path[0] == '/' && path[1] == '/'; path++) {
        /* void */
    }

    if (path - rest <= CIGNA_FHIR_BASE_SLASHES_MAX
        && strncmp(path, PATH, sizeof(PATH) - 1) == 0
        && strchr("/?#", path[sizeof(PATH) - 1]))
    {
        return path + sizeof(PATH) - 1;
    }

    return rest;
}


/*
 * 1 if "to" is the link "from" with another base.  "to" may have one more "/"
 * before a "?".
 */

static int
moved(const char *from, const char *to)
{
    const char  *rest;

    if (strncmp(to, OWN, sizeof(OWN) - 1) != 0) {
        return 0;
    }

    to += sizeof(OWN) - 1;

    rest = behind_host(from);
    fuzz_assert(rest != NULL);

    rest = behind_base(rest);
    fuzz_assert(rest != from);

    fuzz_assert(!dots_in(cigna_slice_make(rest, rest + strcspn(rest, "?#"))));

    if (*rest == '?') {
        fuzz_assert(*to == '/');
        to++;
    }

    return strcmp(rest, to) == 0;
}


/* returns the number of strings that differ; all else must be the same */

static uint64_t
differences(const json_t *from, const json_t *to)
{
    size_t       i;
    void        *a, *b;
    uint64_t     n;

    fuzz_assert(json_typeof(from) == json_typeof(to));

    n = 0;

    switch (json_typeof(from)) {

    case JSON_OBJECT:

        fuzz_assert(json_object_size(from) == json_object_size(to));

        a = json_object_iter((json_t *) from);
        b = json_object_iter((json_t *) to);

        while (a) {
            fuzz_assert(strcmp(json_object_iter_key(a),
                               json_object_iter_key(b)) == 0);
            n += differences(json_object_iter_value(a),
                             json_object_iter_value(b));

            a = json_object_iter_next((json_t *) from, a);
            b = json_object_iter_next((json_t *) to, b);
        }

        return n;

    case JSON_ARRAY:

        fuzz_assert(json_array_size(from) == json_array_size(to));

        for (i = 0; i < json_array_size(from); i++) {
            n += differences(json_array_get(from, i), json_array_get(to, i));
        }

        return n;

    case JSON_STRING:

        if (json_equal(from, to)) {
            return 0;
        }

        fuzz_assert(moved(json_string_value(from), json_string_value(to)));
        return 1;

    default:
        fuzz_assert(json_equal(from, to));
        return 0;
    }
}


static cigna_slice_t
no_mark(cigna_slice_t text)
{
    return cigna_slice_starts(text, cigna_slice("\xef\xbb\xbf"))
           ? cigna_slice_skip(text, 3) : text;
}


static void
compare(cigna_slice_t text, cigna_slice_t out, uint64_t n)
{
    json_t  *from, *to;

    text = no_mark(text);
    out = no_mark(out);

    from = json_loadb((const char *) text.data, text.len,
                      JSON_DECODE_ANY|JSON_REJECT_DUPLICATES, NULL);
    if (from == NULL) {
        return;
    }

    to = json_loadb((const char *) out.data, out.len, JSON_DECODE_ANY, NULL);

    fuzz_assert(to != NULL);
    fuzz_assert(differences(from, to) == n);

    json_decref(from);
    json_decref(to);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t       n, left;
    unsigned       step, broken;
    cigna_slice_t  text, out, again;

    if (size == 0 || size > 64 * 1024) {
        return 0;
    }

    text = fuzz_input(data, size);
    known = (size & 1) ? &mixed : &bases;

    out = rewritten(text, whole, 0);
    n = links.rewritten;
    left = links.elsewhere + links.outside;
    broken = links.broken;

    for (step = 1; step < 4; step++) {
        again = rewritten(text, cut, step);

        fuzz_assert(cigna_slice_eq(out, again));
        fuzz_assert(links.rewritten == n && links.broken == broken);
        fuzz_assert(links.elsewhere + links.outside == left);
    }

    if (n == 0) {
        fuzz_assert(cigna_slice_eq(out, text));

    } else if (!broken) {
        compare(text, out, n);
    }

    return 0;
}
