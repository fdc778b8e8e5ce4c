
#define _GNU_SOURCE

#include "fuzz.h"
#include "rings.h"

#include "vault/cigna_redis_handshake.h"
#include "world_actors.h"


/*
 * A Redis that answers anything: pieces of the input as replies of all types,
 * or the reply that the flow needs.  The numbers in this file are those of the
 * invariants of cigna_redis_handshake.c.
 */

#define PASSWORD  "PASSWORD-MARKER"

static cigna_vault_t  vault;


int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void) argc;
    (void) argv;

    vault.prefix = cigna_slice("cigna");
    vault.ring = ring_of(NAME SEAL);

    return cigna_scripts_init();
}


static cigna_reply_t *
answer(cigna_slice_t *input, cigna_slice_t *text)
{
    int            len;
    uint8_t        c;
    char           resp[600];
    size_t         n;
    cigna_slice_t  line;

    c = fuzz_byte(input);
    line = fuzz_cut(input, c >> 3);

    /* a line of Redis' protocol ends at its first CR or LF */

    for (n = 0; n < line.len; n++) {
        if (line.data[n] == '\r' || line.data[n] == '\n') {
            line.len = n;
        }
    }

    *text = cigna_slice_null;

    switch (c & 7) {

    case 0:
        len = snprintf(resp, sizeof(resp), "-%.*s\r\n", (int) line.len,
                       line.data);
        break;

    case 1:
        len = snprintf(resp, sizeof(resp), "-ERR unknown, args: " PASSWORD
                       "\r\n");
        break;

    case 2:
        len = snprintf(resp, sizeof(resp), "$-1\r\n");
        break;

    case 3:
        len = snprintf(resp, sizeof(resp), "*1\r\n+OK\r\n");
        break;

    case 4:
        len = snprintf(resp, sizeof(resp), "$%zu\r\n", line.len);
        memcpy(resp + len, line.data, line.len);
        memcpy(resp + len + line.len, "\r\n", 2);
        len += (int) line.len + 2;
        *text = line;
        break;

    case 5:
        len = snprintf(resp, sizeof(resp),
                       "$28\r\nmaxmemory_policy:noeviction\n\r\n");
        *text = cigna_slice("noeviction");
        break;

    case 6:
        len = snprintf(resp, sizeof(resp), ":1\r\n");
        break;

    default:
        len = snprintf(resp, sizeof(resp), "+OK\r\n");
        break;
    }

    if (len > 1 && memchr(resp, '\0', (size_t) len - 1) && (c & 7) == 0) {
        len = snprintf(resp, sizeof(resp), "-ERR\r\n");
    }

    return world_reply(resp, (size_t) len);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t                   c;
    unsigned                  commands;
    cigna_op_t                op;
    cigna_slice_t             input, text;
    cigna_redis_handshake_t   f;
    cigna_event_t             ev;
    cigna_reply_t            *reply;

    input = fuzz_input(data, size);
    c = fuzz_byte(&input);

    memset(&f, 0, sizeof(f));
    f.username = c & 1 ? cigna_slice("user") : cigna_slice_null;
    f.password = c & 2 ? cigna_slice(PASSWORD) : cigna_slice_null;
    f.check = (c >> 2) % 3;
    f.db = c >> 4;
    f.slot = CIGNA_MARKER_NO_SLOT;
    f.vault = &vault;

    memset(&ev, 0, sizeof(ev));
    reply = NULL;
    text = cigna_slice_null;
    commands = 0;

    cigna_redis_handshake_next(&f, &ev, &op);

    while (op.type != cigna_op_done) {

        /* invariant (3) of cigna_redis_handshake.c */

        fuzz_assert(++commands <= 4);
        fuzz_assert((commands == 1 && f.password.len)
                    == cigna_slice_eq(op.redis.argv[0], cigna_slice("AUTH")));
        fuzz_assert(op.type == cigna_op_redis
                    || f.check == cigna_redis_handshake_check_vault);

        reply = answer(&input, &text);
        ev.type = fuzz_byte(&input) % 8 ? cigna_ev_ok : cigna_ev_lost;
        ev.reply = ev.type == cigna_ev_ok ? reply : NULL;

        cigna_redis_handshake_next(&f, &ev, &op);
        cigna_reply_destroy(reply);
    }

    fuzz_assert(op.type == cigna_op_done);
    fuzz_assert(f.rc != cigna_redis_handshake_pending);

    /* invariant (1) of cigna_redis_handshake.c */

    if (f.rc == cigna_redis_handshake_ok
        && f.check != cigna_redis_handshake_check_policy)
    {

        /* no input is a valid marker, so no check of the vault succeeds */

        fuzz_assert(f.check == cigna_redis_handshake_check_none);

    } else if (f.rc == cigna_redis_handshake_ok) {
        fuzz_assert(text.len && memmem(text.data, text.len, "noeviction", 10));
        fuzz_assert(f.error[0] == '\0');

    } else {
        fuzz_assert(f.error[0]);
    }

    /* invariant (2) of cigna_redis_handshake.c */

    fuzz_assert(strstr(f.error, PASSWORD) == NULL);

    return 0;
}
