
#ifndef _NGX_CIGNA_PROCESS_H_INCLUDED_
#define _NGX_CIGNA_PROCESS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Callbacks of ngx_module_t.  If the configuration has a cigna_vault, each
 * worker gets an ngx_cigna_worker_t.  Other processes only use the zone.
 */

ngx_int_t ngx_cigna_process_init(ngx_cycle_t *cycle);

/* ends all runs of flows, and closes the connections to Redis */
void ngx_cigna_process_exit(ngx_cycle_t *cycle);


#endif /* _NGX_CIGNA_PROCESS_H_INCLUDED_ */
