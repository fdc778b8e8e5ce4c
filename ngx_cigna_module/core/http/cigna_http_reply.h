
#ifndef _CIGNA_HTTP_REPLY_H_INCLUDED_
#define _CIGNA_HTTP_REPLY_H_INCLUDED_


#include "cigna_http_line.h"


/*
 * Parses the reply of an HTTP/1.0 or HTTP/1.1 server (RFC 9112): the status
 * line, the few header lines that matter, and the body.  The body ends by
 * Content-Length, by chunks, or with the connection.  The parser decodes chunks
 * in the caller's buffer.  The struct keeps the state between calls, so each
 * byte is read once.
 */

typedef struct {
    /* results, valid after cigna_http_reply_parse() has returned CIGNA_OK */
    unsigned             status;
    cigna_slice_t        body;             /* borrowed from the buffer */
    cigna_slice_t        content_type;     /* borrowed from the buffer, as
                                              sent */
    int64_t              retry_after_s;    /* in seconds; -1: absent or
                                              unusable */
    int64_t              date_s;           /* value of Date, since the epoch;
                                              -1: absent or unusable */
    int64_t              max_age_s;        /* max-age of Cache-Control; 0 also
                                              for no-store and no-cache; -1:
                                              absent */
    unsigned             encoded:1;        /* the body has a content coding */

    /* valid after CIGNA_ERROR: a constant text for the log */
    const char          *error;
    unsigned             too_large:1;      /* the body, or the reply with its
                                              header, is too long */

    /* private */
    unsigned             state;
    unsigned             chunked:1;
    unsigned             chunked_twice:1;
    unsigned             bad_length:1;     /* Content-Length is invalid, or
                                              several differ */
    int64_t              content_length;   /* -1: absent */
    int64_t              retry_at_s;       /* Retry-After as a date, or -1 */
    uint64_t             chunk_left;

    /* offsets, as the bytes may move between calls */
    cigna_http_lines_t   lines;
    size_t               body_start;
    size_t               body_len;         /* bytes decoded so far */
    size_t               type_start;       /* offset of content_type */
    size_t               type_len;
} cigna_http_reply_t;


void cigna_http_reply_init(cigna_http_reply_t *p);

/*
 * data and len are all bytes of the reply that have come so far.  The caller
 * may move them between calls, but must not change them:
 * cigna_http_reply_parse() joins chunks in place.  eof is 1 if the peer has
 * closed the connection in order.  body_max bounds the body.
 *
 * CIGNA_OK: the reply is complete.  CIGNA_AGAIN: call again with more bytes.
 * CIGNA_ERROR: the reply was cut, or has one of the errors in the table of
 * cigna_http_reply.c; the member "error" says which.  1xx replies are skipped.
 */
int cigna_http_reply_parse(cigna_http_reply_t *p, uint8_t *data, size_t len,
    size_t body_max, int eof);


#endif /* _CIGNA_HTTP_REPLY_H_INCLUDED_ */
