
#ifndef _CIGNA_PUBLIC_METADATA_H_INCLUDED_
#define _CIGNA_PUBLIC_METADATA_H_INCLUDED_


#include "cigna_link_filter.h"


/*
 * The two documents in which a FHIR server describes itself to everybody (SMART
 * App Launch 2.0, "Conformance"): the CapabilityStatement and the
 * smart-configuration.  The gateway replaces their links by links to itself,
 * and their OAuth endpoints by those of "cigna_smart_endpoint".
 */

typedef enum {
    cigna_public_metadata_none = 0,
    cigna_public_metadata_capabilities,    /* CapabilityStatement */
    cigna_public_metadata_configuration    /* smart-configuration */
} cigna_public_metadata_e;


/* an endpoint of "cigna_smart_endpoint"; the strings are borrowed */

typedef struct {
    cigna_slice_t  name;                   /* member of smart-configuration */
    cigna_slice_t  url;                    /* needs no escapes in JSON */
} cigna_public_endpoint_t;


#define CIGNA_PUBLIC_ENDPOINT_NAME_MAX  64


/* limits of a document: its bytes, and the links that are rewritten in it */

#define CIGNA_PUBLIC_METADATA_MAX        (4 * 1024 * 1024)
#define CIGNA_PUBLIC_METADATA_LINKS_MAX  256

/* stands for Cigna's base in a text; valid JSON never has this byte */

#define CIGNA_PUBLIC_METADATA_BASE  0x01


/* the document at a path, which is relative to the FHIR base: "/metadata" */
cigna_public_metadata_e cigna_public_metadata_document(cigna_slice_t path);

/* the path of a document, a constant; empty for cigna_public_metadata_none */
cigna_slice_t cigna_public_metadata_path(cigna_public_metadata_e document);

/*
 * Decides whether the reply to an upstream request may come from memory, and
 * collects the header lines that a fetch of the document must have.  request is
 * the output of cigna_gate_out(), query is the query of its URI, and ids are
 * nginx's id and the gateway's id of the request.
 *
 * CIGNA_OK: the request asks for the document in JSON.  *lines has
 * "Accept-Encoding: identity", and the lines that the operator has set, each
 * with CR LF.  A line whose value is one of the ids is left out: otherwise each
 * request would have its own document.
 *
 * CIGNA_NONE: the query or the Accept line asks for something else.
 *
 * CIGNA_ERROR: no room in *lines, which needs CIGNA_PUBLIC_METADATA_LINES bytes
 * more than the request has.
 */

#define CIGNA_PUBLIC_METADATA_LINES  sizeof("Accept-Encoding: identity\r\n")

int cigna_public_metadata_asked(cigna_slice_t request, cigna_slice_t query,
    const cigna_slice_t ids[2], cigna_buf_t *lines);

/*
 * Copies the document to *b with the n endpoints in it.  An endpoint that the
 * document has is replaced, and one that it lacks is added.  A byte order mark
 * is removed, and all other bytes stay.
 *
 *   smart-configuration  Endpoints are members of the object.
 *   CapabilityStatement  Endpoints are in the extension "oauth-uris" of
 *                        rest[].security, in each element of rest that does not
 *                        describe a client.  If "security" or "extension" is
 *                        missing, it is added.  Only endpoints that
 *                        "oauth-uris" has a name for are written.
 *
 * CIGNA_ERROR, and *error is the reason for the log: the text has too many
 * values, or cigna_json_is_object() refuses it, or *b has no room.
 */
int cigna_public_metadata_write(cigna_public_metadata_e document,
    cigna_slice_t text, const cigna_public_endpoint_t *endpoints, unsigned n,
    cigna_buf_t *b, const char **error);

/*
 * Returns the bytes that cigna_public_metadata_write() needs in *b for a text
 * of len bytes.  cigna_public_metadata_links() needs as many for its result.
 */
size_t cigna_public_metadata_room(size_t len,
    const cigna_public_endpoint_t *endpoints, unsigned n);

/*
 * Copies a document that cigna_public_metadata_write() has written.  In each
 * link, CIGNA_PUBLIC_METADATA_BASE replaces a known base, without the "/" after
 * the base.  CIGNA_ERROR, and *error is the reason: no room in *b, or more
 * links than CIGNA_PUBLIC_METADATA_LINKS_MAX.
 */
int cigna_public_metadata_links(cigna_slice_t text, const cigna_bases_t *bases,
    cigna_buf_t *b, const char **error);


#endif /* _CIGNA_PUBLIC_METADATA_H_INCLUDED_ */
