
#ifndef _REDIS_SERVER_H_INCLUDED_
#define _REDIS_SERVER_H_INCLUDED_


#include <sys/types.h>
#include <hiredis/hiredis.h>


#define REDIS_SERVER_WAIT_MS  30000        /* time in which Redis must be
                                              ready */


/* a real Redis, which listens on a socket in a temporary directory */

typedef struct {
    char            directory[256];
    pid_t           pid;
    redisContext   *redis;                 /* a connection to the server */
} redis_server_t;


/* returns 0 or -1; call redis_server_stop() in both cases */
int redis_server_start(redis_server_t *s, int is_cluster);

/*
 * opens another connection, which the caller frees; NULL if Redis is not ready
 */
redisContext *redis_server_dial(const redis_server_t *s);

/* stops Redis and removes the directory; -1 if the directory stays */
int redis_server_stop(redis_server_t *s);


#endif /* _REDIS_SERVER_H_INCLUDED_ */
