
#ifndef _CIGNA_SIPHASH_H_INCLUDED_
#define _CIGNA_SIPHASH_H_INCLUDED_


#include "cigna_slice.h"


/*
 * SipHash-2-4 with a 128-bit result: a keyed hash for tables whose keys
 * strangers choose.  libcrypto has it too, but its calls cost four times as
 * much as the hash of a short name.
 */

#define CIGNA_SIPHASH_KEY_LEN  16
#define CIGNA_SIPHASH_LEN      16


void cigna_siphash(const uint8_t key[CIGNA_SIPHASH_KEY_LEN], cigna_slice_t s,
    uint8_t out[CIGNA_SIPHASH_LEN]);


#endif /* _CIGNA_SIPHASH_H_INCLUDED_ */
