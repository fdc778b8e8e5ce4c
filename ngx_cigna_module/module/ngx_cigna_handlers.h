
#ifndef _NGX_CIGNA_HANDLERS_H_INCLUDED_
#define _NGX_CIGNA_HANDLERS_H_INCLUDED_


#include "dance/ngx_cigna_dance_handlers.h"
#include "gateway/ngx_cigna_conf.h"


/* entry points of the request side, for the directive table and the wiring */

/* a content handler for operators: needs no identity */
ngx_int_t ngx_cigna_counters_handler(ngx_http_request_t *r);

/* installs all phase handlers and filters; in postconfiguration, once */
ngx_int_t ngx_cigna_handlers_init(ngx_conf_t *cf);

/* adds $cigna_* variables, in preconfiguration */
ngx_int_t ngx_cigna_variables_add(ngx_conf_t *cf);

/* whether a variable of this name is one of them */
ngx_uint_t ngx_cigna_variables_has(const ngx_str_t *name);

/*
 * What settings of a location do not go with cigna_fhir: called when
 * locations are merged, after lcf was merged and if lcf->fhir is on.
 * Takes the place of the location's handler.  NGX_CONF_OK, or NGX_CONF_ERROR
 * after logging it.
 */
char *ngx_cigna_fhir_check(ngx_conf_t *cf, ngx_cigna_loc_conf_t *lcf);


#endif /* _NGX_CIGNA_HANDLERS_H_INCLUDED_ */
