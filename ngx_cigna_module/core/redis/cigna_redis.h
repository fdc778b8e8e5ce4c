
#ifndef _CIGNA_REDIS_H_INCLUDED_
#define _CIGNA_REDIS_H_INCLUDED_


#include "base/cigna_buf.h"


/*
 * Redis' protocol (RESP2), with hiredis as the codec.  The reader of hiredis
 * has no limits of its own: these functions cap the bytes and elements of a
 * reply.
 */

/* of one reply, nested arrays included; see cigna_reader_limit() */

#define CIGNA_REDIS_REPLY_MAX     (256 * 1024)  /* bytes on the wire */
#define CIGNA_REDIS_ELEMENTS_MAX  1024
#define CIGNA_REDIS_DEPTH_MAX     4             /* arrays in arrays */


typedef enum {
    cigna_reply_nil = 0,
    cigna_reply_string,
    cigna_reply_status,
    cigna_reply_error,
    cigna_reply_integer,
    cigna_reply_array
} cigna_reply_e;


/* opaque; a reply is hiredis' redisReply */

typedef struct redisReply      cigna_reply_t;
typedef struct cigna_reader_s  cigna_reader_t;


/* NULL: no memory; the caller owns it */
cigna_reader_t *cigna_reader_create(void);
void cigna_reader_destroy(cigna_reader_t *r);

/* sets other limits, for replies that are known to be long */
void cigna_reader_limit(cigna_reader_t *r, size_t reply_max,
    size_t elements_max);

/*
 * Gives received bytes to the reader; the caller then calls next() until it
 * returns CIGNA_AGAIN.  CIGNA_ERROR: the reader has failed before, there is no
 * memory, or the bytes that wait are more than a reply may have.  The
 * connection cannot be used any more then.
 */
int cigna_reader_feed(cigna_reader_t *r, cigna_slice_t bytes);

/*
 * The next complete reply, owned by the caller.  CIGNA_AGAIN: there is none
 * yet; CIGNA_ERROR: a protocol error, or a limit is exceeded.
 */
int cigna_reader_next(cigna_reader_t *r, cigna_reply_t **reply);

/* NULL is allowed; wipes strings, as they may be secrets */
void cigna_reply_destroy(cigna_reply_t *reply);


/* getters; a reply that is NULL counts as nil; slices borrow from the reply */

cigna_reply_e cigna_reply_type(const cigna_reply_t *reply);

/* bytes of a string, status or error; empty for anything else */
cigna_slice_t cigna_reply_slice(const cigna_reply_t *reply);

/* value of an integer; dflt for anything else */
int64_t cigna_reply_int(const cigna_reply_t *reply, int64_t dflt);

size_t cigna_reply_count(const cigna_reply_t *reply);

/* element i of an array, borrowed; NULL: out of range, or not an array */
const cigna_reply_t *cigna_reply_item(const cigna_reply_t *reply, size_t i);

/* 1 if an error whose first word is code, e.g. "NOSCRIPT" */
int cigna_reply_is_error(const cigna_reply_t *reply, const char *code);

/* 1 if a replica has refused to write, in a script too */
int cigna_reply_is_readonly(const cigna_reply_t *reply);


#define CIGNA_REDIS_ARGS_MAX  16

/* appends one command of at most CIGNA_REDIS_ARGS_MAX arguments */
void cigna_redis_append(cigna_buf_t *b, const cigna_slice_t *argv,
    size_t argc);

/* how many bytes cigna_redis_append() will write */
size_t cigna_redis_length(const cigna_slice_t *argv, size_t argc);


/*
 * "redis://host[:port][/db]", "rediss://...", "unix:/path[:db]".  The slices
 * borrow from the text.  User name and password are refused: they come from
 * files.
 */

typedef struct {
    cigna_slice_t   host;                  /* empty for a unix socket */
    cigna_slice_t   path;                  /* of a unix socket */
    uint16_t        port;
    unsigned        db;
    unsigned        tls:1;
    unsigned        port_given:1;
} cigna_redis_url_t;

/* CIGNA_ERROR: *error says why, in words for an operator */
int cigna_redis_url_parse(cigna_slice_t text, cigna_redis_url_t *u,
    const char **error);


#endif /* _CIGNA_REDIS_H_INCLUDED_ */
