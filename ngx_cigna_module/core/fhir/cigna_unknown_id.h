
#ifndef _CIGNA_UNKNOWN_ID_H_INCLUDED_
#define _CIGNA_UNKNOWN_ID_H_INCLUDED_


#include "base/cigna_slice.h"


/*
 * Cigna's FHIR server answers a request for an unknown id with status 500 and
 * this OperationOutcome:
 *
 *     {"resourceType": "OperationOutcome", "issue": [{...,
 *      "diagnostics": "HAPI-2001: Resource Patient/1 is not known"}]}
 */

#define CIGNA_UNKNOWN_ID_MAX  8192         /* most bytes of the outcome */


/*
 * 1 if the text is Cigna's OperationOutcome for an unknown id: complete, valid,
 * not longer than CIGNA_UNKNOWN_ID_MAX, and with "Resource ... is not known" in
 * "diagnostics" or in the text of "details".
 */
int cigna_unknown_id(cigna_slice_t text);


#endif /* _CIGNA_UNKNOWN_ID_H_INCLUDED_ */
