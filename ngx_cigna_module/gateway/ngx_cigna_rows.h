
#ifndef _NGX_CIGNA_ROWS_H_INCLUDED_
#define _NGX_CIGNA_ROWS_H_INCLUDED_


#include "ngx_cigna_conf.h"


/*
 * The tenants' rows in the zone.  A row belongs to a tenant's name, so a reload
 * keeps its counters.  A removed tenant's row is reused for another name when
 * no row is free, but not before all processes that know the tenant have ended.
 */

/*
 * Called in postconfiguration.  Returns NGX_ERROR after logging that the zone
 * is too small for all tenants.
 */
ngx_int_t ngx_cigna_rows_check(ngx_conf_t *cf, ngx_cigna_main_conf_t *mcf);

/*
 * Called in the master process after the shared memory zone was initialised.
 * Gives each tenant its row of the zone.  NGX_ERROR: no memory, or too few
 * rows; the function logs how to get more rows, and nginx keeps the
 * configuration that it has.
 */
ngx_int_t ngx_cigna_rows_claim(ngx_cigna_main_conf_t *mcf);

/* called in init_process: notes that this process uses the rows of mcf */
void ngx_cigna_rows_use(ngx_cigna_main_conf_t *mcf);


#endif /* _NGX_CIGNA_ROWS_H_INCLUDED_ */
