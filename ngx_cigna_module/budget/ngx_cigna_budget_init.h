
#ifndef _NGX_CIGNA_BUDGET_INIT_H_INCLUDED_
#define _NGX_CIGNA_BUDGET_INIT_H_INCLUDED_


#include "ngx_cigna_budget.h"


/* in init_process; does nothing where there are no budgets */
ngx_int_t ngx_cigna_budget_init(ngx_cigna_main_conf_t *mcf);

/* what an origin is called in the zone; never 0 */
uint64_t ngx_cigna_budget_origin(cigna_slice_t origin);

/* in exit_process, before Redis is closed */
void ngx_cigna_budget_exit(ngx_cigna_main_conf_t *mcf);


#endif /* _NGX_CIGNA_BUDGET_INIT_H_INCLUDED_ */
