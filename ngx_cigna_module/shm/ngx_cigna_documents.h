
#ifndef _NGX_CIGNA_DOCUMENTS_H_INCLUDED_
#define _NGX_CIGNA_DOCUMENTS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "base/cigna_slice.h"


/*
 * Public metadata documents that all workers of a node share.  A worker claims
 * a document before it fetches it.  The other workers wait until the text is
 * here.
 *
 * The documents have their own zone of shared memory.  The system allocates a
 * page of the zone when a worker first writes to it.
 */

#define NGX_CIGNA_DOCUMENTS_SIZE  (16 * 1024 * 1024)
#define NGX_CIGNA_DOCUMENTS_MAX   64       /* documents in the zone */
#define NGX_CIGNA_DOCUMENTS_KEY   32       /* bytes of a key, a SHA-256 */

#define ngx_cigna_documents_same(a, b)                                        \
    cigna_slice_eq(cigna_slice_make(a, (a) + NGX_CIGNA_DOCUMENTS_KEY),        \
                   cigna_slice_make(b, (b) + NGX_CIGNA_DOCUMENTS_KEY))


/* the state of a document; all zero: the zone does not know the document */

typedef struct {
    uint64_t    version;                   /* of the text; 0: there is none */
    size_t      len;                       /* of the text, in bytes */
    time_t      due;                       /* time of the next fetch */
    time_t      until;                     /* end of the time to serve it */
    unsigned    away:1;                    /* the last fetch has failed */
    unsigned    passed:1;                  /* the last reply was not kept */
} ngx_cigna_document_state_t;


/* adds the zone to the configuration; NULL after logging an error */
ngx_shm_zone_t *ngx_cigna_documents_add(ngx_conf_t *cf, void *tag);

/* reads the state of the document with this key */
void ngx_cigna_documents_look(ngx_shm_zone_t *zone, const u_char *key,
    ngx_cigna_document_state_t *state);

/*
 * Copies the text with the version of *state: state->len bytes.  NGX_DECLINED:
 * the zone now has another text, or has none.
 */
ngx_int_t ngx_cigna_documents_copy(ngx_shm_zone_t *zone, const u_char *key,
    const ngx_cigna_document_state_t *state, u_char *text);

/*
 * Claims the document for a fetch.  NGX_OK: this process has the claim for
 * timeout_s seconds, or until it reports a result by one of the two functions
 * below.  NGX_BUSY: another process has the claim, and lives.  NGX_DECLINED:
 * the document is not due.
 */
ngx_int_t ngx_cigna_documents_claim(ngx_shm_zone_t *zone, const u_char *key,
    time_t now, time_t timeout_s);

/*
 * Report the result of a fetch, and give the claim up.  Each function sets
 * "due" and "until" of the state, and writes the state before the call to
 * *before.
 *
 *   keep   The text replaces the last one.  NGX_ERROR: the text does not fit,
 *          even after all other documents were dropped; the caller must call
 *          fail() with "passed".
 *   fail   With "passed", the reply cannot be kept, and the last text is
 *          dropped.  Otherwise the server is away, and the last text stays.
 *
 * fail() changes nothing if this process has lost the claim.
 */
ngx_int_t ngx_cigna_documents_keep(ngx_shm_zone_t *zone, const u_char *key,
    const ngx_str_t *text, time_t due, time_t until,
    ngx_cigna_document_state_t *before);
void ngx_cigna_documents_fail(ngx_shm_zone_t *zone, const u_char *key,
    time_t due, ngx_uint_t passed, ngx_cigna_document_state_t *before);


#endif /* _NGX_CIGNA_DOCUMENTS_H_INCLUDED_ */
