
#ifndef _CIGNA_BASE64URL_H_INCLUDED_
#define _CIGNA_BASE64URL_H_INCLUDED_


#include "base/cigna_buf.h"


/* RFC 4648, section 5, without padding */

#define cigna_base64url_encoded_len(n)  (((n) * 4 + 2) / 3)

void cigna_base64url_append(cigna_buf_t *b, cigna_slice_t s);

/*
 * Strict: no padding, no white space, no other alphabet, no stray bits in the
 * last character.  Appends to b; CIGNA_ERROR if malformed or too long.
 */
int cigna_base64url_decode(cigna_slice_t s, cigna_buf_t *b);

/*
 * Lenient, for what a peer has published or signed: either alphabet, padding
 * of any length, stray bits.  White space and other bytes are still refused.
 */
int cigna_base64_decode_any(cigna_slice_t s, cigna_buf_t *b);

/* RFC 4648, section 4, with padding: for HTTP Basic only */
void cigna_base64_append(cigna_buf_t *b, cigna_slice_t s);


#endif /* _CIGNA_BASE64URL_H_INCLUDED_ */
