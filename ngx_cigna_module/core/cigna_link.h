
#ifndef _CIGNA_LINK_H_INCLUDED_
#define _CIGNA_LINK_H_INCLUDED_


#include "cigna_base.h"


/*
 * One link in a JSON text: which keys have one as their value, and, while the
 * value comes in, the bytes of it that are held back until it is known whether
 * it begins with a known base.
 */


/* what an object or an array is, by the key whose value it is within */

#define CIGNA_LINK_IN_PLACE     0x02       /* its "url" is a link */
#define CIGNA_LINK_IN_RESPONSE  0x04       /* its "location" is one */
#define CIGNA_LINK_IN_NETWORK   0x08       /* its "address" is none */
#define CIGNA_LINK_IN_OTHER     0x10

/*
 * What the value of a key is in an object which is itself within "in": 1 if it
 * is a link where it is a string.  Sets *within to what it is where it is an
 * object or an array.
 */
int cigna_link_key(cigna_slice_t key, unsigned in, unsigned *within);


/* a known base in which every byte is written as \uXXXX, and what follows */

#define CIGNA_LINK_TEXT_MAX  (CIGNA_BASE_LEN_MAX + 16)
#define CIGNA_LINK_HELD_MAX  (6 * CIGNA_LINK_TEXT_MAX)


typedef struct {
    cigna_slice_t   insert;                /* goes out before what is held */
    size_t          text_len;
    size_t          held_len;
    size_t          held_pos;              /* goes out from here */
    unsigned        releasing:1;           /* it is decided */
    uint8_t         text[CIGNA_LINK_TEXT_MAX];   /* decoded */
    uint8_t         held[CIGNA_LINK_HELD_MAX];   /* as it came */
} cigna_link_t;


void cigna_link_init(cigna_link_t *link);

/* a byte of an escape, and the character that the whole of it stands for */
void cigna_link_hold(cigna_link_t *link, uint8_t c);
void cigna_link_char(cigna_link_t *link, uint8_t c);

/*
 * Takes bytes that stand for themselves, at least one, up to where a decision
 * is due; returns how many.
 */
size_t cigna_link_take(cigna_link_t *link, const cigna_bases_t *bases,
    const uint8_t *p, const uint8_t *end);

/* after each of these: 1 if no more has to be known */
int cigna_link_known(const cigna_link_t *link, const cigna_bases_t *bases);

/*
 * What is held may go out, with "own" in place of a base: 1 if there is one.
 * cut: the string is not over yet.
 */
int cigna_link_decide(cigna_link_t *link, const cigna_bases_t *bases,
    cigna_slice_t own, int cut);

/* ... as it came */
void cigna_link_give_up(cigna_link_t *link);

/* the next piece of it; CIGNA_NONE: that was all, and another may begin */
int cigna_link_release(cigna_link_t *link, cigna_slice_t *piece);


/*
 * The same for one URL, as in Location: how many bytes of it *instead takes
 * the place of; 0 for none.
 */
size_t cigna_link_url(const cigna_bases_t *bases, cigna_slice_t own,
    cigna_slice_t url, cigna_slice_t *instead);


#endif /* _CIGNA_LINK_H_INCLUDED_ */
