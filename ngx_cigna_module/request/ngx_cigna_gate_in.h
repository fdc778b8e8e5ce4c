
#ifndef _NGX_CIGNA_GATE_IN_H_INCLUDED_
#define _NGX_CIGNA_GATE_IN_H_INCLUDED_


#include "gateway/ngx_cigna_conf.h"


/*
 * The inbound gate (gate_in) decides which header lines of a cigna_fhir reply
 * reach the browser.  To the browser a FHIR document is untrusted content on
 * the app's own origin.
 *
 * The gate acts twice.  First the header filter of ngx_cigna_module calls
 * ngx_cigna_gate_in_reply(), which drops lines of the FHIR server.  Then the
 * gate's own header filter writes the lines that each reply must have exactly
 * once, and the lines of CORS.  The filter also does this for replies of the
 * module's other locations, such as status and connect.  The filter is in a
 * separate nginx module, which runs after all modules that write header lines
 * ("add_header", "expires", "userid").
 */


/*
 * Drops the FHIR server's header lines that cigna_gate_in_passes() does not
 * allow.  Keeps lines that nginx has added.
 */
void ngx_cigna_gate_in_reply(ngx_http_request_t *r);


#endif /* _NGX_CIGNA_GATE_IN_H_INCLUDED_ */
