
#ifndef _CIGNA_GATE_IN_H_INCLUDED_
#define _CIGNA_GATE_IN_H_INCLUDED_


#include "cigna_slice.h"


/*
 * The rules of the gate in: header lines of the FHIR server's reply pass if
 * they are on an allow list, which has what a FHIR client needs to read a
 * reply.  Everything else stays behind: cookies, names of servers, traces, and
 * above all the lines that a browser would take for the word of the app's own
 * origin (Link, Refresh, Access-Control-*, Service-Worker-Allowed, ...).
 *
 * The table also has the lines that the gate itself writes, in place of every
 * other line of that name.
 */

typedef enum {
    cigna_gate_in_unlisted = 0,

    cigna_gate_in_listed,
    cigna_gate_in_disposition,             /* listed if it is an attachment */

    /* never the FHIR server's */
    cigna_gate_in_storing,                 /* Cache-Control and its elders */
    cigna_gate_in_sniffing,                /* X-Content-Type-Options */
    cigna_gate_in_policy,                  /* Content-Security-Policy */
    cigna_gate_in_embedding                /* Cross-Origin-Resource-Policy */
} cigna_gate_in_e;


/* which line of the table has this name, in either case */
cigna_gate_in_e cigna_gate_in_name(cigna_slice_t name);

/* 1 if this line of the FHIR server's reply may go on to the caller */
int cigna_gate_in_passes(cigna_slice_t name, cigna_slice_t value);

/* 1 if no byte is a control byte; tabs are fine */
int cigna_gate_in_plain(cigna_slice_t s);

/*
 * 1 if a Content-Disposition is "attachment", with or without parameters that
 * are well formed.
 */
int cigna_gate_in_attachment(cigna_slice_t value);

/*
 * 1 if a Content-Type is JSON to every reader: application/json, text/json or
 * a subtype that ends with "+json", and FHIR's older application/json+fhir.
 * Parameters are allowed.  A comma is not, as browsers take what follows it.
 */
int cigna_gate_in_json(cigna_slice_t type);


#endif /* _CIGNA_GATE_IN_H_INCLUDED_ */
