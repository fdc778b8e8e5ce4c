
#ifndef _NGX_CIGNA_JOURNAL_WRITER_H_INCLUDED_
#define _NGX_CIGNA_JOURNAL_WRITER_H_INCLUDED_


#include "gateway/ngx_cigna_conf.h"


/*
 * Sees to it that Redis gets what is in the node's journal: what dead workers
 * and runs that gave up have left, and all of it again after a connection was
 * made anew.
 */

/* in init_process, with Redis made; NGX_ERROR: no memory */
ngx_int_t ngx_cigna_journal_writer_init(ngx_cigna_main_conf_t *mcf);

/* in exit_process, after the runs have ended: says what is left to others */
void ngx_cigna_journal_writer_exit(ngx_cigna_main_conf_t *mcf);


#endif /* _NGX_CIGNA_JOURNAL_WRITER_H_INCLUDED_ */
