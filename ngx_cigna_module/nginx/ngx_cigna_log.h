
#ifndef _NGX_CIGNA_LOG_H_INCLUDED_
#define _NGX_CIGNA_LOG_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * The log of a job that belongs to no request: a copy of the cycle's log whose
 * handler appends to every line
 *
 *     cigna: <what>, id: <id>, tenant: <tenant>, request: <request>
 *
 * The handler leaves out those of id, tenant and request that are empty.  The
 * struct must outlive all events and connections that use it.
 */

typedef struct {
    ngx_log_t    log;
    const char  *what;                     /* the kind of job, such as
                                              "refresh" */
    ngx_str_t    id;                       /* dance id or member's hash */
    ngx_str_t    tenant;
    ngx_str_t    request;                  /* $cigna_request_id of the request
                                              that began the job */
} ngx_cigna_log_t;


/* borrows "what", and all strings that the caller sets afterwards */
void ngx_cigna_log_init(ngx_cigna_log_t *l, const char *what);

/*
 * For a log line that may be logged once a minute at most.  Returns 1 if the
 * line is due.  Each such line has its own *last, which is 0 at first.
 */
ngx_uint_t ngx_cigna_log_due(ngx_msec_t *last);


#endif /* _NGX_CIGNA_LOG_H_INCLUDED_ */
