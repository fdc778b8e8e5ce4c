
#ifndef _CIGNA_SCRIPTS_H_INCLUDED_
#define _CIGNA_SCRIPTS_H_INCLUDED_


#include "cigna_flow.h"


/*
 * The vault's scripts.  Each touches keys of one hash tag only, takes its time
 * from Redis (TIME) and is described in front of its text: keys, arguments,
 * reply.
 */

typedef enum {
    cigna_script_dance_open = 0,           /* stores a dance */
    cigna_script_dance_list,               /* bounds a member's open dances */
    cigna_script_dance_take,               /* takes it, if the secret fits */
    cigna_script_dance_end,                /* remembers the outcome */
    cigna_script_grant_put,                /* a new grant replaces any other */
    cigna_script_grant_begin,              /* lock, mark and read at once */
    cigna_script_grant_swap,               /* compare and set, unlock */
    cigna_script_grant_release,            /* unlock by the owner only */
    cigna_script_grant_delete,             /* read and delete */
    cigna_script_max
} cigna_script_e;


/* computes the SHA-1 digests; once, before any other call */
int cigna_scripts_init(void);

const cigna_script_t *cigna_script(cigna_script_e script);

/* 1 if the text is one of ours: for tests of the least-privilege ACL */
const cigna_script_t *cigna_script_find(cigna_slice_t sha1);


#endif /* _CIGNA_SCRIPTS_H_INCLUDED_ */
