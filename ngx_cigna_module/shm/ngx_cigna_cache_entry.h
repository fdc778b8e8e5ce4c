
#ifndef _NGX_CIGNA_CACHE_ENTRY_H_INCLUDED_
#define _NGX_CIGNA_CACHE_ENTRY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "vault/cigna_grant.h"
#include "vault/cigna_vault_names.h"


/* an access token in the cache, and the facts that go with it */

typedef struct {
    ngx_str_t   token;                     /* bearer token */

    /* facts about the grant; each may be empty */
    ngx_str_t   patient;
    ngx_str_t   scope;
    ngx_str_t   userinfo;

    u_char      name[CIGNA_NAME_LEN];      /* names the identity in messages
                                              between nodes */
    u_char      id[CIGNA_GRANT_ID_LEN];    /* id of the grant */
    uint64_t    generation;

    /* times since the epoch */
    int64_t     expires_ms;                /* when the token expires */
    int64_t     due_ms;                    /* when a refresh may begin; 0:
                                              never */
    int64_t     checked_ms;                /* when Redis last confirmed the
                                              entry */
    unsigned    suspect:1;                 /* result of ngx_cigna_cache_get():
                                              ask Redis before use */
} ngx_cigna_cache_entry_t;


/* bytes of all strings */

#define ngx_cigna_cache_entry_len(entry)                                      \
    ((entry)->token.len + (entry)->patient.len + (entry)->scope.len           \
     + (entry)->userinfo.len)


#endif /* _NGX_CIGNA_CACHE_ENTRY_H_INCLUDED_ */
