
#ifndef _CIGNA_SIPHASH_H_INCLUDED_
#define _CIGNA_SIPHASH_H_INCLUDED_


#include "cigna_slice.h"


/*
 * SipHash-2-4 with a 128-bit result: a hash with a secret key, for tables in
 * which strangers choose the names.  libcrypto has SipHash too, but for a short
 * name its calls take four times as long as the hash itself.
 */

#define CIGNA_SIPHASH_KEY_LEN  16
#define CIGNA_SIPHASH_LEN      16


void cigna_siphash(const uint8_t key[CIGNA_SIPHASH_KEY_LEN], cigna_slice_t s,
    uint8_t out[CIGNA_SIPHASH_LEN]);

/*
 * the first 64 bits of the hash under a key of zeros, for texts that strangers
 * do not choose
 */
uint64_t cigna_siphash_plain(cigna_slice_t s);


#endif /* _CIGNA_SIPHASH_H_INCLUDED_ */
