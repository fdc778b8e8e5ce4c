
#include "fuzz.h"

#include "http/cigna_base64url.h"


#define MEM  (64 * 1024)

static uint8_t  text_mem[MEM], byte_mem[MEM];


/* a text that can be decoded is equal to the encoding of the decoded bytes */

static void
decode(cigna_slice_t text)
{
    cigna_buf_t  bytes, again;

    cigna_buf_init(&bytes, byte_mem, MEM);

    if (cigna_base64url_decode(text, &bytes) != CIGNA_OK) {
        fuzz_assert(bytes.pos == bytes.start);
        return;
    }

    cigna_buf_init(&again, text_mem, MEM);
    cigna_base64url_append(&again, cigna_buf_slice(&bytes));

    fuzz_assert(cigna_slice_eq(cigna_buf_slice(&again), text));
}


static void
encode(cigna_slice_t bytes)
{
    cigna_buf_t  text, again;

    cigna_buf_init(&text, text_mem, cigna_base64url_encoded_len(bytes.len));
    cigna_base64url_append(&text, bytes);
    fuzz_assert(text.overflow == 0 && text.pos == text.end);

    cigna_buf_init(&again, byte_mem, bytes.len);
    fuzz_assert(cigna_base64url_decode(cigna_buf_slice(&text), &again)
                == CIGNA_OK);
    fuzz_assert(cigna_slice_eq(cigna_buf_slice(&again), bytes));

    cigna_buf_init(&text, text_mem, (bytes.len + 2) / 3 * 4);
    cigna_base64_append(&text, bytes);
    fuzz_assert(text.overflow == 0 && text.pos == text.end);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size <= MEM / 2) {
        decode(fuzz_input(data, size));
        encode(fuzz_input(data, size));
    }

    return 0;
}
