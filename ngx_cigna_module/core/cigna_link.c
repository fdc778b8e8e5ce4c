
#include <string.h>

#include "cigna_link.h"


typedef struct {
    const char     *name;
    unsigned        flags;
} cigna_link_key_t;


/* Attachments (FHIR R4) and what has an "url" that is a place */

static const cigna_link_key_t  cigna_link_keys[] = {
    { "fullUrl", CIGNA_LINK_ALWAYS },
    { "reference", CIGNA_LINK_ALWAYS },
    { "url", CIGNA_LINK_WITHIN },
    { "attachment", CIGNA_LINK_PLACE },
    { "content", CIGNA_LINK_PLACE },
    { "document", CIGNA_LINK_PLACE },
    { "image", CIGNA_LINK_PLACE },
    { "implementation", CIGNA_LINK_PLACE },
    { "link", CIGNA_LINK_PLACE },
    { "photo", CIGNA_LINK_PLACE },
    { "presentedForm", CIGNA_LINK_PLACE },
    { NULL, 0 }
};


static int cigna_link_odd(uint8_t c);
static size_t cigna_link_raw(const cigna_link_t *link, size_t len);
static cigna_slice_t cigna_link_own(cigna_slice_t own, cigna_slice_t rest);


unsigned
cigna_link_key(cigna_slice_t key)
{
    cigna_slice_t            tail;
    const cigna_link_key_t  *k;

    /* most keys of a resource begin with none of these letters */

    if (key.len == 0) {
        return 0;
    }

    for (k = cigna_link_keys; k->name; k++) {

        if (key.data[0] == (uint8_t) k->name[0]
            && cigna_slice_eq(key, cigna_slice_str(k->name)))
        {
            return k->flags;
        }
    }

    /* sourceAttachment, valueAttachment, ... */

    tail = cigna_slice("Attachment");

    if (key.len > tail.len
        && cigna_slice_eq(cigna_slice_skip(key, key.len - tail.len), tail))
    {
        return CIGNA_LINK_PLACE;
    }

    return 0;
}


void
cigna_link_init(cigna_link_t *link)
{
    link->insert = cigna_slice_null;
    link->text_len = 0;
    link->held_len = 0;
    link->held_pos = 0;
    link->releasing = 0;
}


void
cigna_link_hold(cigna_link_t *link, uint8_t c)
{
    link->held[link->held_len++] = c;
}


void
cigna_link_char(cigna_link_t *link, uint8_t c)
{
    link->text[link->text_len++] = c;
}


size_t
cigna_link_take(cigna_link_t *link, const cigna_bases_t *bases,
    const uint8_t *p, const uint8_t *end)
{
    size_t  n, max;

    max = (link->text_len < CIGNA_BASE_SCHEME_MAX) ? CIGNA_BASE_SCHEME_MAX
                                                   : bases->len_max + 1;
    max -= link->text_len;

    if (max > (size_t) (end - p)) {
        max = end - p;
    }

    for (n = 0; n < max && !cigna_link_odd(p[n]); n++) {
        /* void */
    }

    if (n == 0) {
        n = 1;
    }

    memcpy(link->held + link->held_len, p, n);
    link->held_len += n;

    memcpy(link->text + link->text_len, p, n);
    link->text_len += n;

    return n;
}


/* stands for something else in JSON, or in no URL */

static int
cigna_link_odd(uint8_t c)
{
    return c <= ' ' || c > '~' || c == '"' || c == '\\';
}


int
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


int
cigna_link_decide(cigna_link_t *link, const cigna_bases_t *bases,
    cigna_slice_t own, int cut)
{
    size_t         len;
    cigna_slice_t  text;

    text = cigna_slice_make(link->text, link->text + link->text_len);
    len = cigna_bases_match(bases, text, cut);

    cigna_link_give_up(link);

    if (len == 0) {
        return 0;
    }

    link->insert = cigna_link_own(own, cigna_slice_skip(text, len));
    link->held_pos = cigna_link_raw(link, len);

    return 1;
}


void
cigna_link_give_up(cigna_link_t *link)
{
    link->releasing = 1;
    link->held_pos = 0;
}


/* so many characters are how many bytes of what is held? */

static size_t
cigna_link_raw(const cigna_link_t *link, size_t len)
{
    size_t  i;

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
    size_t  len;

    len = cigna_bases_match(bases, url, 0);

    if (len) {
        *instead = cigna_link_own(own, cigna_slice_skip(url, len));
    }

    return len;
}
