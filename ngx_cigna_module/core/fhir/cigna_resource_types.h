
#ifndef _CIGNA_RESOURCE_TYPES_H_INCLUDED_
#define _CIGNA_RESOURCE_TYPES_H_INCLUDED_


#include "base/cigna_buf.h"


/*
 * Checks the path and the query of a FHIR request against a list of resource
 * types (FHIR R4, RESTful API).  All types whose resources the request may
 * return, or whose contents the answer may reveal, must be on the list.  These
 * types are:
 *
 *   Type, Type/id, Type/id/_history/...   the type
 *   Type/id/Other                         Other, in the compartment of Type/id
 *   Type/id/$operation, Type/$operation   unknown: the type and the operation
 *                                         must be on the list, except for
 *                                         $everything if _type names types
 *   (nothing), _search, _history          all types, unless _type names them
 *   ?_getpages=...                        those of an earlier search, which are
 *                                         not checked again
 *   _include, _revinclude, _has           the types that they reveal, too
 *   _contained (unless "false"), _query,  unknown: the request is refused
 *   _graph, _filter, _not-referenced,
 *   _with, _assoc
 *   link:Type.name, link.name, _sort,     the types that the server searches,
 *   _list, _in                            as the result reveals their contents
 *   metadata, .well-known/..., $userinfo  none
 *
 * All other requests are refused, even if their types are on the list.
 */

#define CIGNA_TYPE_LEN_MAX  64


/* the list: names of types, and of operations with their "$"; borrowed */

typedef struct {
    const cigna_slice_t  *names;
    size_t                count;
} cigna_resource_types_t;


/*
 * 1 if the name may be on a list: it has the form of a type's name, or of an
 * operation's with its "$"
 */
int cigna_resource_types_name(cigna_slice_t name);

/*
 * CIGNA_OK if the request asks only for types on the list.  path: the part
 * after the base and its "/", not decoded.  query: the part after "?".
 * CIGNA_ERROR: "what" gets the first name that is not on the list, "*" if the
 * request asks for all types, the name of a parameter that is refused, or ";"
 * if a server may read one parameter as several.  "what" gets nothing if the
 * path or the query is malformed, or has too long a name.
 */
int cigna_resource_types_allow(const cigna_resource_types_t *types,
    cigna_slice_t path, cigna_slice_t query, cigna_buf_t *what);


#endif /* _CIGNA_RESOURCE_TYPES_H_INCLUDED_ */
