
#ifndef _NGX_CIGNA_CONDITION_H_INCLUDED_
#define _NGX_CIGNA_CONDITION_H_INCLUDED_


#include "nginx/ngx_cigna_compat.h"


/*
 * Every way in which a request to a location with "cigna_fhir on", cigna_status
 * or cigna_disconnect can end.  cigna_dance_outcome.h lists the ways in which a
 * dance can end.
 */

typedef enum {
    ngx_cigna_condition_served = 0,
    ngx_cigna_condition_served_stale,      /* from the cache, while the vault
                                              is out of reach */
    ngx_cigna_condition_method_refused,
    ngx_cigna_condition_no_identity,
    ngx_cigna_condition_identity_invalid,

    /* the member must connect (again) */
    ngx_cigna_condition_not_connected,     /* the vault has no grant */
    ngx_cigna_condition_grant_spent,       /* Cigna has ended the grant, or no
                                              attempt to refresh it had a known
                                              result */
    ngx_cigna_condition_grant_expired,     /* the token has expired, and there
                                              is no refresh token */
    ngx_cigna_condition_grant_refused,     /* the FHIR server refuses the token,
                                              and no refresh helps */
    ngx_cigna_condition_grant_moved,       /* the grant was made for another
                                              issuer, client_id or fhir_base */

    ngx_cigna_condition_vault_unreachable,
    ngx_cigna_condition_key_unknown,       /* the key ring lacks the key of the
                                              member's record */
    ngx_cigna_condition_record_damaged,    /* the member's record cannot be
                                              read */

    ngx_cigna_condition_refresh_failed,    /* a later refresh may succeed */
    ngx_cigna_condition_refresh_paused,    /* no refresh begins for now */
    ngx_cigna_condition_refresh_late,      /* the refresh is still going on */
    ngx_cigna_condition_refresh_crowded,   /* too many requests wait for
                                              refreshes */

    ngx_cigna_condition_upstream_unreachable,
    ngx_cigna_condition_upstream_late,
    ngx_cigna_condition_upstream_error,    /* an error that is not FHIR */

    ngx_cigna_condition_request_refused,   /* by nginx itself, for example by
                                              its access checks */
    ngx_cigna_condition_request_malformed, /* see cigna_gate_out.h */
    ngx_cigna_condition_search_too_large,  /* the body of a search by POST is
                                              too large */
    ngx_cigna_condition_media_type_refused,
    ngx_cigna_condition_type_refused,      /* see "resource_types" */
    ngx_cigna_condition_use_refused,       /* see ngx_cigna_fetch_use.h */
    ngx_cigna_condition_destination_refused,  /* the configuration could send a
                                              token elsewhere */
    ngx_cigna_condition_origin_refused,    /* a page of an origin that is not
                                              allowed has sent the request */
    ngx_cigna_condition_not_disconnected,  /* the vault is out of reach */

    /* a budget is spent */
    ngx_cigna_condition_budget_gateway,    /* shared by all tenants */
    ngx_cigna_condition_budget_tenant,
    ngx_cigna_condition_budget_member,
    ngx_cigna_condition_budget_metadata,   /* of requests without a token */

    ngx_cigna_condition_held_back,         /* in a pause, after a 429 or a 503
                                              of the FHIR server */
    ngx_cigna_condition_budget_unknown,    /* Redis is out of reach, and the
                                              budget has outage=closed */
    ngx_cigna_condition_upstream_throttled,  /* the FHIR server's own 429 */
    ngx_cigna_condition_internal_error,
    ngx_cigna_condition_max
} ngx_cigna_condition_e;


/* a row of the table of conditions: texts for replies and for the log */

typedef struct {
    ngx_str_t      name;                   /* in logs, variables and replies */
    ngx_uint_t     status;                 /* HTTP status of the reply */
    const char    *issue;                  /* FHIR R4, code of an issue */
    ngx_uint_t     level;                  /* NGX_LOG_... */
    ngx_uint_t     retry_after_s;          /* if no better time is known; 0: no
                                              Retry-After */
    ngx_uint_t     connect;                /* 1: replies have the connect URL */
    const char    *title;                  /* title of a page */
    const char    *text;                   /* text for people, in plain ASCII */
} ngx_cigna_condition_t;


/*
 * Returns the row of a condition, which is static.  An unknown value gets the
 * row of internal_error.
 */
const ngx_cigna_condition_t *ngx_cigna_condition(ngx_cigna_condition_e e);


#endif /* _NGX_CIGNA_CONDITION_H_INCLUDED_ */
