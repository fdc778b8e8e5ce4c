
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
 * Copies bytes to memory whose end (or start) borders on an unreadable page, so
 * that reading the byte after the last one (or before the first one) ends the
 * program.  The caller does not free the copy: support_release() does.
 */
uint8_t *place_at_page_end(const void *bytes, size_t len);
uint8_t *place_at_page_start(const void *bytes, size_t len);

/*
 * guarded() copies a text, without its terminating zero, as place_at_page_end()
 * does, and guarded_start() as place_at_page_start() does
 */
cigna_slice_t guarded(const char *text);
cigna_slice_t guarded_start(const char *text);

/* frees all copies */
void support_release(void);


/* fails the test unless the slice is equal to this text */
#define assert_slice(slice, text)                                             \
    support_assert_slice(slice, text, __FILE__, __LINE__)

void support_assert_slice(cigna_slice_t s, const char *text, const char *file,
    int line);


/*
 * Failing allocations of jansson and OpenSSL.  Call support_alloc_init() first
 * in main(), because OpenSSL accepts other allocation functions only before its
 * first allocation.  Then, to fail the 1st, 2nd, 3rd ... allocation in turn:
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

/* lets the nth allocation from now on fail, and no other */
void support_alloc_fail(unsigned n);

/*
 * 1 if the allocation that support_alloc_fail() chose has failed; from now on
 * no allocation fails
 */
int support_alloc_failed(void);


#endif /* _SUPPORT_H_INCLUDED_ */
