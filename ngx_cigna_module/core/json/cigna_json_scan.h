
#ifndef _CIGNA_JSON_SCAN_H_INCLUDED_
#define _CIGNA_JSON_SCAN_H_INCLUDED_


#include <stdint.h>


/* JSON (RFC 8259) byte by byte, for readers that do not build a document. */

/* the UTF-8 byte order mark, which a reader may ignore before a text */

#define CIGNA_JSON_MARK  "\xef\xbb\xbf"

#define cigna_json_is_space(c)                                                \
    ((c) == ' ' || (c) == '\n' || (c) == '\r' || (c) == '\t')

/* bytes that end a run of plain bytes in a string */

#define cigna_json_is_stop(c)                                                 \
    ((c) == '"' || (c) == '\\' || (c) < 0x20)

/* bytes of numbers, true, false and null */

#define cigna_json_is_scalar(c)                                               \
    (((c) >= '0' && (c) <= '9') || ((c) >= 'a' && (c) <= 'z') || (c) == '-'   \
     || (c) == '+' || (c) == '.' || (c) == 'E')


/*
 * Return where the white space at p ends, or the run of plain bytes in a
 * string; end if it reaches so far.
 */
const uint8_t *cigna_json_space(const uint8_t *p, const uint8_t *end);
const uint8_t *cigna_json_run(const uint8_t *p, const uint8_t *end);


#endif /* _CIGNA_JSON_SCAN_H_INCLUDED_ */
