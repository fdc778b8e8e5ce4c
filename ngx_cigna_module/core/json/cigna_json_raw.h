
#ifndef _CIGNA_JSON_RAW_H_INCLUDED_
#define _CIGNA_JSON_RAW_H_INCLUDED_


#include "base/cigna_slice.h"


/*
 * The values of a JSON text (RFC 8259) as they are written, for a text that
 * jansson has accepted or that was mended: the functions check nothing.
 */


/*
 * 1 if what is between the quotes of a string stands for this text, which is
 * ASCII.
 */
int cigna_json_raw_means(cigna_slice_t raw, cigna_slice_t text);

/*
 * Cuts the next value off *in, which is well-formed JSON, and the white space
 * before it; a comma or a colon in front is passed over too.  Strings keep
 * their quotes.  CIGNA_NONE: there is none any more.
 */
int cigna_json_raw_cut(cigna_slice_t *in, cigna_slice_t *value);

/* a string, an object or an array without its quotes or brackets */
cigna_slice_t cigna_json_raw_inner(cigna_slice_t value);

/*
 * The value of a member of an object, as cigna_json_raw_cut() has cut it; of
 * several the last one.  CIGNA_NONE: it is no object, or has no such member.
 */
int cigna_json_raw_member(cigna_slice_t object, cigna_slice_t name,
    cigna_slice_t *value);

/*
 * 1 if the object, before which there may be white space, has several members
 * of that name whose values are not written alike.
 */
int cigna_json_raw_differs(cigna_slice_t object, cigna_slice_t name);


#endif /* _CIGNA_JSON_RAW_H_INCLUDED_ */
