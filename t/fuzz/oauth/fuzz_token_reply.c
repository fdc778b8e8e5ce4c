
#include "fuzz.h"

#include "oauth/cigna_oauth.h"


#define MEM  (64 * 1024)

static uint8_t  mem[MEM];

/* statuses that an authorization server, or a proxy before it, may send */

static const unsigned  statuses[] = {
    200, 201, 204, 302, 400, 401, 403, 404, 429, 500, 502, 503
};


static void
check_text(cigna_slice_t s, size_t max, uint8_t lowest)
{
    size_t  i;

    fuzz_assert(s.len <= max);

    for (i = 0; i < s.len; i++) {
        fuzz_assert(s.data[i] >= lowest && s.data[i] < 0x7f);
    }
}


static void
check_reply(const cigna_token_reply_t *reply, cigna_token_e e)
{
    check_text(reply->error, 64, ' ');

    check_text(reply->access_token, CIGNA_ACCESS_TOKEN_MAX, '!');
    check_text(reply->refresh_token, CIGNA_REFRESH_TOKEN_MAX, ' ');
    fuzz_assert(reply->id_token.len <= CIGNA_ID_TOKEN_MAX + 1);
    fuzz_assert(memchr(reply->shape, '\0', CIGNA_TOKEN_SHAPE_MAX));
    check_text(cigna_slice_str(reply->shape), CIGNA_TOKEN_SHAPE_MAX, '!');
    check_text(reply->scope, SIZE_MAX, ' ');
    check_text(reply->patient, SIZE_MAX, ' ');

    fuzz_assert(reply->expires_in_s == -1 || reply->expires_in_s > 0);
    fuzz_assert((e == cigna_token_ok) == (reply->access_token.len > 0));

    if (e != cigna_token_ok) {
        fuzz_assert(reply->refresh_token.len == 0);
        fuzz_assert(reply->id_token.len == 0);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned             status;
    cigna_slice_t        body;
    cigna_arena_t        arena;
    cigna_token_e        e;
    cigna_token_reply_t  reply;

    body = fuzz_input(data, size);
    status = statuses[fuzz_byte(&body)
                      % (sizeof(statuses) / sizeof(statuses[0]))];

    cigna_arena_init(&arena, mem, MEM);
    e = cigna_oauth_token_reply(status, body, &arena, &reply);

    fuzz_assert(cigna_token_name(e));
    check_reply(&reply, e);

    /*
     * only 400 and 401 end a grant, and only 429 and 5xx make the gateway wait
     */

    fuzz_assert(e != cigna_token_invalid_grant || status == 400
                || status == 401);
    fuzz_assert(e != cigna_token_ok || status / 100 == 2);
    fuzz_assert((e == cigna_token_throttled) == (status == 429));
    fuzz_assert((e == cigna_token_failed) == (status >= 500));

    return 0;
}
