
/*
 * Reads the metadata of an authorization server leniently, and uses it
 * strictly.  A bad member that no dance needs is ignored and logged (a dance is
 * one run of the OAuth flow).  The document can never make the gateway trust
 * another origin than before.
 *
 * The document must be one JSON object.  A byte order mark, bytes that are not
 * UTF-8, unknown members, any Content-Type and any status 2xx are accepted.
 *
 *                     absent,    not a string,  on another origin
 *                     null, ""   too long, not  than before
 *                                an https URL
 *
 *   issuer            empty      refused (1)    refused (2)
 *   authorization_    empty (3)  refused (4)    refused
 *     endpoint
 *   token_endpoint    empty (3)  refused (4)    refused
 *   jwks_uri          empty      empty, noted   refused
 *   revocation_       empty      empty, noted   refused (5)
 *     endpoint
 *   authorization_    0          0, noted
 *     response_iss_parameter_supported
 *
 * White space around a URL is cut off.  If a name occurs twice, the last value
 * counts.  "Empty": the value that was known before stays in use, see
 * cigna_oauth_metadata_keep(); an empty string is also noted.  "Refused": the
 * whole document is refused, and all values that were known before stay in use.
 * "Noted": the log names the member.
 *
 * (1) If an issuer is configured, one that is not a string is only noted.  An
 *     issuer with a query counts as a text that is not an https URL.
 * (2) If an issuer is configured, any other string is refused too; both are
 *     compared byte by byte.
 * (3) If the endpoint is not configured either, the gateway cannot use the
 *     document, see cigna_discovery.c.
 * (4) If the endpoint is configured, the configured one counts, and the bad one
 *     is only noted.
 * (5) Tokens must not be sent to a stranger.  So if only the token endpoint is
 *     configured, the document's revocation endpoint is used only if this
 *     endpoint, or the document's token endpoint, is on the configured one's
 *     origin.  Otherwise it is empty and noted.
 */


#include <stddef.h>
#include <string.h>

#include "json/cigna_json.h"
#include "cigna_oauth.h"


#define CIGNA_OAUTH_URL_MAX  2048


/* a URL of the document; the first one in cigna_oauth_urls is the issuer */

typedef struct {
    const char   *name;
    size_t        offset;                  /* offset in cigna_metadata_t */
    size_t        configured;              /* offset in cigna_provider_t of the
                                              configured URL */
    size_t        used;                    /* offset in cigna_provider_t of the
                                              URL in use */
    unsigned      optional;                /* 1: a bad URL is only noted; 0: it
                                              is an error, unless a URL is
                                              configured */
    const char   *error;
} cigna_oauth_url_t;


static const char *cigna_oauth_metadata_read(const cigna_provider_t *p,
    const cigna_json_t *doc, cigna_arena_t *arena, cigna_metadata_t *m,
    cigna_buf_t *notes);
static const char *cigna_oauth_metadata_url(const cigna_provider_t *p,
    const cigna_json_t *doc, const cigna_oauth_url_t *url,
    cigna_arena_t *arena, cigna_slice_t *value, cigna_buf_t *notes);
static const char *cigna_oauth_metadata_fault(const cigna_provider_t *p,
    const cigna_oauth_url_t *url, cigna_slice_t text);
static void cigna_oauth_metadata_revocation(const cigna_provider_t *p,
    cigna_metadata_t *m, cigna_buf_t *notes);
static void cigna_oauth_metadata_note(cigna_buf_t *notes, const char *member,
    const char *why);
static cigna_slice_t cigna_oauth_url_trim(cigna_slice_t text);
static cigna_slice_t cigna_oauth_url_at(const void *p, size_t offset);
static int cigna_oauth_url_moved(cigna_slice_t known, cigna_slice_t fresh);


#define cigna_oauth_url(name, configured, optional)                           \
    { #name, offsetof(cigna_metadata_t, name),                                \
      offsetof(cigna_provider_t, configured),                                 \
      offsetof(cigna_provider_t, name), optional,                             \
      "\"" #name "\" is not an https URL" }

static const cigna_oauth_url_t  cigna_oauth_urls[] = {
    cigna_oauth_url(issuer, configured_issuer, 0),
    cigna_oauth_url(authorization_endpoint, authorization_endpoint, 0),
    cigna_oauth_url(token_endpoint, token_endpoint, 0),
    cigna_oauth_url(jwks_uri, jwks_uri, 1),
    cigna_oauth_url(revocation_endpoint, revocation_endpoint, 1),
    { NULL, 0, 0, 0, 0, NULL }
};


int
cigna_oauth_metadata_parse(const cigna_provider_t *p, cigna_slice_t body,
    cigna_arena_t *arena, cigna_metadata_t *m, cigna_buf_t *notes,
    const char **error)
{
    cigna_json_t  *doc;

    memset(m, 0, sizeof(cigna_metadata_t));

    doc = cigna_json_parse(body);

    if (doc == NULL) {
        doc = cigna_json_read(body);

        if (doc == NULL) {
            *error = "the document is not a JSON object";
            return CIGNA_NONE;
        }

        cigna_oauth_metadata_note(notes, "document", "not strict JSON");
    }

    *error = cigna_oauth_metadata_read(p, doc, arena, m, notes);

    cigna_json_destroy(doc);

    if (*error) {
        memset(m, 0, sizeof(cigna_metadata_t));
        return CIGNA_ERROR;
    }

    return CIGNA_OK;
}


static const char *
cigna_oauth_metadata_read(const cigna_provider_t *p, const cigna_json_t *doc,
    cigna_arena_t *arena, cigna_metadata_t *m, cigna_buf_t *notes)
{
    int             supported;
    unsigned        i;
    const char     *error;
    cigna_slice_t  *value;

    static const char  iss[] =
        "authorization_response_iss_parameter_supported";

    for (i = 0; (value = cigna_oauth_metadata_member(m, i)) != NULL; i++) {

        error = cigna_oauth_metadata_url(p, doc, &cigna_oauth_urls[i], arena,
                                         value, notes);
        if (error) {
            return error;
        }
    }

    cigna_oauth_metadata_revocation(p, m, notes);

    if (cigna_json_bool(doc, iss, &supported) == CIGNA_ERROR) {
        cigna_oauth_metadata_note(notes, iss, "not true or false");
    }

    m->iss_supported = supported ? 1 : 0;

    return NULL;
}


/*
 * Returns NULL, or the reason why the document is refused.  *value stays empty
 * if the URL is ignored.
 */

static const char *
cigna_oauth_metadata_url(const cigna_provider_t *p, const cigna_json_t *doc,
    const cigna_oauth_url_t *url, cigna_arena_t *arena, cigna_slice_t *value,
    cigna_buf_t *notes)
{
    int             rc;
    const char     *fault;
    cigna_slice_t   text, configured;

    configured = cigna_oauth_url_at(p, url->configured);

    rc = cigna_json_string(doc, url->name, CIGNA_OAUTH_URL_MAX, &text);

    if (rc == CIGNA_NONE) {
        return NULL;
    }

    text = cigna_oauth_url_trim(text);

    if (rc == CIGNA_OK && text.len == 0) {
        cigna_oauth_metadata_note(notes, url->name, "empty");
        return NULL;
    }

    if (rc == CIGNA_OK && url == cigna_oauth_urls && configured.len
        && !cigna_slice_eq(text, configured))
    {
        return "\"issuer\" is not the one that is configured";
    }

    fault = rc == CIGNA_OK ? cigna_oauth_metadata_fault(p, url, text)
                           : url->error;

    if (fault == NULL) {
        return cigna_arena_copy(arena, text, value) == CIGNA_OK
               ? NULL : "there is no room for the document";
    }

    if (!url->optional && configured.len == 0) {
        return fault;
    }

    cigna_oauth_metadata_note(notes, url->name,
                              rc == CIGNA_OK ? "not an https URL"
                                             : "not a string, or too long");
    return NULL;
}


static const char *
cigna_oauth_metadata_fault(const cigna_provider_t *p,
    const cigna_oauth_url_t *url, cigna_slice_t text)
{
    cigna_uri_t  uri;

    if (cigna_uri_parse(text, &uri) != CIGNA_OK
        || (!uri.https && !p->insecure_http))
    {
        return url->error;
    }

    /* RFC 8414, section 2, forbids a query in an issuer */

    if (uri.has_query && url == cigna_oauth_urls) {
        return "\"issuer\" has a query";
    }

    return NULL;
}


/*
 * Tokens must go back to the server that issued them.  If the operator has
 * configured another token endpoint, the announced revocation endpoint may
 * belong to a stranger.
 */

static void
cigna_oauth_metadata_revocation(const cigna_provider_t *p,
    cigna_metadata_t *m, cigna_buf_t *notes)
{
    if (p->token_endpoint.len == 0 || m->revocation_endpoint.len == 0
        || p->revocation_endpoint.len
        || !cigna_oauth_url_moved(p->token_endpoint, m->revocation_endpoint)
        || (m->token_endpoint.len
            && !cigna_oauth_url_moved(p->token_endpoint, m->token_endpoint)))
    {
        return;
    }

    m->revocation_endpoint = cigna_slice_null;

    cigna_oauth_metadata_note(notes, "revocation_endpoint",
                              "of another server than the \"token_endpoint\" "
                              "that is configured");
}


/*
 * appends the member and the reason for the log, but never the member's value
 */

static void
cigna_oauth_metadata_note(cigna_buf_t *notes, const char *member,
    const char *why)
{
    if (notes->pos != notes->start) {
        cigna_buf_append_str(notes, ", ");
    }

    cigna_buf_append_char(notes, '"');
    cigna_buf_append_str(notes, member);
    cigna_buf_append_str(notes, "\": ");
    cigna_buf_append_str(notes, why);
}


static cigna_slice_t
cigna_oauth_url_trim(cigna_slice_t text)
{
    while (text.len && text.data[0] <= ' ') {
        text = cigna_slice_skip(text, 1);
    }

    while (text.len && text.data[text.len - 1] <= ' ') {
        text.len--;
    }

    return text;
}


void
cigna_oauth_metadata_keep(const cigna_metadata_t *known,
    cigna_metadata_t *fresh)
{
    unsigned        i;
    cigna_slice_t  *to;

    for (i = 0; (to = cigna_oauth_metadata_member(fresh, i)) != NULL; i++) {
        if (to->len == 0) {
            *to = cigna_oauth_url_at(known, cigna_oauth_urls[i].offset);
        }
    }
}


cigna_slice_t *
cigna_oauth_metadata_member(cigna_metadata_t *m, unsigned i)
{
    const cigna_oauth_url_t  *url;

    url = &cigna_oauth_urls[i];

    return url->name ? (cigna_slice_t *) ((char *) m + url->offset) : NULL;
}


void
cigna_oauth_metadata_apply(const cigna_metadata_t *m,
    const cigna_provider_t *configured, cigna_provider_t *p)
{
    cigna_slice_t             value;
    const cigna_oauth_url_t  *url;

    for (url = cigna_oauth_urls; url->name; url++) {

        value = cigna_oauth_url_at(configured, url->used);

        *(cigna_slice_t *) ((char *) p + url->used) =
                      value.len ? value : cigna_oauth_url_at(m, url->offset);
    }

    p->iss_supported = m->iss_supported;
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

        if (cigna_oauth_url_moved(cigna_oauth_url_at(known, url->offset),
                                  cigna_oauth_url_at(fresh, url->offset)))
        {
            return 1;
        }
    }

    return 0;
}


static cigna_slice_t
cigna_oauth_url_at(const void *p, size_t offset)
{
    return *(const cigna_slice_t *) ((const char *) p + offset);
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
