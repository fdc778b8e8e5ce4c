
#include "ngx_cigna_budget_init.h"
#include "ngx_cigna_budget_lease.h"
#include "shm/ngx_cigna_zone.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_tenant.h"
#include "gateway/ngx_cigna_worker.h"
#include "base/cigna_siphash.h"

#include <openssl/rand.h>


#define NGX_CIGNA_BUDGET_NAME  32          /* hexadecimal digits */


/* in the zone; by which name Redis counts the node */

typedef struct {
    cigna_budget_node_t     node;
    cigna_budget_origins_t  origins;
    u_char                  name[NGX_CIGNA_BUDGET_NAME];
} ngx_cigna_budget_area_t;

_Static_assert(sizeof(ngx_cigna_budget_area_t) <= NGX_CIGNA_ZONE_BUDGETS,
               "there is no room for the budgets");
_Static_assert(sizeof(cigna_budget_tenant_t) <= NGX_CIGNA_ROW_BUDGET,
               "there is no room for a tenant's budget");


#define ngx_cigna_budget_area(zone)                                           \
    ((ngx_cigna_budget_area_t *) ngx_cigna_zone_fixed(zone)->budgets)


static ngx_int_t ngx_cigna_budget_name(ngx_cigna_main_conf_t *mcf);
static ngx_int_t ngx_cigna_budget_key(ngx_cigna_main_conf_t *mcf);
static ngx_cigna_budget_t *ngx_cigna_budget_create(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_tenant_t *tenant, cigna_budget_members_t *members);
static int ngx_cigna_budget_alive(int32_t pid);


ngx_int_t
ngx_cigna_budget_init(ngx_cigna_main_conf_t *mcf)
{
    ngx_uint_t               i;
    ngx_cigna_zone_t        *fixed;
    ngx_cigna_tenant_t     **tenants;
    cigna_budget_members_t  *members;

    if (mcf->budget.place == NULL) {
        return NGX_OK;
    }

    if (ngx_cigna_budget_name(mcf) != NGX_OK
        || ngx_cigna_budget_key(mcf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    fixed = ngx_cigna_zone_fixed(mcf->zone);

    ngx_cigna_zone_lock(mcf->zone);

    members = cigna_budget_members_open(ngx_cigna_zone_members(fixed),
                                        fixed->members_size);

    ngx_cigna_zone_unlock(mcf->zone);

    tenants = mcf->tenants.elts;

    for (i = 0; i < mcf->tenants.nelts; i++) {

        tenants[i]->budget = ngx_cigna_budget_create(mcf, tenants[i], members);

        if (tenants[i]->budget == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* the first worker gives the node its name, by which Redis counts nodes */

static ngx_int_t
ngx_cigna_budget_name(ngx_cigna_main_conf_t *mcf)
{
    u_char                    bytes[NGX_CIGNA_BUDGET_NAME / 2];
    u_char                    name[NGX_CIGNA_BUDGET_NAME];
    ngx_cigna_budget_area_t  *area;

    if (RAND_bytes(bytes, sizeof(bytes)) != 1) {
        return NGX_ERROR;
    }

    (void) ngx_hex_dump(name, bytes, sizeof(bytes));

    area = ngx_cigna_budget_area(mcf->zone);

    ngx_cigna_zone_lock(mcf->zone);

    if (area->name[0] == '\0') {
        ngx_memcpy(area->name, name, NGX_CIGNA_BUDGET_NAME);
    }

    ngx_cigna_zone_unlock(mcf->zone);

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_budget_key(ngx_cigna_main_conf_t *mcf)
{
    u_char         *p;
    ngx_str_t      *key;
    cigna_slice_t   prefix;

    key = &mcf->worker->budget_key;
    prefix = mcf->vault.prefix;

    p = ngx_pnalloc(mcf->worker->cycle->pool,
                    prefix.len + sizeof(CIGNA_BUDGET_KEY));
    if (p == NULL) {
        return NGX_ERROR;
    }

    key->data = p;

    p = ngx_cpymem(p, prefix.data, prefix.len);
    p = ngx_cpymem(p, CIGNA_BUDGET_KEY, sizeof(CIGNA_BUDGET_KEY) - 1);

    key->len = p - key->data;

    return NGX_OK;
}


static ngx_cigna_budget_t *
ngx_cigna_budget_create(ngx_cigna_main_conf_t *mcf, ngx_cigna_tenant_t *tenant,
    cigna_budget_members_t *members)
{
    cigna_budget_t           *core;
    ngx_cigna_budget_t       *budget;
    ngx_cigna_budget_area_t  *area;

    budget = ngx_pcalloc(mcf->worker->cycle->pool,
                         sizeof(ngx_cigna_budget_t));
    if (budget == NULL) {
        return NULL;
    }

    area = ngx_cigna_budget_area(mcf->zone);
    core = &budget->core;

    core->plan = &tenant->plan;
    core->node = &area->node;
    core->tenant = (cigna_budget_tenant_t *) tenant->row->budget;
    core->members = members;
    core->pid = ngx_pid;
    core->alive = ngx_cigna_budget_alive;

    budget->mcf = mcf;
    budget->tenant = tenant;

    budget->who.key = ngx_cigna_slice(&mcf->worker->budget_key);
    budget->who.node.data = area->name;
    budget->who.node.len = NGX_CIGNA_BUDGET_NAME;
    budget->who.tenant = ngx_cigna_slice(&tenant->name);
    budget->who.origin = ngx_cigna_slice(&tenant->fhir_origin);

    budget->origin = ngx_cigna_budget_origin(budget->who.origin);
    budget->origins = &area->origins;

    ngx_cigna_budget_queue_init(budget);
    ngx_cigna_budget_lease_init(budget);

    return budget;
}


/* a new node has a zone of its own, so that the hash may be any */

uint64_t
ngx_cigna_budget_origin(cigna_slice_t origin)
{
    static const uint8_t  key[CIGNA_SIPHASH_KEY_LEN];

    uint64_t  hash[CIGNA_SIPHASH_LEN / sizeof(uint64_t)];

    cigna_siphash(key, origin, (uint8_t *) hash);

    return hash[0] ? hash[0] : 1;
}


/* a dead one counts as alive until the master has taken note of it */

static int
ngx_cigna_budget_alive(int32_t pid)
{
    return kill(pid, 0) == 0 || ngx_errno != NGX_ESRCH;
}


void
ngx_cigna_budget_exit(ngx_cigna_main_conf_t *mcf)
{
    ngx_uint_t             i;
    ngx_cigna_budget_t    *budget;
    ngx_cigna_tenant_t   **tenants;

    tenants = mcf->tenants.elts;

    for (i = 0; i < mcf->tenants.nelts; i++) {

        budget = tenants[i]->budget;

        if (budget == NULL) {
            continue;
        }

        ngx_cigna_budget_queue_done(budget);
        ngx_cigna_budget_lease_done(budget);

        tenants[i]->budget = NULL;
    }
}
