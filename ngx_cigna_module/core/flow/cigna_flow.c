
#include <string.h>

#include "http/cigna_base64url.h"
#include "cigna_flow.h"


void
cigna_flow_op(cigna_op_t *op, cigna_op_e type)
{
    memset(op, 0, sizeof(cigna_op_t));

    op->type = type;
}


void
cigna_flow_redis(cigna_op_t *op, const cigna_slice_t *argv, unsigned argc)
{
    cigna_flow_script(op, NULL, argv, argc);

    op->type = cigna_op_redis;
}


void
cigna_flow_script(cigna_op_t *op, const cigna_script_t *script,
    const cigna_slice_t *argv, unsigned argc)
{
    cigna_flow_op(op, cigna_op_script);

    op->redis.script = script;
    op->redis.argc = argc;
    memcpy(op->redis.argv, argv, argc * sizeof(cigna_slice_t));
}


void
cigna_flow_http(cigna_op_t *op, const cigna_http_request_t *req)
{
    cigna_flow_op(op, cigna_op_http);

    op->http.request = *req;
}


void
cigna_flow_turn(cigna_op_t *op, unsigned probe)
{
    cigna_flow_op(op, cigna_op_turn);

    op->turn.probe = probe ? 1 : 0;
}


void
cigna_flow_sleep(cigna_op_t *op, unsigned ms)
{
    cigna_flow_op(op, cigna_op_sleep);

    op->sleep.ms = ms;
}


void
cigna_flow_journal(cigna_op_t *op, const cigna_journal_t *entry, int confirmed)
{
    cigna_flow_op(op, cigna_op_journal);

    op->journal.entry = *entry;
    op->journal.confirmed = confirmed ? 1 : 0;
}


void
cigna_flow_settle(cigna_op_t *op, const cigna_journal_t *entry, int confirmed)
{
    cigna_flow_journal(op, entry, confirmed);

    op->type = cigna_op_settle;
}


void
cigna_flow_revoke(cigna_op_t *op, cigna_slice_t token, unsigned refresh_token)
{
    cigna_flow_op(op, cigna_op_revoke);

    op->revoke.token = token;
    op->revoke.refresh_token = refresh_token ? 1 : 0;
}


cigna_slice_t
cigna_flow_uint(cigna_arena_t *a, uint64_t n)
{
    cigna_buf_t  b;

    cigna_arena_open(a, &b);
    cigna_buf_append_uint(&b, n);

    return cigna_flow_text(a, &b);
}


cigna_slice_t
cigna_flow_token(cigna_arena_t *a, const uint8_t *random, size_t len)
{
    cigna_buf_t  b;

    cigna_arena_open(a, &b);
    cigna_base64url_append(&b, cigna_slice_make(random, random + len));

    return cigna_flow_text(a, &b);
}


cigna_slice_t
cigna_flow_text(cigna_arena_t *a, cigna_buf_t *b)
{
    a->overflow |= b->overflow;

    return cigna_arena_close(a, b);
}


cigna_slice_t
cigna_flow_join(cigna_arena_t *a, const cigna_slice_t *words, size_t n)
{
    size_t       i;
    cigna_buf_t  b;

    cigna_arena_open(a, &b);

    for (i = 0; i < n; i++) {

        if (i) {
            cigna_buf_append_char(&b, ' ');
        }

        cigna_buf_append(&b, words[i]);
    }

    return cigna_flow_text(a, &b);
}


unsigned
cigna_flow_jitter(const cigna_event_t *ev, unsigned from, unsigned to)
{
    unsigned  n;

    n = (unsigned) ev->random[0] << 8 | ev->random[1];

    return from + n % (to - from + 1);
}


unsigned
cigna_retry_init(cigna_retry_t *r, const cigna_op_t *op, unsigned state)
{
    r->op = *op;
    r->tries = 1;
    r->state = state;

    return state;
}


int
cigna_retry_sleep(cigna_retry_t *r, cigna_op_t *op, unsigned tries,
    unsigned first_ms, unsigned max_ms)
{
    unsigned  i, ms;

    if (r->tries >= tries) {
        return CIGNA_ERROR;
    }

    for (i = 1, ms = first_ms; i < r->tries && ms < max_ms; i++) {
        ms *= 2;
    }

    r->tries++;
    cigna_flow_sleep(op, ms < max_ms ? ms : max_ms);

    return CIGNA_OK;
}


int
cigna_retry_redis(cigna_retry_t *r, cigna_op_t *op, unsigned *state,
    unsigned sleep)
{
    if (cigna_retry_sleep(r, op, 3, 50, 100) != CIGNA_OK) {
        return CIGNA_ERROR;
    }

    *state = sleep;

    return CIGNA_AGAIN;
}


unsigned
cigna_retry_again(const cigna_retry_t *r, cigna_op_t *op)
{
    *op = r->op;

    return r->state;
}


void
cigna_flow_say(char *detail, size_t size, const char *text,
    cigna_slice_t quoted)
{
    size_t       i;
    uint8_t      c;
    cigna_buf_t  b;

    if (text == NULL) {
        return;
    }

    cigna_buf_init(&b, detail, size - 1);
    cigna_buf_append_str(&b, text);

    if (quoted.len) {
        cigna_buf_append_str(&b, ": ");
    }

    for (i = 0; i < quoted.len; i++) {
        c = quoted.data[i];
        cigna_buf_append_char(&b, c > ' ' && c < 0x7f ? c : '?');
    }

    *b.pos = '\0';
}


void
cigna_flow_say_uint(char *detail, size_t size, const char *text, uint64_t n)
{
    uint8_t      mem[20];
    cigna_buf_t  b;

    cigna_buf_init(&b, mem, sizeof(mem));
    cigna_buf_append_uint(&b, n);

    cigna_flow_say(detail, size, text, cigna_buf_slice(&b));
}


int
cigna_flow_answered(const cigna_event_t *ev)
{
    return ev->type == cigna_ev_ok
           && cigna_reply_type(ev->reply) != cigna_reply_error;
}


int
cigna_flow_passing(const cigna_event_t *ev)
{
    return ev->type != cigna_ev_ok || ev->status == 429 || ev->status >= 500;
}
