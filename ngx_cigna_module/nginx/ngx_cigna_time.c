
#include "ngx_cigna_time.h"


int64_t
ngx_cigna_now_ms(void)
{
    ngx_time_t  *tp;

    tp = ngx_timeofday();

    return (int64_t) tp->sec * 1000 + tp->msec;
}
