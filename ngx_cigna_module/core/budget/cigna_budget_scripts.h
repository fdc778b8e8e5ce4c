
#ifndef _CIGNA_BUDGET_SCRIPTS_H_INCLUDED_
#define _CIGNA_BUDGET_SCRIPTS_H_INCLUDED_


/*
 * The texts of the budgets' scripts, which are described in front of them; to
 * be run as cigna_script_budget_lease and cigna_script_budget_pause of
 * cigna_scripts.h.  Both count in microseconds and ns below 2^53, so that the
 * numbers of Lua are exact.
 */

extern char  cigna_lua_budget_lease[];
extern char  cigna_lua_budget_pause[];


/* puts them together; may be called again */
void cigna_budget_scripts_init(void);


#endif /* _CIGNA_BUDGET_SCRIPTS_H_INCLUDED_ */
