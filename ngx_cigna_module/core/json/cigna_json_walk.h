
#ifndef _CIGNA_JSON_WALK_H_INCLUDED_
#define _CIGNA_JSON_WALK_H_INCLUDED_


#include "base/cigna_slice.h"


/*
 * JSON (RFC 8259) byte by byte, and what each byte does in it.  For texts that
 * are seldom read: cigna_link_filter.c has a faster way.
 */

#define CIGNA_JSON_WALK_MAX  128           /* of nested values */


typedef enum {
    cigna_json_at_inside = 0,              /* nothing begins or ends */
    cigna_json_at_key,                     /* the quote before one */
    cigna_json_at_key_end,                 /* the quote behind it */
    cigna_json_at_string,                  /* likewise, of a value */
    cigna_json_at_string_end,
    cigna_json_at_open,                    /* an object or an array */
    cigna_json_at_close,
    cigna_json_at_broken                   /* no JSON from here on */
} cigna_json_at_e;


typedef struct {
    unsigned    depth;                     /* of values that are open */

    /* private */
    unsigned    state;
    unsigned    resume;                    /* state behind an escape */
    unsigned    digits;                    /* of \uXXXX, still to come */
    uint8_t     stack[CIGNA_JSON_WALK_MAX];   /* '{' or '[' */
} cigna_json_walk_t;


void cigna_json_walk_init(cigna_json_walk_t *w);

/* the next byte */
cigna_json_at_e cigna_json_walk(cigna_json_walk_t *w, uint8_t c);

/* 1 if the text may end here */
int cigna_json_walk_over(const cigna_json_walk_t *w);


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


#endif /* _CIGNA_JSON_WALK_H_INCLUDED_ */
