
#ifndef _NGX_CIGNA_DOCUMENTS_H_INCLUDED_
#define _NGX_CIGNA_DOCUMENTS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "base/cigna_slice.h"


/*
 * Documents that the workers of a node share, and the right to fetch one: one
 * worker has it, and the others wait for what it puts here.  They lie in a zone
 * of shared memory of their own, whose pages the system gives out when they are
 * used.
 */

#define NGX_CIGNA_DOCUMENTS_SIZE  (16 * 1024 * 1024)
#define NGX_CIGNA_DOCUMENTS_MAX   64
#define NGX_CIGNA_DOCUMENTS_KEY   32       /* bytes of a key, a SHA-256 */

#define ngx_cigna_documents_same(a, b)                                        \
    cigna_slice_eq(cigna_slice_make(a, (a) + NGX_CIGNA_DOCUMENTS_KEY),        \
                   cigna_slice_make(b, (b) + NGX_CIGNA_DOCUMENTS_KEY))


/* what is known of a document; all zero: nothing */

typedef struct {
    uint64_t    version;                   /* of the text; 0: there is none */
    size_t      len;                       /* of the text */
    time_t      due;                       /* not to be fetched before */
    time_t      until;                     /* not to be served from here on */
    unsigned    away:1;                    /* the last fetch has failed */
    unsigned    passed:1;                  /* what was fetched is not kept */
} ngx_cigna_document_state_t;


/* adds the zone to the configuration; NULL after logging an error */
ngx_shm_zone_t *ngx_cigna_documents_add(ngx_conf_t *cf, void *tag);

/* what is known of the document of this key */
void ngx_cigna_documents_look(ngx_shm_zone_t *zone, const u_char *key,
    ngx_cigna_document_state_t *state);

/*
 * Copies the text of this version, state->len bytes.  NGX_DECLINED: there is
 * another one by now, or none.
 */
ngx_int_t ngx_cigna_documents_copy(ngx_shm_zone_t *zone, const u_char *key,
    const ngx_cigna_document_state_t *state, u_char *text);

/*
 * Asks for the right to fetch.  NGX_OK: the process has it for timeout_s, or
 * until it ends the fetch by a function below.  NGX_BUSY: another living
 * process has it.  NGX_DECLINED: the document is not due.
 */
ngx_int_t ngx_cigna_documents_claim(ngx_shm_zone_t *zone, const u_char *key,
    time_t now, time_t timeout_s);

/*
 * The two ends of a fetch.  *before is the state before it; due and until are
 * as above.
 *
 * keep() replaces the last text.  NGX_ERROR: the text does not fit, even if all
 * other documents are dropped, and the caller calls fail() with passed.
 *
 * fail() does nothing if another process has the right by now.  passed: the
 * server's document cannot be kept, and the last text is dropped.  Otherwise
 * the server is away, and the last text stays.
 */
ngx_int_t ngx_cigna_documents_keep(ngx_shm_zone_t *zone, const u_char *key,
    const ngx_str_t *text, time_t due, time_t until,
    ngx_cigna_document_state_t *before);
void ngx_cigna_documents_fail(ngx_shm_zone_t *zone, const u_char *key,
    time_t due, ngx_uint_t passed, ngx_cigna_document_state_t *before);


#endif /* _NGX_CIGNA_DOCUMENTS_H_INCLUDED_ */
