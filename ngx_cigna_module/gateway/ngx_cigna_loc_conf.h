
#ifndef _NGX_CIGNA_LOC_CONF_H_INCLUDED_
#define _NGX_CIGNA_LOC_CONF_H_INCLUDED_


#include "ngx_cigna_conf.h"
#include "nginx/ngx_cigna_block.h"

#include "fhir/cigna_gate_out.h"


/* configuration of a server block */

struct ngx_cigna_srv_conf_s {
    ngx_str_t                  connect_path;   /* path of the location with
                                                  cigna_connect, at which
                                                  members connect; or empty */
    ngx_http_server_name_t    *names;      /* names in "server_name" */
    ngx_uint_t                 nnames;
};


/*
 * A line of proxy_set_header of which each request checks the value, because it
 * has variables, or the name, because it is odd.
 */

typedef struct {
    ngx_str_t                  name;
    ngx_http_complex_value_t  *value;      /* NULL: constant */
    unsigned                   odd:1;      /* nginx may fail to replace a
                                              caller's line of this name */
} ngx_cigna_set_line_t;


/* "cigna_cors" */

typedef struct {
    ngx_array_t                origins;    /* ngx_str_t, as browsers write
                                              them */
    ngx_uint_t                 credentials;
} ngx_cigna_cors_t;


/* the directive that gives a location its content handler */

typedef enum {
    ngx_cigna_endpoint_none = 0,
    ngx_cigna_endpoint_connect,
    ngx_cigna_endpoint_callback,
    ngx_cigna_endpoint_status,
    ngx_cigna_endpoint_disconnect,
    ngx_cigna_endpoint_counters
} ngx_cigna_endpoint_e;


#define NGX_CIGNA_SEARCH_MAX  16384        /* bytes of a search by POST */


/* configuration of a location */

struct ngx_cigna_loc_conf_s {
    ngx_http_complex_value_t  *tenant_value;   /* NULL: no cigna_identity */
    ngx_cigna_tenant_t        *tenant;     /* NULL: the tenant's name has
                                              variables */
    ngx_http_complex_value_t  *member_value;
    ngx_cigna_place_t         *identity;   /* file and line of
                                              cigna_identity */
    ngx_str_t                  certificate;    /* name of the variable of the
                                                  client's certificate that
                                                  cigna_identity uses; or
                                                  empty */

    ngx_flag_t                 fhir;
    ngx_flag_t                 cache;
    ngx_flag_t                 links;
    ngx_str_t                  base_url;   /* ends with "/"; or empty */
    ngx_array_t               *endpoints;  /* cigna_public_endpoint_t, or
                                              NULL */
    ngx_flag_t                 not_found;
    ngx_flag_t                 insecure_upstream;

    ngx_cigna_cors_t          *cors;       /* NULL: off */
    ngx_str_t                  cors_methods;   /* methods for other origins;
                                                  empty: cors has no effect */

    ngx_cigna_endpoint_e       endpoint;
    ngx_http_handler_pt        endpoint_handler;
    ngx_http_handler_pt        fhir_handler;

    ngx_cigna_place_t         *place;      /* file and line of cigna_fhir, or of
                                              the endpoint's directive */

    struct ngx_cigna_notices_s  *notices;  /* directives of other modules, see
                                              ngx_cigna_conf_notice.h */

    /* lines of proxy_set_header, if the location has cigna_fhir; NULL: none */
    ngx_array_t               *set_names;  /* cigna_slice_t, of all lines */
    ngx_array_t               *set_lines;  /* ngx_cigna_set_line_t, of lines
                                              that have variables, or a name
                                              with bytes that nginx may call
                                              invalid */

    /* set if the location has cigna_fhir */
    ngx_str_t                  name;
    ngx_http_handler_pt        content;    /* the location's own content
                                              handler, which fhir_handler
                                              calls */

    /* set by the worker: when it last logged a refusal of each kind */
    ngx_msec_t                 gate_logged[CIGNA_GATE_OUT_MAX];
};


#endif /* _NGX_CIGNA_LOC_CONF_H_INCLUDED_ */
