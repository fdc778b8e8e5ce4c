
#include "fuzz.h"

#include "json/cigna_json.h"
#include "json/cigna_json_mend.h"


#define MEM          (256 * 1024)
#define DEPTH        32
#define SECONDS_MAX  (10 * 365 * 86400)

static uint8_t  mem[MEM];


static void
read_members(const cigna_json_t *object, unsigned depth)
{
    int                   b;
    size_t                i;
    int64_t               n;
    cigna_slice_t         s;
    const cigna_json_t   *array;
    static const char    *names[] = { "a", "keys", "expires_in", "x5c" };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {

        (void) cigna_json_bool(object, names[i], &b);
        fuzz_assert(b == 0 || b == 1);

        if (cigna_json_string(object, names[i], 16, &s) == CIGNA_OK) {
            fuzz_assert(s.len <= 16 && !cigna_slice_has(s, '\0'));
        }

        if (cigna_json_seconds(object, names[i], SECONDS_MAX, &n)
            == CIGNA_OK)
        {
            fuzz_assert(n >= 0 && n <= SECONDS_MAX);
        }
    }

    if (depth == 0 || cigna_json_array(object, "a", &array) != CIGNA_OK) {
        return;
    }

    for (i = 0; i < cigna_json_count(array); i++) {
        (void) cigna_json_item_string(array, i);
        read_members(cigna_json_item(array, i), depth - 1);
    }
}


static void
read_document(cigna_slice_t text)
{
    cigna_json_t  *doc, *mended;

    doc = cigna_json_parse(text);
    mended = cigna_json_read(text);

    if (doc) {
        read_members(doc, DEPTH);

        fuzz_assert(mended);
        fuzz_assert(!cigna_json_settle(mended, text, "a"));
    }

    if (mended) {
        read_members(mended, DEPTH);
        (void) cigna_json_settle(mended, text, "a");
        read_members(mended, DEPTH);
    }

    cigna_json_destroy(doc);
    cigna_json_destroy(mended);
}


/*
 * Mends the text with a large and with a small output buffer.  The results are
 * the same.  Mending the result again changes nothing, unless it begins with a
 * byte order mark.
 */

static void
mend_document(cigna_slice_t text)
{
    size_t              len, n, i;
    cigna_json_mend_t   m;
    cigna_slice_t       once;
    static uint8_t      out[MEM], again[CIGNA_JSON_MEND_UNIT];

    cigna_json_mend_init(&m, text);
    len = cigna_json_mend_next(&m, out, MEM);

    fuzz_assert(m.rest.len == 0);
    once = cigna_slice_make(out, out + len);

    cigna_json_mend_init(&m, text);

    for (i = 0; /* void */ ; i += n) {

        n = cigna_json_mend_next(&m, again, sizeof(again));

        if (n == 0) {
            break;
        }

        fuzz_assert(i + n <= len && memcmp(out + i, again, n) == 0);
    }

    fuzz_assert(i == len);

    cigna_json_mend_init(&m, once);

    for (i = 0; m.rest.len; i += n) {

        n = cigna_json_mend_next(&m, again, sizeof(again));

        fuzz_assert(cigna_slice_starts(once, cigna_slice("\xef\xbb\xbf"))
                    || (i + n <= len && memcmp(out + i, again, n) == 0));
    }
}


/* any text without a NUL byte can be written as a JSON string and parsed */

static void
write_string(cigna_slice_t text)
{
    cigna_buf_t    b;
    cigna_json_t  *doc;

    cigna_buf_init(&b, mem, MEM);
    cigna_buf_append_str(&b, "{\"a\":");
    cigna_json_append_string(&b, text);
    cigna_buf_append_char(&b, '}');

    doc = cigna_json_parse(cigna_buf_slice(&b));
    fuzz_assert((doc == NULL) == cigna_slice_has(text, '\0'));

    cigna_json_destroy(doc);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size <= MEM / 8) {
        read_document(fuzz_input(data, size));
        mend_document(fuzz_input(data, size));
        write_string(fuzz_input(data, size));
    }

    return 0;
}
