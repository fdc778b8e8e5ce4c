
#ifndef _NGX_CIGNA_ROWS_H_INCLUDED_
#define _NGX_CIGNA_ROWS_H_INCLUDED_


#include "ngx_cigna_conf.h"


/*
 * The tenants' rows in the zone.  A row belongs to a tenant's name, so a reload
 * keeps its counters.  The row of a removed tenant goes to another name once no
 * row is free, and once no process has a configuration with the removed tenant.
 */

/* in postconfiguration: NGX_ERROR after logging that the zone is too small */
ngx_int_t ngx_cigna_rows_check(ngx_conf_t *cf, ngx_cigna_main_conf_t *mcf);

/*
 * In the master process, after the zone was initialised: gives each tenant its
 * row.  NGX_ERROR after logging what to do: there are too few rows, and nginx
 * keeps the former configuration.
 */
ngx_int_t ngx_cigna_rows_claim(ngx_cigna_main_conf_t *mcf);

/* in init_process: notes that this process uses the configuration's rows */
void ngx_cigna_rows_use(ngx_cigna_main_conf_t *mcf);


#endif /* _NGX_CIGNA_ROWS_H_INCLUDED_ */
