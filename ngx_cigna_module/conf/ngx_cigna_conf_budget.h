
#ifndef _NGX_CIGNA_CONF_BUDGET_H_INCLUDED_
#define _NGX_CIGNA_CONF_BUDGET_H_INCLUDED_


#include "gateway/ngx_cigna_conf.h"


/* "cigna_budget"; "budget", "member_budget", "member_dances" of cigna_tenant */

#define NGX_CIGNA_BUDGET_USAGE                                                \
    "\"budget rate=10r/s burst=20 minimum=2r/s metadata=1r/s delay=500ms "    \
    "dry_run;\", any of these"

#define NGX_CIGNA_MEMBER_BUDGET_USAGE                                         \
    "\"member_budget rate=60r/m burst=20 dry_run;\", the rate at least"

#define NGX_CIGNA_MEMBER_DANCES_USAGE                                         \
    "\"member_dances rate=10r/s burst=50;\", the rate at least"

/* setter of "cigna_budget" */
char *ngx_cigna_conf_budget(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* setters in the block: cmd->offset is that of a ngx_cigna_budget_conf_t */
char *ngx_cigna_conf_tenant_budget(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_cigna_conf_member_budget(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_cigna_conf_member_dances(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/*
 * In postconfiguration: makes each tenant's plan of all budgets.  NGX_ERROR
 * after logging that they contradict each other.
 */
ngx_int_t ngx_cigna_conf_budgets_init(ngx_conf_t *cf,
    ngx_cigna_main_conf_t *mcf);


#endif /* _NGX_CIGNA_CONF_BUDGET_H_INCLUDED_ */
