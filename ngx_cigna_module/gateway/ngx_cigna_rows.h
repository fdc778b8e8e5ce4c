
#ifndef _NGX_CIGNA_ROWS_H_INCLUDED_
#define _NGX_CIGNA_ROWS_H_INCLUDED_


#include "ngx_cigna_conf.h"


/*
 * The tenants' rows in the zone.  A row belongs to a name: reloads keep what is
 * counted there.  The row of a name that is gone is given to another name when
 * no free one is left, and when no process with a configuration that had the
 * name is left.
 */

/* in postconfiguration: is the zone large enough for them all? */
ngx_int_t ngx_cigna_rows_check(ngx_conf_t *cf, ngx_cigna_main_conf_t *mcf);

/*
 * With the zone there, in the master process: each tenant has its row then.
 * NGX_ERROR after logging what to do: there is none for some of them, and the
 * former configuration goes on.
 */
ngx_int_t ngx_cigna_rows_claim(ngx_cigna_main_conf_t *mcf);

/* in init_process: this process has the configuration's rows in use */
void ngx_cigna_rows_use(ngx_cigna_main_conf_t *mcf);


#endif /* _NGX_CIGNA_ROWS_H_INCLUDED_ */
