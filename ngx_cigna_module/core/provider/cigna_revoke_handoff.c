
#include "cigna_revoke_handoff.h"


void
cigna_revoke_handoff_init(cigna_revoke_handoff_t *r)
{
    r->token = cigna_slice_null;
    r->refresh_token = 0;
}


void
cigna_revoke_handoff_prepare(cigna_revoke_handoff_t *r,
    cigna_slice_t refresh_token, cigna_slice_t access_token)
{
    r->refresh_token = refresh_token.len != 0;
    r->token = refresh_token.len ? refresh_token : access_token;
}


int
cigna_revoke_handoff_next(cigna_revoke_handoff_t *r, cigna_op_t *op)
{
    if (r->token.len == 0) {
        return CIGNA_OK;
    }

    cigna_flow_revoke(op, r->token, r->refresh_token);

    r->token = cigna_slice_null;

    return CIGNA_AGAIN;
}
