
#ifndef _CIGNA_FLOW_H_INCLUDED_
#define _CIGNA_FLOW_H_INCLUDED_


#include "base/cigna_arena.h"
#include "oauth/cigna_oauth.h"
#include "redis/cigna_redis.h"
#include "redis/cigna_script.h"


/*
 * The types by which a flow and its driver talk.  A flow decides in several
 * steps, for example how to refresh a token, and does no I/O.  Its caller, the
 * driver, tells the flow how the last operation ended (an event).  The flow
 * then says what the driver has to do next (an operation):
 *
 *     void cigna_<flow>_next(flow, const cigna_event_t *ev, cigna_op_t *op);
 *
 * The last operation is cigna_op_done.  The bytes of an operation are in the
 * flow's arena and live until the flow is done.  The bytes of an event live
 * until the call returns.
 */


typedef enum {
    cigna_op_redis = 0,                    /* send a command to Redis */
    cigna_op_script,                       /* run a Lua script in Redis */
    cigna_op_http,                         /* send an HTTP request */
    cigna_op_turn,                         /* ask the node whether a refresh may
                                              use the token endpoint now.
                                              "unsent": not before
                                              ev->retry_after_s seconds have
                                              passed */
    cigna_op_sleep,                        /* wait */
    cigna_op_journal,                      /* enter a write into the node's
                                              journal.  "unsent": the journal
                                              has no room, or has a newer entry
                                              about the grant */
    cigna_op_settle,                       /* confirm the journal's entry, or
                                              remove it.  Always "ok" */
    cigna_op_revoke,                       /* start to revoke a token; the
                                              revocation goes on without the
                                              flow.  Always "ok" */
    cigna_op_report,                       /* tell the waiting requests that the
                                              result is there; then call the
                                              flow again at once */
    cigna_op_done                          /* the flow has ended, and must not
                                              be called again */
} cigna_op_e;


typedef enum {
    cigna_ev_start = 0,
    cigna_ev_ok,                           /* the operation was performed; the
                                              reply, if any, may be a Redis
                                              error or have any HTTP status */
    cigna_ev_unsent,                       /* failed, and the peer got nothing:
                                              the flow may try again */
    cigna_ev_lost                          /* failed, and the peer may have
                                              acted on it */
} cigna_ev_e;


#define CIGNA_RANDOM_LEN  128

/*
 * Size of a flow's arena in bytes.  It has room to decrypt the largest record,
 * to send its refresh token, to read the reply, and to encrypt the new record:
 * a flow that has sent a refresh token must not fail for lack of memory.
 */

#define CIGNA_FLOW_ARENA  (320 * 1024)


typedef struct {
    cigna_ev_e             type;

    int64_t                now_ms;         /* since the epoch */
    uint8_t                random[CIGNA_RANDOM_LEN];   /* new bytes in each
                                                          event */

    /*
     * The rest of the quiet time after a change of Redis' primary.  No refresh
     * may start in this time, because the new primary may lack the last writes.
     * 0: none
     */
    int64_t                quiet_ms;

    const cigna_reply_t   *reply;          /* the reply to cigna_op_redis and
                                              cigna_op_script */

    unsigned               status;         /* status of the reply to
                                              cigna_op_http */
    cigna_slice_t          body;
    int64_t                retry_after_s;  /* after cigna_op_http and
                                              cigna_op_turn; -1: none */
} cigna_event_t;


/*
 * An entry of the node's journal.  The journal keeps writes that Redis may
 * lose: a new generation of a grant, or its deletion.  An entry has sealed
 * bytes only.
 */

typedef struct {
    cigna_slice_t          tenant;
    cigna_slice_t          identity;       /* hash of tenant and member, made
                                              with the key ring */
    cigna_slice_t          id;             /* id of the grant */
    uint64_t               generation;     /* 0: the grant was deleted */
    int64_t                connected_ms;   /* when grant_install stored the
                                              grant; a newer grant of the member
                                              has a higher value */
    int64_t                made_ms;        /* when this entry was made */
    int64_t                until_ms;       /* when Redis deletes the record */
    cigna_slice_t          blob;           /* the sealed grant; empty: it was
                                              deleted */
} cigna_journal_t;


/* the operations cigna_op_redis and cigna_op_script */

typedef struct {
    const cigna_script_t  *script;         /* NULL: argv is the command */
    cigna_slice_t          argv[CIGNA_REDIS_ARGS_MAX];
    unsigned               argc;
    unsigned               durable:1;      /* "ok" only after enough replicas
                                              have the write (WAIT) */
} cigna_op_redis_t;


/*
 * The lease of a refresh, that is, lock and mark in Redis.  The driver keeps it
 * while an HTTP exchange is open.  Every "ms" milliseconds the driver runs the
 * script "renew" with argv.  After the reply "lost", or after a change of
 * primary, the driver runs "retake" instead, until the reply is "mine".
 */

typedef struct {
    const cigna_script_t  *renew;          /* NULL: there is no lease */
    const cigna_script_t  *retake;
    cigna_slice_t          argv[CIGNA_REDIS_ARGS_MAX];
    unsigned               argc;
    unsigned               ms;
} cigna_op_lease_t;


typedef struct {
    cigna_http_request_t   request;
    cigna_op_lease_t       lease;
    unsigned               timeout_ms;     /* bounds the connecting and the wait
                                              for the reply; 0: the configured
                                              times apply */
    unsigned               exchange:1;     /* the request sends a refresh token
                                              or a code, so the reply may take
                                              minutes */
    unsigned               fhir:1;         /* the request goes to the FHIR
                                              server, so its budgets are charged
                                              first */
} cigna_op_http_t;


typedef struct {
    unsigned               probe:1;        /* the node does not know whether the
                                              token endpoint answers */
} cigna_op_turn_t;


typedef struct {
    unsigned               ms;
    unsigned               watch:1;        /* the sleep ends early if a node
                                              publishes a change of the grant
                                              after the flow's last command or
                                              script */
    unsigned               idle:1;         /* an exiting worker drops the flow
                                              instead of waiting */
} cigna_op_sleep_t;


/* the operations cigna_op_journal and cigna_op_settle */

typedef struct {
    cigna_journal_t        entry;
    unsigned               confirmed:1;    /* cigna_op_journal: Redis has the
                                              entry already; cigna_op_settle: 1
                                              confirms the entry, 0 removes
                                              it */
} cigna_op_journal_t;


typedef struct {
    cigna_slice_t          token;          /* the driver copies it */
    unsigned               refresh_token:1;   /* otherwise an access token */
} cigna_op_revoke_t;


typedef struct {
    cigna_op_e              type;          /* tells which member of the union
                                              is set */

    union {
        cigna_op_redis_t    redis;
        cigna_op_http_t     http;
        cigna_op_turn_t     turn;
        cigna_op_sleep_t    sleep;
        cigna_op_journal_t  journal;
        cigna_op_revoke_t   revoke;
    };
} cigna_op_t;


/* makes *op an operation of this type, all members of which are zero */
void cigna_flow_op(cigna_op_t *op, cigna_op_e type);

#define cigna_flow_report(op)  cigna_flow_op(op, cigna_op_report)
#define cigna_flow_done(op)    cigna_flow_op(op, cigna_op_done)

/* makes *op a Redis command; *op borrows the arguments, which are slices */
#define cigna_flow_command(op, ...)                                           \
    cigna_flow_redis(op, cigna_slice_array(__VA_ARGS__))

/*
 * Each function makes *op the operation of its name; the caller then sets other
 * members, if any.  Arguments are borrowed until the flow is done.
 */

void cigna_flow_redis(cigna_op_t *op, const cigna_slice_t *argv,
    unsigned argc);
void cigna_flow_script(cigna_op_t *op, const cigna_script_t *script,
    const cigna_slice_t *argv, unsigned argc);
void cigna_flow_http(cigna_op_t *op, const cigna_http_request_t *req);
void cigna_flow_turn(cigna_op_t *op, unsigned probe);
void cigna_flow_sleep(cigna_op_t *op, unsigned ms);
void cigna_flow_journal(cigna_op_t *op, const cigna_journal_t *entry,
    int confirmed);
void cigna_flow_settle(cigna_op_t *op, const cigna_journal_t *entry,
    int confirmed);
void cigna_flow_revoke(cigna_op_t *op, cigna_slice_t token,
    unsigned refresh_token);


/*
 * cigna_flow_uint() writes n in decimal into the arena.  cigna_flow_token()
 * writes len random bytes in base64url (RFC 4648, section 5).  If there is no
 * room, they return an empty string and set a->overflow.  So a flow checks
 * once, after it has made all arguments of an operation.
 */
cigna_slice_t cigna_flow_uint(cigna_arena_t *a, uint64_t n);
cigna_slice_t cigna_flow_token(cigna_arena_t *a, const uint8_t *random,
    size_t len);

/*
 * Calls cigna_arena_close() for the appender b, and returns its text.  An
 * overflow of b sets a->overflow.
 */
cigna_slice_t cigna_flow_text(cigna_arena_t *a, cigna_buf_t *b);

/* joins slices with spaces, in the arena, like cigna_flow_uint() */
#define cigna_flow_words(a, ...)                                              \
    cigna_flow_join(a, cigna_slice_array(__VA_ARGS__))

cigna_slice_t cigna_flow_join(cigna_arena_t *a, const cigna_slice_t *words,
    size_t n);

/*
 * a random number from "from" to "to", both included; uses the event's first
 * random bytes
 */
unsigned cigna_flow_jitter(const cigna_event_t *ev, unsigned from,
    unsigned to);

/*
 * Writes "text: quoted" to detail for the log, zero-terminated.  If there is
 * nothing to quote, writes "text" alone.  In "quoted", spaces and bytes that
 * are not printable ASCII become "?", because a peer may have chosen them.  If
 * text is NULL, detail does not change.
 */
void cigna_flow_say(char *detail, size_t size, const char *text,
    cigna_slice_t quoted);

/* cigna_flow_say() to the member "detail" of a flow */
#define cigna_flow_detail(f, text, quoted)                                    \
    cigna_flow_say((f)->detail, sizeof((f)->detail), text, quoted)

/* writes "text: n" to detail, like cigna_flow_say() */
void cigna_flow_say_uint(char *detail, size_t size, const char *text,
    uint64_t n);


/* an operation that may be repeated */

typedef struct {
    cigna_op_t   op;
    unsigned     tries;
    unsigned     state;                    /* state of the flow while op runs */
} cigna_retry_t;


/*
 * Copies *op.  state: the state in which the flow takes the event of *op; the
 * function returns it.
 */
unsigned cigna_retry_init(cigna_retry_t *r, const cigna_op_t *op,
    unsigned state);

/*
 * Makes *op a sleep before the next try.  The sleep lasts first_ms, doubles
 * with each try, and is at most max_ms.  CIGNA_ERROR: the operation has been
 * tried "tries" times, and *op is unchanged.
 */
int cigna_retry_sleep(cigna_retry_t *r, cigna_op_t *op, unsigned tries,
    unsigned first_ms, unsigned max_ms);

/*
 * For commands to Redis: three tries, with pauses of 50 and 100 ms.
 * CIGNA_AGAIN: *op is a sleep, and *state is "sleep".  CIGNA_ERROR: the last
 * try has failed.
 */
int cigna_retry_redis(cigna_retry_t *r, cigna_op_t *op, unsigned *state,
    unsigned sleep);

/*
 * Called after the sleep of cigna_retry_sleep(): makes *op the operation to
 * repeat, and returns its state.
 */
unsigned cigna_retry_again(const cigna_retry_t *r, cigna_op_t *op);


/* 1 if Redis has replied, and not with an error */
int cigna_flow_answered(const cigna_event_t *ev);

/*
 * 1 if an HTTP request failed in a way that may pass: no reply, 429, 5xx.  The
 * flow itself must know which operation it may repeat.
 */
int cigna_flow_passing(const cigna_event_t *ev);

/* 1 if the operation sends a refresh token or a code */
#define cigna_flow_is_exchange(op)                                            \
    ((op)->type == cigna_op_http && (op)->http.exchange)


#endif /* _CIGNA_FLOW_H_INCLUDED_ */
