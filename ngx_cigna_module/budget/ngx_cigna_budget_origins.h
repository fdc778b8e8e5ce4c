
#ifndef _NGX_CIGNA_BUDGET_ORIGINS_H_INCLUDED_
#define _NGX_CIGNA_BUDGET_ORIGINS_H_INCLUDED_


#include "ngx_cigna_budget.h"


/* Reports this node's pauses for each FHIR server, for monitoring. */

/* the most bytes that ngx_cigna_budget_origins_append() writes */
size_t ngx_cigna_budget_origins_size(void);

/*
 * Writes for each FHIR server, in the text format of Prometheus, the number of
 * pauses that began on this node, and the seconds that are left of the pause of
 * all tenants.
 */
void ngx_cigna_budget_origins_append(cigna_buf_t *b,
    ngx_cigna_main_conf_t *mcf);


#endif /* _NGX_CIGNA_BUDGET_ORIGINS_H_INCLUDED_ */
