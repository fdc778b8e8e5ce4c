
#ifndef _NGX_CIGNA_PAGE_H_INCLUDED_
#define _NGX_CIGNA_PAGE_H_INCLUDED_


#include "ngx_cigna_reply.h"


/*
 * The pages that this module shows to a member.  They are short, have no
 * scripts, and load nothing from elsewhere.
 */

typedef struct {
    ngx_uint_t       status;
    cigna_slice_t    title;
    cigna_slice_t    text;
    cigna_slice_t    connect;              /* URL to connect at, or empty */
    cigna_slice_t    again;                /* URL to try again, or empty */
    cigna_slice_t    back;                 /* URL of the app, or empty */
    cigna_slice_t    reference;            /* dance id, or empty */
    cigna_slice_t    reload;               /* URL to load next, or empty */
    ngx_uint_t       reload_s;             /* seconds until the page loads
                                              "reload" */
} ngx_cigna_page_t;


/* prepares the Content-Security-Policy of the pages, in postconfiguration */
ngx_int_t ngx_cigna_page_init(ngx_conf_t *cf, ngx_cigna_main_conf_t *mcf);

#define NGX_CIGNA_PAGE_TYPE  "text/html; charset=utf-8"

/* sends a page, escapes all strings; returns a content handler's result */
ngx_int_t ngx_cigna_page_send(ngx_http_request_t *r,
    const ngx_cigna_page_t *page);

/* makes a page's body, and adds its header lines to the reply; sends nothing */
ngx_int_t ngx_cigna_page_make(ngx_http_request_t *r,
    const ngx_cigna_page_t *page, ngx_str_t *body);

/*
 * Logs a condition, as ngx_cigna_reply_log() does, and sends its page.  allow:
 * value of an Allow line, or NULL.
 */
ngx_int_t ngx_cigna_page_condition(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_cigna_condition_e e, const char *what,
    const char *allow);


#endif /* _NGX_CIGNA_PAGE_H_INCLUDED_ */
