
#ifndef _CIGNA_RESOURCE_TYPES_H_INCLUDED_
#define _CIGNA_RESOURCE_TYPES_H_INCLUDED_


#include "base/cigna_buf.h"


/*
 * Checks whether all types of resources that a FHIR request can return or tell
 * of are on a list, by its path and query (FHIR R4, RESTful API).
 *
 *   Type, Type/id, Type/id/_history/...   the type
 *   Type/id/Other                         Other, in the compartment of Type/id
 *   Type/id/$operation, Type/$operation   unknown: the type and the operation
 *                                         must be on the list; $everything may
 *                                         tell its types by _type
 *   (nothing), _search, _history          all types, unless _type tells them
 *   ?_getpages=...                        a page of an earlier search
 *   _include, _revinclude, _has           these types, too
 *   _contained, _query, _graph, _filter   unknown
 *   link:Type.name, link.name, _sort,     these types are searched, which tells
 *   _list, _in                            of them without returning them
 *   metadata, .well-known/..., $userinfo  none
 *
 * Everything else is refused, whatever is on the list.
 */

#define CIGNA_TYPE_LEN_MAX  64


/* the list: names of types, and of operations with their "$"; borrowed */

typedef struct {
    const cigna_slice_t  *names;
    size_t                count;
} cigna_resource_types_t;


/* 1 if a name can be on the list: "Patient", "$everything" */
int cigna_resource_types_name(cigna_slice_t name);

/*
 * CIGNA_OK if the request asks only for what is on the list.  path: what
 * follows the base and its "/", not decoded; query: what follows "?".
 * CIGNA_ERROR: "what" gets the first name that is not on the list, "*" for all
 * types, or nothing if the path or the query is malformed.
 */
int cigna_resource_types_allow(const cigna_resource_types_t *types,
    cigna_slice_t path, cigna_slice_t query, cigna_buf_t *what);


#endif /* _CIGNA_RESOURCE_TYPES_H_INCLUDED_ */
