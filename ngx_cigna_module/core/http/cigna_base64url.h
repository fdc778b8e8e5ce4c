
#ifndef _CIGNA_BASE64URL_H_INCLUDED_
#define _CIGNA_BASE64URL_H_INCLUDED_


#include "base/cigna_buf.h"


/* Base64url (RFC 4648, section 5) without padding. */

#define cigna_base64url_encoded_len(n)  (((n) * 4 + 2) / 3)

/* encodes s and appends it */
void cigna_base64url_append(cigna_buf_t *b, cigna_slice_t s);

/*
 * Decodes s and appends the bytes.  CIGNA_ERROR, and nothing is appended: s has
 * padding, white space, a byte of another alphabet, a length that no encoding
 * has, or unused bits that are set in its last character, or the bytes do not
 * fit.
 */
int cigna_base64url_decode(cigna_slice_t s, cigna_buf_t *b);

/* the value of a digit, 0 to 63; 64: c is not a digit of base64url */
uint32_t cigna_base64url_value(uint8_t c);

/*
 * Like cigna_base64url_decode(), for bytes that a peer published or signed.
 * The function also accepts the alphabet of RFC 4648, section 4, any padding,
 * and unused bits that are set.
 */
int cigna_base64_decode_any(cigna_slice_t s, cigna_buf_t *b);

/* encodes s for HTTP Basic: RFC 4648, section 4, with padding */
void cigna_base64_append(cigna_buf_t *b, cigna_slice_t s);


#endif /* _CIGNA_BASE64URL_H_INCLUDED_ */
