
#ifndef _CIGNA_REFRESH_H_INCLUDED_
#define _CIGNA_REFRESH_H_INCLUDED_


#include "cigna_client_secret.h"
#include "cigna_commit.h"
#include "cigna_lease.h"
#include "cigna_revoke.h"


/*
 * Makes the access token of a grant fresh, once in the fleet.  See
 * cigna_refresh.c for states and invariants.
 */

typedef enum {
    cigna_refresh_pending = 0,
    cigna_refresh_ok,                      /* grant below may be used */
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


typedef struct {
    /* set by the caller, borrowed until the flow is over */
    const cigna_vault_t     *vault;
    cigna_provider_t        *provider;     /* its secret may be noted */
    const cigna_identity_t  *identity;
    cigna_arena_t           *arena;
    unsigned                 exchange_ms;  /* all deadlines of an exchange */
    unsigned                 wait_ms;      /* for somebody else's refresh */

    /*
     * The access token that the FHIR server has refused although it has not
     * expired; id empty: none was.  It counts as expired, and so does any that
     * is older.
     */
    cigna_slice_t            refused_id;
    uint64_t                 refused_generation;

    /* too many refusals to be true: nothing is marked spent for now */
    unsigned                 hold:1;

    /* results, complete when the flow reports (or is done) */
    cigna_refresh_e          rc;
    cigna_grant_t            grant;
    int64_t                  retry_after_s;
    char                     detail[192];  /* for the log, never a secret */
    unsigned                 exchanged:1;  /* this run made a new token */
    unsigned                 refused:1;    /* invalid_grant was answered, and
                                              nothing of ours explains it */
    unsigned                 client_refused:1;     /* invalid_client was said
                                              of each secret there is */
    unsigned                 foreign:1;    /* tokens of another subject or
                                              patient came */
    unsigned                 overtaken:1;  /* somebody else was first: no
                                              failure */

    /* known when the flow is done: of a token that was used after the report */
    unsigned                 superseded:1; /* its grant is gone or is newer:
                                              caches drop it; see detail */
    unsigned                 left:1;       /* Redis has not confirmed it: to
                                              be restored from the journal */

    cigna_client_secret_t    secret;       /* its results are, too */

    /* private */
    unsigned                 state;
    cigna_retry_t            retry;
    unsigned                 rounds;       /* of looking at the record */
    cigna_refresh_e          failure;      /* if no old token serves */
    cigna_lease_mark_e       mark;         /* when the lease is given up */
    int64_t                  sent_ms;
    cigna_lease_t            lease;
    cigna_commit_t           commit;
    cigna_token_reply_t      tokens;
    cigna_grant_t            fresh;
    cigna_revoke_t           revoke;
} cigna_refresh_t;


void cigna_refresh_init(cigna_refresh_t *f);
void cigna_refresh_next(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);

/* from then on the access token is to be made fresh, while it still serves */
int64_t cigna_refresh_due_ms(const cigna_provider_t *p,
    const cigna_grant_t *g);

/*
 * 1 if the clock stands well before the time when the token was obtained: it
 * was set back, and cannot tell when the token expires, so that it is due.
 */
int cigna_refresh_set_back(const cigna_grant_t *g, int64_t now_ms);

const char *cigna_refresh_name(cigna_refresh_e rc);


/* for the flow itself */

/*
 * Opens a record, the reply to a read.  "ok" for a live grant, otherwise *why
 * says it in words; id and generation are set as far as they could be read.
 */
cigna_refresh_e cigna_refresh_record(const cigna_refresh_t *f,
    const cigna_reply_t *record, cigna_grant_t *g, const char **why);

/* what is to be done about f->grant: "pending" if it has to be refreshed */
cigna_refresh_e cigna_refresh_verdict(const cigna_refresh_t *f,
    int64_t now_ms, const char **why);

/* does the access token of f->grant still serve? */
int cigna_refresh_usable(const cigna_refresh_t *f, int64_t now_ms);


#endif /* _CIGNA_REFRESH_H_INCLUDED_ */
