
#ifndef _DOTS_H_INCLUDED_
#define _DOTS_H_INCLUDED_


#include "fuzz.h"


/*
 * Finds dot segments the slow way: decodes all escapes of a path again and
 * again, until there are none, and looks for dot segments each time.
 */

/* decodes all escapes once, in place; 0 if there were none */
int dots_decode(uint8_t *p, size_t *len);

/* 1 if some reader of the path, escaped as it came, finds a dot segment */
int dots_in(cigna_slice_t path);


#endif /* _DOTS_H_INCLUDED_ */
