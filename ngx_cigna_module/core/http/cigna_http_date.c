
#include <string.h>
#include <time.h>

#include "cigna_http_date.h"


/* the numbers of a date */

typedef enum {
    cigna_http_date_year = 0,
    cigna_http_date_day,
    cigna_http_date_hour,
    cigna_http_date_min,
    cigna_http_date_sec,
    cigna_http_date_month,                 /* 0: January */
    cigna_http_date_max
} cigna_http_date_e;


static int cigna_http_date_fits(cigna_slice_t s, const char *form, int *n);
static int cigna_http_date_named(cigna_slice_t s, int *month);
static int cigna_http_date_rfc850(cigna_slice_t s, int64_t now_s, int *n);
static int cigna_http_date_century(int year, int64_t now_s);


/* the end of the year 9999, the last year that a date can have */

#define CIGNA_HTTP_DATE_MAX_S  INT64_C(253402300799)


/*
 * In a form of a date, these letters stand for digits.  Their order is that of
 * the first numbers in cigna_http_date_e.
 */

static const char  cigna_http_date_letters[] = "YDhms";


int
cigna_http_date_parse(cigna_slice_t s, int64_t now_s, int64_t *time_s)
{
    int        n[cigna_http_date_max];
    int64_t    midnight_s;
    struct tm  date;

    /* asctime() writes a space before a day of one digit */

    if (!cigna_http_date_fits(s, "***, DD NNN YYYY hh:mm:ss GMT", n)
        && !cigna_http_date_fits(s, "*** NNN DD hh:mm:ss YYYY", n)
        && !cigna_http_date_fits(s, "*** NNN  D hh:mm:ss YYYY", n)
        && !cigna_http_date_rfc850(s, now_s, n))
    {
        return CIGNA_ERROR;
    }

    memset(&date, 0, sizeof(struct tm));

    date.tm_year = n[cigna_http_date_year] - 1900;
    date.tm_mon = n[cigna_http_date_month];
    date.tm_mday = n[cigna_http_date_day];

    midnight_s = timegm(&date);

    /* timegm() turns a day that the month does not have into another day */

    if (date.tm_mday != n[cigna_http_date_day] || midnight_s < 0
        || n[cigna_http_date_hour] > 23 || n[cigna_http_date_min] > 59
        || n[cigna_http_date_sec] > 60)
    {
        return CIGNA_ERROR;
    }

    *time_s = midnight_s + n[cigna_http_date_hour] * 3600
              + n[cigna_http_date_min] * 60 + n[cigna_http_date_sec];

    return CIGNA_OK;
}


/*
 * Returns 1 if s has this form, and sets the numbers n.  In a form, "*" stands
 * for any byte, and "NNN" for the name of a month.
 */

static int
cigna_http_date_fits(cigna_slice_t s, const char *form, int *n)
{
    int         *number;
    size_t       i;
    const char  *letter;

    if (s.len != strlen(form)) {
        return 0;
    }

    memset(n, 0, cigna_http_date_max * sizeof(int));

    for (i = 0; i < s.len; i++) {

        letter = strchr(cigna_http_date_letters, form[i]);

        if (letter && s.data[i] >= '0' && s.data[i] <= '9') {
            number = &n[letter - cigna_http_date_letters];
            *number = *number * 10 + s.data[i] - '0';

        } else if (letter || (form[i] != s.data[i] && form[i] != '*'
                              && form[i] != 'N'))
        {
            return 0;
        }
    }

    s = cigna_slice_skip(s, (size_t) (strchr(form, 'N') - form));

    return cigna_http_date_named(s, &n[cigna_http_date_month]);
}


/* reads the name of a month at the start of s; *month counts from 0 */

static int
cigna_http_date_named(cigna_slice_t s, int *month)
{
    static const char  names[12][4] = {
        "Jan", "Feb", "Mar", "Apr", "May", "Jun",
        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
    };

    for (*month = 0; *month < 12; (*month)++) {
        if (cigna_slice_starts(s, cigna_slice_str(names[*month]))) {
            return 1;
        }
    }

    return 0;
}


/* the form of RFC 850, such as "Sunday, 06-Nov-94 08:49:37 GMT" */

static int
cigna_http_date_rfc850(cigna_slice_t s, int64_t now_s, int *n)
{
    size_t         i;
    cigna_slice_t  name;

    name = cigna_slice_cut(&s, ',');

    if (name.len < sizeof("Sunday") - 1 || name.len > sizeof("Wednesday") - 1) {
        return 0;
    }

    for (i = 0; i < name.len; i++) {
        if (cigna_slice_lower(name.data[i]) < 'a'
            || cigna_slice_lower(name.data[i]) > 'z')
        {
            return 0;
        }
    }

    if (!cigna_http_date_fits(s, " DD-NNN-YY hh:mm:ss GMT", n)) {
        return 0;
    }

    n[cigna_http_date_year] = cigna_http_date_century(n[cigna_http_date_year],
                                                      now_s);
    return 1;
}


/*
 * The last year with these two digits that is at most fifty years ahead.  400
 * years have 146,097 days.
 */

static int
cigna_http_date_century(int year, int64_t now_s)
{
    int  last;

    last = 2069;

    if (now_s >= 0) {
        now_s = now_s < CIGNA_HTTP_DATE_MAX_S ? now_s : CIGNA_HTTP_DATE_MAX_S;
        last = 1970 + (int) (now_s / 86400 * 400 / 146097) + 50;
    }

    year += last - last % 100;

    return year > last ? year - 100 : year;
}
