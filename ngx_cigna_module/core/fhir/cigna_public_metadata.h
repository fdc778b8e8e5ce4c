
#ifndef _CIGNA_PUBLIC_METADATA_H_INCLUDED_
#define _CIGNA_PUBLIC_METADATA_H_INCLUDED_


#include "cigna_link_filter.h"


/*
 * The two documents in which a FHIR server describes itself to everybody (SMART
 * App Launch 2.0, "Conformance"): the CapabilityStatement and the
 * smart-configuration.  The gateway puts its own OAuth endpoints and links into
 * them.
 */

typedef enum {
    cigna_public_metadata_none = 0,
    cigna_public_metadata_capabilities,    /* CapabilityStatement */
    cigna_public_metadata_configuration    /* smart-configuration */
} cigna_public_metadata_e;


/* an endpoint that the operator wants in the documents, borrowed */

typedef struct {
    cigna_slice_t  name;                   /* field of smart-configuration */
    cigna_slice_t  url;                    /* without bytes that JSON escapes */
} cigna_public_endpoint_t;


#define CIGNA_PUBLIC_ENDPOINT_NAME_MAX  64


/* bytes of a document that the gateway reads, and links in one, at most */

#define CIGNA_PUBLIC_METADATA_MAX        (4 * 1024 * 1024)
#define CIGNA_PUBLIC_METADATA_LINKS_MAX  256

/* stands where Cigna's base stood; no byte of valid JSON is like it */

#define CIGNA_PUBLIC_METADATA_BASE  0x01


/* the document at a path behind the FHIR base, which has no "/" at its end */
cigna_public_metadata_e cigna_public_metadata_document(cigna_slice_t path);

/* the reverse: a constant, empty for "none" */
cigna_slice_t cigna_public_metadata_path(cigna_public_metadata_e document);

/*
 * Reads a request that has passed the gate out.  CIGNA_OK: it asks for the
 * document in JSON and in no other way than every request does, and *lines has
 * the header lines that a request for it needs, each with its CR LF: those that
 * the operator has set, and "Accept-Encoding: identity".  A line whose value is
 * one of the two ids of the request is left out: with it, each request would
 * have a document of its own.  CIGNA_NONE: its query or its Accept ask for
 * something else.  CIGNA_ERROR: no room in *lines, which wants
 * CIGNA_PUBLIC_METADATA_LINES bytes beside the length of the request.
 */

#define CIGNA_PUBLIC_METADATA_LINES  sizeof("Accept-Encoding: identity\r\n")

int cigna_public_metadata_asked(cigna_slice_t request, cigna_slice_t query,
    const cigna_slice_t ids[2], cigna_buf_t *lines);

/*
 * Writes the document with the endpoints in it: replaced where they stand, and
 * added where they do not.  All other bytes stay.  With n = 0 the text is only
 * checked.  A byte order mark is left out.
 *
 *   smart-configuration  members of the object, by name
 *   CapabilityStatement  the extension "oauth-uris" of rest[].security, for
 *                        each server; extension and security are made where
 *                        they are missing.  The endpoints that have a name
 *                        there are written
 *
 * CIGNA_ERROR, and *error in words: cigna_json_is_object() says no, or *b has
 * no room.
 */
int cigna_public_metadata_write(cigna_public_metadata_e document,
    cigna_slice_t text, const cigna_public_endpoint_t *endpoints, unsigned n,
    cigna_buf_t *b, const char **error);

/* the room that write() and then links() need for a text, bytes */
size_t cigna_public_metadata_room(size_t len,
    const cigna_public_endpoint_t *endpoints, unsigned n);

/*
 * Copies a document that write() has written, with CIGNA_PUBLIC_METADATA_BASE
 * in the place of a known base in each link, and behind it "/" or the end of
 * the base.  CIGNA_ERROR and *error: no room in *b, or more links than
 * CIGNA_PUBLIC_METADATA_LINKS_MAX.
 */
int cigna_public_metadata_links(cigna_slice_t text, const cigna_bases_t *bases,
    cigna_buf_t *b, const char **error);


#endif /* _CIGNA_PUBLIC_METADATA_H_INCLUDED_ */
