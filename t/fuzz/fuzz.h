
#ifndef _FUZZ_H_INCLUDED_
#define _FUZZ_H_INCLUDED_


#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cigna_slice.h"


/*
 * Called by libFuzzer for each input.  The memory has the size of the input, so
 * AddressSanitizer notices each read beyond it.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* called by libFuzzer once before all inputs, if a target defines it */
int LLVMFuzzerInitialize(int *argc, char ***argv);


/* assert() that also works if NDEBUG is defined */

#define fuzz_assert(condition)                                                \
    do {                                                                      \
        if (!(condition)) {                                                   \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);   \
            abort();                                                          \
        }                                                                     \
    } while (0)


/* the input as a slice */
cigna_slice_t fuzz_input(const uint8_t *data, size_t size);

/*
 * Cuts a byte off the front, by which the input chooses something.  Returns 0
 * if there is none.
 */
uint8_t fuzz_byte(cigna_slice_t *s);

/* cuts n bytes off the front, or fewer if there are fewer */
cigna_slice_t fuzz_cut(cigna_slice_t *s, size_t n);

/* 1 if inner lies in outer; an empty slice lies anywhere */
int fuzz_within(cigna_slice_t inner, cigna_slice_t outer);

/* copies a and b, one after the other, to memory that the caller frees */
uint8_t *fuzz_join(cigna_slice_t a, cigna_slice_t b);


#endif /* _FUZZ_H_INCLUDED_ */
