
#ifndef _NGX_CIGNA_BUDGET_INIT_H_INCLUDED_
#define _NGX_CIGNA_BUDGET_INIT_H_INCLUDED_


#include "ngx_cigna_budget.h"


/*
 * Makes the budgets of all tenants, in init_process; does nothing if none is
 * configured.  NGX_ERROR: no memory, or no random bytes.
 */
ngx_int_t ngx_cigna_budget_init(ngx_cigna_main_conf_t *mcf);

/* destroys them, in exit_process, before Redis is closed */
void ngx_cigna_budget_exit(ngx_cigna_main_conf_t *mcf);


#endif /* _NGX_CIGNA_BUDGET_INIT_H_INCLUDED_ */
