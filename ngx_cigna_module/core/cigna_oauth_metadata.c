
#include <stddef.h>
#include <string.h>

#include "cigna_json.h"
#include "cigna_oauth.h"


#define CIGNA_OAUTH_URL_MAX  2048


/* a URL of the document; the issuer is the first */

typedef struct {
    const char   *name;
    size_t        offset;
    const char   *error;
} cigna_oauth_url_t;


static const char *cigna_oauth_metadata_read(const cigna_provider_t *p,
    const cigna_json_t *doc, cigna_arena_t *arena, cigna_metadata_t *m);
static const char *cigna_oauth_metadata_url(const cigna_provider_t *p,
    const cigna_json_t *doc, const cigna_oauth_url_t *url,
    cigna_arena_t *arena, cigna_slice_t *value);
static int cigna_oauth_url_moved(cigna_slice_t known, cigna_slice_t fresh);


#define cigna_oauth_url(name)                                                 \
    { #name, offsetof(cigna_metadata_t, name),                                \
      "\"" #name "\" is not an https URL" }

static const cigna_oauth_url_t  cigna_oauth_urls[] = {
    cigna_oauth_url(issuer),
    cigna_oauth_url(authorization_endpoint),
    cigna_oauth_url(token_endpoint),
    cigna_oauth_url(jwks_uri),
    cigna_oauth_url(revocation_endpoint),
    { NULL, 0, NULL }
};


int
cigna_oauth_append_metadata_url(cigna_buf_t *b, const cigna_provider_t *p)
{
    if (p->fhir_base.len == 0) {
        return CIGNA_ERROR;
    }

    cigna_buf_append(b, p->fhir_base);
    cigna_buf_append_str(b, "/.well-known/smart-configuration");

    return b->overflow ? CIGNA_ERROR : CIGNA_OK;
}


int
cigna_oauth_metadata_parse(const cigna_provider_t *p, cigna_slice_t body,
    cigna_arena_t *arena, cigna_metadata_t *m, const char **error)
{
    cigna_json_t  *doc;

    doc = cigna_json_parse(body);

    if (doc) {
        *error = cigna_oauth_metadata_read(p, doc, arena, m);

    } else {
        *error = "the document is not a JSON object";
    }

    cigna_json_destroy(doc);

    if (*error) {
        memset(m, 0, sizeof(cigna_metadata_t));
        return CIGNA_ERROR;
    }

    return CIGNA_OK;
}


static const char *
cigna_oauth_metadata_read(const cigna_provider_t *p, const cigna_json_t *doc,
    cigna_arena_t *arena, cigna_metadata_t *m)
{
    int                       supported;
    const char               *error;
    const cigna_oauth_url_t  *url;

    memset(m, 0, sizeof(cigna_metadata_t));

    for (url = cigna_oauth_urls; url->name; url++) {

        error = cigna_oauth_metadata_url(p, doc, url, arena,
                                         (cigna_slice_t *) ((char *) m
                                                            + url->offset));
        if (error) {
            return error;
        }
    }

    if (m->issuer.len && p->configured_issuer.len
        && !cigna_slice_eq(m->issuer, p->configured_issuer))
    {
        return "\"issuer\" is not the one that is configured";
    }

    (void) cigna_json_bool(doc,
                           "authorization_response_iss_parameter_supported",
                           &supported);

    m->iss_supported = supported ? 1 : 0;

    return NULL;
}


/* what is wrong, or NULL; an absent member is left empty */

static const char *
cigna_oauth_metadata_url(const cigna_provider_t *p, const cigna_json_t *doc,
    const cigna_oauth_url_t *url, cigna_arena_t *arena, cigna_slice_t *value)
{
    int            rc;
    cigna_uri_t    uri;
    cigna_slice_t  text;

    rc = cigna_json_string(doc, url->name, CIGNA_OAUTH_URL_MAX, &text);

    if (rc == CIGNA_NONE) {
        return NULL;
    }

    if (rc != CIGNA_OK
        || cigna_uri_parse(text, &uri) != CIGNA_OK
        || (!uri.https && !p->insecure_http))
    {
        return url->error;
    }

    /* RFC 8414, section 2 */

    if (uri.has_query && url == cigna_oauth_urls) {
        return "\"issuer\" has a query";
    }

    if (cigna_arena_copy(arena, text, value) != CIGNA_OK) {
        return "there is no room for the document";
    }

    return NULL;
}


void
cigna_oauth_metadata_keep(const cigna_metadata_t *known,
    cigna_metadata_t *fresh)
{
    cigna_slice_t            *to;
    const cigna_oauth_url_t  *url;

    for (url = cigna_oauth_urls; url->name; url++) {

        to = (cigna_slice_t *) ((char *) fresh + url->offset);

        if (to->len == 0) {
            *to = *(const cigna_slice_t *) ((const char *) known
                                            + url->offset);
        }
    }
}


int
cigna_oauth_metadata_moved(const cigna_metadata_t *known,
    const cigna_metadata_t *fresh)
{
    const cigna_oauth_url_t  *url;

    if (known->issuer.len && fresh->issuer.len
        && !cigna_slice_eq(known->issuer, fresh->issuer))
    {
        return 1;
    }

    for (url = cigna_oauth_urls; url->name; url++) {

        if (cigna_oauth_url_moved(
                *(const cigna_slice_t *) ((const char *) known + url->offset),
                *(const cigna_slice_t *) ((const char *) fresh + url->offset)))
        {
            return 1;
        }
    }

    return 0;
}


static int
cigna_oauth_url_moved(cigna_slice_t known, cigna_slice_t fresh)
{
    cigna_uri_t  a, b;

    if (known.len == 0 || fresh.len == 0) {
        return 0;
    }

    return cigna_uri_parse(known, &a) != CIGNA_OK
           || cigna_uri_parse(fresh, &b) != CIGNA_OK
           || !cigna_uri_same_origin(&a, &b);
}
