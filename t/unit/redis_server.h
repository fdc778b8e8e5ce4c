
#ifndef _REDIS_SERVER_H_INCLUDED_
#define _REDIS_SERVER_H_INCLUDED_


#include <sys/types.h>
#include <hiredis/hiredis.h>


#define REDIS_SERVER_WAIT_MS  30000        /* it is ready in this time */


/* a real Redis, on a socket in a directory that goes with it */

typedef struct {
    char            directory[256];
    pid_t           pid;
    redisContext   *redis;                 /* a connection to it */
} redis_server_t;


/* 0, or -1: there is something to stop in both cases */
int redis_server_start(redis_server_t *s, int is_cluster);

/* another connection, freed by the caller; NULL: not ready in time */
redisContext *redis_server_dial(const redis_server_t *s);

/* 0, or -1 where the directory stays */
int redis_server_stop(redis_server_t *s);


#endif /* _REDIS_SERVER_H_INCLUDED_ */
