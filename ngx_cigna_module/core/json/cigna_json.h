
#ifndef _CIGNA_JSON_H_INCLUDED_
#define _CIGNA_JSON_H_INCLUDED_


#include "base/cigna_arena.h"


/*
 * Reads JSON documents of peers (RFC 8259) with jansson.  The getters
 * distinguish an absent member from a member of the wrong type, and bound the
 * length of strings.
 */

typedef struct json_t  cigna_json_t;


#define CIGNA_JSON_SIZE_MAX  (256 * 1024)

/*
 * Parses an object.  The caller owns it, and frees it with
 * cigna_json_destroy().  NULL: the text is not JSON, not an object, larger than
 * CIGNA_JSON_SIZE_MAX, nested deeper than jansson allows (2048), has a name
 * twice in one object, or has a NUL byte in a string.
 */
cigna_json_t *cigna_json_parse(cigna_slice_t text);

/*
 * Returns 1 if cigna_json_parse() accepts the text, but with max bytes as the
 * limit, and with \u0000 allowed in strings.
 */
int cigna_json_is_object(cigna_slice_t text, size_t max);

/*
 * Like cigna_json_parse(), but mends some faults of the text first:
 * cigna_json_mend.h lists them.  If a name occurs several times, the last value
 * counts.
 */
cigna_json_t *cigna_json_read(cigna_slice_t text);

/*
 * 1 if the object in the text has several members of this name, and their
 * values are written differently.  cigna_json_read() must be able to read the
 * text.
 */
int cigna_json_contradicts(cigna_slice_t text, const char *name);

/*
 * Removes the member "name" from doc if cigna_json_contradicts() returns 1 for
 * the text that doc was read from: nobody can tell which of its values is
 * right.  Returns 1 if it has removed the member.
 */
int cigna_json_settle(cigna_json_t *doc, cigna_slice_t text, const char *name);

/*
 * overwrites all string values, which may be secrets, and frees the document;
 * NULL is allowed
 */
void cigna_json_destroy(cigna_json_t *doc);

/*
 * Getters of a member.  CIGNA_NONE: the member is absent or null.  CIGNA_ERROR:
 * it has another type, or is longer than max bytes.  The document owns the
 * strings and children that the getters return.
 */
int cigna_json_string(const cigna_json_t *object, const char *name,
    size_t max, cigna_slice_t *value);
int cigna_json_bool(const cigna_json_t *object, const char *name, int *value);
int cigna_json_array(const cigna_json_t *object, const char *name,
    const cigna_json_t **value);
int cigna_json_child(const cigna_json_t *object, const char *name,
    const cigna_json_t **value);

/*
 * Gets a time or a lifetime in seconds.  Servers send a number, a fraction
 * (which is rounded down) or a string of digits.  CIGNA_ERROR: anything else, a
 * negative number, or one over max.
 */
int cigna_json_seconds(const cigna_json_t *object, const char *name,
    int64_t max, int64_t *value);

size_t cigna_json_count(const cigna_json_t *array);

/* element i of the array, if it is an object; otherwise NULL */
const cigna_json_t *cigna_json_item(const cigna_json_t *array, size_t i);

/* element i of the array, if it is a string; otherwise an empty slice */
cigna_slice_t cigna_json_item_string(const cigna_json_t *array, size_t i);

/*
 * Appends s as a JSON string, with quotes and escapes.  Each byte that is not
 * part of a UTF-8 character becomes U+FFFD.
 */
void cigna_json_append_string(cigna_buf_t *b, cigna_slice_t s);


#endif /* _CIGNA_JSON_H_INCLUDED_ */
