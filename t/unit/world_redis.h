
#ifndef _WORLD_REDIS_H_INCLUDED_
#define _WORLD_REDIS_H_INCLUDED_


#include "flow/cigna_flow.h"


/* Redis, as far as scripts and flows use it, and a replica */

#define WORLD_KEYS     96
#define WORLD_FIELDS   80
#define WORLD_RETIRED  64


typedef struct {
    char     *name;
    uint8_t  *data;
    size_t    len;
    int64_t   score;                       /* in a sorted set */
} world_field_t;


typedef struct {
    char           *name;
    int64_t         expires_ms;            /* 0: never */
    unsigned        nfields;
    world_field_t   fields[WORLD_FIELDS];  /* of a hash; a string has one field,
                                              named "" */
} world_key_t;


typedef struct {
    const int64_t        *now_ms;          /* the world's clock */
    int64_t               skew_ms;         /* Redis' clock minus the world's */

    world_key_t           keys[WORLD_KEYS];
    char                  retired[WORLD_RETIRED][32];   /* ids of deleted and
                                                           replaced grants */
    unsigned              nretired;

    char                  policy[32];      /* maxmemory-policy */
    char                  password[32];
    unsigned              full:1;          /* so little memory is left that
                                              dances get no story */

    unsigned              published;       /* number of messages so far */
    int64_t               published_ms;    /* time of the last message */
    char                  message[128];    /* text of the last message */
    unsigned              deaf:1;          /* no node gets messages */

    unsigned              replicated:1;    /* an operation with "durable" waits
                                              for the replica */
    world_key_t           replica[WORLD_KEYS];

    /* NULL, or performs operations on a real Redis instead of on "keys" */
    cigna_reply_t       *(*real)(void *data, const cigna_op_t *op);
    void                 *real_data;
} world_redis_t;


/* performs cigna_op_redis or cigna_op_script; the caller frees the reply */
cigna_reply_t *world_redis(world_redis_t *db, const cigna_op_t *op);

/* parses a reply in Redis' protocol; the caller frees it */
cigna_reply_t *world_reply(const char *resp, size_t len);

/*
 * returns a field of a hash, or the value of a string if field is ""; NULL if
 * there is no such key or field
 */
const world_field_t *world_get(world_redis_t *db, cigna_slice_t key,
    const char *field);

/* sets a field of a hash; NULL deletes it */
void world_set(world_redis_t *db, cigna_slice_t key, const char *field,
    const char *value);
void world_set_bytes(world_redis_t *db, cigna_slice_t key, const char *field,
    cigna_slice_t value);

void world_delete(world_redis_t *db, cigna_slice_t key);

/* copies all keys to the replica */
void world_replicate(world_redis_t *db);

/* makes the replica the primary; writes that the replica lacks are lost */
void world_promote(world_redis_t *db);

/* 1 if the bytes are anywhere in Redis */
int world_redis_has(world_redis_t *db, const char *bytes);

/* 1 if every key but the vault's marker has an expiry */
int world_redis_bounded(const world_redis_t *db);

/* frees all keys, those of the replica, too */
void world_redis_done(world_redis_t *db);


#endif /* _WORLD_REDIS_H_INCLUDED_ */
