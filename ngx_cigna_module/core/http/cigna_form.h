
#ifndef _CIGNA_FORM_H_INCLUDED_
#define _CIGNA_FORM_H_INCLUDED_


#include "base/cigna_arena.h"


/* application/x-www-form-urlencoded, in query strings and in bodies */

/* percent-encodes all but RFC 3986's unreserved characters */
void cigna_form_append_encoded(cigna_buf_t *b, cigna_slice_t s);

/*
 * Appends "name=value", encoded, with "&" in front unless it is the first
 * pair since start (b->pos == start).
 */
void cigna_form_append_pair(cigna_buf_t *b, const uint8_t *start,
    cigna_slice_t name, cigna_slice_t value);

/*
 * Decodes a name or a value and appends it as cigna_form_append_encoded() does:
 * the one form of what can be written in many ways.  CIGNA_ERROR on a broken
 * escape, a control byte, and what is no UTF-8.
 */
int cigna_form_append_anew(cigna_buf_t *b, cigna_slice_t encoded);

/*
 * Appends a query without the pairs of these names, however they are encoded;
 * the others stay as they are.
 */
void cigna_form_append_without(cigna_buf_t *b, cigna_slice_t query,
    const cigna_slice_t *names, size_t count);

/*
 * Looks for one parameter.  *value is decoded into the arena.  CIGNA_NONE if
 * absent, CIGNA_ERROR if it occurs twice, is malformed (a broken escape, a
 * NUL byte) or finds no room.  Names in the query may be encoded as well.
 * RFC 6749, section 3.1: parameters must not be included more than once.
 */
int cigna_form_get(cigna_slice_t query, cigna_slice_t name,
    cigna_arena_t *arena, cigna_slice_t *value);


#endif /* _CIGNA_FORM_H_INCLUDED_ */
