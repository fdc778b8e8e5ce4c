
#ifndef _NGX_CIGNA_WORKER_H_INCLUDED_
#define _NGX_CIGNA_WORKER_H_INCLUDED_


#include "ngx_cigna_conf.h"
#include "shm/ngx_cigna_counters.h"

#include "base/cigna_arena.h"


#define NGX_CIGNA_RANDOM_LEN  4096         /* bytes for 256 requests */


/* the state of one worker process, apart from its state of each tenant */

struct ngx_cigna_worker_s {
    ngx_cycle_t                     *cycle;
    struct ngx_cigna_redis_s        *redis;
    struct ngx_cigna_cache_hash_s   *cache_hash;

    /* refreshes under way, by identity: at most one for each identity */
    ngx_rbtree_t                     refreshes;
    ngx_rbtree_node_t                sentinel;

    ngx_queue_t                      runs;          /* all runs of flows that
                                                       have not ended */

    /* see ngx_cigna_seats.h */
    ngx_queue_t                      seats;         /* of ngx_cigna_seats_t, one
                                                       for each origin */
    ngx_uint_t                       seats_taken;   /* seats taken at all
                                                       origins together */
    ngx_msec_t                       seats_logged;  /* when the worker logged
                                                       that no seat is free; 0:
                                                       never */

    /* see ngx_cigna_metadata.h: the document used last comes first */
    ngx_queue_t                      documents;
    ngx_uint_t                       ndocuments;
    size_t                           documents_size;   /* bytes of the texts */

    /* see ngx_cigna_journal_writer.h */
    struct ngx_cigna_journal_writer_s  *journal_writer;
    u_char                          *journal_mem;   /* bytes of the journal
                                                       entry that was read
                                                       last */
    ngx_event_t                      stay;          /* see ngx_cigna_stay.h */

    ngx_uint_t                       revocations;   /* revocations under way */

    /* see ngx_cigna_vault_read.h */
    cigna_arena_t                    read_arena;    /* memory of the grant that
                                                       is being read */
    ngx_uint_t                       read_journal;  /* 1: the grant is from the
                                                       journal */

    /* when the worker last logged a message that names no identity, on the
       channel for changed grants; 0: never */
    ngx_msec_t                       no_identity_logged;

    /* when each kind of event was last logged, see ngx_cigna_reply_note() */
    ngx_msec_t                       noted[ngx_cigna_count_max];

    /* see ngx_cigna_trace.c */
    size_t                           random_left;   /* unused bytes of
                                                       "random" */
    u_char                           random[NGX_CIGNA_RANDOM_LEN];
};


#endif /* _NGX_CIGNA_WORKER_H_INCLUDED_ */
