
#ifndef _CIGNA_JSON_SCAN_H_INCLUDED_
#define _CIGNA_JSON_SCAN_H_INCLUDED_


#include <stdint.h>


/*
 * Finding one's way in JSON (RFC 8259) that streams by, without parsing it.
 */

/* of byte order, in UTF-8: a reader may ignore it in front of a text */

#define CIGNA_JSON_MARK  "\xef\xbb\xbf"

#define cigna_json_is_space(c)                                                \
    ((c) == ' ' || (c) == '\n' || (c) == '\r' || (c) == '\t')

/* what ends a run of bytes within a string */

#define cigna_json_is_stop(c)                                                 \
    ((c) == '"' || (c) == '\\' || (c) < 0x20)

/* of numbers, true, false and null */

#define cigna_json_is_scalar(c)                                               \
    (((c) >= '0' && (c) <= '9') || ((c) >= 'a' && (c) <= 'z') || (c) == '-'   \
     || (c) == '+' || (c) == '.' || (c) == 'E')


/* where white space ends, or the run within a string; end if it does not */
const uint8_t *cigna_json_space(const uint8_t *p, const uint8_t *end);
const uint8_t *cigna_json_run(const uint8_t *p, const uint8_t *end);


#endif /* _CIGNA_JSON_SCAN_H_INCLUDED_ */
