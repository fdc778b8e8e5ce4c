
#ifndef _NGX_CIGNA_METADATA_REPLY_H_INCLUDED_
#define _NGX_CIGNA_METADATA_REPLY_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"


/*
 * Serves public metadata from memory, see jobs/ngx_cigna_metadata.h.  To be
 * called before the upstream request is started, with two references of the
 * request held.  NGX_DECLINED: the document is not kept, and the request is to
 * leave.  Otherwise both references were taken; after NGX_AGAIN "resume" is
 * called with them later, to call this function again.
 */
ngx_int_t ngx_cigna_metadata_reply(ngx_http_request_t *r,
    ngx_http_event_handler_pt resume);


#endif /* _NGX_CIGNA_METADATA_REPLY_H_INCLUDED_ */
