
#ifndef _CIGNA_UNKNOWN_ID_H_INCLUDED_
#define _CIGNA_UNKNOWN_ID_H_INCLUDED_


#include "base/cigna_slice.h"


/*
 * The OperationOutcome that Cigna's FHIR server sends, with status 500, for an
 * id that it does not have:
 *
 *     {"resourceType": "OperationOutcome", "issue": [{...,
 *      "diagnostics": "HAPI-2001: Resource Patient/1 is not known"}]}
 */

#define CIGNA_UNKNOWN_ID_MAX  8192         /* bytes of the outcome */


/*
 * 1 if the text is such an outcome: complete, valid and no longer than
 * CIGNA_UNKNOWN_ID_MAX.  The sentence may also be the text of "details".
 */
int cigna_unknown_id(cigna_slice_t text);


#endif /* _CIGNA_UNKNOWN_ID_H_INCLUDED_ */
