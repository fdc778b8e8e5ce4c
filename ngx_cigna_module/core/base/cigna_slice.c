
#include <string.h>

#include "cigna_slice.h"


/* a 64-bit word with c in each of its bytes */

#define cigna_slice_each(c)  (0x0101010101010101 * (uint64_t) (c))


static int cigna_slice_named_word(const uint8_t *p, const char *lower);
static int cigna_slice_plain_word(const void *p);
static int cigna_slice_plain_bytes(cigna_slice_t s);
static int cigna_slice_number(cigna_slice_t s, unsigned base, uint64_t max,
    uint64_t *value);
static int cigna_slice_blank(uint8_t c);
static size_t cigna_slice_utf8_len(uint8_t first);


cigna_slice_t
cigna_slice_str(const char *s)
{
    if (s == NULL) {
        return cigna_slice_null;
    }

    return (cigna_slice_t) { (const uint8_t *) s, strlen(s) };
}


int
cigna_slice_eq(cigna_slice_t a, cigna_slice_t b)
{
    return a.len == b.len && cigna_slice_starts(a, b);
}


int
cigna_slice_same_letters(cigna_slice_t a, const uint8_t *b)
{
    size_t  i;

    /* the fast path: most equal pairs have the same case too */

    if (a.len == 0 || memcmp(a.data, b, a.len) == 0) {
        return 1;
    }

    for (i = 0; i < a.len; i++) {
        if (cigna_slice_lower(a.data[i]) != cigna_slice_lower(b[i])) {
            return 0;
        }
    }

    return 1;
}


int
cigna_slice_starts(cigna_slice_t s, cigna_slice_t prefix)
{
    if (prefix.len == 0) {

        /* an empty slice may have NULL, and memcmp() requires valid pointers */

        return 1;
    }

    return s.len >= prefix.len && memcmp(s.data, prefix.data, prefix.len) == 0;
}


int
cigna_slice_ends(cigna_slice_t s, cigna_slice_t end)
{
    return s.len >= end.len
           && cigna_slice_eq(cigna_slice_skip(s, s.len - end.len), end);
}


int
cigna_slice_ends_case(cigna_slice_t s, cigna_slice_t end)
{
    return s.len >= end.len
           && cigna_slice_eq_case(cigna_slice_skip(s, s.len - end.len), end);
}


int
cigna_slice_named(cigna_slice_t s, const char *lower)
{
    size_t          i;
    const uint8_t  *last;

    if (s.len < sizeof(uint64_t)) {

        for (i = 0; i < s.len; i++) {
            if (cigna_slice_lower(s.data[i]) != (uint8_t) lower[i]) {
                return 0;
            }
        }

        return 1;
    }

    last = s.data + s.len - sizeof(uint64_t);

    if (!cigna_slice_named_word(last, lower + s.len - sizeof(uint64_t))) {
        return 0;
    }

    for (i = 0; s.data + i < last; i += sizeof(uint64_t)) {
        if (!cigna_slice_named_word(s.data + i, lower + i)) {
            return 0;
        }
    }

    return 1;
}


/*
 * Compares eight bytes.  Setting the bit 0x20 makes a letter lower case.  Among
 * the bytes of "lower", only letters have the bit 0x40, and "b >> 1" moves that
 * bit to 0x20.  So the bit 0x20 is set only where "lower" has a letter.
 */

static int
cigna_slice_named_word(const uint8_t *p, const char *lower)
{
    uint64_t  a, b;

    memcpy(&a, p, sizeof(uint64_t));
    memcpy(&b, lower, sizeof(uint64_t));

    return (a | (b >> 1 & cigna_slice_each(0x20))) == b;
}


/*
 * Tests eight bytes at a time; the last eight may overlap the eight before.
 * cigna_slice_plain_word() also rejects tabs, which are allowed.  If it rejects
 * a word, cigna_slice_plain_bytes() decides.
 */

int
cigna_slice_plain(cigna_slice_t s)
{
    uint32_t        halves[2];
    const uint8_t  *p, *last;

    if (s.len < sizeof(uint64_t)) {

        if (s.len < sizeof(uint32_t)) {
            return cigna_slice_plain_bytes(s);
        }

        memcpy(&halves[0], s.data, sizeof(uint32_t));
        memcpy(&halves[1], s.data + s.len - sizeof(uint32_t),
               sizeof(uint32_t));

        return cigna_slice_plain_word(halves) || cigna_slice_plain_bytes(s);
    }

    last = s.data + s.len - sizeof(uint64_t);

    for (p = s.data; p < last; p += sizeof(uint64_t)) {
        if (!cigna_slice_plain_word(p)) {
            return cigna_slice_plain_bytes(s);
        }
    }

    return cigna_slice_plain_word(last) || cigna_slice_plain_bytes(s);
}


/*
 * Subtracting 0x20 sets the high bit of a control byte.  Adding 1 sets the high
 * bit of DEL.
 */

static int
cigna_slice_plain_word(const void *p)
{
    uint64_t  w;

    memcpy(&w, p, sizeof(uint64_t));

    return (((w - cigna_slice_each(0x20)) | (w + cigna_slice_each(1))) & ~w
            & cigna_slice_each(0x80))
           == 0;
}


static int
cigna_slice_plain_bytes(cigna_slice_t s)
{
    size_t  i;

    for (i = 0; i < s.len; i++) {
        if ((s.data[i] < ' ' && s.data[i] != '\t') || s.data[i] == 0x7f) {
            return 0;
        }
    }

    return 1;
}


int
cigna_slice_has(cigna_slice_t s, uint8_t c)
{
    return s.len && memchr(s.data, c, s.len) != NULL;
}


cigna_slice_t
cigna_slice_cut(cigna_slice_t *s, uint8_t c)
{
    cigna_slice_t   head;
    const uint8_t  *p;

    head = *s;
    p = s->len ? memchr(s->data, c, s->len) : NULL;

    if (p) {
        head.len = (size_t) (p - s->data);
    }

    *s = cigna_slice_skip(*s, head.len + 1);

    return head;
}


cigna_slice_t
cigna_slice_trim(cigna_slice_t s)
{
    while (s.len && cigna_slice_blank(s.data[0])) {
        s = cigna_slice_skip(s, 1);
    }

    while (s.len && cigna_slice_blank(s.data[s.len - 1])) {
        s.len--;
    }

    return s;
}


int
cigna_slice_alnum(uint8_t c)
{
    uint8_t  lower;

    lower = c | 0x20;

    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
}


size_t
cigna_slice_span(cigna_slice_t s, const char *signs)
{
    size_t  i;

    for (i = 0; i < s.len; i++) {
        if (!cigna_slice_alnum(s.data[i])
            && !cigna_slice_has(cigna_slice_str(signs), s.data[i]))
        {
            break;
        }
    }

    return i;
}


int
cigna_slice_only(cigna_slice_t s, const char *signs)
{
    return cigna_slice_span(s, signs) == s.len;
}


cigna_slice_t
cigna_slice_no_slash(cigna_slice_t s)
{
    if (s.len && s.data[s.len - 1] == '/') {
        s.len--;
    }

    return s;
}


int
cigna_slice_hex(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    c = cigna_slice_lower(c);

    return (c >= 'a' && c <= 'f') ? c - 'a' + 10 : -1;
}


int
cigna_slice_escaped(cigna_slice_t s)
{
    int  high, low;

    if (s.len < 3 || s.data[0] != '%') {
        return -1;
    }

    high = cigna_slice_hex(s.data[1]);
    low = cigna_slice_hex(s.data[2]);

    return (high < 0 || low < 0) ? -1 : high << 4 | low;
}


int
cigna_slice_uint(cigna_slice_t s, uint64_t max, uint64_t *value)
{
    return cigna_slice_number(s, 10, max, value);
}


int
cigna_slice_uint_hex(cigna_slice_t s, uint64_t max, uint64_t *value)
{
    return cigna_slice_number(s, 16, max, value);
}


static int
cigna_slice_number(cigna_slice_t s, unsigned base, uint64_t max,
    uint64_t *value)
{
    int       digit;
    size_t    i;
    uint64_t  n;

    if (s.len == 0) {
        return CIGNA_ERROR;
    }

    n = 0;

    for (i = 0; i < s.len; i++) {

        digit = cigna_slice_hex(s.data[i]);

        if (digit < 0 || (unsigned) digit >= base) {
            return CIGNA_ERROR;
        }

        if ((unsigned) digit > max || n > (max - (unsigned) digit) / base) {
            return CIGNA_ERROR;
        }

        n = n * base + (unsigned) digit;
    }

    *value = n;

    return CIGNA_OK;
}


static int
cigna_slice_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}


size_t
cigna_slice_utf8(cigna_slice_t s)
{
    size_t    i, len;
    uint32_t  code;

    static const uint32_t  least[] = { 0, 0, 0x80, 0x800, 0x10000 };

    len = s.len ? cigna_slice_utf8_len(s.data[0]) : 0;

    if (len < 2) {
        return len;
    }

    if (s.len < len) {
        return 0;
    }

    code = s.data[0] & (0x7f >> len);

    for (i = 1; i < len; i++) {

        if ((s.data[i] & 0xc0) != 0x80) {
            return 0;
        }

        code = code << 6 | (s.data[i] & 0x3f);
    }

    if (code < least[len] || code > 0x10ffff
        || (code >= 0xd800 && code <= 0xdfff))
    {
        return 0;
    }

    return len;
}


/*
 * the length of a UTF-8 character by its first byte; 0 if no character begins
 * with that byte
 */

static size_t
cigna_slice_utf8_len(uint8_t first)
{
    if (first < 0x80) {
        return 1;
    }

    if (first < 0xc0 || first >= 0xf8) {
        return 0;
    }

    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}
