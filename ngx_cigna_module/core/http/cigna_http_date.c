
#include <string.h>

#include "cigna_http_date.h"


/* a form of a date: a star is any byte; the numbers are offsets in the text */

typedef struct {
    const char  *text;
    uint8_t      day;
    uint8_t      month;
    uint8_t      year;
    uint8_t      time;
    uint8_t      digits;                   /* of the year */
} cigna_http_date_form_t;


typedef struct {
    unsigned     year;
    unsigned     month;                    /* from 1 */
    unsigned     day;
    unsigned     hour;
    unsigned     min;
    unsigned     sec;
} cigna_http_date_t;


static const cigna_http_date_form_t *cigna_http_date_form(cigna_slice_t *s);
static int cigna_http_date_fits(cigna_slice_t s,
    const cigna_http_date_form_t *f);
static int cigna_http_date_long_day(cigna_slice_t *s);
static int cigna_http_date_read(cigna_slice_t s,
    const cigna_http_date_form_t *f, cigna_http_date_t *d);
static int cigna_http_date_number(cigna_slice_t s, size_t pos, size_t len,
    unsigned max, unsigned *n);
static int cigna_http_date_month(cigna_slice_t s, unsigned *month);
static unsigned cigna_http_date_year(unsigned year, int64_t now_s);
static unsigned cigna_http_date_before(unsigned year, unsigned month);


/* the end of the year 9999, which is the last one that a date can have */

#define CIGNA_HTTP_DATE_MAX_S  INT64_C(253402300799)


static const cigna_http_date_form_t  cigna_http_date_imf = {
    "***, ** *** **** **:**:** GMT", 5, 8, 12, 17, 4
};

static const cigna_http_date_form_t  cigna_http_date_asctime = {
    "*** *** ** **:**:** ****", 8, 4, 20, 11, 4
};

/* the form of RFC 850, after the name of the day, whose length varies */

static const cigna_http_date_form_t  cigna_http_date_rfc850 = {
    "**-***-** **:**:** GMT", 0, 3, 7, 10, 2
};


int
cigna_http_date_parse(cigna_slice_t s, int64_t now_s, int64_t *time_s)
{
    int64_t                        days;
    cigna_http_date_t              d;
    const cigna_http_date_form_t  *f;

    f = cigna_http_date_form(&s);

    if (f == NULL || cigna_http_date_read(s, f, &d) != CIGNA_OK) {
        return CIGNA_ERROR;
    }

    if (f->digits == 2) {
        d.year = cigna_http_date_year(d.year, now_s);
    }

    if (d.year < 1970) {
        return CIGNA_ERROR;
    }

    days = (int64_t) cigna_http_date_before(d.year, d.month) + d.day - 1;

    if (d.day == 0 || days >= cigna_http_date_before(d.year, d.month + 1)) {
        return CIGNA_ERROR;
    }

    days -= cigna_http_date_before(1970, 1);
    *time_s = ((days * 24 + d.hour) * 60 + d.min) * 60 + d.sec;

    return CIGNA_OK;
}


/* the form of a date, or NULL; *s is then the part that the form describes */

static const cigna_http_date_form_t *
cigna_http_date_form(cigna_slice_t *s)
{
    if (cigna_http_date_fits(*s, &cigna_http_date_imf)) {
        return &cigna_http_date_imf;
    }

    if (cigna_http_date_fits(*s, &cigna_http_date_asctime)) {
        return &cigna_http_date_asctime;
    }

    return cigna_http_date_long_day(s)
           && cigna_http_date_fits(*s, &cigna_http_date_rfc850)
           ? &cigna_http_date_rfc850 : NULL;
}


static int
cigna_http_date_fits(cigna_slice_t s, const cigna_http_date_form_t *f)
{
    size_t  i;

    if (s.len != strlen(f->text)) {
        return 0;
    }

    for (i = 0; i < s.len; i++) {
        if (f->text[i] != '*' && f->text[i] != s.data[i]) {
            return 0;
        }
    }

    return 1;
}


/* cuts the name of the day off, as "Monday, " */

static int
cigna_http_date_long_day(cigna_slice_t *s)
{
    size_t   i;
    uint8_t  c;

    for (i = 0; i < s->len; i++) {

        c = cigna_slice_lower(s->data[i]);

        if (c < 'a' || c > 'z') {
            break;
        }
    }

    if (i < sizeof("Sunday") - 1 || i > sizeof("Wednesday") - 1) {
        return 0;
    }

    *s = cigna_slice_skip(*s, i);

    if (!cigna_slice_starts(*s, cigna_slice(", "))) {
        return 0;
    }

    *s = cigna_slice_skip(*s, 2);

    return 1;
}


/* asctime() writes a blank before a day of one digit */

static int
cigna_http_date_read(cigna_slice_t s, const cigna_http_date_form_t *f,
    cigna_http_date_t *d)
{
    size_t  blank;

    blank = f == &cigna_http_date_asctime && s.data[f->day] == ' ';

    if (cigna_http_date_number(s, f->day + blank, 2 - blank, 31, &d->day)
           != CIGNA_OK
        || cigna_http_date_month(cigna_slice_skip(s, f->month), &d->month)
           != CIGNA_OK
        || cigna_http_date_number(s, f->year, f->digits, 9999, &d->year)
           != CIGNA_OK
        || cigna_http_date_number(s, f->time, 2, 23, &d->hour) != CIGNA_OK
        || cigna_http_date_number(s, f->time + 3, 2, 59, &d->min) != CIGNA_OK)
    {
        return CIGNA_ERROR;
    }

    return cigna_http_date_number(s, f->time + 6, 2, 60, &d->sec);
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


/* the month by the name at the start of s, from 1 */

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


/*
 * The last year with these two digits that is not too far ahead.  400 years
 * have 146,097 days.
 */

static unsigned
cigna_http_date_year(unsigned year, int64_t now_s)
{
    unsigned  last;

    last = 2069;

    if (now_s >= 0) {
        now_s = now_s < CIGNA_HTTP_DATE_MAX_S ? now_s : CIGNA_HTTP_DATE_MAX_S;
        last = 1970 + (unsigned) (now_s / 86400 * 400 / 146097) + 50;
    }

    year += last - last % 100;

    return year > last ? year - 100 : year;
}


/* days from 1 January of the year 1 to a month; month 13 is the next January */

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
