
#ifndef _CIGNA_JSON_WALK_H_INCLUDED_
#define _CIGNA_JSON_WALK_H_INCLUDED_


#include "base/cigna_slice.h"


/*
 * Reads JSON (RFC 8259) byte by byte, and tells what each byte begins or ends.
 * This is for texts that are seldom read; cigna_link_filter.c has a faster way.
 */

#define CIGNA_JSON_WALK_MAX  128           /* levels of nested values */


typedef enum {
    cigna_json_at_inside = 0,              /* nothing begins or ends */
    cigna_json_at_key,                     /* the quote that opens a key */
    cigna_json_at_key_end,                 /* the quote that closes a key */
    cigna_json_at_string,                  /* the opening quote of a value */
    cigna_json_at_string_end,
    cigna_json_at_open,                    /* an object or array begins */
    cigna_json_at_close,
    cigna_json_at_broken                   /* the text is not JSON */
} cigna_json_at_e;


typedef struct {
    unsigned    depth;                     /* number of open values */

    /* private */
    unsigned    state;
    unsigned    resume;                    /* the state after an escape */
    unsigned    digits;                    /* digits of \uXXXX still to come */
    uint8_t     stack[CIGNA_JSON_WALK_MAX];   /* '{' or '[' */
} cigna_json_walk_t;


void cigna_json_walk_init(cigna_json_walk_t *w);

/* reads the next byte, and tells what it begins or ends */
cigna_json_at_e cigna_json_walk(cigna_json_walk_t *w, uint8_t c);

/* 1 if the text may end here */
int cigna_json_walk_over(const cigna_json_walk_t *w);


/*
 * 1 if raw stands for text.  raw is the part of a JSON string between its
 * quotes, with its escapes.  text is ASCII.
 */
int cigna_json_raw_means(cigna_slice_t raw, cigna_slice_t text);

/*
 * Cuts the next value off the front of *in, which must be well-formed JSON.
 * White space, commas and colons before the value are skipped.  Strings keep
 * their quotes.  CIGNA_NONE: no value is left.
 */
int cigna_json_raw_cut(cigna_slice_t *in, cigna_slice_t *value);

/*
 * Gets the value of a member, in the form that cigna_json_raw_cut() gives.  If
 * several members have the name, the last one counts.  CIGNA_NONE: "object" is
 * not an object, or has no such member.
 */
int cigna_json_raw_member(cigna_slice_t object, cigna_slice_t name,
    cigna_slice_t *value);

/*
 * 1 if the object has several members of that name, and their values are
 * written differently.  There may be white space before the object.
 */
int cigna_json_raw_differs(cigna_slice_t object, cigna_slice_t name);


#endif /* _CIGNA_JSON_WALK_H_INCLUDED_ */
