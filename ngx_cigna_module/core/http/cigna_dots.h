
#ifndef _CIGNA_DOTS_H_INCLUDED_
#define _CIGNA_DOTS_H_INCLUDED_


#include "base/cigna_slice.h"


/*
 * Dot segments of a URL's path (RFC 3986, section 5.2.4): "." and "..", by
 * which a path leads out of the place that it begins with.  They are found as
 * any reader along the way may see them:
 *
 *   escapes        are decoded as often as there are any: "%2e", "%252e",
 *                  "%25%32e"
 *   "/" and "\"    both separate segments, escaped or not: the URL Standard
 *                  says so of "\", and servers decode before they split
 *   ";", "?", "#"  end the name of a segment: "..;x" is dots to servers that
 *                  cut parameters off, "..%3fx" to those that decode first
 *   up to " "      browsers drop tabs and line ends wherever they are, and
 *                  spaces and control bytes at the end; a NUL ends a name in C
 *
 * A character that UTF-8 writes in more bytes than it needs ("%c0%ae" for a
 * dot) counts as a dot segment, and so do CIGNA_DOTS_ESCAPE_MAX percent signs
 * which may all become one escape.
 *
 * The path comes byte by byte, and memory is constant.
 */

#define CIGNA_DOTS_ESCAPE_MAX  8


typedef struct {
    /* results */
    unsigned   found:1;                    /* a dot segment */
    unsigned   separated:1;                /* "/" or "\" was escaped */

    /* private */
    uint8_t    name;                       /* of the segment, so far */
    uint8_t    last;                       /* byte, decoded */
    uint8_t    escape_len;
    uint8_t    escape[CIGNA_DOTS_ESCAPE_MAX];
} cigna_dots_t;


/* a segment begins */
void cigna_dots_init(cigna_dots_t *d);

/* the next byte, still escaped */
void cigna_dots_next(cigna_dots_t *d, uint8_t c);

/*
 * The same for bytes at the start of a text which can be no part of a dot
 * segment, all at once, where only that is asked for; returns how many, 0 if it
 * is up to cigna_dots_next().  None of them is '"', "\", "?", "#", a control
 * byte, or beyond ASCII.
 */
size_t cigna_dots_run(cigna_dots_t *d, const uint8_t *p, const uint8_t *end);

/* the path is over: 1 if it has a dot segment */
int cigna_dots_end(cigna_dots_t *d);

/* 1 if the segment under way has parameters and no name: ";x" */
int cigna_dots_nameless(const cigna_dots_t *d);


#endif /* _CIGNA_DOTS_H_INCLUDED_ */
