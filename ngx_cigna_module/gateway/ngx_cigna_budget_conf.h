
#ifndef _NGX_CIGNA_BUDGET_CONF_H_INCLUDED_
#define _NGX_CIGNA_BUDGET_CONF_H_INCLUDED_


#include "nginx/ngx_cigna_block.h"

#include "budget/cigna_rate.h"


/* the parameters of one directive about budgets */

typedef struct {
    ngx_cigna_place_t         *place;      /* NULL: the directive is absent */
    ngx_uint_t                 given;      /* bits of the parameters that the
                                              directive has */
    cigna_rate_t               rate;
    cigna_rate_t               minimum;
    cigna_rate_t               metadata;
    ngx_uint_t                 burst;
    ngx_msec_t                 delay;
    ngx_msec_t                 lease;
    ngx_uint_t                 outage;     /* cigna_budget_outage_e */
    ngx_uint_t                 dry_run;
} ngx_cigna_budget_conf_t;


#endif /* _NGX_CIGNA_BUDGET_CONF_H_INCLUDED_ */
