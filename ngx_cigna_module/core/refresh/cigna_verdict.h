
#ifndef _CIGNA_VERDICT_H_INCLUDED_
#define _CIGNA_VERDICT_H_INCLUDED_


#include "vault/cigna_vault.h"


/* judges a grant, in the same way for refreshes, requests and status page */

typedef enum {
    cigna_refresh_pending = 0,             /* a refresh is due */
    cigna_refresh_ok,                      /* the access token may be used */
    cigna_refresh_no_grant,                /* Redis has no grant */
    cigna_refresh_spent,                   /* the refresh token was refused
                                              for good, or all attempts had no
                                              known result, or the access token
                                              has expired or was refused, and
                                              there is no refresh token: the
                                              member has to reconnect */
    cigna_refresh_moved,                   /* the grant was made for another
                                              registration of the app */
    cigna_refresh_refused,                 /* the FHIR server refuses even a new
                                              access token: the member has to
                                              reconnect */
    cigna_refresh_unavailable,             /* the token endpoint gave no usable
                                              answer, or Redis has an older
                                              generation than this node */
    cigna_refresh_paused,                  /* no refresh may start now */
    cigna_refresh_vault,                   /* Redis or OpenSSL failed, or the
                                              arena has no room */
    cigna_refresh_damaged,                 /* the record is damaged */
    cigna_refresh_unknown_key              /* the key ring lacks the key that
                                              sealed the record */
} cigna_refresh_e;


/*
 * A node's knowledge of a tenant's token endpoint.  Times are ms since the
 * epoch; 0: never.  See cigna_refusal_rate.h.
 */

typedef struct {
    int64_t                  heard_ms;     /* when it last sent a complete HTTP
                                              reply */
    int64_t                  well_ms;      /* when several refreshes in a row
                                              last succeeded */
    int64_t                  doubted_ms;   /* when refusals began to be
                                              doubted, the last time */
    int64_t                  sure_ms;      /* when successes in a row last
                                              ended the doubt */
    unsigned                 doubted:1;    /* refusals are doubted now */
} cigna_endpoint_t;


typedef struct {
    /* set by the caller, borrowed */
    const cigna_provider_t  *provider;
    const cigna_grant_t     *grant;        /* live or spent */
    cigna_vault_mark_t       mark;         /* the mark in the grant's record */
    cigna_endpoint_t         endpoint;
    unsigned                 over:1;       /* the mark has expired by the clock
                                              of Redis, which may differ from
                                              the node's */

    /*
     * The generation whose access token the FHIR server refused before the
     * token expired; id empty: none.  Access tokens of this generation and of
     * all older ones count as expired.
     */
    cigna_slice_t            refused_id;
    uint64_t                 refused_generation;

    /*
     * The generation that this node's journal has of the grant; id empty: none.
     * A record of an older generation is neither used nor refreshed.
     */
    cigna_slice_t            ahead_id;
    uint64_t                 ahead_generation;

    /* results */
    const char              *why;          /* for the log; NULL: nothing to
                                              say */
    int64_t                  retry_after_s;  /* after "paused"; -1: not known */
} cigna_verdict_t;


/*
 * Opens a record, the reply to a read of the vault.  Returns "ok" for a grant,
 * also for a spent one.  Other results: *why has the cause in words.  Id and
 * generation are set if they can be read.  mark may be NULL.
 */
cigna_refresh_e cigna_verdict_read(const cigna_subject_t *s,
    const cigna_reply_t *record, cigna_grant_t *g, cigna_vault_mark_t *mark,
    const char **why);

/*
 * judges v->grant; returns "pending", "ok", "spent", "refused", "unavailable"
 * or "paused"
 */
cigna_refresh_e cigna_verdict(cigna_verdict_t *v, int64_t now_ms);

/*
 * 1 if the node's journal has a newer generation of the grant, or the deletion
 * of the grant
 */
int cigna_verdict_behind(const cigna_verdict_t *v);

/* 1 if the access token is valid, and the FHIR server has not refused it */
int cigna_verdict_usable(const cigna_verdict_t *v, int64_t now_ms);

/* 1 if the record has a mark that has not expired */
int cigna_verdict_busy(const cigna_verdict_t *v, int64_t now_ms);

/*
 * 1 if an earlier attempt may have spent the refresh token, and the endpoint
 * has answered no request since.  Then a refresh of this grant is a probe: it
 * shows for all grants whether the endpoint answers.
 */
unsigned cigna_verdict_probes(const cigna_verdict_t *v);

/* 1 if the reply invalid_grant would be final now, so that the grant ends */
int cigna_verdict_final(const cigna_verdict_t *v);

/*
 * 1 if the endpoint may answer invalid_grant because an earlier attempt, whose
 * outcome is not known, has used the refresh token
 */
int cigna_verdict_explains(const cigna_verdict_t *v);

/* the time from which a refresh is due, although the token has not expired */
int64_t cigna_verdict_due_ms(const cigna_provider_t *p,
    const cigna_grant_t *g);

const char *cigna_refresh_name(cigna_refresh_e rc);


#endif /* _CIGNA_VERDICT_H_INCLUDED_ */
