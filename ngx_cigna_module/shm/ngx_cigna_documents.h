
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


/* the state of a document; all zero: nothing is known about it */

typedef struct {
    uint64_t    version;                   /* number of the text; 0: there is
                                              no text */
    size_t      len;                       /* bytes of the text */
    time_t      due;                       /* no fetch before this time */
    time_t      until;                     /* until when the text may be
                                              served */
    unsigned    away:1;                    /* the last fetch has failed */
    unsigned    passed:1;                  /* the last reply was not kept */
} ngx_cigna_document_state_t;


typedef struct {
    u_char                       key[NGX_CIGNA_DOCUMENTS_KEY];
    ngx_cigna_document_state_t   state;
    u_char                      *text;     /* in the slab, or NULL */
    ngx_pid_t                    pid;      /* the process that fetches the
                                              document; 0: none */
    time_t                       claimed;  /* until when the process "pid" may
                                              fetch the document */
    uint64_t                     used;     /* the zone's clock at the last use;
                                              0: the place is free */
} ngx_cigna_document_t;


/* adds the zone to the configuration; NULL after logging an error */
ngx_shm_zone_t *ngx_cigna_documents_add(ngx_conf_t *cf, void *tag);

/*
 * Locks the zone, and returns the document with this key.  A document that the
 * zone does not know takes the place of the least recently used one.
 */
ngx_cigna_document_t *ngx_cigna_documents_lock(ngx_shm_zone_t *zone,
    const u_char *key);
void ngx_cigna_documents_unlock(ngx_shm_zone_t *zone);

/*
 * The caller of these two functions holds the lock.
 * ngx_cigna_documents_drop() clears the text and the state of the document.
 * ngx_cigna_documents_keep() does the same, then copies a new text, and sets
 * its version and length.  NGX_ERROR: the text does not fit, even after all
 * other documents were dropped.
 */
ngx_int_t ngx_cigna_documents_keep(ngx_shm_zone_t *zone,
    ngx_cigna_document_t *doc, cigna_slice_t text);
void ngx_cigna_documents_drop(ngx_shm_zone_t *zone,
    ngx_cigna_document_t *doc);


#endif /* _NGX_CIGNA_DOCUMENTS_H_INCLUDED_ */
