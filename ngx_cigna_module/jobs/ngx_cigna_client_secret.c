
/*
 * An operator who replaces a client secret must know which of the two secrets
 * Cigna accepts.  Each worker learns this from its next requests to Cigna.
 */


#include "ngx_cigna_client_secret.h"
#include "shm/ngx_cigna_counters.h"
#include "gateway/ngx_cigna_tenant.h"


void
ngx_cigna_client_secret_worked(ngx_cigna_run_t *run,
    cigna_client_secret_t *secret)
{
    ngx_cigna_tenant_t  *tenant = run->tenant;

    if (!secret->worked) {
        return;
    }

    secret->worked = 0;

    if (secret->older) {
        ngx_cigna_count(tenant->counters, ngx_cigna_count_older_secret);
    }

    if (!secret->changed
        || !ngx_cigna_log_due(&tenant->secret_logged[secret->older]))
    {
        return;
    }

    ngx_log_error(NGX_LOG_NOTICE, &run->log.log, 0, "%s",
                  secret->older ? "the older client secret is still the one "
                                  "that Cigna knows"
                                : "the new client secret is the one that "
                                  "Cigna knows now");
}
