
#ifndef _CIGNA_SLICE_H_INCLUDED_
#define _CIGNA_SLICE_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


/* results of functions that do not say otherwise */

#define CIGNA_OK      0
#define CIGNA_ERROR  -1
#define CIGNA_AGAIN  -2                    /* more input is needed */
#define CIGNA_NONE   -3                    /* well formed, but absent */


/* bytes that somebody else owns; not zero-terminated */

typedef struct {
    const uint8_t  *data;
    size_t          len;
} cigna_slice_t;


#define cigna_slice(literal)                                                  \
    ((cigna_slice_t) { (const uint8_t *) literal, sizeof(literal) - 1 })

#define cigna_slice_null  ((cigna_slice_t) { NULL, 0 })


/* the three that are called for a byte or two are inline */

/* a slice of the bytes from data up to, not including, end */

static inline cigna_slice_t
cigna_slice_make(const void *data, const void *end)
{
    cigna_slice_t  s;

    s.data = (const uint8_t *) data;
    s.len = (size_t) ((const uint8_t *) end - s.data);

    return s;
}


/* s without its first n bytes; empty if it has no more than that */

static inline cigna_slice_t
cigna_slice_skip(cigna_slice_t s, size_t n)
{
    if (n > s.len) {
        n = s.len;
    }

    if (n) {
        s.data += n;
        s.len -= n;
    }

    return s;
}


/* the ASCII letter in lower case, anything else as it is */

static inline uint8_t
cigna_slice_lower(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') ? c | 0x20 : c;
}


/* a slice that borrows a zero-terminated string; NULL gives an empty one */
cigna_slice_t cigna_slice_str(const char *s);

/* 1 if equal; not for secrets, see cigna_secret_eq() */
int cigna_slice_eq(cigna_slice_t a, cigna_slice_t b);

/* the same, with ASCII letters of either case taken as equal */
int cigna_slice_eq_case(cigna_slice_t a, cigna_slice_t b);

/* 1 if s begins with prefix */
int cigna_slice_starts(cigna_slice_t s, cigna_slice_t prefix);

/* 1 if s ends with end; the same, with letters as in cigna_slice_eq_case() */
int cigna_slice_ends(cigna_slice_t s, cigna_slice_t end);
int cigna_slice_ends_case(cigna_slice_t s, cigna_slice_t end);

/*
 * 1 if s, in either case, is this name of a header line.  lower is as long as
 * s, in lower case, and has letters, digits and "-" only.
 */
int cigna_slice_named(cigna_slice_t s, const char *lower);

/* 1 if s has no control byte but tabs: RFC 9110, 5.5, the value of a line */
int cigna_slice_plain(cigna_slice_t s);

/* 1 if c is one of the bytes of s */
int cigna_slice_has(cigna_slice_t s, uint8_t c);

/*
 * Cuts off what stands before the first c and returns it; *s keeps what comes
 * after.  Without a c everything is cut off.
 */
cigna_slice_t cigna_slice_cut(cigna_slice_t *s, uint8_t c);

/* s without the spaces and tabs at its ends */
cigna_slice_t cigna_slice_trim(cigna_slice_t s);

/* 1 if c is an ASCII letter or digit */
int cigna_slice_alnum(uint8_t c);

/* 1 if c may stand in a token of HTTP, as names of header lines are */
int cigna_slice_token(uint8_t c);

/* value of a hexadecimal digit; -1 if c is none */
int cigna_slice_hex(uint8_t c);

/*
 * Decimal digits only, the whole slice, no sign.  CIGNA_ERROR if empty, if
 * another byte occurs, or if the value exceeds max.
 */
int cigna_slice_uint(cigna_slice_t s, uint64_t max, uint64_t *value);

/* the same with hexadecimal digits */
int cigna_slice_uint_hex(cigna_slice_t s, uint64_t max, uint64_t *value);

/*
 * Length of the UTF-8 character that s begins with, 0 if it is none: cut off,
 * overlong, a surrogate, or beyond U+10FFFF (RFC 3629).
 */
size_t cigna_slice_utf8(cigna_slice_t s);


#endif /* _CIGNA_SLICE_H_INCLUDED_ */
