
#include <string.h>

#include "cigna_redis.h"
#include "http/cigna_uri.h"


static int cigna_redis_url_fail(const char **error, const char *words);
static int cigna_redis_url_unix(cigna_slice_t rest, cigna_redis_url_t *u,
    const char **error);
static int cigna_redis_url_tcp(cigna_slice_t rest, cigna_redis_url_t *u,
    const char **error);
static int cigna_redis_url_db(cigna_slice_t digits, cigna_redis_url_t *u,
    const char **error);


#define CIGNA_REDIS_PORT      6379
#define CIGNA_REDIS_DB_MAX    65535
#define CIGNA_REDIS_PATH_MAX  107          /* most bytes in a sockaddr_un */


int
cigna_redis_url_parse(cigna_slice_t text, cigna_redis_url_t *u,
    const char **error)
{
    cigna_slice_t  scheme;

    memset(u, 0, sizeof(cigna_redis_url_t));
    *error = NULL;

    scheme = cigna_slice_cut(&text, ':');

    if (cigna_slice_eq(scheme, cigna_slice("unix"))) {
        return cigna_redis_url_unix(text, u, error);
    }

    u->tls = cigna_slice_eq(scheme, cigna_slice("rediss"));

    if ((!u->tls && !cigna_slice_eq(scheme, cigna_slice("redis")))
        || !cigna_slice_starts(text, cigna_slice("//")))
    {
        return cigna_redis_url_fail(error, "must begin with \"redis://\", "
                                    "\"rediss://\" or \"unix:/\"");
    }

    return cigna_redis_url_tcp(cigna_slice_skip(text, 2), u, error);
}


static int
cigna_redis_url_fail(const char **error, const char *words)
{
    *error = words;

    return CIGNA_ERROR;
}


static int
cigna_redis_url_unix(cigna_slice_t rest, cigna_redis_url_t *u,
    const char **error)
{
    size_t  len;

    len = rest.len;
    u->path = cigna_slice_cut(&rest, ':');

    if (!cigna_slice_starts(u->path, cigna_slice("/"))) {
        return cigna_redis_url_fail(error, "needs an absolute path after "
                                    "\"unix:\"");
    }

    if (u->path.len > CIGNA_REDIS_PATH_MAX
        || cigna_slice_has(u->path, '\0'))
    {
        return cigna_redis_url_fail(error, "has a path that no socket can "
                                    "have");
    }

    if (u->path.len == len) {
        return CIGNA_OK;
    }

    return cigna_redis_url_db(rest, u, error);
}


static int
cigna_redis_url_tcp(cigna_slice_t rest, cigna_redis_url_t *u,
    const char **error)
{
    cigna_slice_t  authority;

    u->port = 0;

    authority = cigna_slice_cut(&rest, '/');

    if (cigna_slice_has(authority, '@')) {
        return cigna_redis_url_fail(error, "must not hold a user name or a "
                                    "password, use \"username_file\" and "
                                    "\"password_file\"");
    }

    if (cigna_uri_authority_parse(authority, &u->host, &u->port) != CIGNA_OK) {
        return cigna_redis_url_fail(error, "has an invalid host name or port");
    }

    u->port_given = (u->port != 0);

    if (!u->port_given) {
        u->port = CIGNA_REDIS_PORT;
    }

    if (rest.len == 0) {
        return CIGNA_OK;
    }

    return cigna_redis_url_db(rest, u, error);
}


static int
cigna_redis_url_db(cigna_slice_t digits, cigna_redis_url_t *u,
    const char **error)
{
    uint64_t  db;

    if (cigna_slice_uint(digits, CIGNA_REDIS_DB_MAX, &db) != CIGNA_OK) {
        return cigna_redis_url_fail(error, "has an invalid database number");
    }

    u->db = (unsigned) db;

    return CIGNA_OK;
}
