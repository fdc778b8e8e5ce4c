
#include "cigna_marker.h"


/* room for the further fields that a newer version of the marker may have */
#define CIGNA_MARKER_PLAIN_MAX  256


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
cigna_marker_open(const cigna_vault_t *vault, cigna_slice_t key,
    cigna_slice_t blob)
{
    int             rc;
    uint8_t         mem[CIGNA_MARKER_PLAIN_MAX];
    cigna_buf_t     plain;
    cigna_record_t  record;

    if (blob.len > CIGNA_SEAL_OVERHEAD + CIGNA_MARKER_PLAIN_MAX) {
        return CIGNA_SEAL_DAMAGED;
    }

    record = (cigna_record_t) { cigna_slice("marker"), .name = key,
                                .named = 1 };
    cigna_buf_init(&plain, mem, sizeof(mem));

    rc = cigna_seal_open(vault->ring, &record, cigna_slice_null, blob, &plain);
    if (rc != CIGNA_OK) {
        return (rc == CIGNA_SEAL_UNKNOWN_KEY) ? CIGNA_MARKER_OTHER_NAMES : rc;
    }

    if (plain.pos - plain.start != CIGNA_MARKER_PLAIN_LEN
        || mem[0] != CIGNA_MARKER_VERSION)
    {
        return CIGNA_MARKER_OTHER_VERSION;
    }

    return CIGNA_OK;
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
