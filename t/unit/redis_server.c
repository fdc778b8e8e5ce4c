
#define _GNU_SOURCE

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "redis_server.h"


static void redis_server_run(const redis_server_t *s, int is_cluster);


int
redis_server_start(redis_server_t *s, int is_cluster)
{
    int          status;
    pid_t        ended;
    const char  *tmp;

    status = 0;
    s->pid = -1;
    s->redis = NULL;

    tmp = getenv("TMPDIR");
    (void) snprintf(s->directory, sizeof(s->directory),
                    "%s/cigna-redis-XXXXXX", tmp ? tmp : "/tmp");

    if (mkdtemp(s->directory) == NULL) {
        return -1;
    }

    s->pid = fork();

    if (s->pid == 0) {
        redis_server_run(s, is_cluster);
        _exit(127);
    }

    s->redis = redis_server_dial(s);

    if (s->redis == NULL) {
        ended = waitpid(s->pid, &status, WNOHANG);
        fprintf(stderr, "redis-server in %s %s, status %d\n", s->directory,
                ended == 0 ? "does not answer" : "has ended", status);
    }

    return s->redis ? 0 : -1;
}


/*
 * With port 0 Redis listens on the Unix socket.  A node of a cluster also opens
 * port 10000 for the cluster's bus, which nothing uses here.
 */

static void
redis_server_run(const redis_server_t *s, int is_cluster)
{
    if (chdir(s->directory) == 0 && freopen("/dev/null", "w", stdout)) {
        (void) execlp("redis-server", "redis-server", "--port", "0",
                      "--unixsocket", "socket", "--save", "",
                      "--appendonly", "no",
                      "--cluster-enabled", is_cluster ? "yes" : "no",
                      "--cluster-config-file", "nodes", (char *) NULL);
        perror("redis-server");
    }
}


redisContext *
redis_server_dial(const redis_server_t *s)
{
    char           path[300];
    unsigned       ms;
    redisContext  *c;

    (void) snprintf(path, sizeof(path), "%s/socket", s->directory);

    for (ms = 0; ms < REDIS_SERVER_WAIT_MS; ms += 20) {
        c = redisConnectUnix(path);

        if (c && c->err == 0) {
            return c;
        }

        redisFree(c);
        (void) usleep(20 * 1000);
    }

    return NULL;
}


int
redis_server_stop(redis_server_t *s)
{
    size_t              i;
    char                path[300];
    static const char  *files[] = { "socket", "nodes" };

    redisFree(s->redis);

    if (s->pid > 0) {
        (void) kill(s->pid, SIGTERM);
        (void) waitpid(s->pid, NULL, 0);
    }

    for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        (void) snprintf(path, sizeof(path), "%s/%s", s->directory, files[i]);
        (void) unlink(path);
    }

    return rmdir(s->directory);
}
