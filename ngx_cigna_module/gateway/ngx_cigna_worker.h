
#ifndef _NGX_CIGNA_WORKER_H_INCLUDED_
#define _NGX_CIGNA_WORKER_H_INCLUDED_


#include "ngx_cigna_conf.h"


/* what one worker process keeps */

struct ngx_cigna_worker_s {
    ngx_cycle_t                   *cycle;
    ngx_cigna_redis_t             *redis;
    ngx_cigna_cache_hash_t        *hasher;

    /* refreshes under way, by identity: at most one each */
    ngx_rbtree_t               refreshes;
    ngx_rbtree_node_t          sentinel;

    ngx_queue_t                runs;           /* all that are alive */

    /* see ngx_cigna_exchanges.h */
    ngx_queue_t                seats;          /* by origin */
    ngx_uint_t                 seats_taken;    /* of all origins */
    time_t                     seats_logged;   /* that none is free; 0: never */

    ngx_str_t                  budget_key;     /* in Redis */

    /* see ngx_cigna_metadata.h: the document used last comes first */
    ngx_queue_t                documents;
    ngx_uint_t                 ndocuments;
    size_t                     documents_size; /* bytes of their texts */

    /* see ngx_cigna_journal_writer.h; not cancelable while the journal has entries
       that Redis has not confirmed */
    ngx_event_t                upkeep;
    ngx_uint_t                 revocations;    /* of these */

    /* when a message that names nobody was logged last */
    time_t                     nobody_logged;
};


/*
 * init_process and exit_process.  init() does nothing where the configuration
 * has no vault.  exit() ends all runs and closes Redis.
 */
ngx_int_t ngx_cigna_worker_init(ngx_cycle_t *cycle,
    ngx_cigna_main_conf_t *mcf);
void ngx_cigna_worker_exit(ngx_cigna_main_conf_t *mcf);


/* milliseconds since the epoch, from nginx's cached time */
int64_t ngx_cigna_now_ms(void);


#endif /* _NGX_CIGNA_WORKER_H_INCLUDED_ */
