
#include <time.h>

#include "fuzz.h"

#include "http/cigna_http_date.h"


/* a time in 2026 */

#define NOW  INT64_C(1795305600)


/*
 * strftime() must write the same date for the parsed time.  The C library knows
 * no leap seconds, so second 60 is compared separately.
 */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char         text[48];
    size_t       skip, at;
    time_t       t;
    int64_t      time_s;
    struct tm    tm;
    const char  *form;

    if (cigna_http_date_parse(fuzz_input(data, size), NOW, &time_s)
        != CIGNA_OK)
    {
        return 0;
    }

    /* cigna_http_date_parse() does not check the name of the day */

    switch (size) {

    case 24:
        skip = 3;
        at = 17;
        form = " %b %e %H:%M:%S %Y";
        break;

    case 29:
        skip = 3;
        at = 23;
        form = ", %d %b %Y %H:%M:%S GMT";
        break;

    default:
        fuzz_assert(size >= 30 && size <= 33);
        skip = size - 24;
        at = size - 6;
        form = ", %d-%b-%y %H:%M:%S GMT";
    }

    t = time_s - (memcmp(data + at, "60", 2) == 0);
    fuzz_assert(t >= 0 && gmtime_r(&t, &tm));
    fuzz_assert(strftime(text, sizeof(text), form, &tm) == size - skip);

    if (memcmp(data + at, "60", 2) == 0) {
        memcpy(text + at - skip, "60", 2);
    }

    /* the day of the month may have a leading zero instead of a blank */

    if (size == 24 && data[8] == '0') {
        text[5] = '0';
    }

    fuzz_assert(memcmp(text, data + skip, size - skip) == 0);

    return 0;
}
