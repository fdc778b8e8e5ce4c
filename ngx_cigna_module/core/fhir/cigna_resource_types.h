
#ifndef _CIGNA_RESOURCE_TYPES_H_INCLUDED_
#define _CIGNA_RESOURCE_TYPES_H_INCLUDED_


#include "base/cigna_buf.h"


/*
 * Which types of resources a FHIR request can bring, by its path and query
 * (FHIR R4, RESTful API), and whether all of them are on a list.
 *
 *   Type, Type/id, Type/id/_history/...   the type
 *   Type/id/Other                         the other one, of the compartment
 *   Type/id/$operation, Type/$operation   what it brings nobody knows: both
 *                                         have to be on the list; $everything
 *                                         may tell its types by _type
 *   (nothing), _search, _history          all types, unless _type tells which
 *   ?_getpages=...                        a page of what was searched before
 *   _include, _revinclude, _has           more types than the path says
 *   _contained, _query, _graph, _filter   what they bring nobody knows
 *   link:Type.name, link.name, _sort,     search other types, of which they
 *   _list, _in                            tell without bringing them
 *   metadata, .well-known/..., $userinfo  none
 *
 * What is none of these is not allowed, whatever the list.
 */

#define CIGNA_TYPE_LEN_MAX  64


/* names of types and, with their "$", of operations; all are borrowed */

typedef struct {
    const cigna_slice_t  *names;
    size_t                count;
} cigna_resource_types_t;


/* 1 if it may stand on a list: "Patient", "$everything" */
int cigna_resource_types_name(cigna_slice_t name);

/*
 * CIGNA_OK if the request asks for nothing but what is on the list.  path is
 * what comes behind the base and its "/", not decoded; query comes behind "?".
 * CIGNA_ERROR: the buffer is given the first name that is not there, or "*"
 * for all types; nothing if the path makes no sense.
 */
int cigna_resource_types_allow(const cigna_resource_types_t *types,
    cigna_slice_t path, cigna_slice_t query, cigna_buf_t *what);


#endif /* _CIGNA_RESOURCE_TYPES_H_INCLUDED_ */
