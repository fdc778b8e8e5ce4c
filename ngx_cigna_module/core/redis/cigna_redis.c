
#include <hiredis/hiredis.h>
#include <stdlib.h>

#include "cigna_redis.h"
#include "base/cigna_secret.h"


#if (HIREDIS_MAJOR < 1)
typedef int     cigna_reader_count_t;
#else
typedef size_t  cigna_reader_count_t;
#endif


typedef void *(*cigna_reader_array_pt)(const redisReadTask *task,
    cigna_reader_count_t n);


struct cigna_reader_s {
    redisReader                *hiredis;
    redisReplyObjectFunctions   functions;      /* hiredis' functions, two of
                                                   them replaced */
    cigna_reader_array_pt       create_array;   /* hiredis' createArray */

    uint64_t                    received;       /* bytes received in all */
    uint64_t                    finished;       /* bytes up to the end of
                                                   the last reply */
    size_t                      elements;       /* elements of the reply that is
                                                   being read */
    size_t                      reply_max;
    size_t                      elements_max;
    unsigned                    failed:1;
};


static void *cigna_reader_create_array(const redisReadTask *task,
    cigna_reader_count_t n);
static void cigna_reader_free_object(void *reply);
static void cigna_reply_wipe(redisReply *reply);


cigna_reader_t *
cigna_reader_create(void)
{
    cigna_reader_t  *r;

    r = calloc(1, sizeof(cigna_reader_t));
    if (r == NULL) {
        return NULL;
    }

    r->hiredis = redisReaderCreate();
    if (r->hiredis == NULL) {
        free(r);
        return NULL;
    }

    r->functions = *r->hiredis->fn;
    r->create_array = r->functions.createArray;

    r->functions.createArray = cigna_reader_create_array;
    r->functions.freeObject = cigna_reader_free_object;

    r->hiredis->fn = &r->functions;
    r->hiredis->privdata = r;

    cigna_reader_limit(r, CIGNA_REDIS_REPLY_MAX, CIGNA_REDIS_ELEMENTS_MAX);

    return r;
}


void
cigna_reader_limit(cigna_reader_t *r, size_t reply_max, size_t elements_max)
{
    r->reply_max = reply_max;
    r->elements_max = elements_max;
}


void
cigna_reader_destroy(cigna_reader_t *r)
{
    if (r == NULL) {
        return;
    }

    cigna_secret_wipe(r->hiredis->buf, r->hiredis->len);

    redisReaderFree(r->hiredis);
    free(r);
}


int
cigna_reader_feed(cigna_reader_t *r, cigna_slice_t bytes)
{
    if (r->failed || r->received - r->finished > r->reply_max) {
        return CIGNA_ERROR;
    }

    if (redisReaderFeed(r->hiredis, (const char *) bytes.data, bytes.len)
        != REDIS_OK)
    {
        r->failed = 1;
        return CIGNA_ERROR;
    }

    r->received += bytes.len;

    return CIGNA_OK;
}


int
cigna_reader_next(cigna_reader_t *r, cigna_reply_t **reply)
{
    void      *object;
    uint64_t   end;

    *reply = NULL;
    object = NULL;

    if (r->failed || redisReaderGetReply(r->hiredis, &object) != REDIS_OK) {
        r->failed = 1;
        return CIGNA_ERROR;
    }

    /* if no reply is complete, all bytes belong to the reply that has begun */

    end = r->received;

    if (object) {
        end -= r->hiredis->len - r->hiredis->pos;
    }

    if (end - r->finished > r->reply_max) {
        cigna_reply_destroy(object);
        r->failed = 1;
        return CIGNA_ERROR;
    }

    if (object == NULL) {
        return CIGNA_AGAIN;
    }

    r->finished = end;
    r->elements = 0;
    *reply = object;

    return CIGNA_OK;
}


void
cigna_reply_destroy(cigna_reply_t *reply)
{
    if (reply) {
        cigna_reply_wipe(reply);
        freeReplyObject(reply);
    }
}


cigna_reply_e
cigna_reply_type(const cigna_reply_t *reply)
{
    if (reply == NULL) {
        return cigna_reply_nil;
    }

    switch (reply->type) {

    case REDIS_REPLY_NIL:
        return cigna_reply_nil;

    case REDIS_REPLY_STRING:
        return cigna_reply_string;

    case REDIS_REPLY_STATUS:
        return cigna_reply_status;

    case REDIS_REPLY_INTEGER:
        return cigna_reply_integer;

    case REDIS_REPLY_ARRAY:
        return cigna_reply_array;

    default:

        /* types of RESP3 must not look like nil */

        return cigna_reply_error;
    }
}


cigna_slice_t
cigna_reply_slice(const cigna_reply_t *reply)
{
    cigna_reply_e  type;

    type = cigna_reply_type(reply);

    if (type == cigna_reply_string || type == cigna_reply_status
        || type == cigna_reply_error)
    {
        return (cigna_slice_t) { (const uint8_t *) reply->str, reply->len };
    }

    return cigna_slice_null;
}


int64_t
cigna_reply_int(const cigna_reply_t *reply, int64_t dflt)
{
    if (cigna_reply_type(reply) != cigna_reply_integer) {
        return dflt;
    }

    return reply->integer;
}


size_t
cigna_reply_count(const cigna_reply_t *reply)
{
    if (cigna_reply_type(reply) != cigna_reply_array) {
        return 0;
    }

    return reply->elements;
}


const cigna_reply_t *
cigna_reply_item(const cigna_reply_t *reply, size_t i)
{
    return (i < cigna_reply_count(reply)) ? reply->element[i] : NULL;
}


int
cigna_reply_is_error(const cigna_reply_t *reply, const char *code)
{
    cigna_slice_t  text;

    if (cigna_reply_type(reply) != cigna_reply_error) {
        return 0;
    }

    text = cigna_reply_slice(reply);

    return cigna_slice_eq(cigna_slice_cut(&text, ' '), cigna_slice_str(code));
}


/*
 * Before Redis 7.0, the error of a script contains the command's error: "ERR
 * Error running script (call to f_...): @user_script: 9: -READONLY You can't
 * write ..."
 */

int
cigna_reply_is_readonly(const cigna_reply_t *reply)
{
    cigna_slice_t  text;

    if (cigna_reply_is_error(reply, "READONLY")) {
        return 1;
    }

    text = cigna_reply_slice(reply);

    if (!cigna_reply_is_error(reply, "ERR")
        || !cigna_slice_starts(text, cigna_slice("ERR Error running script ")))
    {
        return 0;
    }

    while (text.len) {
        if (cigna_slice_eq(cigna_slice_cut(&text, ' '),
                           cigna_slice("-READONLY")))
        {
            return 1;
        }
    }

    return 0;
}


int
cigna_redis_format(const cigna_slice_t *argv, size_t argc, uint8_t **text,
    size_t *len)
{
    char        *command;
    size_t       i, sum, lengths[CIGNA_REDIS_ARGS_MAX];
    const char  *args[CIGNA_REDIS_ARGS_MAX];

    if (argc == 0 || argc > CIGNA_REDIS_ARGS_MAX) {
        return CIGNA_ERROR;
    }

    for (i = 0, sum = 0; i < argc; i++) {

        if (argv[i].len > CIGNA_REDIS_COMMAND_MAX - sum) {
            return CIGNA_ERROR;
        }

        sum += argv[i].len;
        lengths[i] = argv[i].len;
        args[i] = argv[i].len ? (const char *) argv[i].data : "";
    }

    *len = (size_t) redisFormatCommandArgv(&command, (int) argc, args, lengths);
    if (*len == (size_t) -1) {
        return CIGNA_ERROR;
    }

    *text = (uint8_t *) command;

    return CIGNA_OK;
}


void
cigna_redis_free(uint8_t *text, size_t len)
{
    if (text) {
        cigna_secret_wipe(text, len);
        redisFreeCommand((char *) text);
    }
}


/*
 * hiredis allocates an array of the announced length before any element has
 * come.  hiredis bounds neither this length nor the sum of the lengths, so this
 * function bounds the sum.
 */

static void *
cigna_reader_create_array(const redisReadTask *task, cigna_reader_count_t n)
{
    unsigned              depth;
    cigna_reader_t       *r = task->privdata;
    const redisReadTask  *t;

    depth = 0;

    for (t = task; t; t = t->parent) {
        depth++;
    }

    if (depth > CIGNA_REDIS_DEPTH_MAX
        || (size_t) n > r->elements_max - r->elements)
    {
        return NULL;
    }

    r->elements += (size_t) n;

    return r->create_array(task, n);
}


/* hiredis calls this function to free the parts of a malformed reply */

static void
cigna_reader_free_object(void *reply)
{
    cigna_reply_destroy(reply);
}


static void
cigna_reply_wipe(redisReply *reply)
{
    size_t  i;

    if (reply == NULL) {

        /* this element has not come yet */

        return;
    }

    cigna_secret_wipe(reply->str, reply->len);

    for (i = 0; i < reply->elements; i++) {
        cigna_reply_wipe(reply->element[i]);
    }
}
