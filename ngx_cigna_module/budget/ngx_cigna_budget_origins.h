
#ifndef _NGX_CIGNA_BUDGET_ORIGINS_H_INCLUDED_
#define _NGX_CIGNA_BUDGET_ORIGINS_H_INCLUDED_


#include "ngx_cigna_budget_lease.h"


/* for the operator's monitoring: pauses by origin, of this node */

/* bytes that append() needs at most */
size_t ngx_cigna_budget_origins_size(void);
void ngx_cigna_budget_origins_append(cigna_buf_t *b,
    ngx_cigna_main_conf_t *mcf);


#endif /* _NGX_CIGNA_BUDGET_ORIGINS_H_INCLUDED_ */
