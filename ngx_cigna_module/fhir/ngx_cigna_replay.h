
#ifndef _NGX_CIGNA_REPLAY_H_INCLUDED_
#define _NGX_CIGNA_REPLAY_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"


/*
 * Ends the upstream request whose reply's header was just read, as if it had
 * never been, and keeps the request itself: "resume" is called from an empty
 * stack and holds one reference of the request.  No body ever leaves, so that
 * every request can be made again.
 *
 * Always returns NGX_ERROR, which process_header() is to return: nginx then
 * finds its upstream finalized.
 */
ngx_int_t ngx_cigna_replay(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_http_event_handler_pt resume);


#endif /* _NGX_CIGNA_REPLAY_H_INCLUDED_ */
