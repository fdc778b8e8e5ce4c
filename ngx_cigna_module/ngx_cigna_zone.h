
#ifndef _NGX_CIGNA_ZONE_H_INCLUDED_
#define _NGX_CIGNA_ZONE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * The shared-memory zone: a slab pool with the cache in it, and fixed,
 * pointer-free parts outside the slab (counters).  A dirty word, set after
 * locking and cleared before unlocking, tells that a worker died inside: who
 * finds it set makes the cache anew and keeps the fixed parts.  Under the
 * lock: no I/O, no logging, no allocation outside the slab, no cryptography.
 */

typedef struct ngx_cigna_zone_s  ngx_cigna_zone_t;


/* adds the zone to the configuration; NULL after logging an error */
ngx_shm_zone_t *ngx_cigna_zone_add(ngx_conf_t *cf, ngx_str_t *name,
    size_t size);


#endif /* _NGX_CIGNA_ZONE_H_INCLUDED_ */
