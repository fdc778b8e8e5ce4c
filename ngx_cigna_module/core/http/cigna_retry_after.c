
#include "cigna_http_date.h"
#include "cigna_retry_after.h"


static int cigna_retry_after_digits(cigna_slice_t s);


int
cigna_retry_after_parse(cigna_slice_t value, int64_t now_s, int64_t *ms)
{
    int64_t   time_s;
    uint64_t  n;

    *ms = -1;

    value = cigna_slice_trim(value);

    if (value.len == 0) {
        return CIGNA_NONE;
    }

    if (cigna_retry_after_digits(value)) {

        /* too many of them are as long as may be */

        if (cigna_slice_uint(value, CIGNA_RETRY_AFTER_MAX_MS / 1000, &n)
            != CIGNA_OK)
        {
            n = CIGNA_RETRY_AFTER_MAX_MS / 1000;
        }

        *ms = (int64_t) n * 1000;

        return CIGNA_OK;
    }

    if (cigna_http_date_parse(value, now_s, &time_s) != CIGNA_OK) {
        return CIGNA_ERROR;
    }

    if (time_s <= now_s) {
        *ms = 0;

    } else if (now_s < 0 || time_s - now_s > CIGNA_RETRY_AFTER_MAX_MS / 1000) {
        *ms = CIGNA_RETRY_AFTER_MAX_MS;

    } else {
        *ms = (time_s - now_s) * 1000;
    }

    return CIGNA_OK;
}


static int
cigna_retry_after_digits(cigna_slice_t s)
{
    size_t  i;

    for (i = 0; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9') {
            return 0;
        }
    }

    return 1;
}
