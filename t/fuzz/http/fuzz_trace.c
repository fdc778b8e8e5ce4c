
#include "fuzz.h"

#include "http/cigna_trace.h"


/* what passes can be written into a header and a log as it is */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t         i;
    uint8_t        made[CIGNA_TRACEPARENT_LEN];
    cigna_slice_t  s;

    s = fuzz_input(data, size);

    if (cigna_request_id_valid(s) | cigna_traceparent_valid(s)
        | cigna_tracestate_valid(s))
    {
        fuzz_assert(s.len > 0);

        for (i = 0; i < s.len; i++) {
            fuzz_assert((s.data[i] >= ' ' && s.data[i] <= '~')
                        || s.data[i] == '\t');
        }
    }

    if (cigna_traceparent_valid(s)) {
        fuzz_assert(s.len >= CIGNA_TRACEPARENT_LEN
                    && s.len <= CIGNA_REQUEST_ID_MAX);
        fuzz_assert(cigna_traceparent_make(
                        cigna_slice_make(data + 3, data + 35), made)
                    == CIGNA_OK);
        fuzz_assert(memcmp(made + 3, data + 3, 32) == 0);
    }

    if (cigna_traceparent_make(s, made) == CIGNA_OK) {
        fuzz_assert(cigna_traceparent_valid(
                        cigna_slice_make(made, made + CIGNA_TRACEPARENT_LEN)));
    }

    if (size >= CIGNA_TRACE_RANDOM_LEN) {
        cigna_traceparent_random(data, made);
        s = cigna_slice_make(made, made + CIGNA_TRACEPARENT_LEN);

        for (i = 0; i < CIGNA_TRACE_RANDOM_LEN && data[i] == 0; i++) {
            /* void */
        }

        fuzz_assert(cigna_traceparent_valid(s)
                    == (i < CIGNA_TRACE_RANDOM_LEN));
    }

    return 0;
}
