
#include "cigna_gate_in.h"


#define CIGNA_GATE_IN_LEN_MAX  28          /* most bytes of a name */
#define CIGNA_GATE_IN_NAMES    4           /* most names of one length, and a
                                              NULL */


typedef struct {
    const char        *name;
    cigna_gate_in_e    kind;
} cigna_gate_in_row_t;

typedef const cigna_gate_in_row_t
    cigna_gate_in_table_t[CIGNA_GATE_IN_LEN_MAX + 1][CIGNA_GATE_IN_NAMES];


static cigna_gate_in_e cigna_gate_in_find(cigna_gate_in_table_t table,
    cigna_slice_t name);
static int cigna_gate_in_parameter(cigna_slice_t *rest);
static int cigna_gate_in_quoted(cigna_slice_t *rest);
static cigna_slice_t cigna_gate_in_token(cigna_slice_t *rest);
static int cigna_gate_in_sign(cigna_slice_t *rest, uint8_t c);
static void cigna_gate_in_blanks(cigna_slice_t *rest);
static int cigna_gate_in_two_tokens(cigna_slice_t essence);


#define CIGNA_LISTED(name)  { name, cigna_gate_in_listed }

/*
 * The FHIR server's lines in cigna_gate_in_theirs pass if their values are well
 * formed.  Its lines in cigna_gate_in_ours are replaced by the gate's own, or
 * left out.  Both tables are indexed by the length of the name.  Names of one
 * length differ in their last byte, which is compared first.
 */

static cigna_gate_in_table_t  cigna_gate_in_theirs = {

    [4] = { CIGNA_LISTED("date"), CIGNA_LISTED("etag"), CIGNA_LISTED("vary") },

    [5] = { CIGNA_LISTED("allow") },

    [6] = { CIGNA_LISTED("digest") },

    [8] = { CIGNA_LISTED("location") },

    [10] = { CIGNA_LISTED("x-progress") },

    [11] = { CIGNA_LISTED("retry-after"), CIGNA_LISTED("content-md5"),
             CIGNA_LISTED("repr-digest") },

    [12] = { CIGNA_LISTED("content-type") },

    [13] = { CIGNA_LISTED("last-modified"), CIGNA_LISTED("accept-ranges"),
             CIGNA_LISTED("content-range") },

    [14] = { CIGNA_LISTED("content-length"), CIGNA_LISTED("content-digest") },

    [16] = { CIGNA_LISTED("content-location"),
             CIGNA_LISTED("content-encoding"),
             CIGNA_LISTED("content-language") },

    [18] = { CIGNA_LISTED("preference-applied") },

    [19] = { { "content-disposition", cigna_gate_in_disposition } }
};


static cigna_gate_in_table_t  cigna_gate_in_ours = {

    [6] = { { "pragma", cigna_gate_in_storing } },

    [7] = { { "expires", cigna_gate_in_storing } },

    [13] = { { "cache-control", cigna_gate_in_storing } },

    [19] = { { "content-disposition", cigna_gate_in_disposition } },

    [22] = { { "x-content-type-options", cigna_gate_in_sniffing } },

    [23] = { { "content-security-policy", cigna_gate_in_policy } },

    [28] = { { "cross-origin-resource-policy", cigna_gate_in_embedding } }
};


int
cigna_gate_in_passes(cigna_slice_t name, cigna_slice_t value)
{
    switch (cigna_gate_in_find(cigna_gate_in_theirs, name)) {

    case cigna_gate_in_listed:
        return cigna_slice_plain(value);

    case cigna_gate_in_disposition:
        return cigna_gate_in_attachment(value);

    default:
        return 0;
    }
}


cigna_gate_in_e
cigna_gate_in_own(cigna_slice_t name)
{
    return cigna_gate_in_own_len(name.len)
           ? cigna_gate_in_find(cigna_gate_in_ours, name)
           : cigna_gate_in_unlisted;
}


static cigna_gate_in_e
cigna_gate_in_find(cigna_gate_in_table_t table, cigna_slice_t name)
{
    uint8_t                     last;
    const cigna_gate_in_row_t  *row;

    if (name.len > CIGNA_GATE_IN_LEN_MAX || name.len == 0) {
        return cigna_gate_in_unlisted;
    }

    last = cigna_slice_lower(name.data[name.len - 1]);

    for (row = table[name.len]; row->name; row++) {

        if ((uint8_t) row->name[name.len - 1] == last
            && cigna_slice_named(name, row->name))
        {
            return row->kind;
        }
    }

    return cigna_gate_in_unlisted;
}


int
cigna_gate_in_attachment(cigna_slice_t value)
{
    cigna_slice_t  rest;

    rest = value;

    if (!cigna_slice_plain(value)
        || !cigna_slice_eq_case(cigna_gate_in_token(&rest),
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


/* cuts one parameter, "; name=value", off *rest */

static int
cigna_gate_in_parameter(cigna_slice_t *rest)
{
    if (!cigna_gate_in_sign(rest, ';')) {
        return 0;
    }

    cigna_gate_in_blanks(rest);

    if (cigna_gate_in_token(rest).len == 0 || !cigna_gate_in_sign(rest, '=')) {
        return 0;
    }

    return cigna_gate_in_sign(rest, '"') ? cigna_gate_in_quoted(rest)
                                         : cigna_gate_in_token(rest).len != 0;
}


/* cuts the rest of a quoted string off; 0: it does not end */

static int
cigna_gate_in_quoted(cigna_slice_t *rest)
{
    uint8_t  c;

    while (rest->len) {

        c = rest->data[0];
        *rest = cigna_slice_skip(*rest, 1);

        if (c == '"') {
            return 1;
        }

        if (c == '\\') {
            *rest = cigna_slice_skip(*rest, 1);
        }
    }

    return 0;
}


/* cuts a token off the front; empty if there is none */

static cigna_slice_t
cigna_gate_in_token(cigna_slice_t *rest)
{
    cigna_slice_t  token;

    token = *rest;
    token.len = cigna_slice_span(token, CIGNA_SLICE_TOKEN);

    *rest = cigna_slice_skip(*rest, token.len);

    return token;
}


/* cuts c off the front; returns 0 if *rest does not begin with c */

static int
cigna_gate_in_sign(cigna_slice_t *rest, uint8_t c)
{
    if (rest->len == 0 || rest->data[0] != c) {
        return 0;
    }

    *rest = cigna_slice_skip(*rest, 1);

    return 1;
}


static void
cigna_gate_in_blanks(cigna_slice_t *rest)
{
    while (cigna_gate_in_sign(rest, ' ') || cigna_gate_in_sign(rest, '\t')) {
        /* void */
    }
}


int
cigna_gate_in_json(cigna_slice_t type)
{
    cigna_slice_t  rest, essence;

    /*
     * nearly all replies of Cigna and of the gateway have one of these two
     * types
     */

    if (cigna_slice_eq_case(type, cigna_slice("application/json"))
        || cigna_slice_eq_case(type, cigna_slice("application/fhir+json")))
    {
        return 1;
    }

    if (cigna_slice_has(type, ',')) {
        return 0;
    }

    rest = type;
    essence = cigna_slice_trim(cigna_slice_cut(&rest, ';'));

    return cigna_slice_eq_case(essence, cigna_slice("application/json"))
           || cigna_slice_eq_case(essence, cigna_slice("application/json+fhir"))
           || cigna_slice_eq_case(essence, cigna_slice("text/json"))
           || (cigna_slice_ends_case(essence, cigna_slice("+json"))
               && cigna_gate_in_two_tokens(essence));
}


/* 1 if essence is "type/subtype", where both are tokens */

static int
cigna_gate_in_two_tokens(cigna_slice_t essence)
{
    return cigna_gate_in_token(&essence).len != 0
           && cigna_gate_in_sign(&essence, '/')
           && cigna_gate_in_token(&essence).len != 0
           && essence.len == 0;
}
