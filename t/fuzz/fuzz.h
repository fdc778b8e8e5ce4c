
#ifndef _FUZZ_H_INCLUDED_
#define _FUZZ_H_INCLUDED_


#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cigna_slice.h"


/* libFuzzer's: data is in memory of just that size, watched by ASan */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* called first, where a target has one */
int LLVMFuzzerInitialize(int *argc, char ***argv);


/* what must hold, also where NDEBUG is defined */

#define fuzz_assert(condition)                                                \
    do {                                                                      \
        if (!(condition)) {                                                   \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);   \
            abort();                                                          \
        }                                                                     \
    } while (0)


cigna_slice_t fuzz_input(const uint8_t *data, size_t size);

/* cuts a byte off the front, by which the input steers; 0 if there is none */
uint8_t fuzz_byte(cigna_slice_t *s);

/* cuts n bytes off the front, or fewer if there are fewer */
cigna_slice_t fuzz_cut(cigna_slice_t *s, size_t n);

/* 1 if inner lies in outer; an empty slice lies anywhere */
int fuzz_within(cigna_slice_t inner, cigna_slice_t outer);

/* a copy of both in a row, in memory of just that size; the caller frees it */
uint8_t *fuzz_join(cigna_slice_t a, cigna_slice_t b);


#endif /* _FUZZ_H_INCLUDED_ */
