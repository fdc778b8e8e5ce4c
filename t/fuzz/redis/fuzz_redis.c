
#include "fuzz.h"

#include "redis/cigna_redis.h"


/*
 * The first byte of the input chooses the size of the pieces in which Redis'
 * replies come.  The parsed replies must not depend on that size.  The other
 * bytes are also the arguments of a command, which a reader must get back.
 */

#define MEM  (64 * 1024)

static uint8_t  whole_mem[MEM], parts_mem[MEM];


/* appends all that the getters return for a reply */

static void
describe(cigna_buf_t *b, const cigna_reply_t *reply)
{
    size_t  i;

    cigna_buf_append_char(b, (uint8_t) cigna_reply_type(reply));
    cigna_buf_append_lp(b, cigna_reply_slice(reply));
    cigna_buf_append_u64(b, (uint64_t) cigna_reply_int(reply, 42));
    cigna_buf_append_u64(b, cigna_reply_count(reply));
    cigna_buf_append_char(b, (uint8_t) cigna_reply_is_error(reply, "MOVED"));

    fuzz_assert(cigna_reply_count(reply) <= CIGNA_REDIS_ELEMENTS_MAX);

    for (i = 0; i < cigna_reply_count(reply); i++) {
        describe(b, cigna_reply_item(reply, i));
    }
}


static int
drain(cigna_reader_t *r, cigna_buf_t *b)
{
    int             rc;
    cigna_reply_t  *reply;

    while ((rc = cigna_reader_next(r, &reply)) == CIGNA_OK) {
        fuzz_assert(reply);
        describe(b, reply);
        cigna_reply_destroy(reply);
    }

    fuzz_assert(reply == NULL);

    return rc;
}


static int
read_replies(cigna_slice_t text, size_t step, cigna_buf_t *b)
{
    int              rc;
    cigna_reader_t  *r;

    r = cigna_reader_create();
    fuzz_assert(r);

    do {
        rc = cigna_reader_feed(r, fuzz_cut(&text, step));
        fuzz_assert(rc == CIGNA_OK);

        rc = drain(r, b);

    } while (rc == CIGNA_AGAIN && text.len);

    cigna_reader_destroy(r);

    return rc;
}


static void
compare(const cigna_reply_t *reply, const cigna_slice_t *argv, size_t argc)
{
    size_t  i;

    fuzz_assert(cigna_reply_count(reply) == argc);

    for (i = 0; i < argc; i++) {
        fuzz_assert(cigna_slice_eq(cigna_reply_slice(cigna_reply_item(reply,
                                                                      i)),
                                   argv[i]));
    }
}


static void
read_command(cigna_slice_t text)
{
    size_t           i, len, argc;
    uint8_t         *command;
    cigna_reply_t   *reply;
    cigna_slice_t    argv[CIGNA_REDIS_ARGS_MAX];
    cigna_reader_t  *r;

    for (argc = 0; text.len && argc < CIGNA_REDIS_ARGS_MAX; argc++) {
        argv[argc] = fuzz_cut(&text, fuzz_byte(&text));
    }

    if (argc == 0) {
        return;
    }

    fuzz_assert(cigna_redis_format(argv, argc, &command, &len) == CIGNA_OK);

    r = cigna_reader_create();
    fuzz_assert(r);

    /*
     * the reader reads the command twice, because no state of one reply may
     * remain for the next one
     */

    for (i = 0; i < 2; i++) {
        fuzz_assert(cigna_reader_feed(r, cigna_slice_make(command,
                                                          command + len))
                    == CIGNA_OK);
        fuzz_assert(cigna_reader_next(r, &reply) == CIGNA_OK);

        compare(reply, argv, argc);

        cigna_reply_destroy(reply);
    }

    cigna_redis_free(command, len);
    cigna_reader_destroy(r);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t         step;
    cigna_buf_t    whole, parts;
    cigna_slice_t  text;

    if (size > 4096) {
        return 0;
    }

    text = fuzz_input(data, size);
    step = fuzz_byte(&text) % 64 + 1;

    cigna_buf_init(&whole, whole_mem, MEM);
    cigna_buf_init(&parts, parts_mem, MEM);

    fuzz_assert(read_replies(text, SIZE_MAX, &whole)
                == read_replies(text, step, &parts));
    fuzz_assert(whole.overflow == parts.overflow);
    fuzz_assert(cigna_slice_eq(cigna_buf_slice(&whole),
                               cigna_buf_slice(&parts)));

    read_command(text);

    return 0;
}
