
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
    redisReplyObjectFunctions   functions;      /* hiredis' own, but for ours */
    cigna_reader_array_pt       create_array;   /* hiredis' own */

    uint64_t                    received;       /* bytes since the start */
    uint64_t                    finished;       /* where the last reply ended */
    size_t                      elements;       /* of the reply at work */
    size_t                      reply_max;
    size_t                      elements_max;
    unsigned                    failed:1;
};


static void *cigna_reader_create_array(const redisReadTask *task,
    cigna_reader_count_t n);
static void cigna_reader_free_object(void *reply);
static void cigna_reply_wipe(redisReply *reply);
static size_t cigna_redis_digits(size_t n);


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

    /* without a complete reply, all bytes belong to the one that has begun */

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

        /* other types, which are of RESP3, must not look like nil */

        return cigna_reply_error;
    }
}


cigna_slice_t
cigna_reply_slice(const cigna_reply_t *reply)
{
    switch (cigna_reply_type(reply)) {

    case cigna_reply_string:
    case cigna_reply_status:
    case cigna_reply_error:
        return (cigna_slice_t) { (const uint8_t *) reply->str, reply->len };

    default:
        return cigna_slice_null;
    }
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
 * Before Redis 7.0 the error of a script quotes the command's error: "ERR Error
 * running script (call to f_...): @user_script: 9: -READONLY You can't write
 * ..."
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


void
cigna_redis_append(cigna_buf_t *b, const cigna_slice_t *argv, size_t argc)
{
    size_t  i;

    /* the second half of a command would be taken from the next one */

    if (argc > CIGNA_REDIS_ARGS_MAX
        || cigna_redis_length(argv, argc) > (size_t) (b->end - b->pos))
    {
        b->overflow = 1;
        return;
    }

    cigna_buf_append_char(b, '*');
    cigna_buf_append_uint(b, argc);
    cigna_buf_append_str(b, "\r\n");

    for (i = 0; i < argc; i++) {
        cigna_buf_append_char(b, '$');
        cigna_buf_append_uint(b, argv[i].len);
        cigna_buf_append_str(b, "\r\n");
        cigna_buf_append(b, argv[i]);
        cigna_buf_append_str(b, "\r\n");
    }
}


size_t
cigna_redis_length(const cigna_slice_t *argv, size_t argc)
{
    size_t  i, len;

    len = sizeof("*\r\n") - 1 + cigna_redis_digits(argc);

    for (i = 0; i < argc; i++) {
        len += sizeof("$\r\n\r\n") - 1 + cigna_redis_digits(argv[i].len)
               + argv[i].len;
    }

    return len;
}


/*
 * hiredis allocates an array as long as announced, before any element has come,
 * and bounds neither the length nor the sum of lengths.
 */

static void *
cigna_reader_create_array(const redisReadTask *task, cigna_reader_count_t n)
{
    unsigned              depth;
    cigna_reader_t       *r;
    const redisReadTask  *t;

    r = task->privdata;
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


/* for hiredis: frees what it has of a reply that is malformed */

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

        /* an element that has not come yet */

        return;
    }

    if (reply->str) {
        cigna_secret_wipe(reply->str, reply->len);
    }

    for (i = 0; i < reply->elements; i++) {
        cigna_reply_wipe(reply->element[i]);
    }
}


static size_t
cigna_redis_digits(size_t n)
{
    size_t  digits;

    for (digits = 1; n > 9; n /= 10) {
        digits++;
    }

    return digits;
}
