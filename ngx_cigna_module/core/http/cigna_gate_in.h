
#ifndef _CIGNA_GATE_IN_H_INCLUDED_
#define _CIGNA_GATE_IN_H_INCLUDED_


#include "base/cigna_slice.h"


/*
 * The rules of the gate in: header lines of the FHIR server's reply pass if
 * they are on an allow list, which has what a FHIR client needs to read a
 * reply.  Everything else stays behind: cookies, names of servers, traces, and
 * above all the lines that a browser would take for the word of the app's own
 * origin (Link, Refresh, Access-Control-*, Service-Worker-Allowed, ...).
 */

typedef enum {
    cigna_gate_in_unlisted = 0,

    cigna_gate_in_listed,
    cigna_gate_in_disposition,             /* Content-Disposition */

    cigna_gate_in_storing,                 /* Cache-Control and its elders */
    cigna_gate_in_sniffing,                /* X-Content-Type-Options */
    cigna_gate_in_policy,                  /* Content-Security-Policy */
    cigna_gate_in_embedding                /* Cross-Origin-Resource-Policy */
} cigna_gate_in_e;


/* 1 if this line of the FHIR server's reply may go on to the caller */
int cigna_gate_in_passes(cigna_slice_t name, cigna_slice_t value);

/* 1 if cigna_gate_in_own() knows a name of this length; most it does not */

static inline int
cigna_gate_in_own_len(size_t len)
{
    static const uint32_t  lengths = 1 << 6 | 1 << 7 | 1 << 13 | 1 << 19
                                     | 1 << 22 | 1 << 23 | 1 << 28;

    return len < 32 && (lengths >> len & 1);
}


/*
 * Which of the lines that the gate itself writes has this name, in either case;
 * it is written in place of all others of that name.
 */
cigna_gate_in_e cigna_gate_in_own(cigna_slice_t name);

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
