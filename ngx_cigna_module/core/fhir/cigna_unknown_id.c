
#include <string.h>

#include "json/cigna_json_scan.h"
#include "cigna_unknown_id.h"


#define CIGNA_UNKNOWN_ID_DEPTH  32


/* where in the outcome an object or an array is */

typedef enum {
    cigna_unknown_id_elsewhere = 0,
    cigna_unknown_id_outcome,
    cigna_unknown_id_issues,
    cigna_unknown_id_issue,
    cigna_unknown_id_details
} cigna_unknown_id_e;


typedef struct {
    const uint8_t      *p;
    const uint8_t      *end;

    cigna_unknown_id_e   places[CIGNA_UNKNOWN_ID_DEPTH];
    uint8_t              arrays[CIGNA_UNKNOWN_ID_DEPTH];
    size_t               depth;             /* 0: outside of all */

    cigna_slice_t       key;               /* of what comes; empty: none */
    unsigned            colon:1;           /* came behind the key */
    unsigned            outcome:1;         /* resourceType says so */
    unsigned            found:1;
} cigna_unknown_id_t;


static int cigna_unknown_id_token(cigna_unknown_id_t *n);
static int cigna_unknown_id_open(cigna_unknown_id_t *n, int array);
static cigna_unknown_id_e cigna_unknown_id_within(const cigna_unknown_id_t *n,
    int array);
static int cigna_unknown_id_close(cigna_unknown_id_t *n, int array);
static int cigna_unknown_id_string(cigna_unknown_id_t *n);
static int cigna_unknown_id_value(cigna_unknown_id_t *n, cigna_slice_t value,
    int whole);
static int cigna_unknown_id_says(cigna_slice_t s);
static int cigna_unknown_id_find(cigna_slice_t *s, cigna_slice_t what);


int
cigna_unknown_id(cigna_slice_t text)
{
    cigna_unknown_id_t  n;

    memset(&n, 0, sizeof(cigna_unknown_id_t));

    n.p = text.data;
    n.end = text.data + text.len;

    while (n.p < n.end) {

        n.p = cigna_json_space(n.p, n.end);

        if (n.p == n.end) {
            break;
        }

        if (cigna_unknown_id_token(&n) != CIGNA_OK) {
            break;
        }

        if (n.outcome && n.found) {
            return 1;
        }
    }

    return n.outcome && n.found;
}


static int
cigna_unknown_id_token(cigna_unknown_id_t *n)
{
    uint8_t  c;

    c = *n->p;

    if (c == '"') {
        return cigna_unknown_id_string(n);
    }

    n->p++;

    switch (c) {

    case '{':
    case '[':
        return cigna_unknown_id_open(n, c == '[');

    case '}':
    case ']':
        return cigna_unknown_id_close(n, c == ']');

    case ':':
        n->colon = 1;
        return CIGNA_OK;

    case ',':
        n->key = cigna_slice_null;
        n->colon = 0;
        return CIGNA_OK;

    default:
        return cigna_json_is_scalar(c) ? CIGNA_OK : CIGNA_ERROR;
    }
}


static int
cigna_unknown_id_open(cigna_unknown_id_t *n, int array)
{
    cigna_unknown_id_e  place;

    if (n->depth == CIGNA_UNKNOWN_ID_DEPTH) {
        return CIGNA_ERROR;
    }

    place = cigna_unknown_id_within(n, array);

    n->places[n->depth] = place;
    n->arrays[n->depth] = array;
    n->depth++;

    n->key = cigna_slice_null;
    n->colon = 0;

    return CIGNA_OK;
}


static cigna_unknown_id_e
cigna_unknown_id_within(const cigna_unknown_id_t *n, int array)
{
    cigna_unknown_id_e  place;

    if (n->depth == 0) {
        return array ? cigna_unknown_id_elsewhere : cigna_unknown_id_outcome;
    }

    place = n->places[n->depth - 1];

    if (array) {
        return place == cigna_unknown_id_outcome
               && cigna_slice_eq(n->key, cigna_slice("issue"))
               ? cigna_unknown_id_issues : cigna_unknown_id_elsewhere;
    }

    if (place == cigna_unknown_id_issues) {
        return cigna_unknown_id_issue;
    }

    return place == cigna_unknown_id_issue
           && cigna_slice_eq(n->key, cigna_slice("details"))
           ? cigna_unknown_id_details : cigna_unknown_id_elsewhere;
}


static int
cigna_unknown_id_close(cigna_unknown_id_t *n, int array)
{
    if (n->depth == 0 || n->arrays[n->depth - 1] != array) {
        return CIGNA_ERROR;
    }

    n->depth--;
    n->key = cigna_slice_null;
    n->colon = 0;

    return CIGNA_OK;
}


/* one that ends too early, or breaks, is taken for what there is */

static int
cigna_unknown_id_string(cigna_unknown_id_t *n)
{
    int             rc;
    cigna_slice_t   s;
    const uint8_t  *p;

    p = n->p + 1;
    s.data = p;

    for ( ;; ) {

        p = cigna_json_run(p, n->end);

        if (p == n->end || *p != '\\') {
            break;
        }

        p += (n->end - p > 1) ? 2 : 1;
    }

    s.len = p - s.data;

    rc = (p < n->end && *p == '"') ? CIGNA_OK : CIGNA_ERROR;
    n->p = (p < n->end) ? p + 1 : p;

    if (n->depth == 0) {
        return CIGNA_ERROR;
    }

    if (n->arrays[n->depth - 1] || n->colon) {

        return cigna_unknown_id_value(n, s, rc == CIGNA_OK) == CIGNA_OK
               ? rc : CIGNA_ERROR;
    }

    n->key = s;

    return rc;
}


static int
cigna_unknown_id_value(cigna_unknown_id_t *n, cigna_slice_t value, int whole)
{
    switch (n->places[n->depth - 1]) {

    case cigna_unknown_id_outcome:

        if (cigna_slice_eq(n->key, cigna_slice("resourceType"))) {

            if (!whole
                || !cigna_slice_eq(value, cigna_slice("OperationOutcome")))
            {
                return CIGNA_ERROR;
            }

            n->outcome = 1;
        }

        break;

    case cigna_unknown_id_issue:

        if (cigna_slice_eq(n->key, cigna_slice("diagnostics"))) {
            n->found |= cigna_unknown_id_says(value);
        }

        break;

    case cigna_unknown_id_details:

        if (cigna_slice_eq(n->key, cigna_slice("text"))) {
            n->found |= cigna_unknown_id_says(value);
        }

        break;

    default:
        break;
    }

    return CIGNA_OK;
}


static int
cigna_unknown_id_says(cigna_slice_t s)
{
    return cigna_unknown_id_find(&s, cigna_slice("Resource "))
           && cigna_unknown_id_find(&s, cigna_slice(" is not known"));
}


/* *s is what comes behind it */

static int
cigna_unknown_id_find(cigna_slice_t *s, cigna_slice_t what)
{
    while (s->len >= what.len) {

        if (cigna_slice_starts(*s, what)) {
            *s = cigna_slice_skip(*s, what.len);
            return 1;
        }

        *s = cigna_slice_skip(*s, 1);
    }

    return 0;
}
