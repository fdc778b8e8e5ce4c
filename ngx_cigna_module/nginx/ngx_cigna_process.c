
#include "ngx_cigna_process.h"


int
ngx_cigna_process_alive(int32_t pid)
{
    return kill(pid, 0) == 0 || ngx_errno != NGX_ESRCH;
}
