
#ifndef _CIGNA_FLOW_H_INCLUDED_
#define _CIGNA_FLOW_H_INCLUDED_


#include "base/cigna_arena.h"
#include "oauth/cigna_oauth.h"
#include "redis/cigna_redis.h"


/*
 * The vocabulary of flows.  A flow makes no calls: it is told how the last
 * operation ended (an event) and says what is to be done next (an operation),
 *
 *     void cigna_<flow>_next(flow, const cigna_event_t *ev, cigna_op_t *op);
 *
 * until it says "done".  All bytes of an operation are borrowed from the
 * flow's arena and live until the flow is over; all bytes of an event are
 * borrowed for the duration of the call.
 */


typedef enum {
    cigna_op_redis = 0,                    /* one command: argv, argc */
    cigna_op_script,                       /* one script: script, argv, argc */
    cigna_op_http,                         /* one exchange: http */
    cigna_op_turn,                         /* may the token endpoint be asked
                                              for tokens now?  "ok", or
                                              "unsent": not for
                                              ev->retry_after_s */
    cigna_op_sleep,                        /* call again after ms */
    cigna_op_journal,                      /* the node remembers op->journal:
                                              "ok", or "unsent", no room */
    cigna_op_settle,                       /* ... as Redis has confirmed it, or
                                              forgets it: always "ok" */
    cigna_op_revoke,                       /* op->token is to be revoked: that
                                              is somebody else's from here on,
                                              who reports a failure: always
                                              "ok", at once */
    cigna_op_report,                       /* the result for those who wait is
                                              there; the flow itself goes on,
                                              call again at once */
    cigna_op_done                          /* finished; never called again */
} cigna_op_e;


typedef enum {
    cigna_ev_start = 0,
    cigna_ev_ok,                           /* a reply came; it may be a refusal
                                              (Redis error, HTTP 4xx) */
    cigna_ev_unsent,                       /* failed, the peer saw nothing */
    cigna_ev_lost                          /* failed, outcome unknown */
} cigna_ev_e;


#define CIGNA_RANDOM_LEN  128

/*
 * The arena that a flow wants: the largest record is opened, sent, answered
 * and sealed again within it.  A run that has spent a refresh token must not
 * fail for want of room.
 */

#define CIGNA_FLOW_ARENA  (320 * 1024)


typedef struct {
    cigna_ev_e             type;

    int64_t                now_ms;         /* since the epoch */
    uint8_t                random[CIGNA_RANDOM_LEN];   /* fresh every time */

    /*
     * After a change of primary, whose last writes may be lost: how long no
     * refresh may start on this node yet.  0: none of that
     */
    int64_t                quiet_ms;

    const cigna_reply_t   *reply;          /* of redis and script */

    unsigned               status;         /* of http */
    cigna_slice_t          body;
    int64_t                retry_after_s;  /* of http and turn; -1: none */
} cigna_event_t;


/* a Lua script; the driver sends EVALSHA, and EVAL once after NOSCRIPT */

typedef struct {
    const char            *name;
    const char            *text;
    char                   sha1[41];       /* filled by cigna_scripts_init() */
    unsigned               nkeys;          /* the first of argv */
} cigna_script_t;


/*
 * A write that Redis may not have for sure, in the node's journal: a new
 * generation of a grant, or its deletion.  Sealed bytes only.
 */

typedef struct {
    cigna_slice_t          tenant;
    cigna_slice_t          who;            /* the identity's keyed hash */
    cigna_slice_t          id;             /* of the grant */
    uint64_t               generation;     /* 0: the grant was deleted */
    int64_t                connected_ms;   /* see grant_put: what tells which
                                              of two grants is the newer one */
    int64_t                made_ms;        /* this entry */
    int64_t                until_ms;       /* when Redis drops it anyway */
    cigna_slice_t          blob;           /* empty: deleted */
} cigna_journal_t;


typedef struct {
    cigna_op_e             type;

    const cigna_script_t  *script;
    cigna_slice_t          argv[CIGNA_REDIS_ARGS_MAX];
    unsigned               argc;

    cigna_http_request_t   http;

    /*
     * Of http: while it runs keep is sent every keep_ms, with argv and argc.
     * From the first reply on that is "lost", and after a change of primary,
     * retake is sent with them instead, until its reply is "mine".  NULL: none
     */
    const cigna_script_t  *keep;
    const cigna_script_t  *retake;
    unsigned               keep_ms;

    cigna_journal_t        journal;        /* of settle: who, id, generation */

    unsigned               ms;             /* of sleep; of http: at most, to
                                              connect and for the reply each;
                                              0: as is configured */

    cigna_slice_t          token;          /* of revoke; copied */

    unsigned               refresh_token:1;   /* what kind it is */
    unsigned               exchange:1;     /* of http: spends a token or a code
                                              at the token endpoint, which may
                                              take long to answer */
    unsigned               probe:1;        /* of turn: nobody knows whether the
                                              endpoint answers */
    unsigned               fhir:1;         /* of http: goes to the FHIR server,
                                              whose budgets are asked first */
    unsigned               durable:1;      /* of script: "ok" only once enough
                                              replicas have it ("WAIT") */
    unsigned               watch:1;        /* of sleep: over as soon as the
                                              grant is known to have changed
                                              since the flow's last script was
                                              sent */
    unsigned               idle:1;         /* of sleep: ends the flow instead,
                                              without a further call, in a
                                              worker that exits */
    unsigned               confirmed:1;    /* of journal and settle: Redis has
                                              it; settle without: forget it */
} cigna_op_t;


/*
 * Operations; arguments are borrowed, as above.  Each sets all of *op, but for
 * keep(), which adds to an exchange.
 */

void cigna_flow_redis(cigna_op_t *op, const cigna_slice_t *argv,
    unsigned argc);
void cigna_flow_http(cigna_op_t *op, const cigna_http_request_t *req);
void cigna_flow_exchange(cigna_op_t *op, const cigna_http_request_t *req);
void cigna_flow_keep(cigna_op_t *op, const cigna_script_t *keep,
    const cigna_script_t *retake, const cigna_slice_t *argv, unsigned argc,
    unsigned ms);
void cigna_flow_turn(cigna_op_t *op, unsigned probe);
void cigna_flow_sleep(cigna_op_t *op, unsigned ms);
void cigna_flow_watch(cigna_op_t *op, unsigned ms);
void cigna_flow_idle(cigna_op_t *op, unsigned ms);
void cigna_flow_journal(cigna_op_t *op, const cigna_journal_t *entry,
    int confirmed);
void cigna_flow_settle(cigna_op_t *op, const cigna_journal_t *entry,
    int confirmed);
void cigna_flow_revoke(cigna_op_t *op, cigna_slice_t token,
    unsigned refresh_token);
void cigna_flow_report(cigna_op_t *op);
void cigna_flow_done(cigna_op_t *op);


/* a decimal number in the arena; CIGNA_ERROR if there is no room */
int cigna_flow_uint(cigna_arena_t *a, uint64_t n, cigna_slice_t *out);

/* len random bytes in base64url, in the arena */
int cigna_flow_token(cigna_arena_t *a, const uint8_t *random, size_t len,
    cigna_slice_t *out);

/* from..to, both included; the first bytes of the event's random are used */
unsigned cigna_flow_jitter(const cigna_event_t *ev, unsigned from,
    unsigned to);

/*
 * Writes "text: quoted" for the log, whatever bytes a peer or a browser chose
 * for it; only the text if there is nothing to quote.  NULL as text leaves
 * what was said before.
 */
void cigna_flow_say(char *detail, size_t size, const char *text,
    cigna_slice_t quoted);

/*
 * An operation that may have to be repeated: kept as it was first asked for,
 * so that it is built once.
 */

typedef struct {
    cigna_op_t   op;
    unsigned     tries;
    unsigned     state;                    /* of the flow, while it runs */
} cigna_retry_t;


/* a fresh operation; state: in which its event is expected */
void cigna_retry_init(cigna_retry_t *r, const cigna_op_t *op, unsigned state);

/*
 * Sleeps first_ms, then twice as long with each try, at most max_ms.
 * CIGNA_ERROR, and no operation, if it was tried "tries" times.
 */
int cigna_retry_sleep(cigna_retry_t *r, cigna_op_t *op, unsigned tries,
    unsigned first_ms, unsigned max_ms);

/* after the sleep: the operation once more; returns its state */
unsigned cigna_retry_again(const cigna_retry_t *r, cigna_op_t *op);


/* 1 if a reply came, and it is no error: anything else is an outage */
int cigna_flow_answered(const cigna_event_t *ev);

/*
 * 1 if an exchange failed in a way that may pass: no reply, 429, 5xx.  What
 * may be repeated then is for the flow to know.
 */
int cigna_flow_passing(const cigna_event_t *ev);


#endif /* _CIGNA_FLOW_H_INCLUDED_ */
