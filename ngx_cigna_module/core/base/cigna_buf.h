
#ifndef _CIGNA_BUF_H_INCLUDED_
#define _CIGNA_BUF_H_INCLUDED_


#include "cigna_slice.h"


/*
 * A bounded appender over memory that the caller owns.  An append that does not
 * fit writes nothing and sets "overflow", which stays set.  So a caller checks
 * once, after all appends.
 */

typedef struct {
    uint8_t   *start;
    uint8_t   *pos;                        /* the next byte to write */
    uint8_t   *end;
    unsigned   overflow:1;
} cigna_buf_t;


/* the caller owns mem, which must outlive the appender */
void cigna_buf_init(cigna_buf_t *b, void *mem, size_t size);

void cigna_buf_append(cigna_buf_t *b, cigna_slice_t s);
void cigna_buf_append_str(cigna_buf_t *b, const char *s);
void cigna_buf_append_char(cigna_buf_t *b, uint8_t c);
void cigna_buf_append_uint(cigna_buf_t *b, uint64_t n);     /* decimal */
void cigna_buf_append_u32(cigna_buf_t *b, uint32_t n);      /* big endian */
void cigna_buf_append_u64(cigna_buf_t *b, uint64_t n);      /* big endian */

/*
 * Appends the length of s in four bytes, big endian, and then s.  Two different
 * lists of values, each value appended in this way, never give the same bytes.
 */
void cigna_buf_append_lp(cigna_buf_t *b, cigna_slice_t s);

/*
 * Returns len bytes for the caller to fill.  NULL: they do not fit, or an
 * earlier append did not fit; "overflow" is then set.
 */
uint8_t *cigna_buf_reserve(cigna_buf_t *b, size_t len);

/* the bytes that were appended, borrowed; empty after an overflow */
cigna_slice_t cigna_buf_slice(const cigna_buf_t *b);


#endif /* _CIGNA_BUF_H_INCLUDED_ */
