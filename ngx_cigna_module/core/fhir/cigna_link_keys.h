
#ifndef _CIGNA_LINK_KEYS_H_INCLUDED_
#define _CIGNA_LINK_KEYS_H_INCLUDED_


#include "cigna_fhir_base.h"
#include "http/cigna_dots.h"


/*
 * Links in a JSON text.  The first part of this file knows the keys whose
 * values are links.  The second part reads one such value, and keeps its bytes
 * until it knows whether the value begins with a known base and its path stays
 * below that base.
 */


/*
 * The kind of an object or array.  The kind follows from the key whose value
 * the object or array is.  FHIR R4 uses some keys for values of different
 * types.  For such a key, the kind of the object with the key decides, too.
 */

#define CIGNA_LINK_KEYS_IN_PLACE     0x0002  /* an object whose "url" is a
                                                link */
#define CIGNA_LINK_KEYS_IN_LINK      0x0004  /* a Bundle's link, whose "url" is
                                                a link */
#define CIGNA_LINK_KEYS_IN_RESPONSE  0x0008  /* an object whose "location" is a
                                                link */
#define CIGNA_LINK_KEYS_IN_ENDPOINT  0x0010  /* an object whose "address" is a
                                                link */
#define CIGNA_LINK_KEYS_IN_RESOURCE  0x0020  /* an object whose "address" is a
                                                link and whose "reference" is
                                                not */
#define CIGNA_LINK_KEYS_IN_NAME      0x0040  /* an object whose "reference" is
                                                not a link */
#define CIGNA_LINK_KEYS_IN_ENTRY     0x0080  /* an object whose "resource" is a
                                                FHIR resource */
#define CIGNA_LINK_KEYS_IN_TRIGGER   0x0100  /* an object whose "condition" is
                                                an Expression */
#define CIGNA_LINK_KEYS_IN_METADATA  0x0200  /* an object whose "link" is not a
                                                Bundle's */
#define CIGNA_LINK_KEYS_IN_OTHER     0x0400

/*
 * Returns 1 if the value of this key is a link when it is a string.  in: the
 * kind of the object that has the key.  Sets *within to the kind of the value
 * when it is an object or array.
 */
int cigna_link_keys_key(cigna_slice_t key, unsigned in, unsigned *within);


/* the most characters that decide about a base: its longest form, plus one */

#define CIGNA_LINK_KEYS_TEXT_MAX                                              \
    (CIGNA_FHIR_BASE_LEN_MAX + CIGNA_FHIR_BASE_FORM_MAX + 1)

/*
 * The longest path behind a base, as it is written; a query may have any
 * length.  The paths of FHIR have at most 330 bytes: five names of 64.
 */
#define CIGNA_LINK_KEYS_PATH_MAX  2048

/* the most kept bytes: a base of \uXXXX escapes, a path, one escape more */
#define CIGNA_LINK_KEYS_KEPT_MAX                                              \
    (6 * CIGNA_LINK_KEYS_TEXT_MAX + CIGNA_LINK_KEYS_PATH_MAX + 6)


/* a string that may be a link, as it comes in */

typedef struct {
    cigna_slice_t   insert;                /* the new base, which goes out
                                              before the kept bytes */
    size_t          text_len;
    size_t          kept_len;
    size_t          kept_pos;              /* offset of the first kept byte that
                                              goes out */
    unsigned        based:1;               /* the string begins with a base;
                                              cleared with the last piece */
    unsigned        releasing:1;           /* it is known whether the string is
                                              a link: kept bytes may go out */
    cigna_dots_t    dots;                  /* reads the path after the base */
    uint8_t         text[CIGNA_LINK_KEYS_TEXT_MAX];   /* the string, decoded */
    uint8_t         kept[CIGNA_LINK_KEYS_KEPT_MAX];   /* the string, as it
                                                         came */
} cigna_link_keys_t;


void cigna_link_keys_init(cigna_link_keys_t *link);

/* keeps a byte of an escape */
void cigna_link_keys_keep(cigna_link_keys_t *link, uint8_t c);

/* 1 if the kept path has its full length, so that no escape may follow */
int cigna_link_keys_full(const cigna_link_keys_t *link);

/*
 * The next three functions take more of the string that may be a link.
 * _bytes() takes bytes that are not escapes.  It keeps at least one of them,
 * unless the link is decided before, and sets *p behind the kept ones.  _char()
 * takes the character of an escape whose bytes were kept.  _end() takes the end
 * of the string.
 *
 * CIGNA_OK: the string begins with a base, and its path has no dot segments;
 * the kept bytes may go out, with base_url in place of the base.  CIGNA_NONE:
 * the string may go out as it came.  CIGNA_AGAIN: the link is not decided yet.
 */
int cigna_link_keys_bytes(cigna_link_keys_t *link, const cigna_bases_t *bases,
    cigna_slice_t base_url, const uint8_t **p, const uint8_t *end);
int cigna_link_keys_char(cigna_link_keys_t *link, const cigna_bases_t *bases,
    cigna_slice_t base_url, uint8_t c);
int cigna_link_keys_end(cigna_link_keys_t *link, const cigna_bases_t *bases,
    cigna_slice_t base_url);

/* decides that the string is not rewritten: kept bytes go out as they came */
void cigna_link_keys_give_up(cigna_link_keys_t *link);

/* the next piece to go out; CIGNA_NONE: there is no more */
int cigna_link_keys_release(cigna_link_keys_t *link, cigna_slice_t *piece);


/*
 * Decides about a whole URL of any length, such as the value of Location.
 * CIGNA_OK: *instead replaces the first *len bytes of the URL.  CIGNA_NONE: the
 * URL stays.
 */
int cigna_link_keys_url(const cigna_bases_t *bases, cigna_slice_t base_url,
    cigna_slice_t url, size_t *len, cigna_slice_t *instead);


#endif /* _CIGNA_LINK_KEYS_H_INCLUDED_ */
