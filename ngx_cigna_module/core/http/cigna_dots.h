
#ifndef _CIGNA_DOTS_H_INCLUDED_
#define _CIGNA_DOTS_H_INCLUDED_


#include "base/cigna_slice.h"


/*
 * Finds dot segments, "." and "..", in the path of a URL (RFC 3986, section
 * 5.2.4).  A path with dot segments can lead out of the folder that it begins
 * with.  A segment counts as a dot segment if any reader of the URL may see
 * one:
 *
 *   escapes          are decoded again and again: "%2e", "%252e", "%25%32e"
 *   "/" and "\"      both separate segments, escaped or not: the URL Standard
 *                    says so of "\", and servers decode before they split
 *   ";", "?", "#"    end the name of a segment: servers that cut parameters off
 *                    read "..;x" as "..", and servers that decode first read
 *                    "..%3fx" as ".."
 *   spaces, control  are skipped: browsers drop tabs and line ends anywhere,
 *   bytes            and spaces and control bytes at the end of a URL; a NUL
 *                    ends a string in C
 *
 * An overlong UTF-8 sequence ("%c0%ae" for a dot) counts as a dot segment.
 * More than CIGNA_DOTS_ESCAPE_MAX bytes that may all become one escape count as
 * a dot segment too.
 *
 * The path is read byte by byte, in constant memory.
 */

#define CIGNA_DOTS_ESCAPE_MAX  8


typedef struct {
    /* results */
    unsigned   found:1;                    /* the path has a dot segment */
    unsigned   separated:1;                /* the path has an escaped "/" or
                                              "\" */

    /* private */
    uint8_t    name;                       /* state of the segment's name */
    uint8_t    last;                       /* the last byte, decoded */
    uint8_t    escape_len;
    uint8_t    escape[CIGNA_DOTS_ESCAPE_MAX];
} cigna_dots_t;


/* starts a path and its first segment */
void cigna_dots_init(cigna_dots_t *d);

/* reads the next byte of the path, still escaped */
void cigna_dots_next(cigna_dots_t *d, uint8_t c);

/*
 * Skips the bytes at p that cannot be part of a dot segment, and returns how
 * many.  After 0, the caller gives the next byte to cigna_dots_next().  None of
 * the skipped bytes is '"', "\", "?", "#", a space, below a space, or beyond
 * ASCII.  After skipped bytes, cigna_dots_nameless() is not reliable.
 */
size_t cigna_dots_run(cigna_dots_t *d, const uint8_t *p, const uint8_t *end);

/* ends the path; 1 if it has a dot segment */
int cigna_dots_end(cigna_dots_t *d);

/* 1 if the current segment has parameters but no name: ";x" */
int cigna_dots_nameless(const cigna_dots_t *d);


#endif /* _CIGNA_DOTS_H_INCLUDED_ */
