
#ifndef _NGX_CIGNA_METADATA_REPLY_H_INCLUDED_
#define _NGX_CIGNA_METADATA_REPLY_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"


/*
 * Serves public metadata from memory: see jobs/ngx_cigna_metadata.h.  The
 * callback "answer" of ngx_cigna_inject_t.  A request for anything that is not
 * kept leaves as any other.
 */
ngx_int_t ngx_cigna_metadata_reply(ngx_http_request_t *r);


#endif /* _NGX_CIGNA_METADATA_REPLY_H_INCLUDED_ */
