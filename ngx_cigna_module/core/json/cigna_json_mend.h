
#ifndef _CIGNA_JSON_MEND_H_INCLUDED_
#define _CIGNA_JSON_MEND_H_INCLUDED_


#include "base/cigna_buf.h"


/*
 * Mends JSON, so that one bad byte spoils only one value, and not the document.
 * JSON that has nothing of this table keeps its meaning.
 *
 *     a byte order mark in front                   is removed
 *     in a string: bytes that are not UTF-8,       becomes U+FFFD
 *       control bytes, \u0000, half a surrogate
 *       pair, an unknown escape
 *     a word or a number that JSON does not have,  becomes null
 *       a number of more than 32 characters or
 *       with an exponent of more than two digits
 *
 * Strings, objects and arrays still begin and end at the same places.  Other
 * faults stay, and jansson refuses the document: a comma too many, a comment,
 * text after the end.
 */

typedef struct {
    cigna_slice_t   rest;                  /* the text still to be read;
                                              borrowed */
    unsigned        quoted:1;              /* "rest" begins inside a string */
} cigna_json_mend_t;


#define CIGNA_JSON_MEND_UNIT  32           /* least "size" that
                                              cigna_json_mend_next() needs */


/* borrows the text; "rest" is then the text without its byte order mark */
void cigna_json_mend_init(cigna_json_mend_t *m, cigna_slice_t text);

/*
 * Writes the next mended bytes, at most "size", and returns their number; 0 at
 * the end of the text.
 */
size_t cigna_json_mend_next(cigna_json_mend_t *m, uint8_t *out, size_t size);


#endif /* _CIGNA_JSON_MEND_H_INCLUDED_ */
