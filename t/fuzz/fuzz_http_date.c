
#include <time.h>

#include "fuzz.h"

#include "cigna_http_date.h"


/* a date is what the C library makes of its seconds, but for leap seconds */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char       text[32];
    time_t     t;
    int64_t    time_s;
    struct tm  tm;

    if (cigna_http_date_parse(fuzz_input(data, size), &time_s) != CIGNA_OK) {
        return 0;
    }

    fuzz_assert(size == 29);

    if (memcmp(data + 23, "60", 2) == 0) {
        time_s--;
    }

    t = time_s;
    fuzz_assert(t >= 0 && gmtime_r(&t, &tm));
    fuzz_assert(strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm)
                == 29);

    if (memcmp(data + 23, "60", 2) == 0) {
        memcpy(text + 23, "60", 2);
    }

    /* the name of the day is not looked at */

    fuzz_assert(memcmp(text + 3, data + 3, 26) == 0);

    return 0;
}
