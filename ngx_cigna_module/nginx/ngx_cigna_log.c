
#include "ngx_cigna_log.h"


#define NGX_CIGNA_LOG_MINUTE  60000        /* ms */


static u_char *ngx_cigna_log_handler(ngx_log_t *log, u_char *buf, size_t len);


void
ngx_cigna_log_init(ngx_cigna_log_t *l, const char *what)
{
    ngx_memzero(l, sizeof(ngx_cigna_log_t));

    l->log = *ngx_cycle->log;
    l->log.connection = 0;
    l->log.handler = ngx_cigna_log_handler;
    l->log.data = l;
    l->log.action = NULL;

    l->what = what;
}


static u_char *
ngx_cigna_log_handler(ngx_log_t *log, u_char *buf, size_t len)
{
    u_char           *p, *last;
    ngx_cigna_log_t  *l = log->data;

    p = buf;
    last = buf + len;

    if (log->action) {
        p = ngx_slprintf(p, last, " while %s", log->action);
    }

    p = ngx_slprintf(p, last, ", cigna: %s", l->what);

    if (l->id.len) {
        p = ngx_slprintf(p, last, ", id: %V", &l->id);
    }

    if (l->tenant.len) {
        p = ngx_slprintf(p, last, ", tenant: %V", &l->tenant);
    }

    if (l->request.len) {
        p = ngx_slprintf(p, last, ", request: %V", &l->request);
    }

    return p;
}


ngx_uint_t
ngx_cigna_log_due(ngx_msec_t *last)
{
    if (*last && ngx_current_msec - *last < NGX_CIGNA_LOG_MINUTE) {
        return 0;
    }

    *last = ngx_max(ngx_current_msec, 1);

    return 1;
}
