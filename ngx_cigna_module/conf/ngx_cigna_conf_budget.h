
#ifndef _NGX_CIGNA_CONF_BUDGET_H_INCLUDED_
#define _NGX_CIGNA_CONF_BUDGET_H_INCLUDED_


#include "gateway/ngx_cigna_conf.h"


/*
 * The directive "cigna_budget" (ngx_cigna_conf_budget()), and the directives
 * "budget", "member_budget" and "member_dances" of the block cigna_tenant
 * (ngx_cigna_conf_budget_set()).
 */

#define NGX_CIGNA_BUDGET_USAGE                                                \
    "\"budget rate=10r/s burst=20 minimum=2r/s metadata=1r/s delay=500ms "    \
    "dry_run;\", any of these"

#define NGX_CIGNA_MEMBER_BUDGET_USAGE                                         \
    "\"member_budget rate=60r/m burst=20 dry_run;\", the rate at least"

#define NGX_CIGNA_MEMBER_DANCES_USAGE                                         \
    "\"member_dances rate=10r/s burst=50;\", the rate at least"

/*
 * Setters of the directives named above.  The ngx_cigna_budget_conf_t that they
 * fill is at cmd->offset in conf.  cmd->post points to the parameters that the
 * directive may have, such as ngx_cigna_budget_of_tenant.
 */
char *ngx_cigna_conf_budget(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_cigna_conf_budget_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* the parameters that a directive may have, as bits; for cmd->post */
extern ngx_uint_t  ngx_cigna_budget_of_gateway;
extern ngx_uint_t  ngx_cigna_budget_of_tenant;
extern ngx_uint_t  ngx_cigna_budget_of_member;
extern ngx_uint_t  ngx_cigna_budget_of_dances;

/*
 * In postconfiguration: sets each tenant's plan from all budgets, if there is a
 * "cigna_budget".  NGX_ERROR: no memory, or after logging that the budgets
 * contradict each other, or that a tenant has a budget without "cigna_budget".
 */
ngx_int_t ngx_cigna_conf_budgets_init(ngx_conf_t *cf,
    ngx_cigna_main_conf_t *mcf);


#endif /* _NGX_CIGNA_CONF_BUDGET_H_INCLUDED_ */
