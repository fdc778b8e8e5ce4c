
#include <string.h>

#include "cigna_link.h"


#define CIGNA_LINK_KEY_MAX    16
#define CIGNA_LINK_KEYS       6            /* of one length */

#define CIGNA_LINK_ANYWHERE                                                   \
    (CIGNA_LINK_IN_PLACE|CIGNA_LINK_IN_RESPONSE|CIGNA_LINK_IN_NETWORK         \
     |CIGNA_LINK_IN_OTHER)


typedef struct {
    const char     *name;
    unsigned        link;                  /* within what it is one */
    unsigned        within;                /* 0: CIGNA_LINK_IN_OTHER */
} cigna_link_key_t;


/*
 * By length.  What is within a "place" has an "url" that is a place, too: a
 * Bundle's link and request, an Attachment, a RelatedArtifact, implementation.
 * Of "address" there is an agent's in an AuditEvent, which is a name.
 */

static const cigna_link_key_t
    cigna_link_keys[CIGNA_LINK_KEY_MAX][CIGNA_LINK_KEYS] =
{
    [3]  = { { "url", CIGNA_LINK_IN_PLACE, 0 } },
    [4]  = { { "link", 0, CIGNA_LINK_IN_PLACE },
             { "form", 0, CIGNA_LINK_IN_PLACE } },
    [5]  = { { "photo", 0, CIGNA_LINK_IN_PLACE },
             { "image", 0, CIGNA_LINK_IN_PLACE } },
    [7]  = { { "fullUrl", CIGNA_LINK_ANYWHERE, 0 },
             { "content", 0, CIGNA_LINK_IN_PLACE },
             { "request", 0, CIGNA_LINK_IN_PLACE },
             { "nameUrl", CIGNA_LINK_ANYWHERE, 0 },
             { "network", 0, CIGNA_LINK_IN_NETWORK },
             { "address", CIGNA_LINK_ANYWHERE & ~CIGNA_LINK_IN_NETWORK, 0 } },
    [8]  = { { "document", 0, CIGNA_LINK_IN_PLACE },
             { "response", 0, CIGNA_LINK_IN_RESPONSE },
             { "location", CIGNA_LINK_IN_RESPONSE, 0 },
             { "valueUrl", CIGNA_LINK_ANYWHERE, 0 },
             { "endpoint", CIGNA_LINK_ANYWHERE, 0 } },
    [9]  = { { "reference", CIGNA_LINK_ANYWHERE, 0 },
             { "rendering", CIGNA_LINK_ANYWHERE, 0 } },
    [10] = { { "attachment", 0, CIGNA_LINK_IN_PLACE } },
    [13] = { { "presentedForm", 0, CIGNA_LINK_IN_PLACE },
             { "documentation", 0, CIGNA_LINK_IN_PLACE } },
    [14] = { { "implementation", 0, CIGNA_LINK_IN_PLACE } },
    [15] = { { "relatedArtifact", 0, CIGNA_LINK_IN_PLACE } }
};


static int cigna_link_typed(cigna_slice_t key, cigna_slice_t type);
static int cigna_link_odd(uint8_t c);
static int cigna_link_known(const cigna_link_t *link,
    const cigna_bases_t *bases);
static int cigna_link_decide(cigna_link_t *link, const cigna_bases_t *bases,
    cigna_slice_t own, int cut);
static int cigna_link_path(cigna_link_t *link, const uint8_t **p,
    const uint8_t *end);
static int cigna_link_path_char(cigna_link_t *link, uint8_t c);
static int cigna_link_path_end(cigna_link_t *link);
static size_t cigna_link_raw(const cigna_link_t *link, size_t len);
static cigna_slice_t cigna_link_own(cigna_slice_t own, cigna_slice_t rest);
static cigna_slice_t cigna_link_dots(cigna_dots_t *dots, cigna_slice_t rest);
static int cigna_link_path_ends(uint8_t c);
static int cigna_link_stays(cigna_link_t *link);


int
cigna_link_key(cigna_slice_t key, unsigned in, unsigned *within)
{
    unsigned                 i;
    const cigna_link_key_t  *k;

    *within = CIGNA_LINK_IN_OTHER;

    if (key.len < CIGNA_LINK_KEY_MAX) {

        for (i = 0; i < CIGNA_LINK_KEYS; i++) {

            k = &cigna_link_keys[key.len][i];

            if (k->name == NULL) {
                break;
            }

            if (key.data[0] == (uint8_t) k->name[0]
                && cigna_slice_eq(key, cigna_slice_str(k->name)))
            {
                if (k->within) {
                    *within = k->within;
                }

                return (k->link & in) != 0;
            }
        }
    }

    if (cigna_link_typed(key, cigna_slice("Attachment"))
        || cigna_link_typed(key, cigna_slice("RelatedArtifact")))
    {
        *within = CIGNA_LINK_IN_PLACE;
    }

    return 0;
}


/* sourceAttachment, valueAttachment, ...: one of several types it may have */

static int
cigna_link_typed(cigna_slice_t key, cigna_slice_t type)
{
    return key.len > type.len
           && key.data[key.len - 1] == 't'
           && cigna_slice_ends(key, type);
}


void
cigna_link_init(cigna_link_t *link)
{
    link->insert = cigna_slice_null;
    link->text_len = 0;
    link->held_len = 0;
    link->held_pos = 0;
    link->based = 0;
    link->releasing = 0;
}


void
cigna_link_hold(cigna_link_t *link, uint8_t c)
{
    link->held[link->held_len++] = c;
}


int
cigna_link_full(const cigna_link_t *link)
{
    return link->based
           && link->held_len - link->held_pos >= CIGNA_LINK_PATH_MAX;
}


int
cigna_link_take(cigna_link_t *link, const cigna_bases_t *bases,
    cigna_slice_t own, const uint8_t **p, const uint8_t *end)
{
    size_t  n, max;

    if (link->based) {
        return cigna_link_path(link, p, end);
    }

    max = (link->text_len < CIGNA_BASE_SCHEME_MAX) ? CIGNA_BASE_SCHEME_MAX
                                                   : bases->len_max + 1;
    max -= link->text_len;

    if (max > (size_t) (end - *p)) {
        max = end - *p;
    }

    for (n = 0; n < max && !cigna_link_odd((*p)[n]); n++) {
        /* void */
    }

    if (n == 0) {
        n = 1;
    }

    memcpy(link->held + link->held_len, *p, n);
    link->held_len += n;

    memcpy(link->text + link->text_len, *p, n);
    link->text_len += n;

    *p += n;

    return cigna_link_known(link, bases)
           ? cigna_link_decide(link, bases, own, 1) : CIGNA_AGAIN;
}


int
cigna_link_char(cigna_link_t *link, const cigna_bases_t *bases,
    cigna_slice_t own, uint8_t c)
{
    if (link->based) {
        return cigna_link_path_char(link, c);
    }

    link->text[link->text_len++] = c;

    return cigna_link_known(link, bases)
           ? cigna_link_decide(link, bases, own, 1) : CIGNA_AGAIN;
}


int
cigna_link_end(cigna_link_t *link, const cigna_bases_t *bases,
    cigna_slice_t own)
{
    return link->based ? cigna_link_path_end(link)
                       : cigna_link_decide(link, bases, own, 0);
}


/* stands for something else in JSON, or in no URL */

static int
cigna_link_odd(uint8_t c)
{
    return c <= ' ' || c > '~' || c == '"' || c == '\\';
}


/* no more has to be known of the base */

static int
cigna_link_known(const cigna_link_t *link, const cigna_bases_t *bases)
{
    uint8_t        last;
    cigna_slice_t  text;

    text = cigna_slice_make(link->text, link->text + link->text_len);
    last = link->text[link->text_len - 1];

    return last <= ' ' || last > '~'
           || link->text_len > bases->len_max
           || (link->text_len <= CIGNA_BASE_SCHEME_MAX
               && !cigna_bases_may_match(text));
}


/* cut: the string is not over yet */

static int
cigna_link_decide(cigna_link_t *link, const cigna_bases_t *bases,
    cigna_slice_t own, int cut)
{
    size_t         len;
    cigna_slice_t  text, rest;

    text = cigna_slice_make(link->text, link->text + link->text_len);
    len = cigna_bases_match(bases, text, cut);

    if (len == 0) {
        return cigna_link_stays(link);
    }

    rest = cigna_slice_skip(text, len);

    link->insert = cigna_link_own(own, rest);
    link->held_pos = cigna_link_raw(link, len);
    link->based = 1;

    cigna_dots_init(&link->dots);
    rest = cigna_link_dots(&link->dots, rest);

    if (rest.len || !cut) {
        return cigna_link_path_end(link);
    }

    return link->dots.found ? cigna_link_stays(link) : CIGNA_AGAIN;
}


static int
cigna_link_path(cigna_link_t *link, const uint8_t **p, const uint8_t *end)
{
    size_t  n;

    if (cigna_link_path_ends(**p)) {
        return cigna_link_path_end(link);
    }

    if (cigna_link_full(link)) {
        return cigna_link_stays(link);
    }

    n = CIGNA_LINK_PATH_MAX - (link->held_len - link->held_pos);

    if (n > (size_t) (end - *p)) {
        n = end - *p;
    }

    n = cigna_dots_run(&link->dots, *p, *p + n);

    if (n == 0) {
        cigna_dots_next(&link->dots, **p);
        n = 1;
    }

    memcpy(link->held + link->held_len, *p, n);
    link->held_len += n;
    *p += n;

    return link->dots.found ? cigna_link_stays(link) : CIGNA_AGAIN;
}


static int
cigna_link_path_char(cigna_link_t *link, uint8_t c)
{
    if (cigna_link_path_ends(c)) {
        return cigna_link_path_end(link);
    }

    cigna_dots_next(&link->dots, c);

    return link->dots.found ? cigna_link_stays(link) : CIGNA_AGAIN;
}


static int
cigna_link_path_end(cigna_link_t *link)
{
    if (cigna_dots_end(&link->dots)) {
        return cigna_link_stays(link);
    }

    link->releasing = 1;

    return CIGNA_OK;
}


static int
cigna_link_path_ends(uint8_t c)
{
    return c == '?' || c == '#';
}


/* looks at a path; returns what is behind it */

static cigna_slice_t
cigna_link_dots(cigna_dots_t *dots, cigna_slice_t rest)
{
    size_t  n;

    while (rest.len && !cigna_link_path_ends(rest.data[0])) {

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
cigna_link_stays(cigna_link_t *link)
{
    cigna_link_give_up(link);

    return CIGNA_NONE;
}


void
cigna_link_give_up(cigna_link_t *link)
{
    link->insert = cigna_slice_null;
    link->held_pos = 0;
    link->releasing = 1;
}


/* so many characters are how many bytes of what is held? */

static size_t
cigna_link_raw(const cigna_link_t *link, size_t len)
{
    size_t  i;

    if (link->held_len == link->text_len) {
        return len;
    }

    for (i = 0; len; len--) {

        if (link->held[i] != '\\') {
            i++;

        } else {
            i += link->held[i + 1] == 'u' ? 6 : 2;
        }
    }

    return i;
}


int
cigna_link_release(cigna_link_t *link, cigna_slice_t *piece)
{
    *piece = link->insert;
    link->insert = cigna_slice_null;

    if (piece->len) {
        return CIGNA_OK;
    }

    *piece = cigna_slice_make(link->held + link->held_pos,
                              link->held + link->held_len);

    /* what the piece borrows stays until another link begins */

    cigna_link_init(link);

    return piece->len ? CIGNA_OK : CIGNA_NONE;
}


/*
 * "<base>?_getpages=..." leads to the base itself, which at the gateway is a
 * location whose name ends with "/"; see ngx_cigna_lines.c for the way back.
 */

static cigna_slice_t
cigna_link_own(cigna_slice_t own, cigna_slice_t rest)
{
    if (rest.len == 0 || rest.data[0] != '?') {
        own.len--;
    }

    return own;
}


size_t
cigna_link_url(const cigna_bases_t *bases, cigna_slice_t own,
    cigna_slice_t url, cigna_slice_t *instead)
{
    size_t         len;
    cigna_dots_t   dots;
    cigna_slice_t  rest;

    len = cigna_bases_match(bases, url, 0);

    if (len == 0) {
        return 0;
    }

    rest = cigna_slice_skip(url, len);

    cigna_dots_init(&dots);
    (void) cigna_link_dots(&dots, rest);

    if (cigna_dots_end(&dots)) {
        return 0;
    }

    *instead = cigna_link_own(own, rest);

    return len;
}
