
#include <string.h>

#include "cigna_http_date.h"


static int cigna_http_date_number(cigna_slice_t s, size_t pos, size_t len,
    unsigned max, unsigned *n);
static int cigna_http_date_month(cigna_slice_t s, unsigned *month);
static unsigned cigna_http_date_before(unsigned year, unsigned month);


static const char  cigna_http_date_form[] = "***, ** *** **** **:**:** GMT";


int
cigna_http_date_parse(cigna_slice_t s, int64_t *time_s)
{
    size_t    i;
    int64_t   days;
    unsigned  year, month, day, hour, min, sec;

    if (s.len != sizeof(cigna_http_date_form) - 1) {
        return CIGNA_ERROR;
    }

    for (i = 0; i < s.len; i++) {
        if (cigna_http_date_form[i] != '*'
            && cigna_http_date_form[i] != s.data[i])
        {
            return CIGNA_ERROR;
        }
    }

    if (cigna_http_date_number(s, 5, 2, 31, &day) != CIGNA_OK
        || cigna_http_date_month(cigna_slice_skip(s, 8), &month) != CIGNA_OK
        || cigna_http_date_number(s, 12, 4, 9999, &year) != CIGNA_OK
        || cigna_http_date_number(s, 17, 2, 23, &hour) != CIGNA_OK
        || cigna_http_date_number(s, 20, 2, 59, &min) != CIGNA_OK
        || cigna_http_date_number(s, 23, 2, 60, &sec) != CIGNA_OK
        || year < 1970)
    {
        return CIGNA_ERROR;
    }

    days = (int64_t) cigna_http_date_before(year, month) + day - 1;

    if (day == 0 || days >= cigna_http_date_before(year, month + 1)) {
        return CIGNA_ERROR;
    }

    days -= cigna_http_date_before(1970, 1);
    *time_s = ((days * 24 + hour) * 60 + min) * 60 + sec;

    return CIGNA_OK;
}


static int
cigna_http_date_number(cigna_slice_t s, size_t pos, size_t len, unsigned max,
    unsigned *n)
{
    uint64_t  value;

    s = cigna_slice_skip(s, pos);
    s.len = len;

    if (cigna_slice_uint(s, max, &value) != CIGNA_OK) {
        return CIGNA_ERROR;
    }

    *n = (unsigned) value;

    return CIGNA_OK;
}


/* the month whose name s begins with, from 1 */

static int
cigna_http_date_month(cigna_slice_t s, unsigned *month)
{
    static const char  names[12][4] = {
        "Jan", "Feb", "Mar", "Apr", "May", "Jun",
        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
    };

    for (*month = 1; *month <= 12; (*month)++) {
        if (cigna_slice_starts(s, cigna_slice_str(names[*month - 1]))) {
            return CIGNA_OK;
        }
    }

    return CIGNA_ERROR;
}


/* days before a month, from the first of January in the year 1; 13 is next */

static unsigned
cigna_http_date_before(unsigned year, unsigned month)
{
    int                    leap;
    unsigned               years;
    static const uint16_t  days[] = {
        0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365
    };

    leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    years = year - 1;

    return years * 365 + years / 4 - years / 100 + years / 400
           + days[month - 1] + (leap && month > 2);
}
