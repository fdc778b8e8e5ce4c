
#ifndef _CIGNA_JSON_H_INCLUDED_
#define _CIGNA_JSON_H_INCLUDED_


#include "base/cigna_arena.h"


/*
 * JSON documents of peers (RFC 8259), parsed by jansson.  The getters tell an
 * absent member from one of another type, and bound the length of strings.
 */

typedef struct json_t  cigna_json_t;


#define CIGNA_JSON_SIZE_MAX  (256 * 1024)

/*
 * Parses an object.  The caller owns it, and passes it to cigna_json_destroy().
 * NULL: the text is not JSON, not an object, larger than CIGNA_JSON_SIZE_MAX,
 * nested deeper than jansson allows (2048), has a name twice in one object, or
 * has a NUL byte in a string.
 */
cigna_json_t *cigna_json_parse(cigna_slice_t text);

/*
 * 1 if the text, of up to max bytes, is an object by the same rules.  NUL in
 * strings is allowed here.
 */
int cigna_json_is_object(cigna_slice_t text, size_t max);

/*
 * Like cigna_json_parse(), but lenient: cigna_json_mend.h says which faults are
 * mended.  If a name occurs several times, the last value counts.
 */
cigna_json_t *cigna_json_read(cigna_slice_t text);

/*
 * 1 if the object in this text, which cigna_json_read() can read, has several
 * members of this name, and their values are not written the same way.
 */
int cigna_json_contradicts(cigna_slice_t text, const char *name);

/*
 * Removes the member from a document that was read from this text, if
 * cigna_json_contradicts(): nobody can tell which value was meant.  1 if so.
 */
int cigna_json_settle(cigna_json_t *doc, cigna_slice_t text, const char *name);

/* overwrites all strings, which may be secrets; NULL is allowed */
void cigna_json_destroy(cigna_json_t *doc);

/*
 * Getters of a member.  CIGNA_NONE: absent or null.  CIGNA_ERROR: of another
 * type, or longer than max bytes.  The document owns strings and children.
 */
int cigna_json_string(const cigna_json_t *object, const char *name,
    size_t max, cigna_slice_t *value);
int cigna_json_bool(const cigna_json_t *object, const char *name, int *value);
int cigna_json_array(const cigna_json_t *object, const char *name,
    const cigna_json_t **value);
int cigna_json_child(const cigna_json_t *object, const char *name,
    const cigna_json_t **value);

/*
 * A time or a lifetime in seconds.  Servers send a number, a fraction (which is
 * rounded down) or a string of digits.  CIGNA_ERROR: anything else, a negative
 * number, or one over max.
 */
int cigna_json_seconds(const cigna_json_t *object, const char *name,
    int64_t max, int64_t *value);

size_t cigna_json_count(const cigna_json_t *array);

/* an element that is an object; NULL if it is something else */
const cigna_json_t *cigna_json_item(const cigna_json_t *array, size_t i);

/* an element that is a string; empty if it is something else */
cigna_slice_t cigna_json_item_string(const cigna_json_t *array, size_t i);

/*
 * Appends s as a JSON string, with quotes and escapes.  A byte that is not
 * UTF-8 becomes U+FFFD.
 */
void cigna_json_append_string(cigna_buf_t *b, cigna_slice_t s);


#endif /* _CIGNA_JSON_H_INCLUDED_ */
