
#ifndef _NGX_CIGNA_BUDGET_INIT_H_INCLUDED_
#define _NGX_CIGNA_BUDGET_INIT_H_INCLUDED_


#include "ngx_cigna_budget.h"


/*
 * Makes the budgets of all tenants, in init_process.  Does nothing if no budget
 * is configured.  NGX_ERROR: no memory, or OpenSSL has failed.
 */
ngx_int_t ngx_cigna_budget_init(ngx_cigna_main_conf_t *mcf);

/* destroys the budgets, in exit_process, before the Redis client */
void ngx_cigna_budget_exit(ngx_cigna_main_conf_t *mcf);


#endif /* _NGX_CIGNA_BUDGET_INIT_H_INCLUDED_ */
