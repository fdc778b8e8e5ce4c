
#ifndef _CIGNA_HTTP_LINE_H_INCLUDED_
#define _CIGNA_HTTP_LINE_H_INCLUDED_


#include "base/cigna_slice.h"


/*
 * Lines of an HTTP/1 message (RFC 9112, section 2.2).  An LF alone also ends a
 * line.  This is safe, because no other program reads the connection and could
 * see other lines.  Offsets are kept instead of pointers, as the bytes may move
 * between calls.
 */

/*
 * Most bytes of a section.  A section is the status line with the header, the
 * size line of a chunk, or the trailer.
 */

#define CIGNA_HTTP_SECTION_MAX  (32 * 1024)

typedef struct {
    size_t  pos;                           /* offset of the next line */
    size_t  searched;                      /* offset; no line ends between pos
                                              and this offset */
    size_t  section;                       /* offset of the section's start */
} cigna_http_lines_t;


/*
 * Gets the next line of the len bytes at data.  *line borrows from data, and
 * does not have the line end.  CIGNA_AGAIN: the line end has not come yet.
 * CIGNA_ERROR: the section is longer than CIGNA_HTTP_SECTION_MAX, or the line
 * has control bytes other than tabs.
 */
int cigna_http_line_next(cigna_http_lines_t *l, const uint8_t *data,
    size_t len, cigna_slice_t *line);

/* skips n bytes that are not lines, after which a new section begins */
void cigna_http_line_skip(cigna_http_lines_t *l, size_t n);

/*
 * Splits a header line into name and value, which borrow from the line.
 * CIGNA_ERROR: the line does not begin with a valid name and a colon, as a
 * folded line (RFC 9112, section 5.2) never does.
 */
int cigna_http_line_split(cigna_slice_t line, cigna_slice_t *name,
    cigna_slice_t *value);


#endif /* _CIGNA_HTTP_LINE_H_INCLUDED_ */
