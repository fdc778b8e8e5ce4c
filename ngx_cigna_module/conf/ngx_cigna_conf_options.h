
#ifndef _NGX_CIGNA_CONF_OPTIONS_H_INCLUDED_
#define _NGX_CIGNA_CONF_OPTIONS_H_INCLUDED_


#include "gateway/ngx_cigna_budget_conf.h"
#include "gateway/ngx_cigna_conf.h"

#include "fhir/cigna_resource_types.h"


/* the source of a client secret */

typedef struct {
    ngx_str_t     name;                    /* name of the file or of the
                                              environment variable */
    ngx_uint_t    env;                     /* 1: an environment variable; 0: a
                                              file */
} ngx_cigna_secret_source_t;


#define NGX_CIGNA_CLIENT_SECRETS_MAX  2


/* directives of a block cigna_tenant; most fields have a directive's name */

typedef struct {
    ngx_uint_t    environment;
    ngx_str_t     issuer;
    ngx_str_t     authorization_endpoint;
    ngx_str_t     token_endpoint;
    ngx_str_t     jwks_uri;
    ngx_str_t     revocation_endpoint;
    ngx_str_t     fhir_base;
    ngx_flag_t    userinfo;
    ngx_flag_t    insecure_http;

    ngx_uint_t    token_endpoint_auth_method;      /* cigna_auth_e */
    ngx_str_t     client_id;
    ngx_cigna_secret_source_t  client_secrets[NGX_CIGNA_CLIENT_SECRETS_MAX];
    ngx_uint_t    nclient_secrets;         /* how many there are; the newer
                                              secret is the first */
    ngx_str_t     redirect_uri;
    ngx_array_t  *return_to;               /* ngx_str_t */
    ngx_str_t     scope;
    ngx_str_t     aud;
    ngx_array_t  *authorize_param;         /* ngx_keyval_t */

    cigna_resource_types_t  resource_types;
    ngx_uint_t    types_dry;               /* resource_types has "dry_run" */

    ngx_str_t     trusted_certificate;
    ngx_msec_t    connect_timeout;
    ngx_msec_t    timeout;
    ngx_msec_t    exchange_timeout;

    time_t        clock_leeway;
    time_t        token_lifetime;
    time_t        grant_ttl;
    time_t        refresh_ahead;
    ngx_int_t     dances_per_member;
    ngx_int_t     dances_per_second;
    ngx_int_t     token_requests;
    ngx_int_t     refresh_waiters;
    ngx_int_t     per_grant;               /* parameter of refresh_waiters */
    ngx_int_t     refused_share;           /* per cent */

    ngx_cigna_budget_conf_t  budget;
    ngx_cigna_budget_conf_t  member_budget;
    ngx_cigna_budget_conf_t  member_dances;
} ngx_cigna_tenant_options_t;


/*
 * Upper bounds, ms: TIMEOUT_MAX for "timeout" and "connect_timeout",
 * EXCHANGE_MAX for "exchange_timeout".
 */

#define NGX_CIGNA_TIMEOUT_MAX   (300 * 1000)
#define NGX_CIGNA_EXCHANGE_MAX  (600 * 1000)


/* values of "environment" */

#define NGX_CIGNA_SANDBOX     0
#define NGX_CIGNA_PRODUCTION  1


#endif /* _NGX_CIGNA_CONF_OPTIONS_H_INCLUDED_ */
