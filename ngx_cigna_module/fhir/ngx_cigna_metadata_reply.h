
#ifndef _NGX_CIGNA_METADATA_REPLY_H_INCLUDED_
#define _NGX_CIGNA_METADATA_REPLY_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"


/*
 * Serves public metadata from memory, see jobs/ngx_cigna_metadata.h.  The
 * caller holds two references to the request, and has not started the upstream
 * request.
 *
 *   NGX_DECLINED  memory has no document for this request: the caller starts
 *                 the upstream request
 *   NGX_DONE      the request was answered, and both references were released
 *   NGX_AGAIN     the request waits: "resume" is called later, still with both
 *                 references, and must call this function again
 */
ngx_int_t ngx_cigna_metadata_reply(ngx_http_request_t *r,
    ngx_http_event_handler_pt resume);


#endif /* _NGX_CIGNA_METADATA_REPLY_H_INCLUDED_ */
