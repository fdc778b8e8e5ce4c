
#ifndef _CIGNA_JSON_RAW_H_INCLUDED_
#define _CIGNA_JSON_RAW_H_INCLUDED_


#include "base/cigna_slice.h"


/*
 * Finds values in a JSON text (RFC 8259) without decoding them.  The text must
 * be one that jansson has accepted, or that cigna_json_mend.h has mended: the
 * functions do not check it.
 */


/*
 * Returns 1 if "raw", the bytes between the quotes of a JSON string, is this
 * ASCII text once its escapes are decoded.
 */
int cigna_json_raw_means(cigna_slice_t raw, cigna_slice_t text);

/*
 * Cuts the next value from the front of *in, with all white space, commas and
 * colons before it.  *value has the value alone; strings keep their quotes.
 * CIGNA_NONE: there are no more values, or the next value has no end.
 */
int cigna_json_raw_cut(cigna_slice_t *in, cigna_slice_t *value);

/*
 * Cuts the next member from the front of *in, which is the inside of an object.
 * *name is not decoded, and has no quotes.  CIGNA_NONE: there are no more
 * members.
 */
int cigna_json_raw_pair(cigna_slice_t *in, cigna_slice_t *name,
    cigna_slice_t *value);

/* returns a string, object or array without its quotes or brackets */
cigna_slice_t cigna_json_raw_inner(cigna_slice_t value);

/*
 * Finds the value of a member in an object that cigna_json_raw_cut() has cut.
 * If several members have the name, the last one counts.  CIGNA_NONE: "object"
 * is not an object, or has no such member.
 */
int cigna_json_raw_member(cigna_slice_t object, cigna_slice_t name,
    cigna_slice_t *value);

/*
 * Returns 1 if the object has several members of this name, and the bytes of
 * their values differ.  White space before the object is allowed.
 */
int cigna_json_raw_differs(cigna_slice_t object, cigna_slice_t name);


#endif /* _CIGNA_JSON_RAW_H_INCLUDED_ */
