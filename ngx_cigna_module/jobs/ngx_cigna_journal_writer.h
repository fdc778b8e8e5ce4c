
#ifndef _NGX_CIGNA_JOURNAL_WRITER_H_INCLUDED_
#define _NGX_CIGNA_JOURNAL_WRITER_H_INCLUDED_


#include "gateway/ngx_cigna_conf.h"


/*
 * Writes the entries of the node's journal to Redis.  A worker that died or a
 * run that failed (see run/ngx_cigna_run.h) may have left entries that Redis
 * does not have.  After a new connection to Redis all entries are written
 * again, because the server may lack writes that Redis has confirmed.
 */

/* in init_process, after the Redis client was made; NGX_ERROR: no memory */
ngx_int_t ngx_cigna_journal_writer_init(ngx_cigna_main_conf_t *mcf);

/*
 * in exit_process, when all flows have ended: stops the writer, and logs how
 * many entries Redis has not confirmed, if there are any
 */
void ngx_cigna_journal_writer_exit(ngx_cigna_main_conf_t *mcf);


#endif /* _NGX_CIGNA_JOURNAL_WRITER_H_INCLUDED_ */
