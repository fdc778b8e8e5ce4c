
#ifndef _CIGNA_FORM_H_INCLUDED_
#define _CIGNA_FORM_H_INCLUDED_


#include "base/cigna_arena.h"


/*
 * Parameters in the format application/x-www-form-urlencoded, which query
 * strings and request bodies use.
 */

/* appends s; percent-encodes all bytes but RFC 3986's unreserved characters */
void cigna_form_append_encoded(cigna_buf_t *b, cigna_slice_t s);

/*
 * Appends "name=value", both encoded.  "&" comes first, unless nothing was
 * appended since start (b->pos == start).
 */
void cigna_form_append_pair(cigna_buf_t *b, const uint8_t *start,
    cigna_slice_t name, cigna_slice_t value);

/*
 * Appends a name or a value, decoded and encoded again, so that all spellings
 * of it become the same.  CIGNA_ERROR: a broken escape, a control byte, or
 * bytes that are not UTF-8.
 */
int cigna_form_append_anew(cigna_buf_t *b, cigna_slice_t encoded);

/*
 * Appends a query, but leaves out the pairs with one of these names.  The names
 * in the query may be encoded.  The other pairs are not changed.
 */
void cigna_form_append_without(cigna_buf_t *b, cigna_slice_t query,
    const cigna_slice_t *names, size_t count);

/*
 * Looks for one parameter, and decodes its value into the arena.  The names in
 * the query may be encoded.  CIGNA_NONE: the parameter is absent.  CIGNA_ERROR:
 * it occurs twice (which RFC 6749, section 3.1, forbids), it has a broken
 * escape or a NUL byte, or the arena is full.
 */
int cigna_form_get(cigna_slice_t query, cigna_slice_t name,
    cigna_arena_t *arena, cigna_slice_t *value);


#endif /* _CIGNA_FORM_H_INCLUDED_ */
