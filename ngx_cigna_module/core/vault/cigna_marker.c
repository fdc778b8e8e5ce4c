
#include "cigna_marker.h"


#define CIGNA_MARKER_VERSION    1

/* newer versions may have more fields */
#define CIGNA_MARKER_PLAIN_MAX  256


static cigna_record_t cigna_marker_record(cigna_slice_t key);
static int64_t cigna_marker_time(const uint8_t *p);


int
cigna_marker_append_key(cigna_buf_t *b, const cigna_vault_t *vault,
    unsigned slot)
{
    cigna_buf_append(b, vault->prefix);
    cigna_buf_append_str(b, ":v:{");

    if (slot == CIGNA_MARKER_NO_SLOT) {
        cigna_buf_append_str(b, "vault");

    } else if (cigna_slot_append_tag(b, slot) != CIGNA_OK) {
        return CIGNA_ERROR;
    }

    cigna_buf_append_char(b, '}');

    return b->overflow ? CIGNA_ERROR : CIGNA_OK;
}


int
cigna_marker_seal(const cigna_vault_t *vault, cigna_slice_t key,
    int64_t made_ms, const uint8_t nonce[CIGNA_SEAL_NONCE_LEN],
    cigna_buf_t *out)
{
    uint8_t         mem[CIGNA_MARKER_PLAIN_LEN];
    cigna_buf_t     plain;
    cigna_record_t  record;

    cigna_buf_init(&plain, mem, sizeof(mem));
    cigna_buf_append_char(&plain, CIGNA_MARKER_VERSION);
    cigna_buf_append_u64(&plain, (uint64_t) made_ms);

    record = cigna_marker_record(key);

    return cigna_seal_named(vault->ring, &record, cigna_slice_null,
                            cigna_buf_slice(&plain), nonce, out);
}


int
cigna_marker_open(const cigna_vault_t *vault, cigna_slice_t key,
    cigna_slice_t blob, int64_t *made_ms)
{
    int             rc;
    uint8_t         mem[CIGNA_MARKER_PLAIN_MAX];
    cigna_buf_t     plain;
    cigna_record_t  record;

    if (blob.len > CIGNA_SEAL_OVERHEAD + CIGNA_MARKER_PLAIN_MAX) {
        return CIGNA_SEAL_DAMAGED;
    }

    record = cigna_marker_record(key);
    cigna_buf_init(&plain, mem, sizeof(mem));

    rc = cigna_seal_open_named(vault->ring, &record, cigna_slice_null, blob,
                               &plain);
    if (rc != CIGNA_OK) {
        return (rc == CIGNA_SEAL_UNKNOWN_KEY) ? CIGNA_MARKER_OTHER_NAMES : rc;
    }

    if (plain.pos - plain.start != CIGNA_MARKER_PLAIN_LEN
        || mem[0] != CIGNA_MARKER_VERSION)
    {
        return CIGNA_MARKER_OTHER_VERSION;
    }

    if (made_ms) {
        *made_ms = cigna_marker_time(mem + 1);
    }

    return CIGNA_OK;
}


static cigna_record_t
cigna_marker_record(cigna_slice_t key)
{
    return (cigna_record_t) { cigna_slice("marker"), cigna_slice_null, key };
}


static int64_t
cigna_marker_time(const uint8_t *p)
{
    unsigned  i;
    uint64_t  n;

    n = 0;

    for (i = 0; i < 8; i++) {
        n = n << 8 | p[i];
    }

    return (int64_t) n;
}


const char *
cigna_marker_error(int rc)
{
    switch (rc) {

    case CIGNA_OK:
        return "the marker is this vault's";

    case CIGNA_NONE:
        return "there is no marker: \"scripts/vault init\" has not been run, "
               "or data were lost";

    case CIGNA_SEAL_DAMAGED:
        return "the marker is damaged, or of another vault";

    case CIGNA_MARKER_OTHER_NAMES:
        return "the marker was made with another name key: another vault's "
               "Redis, or the wrong key ring";

    case CIGNA_MARKER_OTHER_VERSION:
        return "the marker is of another version of this module";

    default:
        return "the marker cannot be checked";
    }
}
