
#include "fuzz.h"

#include "http/cigna_trace.h"


/* a valid value is printable, so it can stand in header lines and in logs */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t         i;
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
        fuzz_assert(s.len >= sizeof("00-") - 1 + 32 + 1 + 16 + sizeof("-00") - 1
                    && s.len <= CIGNA_REQUEST_ID_MAX);
    }

    return 0;
}
