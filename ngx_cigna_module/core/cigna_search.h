
#ifndef _CIGNA_SEARCH_H_INCLUDED_
#define _CIGNA_SEARCH_H_INCLUDED_
#include "cigna_buf.h"
int cigna_search_path(cigna_slice_t path);
int cigna_search_form(cigna_slice_t media_type);
int cigna_search_query(cigna_slice_t query, cigna_slice_t body, cigna_buf_t *b);
size_t cigna_search_query_max(size_t query_len, size_t body_len);
#endif
