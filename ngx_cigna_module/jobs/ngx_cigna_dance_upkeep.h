
#ifndef _NGX_CIGNA_DANCE_UPKEEP_H_INCLUDED_
#define _NGX_CIGNA_DANCE_UPKEEP_H_INCLUDED_


#include "run/ngx_cigna_run.h"


/* starts the timer that closes overdue dances; NGX_ERROR: no memory */
ngx_int_t ngx_cigna_dance_upkeep_init(ngx_cigna_main_conf_t *mcf);


#endif /* _NGX_CIGNA_DANCE_UPKEEP_H_INCLUDED_ */
