
#include "ngx_cigna_redis_handshake.h"
#include "nginx/ngx_cigna_slice.h"


ngx_uint_t
ngx_cigna_redis_handshake_start(ngx_cigna_redis_handshake_t *h,
    unsigned check_only, cigna_slice_t *argv)
{
    cigna_redis_handshake_t  *core;

    core = &h->core;

    ngx_memzero(core, sizeof(cigna_redis_handshake_t));

    core->username = ngx_cigna_slice(&h->login->username);
    core->password = ngx_cigna_slice(&h->login->password);
    core->db = h->db;
    core->check = h->check;
    core->vault = h->conf->vault;
    core->slot = h->slot ? *h->slot : CIGNA_MARKER_NO_SLOT;
    core->again = check_only;

    if (core->check == cigna_redis_handshake_check_vault
        && core->slot == CIGNA_MARKER_NO_SLOT
        && h->conf->mode == ngx_cigna_redis_mode_cluster)
    {
        /* a server without slots has no marker, but may soon get a slot */

        core->check = cigna_redis_handshake_check_policy;
    }

    return ngx_cigna_redis_handshake_next(h, cigna_ev_start, NULL, argv);
}


ngx_uint_t
ngx_cigna_redis_handshake_next(ngx_cigna_redis_handshake_t *h, cigna_ev_e type,
    const cigna_reply_t *reply, cigna_slice_t *argv)
{
    cigna_op_t     op;
    ngx_uint_t     n;
    cigna_event_t  ev;

    ngx_memzero(&ev, sizeof(cigna_event_t));

    ev.type = type;
    ev.now_ms = (int64_t) ngx_time() * 1000;
    ev.reply = reply;

    cigna_redis_handshake_next(&h->core, &ev, &op);

    n = 0;

    if (op.type == cigna_op_done) {
        return 0;
    }

    if (op.type == cigna_op_script) {

        /* EVAL, not EVALSHA: the server may not know the script */

        argv[n++] = cigna_slice("EVAL");
        argv[n++] = cigna_slice_str(op.redis.script->text);
        argv[n++] = cigna_slice("1");
    }

    ngx_memcpy(&argv[n], op.redis.argv, op.redis.argc * sizeof(cigna_slice_t));

    return n + op.redis.argc;
}
