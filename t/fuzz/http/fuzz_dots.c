
#include "dots.h"

#include "http/cigna_dots.h"


static int
each(cigna_slice_t path, cigna_dots_t *dots)
{
    size_t  i;

    cigna_dots_init(dots);

    for (i = 0; i < path.len; i++) {
        cigna_dots_next(dots, path.data[i]);
    }

    return cigna_dots_end(dots);
}


/* feeds the path in pieces; the first byte of each piece chooses its length */

static int
in_runs(cigna_slice_t path)
{
    size_t         n;
    cigna_dots_t   dots;
    cigna_slice_t  piece;

    cigna_dots_init(&dots);

    while (path.len) {

        piece = fuzz_cut(&path, 1 + path.data[0] % 7);

        while (piece.len) {

            n = cigna_dots_run(&dots, piece.data, piece.data + piece.len);
            fuzz_assert(n <= piece.len);

            if (n == 0) {
                cigna_dots_next(&dots, piece.data[0]);
                n = 1;
            }

            piece = cigna_slice_skip(piece, n);
        }
    }

    return cigna_dots_end(&dots);
}


/* 1 if the path is printable ASCII, and its escapes decode to ASCII */

static int
simple(cigna_slice_t path)
{
    int       high, low;
    size_t    i, percents;

    percents = 0;

    for (i = 0; i < path.len; i++) {

        if (path.data[i] <= ' ' || path.data[i] > '~') {
            return 0;
        }

        percents += (path.data[i] == '%');

        high = path.len - i > 2 ? cigna_slice_hex(path.data[i + 1]) : 0;
        low = path.len - i > 2 ? cigna_slice_hex(path.data[i + 2]) : 0;

        if (path.data[i] == '%' && (high < 3 || high > 7 || low < 0)) {
            return 0;
        }
    }

    /* cigna_dots.c takes deeper nested escapes for dots */

    return percents <= CIGNA_DOTS_ESCAPE_MAX / 2;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int            found;
    cigna_dots_t   dots;
    cigna_slice_t  path;

    if (size > 4096) {
        return 0;
    }

    path = fuzz_input(data, size);
    found = each(path, &dots);

    fuzz_assert(in_runs(path) == found);
    fuzz_assert(found || !dots_in(path));

    if (simple(path)) {
        fuzz_assert(found == dots_in(path));
    }

    return 0;
}
