
#include "dots.h"


static int dots_name(cigna_slice_t segment);
static int dots_seen(cigna_slice_t path);


int
dots_decode(uint8_t *p, size_t *len)
{
    int     some, high, low;
    size_t  i, n;

    n = 0;
    some = 0;

    for (i = 0; i < *len; i++, n++) {

        high = (p[i] == '%' && *len - i > 2) ? cigna_slice_hex(p[i + 1]) : -1;
        low = (high >= 0) ? cigna_slice_hex(p[i + 2]) : -1;

        if (low < 0) {
            p[n] = p[i];
            continue;
        }

        p[n] = (uint8_t) (high << 4 | low);
        i += 2;
        some = 1;
    }

    *len = n;

    return some;
}


/* 1 if the segment is "." or ".." apart from control bytes and parameters */

static int
dots_name(cigna_slice_t segment)
{
    char    name[3];
    size_t  i, n;

    n = 0;

    for (i = 0; i < segment.len && n < 3; i++) {

        if (cigna_slice_has(cigna_slice(";?#"), segment.data[i])) {
            break;
        }

        if (segment.data[i] > ' ') {
            name[n++] = (char) segment.data[i];
        }
    }

    return (n == 1 && name[0] == '.')
           || (n == 2 && name[0] == '.' && name[1] == '.');
}


static int
dots_seen(cigna_slice_t path)
{
    size_t  i, start;

    for (i = 0, start = 0; i <= path.len; i++) {

        if (i < path.len && path.data[i] != '/' && path.data[i] != '\\') {
            continue;
        }

        if (dots_name(cigna_slice_make(path.data + start, path.data + i))) {
            return 1;
        }

        start = i + 1;
    }

    return 0;
}


int
dots_in(cigna_slice_t path)
{
    int       found;
    size_t    len;
    uint8_t  *p;

    p = fuzz_join(path, cigna_slice_null);
    len = path.len;

    do {
        found = dots_seen((cigna_slice_t) { p, len });
    } while (!found && dots_decode(p, &len));

    free(p);

    return found;
}
