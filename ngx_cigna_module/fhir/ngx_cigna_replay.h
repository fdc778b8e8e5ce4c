
#ifndef _NGX_CIGNA_REPLAY_H_INCLUDED_
#define _NGX_CIGNA_REPLAY_H_INCLUDED_


#include "ngx_cigna_inject.h"


/*
 * The FHIR server has answered 401: another token is looked for, and the
 * request made again with it, once.  For ctx->inject->refused.
 */
ngx_int_t ngx_cigna_replay(ngx_http_request_t *r);


#endif /* _NGX_CIGNA_REPLAY_H_INCLUDED_ */
