
#ifndef _CIGNA_GATE_IN_H_INCLUDED_
#define _CIGNA_GATE_IN_H_INCLUDED_


#include "base/cigna_slice.h"


/*
 * The rules of the gate "in", which filters the header lines of the FHIR
 * server's replies.  A line passes only if it is on an allow list of lines that
 * a FHIR client needs.  Cookies, server names and traces do not pass.  Above
 * all, no line passes by which the FHIR server would speak for the app's own
 * origin (Link, Refresh, Access-Control-*, Service-Worker-Allowed, ...).
 */

typedef enum {
    cigna_gate_in_unlisted = 0,

    cigna_gate_in_listed,
    cigna_gate_in_disposition,             /* Content-Disposition */

    cigna_gate_in_storing,                 /* Cache-Control, Expires or
                                              Pragma */
    cigna_gate_in_sniffing,                /* X-Content-Type-Options */
    cigna_gate_in_policy,                  /* Content-Security-Policy */
    cigna_gate_in_embedding                /* Cross-Origin-Resource-Policy */
} cigna_gate_in_e;


/* 1 if this line of the FHIR server's reply may go to the caller */
int cigna_gate_in_passes(cigna_slice_t name, cigna_slice_t value);

/*
 * 1 if cigna_gate_in_own() knows a name of this length; for most header lines
 * this spares the call
 */

static inline int
cigna_gate_in_own_len(size_t len)
{
    static const uint32_t  lengths = 1 << 6 | 1 << 7 | 1 << 13 | 1 << 19
                                     | 1 << 22 | 1 << 23 | 1 << 28;

    return len < 32 && (lengths >> len & 1);
}


/*
 * Returns the kind of a line that the gate itself writes.  The case of the name
 * does not count.  For other names it returns cigna_gate_in_unlisted.  The
 * gate's line replaces all other lines of its name.
 */
cigna_gate_in_e cigna_gate_in_own(cigna_slice_t name);

/*
 * 1 if a Content-Disposition is "attachment" and its parameters are well formed
 * (RFC 6266).
 */
int cigna_gate_in_attachment(cigna_slice_t value);

/*
 * 1 if every reader takes this Content-Type for JSON: application/json,
 * text/json, a subtype that ends with "+json", or FHIR's older
 * application/json+fhir.  Parameters are allowed.  A comma is not allowed,
 * because browsers use the type after it.
 */
int cigna_gate_in_json(cigna_slice_t type);


#endif /* _CIGNA_GATE_IN_H_INCLUDED_ */
