
#include "cigna_http_date.h"
#include "cigna_retry_after.h"


#define CIGNA_RETRY_AFTER_MAX_S  (CIGNA_RETRY_AFTER_MAX_MS / 1000)


static int cigna_retry_after_digits(cigna_slice_t s);


int
cigna_retry_after_parse(cigna_slice_t value, int64_t now_s, int64_t *ms)
{
    int64_t   s;
    uint64_t  n;

    *ms = -1;

    value = cigna_slice_trim(value);

    if (value.len == 0) {
        return CIGNA_NONE;
    }

    if (cigna_retry_after_digits(value)) {

        /* a number that is too large gives the maximum */

        s = cigna_slice_uint(value, CIGNA_RETRY_AFTER_MAX_S, &n) == CIGNA_OK
            ? (int64_t) n : CIGNA_RETRY_AFTER_MAX_S;

    } else if (cigna_http_date_parse(value, now_s, &s) == CIGNA_OK) {
        s = s <= now_s ? 0 : now_s < 0 ? CIGNA_RETRY_AFTER_MAX_S : s - now_s;

    } else {
        return CIGNA_ERROR;
    }

    *ms = (s < CIGNA_RETRY_AFTER_MAX_S ? s : CIGNA_RETRY_AFTER_MAX_S) * 1000;

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
