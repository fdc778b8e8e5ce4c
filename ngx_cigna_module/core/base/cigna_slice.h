
#ifndef _CIGNA_SLICE_H_INCLUDED_
#define _CIGNA_SLICE_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


/* results of functions, unless the comment of a function says otherwise */

#define CIGNA_OK      0
#define CIGNA_ERROR  -1
#define CIGNA_AGAIN  -2                    /* more input is needed */
#define CIGNA_NONE   -3                    /* absent, which is not an error */


/* borrowed bytes, not zero-terminated; data may be NULL if len is 0 */

typedef struct {
    const uint8_t  *data;
    size_t          len;
} cigna_slice_t;


#define cigna_slice(literal)                                                  \
    ((cigna_slice_t) { (const uint8_t *) literal, sizeof(literal) - 1 })

#define cigna_slice_null  ((cigna_slice_t) { NULL, 0 })

/* two arguments of a function: an array of these slices, and their number */
#define cigna_slice_array(...)                                                \
    (const cigna_slice_t[]) { __VA_ARGS__ },                                  \
    sizeof((cigna_slice_t[]) { __VA_ARGS__ }) / sizeof(cigna_slice_t)


/* the next three functions are called often in loops, so they are inline */

/* the bytes from data up to, but not including, end */

static inline cigna_slice_t
cigna_slice_make(const void *data, const void *end)
{
    cigna_slice_t  s;

    s.data = (const uint8_t *) data;
    s.len = (size_t) ((const uint8_t *) end - s.data);

    return s;
}


/* s without its first n bytes; empty if it has no more than n */

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


/* an ASCII letter in lower case; any other byte unchanged */

static inline uint8_t
cigna_slice_lower(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') ? c | 0x20 : c;
}


/* borrows a zero-terminated string; NULL gives an empty slice */
cigna_slice_t cigna_slice_str(const char *s);

/* 1 if equal; secrets need cigna_secret_eq() */
int cigna_slice_eq(cigna_slice_t a, cigna_slice_t b);

/* 1 if the a.len bytes at b equal a; ignores the case of ASCII letters */
int cigna_slice_same_letters(cigna_slice_t a, const uint8_t *b);


/*
 * Like cigna_slice_eq(), but ignores the case of ASCII letters.  Inline,
 * because the lengths alone decide most comparisons of header names.
 */

static inline int
cigna_slice_eq_case(cigna_slice_t a, cigna_slice_t b)
{
    return a.len == b.len && cigna_slice_same_letters(a, b.data);
}


/* 1 if s begins with prefix */
int cigna_slice_starts(cigna_slice_t s, cigna_slice_t prefix);

/*
 * 1 if s ends with end; cigna_slice_ends_case() ignores the case of ASCII
 * letters
 */
int cigna_slice_ends(cigna_slice_t s, cigna_slice_t end);
int cigna_slice_ends_case(cigna_slice_t s, cigna_slice_t end);

/*
 * 1 if s is the header field name that "lower" gives in lower case; the case of
 * s does not count.  The caller makes sure that lower has as many bytes as s,
 * and only lower-case letters, digits and "-".
 */
int cigna_slice_named(cigna_slice_t s, const char *lower);

/* 1 if s has no control bytes other than tabs, as RFC 9110 wants of a value */
int cigna_slice_plain(cigna_slice_t s);

/* 1 if c is one of the bytes of s */
int cigna_slice_has(cigna_slice_t s, uint8_t c);

/*
 * Returns the bytes before the first c; *s keeps the bytes after it.  If there
 * is no c, all of *s is returned and *s becomes empty.
 */
cigna_slice_t cigna_slice_cut(cigna_slice_t *s, uint8_t c);

/* s without the spaces and tabs at both ends */
cigna_slice_t cigna_slice_trim(cigna_slice_t s);

/* 1 if c is an ASCII letter or digit */
int cigna_slice_alnum(uint8_t c);

/* the length of the longest start of s that cigna_slice_only() accepts */
size_t cigna_slice_span(cigna_slice_t s, const char *signs);

/* 1 if each byte of s is an ASCII letter, a digit, or a byte of "signs" */
int cigna_slice_only(cigna_slice_t s, const char *signs);

/* the signs of an HTTP token (RFC 9110, section 5.6.2) */
#define CIGNA_SLICE_TOKEN  "!#$%&'*+-.^_`|~"

/* s without its last byte, if that byte is "/" */
cigna_slice_t cigna_slice_no_slash(cigna_slice_t s);

/* the value of a hexadecimal digit; -1 if c is not one */
int cigna_slice_hex(uint8_t c);

/* the byte for which "%XX" at the start of s stands; -1: no such escape */
int cigna_slice_escaped(cigna_slice_t s);

/*
 * Reads the whole slice as a decimal number.  CIGNA_ERROR if it is empty, has a
 * byte that is not a digit, or exceeds max; *value is then unchanged.
 */
int cigna_slice_uint(cigna_slice_t s, uint64_t max, uint64_t *value);

/* like cigna_slice_uint(), but reads hexadecimal digits */
int cigna_slice_uint_hex(cigna_slice_t s, uint64_t max, uint64_t *value);

/*
 * Returns the length of the UTF-8 character at the start of s (RFC 3629).
 * Returns 0 if s is empty, or if the character is cut off, overlong, a
 * surrogate or over U+10FFFF.
 */
size_t cigna_slice_utf8(cigna_slice_t s);


#endif /* _CIGNA_SLICE_H_INCLUDED_ */
