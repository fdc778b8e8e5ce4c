
#ifndef _CIGNA_BUDGET_SCRIPTS_H_INCLUDED_
#define _CIGNA_BUDGET_SCRIPTS_H_INCLUDED_


/*
 * The texts of the budgets' scripts; cigna_budget_scripts.c describes them.
 * They are called as cigna_script_budget_lease and cigna_script_budget_pause of
 * cigna_scripts.h.  Both count us and ns below 2^53, which Lua's numbers hold
 * exactly.
 */

extern char  cigna_lua_budget_lease[];
extern char  cigna_lua_budget_pause[];


/* puts the texts together; may be called twice */
void cigna_budget_scripts_init(void);


#endif /* _CIGNA_BUDGET_SCRIPTS_H_INCLUDED_ */
