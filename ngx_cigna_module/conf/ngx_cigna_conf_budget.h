
#ifndef _NGX_CIGNA_CONF_BUDGET_H_INCLUDED_
#define _NGX_CIGNA_CONF_BUDGET_H_INCLUDED_


#include "gateway/ngx_cigna_conf.h"


/*
 * The directive "cigna_budget", and the directives "budget", "member_budget"
 * and "member_dances" of the block cigna_tenant.
 */

#define NGX_CIGNA_BUDGET_USAGE                                                \
    "\"budget rate=10r/s burst=20 minimum=2r/s metadata=1r/s delay=500ms "    \
    "dry_run;\", any of these"

#define NGX_CIGNA_MEMBER_BUDGET_USAGE                                         \
    "\"member_budget rate=60r/m burst=20 dry_run;\", the rate at least"

#define NGX_CIGNA_MEMBER_DANCES_USAGE                                         \
    "\"member_dances rate=10r/s burst=50;\", the rate at least"

/* setter of "cigna_budget" */
char *ngx_cigna_conf_budget(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* setters in the block; at cmd->offset, conf has a ngx_cigna_budget_conf_t */
char *ngx_cigna_conf_tenant_budget(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_cigna_conf_member_budget(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_cigna_conf_member_dances(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/*
 * In postconfiguration: sets each tenant's plan from all budgets.  Returns
 * NGX_ERROR if there is no memory, or after logging that the budgets contradict
 * each other or that "cigna_budget" is missing.
 */
ngx_int_t ngx_cigna_conf_budgets_init(ngx_conf_t *cf,
    ngx_cigna_main_conf_t *mcf);


#endif /* _NGX_CIGNA_CONF_BUDGET_H_INCLUDED_ */
