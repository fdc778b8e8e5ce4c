
#ifndef _NGX_CIGNA_FETCH_USE_H_INCLUDED_
#define _NGX_CIGNA_FETCH_USE_H_INCLUDED_


#include "request/ngx_cigna_header.h"


/*
 * Returns 1 if a browser is about to run the reply as a part of a page: as a
 * script, a style sheet (CSS or XSLT), a worker or a worklet.  If the reply has
 * the media type of a script, no header line can keep the browser from running
 * it.  See Fetch Metadata (W3C), section 2.1, and Service Workers (W3C),
 * section 6.1.
 */
ngx_uint_t ngx_cigna_fetch_use_runs(ngx_http_request_t *r);


#endif /* _NGX_CIGNA_FETCH_USE_H_INCLUDED_ */
