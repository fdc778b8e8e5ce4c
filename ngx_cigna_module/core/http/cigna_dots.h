
#ifndef _CIGNA_DOTS_H_INCLUDED_
#define _CIGNA_DOTS_H_INCLUDED_


#include "base/cigna_slice.h"


/*
 * Finds dot segments, "." and "..", in the path of a URL (RFC 3986, section
 * 5.2.4).  A path with dot segments can lead out of the folder that it begins
 * with.  A dot segment counts if any reader of the URL may see one:
 *
 *   escapes        are decoded again and again: "%2e", "%252e", "%25%32e"
 *   "/" and "\"    both separate segments, escaped or not: the URL Standard
 *                  says so of "\", and servers decode before they split
 *   ";", "?", "#"  end the name of a segment: servers that cut parameters off
 *                  read "..;x" as "..", and servers that decode first read
 *                  "..%3fx" as ".."
 *   up to " "      is skipped: browsers drop tabs and line ends, and spaces and
 *                  control bytes at the end; a NUL ends a string in C
 *
 * An overlong UTF-8 sequence ("%c0%ae" for a dot) counts as a dot segment.  So
 * do more than CIGNA_DOTS_ESCAPE_MAX bytes that may all become one escape.
 *
 * The path is read byte by byte, in constant memory.
 */

#define CIGNA_DOTS_ESCAPE_MAX  8


typedef struct {
    /* results */
    unsigned   found:1;                    /* a dot segment */
    unsigned   separated:1;                /* an escaped "/" or "\" */

    /* private */
    uint8_t    name;                       /* of the segment, so far */
    uint8_t    last;                       /* the last byte, decoded */
    uint8_t    escape_len;
    uint8_t    escape[CIGNA_DOTS_ESCAPE_MAX];
} cigna_dots_t;


/* the path begins, with a segment */
void cigna_dots_init(cigna_dots_t *d);

/* the next byte of the path, still escaped */
void cigna_dots_next(cigna_dots_t *d, uint8_t c);

/*
 * Skips the bytes at p that cannot be part of a dot segment, and returns how
 * many; after 0 the next byte is for cigna_dots_next().  "separated" is not
 * kept up.  None of the skipped bytes is '"', "\", "?", "#", a control byte or
 * beyond ASCII.
 */
size_t cigna_dots_run(cigna_dots_t *d, const uint8_t *p, const uint8_t *end);

/* the path ends: 1 if it has a dot segment */
int cigna_dots_end(cigna_dots_t *d);

/* 1 if the current segment has parameters but no name: ";x" */
int cigna_dots_nameless(const cigna_dots_t *d);


#endif /* _CIGNA_DOTS_H_INCLUDED_ */
