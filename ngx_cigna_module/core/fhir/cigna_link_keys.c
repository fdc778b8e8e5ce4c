
#include <string.h>

#include "cigna_link_keys.h"


typedef struct {
    cigna_slice_t   name;
    unsigned        link;                  /* kinds of object in which the key's
                                              value is a link */
    unsigned        within;                /* kind of the key's value, if that
                                              is an object or an array; 0:
                                              CIGNA_LINK_KEYS_IN_OTHER */
    unsigned        only;                  /* kinds of object in which "within"
                                              is valid; 0: in all */
} cigna_link_keys_key_t;


#define CIGNA_LINK_KEYS_ANYWHERE                                              \
    (2 * CIGNA_LINK_KEYS_IN_OTHER - CIGNA_LINK_KEYS_IN_PLACE)


#define CIGNA_LINK_KEYS_SLOTS  128

/* a perfect hash: the compiler reports two keys in one slot as an error */

#define CIGNA_LINK_KEYS_SLOT(first, middle, len)                              \
    (((first) + (middle) * 12 + (len) * 56) % CIGNA_LINK_KEYS_SLOTS)

#define CIGNA_LINK_KEYS_KEY(first, middle, name, link, within, only)          \
    [CIGNA_LINK_KEYS_SLOT(first, middle, sizeof(name) - 1)] =                 \
        { { (const uint8_t *) name, sizeof(name) - 1 }, link, within, only }

#define CIGNA_LINK_KEYS_PLACE(first, middle, name)                            \
    CIGNA_LINK_KEYS_KEY(first, middle, name, 0, CIGNA_LINK_KEYS_IN_PLACE, 0)

#define CIGNA_LINK_KEYS_URL(first, middle, name)                              \
    CIGNA_LINK_KEYS_KEY(first, middle, name, CIGNA_LINK_KEYS_ANYWHERE, 0, 0)


/*
 * Links are all elements of type url in FHIR R4, Reference.reference, and the
 * elements of type uri with which a Bundle points to its entries and pages.
 * t/integration/links_types.test.mjs compares the table with HL7's definitions.
 *
 * An object is a resource if it is the whole text, or the value of "contained",
 * of "resource" in an entry or a parameter, or of "outcome" in a response.  A
 * resource is not a Reference: DetectedIssue.reference is a uri and not a link.
 */

static const cigna_link_keys_key_t
    cigna_link_keys_keys[CIGNA_LINK_KEYS_SLOTS] =
{

    CIGNA_LINK_KEYS_KEY('r', 'r', "reference",
                        CIGNA_LINK_KEYS_ANYWHERE
                        & ~(CIGNA_LINK_KEYS_IN_NAME
                            |CIGNA_LINK_KEYS_IN_RESOURCE), 0, 0),

    CIGNA_LINK_KEYS_KEY('u', 'r', "url",
                        CIGNA_LINK_KEYS_IN_PLACE|CIGNA_LINK_KEYS_IN_LINK, 0, 0),

    CIGNA_LINK_KEYS_KEY('l', 't', "location", CIGNA_LINK_KEYS_IN_RESPONSE, 0,
                        0),

    CIGNA_LINK_KEYS_KEY('a', 'r', "address",
                        CIGNA_LINK_KEYS_IN_RESOURCE|CIGNA_LINK_KEYS_IN_ENDPOINT,
                        0, 0),

    CIGNA_LINK_KEYS_KEY('e', 'o', "endpoint", CIGNA_LINK_KEYS_ANYWHERE,
                        CIGNA_LINK_KEYS_IN_ENDPOINT, 0),

    CIGNA_LINK_KEYS_URL('f', 'l', "fullUrl"),
    CIGNA_LINK_KEYS_URL('n', 'e', "nameUrl"),
    CIGNA_LINK_KEYS_URL('v', 'e', "valueUrl"),
    CIGNA_LINK_KEYS_URL('d', 'V', "defaultValueUrl"),
    CIGNA_LINK_KEYS_URL('f', 'd', "fixedUrl"),
    CIGNA_LINK_KEYS_URL('p', 'r', "patternUrl"),
    CIGNA_LINK_KEYS_KEY('r', 'v', "relativePath", CIGNA_LINK_KEYS_ANYWHERE, 0,
                        0),
    CIGNA_LINK_KEYS_KEY('r', 'e', "rendering", CIGNA_LINK_KEYS_ANYWHERE, 0, 0),

    /* keys whose values are Attachments */

    CIGNA_LINK_KEYS_PLACE('a', 'h', "attachment"),
    CIGNA_LINK_KEYS_PLACE('c', 't', "content"),
    CIGNA_LINK_KEYS_PLACE('d', 'm', "document"),
    CIGNA_LINK_KEYS_PLACE('f', 'r', "form"),
    CIGNA_LINK_KEYS_PLACE('i', 'a', "image"),
    CIGNA_LINK_KEYS_PLACE('p', 'o', "photo"),
    CIGNA_LINK_KEYS_PLACE('p', 't', "presentedForm"),

    /* keys whose values are RelatedArtifacts */

    CIGNA_LINK_KEYS_PLACE('d', 'n', "documentation"),
    CIGNA_LINK_KEYS_PLACE('r', 'A', "relatedArtifact"),

    /* CapabilityStatement.implementation and Bundle.entry.request */

    CIGNA_LINK_KEYS_PLACE('i', 'n', "implementation"),
    CIGNA_LINK_KEYS_PLACE('r', 'u', "request"),

    /* a Bundle's links and responses, and resources inside of other objects */

    CIGNA_LINK_KEYS_KEY('l', 'n', "link", 0, CIGNA_LINK_KEYS_IN_LINK,
                        CIGNA_LINK_KEYS_ANYWHERE
                        & ~CIGNA_LINK_KEYS_IN_METADATA),

    CIGNA_LINK_KEYS_KEY('m', 'd', "metadata", 0, CIGNA_LINK_KEYS_IN_METADATA,
                        0),

    CIGNA_LINK_KEYS_KEY('c', 'a', "contained", 0, CIGNA_LINK_KEYS_IN_RESOURCE,
                        0),

    CIGNA_LINK_KEYS_KEY('e', 't', "entry", 0, CIGNA_LINK_KEYS_IN_ENTRY, 0),
    CIGNA_LINK_KEYS_KEY('p', 'm', "parameter", 0, CIGNA_LINK_KEYS_IN_ENTRY, 0),
    CIGNA_LINK_KEYS_KEY('p', 'r', "part", 0, CIGNA_LINK_KEYS_IN_ENTRY, 0),
    CIGNA_LINK_KEYS_KEY('r', 'u', "resource", 0, CIGNA_LINK_KEYS_IN_RESOURCE,
                        CIGNA_LINK_KEYS_IN_ENTRY),

    CIGNA_LINK_KEYS_KEY('r', 'o', "response", 0, CIGNA_LINK_KEYS_IN_RESPONSE,
                        0),
    CIGNA_LINK_KEYS_KEY('o', 'c', "outcome", 0, CIGNA_LINK_KEYS_IN_RESOURCE,
                        CIGNA_LINK_KEYS_IN_RESPONSE),

    /*
     * keys whose values are Expressions, and the education of an Immunization
     */

    CIGNA_LINK_KEYS_KEY('e', 's', "expression", 0, CIGNA_LINK_KEYS_IN_NAME, 0),
    CIGNA_LINK_KEYS_KEY('c', 'e', "criteria", 0, CIGNA_LINK_KEYS_IN_NAME, 0),
    CIGNA_LINK_KEYS_KEY('e', 'a', "education", 0, CIGNA_LINK_KEYS_IN_NAME, 0),
    CIGNA_LINK_KEYS_KEY('c', 'i', "condition", 0, CIGNA_LINK_KEYS_IN_NAME,
                        CIGNA_LINK_KEYS_IN_TRIGGER),

    CIGNA_LINK_KEYS_KEY('t', 'g', "trigger", 0, CIGNA_LINK_KEYS_IN_TRIGGER, 0)
};


static unsigned cigna_link_keys_typed(cigna_slice_t key);
static int cigna_link_keys_of_type(cigna_slice_t key, cigna_slice_t type);
static int cigna_link_keys_odd(uint8_t c);
static int cigna_link_keys_next(cigna_link_keys_t *link,
    const cigna_bases_t *bases, cigna_slice_t base_url);
static int cigna_link_keys_decide(cigna_link_keys_t *link,
    const cigna_bases_t *bases, cigna_slice_t base_url, int cut);
static int cigna_link_keys_found(cigna_link_keys_t *link,
    cigna_slice_t base_url, size_t len, int cut);
static int cigna_link_keys_path(cigna_link_keys_t *link, const uint8_t **p,
    const uint8_t *end);
static int cigna_link_keys_path_char(cigna_link_keys_t *link, uint8_t c);
static int cigna_link_keys_path_end(cigna_link_keys_t *link);
static size_t cigna_link_keys_raw(const cigna_link_keys_t *link, size_t len);
static cigna_slice_t cigna_link_keys_base_url(cigna_slice_t base_url,
    cigna_slice_t rest);
static cigna_slice_t cigna_link_keys_dots(cigna_dots_t *dots,
    cigna_slice_t rest);
static int cigna_link_keys_path_ends(uint8_t c);
static int cigna_link_keys_stays(cigna_link_keys_t *link);


int
cigna_link_keys_key(cigna_slice_t key, unsigned in, unsigned *within)
{
    const cigna_link_keys_key_t  *k;

    *within = CIGNA_LINK_KEYS_IN_OTHER;

    if (key.len == 0) {
        return 0;
    }

    k = &cigna_link_keys_keys[CIGNA_LINK_KEYS_SLOT(key.data[0],
                                                   key.data[key.len / 2],
                                                   key.len)];

    if (cigna_slice_eq(key, k->name)) {

        if (k->within && (k->only == 0 || (k->only & in))) {
            *within = k->within;
        }

        return (k->link & in) != 0;
    }

    if (key.len > sizeof("Attachment") - 1) {
        *within = cigna_link_keys_typed(key);
    }

    return 0;
}


/*
 * the kind of a value whose key ends with a type's name: sourceAttachment, ...
 */

static unsigned
cigna_link_keys_typed(cigna_slice_t key)
{
    switch (key.data[key.len - 1]) {

    case 't':

        if (cigna_link_keys_of_type(key, cigna_slice("Attachment"))
            || cigna_link_keys_of_type(key, cigna_slice("RelatedArtifact")))
        {
            return CIGNA_LINK_KEYS_IN_PLACE;
        }

        return CIGNA_LINK_KEYS_IN_OTHER;

    case 'n':

        if (cigna_link_keys_of_type(key, cigna_slice("Expression"))) {
            return CIGNA_LINK_KEYS_IN_NAME;
        }

        if (cigna_link_keys_of_type(key, cigna_slice("TriggerDefinition"))) {
            return CIGNA_LINK_KEYS_IN_TRIGGER;
        }

        return CIGNA_LINK_KEYS_IN_OTHER;

    default:
        return CIGNA_LINK_KEYS_IN_OTHER;
    }
}


static int
cigna_link_keys_of_type(cigna_slice_t key, cigna_slice_t type)
{
    return key.len > type.len && cigna_slice_ends(key, type);
}


void
cigna_link_keys_init(cigna_link_keys_t *link)
{
    link->insert = cigna_slice_null;
    link->text_len = 0;
    link->kept_len = 0;
    link->kept_pos = 0;
    link->based = 0;
    link->releasing = 0;
}


void
cigna_link_keys_keep(cigna_link_keys_t *link, uint8_t c)
{
    link->kept[link->kept_len++] = c;
}


int
cigna_link_keys_full(const cigna_link_keys_t *link)
{
    return link->based
           && link->kept_len - link->kept_pos >= CIGNA_LINK_KEYS_PATH_MAX;
}


int
cigna_link_keys_bytes(cigna_link_keys_t *link, const cigna_bases_t *bases,
    cigna_slice_t base_url, const uint8_t **p, const uint8_t *end)
{
    size_t  n, max;

    if (link->based) {
        return cigna_link_keys_path(link, p, end);
    }

    max = (link->text_len < CIGNA_FHIR_BASE_SCHEME_MAX)
          ? CIGNA_FHIR_BASE_SCHEME_MAX
          : (link->text_len < bases->len_plain) ? bases->len_plain
                                                : bases->len_max + 1;
    max -= link->text_len;

    if (max > (size_t) (end - *p)) {
        max = end - *p;
    }

    for (n = 0; n < max && !cigna_link_keys_odd((*p)[n]); n++) {
        /* void */
    }

    if (n == 0) {
        n = 1;
    }

    memcpy(link->kept + link->kept_len, *p, n);
    link->kept_len += n;

    memcpy(link->text + link->text_len, *p, n);
    link->text_len += n;

    *p += n;

    return cigna_link_keys_next(link, bases, base_url);
}


int
cigna_link_keys_char(cigna_link_keys_t *link, const cigna_bases_t *bases,
    cigna_slice_t base_url, uint8_t c)
{
    if (link->based) {
        return cigna_link_keys_path_char(link, c);
    }

    link->text[link->text_len++] = c;

    return cigna_link_keys_next(link, bases, base_url);
}


int
cigna_link_keys_end(cigna_link_keys_t *link, const cigna_bases_t *bases,
    cigna_slice_t base_url)
{
    return link->based ? cigna_link_keys_path_end(link)
                       : cigna_link_keys_decide(link, bases, base_url, 0);
}


/* 1 if the byte does not stand for itself in JSON, or is in no URL */

static int
cigna_link_keys_odd(uint8_t c)
{
    return c <= ' ' || c > '~' || c == '"' || c == '\\';
}


/* looks for a base if the characters so far are enough to decide */

static int
cigna_link_keys_next(cigna_link_keys_t *link, const cigna_bases_t *bases,
    cigna_slice_t base_url)
{
    size_t         len;
    uint8_t        last;
    cigna_slice_t  text;

    last = link->text[link->text_len - 1];

    if (last <= ' ' || last > '~' || link->text_len > bases->len_max) {
        return cigna_link_keys_decide(link, bases, base_url, 1);
    }

    text = cigna_slice_make(link->text, link->text + link->text_len);

    if (link->text_len <= CIGNA_FHIR_BASE_SCHEME_MAX) {
        return cigna_bases_may_match(text) ? CIGNA_AGAIN
                                           : cigna_link_keys_stays(link);
    }

    if (link->text_len == bases->len_plain
        && cigna_bases_match_plain(bases, text, 1, &len) == CIGNA_OK)
    {
        return cigna_link_keys_found(link, base_url, len, 1);
    }

    return CIGNA_AGAIN;
}


/* decides whether the string begins with a base; cut: more of it follows */

static int
cigna_link_keys_decide(cigna_link_keys_t *link, const cigna_bases_t *bases,
    cigna_slice_t base_url, int cut)
{
    size_t         len;
    cigna_slice_t  text;

    text = cigna_slice_make(link->text, link->text + link->text_len);

    if (cigna_bases_match(bases, text, cut, &len) != CIGNA_OK) {
        return cigna_link_keys_stays(link);
    }

    return cigna_link_keys_found(link, base_url, len, cut);
}


/* notes that the first "len" characters are a base, and begins with the path */

static int
cigna_link_keys_found(cigna_link_keys_t *link, cigna_slice_t base_url,
    size_t len, int cut)
{
    cigna_slice_t  rest;

    rest = cigna_slice_make(link->text + len, link->text + link->text_len);

    link->insert = cigna_link_keys_base_url(base_url, rest);
    link->kept_pos = cigna_link_keys_raw(link, len);
    link->based = 1;

    cigna_dots_init(&link->dots);
    rest = cigna_link_keys_dots(&link->dots, rest);

    if (rest.len || !cut) {
        return cigna_link_keys_path_end(link);
    }

    return link->dots.found ? cigna_link_keys_stays(link) : CIGNA_AGAIN;
}


static int
cigna_link_keys_path(cigna_link_keys_t *link, const uint8_t **p,
    const uint8_t *end)
{
    size_t  n;

    if (cigna_link_keys_path_ends(**p)) {
        return cigna_link_keys_path_end(link);
    }

    if (cigna_link_keys_full(link)) {
        return cigna_link_keys_stays(link);
    }

    n = CIGNA_LINK_KEYS_PATH_MAX - (link->kept_len - link->kept_pos);

    if (n > (size_t) (end - *p)) {
        n = end - *p;
    }

    n = cigna_dots_run(&link->dots, *p, *p + n);

    if (n == 0) {
        cigna_dots_next(&link->dots, **p);
        n = 1;
    }

    memcpy(link->kept + link->kept_len, *p, n);
    link->kept_len += n;
    *p += n;

    return link->dots.found ? cigna_link_keys_stays(link) : CIGNA_AGAIN;
}


static int
cigna_link_keys_path_char(cigna_link_keys_t *link, uint8_t c)
{
    if (cigna_link_keys_path_ends(c)) {
        return cigna_link_keys_path_end(link);
    }

    cigna_dots_next(&link->dots, c);

    return link->dots.found ? cigna_link_keys_stays(link) : CIGNA_AGAIN;
}


static int
cigna_link_keys_path_end(cigna_link_keys_t *link)
{
    if (cigna_dots_end(&link->dots)) {
        return cigna_link_keys_stays(link);
    }

    link->releasing = 1;

    return CIGNA_OK;
}


static int
cigna_link_keys_path_ends(uint8_t c)
{
    return c == '?' || c == '#';
}


/* looks for dot segments in the path; returns the text after the path */

static cigna_slice_t
cigna_link_keys_dots(cigna_dots_t *dots, cigna_slice_t rest)
{
    size_t  n;

    while (rest.len && !cigna_link_keys_path_ends(rest.data[0])) {

        n = cigna_dots_run(dots, rest.data, rest.data + rest.len);

        if (n == 0) {
            cigna_dots_next(dots, rest.data[0]);
            n = 1;
        }

        rest = cigna_slice_skip(rest, n);
    }

    return rest;
}


static int
cigna_link_keys_stays(cigna_link_keys_t *link)
{
    cigna_link_keys_give_up(link);

    return CIGNA_NONE;
}


void
cigna_link_keys_give_up(cigna_link_keys_t *link)
{
    link->insert = cigna_slice_null;
    link->kept_pos = 0;
    link->releasing = 1;
}


/* the number of kept bytes that the first "len" characters take */

static size_t
cigna_link_keys_raw(const cigna_link_keys_t *link, size_t len)
{
    size_t  i;

    if (link->kept_len == link->text_len) {
        return len;
    }

    for (i = 0; len; len--) {

        if (link->kept[i] != '\\') {
            i++;

        } else {
            i += link->kept[i + 1] == 'u' ? 6 : 2;
        }
    }

    return i;
}


int
cigna_link_keys_release(cigna_link_keys_t *link, cigna_slice_t *piece)
{
    *piece = link->insert;
    link->insert = cigna_slice_null;

    if (piece->len) {
        return CIGNA_OK;
    }

    *piece = cigna_slice_make(link->kept + link->kept_pos,
                              link->kept + link->kept_len);

    /*
     * the piece borrows kept bytes, which cigna_link_keys_init() leaves as they
     * are
     */

    cigna_link_keys_init(link);

    return piece->len ? CIGNA_OK : CIGNA_NONE;
}


/*
 * Returns base_url without the "/" at its end, because "rest" begins with "/"
 * or is empty.  If "rest" is a query ("?_getpages=..."), the "/" stays, because
 * the name of the gateway's location ends with "/".  cigna_gate_out.c removes
 * that "/" from the request to the server.
 */

static cigna_slice_t
cigna_link_keys_base_url(cigna_slice_t base_url, cigna_slice_t rest)
{
    if (rest.len == 0 || rest.data[0] != '?') {
        base_url.len--;
    }

    return base_url;
}


int
cigna_link_keys_url(const cigna_bases_t *bases, cigna_slice_t base_url,
    cigna_slice_t url, size_t *len, cigna_slice_t *instead)
{
    cigna_dots_t   dots;
    cigna_slice_t  rest;

    if (cigna_bases_match(bases, url, 0, len) != CIGNA_OK) {
        return CIGNA_NONE;
    }

    rest = cigna_slice_skip(url, *len);

    cigna_dots_init(&dots);
    (void) cigna_link_keys_dots(&dots, rest);

    if (cigna_dots_end(&dots)) {
        return CIGNA_NONE;
    }

    *instead = cigna_link_keys_base_url(base_url, rest);

    return CIGNA_OK;
}
