
#ifndef _CIGNA_REDIS_H_INCLUDED_
#define _CIGNA_REDIS_H_INCLUDED_


#include "base/cigna_buf.h"


/*
 * Redis' protocol (RESP2), with hiredis as the codec.  The reader of hiredis
 * has no limits of its own: these functions cap the bytes and elements of a
 * reply.
 */

/* limits of one reply, nested arrays included; see cigna_reader_limit() */

#define CIGNA_REDIS_REPLY_MAX     (256 * 1024)  /* bytes on the wire */
#define CIGNA_REDIS_ELEMENTS_MAX  1024
#define CIGNA_REDIS_DEPTH_MAX     4             /* levels of nested arrays */


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


/* creates a reader, which the caller owns; NULL: no memory */
cigna_reader_t *cigna_reader_create(void);
void cigna_reader_destroy(cigna_reader_t *r);

/* sets other limits, for example for replies that are known to be long */
void cigna_reader_limit(cigna_reader_t *r, size_t reply_max,
    size_t elements_max);

/*
 * Gives received bytes to the reader.  The caller then calls
 * cigna_reader_next() until it returns CIGNA_AGAIN.  CIGNA_ERROR: the reader
 * has failed before, there is no memory, or more bytes wait than a reply may
 * have.  After an error the caller must close the connection.
 */
int cigna_reader_feed(cigna_reader_t *r, cigna_slice_t bytes);

/*
 * Gets the next complete reply, which the caller then owns.  CIGNA_AGAIN: no
 * reply is complete yet.  CIGNA_ERROR: a protocol error, or a limit is
 * exceeded.
 */
int cigna_reader_next(cigna_reader_t *r, cigna_reply_t **reply);

/*
 * frees a reply, which may be NULL; wipes its strings, as they may be secrets
 */
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

/* 1 if the reply is an error whose first word is code, such as "NOSCRIPT" */
int cigna_reply_is_error(const cigna_reply_t *reply, const char *code);

/* 1 if the error says that a replica refused to write, also inside a script */
int cigna_reply_is_readonly(const cigna_reply_t *reply);


#define CIGNA_REDIS_ARGS_MAX     16
#define CIGNA_REDIS_COMMAND_MAX  (64 * 1024 * 1024)     /* bytes of all
                                                           arguments */

/*
 * Allocates the bytes of one command, which the caller frees by
 * cigna_redis_free().  CIGNA_ERROR: no memory, no argument, or too many or too
 * long ones.
 */
int cigna_redis_format(const cigna_slice_t *argv, size_t argc, uint8_t **text,
    size_t *len);

/* wipes and frees a command's text, which may be NULL */
void cigna_redis_free(uint8_t *text, size_t len);


/*
 * The URL of a server: "redis://host[:port][/db]", "rediss://...", or
 * "unix:/path[:db]".  The slices borrow from the text.  A user name or a
 * password in the URL is an error, because the gateway reads them from files.
 */

typedef struct {
    cigna_slice_t   host;                  /* empty if it is a unix socket */
    cigna_slice_t   path;                  /* path of a unix socket, or empty */
    uint16_t        port;
    unsigned        db;
    unsigned        tls:1;
    unsigned        port_given:1;
} cigna_redis_url_t;

/* CIGNA_ERROR: *error has the reason, in words for an operator */
int cigna_redis_url_parse(cigna_slice_t text, cigna_redis_url_t *u,
    const char **error);


#endif /* _CIGNA_REDIS_H_INCLUDED_ */
