
#ifndef _CIGNA_HTTP_REPLY_H_INCLUDED_
#define _CIGNA_HTTP_REPLY_H_INCLUDED_


#include "cigna_http_line.h"


/*
 * A reply of an HTTP/1.0 or HTTP/1.1 server (RFC 9112) to a request of the
 * request-less client: status line, the few headers that matter, and the body
 * (content length, chunked, or up to the end of the connection), decoded in
 * place in the caller's buffer.  The caller reads bytes into its buffer and
 * calls parse() with all bytes received so far; what was decided is kept in
 * the struct, so each byte is looked at once.
 */

typedef struct {
    /* results, valid once parse() returned CIGNA_OK */
    unsigned        status;
    cigna_slice_t   body;                  /* borrowed from the buffer */
    cigna_slice_t   content_type;          /* borrowed, as sent */
    int64_t         retry_after_s;         /* -1: absent or a date unread */
    int64_t         date_s;                /* Date header as epoch, or -1 */
    int64_t         max_age_s;             /* of Cache-Control, 0 if it forbids
                                              to keep the reply; -1: absent */
    unsigned        encoded:1;             /* the body has a content coding */

    /* a phrase for the log, once parse() returned CIGNA_ERROR */
    const char     *error;
    unsigned        too_large:1;           /* the body, for body_max */

    /* private */
    unsigned        state;
    unsigned        chunked:1;
    unsigned        chunked_twice:1;
    unsigned        bad_length:1;          /* or several that differ */
    int64_t         content_length;        /* -1: not given */
    int64_t         retry_at_s;            /* Retry-After as epoch, or -1 */
    uint64_t        chunk_left;

    /* offsets, as the bytes may move between calls */
    cigna_http_lines_t  lines;
    size_t          body_start;
    size_t          body_len;              /* decoded so far */
    size_t          type_start;            /* of content_type */
    size_t          type_len;
} cigna_http_reply_t;


void cigna_http_reply_init(cigna_http_reply_t *p);

/*
 * data..len is all that was received so far, from the first byte, in memory
 * that may move between calls but keeps its content (chunked bodies are
 * compacted in place).  eof says that the peer has closed the connection in
 * order.  CIGNA_AGAIN: more is needed.  CIGNA_OK: complete.  CIGNA_ERROR: not
 * HTTP, lengths that differ, a truncated body, or a body over body_max.
 * 1xx replies are skipped.
 */
int cigna_http_reply_parse(cigna_http_reply_t *p, uint8_t *data, size_t len,
    size_t body_max, int eof);


#endif /* _CIGNA_HTTP_REPLY_H_INCLUDED_ */
