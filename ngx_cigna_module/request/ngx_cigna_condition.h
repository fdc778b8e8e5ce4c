
#ifndef _NGX_CIGNA_CONDITION_H_INCLUDED_
#define _NGX_CIGNA_CONDITION_H_INCLUDED_


#include "nginx/ngx_cigna_compat.h"


/*
 * What can be said to callers of "cigna_fhir on", cigna_status and
 * cigna_disconnect: the closed list.  How a dance ends is another list, see
 * cigna_dance_outcome.h.
 */

typedef enum {
    ngx_cigna_condition_served = 0,
    ngx_cigna_condition_served_stale,                /* the vault cannot be asked */
    ngx_cigna_condition_method_refused,
    ngx_cigna_condition_no_identity,
    ngx_cigna_condition_identity_invalid,
    ngx_cigna_condition_not_connected,               /* no grant, for certain */
    ngx_cigna_condition_grant_spent,                 /* withdrawn or refused for good */
    ngx_cigna_condition_grant_expired,               /* and no refresh token */
    ngx_cigna_condition_grant_refused,               /* by the FHIR server, even fresh */
    ngx_cigna_condition_grant_moved,                 /* made for another registration */
    ngx_cigna_condition_vault_unreachable,
    ngx_cigna_condition_key_unknown,
    ngx_cigna_condition_record_damaged,
    ngx_cigna_condition_refresh_failed,              /* for now */
    ngx_cigna_condition_refresh_paused,              /* none begins for now */
    ngx_cigna_condition_refresh_late,                /* still under way */
    ngx_cigna_condition_refresh_crowded,             /* too many wait for it */
    ngx_cigna_condition_upstream_unreachable,        /* the FHIR server */
    ngx_cigna_condition_upstream_late,
    ngx_cigna_condition_upstream_error,              /* it said so, but not in FHIR */
    ngx_cigna_condition_request_refused,             /* by nginx: access rules, sizes */
    ngx_cigna_condition_request_malformed,           /* see cigna_gate_out.h */
    ngx_cigna_condition_search_too_large,            /* of a POST, see cigna_search.h */
    ngx_cigna_condition_media_type_refused,
    ngx_cigna_condition_type_refused,                /* see resource_types */
    ngx_cigna_condition_use_refused,                 /* a browser would run it */
    ngx_cigna_condition_destination_refused,         /* see ngx_cigna_inject.c */
    ngx_cigna_condition_subrequest_refused,
    ngx_cigna_condition_origin_refused,              /* of a POST: another site's */
    ngx_cigna_condition_not_disconnected,            /* the vault cannot be asked */
    ngx_cigna_condition_budget_gateway,              /* it is spent: of all tenants */
    ngx_cigna_condition_budget_tenant,
    ngx_cigna_condition_budget_member,
    ngx_cigna_condition_budget_metadata,             /* strangers' */
    ngx_cigna_condition_held_back,                   /* as the FHIR server wants it */
    ngx_cigna_condition_budget_unknown,              /* Redis cannot be asked */
    ngx_cigna_condition_upstream_throttled,          /* its own 429, passed on */
    ngx_cigna_condition_internal_error,
    ngx_cigna_condition_max
} ngx_cigna_condition_e;


/* one row of the table */

typedef struct {
    ngx_str_t      name;
    ngx_uint_t     status;
    const char    *issue;                  /* code of a FHIR issue */
    ngx_uint_t     level;                  /* of the log */
    ngx_uint_t     retry_after_s;          /* 0: none */
    ngx_uint_t     connect;                /* carries the connect URL */
    const char    *title;                  /* of a page */
    const char    *text;
} ngx_cigna_condition_t;


const ngx_cigna_condition_t *ngx_cigna_condition(ngx_cigna_condition_e e);


#endif /* _NGX_CIGNA_CONDITION_H_INCLUDED_ */
