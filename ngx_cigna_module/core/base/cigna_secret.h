
#ifndef _CIGNA_SECRET_H_INCLUDED_
#define _CIGNA_SECRET_H_INCLUDED_


#include "cigna_slice.h"


/* overwrites memory; the compiler cannot optimise this away */
void cigna_secret_wipe(void *mem, size_t len);

/* 1 if equal; the time depends on the lengths only, not on the bytes */
int cigna_secret_eq(cigna_slice_t a, cigna_slice_t b);


#define CIGNA_SHA256_LEN  32

/* SHA-256 of s; CIGNA_ERROR if libcrypto fails */
int cigna_secret_sha256(cigna_slice_t s, uint8_t out[CIGNA_SHA256_LEN]);


#endif /* _CIGNA_SECRET_H_INCLUDED_ */
