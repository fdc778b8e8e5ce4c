
#ifndef _CIGNA_HTTP_LINE_H_INCLUDED_
#define _CIGNA_HTTP_LINE_H_INCLUDED_


#include "base/cigna_slice.h"


/*
 * Lines of an HTTP/1 message (RFC 9112, section 2.2).  An LF alone ends a line
 * too: nobody else on the connection could read it otherwise.  Offsets, not
 * pointers, are kept, so that the bytes may move between calls.
 */

#define CIGNA_HTTP_SECTION_MAX  (32 * 1024)

typedef struct {
    size_t  pos;                           /* next byte to be looked at */
    size_t  searched;                      /* no line ends from pos to here */
    size_t  section;                       /* where what is bounded began */
} cigna_http_lines_t;


/*
 * The next line of data..len, without its end, borrowed.  CIGNA_AGAIN until it
 * is there, CIGNA_ERROR if it ends more than CIGNA_HTTP_SECTION_MAX bytes
 * after the section's start, or contains control bytes other than tabs.
 */
int cigna_http_line_next(cigna_http_lines_t *l, const uint8_t *data,
    size_t len, cigna_slice_t *line);

/* steps over n bytes that are no lines; a new section begins after them */
void cigna_http_line_skip(cigna_http_lines_t *l, size_t n);

/*
 * Splits a header line into name and value.  CIGNA_ERROR if there is no valid
 * name followed at once by a colon; folded lines (RFC 9112, section 5.2) have
 * none.
 */
int cigna_http_line_split(cigna_slice_t line, cigna_slice_t *name,
    cigna_slice_t *value);


#endif /* _CIGNA_HTTP_LINE_H_INCLUDED_ */
