
#ifndef _NGX_CIGNA_GATE_IN_H_INCLUDED_
#define _NGX_CIGNA_GATE_IN_H_INCLUDED_


#include "gateway/ngx_cigna_conf.h"


/*
 * The gate in: what a reply of a cigna_fhir location may say to browsers.  A
 * FHIR document is untrusted content on the app's own origin.
 *
 * The gate acts twice.  The header filter of ngx_cigna_module has it judge the
 * FHIR server's lines.  A header filter of its own, in a module that comes
 * after all others which write lines ("add_header", "expires", "userid"),
 * writes the lines that must be there once; those of status and disconnect,
 * and of CORS, too.
 */


/* drops lines of the FHIR server's reply; lines of anybody else stay */
void ngx_cigna_gate_in_reply(ngx_http_request_t *r);


#endif /* _NGX_CIGNA_GATE_IN_H_INCLUDED_ */
