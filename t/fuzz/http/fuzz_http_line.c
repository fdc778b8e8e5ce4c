
#include "fuzz.h"

#include "http/cigna_http_line.h"


/*
 * The lines are the same whether the bytes come at once or one by one.  A line
 * comes without its line end, and has no control bytes but tabs.  Its name and
 * value lie in the line.
 */

static int fuzz_line_next(cigna_http_lines_t *l, const uint8_t *data,
    size_t *len, size_t size, cigna_slice_t *line);
static void fuzz_line_check(cigna_slice_t line, cigna_slice_t input);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                 whole, single;
    size_t              len;
    cigna_slice_t       a, b;
    cigna_http_lines_t  at_once, one_by_one;

    len = 0;
    memset(&at_once, 0, sizeof(at_once));
    memset(&one_by_one, 0, sizeof(one_by_one));

    do {
        whole = cigna_http_line_next(&at_once, data, size, &a);
        single = fuzz_line_next(&one_by_one, data, &len, size, &b);

        fuzz_assert(whole == single);

        if (whole == CIGNA_OK) {
            fuzz_assert(a.data == b.data && a.len == b.len);
            fuzz_line_check(a, fuzz_input(data, size));
        }

    } while (whole == CIGNA_OK);

    return 0;
}


static int
fuzz_line_next(cigna_http_lines_t *l, const uint8_t *data, size_t *len,
    size_t size, cigna_slice_t *line)
{
    int  rc;

    for ( ;; ) {
        rc = cigna_http_line_next(l, data, *len, line);

        if (rc != CIGNA_AGAIN || *len == size) {
            return rc;
        }

        (*len)++;
    }
}


static void
fuzz_line_check(cigna_slice_t line, cigna_slice_t input)
{
    size_t         i;
    cigna_slice_t  name, value;

    fuzz_assert(fuzz_within(line, input));

    for (i = 0; i < line.len; i++) {
        fuzz_assert(line.data[i] >= 0x20 || line.data[i] == '\t');
        fuzz_assert(line.data[i] != 0x7f);
    }

    if (cigna_http_line_split(line, &name, &value) == CIGNA_OK) {
        fuzz_assert(name.len != 0);
        fuzz_assert(fuzz_within(name, line) && fuzz_within(value, line));
    }
}
