
#include "json/cigna_json.h"
#include "cigna_unknown_id.h"


static int cigna_unknown_id_outcome(const cigna_json_t *outcome);
static int cigna_unknown_id_issue(const cigna_json_t *issue);
static int cigna_unknown_id_says(const cigna_json_t *object, const char *name);
static int cigna_unknown_id_find(cigna_slice_t *s, cigna_slice_t what);


int
cigna_unknown_id(cigna_slice_t text)
{
    int            found;
    cigna_json_t  *outcome;

    if (text.len > CIGNA_UNKNOWN_ID_MAX) {
        return 0;
    }

    outcome = cigna_json_parse(text);
    found = outcome && cigna_unknown_id_outcome(outcome);

    cigna_json_destroy(outcome);

    return found;
}


static int
cigna_unknown_id_outcome(const cigna_json_t *outcome)
{
    size_t               i;
    cigna_slice_t        type;
    const cigna_json_t  *issues, *issue;

    if (cigna_json_string(outcome, "resourceType", CIGNA_UNKNOWN_ID_MAX, &type)
            != CIGNA_OK
        || !cigna_slice_eq(type, cigna_slice("OperationOutcome"))
        || cigna_json_array(outcome, "issue", &issues) != CIGNA_OK)
    {
        return 0;
    }

    for (i = 0; i < cigna_json_count(issues); i++) {

        issue = cigna_json_item(issues, i);

        if (issue && cigna_unknown_id_issue(issue)) {
            return 1;
        }
    }

    return 0;
}


static int
cigna_unknown_id_issue(const cigna_json_t *issue)
{
    const cigna_json_t  *details;

    return cigna_unknown_id_says(issue, "diagnostics")
           || (cigna_json_child(issue, "details", &details) == CIGNA_OK
               && cigna_unknown_id_says(details, "text"));
}


static int
cigna_unknown_id_says(const cigna_json_t *object, const char *name)
{
    cigna_slice_t  s;

    return cigna_json_string(object, name, CIGNA_UNKNOWN_ID_MAX, &s) == CIGNA_OK
           && cigna_unknown_id_find(&s, cigna_slice("Resource "))
           && cigna_unknown_id_find(&s, cigna_slice(" is not known"));
}


/* 1 if s has it; *s is then what follows */

static int
cigna_unknown_id_find(cigna_slice_t *s, cigna_slice_t what)
{
    while (s->len >= what.len) {

        if (cigna_slice_starts(*s, what)) {
            *s = cigna_slice_skip(*s, what.len);
            return 1;
        }

        *s = cigna_slice_skip(*s, 1);
    }

    return 0;
}
