
#ifndef _CIGNA_LINK_KEYS_H_INCLUDED_
#define _CIGNA_LINK_KEYS_H_INCLUDED_


#include "cigna_fhir_base.h"
#include "http/cigna_dots.h"


/*
 * Links in a JSON text: the keys whose values are links; and one such value as
 * it comes in.  Its bytes are kept until it is known whether it begins with a
 * known base, and whether its path stays below that base.
 */


/*
 * The kind of an object or an array, by the key whose value it is.  FHIR R4
 * uses the same key for values of different types; the kind tells them apart.
 */

#define CIGNA_LINK_KEYS_IN_PLACE     0x0002  /* its "url" is a link */
#define CIGNA_LINK_KEYS_IN_LINK      0x0004  /* a Bundle's link: likewise */
#define CIGNA_LINK_KEYS_IN_RESPONSE  0x0008  /* its "location" is a link */
#define CIGNA_LINK_KEYS_IN_ENDPOINT  0x0010  /* its "address" is a link */
#define CIGNA_LINK_KEYS_IN_RESOURCE  0x0020  /* likewise; its "reference" is
                                                not a link */
#define CIGNA_LINK_KEYS_IN_NAME      0x0040  /* its "reference" is not a link */
#define CIGNA_LINK_KEYS_IN_ENTRY     0x0080  /* its "resource" is a resource */
#define CIGNA_LINK_KEYS_IN_TRIGGER   0x0100  /* its "condition" is an
                                                Expression */
#define CIGNA_LINK_KEYS_IN_METADATA  0x0200  /* its "link" is not a Bundle's */
#define CIGNA_LINK_KEYS_IN_OTHER     0x0400

/*
 * in: the kind of the object that has this key.  Returns 1 if the key's value,
 * where it is a string, is a link.  Sets *within to the kind of the value where
 * it is an object or an array.
 */
int cigna_link_keys_key(cigna_slice_t key, unsigned in, unsigned *within);


/* decoded: the longest form of a base, and one character more */

#define CIGNA_LINK_KEYS_TEXT_MAX                                              \
    (CIGNA_FHIR_BASE_LEN_MAX + CIGNA_FHIR_BASE_FORM_MAX + 1)

/*
 * The longest path behind a base, as it is written; a query may have any
 * length.  The paths of FHIR have at most 330 bytes: five names of 64.
 */
#define CIGNA_LINK_KEYS_PATH_MAX  2048

/* a base written as \uXXXX, a path, and an escape that begins within it */
#define CIGNA_LINK_KEYS_KEPT_MAX                                              \
    (6 * CIGNA_LINK_KEYS_TEXT_MAX + CIGNA_LINK_KEYS_PATH_MAX + 6)


/* a string that may be a link, as it comes in */

typedef struct {
    cigna_slice_t   insert;                /* goes out before the kept bytes */
    size_t          text_len;
    size_t          kept_len;
    size_t          kept_pos;              /* the first one that goes out */
    unsigned        based:1;               /* it begins with a base; until
                                              the last piece is released */
    unsigned        releasing:1;           /* it is decided */
    cigna_dots_t    dots;                  /* of the path behind the base */
    uint8_t         text[CIGNA_LINK_KEYS_TEXT_MAX];   /* decoded */
    uint8_t         kept[CIGNA_LINK_KEYS_KEPT_MAX];   /* as it came */
} cigna_link_keys_t;


void cigna_link_keys_init(cigna_link_keys_t *link);

/* keeps a byte of an escape */
void cigna_link_keys_keep(cigna_link_keys_t *link, uint8_t c);

/* 1 if there is no room for an escape in the path */
int cigna_link_keys_full(const cigna_link_keys_t *link);

/*
 * These three take more of the string: bytes that stand for themselves, of
 * which at least one is kept unless the link is decided before, and *p is set
 * behind the kept ones; the character that a kept escape stands for; the end.
 *
 * CIGNA_OK: the string begins with a base, and its path has no dot segments;
 * the kept bytes may go out, with base_url in place of the base.  CIGNA_NONE:
 * the string may go out as it came.  CIGNA_AGAIN: more must be known.
 */
int cigna_link_keys_bytes(cigna_link_keys_t *link, const cigna_bases_t *bases,
    cigna_slice_t base_url, const uint8_t **p, const uint8_t *end);
int cigna_link_keys_char(cigna_link_keys_t *link, const cigna_bases_t *bases,
    cigna_slice_t base_url, uint8_t c);
int cigna_link_keys_end(cigna_link_keys_t *link, const cigna_bases_t *bases,
    cigna_slice_t base_url);

/* the kept bytes may go out as they came */
void cigna_link_keys_give_up(cigna_link_keys_t *link);

/* the next piece to go out; CIGNA_NONE: there is no more */
int cigna_link_keys_release(cigna_link_keys_t *link, cigna_slice_t *piece);


/*
 * The same for a whole URL of any length, as in Location.  CIGNA_OK: *instead
 * takes the place of its first *len bytes.  CIGNA_NONE: it stays.
 */
int cigna_link_keys_url(const cigna_bases_t *bases, cigna_slice_t base_url,
    cigna_slice_t url, size_t *len, cigna_slice_t *instead);


#endif /* _CIGNA_LINK_KEYS_H_INCLUDED_ */
