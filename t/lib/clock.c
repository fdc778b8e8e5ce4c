
/*
 * A library to preload into a server.  It moves two clocks of the server
 * forward: gettimeofday() by the seconds in the first eight bytes of the file
 * that CLOCK_AHEAD names, and the monotonic clock, which nginx uses for timers,
 * by the seconds in the next eight.  The library maps the file, so a test can
 * change the seconds at any time.
 */


#define _GNU_SOURCE

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>


static volatile const int64_t  *clock_ahead;


__attribute__((constructor)) static void
clock_init(void)
{
    int          fd;
    void        *p;
    const char  *name;

    name = getenv("CLOCK_AHEAD");
    if (name == NULL) {
        return;
    }

    fd = open(name, O_RDONLY);
    if (fd == -1) {
        return;
    }

    p = mmap(NULL, 2 * sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);

    if (p != MAP_FAILED) {
        clock_ahead = p;
    }

    (void) close(fd);
}


int
gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
    (void) tz;

    if (syscall(SYS_gettimeofday, tv, NULL) == -1) {
        return -1;
    }

    if (clock_ahead) {
        tv->tv_sec += clock_ahead[0];
    }

    return 0;
}


int
clock_gettime(clockid_t clock, struct timespec *ts)
{
    if (syscall(SYS_clock_gettime, clock, ts) == -1) {
        return -1;
    }

    if (clock_ahead
        && (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE))
    {
        ts->tv_sec += clock_ahead[1];
    }

    return 0;
}
