
#include <string.h>

#include "cigna_http_line.h"


int
cigna_http_line_next(cigna_http_lines_t *l, const uint8_t *data, size_t len,
    cigna_slice_t *line)
{
    size_t          limit, end;
    const uint8_t  *lf;

    limit = l->section + CIGNA_HTTP_SECTION_MAX;
    end = (len < limit) ? len : limit;

    lf = NULL;

    if (end > l->searched) {
        lf = memchr(data + l->searched, '\n', end - l->searched);
    }

    if (lf == NULL) {
        l->searched = end;
        return (end == limit) ? CIGNA_ERROR : CIGNA_AGAIN;
    }

    *line = cigna_slice_make(data + l->pos, lf);

    l->pos += line->len + 1;
    l->searched = l->pos;

    if (line->len && line->data[line->len - 1] == '\r') {
        line->len--;
    }

    return cigna_slice_plain(*line) ? CIGNA_OK : CIGNA_ERROR;
}


void
cigna_http_line_skip(cigna_http_lines_t *l, size_t n)
{
    l->pos += n;
    l->searched = l->pos;
    l->section = l->pos;
}


int
cigna_http_line_split(cigna_slice_t line, cigna_slice_t *name,
    cigna_slice_t *value)
{
    *value = line;
    *name = cigna_slice_cut(value, ':');
    *value = cigna_slice_trim(*value);

    return (name->len && name->len != line.len
            && cigna_slice_only(*name, CIGNA_SLICE_TOKEN)) ? CIGNA_OK
                                                           : CIGNA_ERROR;
}
