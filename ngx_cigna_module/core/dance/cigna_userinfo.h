
#ifndef _CIGNA_USERINFO_H_INCLUDED_
#define _CIGNA_USERINFO_H_INCLUDED_


#include "vault/cigna_scripts.h"


/*
 * Asks the FHIR server's operation $userinfo for the member's identifier, and
 * puts the identifier into the grant; see cigna_userinfo.c.  This is a flow of
 * its own, or a step of the callback.  The caller zeroes the struct first.
 */

#define CIGNA_USERINFO_MAX  1024           /* bytes of an identifier */
#define CIGNA_USERINFO_MS   3000           /* timeout of connect and of reply */


typedef enum {
    cigna_userinfo_pending = 0,            /* the flow is not over */
    cigna_userinfo_known,                  /* identifier received and stored */
    cigna_userinfo_current,                /* the grant had it already */
    cigna_userinfo_ended,                  /* the grant is gone, replaced or
                                              spent, or cannot be opened, or its
                                              access token has expired */
    cigna_userinfo_unreachable,            /* not sent, or no reply */
    cigna_userinfo_refused,                /* a reply without an identifier */
    cigna_userinfo_unstored                /* Redis or OpenSSL failed, the
                                              record kept changing, or the arena
                                              is full */
} cigna_userinfo_e;


typedef struct {
    /* set by the caller, borrowed until the flow is over */
    const cigna_subject_t      *subject;
    cigna_slice_t               id;        /* of the grant */

    /* results */
    cigna_userinfo_e            rc;
    cigna_slice_t               value;     /* in the arena; set also if it could
                                              not be stored */
    char                        detail[64];  /* for the log, never a secret */

    /* private */
    unsigned                    state;
    unsigned                    rounds;    /* how often the record was read */
    cigna_grant_t               grant;
    cigna_slice_t               blob;      /* the sealed grant, as it was
                                              read */
} cigna_userinfo_t;


/*
 * CIGNA_AGAIN: perform the operation and call again with its event.  CIGNA_OK:
 * the flow is over, see rc; *op is not set.
 */
int cigna_userinfo_next(cigna_userinfo_t *f, const cigna_event_t *ev,
    cigna_op_t *op);

/*
 * asks for $userinfo as a flow of its own, for the driver; flow: a
 * cigna_userinfo_t
 */
void cigna_userinfo_flow(void *flow, const cigna_event_t *ev, cigna_op_t *op);

/*
 * Reads the reply to $userinfo, a FHIR R4 Parameters resource, and copies its
 * parameter[0].valueString into the arena.  CIGNA_ERROR if it is something
 * else, or if the value is empty or longer than CIGNA_USERINFO_MAX.
 */
int cigna_userinfo_parse(cigna_slice_t body, cigna_arena_t *arena,
    cigna_slice_t *value);

/* the name of a result in logs and counters */
const char *cigna_userinfo_name(cigna_userinfo_e rc);


#endif /* _CIGNA_USERINFO_H_INCLUDED_ */
