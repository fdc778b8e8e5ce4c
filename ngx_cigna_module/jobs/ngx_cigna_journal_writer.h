
#ifndef _NGX_CIGNA_JOURNAL_WRITER_H_INCLUDED_
#define _NGX_CIGNA_JOURNAL_WRITER_H_INCLUDED_


#include "gateway/ngx_cigna_conf.h"


/*
 * Writes the entries of the node's journal to Redis: entries that a dead worker
 * or a failed run has left, and all entries again after each new connection.
 */

/* in init_process, after the Redis client was made; NGX_ERROR: no memory */
ngx_int_t ngx_cigna_journal_writer_init(ngx_cigna_main_conf_t *mcf);

/* in exit_process, after the runs have ended: logs how many entries are left */
void ngx_cigna_journal_writer_exit(ngx_cigna_main_conf_t *mcf);


#endif /* _NGX_CIGNA_JOURNAL_WRITER_H_INCLUDED_ */
