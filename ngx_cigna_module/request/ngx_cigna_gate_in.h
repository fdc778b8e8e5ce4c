
#ifndef _NGX_CIGNA_GATE_IN_H_INCLUDED_
#define _NGX_CIGNA_GATE_IN_H_INCLUDED_


#include "gateway/ngx_cigna_conf.h"


/*
 * The gate in: what a reply of a cigna_fhir location may say to browsers.  A
 * FHIR document is untrusted content on the app's own origin.
 *
 * The gate acts twice.  The header filter of ngx_cigna_module has it judge the
 * FHIR server's lines.  A header filter of its own then writes the lines that
 * must be there exactly once, CORS's among them, also for status and
 * disconnect.  That filter is in a module of its own, which comes after all
 * others that write lines ("add_header", "expires", "userid").
 */


/* drops lines of the FHIR server's reply; lines of other origin stay */
void ngx_cigna_gate_in_reply(ngx_http_request_t *r);


#endif /* _NGX_CIGNA_GATE_IN_H_INCLUDED_ */
