
#ifndef _CIGNA_BUDGET_SCRIPTS_H_INCLUDED_
#define _CIGNA_BUDGET_SCRIPTS_H_INCLUDED_


#include "redis/cigna_script.h"


/*
 * The budgets' scripts; cigna_budget_scripts.c describes them.  Their times, in
 * us and ns, are below 2^53, so Lua's numbers hold them exactly.  The scripts
 * call TIME, HMGET, HSET and PEXPIRE.
 */

typedef enum {
    cigna_budget_script_lease = 0,
    cigna_budget_script_pause,
    cigna_budget_script_max
} cigna_budget_script_e;


/*
 * Makes the texts and digests of the scripts.  Must be called before
 * cigna_budget_script(), and may be called twice.
 */
int cigna_budget_scripts_init(void);

const cigna_script_t *cigna_budget_script(cigna_budget_script_e script);


#endif /* _CIGNA_BUDGET_SCRIPTS_H_INCLUDED_ */
