
#include <string.h>

#include "cigna_accept.h"


static cigna_slice_t cigna_accept_part(cigna_slice_t *s, uint8_t end);
static int cigna_accept_quality(cigna_slice_t parameters, unsigned *quality);
static int cigna_accept_number(cigna_slice_t s, unsigned *quality);
static void cigna_accept_rank(cigna_accept_rank_t *rank, unsigned exact,
    unsigned quality);


void
cigna_accept_init(cigna_accept_t *a)
{
    memset(a, 0, sizeof(cigna_accept_t));
}


void
cigna_accept_add(cigna_accept_t *a, cigna_slice_t line)
{
    unsigned       quality;
    cigna_slice_t  element, range;

    while (line.len) {

        element = cigna_accept_part(&line, ',');
        range = cigna_slice_trim(cigna_accept_part(&element, ';'));

        if (cigna_accept_quality(element, &quality) != CIGNA_OK) {
            continue;
        }

        if (cigna_slice_eq(range, cigna_slice("*/*"))) {
            cigna_accept_rank(&a->fhir, 1, quality);
            cigna_accept_rank(&a->json, 1, quality);

        } else if (cigna_slice_eq_case(range, cigna_slice("application/*"))) {
            cigna_accept_rank(&a->fhir, 2, quality);
            cigna_accept_rank(&a->json, 2, quality);

        } else if (cigna_slice_eq_case(range,
                                       cigna_slice("application/fhir+json")))
        {
            cigna_accept_rank(&a->fhir, 3, quality);

        } else if (cigna_slice_eq_case(range,
                                       cigna_slice("application/json")))
        {
            cigna_accept_rank(&a->json, 3, quality);
        }
    }
}


/* as cigna_slice_cut(), but what is in quotes is no end */

static cigna_slice_t
cigna_accept_part(cigna_slice_t *s, uint8_t end)
{
    int            quoted;
    size_t         i;
    cigna_slice_t  part;

    quoted = 0;

    for (i = 0; i < s->len; i++) {

        if (quoted && s->data[i] == '\\') {
            i++;

        } else if (s->data[i] == '"') {
            quoted = !quoted;

        } else if (!quoted && s->data[i] == end) {
            break;
        }
    }

    if (i > s->len) {
        i = s->len;
    }

    part.data = s->data;
    part.len = i;

    *s = cigna_slice_skip(*s, i + 1);

    return part;
}


static int
cigna_accept_quality(cigna_slice_t parameters, unsigned *quality)
{
    cigna_slice_t  value, name;

    *quality = 1000;

    while (parameters.len) {

        value = cigna_accept_part(&parameters, ';');
        name = cigna_slice_trim(cigna_slice_cut(&value, '='));

        if (cigna_slice_eq_case(name, cigna_slice("q"))) {
            return cigna_accept_number(cigna_slice_trim(value), quality);
        }
    }

    return CIGNA_OK;
}


/* "0" or "1", and up to three digits behind a point */

static int
cigna_accept_number(cigna_slice_t s, unsigned *quality)
{
    size_t    i;
    unsigned  n, unit;

    if (s.len == 0 || s.len > 5 || s.data[0] < '0' || s.data[0] > '1'
        || (s.len > 1 && s.data[1] != '.'))
    {
        return CIGNA_ERROR;
    }

    n = (s.data[0] - '0') * 1000;
    unit = 100;

    for (i = 2; i < s.len; i++) {

        if (s.data[i] < '0' || s.data[i] > '9') {
            return CIGNA_ERROR;
        }

        n += (s.data[i] - '0') * unit;
        unit /= 10;
    }

    if (n > 1000) {
        return CIGNA_ERROR;
    }

    *quality = n;

    return CIGNA_OK;
}


/* the most exact range counts, and of those the best */

static void
cigna_accept_rank(cigna_accept_rank_t *rank, unsigned exact, unsigned quality)
{
    if (exact < rank->exact
        || (exact == rank->exact && quality <= rank->quality))
    {
        return;
    }

    rank->exact = exact;
    rank->quality = quality;
}


int
cigna_accept_json(const cigna_accept_t *a)
{
    if (a->json.quality != a->fhir.quality) {
        return a->json.quality > a->fhir.quality;
    }

    return a->json.quality && a->json.exact > a->fhir.exact;
}
