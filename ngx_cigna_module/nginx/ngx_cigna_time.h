
#ifndef _NGX_CIGNA_TIME_H_INCLUDED_
#define _NGX_CIGNA_TIME_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* milliseconds since the epoch, from nginx's cached time */
int64_t ngx_cigna_now_ms(void);


#endif /* _NGX_CIGNA_TIME_H_INCLUDED_ */
