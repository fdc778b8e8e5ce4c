
#include <string.h>

#include "cigna_gate_in.h"


#define CIGNA_GATE_IN_LEN_MAX  28          /* of a name in the table */
#define CIGNA_GATE_IN_NAMES    5           /* of one length, and NULL */


typedef struct {
    const char       *name;
    cigna_gate_in_e   kind;
} cigna_gate_in_row_t;


static int cigna_gate_in_is(cigna_slice_t name, const char *row);
static int cigna_gate_in_plain_byte(uint8_t c);
static int cigna_gate_in_parameter(cigna_slice_t *rest);
static int cigna_gate_in_quoted(cigna_slice_t *rest);
static cigna_slice_t cigna_gate_in_token(cigna_slice_t *rest);
static void cigna_gate_in_blanks(cigna_slice_t *rest);
static int cigna_gate_in_ends(cigna_slice_t s, cigna_slice_t end);


#define CIGNA_LISTED(name)  { name, cigna_gate_in_listed }

/* by the length of the name; those of one length differ in their last byte */

static const cigna_gate_in_row_t
    cigna_gate_in_rows[CIGNA_GATE_IN_LEN_MAX + 1][CIGNA_GATE_IN_NAMES] = {

    [4] = { CIGNA_LISTED("date"), CIGNA_LISTED("etag"), CIGNA_LISTED("vary") },

    [5] = { CIGNA_LISTED("allow") },

    [6] = { CIGNA_LISTED("digest"), { "pragma", cigna_gate_in_storing } },

    [7] = { { "expires", cigna_gate_in_storing } },

    [8] = { CIGNA_LISTED("location") },

    [10] = { CIGNA_LISTED("x-progress") },

    [11] = { CIGNA_LISTED("retry-after"), CIGNA_LISTED("content-md5"),
             CIGNA_LISTED("repr-digest") },

    [12] = { CIGNA_LISTED("content-type") },

    [13] = { CIGNA_LISTED("last-modified"), CIGNA_LISTED("accept-ranges"),
             CIGNA_LISTED("content-range"),
             { "cache-control", cigna_gate_in_storing } },

    [14] = { CIGNA_LISTED("content-length"), CIGNA_LISTED("content-digest") },

    [16] = { CIGNA_LISTED("content-location"),
             CIGNA_LISTED("content-encoding"),
             CIGNA_LISTED("content-language") },

    [18] = { CIGNA_LISTED("preference-applied") },

    [19] = { { "content-disposition", cigna_gate_in_disposition } },

    [22] = { { "x-content-type-options", cigna_gate_in_sniffing } },

    [23] = { { "content-security-policy", cigna_gate_in_policy } },

    [28] = { { "cross-origin-resource-policy", cigna_gate_in_embedding } }
};


cigna_gate_in_e
cigna_gate_in_name(cigna_slice_t name)
{
    const cigna_gate_in_row_t  *row;

    if (name.len > CIGNA_GATE_IN_LEN_MAX) {
        return cigna_gate_in_unlisted;
    }

    for (row = cigna_gate_in_rows[name.len]; row->name; row++) {
        if (cigna_gate_in_is(name, row->name)) {
            return row->kind;
        }
    }

    return cigna_gate_in_unlisted;
}


/* both have the same length, and mostly differ at the end if they do */

static int
cigna_gate_in_is(cigna_slice_t name, const char *row)
{
    size_t  i;

    for (i = name.len; i; i--) {
        if (cigna_slice_lower(name.data[i - 1]) != (uint8_t) row[i - 1]) {
            return 0;
        }
    }

    return 1;
}


int
cigna_gate_in_passes(cigna_slice_t name, cigna_slice_t value)
{
    switch (cigna_gate_in_name(name)) {

    case cigna_gate_in_listed:
        return cigna_gate_in_plain(value);

    case cigna_gate_in_disposition:
        return cigna_gate_in_attachment(value);

    default:
        return 0;
    }
}


/*
 * Eight bytes are tested at a time: subtracting 0x20 sets the highest bit of a
 * control byte, adding 1 sets that of 0x7f, and "~w" leaves out bytes that had
 * it before.  Tabs and carries raise false alarms, which the bytewise loop
 * then settles.
 */

int
cigna_gate_in_plain(cigna_slice_t s)
{
    uint64_t       w;
    cigna_slice_t  rest;

    static const uint64_t  ones = 0x0101010101010101;

    for (rest = s; rest.len >= 8; rest = cigna_slice_skip(rest, 8)) {

        memcpy(&w, rest.data, 8);

        if (((w - ones * 0x20) | (w + ones)) & ~w & (ones * 0x80)) {
            break;
        }
    }

    for ( /* void */ ; rest.len; rest = cigna_slice_skip(rest, 1)) {
        if (!cigna_gate_in_plain_byte(rest.data[0])) {
            return 0;
        }
    }

    return 1;
}


static int
cigna_gate_in_plain_byte(uint8_t c)
{
    return (c >= ' ' && c != 0x7f) || c == '\t';
}


/* RFC 6266 with the grammar of RFC 9110 */

int
cigna_gate_in_attachment(cigna_slice_t value)
{
    cigna_slice_t  rest;

    rest = value;

    if (!cigna_slice_eq_case(cigna_gate_in_token(&rest),
                             cigna_slice("attachment")))
    {
        return 0;
    }

    for ( ;; ) {

        cigna_gate_in_blanks(&rest);

        if (rest.len == 0) {
            return 1;
        }

        if (!cigna_gate_in_parameter(&rest)) {
            return 0;
        }
    }
}


/* ; name=value */

static int
cigna_gate_in_parameter(cigna_slice_t *rest)
{
    if (rest->data[0] != ';') {
        return 0;
    }

    *rest = cigna_slice_skip(*rest, 1);
    cigna_gate_in_blanks(rest);

    if (cigna_gate_in_token(rest).len == 0
        || rest->len == 0 || rest->data[0] != '=')
    {
        return 0;
    }

    *rest = cigna_slice_skip(*rest, 1);

    if (rest->len && rest->data[0] == '"') {
        return cigna_gate_in_quoted(rest);
    }

    return cigna_gate_in_token(rest).len != 0;
}


static int
cigna_gate_in_quoted(cigna_slice_t *rest)
{
    uint8_t  c;

    *rest = cigna_slice_skip(*rest, 1);

    while (rest->len) {

        c = rest->data[0];
        *rest = cigna_slice_skip(*rest, 1);

        if (c == '"') {
            return 1;
        }

        if (c == '\\') {

            if (rest->len == 0) {
                return 0;
            }

            c = rest->data[0];
            *rest = cigna_slice_skip(*rest, 1);
        }

        if (!cigna_gate_in_plain_byte(c)) {
            return 0;
        }
    }

    return 0;
}


/* cuts it off; it is empty if there is none */

static cigna_slice_t
cigna_gate_in_token(cigna_slice_t *rest)
{
    size_t         n;
    cigna_slice_t  token;

    for (n = 0; n < rest->len; n++) {
        if (!cigna_slice_token(rest->data[n])) {
            break;
        }
    }

    token = cigna_slice_make(rest->data, rest->data + n);
    *rest = cigna_slice_skip(*rest, n);

    return token;
}


static void
cigna_gate_in_blanks(cigna_slice_t *rest)
{
    while (rest->len && (rest->data[0] == ' ' || rest->data[0] == '\t')) {
        *rest = cigna_slice_skip(*rest, 1);
    }
}


int
cigna_gate_in_json(cigna_slice_t type)
{
    cigna_slice_t  rest, essence;

    if (cigna_slice_has(type, ',') || !cigna_gate_in_plain(type)) {
        return 0;
    }

    rest = type;
    essence = cigna_slice_trim(cigna_slice_cut(&rest, ';'));

    rest = essence;

    if (cigna_gate_in_token(&rest).len == 0
        || rest.len == 0 || rest.data[0] != '/')
    {
        return 0;
    }

    rest = cigna_slice_skip(rest, 1);

    if (cigna_gate_in_token(&rest).len == 0 || rest.len) {
        return 0;
    }

    return cigna_gate_in_ends(essence, cigna_slice("+json"))
           || cigna_slice_eq_case(essence, cigna_slice("application/json"))
           || cigna_slice_eq_case(essence,
                                  cigna_slice("application/json+fhir"))
           || cigna_slice_eq_case(essence, cigna_slice("text/json"));
}


static int
cigna_gate_in_ends(cigna_slice_t s, cigna_slice_t end)
{
    return s.len > end.len
           && cigna_slice_eq_case(cigna_slice_skip(s, s.len - end.len), end);
}
