
#ifndef _DOTS_H_INCLUDED_
#define _DOTS_H_INCLUDED_


#include "fuzz.h"


/*
 * Finds dot segments in a path in a slow and simple way: looks for them,
 * decodes all escapes, looks again, and so on until the path has no escapes.
 */

/* decodes each escape of the path once, in place; 0 if there were none */
int dots_decode(uint8_t *p, size_t *len);

/* 1 if the path has a dot segment, now or after any number of decodings */
int dots_in(cigna_slice_t path);


#endif /* _DOTS_H_INCLUDED_ */
