
#include "ngx_cigna_redis_cmd.h"


void
ngx_cigna_redis_cancel(ngx_cigna_redis_cmd_t *cmd)
{
    if (cmd->back) {
        *cmd->back = NULL;
        cmd->back = NULL;
    }
}


void
ngx_cigna_redis_done(ngx_cigna_redis_cmd_t *cmd)
{
    ngx_cigna_redis_cancel(cmd);

    cigna_reply_destroy(cmd->reply);
    cmd->reply = NULL;
}
