
#ifndef _NGX_CIGNA_PROCESS_H_INCLUDED_
#define _NGX_CIGNA_PROCESS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Members of ngx_module_t.  A worker gets its ngx_cigna_worker_t where the
 * configuration has a vault; other processes only use the zone.
 */

ngx_int_t ngx_cigna_process_init(ngx_cycle_t *cycle);

/* ends all runs and closes Redis */
void ngx_cigna_process_exit(ngx_cycle_t *cycle);


#endif /* _NGX_CIGNA_PROCESS_H_INCLUDED_ */
