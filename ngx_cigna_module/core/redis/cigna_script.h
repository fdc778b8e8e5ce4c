
#ifndef _CIGNA_SCRIPT_H_INCLUDED_
#define _CIGNA_SCRIPT_H_INCLUDED_


#include "base/cigna_slice.h"


/*
 * A Lua script.  The gateway calls it with EVALSHA, and after NOSCRIPT with
 * EVAL.
 */

typedef struct {
    const char            *name;
    const char            *text;
    char                   sha1[41];       /* set by cigna_script_init() */
    unsigned               nkeys;          /* number of keys, which come first
                                              in argv */
} cigna_script_t;


/* computes the digest of the text; CIGNA_ERROR: OpenSSL has failed */
int cigna_script_init(cigna_script_t *script);


#endif /* _CIGNA_SCRIPT_H_INCLUDED_ */
