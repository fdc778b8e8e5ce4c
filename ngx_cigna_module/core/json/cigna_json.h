
#ifndef _CIGNA_JSON_H_INCLUDED_
#define _CIGNA_JSON_H_INCLUDED_


#include "base/cigna_arena.h"


/*
 * Documents of peers, read with jansson behind typed getters: each getter
 * tells "absent" from "of another type", and strings are bounded.
 */

typedef struct json_t  cigna_json_t;


#define CIGNA_JSON_SIZE_MAX   (256 * 1024)
#define CIGNA_JSON_DEPTH_MAX  32

/*
 * An object, or NULL: not JSON, not an object, larger than
 * CIGNA_JSON_SIZE_MAX, duplicate names, NUL bytes in strings, or too deep.
 * The caller owns it and gives it to cigna_json_destroy().
 */
cigna_json_t *cigna_json_parse(cigna_slice_t text);

/*
 * 1 if the text, of up to max bytes, is an object by the same rules; NUL in
 * strings is allowed, as nobody reads them.
 */
int cigna_json_is_object(cigna_slice_t text, size_t max);

/*
 * As cigna_json_parse(), of a peer who is not held to the letter: see
 * cigna_json_mend.h, and of a name that occurs several times the last value
 * counts.  What could not be read is U+FFFD in a string, which no getter's
 * caller takes for more than text, or null.
 */
cigna_json_t *cigna_json_read(cigna_slice_t text);

/*
 * Takes out of a document that was read from this text the member of that
 * name, if it occurs several times with values that are not written alike:
 * nobody can tell which of them was meant.  1 if it was so.
 */
int cigna_json_settle(cigna_json_t *doc, cigna_slice_t text, const char *name);

/* wipes strings, as they may be secrets; NULL is allowed */
void cigna_json_destroy(cigna_json_t *doc);

/*
 * Getters of a member.  CIGNA_NONE if absent or null, CIGNA_ERROR if of
 * another type or longer than max.  Strings and children are borrowed from
 * the document.
 */
int cigna_json_string(const cigna_json_t *object, const char *name,
    size_t max, cigna_slice_t *value);
int cigna_json_bool(const cigna_json_t *object, const char *name, int *value);
int cigna_json_array(const cigna_json_t *object, const char *name,
    const cigna_json_t **value);

/*
 * A time or a life in whole seconds: number, fraction (rounded down) or a
 * string of digits, as servers disagree.  Negative, huge (over max) and
 * everything else gives CIGNA_ERROR.
 */
int cigna_json_seconds(const cigna_json_t *object, const char *name,
    int64_t max, int64_t *value);

/* elements of an array: the count, and one object (NULL if it is none) */
size_t cigna_json_count(const cigna_json_t *array);
const cigna_json_t *cigna_json_item(const cigna_json_t *array, size_t i);

/* a string element of an array, empty slice if it is something else */
cigna_slice_t cigna_json_item_string(const cigna_json_t *array, size_t i);

/*
 * Appends s as a JSON string with quotes and escapes (RFC 8259).  Bytes that
 * are not UTF-8 become U+FFFD.
 */
void cigna_json_append_string(cigna_buf_t *b, cigna_slice_t s);


#endif /* _CIGNA_JSON_H_INCLUDED_ */
