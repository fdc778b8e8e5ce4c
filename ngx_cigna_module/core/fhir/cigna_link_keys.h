
#ifndef _CIGNA_LINK_KEYS_H_INCLUDED_
#define _CIGNA_LINK_KEYS_H_INCLUDED_


#include "cigna_fhir_base.h"
#include "http/cigna_dots.h"


/*
 * One link in a JSON text: which keys have one as their value, and, while the
 * value comes in, the bytes of it that are held back until it is known whether
 * it begins with a known base, and whether its path stays below that.
 */


/*
 * What an object or an array is, by the key whose value it is within.  FHIR R4
 * has the same key for values of different types; this tells them apart.
 */

#define CIGNA_LINK_KEYS_IN_PLACE     0x0002     /* its "url" is a link */
#define CIGNA_LINK_KEYS_IN_LINK      0x0004     /* so is that of a Bundle's link */
#define CIGNA_LINK_KEYS_IN_RESPONSE  0x0008     /* its "location" is one */
#define CIGNA_LINK_KEYS_IN_ENDPOINT  0x0010     /* its "address" is one */
#define CIGNA_LINK_KEYS_IN_RESOURCE  0x0020     /* so is an Endpoint's, and its
                                              "reference" is none */
#define CIGNA_LINK_KEYS_IN_NAME      0x0040     /* its "reference" is none */
#define CIGNA_LINK_KEYS_IN_ENTRY     0x0080     /* its "resource" is a resource */
#define CIGNA_LINK_KEYS_IN_TRIGGER   0x0100     /* "condition" is an Expression */
#define CIGNA_LINK_KEYS_IN_METADATA  0x0200     /* its "link" is no Bundle's */
#define CIGNA_LINK_KEYS_IN_OTHER     0x0400

/*
 * What the value of a key is in an object which is itself within "in": 1 if it
 * is a link where it is a string.  Sets *within to what it is where it is an
 * object or an array.
 */
int cigna_link_keys_key(cigna_slice_t key, unsigned in, unsigned *within);


/* a known base in which every byte is written as \uXXXX, and what follows */

#define CIGNA_LINK_KEYS_TEXT_MAX  (CIGNA_FHIR_BASE_LEN_MAX + CIGNA_FHIR_BASE_FORM_MAX + 1)

/*
 * The longest path behind a base, as it is written; a query may have any
 * length.  FHIR's own are of 200 bytes at most: names of 64, five of them.
 */
#define CIGNA_LINK_KEYS_PATH_MAX  2048

/* both, and the rest of an escape that begins within the path */
#define CIGNA_LINK_KEYS_HELD_MAX                                                   \
    (6 * CIGNA_LINK_KEYS_TEXT_MAX + CIGNA_LINK_KEYS_PATH_MAX + 6)


typedef struct {
    cigna_slice_t   insert;                /* goes out before what is held */
    size_t          text_len;
    size_t          held_len;
    size_t          held_pos;              /* goes out from here */
    unsigned        based:1;               /* it begins with a base; until
                                              the last piece is released */
    unsigned        releasing:1;           /* it is decided */
    cigna_dots_t    dots;                  /* of the path behind the base */
    uint8_t         text[CIGNA_LINK_KEYS_TEXT_MAX];   /* decoded */
    uint8_t         held[CIGNA_LINK_KEYS_HELD_MAX];   /* as it came */
} cigna_link_keys_t;


void cigna_link_keys_init(cigna_link_keys_t *link);

/* a byte of an escape */
void cigna_link_keys_hold(cigna_link_keys_t *link, uint8_t c);

/* 1 if an escape would be more than may be held of a path */
int cigna_link_keys_full(const cigna_link_keys_t *link);

/*
 * More of the string: bytes that stand for themselves, at least one unless it
 * is decided before, of which *p is set behind those that were taken; or the
 * character that an escape stands for, all of which is held; or the end.
 *
 * CIGNA_OK: it begins with a base, and behind that is a path without dot
 * segments; what is held may go out, with "own" in place of the base.
 * CIGNA_NONE: it may go out as it came.  CIGNA_AGAIN: more has to be known.
 */
int cigna_link_keys_take(cigna_link_keys_t *link, const cigna_bases_t *bases,
    cigna_slice_t own, const uint8_t **p, const uint8_t *end);
int cigna_link_keys_char(cigna_link_keys_t *link, const cigna_bases_t *bases,
    cigna_slice_t own, uint8_t c);
int cigna_link_keys_end(cigna_link_keys_t *link, const cigna_bases_t *bases,
    cigna_slice_t own);

/* what is held may go out as it came */
void cigna_link_keys_give_up(cigna_link_keys_t *link);

/* the next piece of it; CIGNA_NONE: that was all, and another may begin */
int cigna_link_keys_release(cigna_link_keys_t *link, cigna_slice_t *piece);


/*
 * The same for one URL of any length, as in Location: CIGNA_OK, and *instead
 * takes the place of so many bytes of it; or CIGNA_NONE.
 */
int cigna_link_keys_url(const cigna_bases_t *bases, cigna_slice_t own,
    cigna_slice_t url, size_t *len, cigna_slice_t *instead);


#endif /* _CIGNA_LINK_KEYS_H_INCLUDED_ */
