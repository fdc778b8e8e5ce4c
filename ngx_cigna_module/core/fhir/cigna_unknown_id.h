
#ifndef _CIGNA_UNKNOWN_ID_H_INCLUDED_
#define _CIGNA_UNKNOWN_ID_H_INCLUDED_


#include "base/cigna_slice.h"


/*
 * What Cigna's FHIR server says, with status 500, of an id that it does not
 * have:
 *
 *     {"resourceType": "OperationOutcome", "issue": [{...,
 *      "diagnostics": "HAPI-2001: Resource Patient/1 is not known"}]}
 */

/* so much of a body is enough: narrative may come before the issue */

#define CIGNA_UNKNOWN_ID_MAX  8192


/*
 * 1 if the text, which may be the beginning of a longer one, is such an
 * outcome; the sentence may also be the text of details.
 */
int cigna_unknown_id(cigna_slice_t text);


#endif /* _CIGNA_UNKNOWN_ID_H_INCLUDED_ */
