
#ifndef _CIGNA_JSON_MEND_H_INCLUDED_
#define _CIGNA_JSON_MEND_H_INCLUDED_


#include "base/cigna_buf.h"


/*
 * Makes JSON of what is nearly JSON, so that one bad byte spoils one value and
 * not the document.  Well-formed JSON stays what it means, but for numbers
 * that nobody means.
 *
 *     a byte order mark in front                   left out
 *     in a string: bytes that are not UTF-8,       U+FFFD
 *       control bytes, \u0000, half a surrogate
 *       pair, an escape that there is none of
 *     true, 5, ... that is no value, or a number   null
 *       of over 32 characters or with an exponent
 *       of over two digits
 *
 * Where strings, objects and arrays begin and end is never changed.  Other
 * faults stay, and make it no document: a comma too many, NaN, a comment, text
 * behind the end.
 */

typedef struct {
    cigna_slice_t   rest;                  /* not read yet, borrowed */
    unsigned        quoted:1;              /* within a string */
} cigna_json_mend_t;


/* no less room than that */

#define CIGNA_JSON_MEND_UNIT  32


void cigna_json_mend_init(cigna_json_mend_t *m, cigna_slice_t text);

/* writes the next bytes, and returns how many; 0 at the end */
size_t cigna_json_mend_next(cigna_json_mend_t *m, uint8_t *out, size_t size);


#endif /* _CIGNA_JSON_MEND_H_INCLUDED_ */
