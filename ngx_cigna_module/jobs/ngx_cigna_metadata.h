
#ifndef _NGX_CIGNA_METADATA_H_INCLUDED_
#define _NGX_CIGNA_METADATA_H_INCLUDED_


#include "run/ngx_cigna_run.h"
#include "fhir/cigna_public_metadata.h"


/*
 * Public metadata of FHIR servers, kept in memory.  One worker of the node
 * fetches a document, and all workers serve it.  A document is fetched again
 * when a request finds that it is no longer fresh.  That request gets the old
 * text.  While the server is away the old text is served for a day.
 *
 * Texts lie in shared memory (shm/ngx_cigna_documents.h), and each worker
 * serves a copy of its own, so that replies under way hold no lock.
 */

/* documents, and bytes of their texts, that a worker keeps at most */

#define NGX_CIGNA_METADATA_MAX   64
#define NGX_CIGNA_METADATA_SIZE  (16 * 1024 * 1024)


/* the document that a request asks for: borrowed until get() has returned */

typedef struct {
    ngx_cigna_main_conf_t     *mcf;
    ngx_cigna_tenant_t        *tenant;
    cigna_public_metadata_e    document;
    cigna_slice_t              url;        /* of the tenant's fhir_base */
    cigna_slice_t              lines;      /* of the request's header */
    ngx_array_t               *endpoints;  /* of cigna_public_endpoint_t, from
                                              the configuration; or NULL */
    ngx_uint_t                 links;      /* 1: they become the gateway's */
} ngx_cigna_metadata_t;


/*
 * A text, see cigna_public_metadata_links().  A caller that gets a text holds a
 * reference, and gives it back.
 */

typedef struct {
    ngx_uint_t                 refs;
    size_t                     len;
    uint64_t                   hash;       /* the same on all nodes */
    u_char                     data[];
} ngx_cigna_metadata_text_t;


/*
 * NGX_OK: *text is the document, held for the caller.  NGX_AGAIN: it is being
 * fetched by *run, to be waited on; then this is to be called again.
 * NGX_DECLINED: it cannot be had now, or the server has something else to say.
 */
ngx_int_t ngx_cigna_metadata_get(const ngx_cigna_metadata_t *asked,
    ngx_cigna_metadata_text_t **text, ngx_cigna_run_t **run);

/* gives a text back; for a cleanup handler */
void ngx_cigna_metadata_release(void *text);

/* in exit_process, when all runs have ended */
void ngx_cigna_metadata_exit(ngx_cigna_worker_t *worker);


#endif /* _NGX_CIGNA_METADATA_H_INCLUDED_ */
