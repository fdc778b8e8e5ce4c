
#ifndef _CIGNA_VERDICT_H_INCLUDED_
#define _CIGNA_VERDICT_H_INCLUDED_


#include "vault/cigna_vault.h"


/*
 * What is to be done about a grant: one judgement for refreshes, for requests
 * and for status.
 */

typedef enum {
    cigna_refresh_pending = 0,             /* to be refreshed */
    cigna_refresh_ok,                      /* it may be used */
    cigna_refresh_no_grant,                /* there is none, for certain */
    cigna_refresh_spent,                   /* refused for good, or no refresh
                                              token: the member reconnects */
    cigna_refresh_moved,                   /* made for another registration */
    cigna_refresh_refused,                 /* by the FHIR server, though fresh:
                                              the member reconnects */
    cigna_refresh_unavailable,             /* provider or its answer */
    cigna_refresh_paused,                  /* none may begin for now */
    cigna_refresh_vault,                   /* Redis, unknown key, damaged */
    cigna_refresh_damaged,
    cigna_refresh_unknown_key
} cigna_refresh_e;


/*
 * What a node knows of a tenant's token endpoint.  Times are ms since the
 * epoch, 0: never.
 */

typedef struct {
    int64_t                  heard_ms;     /* its last complete HTTP reply */
    int64_t                  well_ms;      /* it has refreshed several grants,
                                              one after the other */
    int64_t                  doubted_ms;   /* too many refusals to be true: they
                                              have been provisional since ... */
    int64_t                  sure_ms;      /* ... up to then, if not still */
    unsigned                 doubted:1;    /* they are */
} cigna_endpoint_t;


typedef struct {
    /* set by the caller, borrowed */
    const cigna_provider_t  *provider;
    const cigna_grant_t     *grant;        /* live or spent */
    cigna_vault_mark_t       mark;         /* of its record */
    cigna_endpoint_t         endpoint;
    unsigned                 over:1;       /* Redis says that the mark is, the
                                              clock of which may differ */

    /*
     * The access token that the FHIR server has refused although it has not
     * expired; id empty: none was.  It counts as expired, and so does any that
     * is older.
     */
    cigna_slice_t            refused_id;
    uint64_t                 refused_generation;

    /*
     * What this node's journal has of the grant; id empty: nothing.  An older
     * generation is neither used nor refreshed.
     */
    cigna_slice_t            ahead_id;
    uint64_t                 ahead_generation;

    /* results */
    const char              *why;          /* for the log; NULL: nothing odd */
    int64_t                  retry_after_s;  /* of "paused"; -1: not known */
} cigna_verdict_t;


/*
 * Opens a record, the reply to a read of the vault.  "ok" for a grant, whether
 * it is spent or not; otherwise *why says it in words.  Id and generation are
 * set as far as they can be read.  mark may be NULL.
 */
cigna_refresh_e cigna_verdict_read(const cigna_subject_t *s,
    const cigna_reply_t *record, cigna_grant_t *g, cigna_vault_mark_t *mark,
    const char **why);

/* "pending", "ok", "spent", "refused", "unavailable" or "paused" */
cigna_refresh_e cigna_verdict(cigna_verdict_t *v, int64_t now_ms);

/* is the grant older than what the node's journal has? */
int cigna_verdict_behind(const cigna_verdict_t *v);

/* does the access token still serve? */
int cigna_verdict_usable(const cigna_verdict_t *v, int64_t now_ms);

/* 1 if an exchange of somebody else's is open, or was not long ago */
int cigna_verdict_busy(const cigna_verdict_t *v, int64_t now_ms);

/*
 * 1 if the refresh token may have been spent, and nobody knows whether the
 * endpoint answers: to ask it is to find out for all
 */
unsigned cigna_verdict_probes(const cigna_verdict_t *v);

/* would invalid_grant be final now? */
int cigna_verdict_final(const cigna_verdict_t *v);

/* 1 if an earlier attempt, of which nobody knows the end, explains it */
int cigna_verdict_explains(const cigna_verdict_t *v);

/* from then on the access token is to be made fresh, while it still serves */
int64_t cigna_verdict_due_ms(const cigna_provider_t *p,
    const cigna_grant_t *g);

const char *cigna_refresh_name(cigna_refresh_e rc);


#endif /* _CIGNA_VERDICT_H_INCLUDED_ */
