#include "cigna_search.h"
int cigna_search_path(cigna_slice_t p) { cigna_slice_t e = cigna_slice("/_search"); return p.len > e.len && cigna_slice_eq(cigna_slice_skip(p, p.len - e.len), e); }
int cigna_search_form(cigna_slice_t m) { return cigna_slice_eq(m, cigna_slice("application/x-www-form-urlencoded")); }
int cigna_search_query(cigna_slice_t q, cigna_slice_t body, cigna_buf_t *b) { cigna_buf_append(b, q); if (q.len && body.len) cigna_buf_append_char(b, '&'); cigna_buf_append(b, body); return 0; }
size_t cigna_search_query_max(size_t q, size_t b) { return q + b + 2; }
