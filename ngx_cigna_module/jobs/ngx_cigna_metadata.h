
#ifndef _NGX_CIGNA_METADATA_H_INCLUDED_
#define _NGX_CIGNA_METADATA_H_INCLUDED_


#include "run/ngx_cigna_run.h"
#include "fhir/cigna_public_metadata.h"


/*
 * Public metadata of FHIR servers, kept in memory.  One worker of the node
 * fetches a document, and all workers serve it.  When a request finds that a
 * document is no longer fresh, a worker fetches it again.  That request gets
 * the old text.  If the server is away, workers serve the old text for a day.
 *
 * The texts are in shared memory (shm/ngx_cigna_documents.h).  Each worker
 * serves its own copy, so that it holds no lock while it sends a reply.
 */

/* limits of a worker's copies of documents: number, and bytes of all texts */

#define NGX_CIGNA_METADATA_MAX   64
#define NGX_CIGNA_METADATA_SIZE  (16 * 1024 * 1024)


/*
 * A document that a request asks for.  ngx_cigna_metadata_get() borrows all
 * strings until it returns.
 */

typedef struct {
    ngx_cigna_main_conf_t     *mcf;
    ngx_cigna_tenant_t        *tenant;
    cigna_public_metadata_e    document;
    cigna_slice_t              lines;      /* header lines for the fetch */
    cigna_public_endpoint_t   *endpoints;  /* to be written into the
                                              document */
    ngx_uint_t                 n;          /* number of endpoints */
    const cigna_bases_t       *bases;      /* bases of the links that are
                                              rewritten; NULL: links stay */
} ngx_cigna_metadata_t;


/*
 * The text of a document, as workers serve it.  A caller that gets a text has a
 * reference to it, and must release that reference.
 */

typedef struct {
    ngx_uint_t                 refs;
    size_t                     len;
    uint64_t                   hash;       /* hash of the text, for the ETag;
                                              the same on all nodes */
    u_char                     data[];
} ngx_cigna_metadata_text_t;


/*
 * Finds the text of a document.  NGX_OK: the caller has a reference to *text.
 * NGX_AGAIN: *run fetches the document; the caller waits for the run, and calls
 * this function again.  NGX_DECLINED: there is no text now, for example because
 * the server is away, its reply cannot be kept, or there is no memory.
 */
ngx_int_t ngx_cigna_metadata_get(const ngx_cigna_metadata_t *asked,
    ngx_cigna_metadata_text_t **text, ngx_cigna_run_t **run);

/* releases a reference to a text; can be used as a pool cleanup handler */
void ngx_cigna_metadata_release(void *text);

/* frees the worker's documents; in exit_process, after all runs have ended */
void ngx_cigna_metadata_exit(ngx_cigna_worker_t *worker);


#endif /* _NGX_CIGNA_METADATA_H_INCLUDED_ */
