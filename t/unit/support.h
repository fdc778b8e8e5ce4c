
#ifndef _SUPPORT_H_INCLUDED_
#define _SUPPORT_H_INCLUDED_


#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cigna_slice.h"


/*
 * Copies bytes to where the one after the last (or the one before the first)
 * lies on an unreadable page, so that reading it ends the program.  Freed by
 * support_release(), at the latest when the program ends.
 */
uint8_t *place_at_page_end(const void *bytes, size_t len);
uint8_t *place_at_page_start(const void *bytes, size_t len);

/* the same as slices; text is zero-terminated, its zero is not copied */
cigna_slice_t guarded(const char *text);
cigna_slice_t guarded_start(const char *text);

/* unmaps everything placed so far */
void support_release(void);


/* fails the test unless the slice holds just this text */
#define assert_slice(slice, text)                                             \
    support_assert_slice(slice, text, __FILE__, __LINE__)

void support_assert_slice(cigna_slice_t s, const char *text, const char *file,
    int line);


/*
 * Allocation failure in jansson and OpenSSL.  support_alloc_init() comes
 * first in main(): OpenSSL takes other functions only before it allocates.
 * Then, to fail the 1st, 2nd, 3rd ... allocation in turn:
 *
 *     for (n = 1; ; n++) {
 *         support_alloc_fail(n);
 *         rc = tested();
 *
 *         if (!support_alloc_failed()) {
 *             break;
 *         }
 *
 *         assert_int_equal(rc, CIGNA_ERROR);
 *     }
 */
void support_alloc_init(void);

/* the nth allocation from now on fails, once */
void support_alloc_fail(unsigned n);

/* 1 if it has failed; switches failing off */
int support_alloc_failed(void);


#endif /* _SUPPORT_H_INCLUDED_ */
