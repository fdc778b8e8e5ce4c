
#include "fuzz.h"

#include "redis/cigna_redis.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char         *error;
    cigna_slice_t       text;
    cigna_redis_url_t   u;

    text = fuzz_input(data, size);

    if (cigna_redis_url_parse(text, &u, &error) != CIGNA_OK) {
        fuzz_assert(error);
        return 0;
    }

    fuzz_assert(fuzz_within(u.host, text) && fuzz_within(u.path, text));
    fuzz_assert((u.host.len == 0) != (u.path.len == 0));
    fuzz_assert((u.port == 0) == (u.host.len == 0));
    fuzz_assert(!cigna_slice_has(u.path, '\0'));
    fuzz_assert(!cigna_slice_has(text, '@') || u.path.len);

    return 0;
}
