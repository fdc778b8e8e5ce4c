
#include "ngx_cigna_pid.h"


int
ngx_cigna_pid_alive(int32_t pid)
{
    return kill(pid, 0) == 0 || ngx_errno != NGX_ESRCH;
}
