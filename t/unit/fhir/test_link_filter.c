
#include <stdio.h>
#include <stdlib.h>

#include "support.h"

#include "fhir/cigna_link_filter.h"


#define BASE  "https://p-hi2.example/PatientAccess/v1-devportal"
#define HOST  "https://p-hi2.example"
#define OWN   "https://gw.example/fhir"


static cigna_bases_t  bases;
static cigna_link_filter_t  links;
static uint8_t        mem[512 * 1024];


static int
setup(void **state)
{
    const char  *error;

    (void) state;

    cigna_bases_init(&bases);
    assert_int_equal(cigna_bases_add(&bases, cigna_slice(BASE), &error),
                     CIGNA_OK);
    assert_int_equal(cigna_bases_add(&bases, cigna_slice(HOST), &error),
                     CIGNA_OK);

    return 0;
}


/* the filter's output for a text in pieces of n bytes */

static cigna_slice_t
rewritten(const char *text, size_t n)
{
    cigna_buf_t    b;
    cigna_slice_t  rest, in, piece;

    cigna_buf_init(&b, mem, sizeof(mem));
    cigna_link_filter_init(&links, &bases, cigna_slice(OWN "/"));

    rest = guarded(text);

    while (rest.len) {

        in = cigna_slice_make(rest.data,
                              rest.data + (rest.len < n ? rest.len : n));
        rest = cigna_slice_skip(rest, in.len);

        while (cigna_link_filter_next(&links, &in, &piece) == CIGNA_OK) {
            assert_int_not_equal(piece.len, 0);
            cigna_buf_append(&b, piece);
        }

        assert_int_equal(in.len, 0);
    }

    while (cigna_link_filter_end(&links, &piece) == CIGNA_OK) {
        cigna_buf_append(&b, piece);
    }

    assert_int_equal(cigna_link_filter_end(&links, &piece), CIGNA_NONE);

    return cigna_buf_slice(&b);
}


/* cuts the text into pieces of each size: the output must be "expected" */

static void
becomes(const char *text, const char *expected)
{
    size_t         n;
    cigna_slice_t  out;

    for (n = 1; n <= 70; n++) {
        out = rewritten(text, n);
        assert_slice(out, expected);
    }

    out = rewritten(text, (size_t) -1);
    assert_slice(out, expected);

    support_release();
}


static void
stays(const char *text)
{
    becomes(text, text);
    assert_int_equal(links.rewritten, 0);
}


static void
links_of_a_bundle_are_rewritten(void **state)
{
    (void) state;

    becomes("{\"resourceType\":\"Bundle\",\"link\":[{\"relation\":\"self\","
            "\"url\":\"" BASE "/Patient?_id=1\"},{\"relation\":\"next\","
            "\"url\":\"" BASE "?_getpages=a&_count=1\"}],\"entry\":["
            "{\"fullUrl\":\"" BASE "/Patient/1\",\"resource\":{}}]}",
            "{\"resourceType\":\"Bundle\",\"link\":[{\"relation\":\"self\","
            "\"url\":\"" OWN "/Patient?_id=1\"},{\"relation\":\"next\","
            "\"url\":\"" OWN "/?_getpages=a&_count=1\"}],\"entry\":["
            "{\"fullUrl\":\"" OWN "/Patient/1\",\"resource\":{}}]}");

    assert_int_equal(links.rewritten, 3);
    assert_int_equal(links.broken, 0);
}


static void
a_host_alone_may_be_a_base(void **state)
{
    (void) state;

    becomes("{\"fullUrl\": \"" HOST "/Patient/A00000000000005\"}",
            "{\"fullUrl\": \"" OWN "/Patient/A00000000000005\"}");
}


static void
references_attachments_and_implementation_are_links(void **state)
{
    (void) state;

    becomes("{\"a\":{\"reference\":\"" BASE "/Patient/1\"}}",
            "{\"a\":{\"reference\":\"" OWN "/Patient/1\"}}");
    becomes("{\"content\":[{\"attachment\":{\"url\":\"" BASE "/Binary/1\"}}]}",
            "{\"content\":[{\"attachment\":{\"url\":\"" OWN "/Binary/1\"}}]}");
    becomes("{\"photo\":[{\"url\":\"" BASE "/Binary/1\"}]}",
            "{\"photo\":[{\"url\":\"" OWN "/Binary/1\"}]}");
    becomes("{\"valueAttachment\":{\"url\":\"" BASE "/Binary/1\"}}",
            "{\"valueAttachment\":{\"url\":\"" OWN "/Binary/1\"}}");
    becomes("{\"presentedForm\":[{\"url\":\"" BASE "/Binary/1\"}]}",
            "{\"presentedForm\":[{\"url\":\"" OWN "/Binary/1\"}]}");
    becomes("{\"implementation\":{\"url\":\"" BASE "\"},\"url\":\"" BASE "\"}",
            "{\"implementation\":{\"url\":\"" OWN "\"},\"url\":\"" BASE "\"}");
}


static void
attachments_and_related_artifacts_are_links(void **state)
{
    (void) state;

    becomes("{\"resourceType\":\"ExplanationOfBenefit\",\"form\":{\"url\":\""
            BASE "/Binary/1\"}}",
            "{\"resourceType\":\"ExplanationOfBenefit\",\"form\":{\"url\":\""
            OWN "/Binary/1\"}}");
    becomes("{\"relatedArtifact\":[{\"url\":\"" BASE "/Binary/1\","
            "\"resource\":\"" BASE "/Library/1\",\"document\":{\"url\":\""
            BASE "/Binary/2\"}}]}",
            "{\"relatedArtifact\":[{\"url\":\"" OWN "/Binary/1\","
            "\"resource\":\"" BASE "/Library/1\",\"document\":{\"url\":\""
            OWN "/Binary/2\"}}]}");
    becomes("{\"action\":[{\"documentation\":[{\"url\":\"" BASE "/x\"}]}]}",
            "{\"action\":[{\"documentation\":[{\"url\":\"" OWN "/x\"}]}]}");
    stays("{\"documentation\":\"" BASE "/x\"}");
}


static void
request_and_response_of_an_entry_are_links(void **state)
{
    (void) state;

    becomes("{\"entry\":[{\"request\":{\"method\":\"PUT\",\"url\":\"" BASE
            "/Patient/1/_history/2\"},\"response\":{\"status\":\"200\","
            "\"location\":\"" BASE "/Patient/1/_history/2\"}}]}",
            "{\"entry\":[{\"request\":{\"method\":\"PUT\",\"url\":\"" OWN
            "/Patient/1/_history/2\"},\"response\":{\"status\":\"200\","
            "\"location\":\"" OWN "/Patient/1/_history/2\"}}]}");
    stays("{\"location\":\"" BASE "/x\",\"response\":{\"url\":\"" BASE "/x\","
          "\"outcome\":{\"location\":\"" BASE "/x\"}}}");
    stays("{\"issue\":[{\"location\":[\"" BASE "/x\"]}]}");
}


static void
type_url_is_a_link_and_type_uri_a_name(void **state)
{
    (void) state;

    becomes("{\"resourceType\":\"Endpoint\",\"address\":\"" BASE "\"}",
            "{\"resourceType\":\"Endpoint\",\"address\":\"" OWN "\"}");
    becomes("{\"parameter\":[{\"valueUrl\":\"" BASE "/x\"},{\"valueUri\":\""
            BASE "/x\"},{\"valueCanonical\":\"" BASE "/x\"}]}",
            "{\"parameter\":[{\"valueUrl\":\"" OWN "/x\"},{\"valueUri\":\""
            BASE "/x\"},{\"valueCanonical\":\"" BASE "/x\"}]}");
    stays("{\"agent\":[{\"network\":{\"address\":\"" BASE "\"}}]}");
    stays("{\"repository\":[{\"url\":\"" BASE "/x\"}],\"contentReference\":\""
          BASE "/x\",\"instantiatesUri\":[\"" BASE "/x\"]}");
    stays("{\"diagnostics\":\"" BASE "/x\",\"valueString\":\"" BASE "\"}");
}


static void
some_keys_have_links_only_in_objects_of_one_kind(void **state)
{
    (void) state;

    /*
     * "reference" is a link in a Reference, but not in an Expression, a
     * DetectedIssue or Immunization.education.
     */

    stays("{\"resourceType\":\"DetectedIssue\",\"reference\":\"" BASE "\"}");
    stays("{\"entry\":[{\"resource\":{\"reference\":\"" BASE "\"},"
          "\"response\":{\"outcome\":{\"reference\":\"" BASE "\"}}}]}");
    stays("{\"parameter\":[{\"part\":[{\"resource\":{\"reference\":\"" BASE
          "\"}}]}],\"contained\":[{\"reference\":\"" BASE "\"}]}");
    stays("{\"education\":[{\"reference\":\"" BASE "\"}],\"extension\":[{"
          "\"valueExpression\":{\"reference\":\"" BASE "\"}}]}");
    stays("{\"trigger\":[{\"condition\":{\"reference\":\"" BASE "\"}}],"
          "\"criteria\":{\"reference\":\"" BASE "\"}}");
    becomes("{\"diagnosis\":[{\"condition\":{\"reference\":\"" BASE "\"}}],"
            "\"outcome\":{\"reference\":\"" BASE "\"},"
            "\"item\":[{\"resource\":{\"reference\":\"" BASE "\"}}]}",
            "{\"diagnosis\":[{\"condition\":{\"reference\":\"" OWN "\"}}],"
            "\"outcome\":{\"reference\":\"" OWN "\"},"
            "\"item\":[{\"resource\":{\"reference\":\"" OWN "\"}}]}");

    /* "url" in "link" is a link in a Bundle, but not in a TestScript */

    stays("{\"metadata\":{\"link\":[{\"url\":\"" BASE "\"}]}}");

    /* elements of type url */

    becomes("{\"element\":[{\"defaultValueUrl\":\"" BASE "\",\"fixedUrl\":\""
            BASE "\",\"patternUrl\":\"" BASE "\"}],\"manifest\":{\"resource\":"
            "[{\"relativePath\":\"" BASE "\"}]}}",
            "{\"element\":[{\"defaultValueUrl\":\"" OWN "\",\"fixedUrl\":\""
            OWN "\",\"patternUrl\":\"" OWN "\"}],\"manifest\":{\"resource\":"
            "[{\"relativePath\":\"" OWN "\"}]}}");
    becomes("{\"messaging\":[{\"endpoint\":[{\"address\":\"" BASE "\"}]}]}",
            "{\"messaging\":[{\"endpoint\":[{\"address\":\"" OWN "\"}]}]}");
    stays("{\"a\":{\"address\":\"" BASE "\"}}");
}


static void
links_are_found_at_any_depth(void **state)
{
    (void) state;

    becomes("{\"contained\":[{\"resourceType\":\"DocumentReference\",\"url\":\""
            BASE "/x\",\"content\":[{\"attachment\":{\"extension\":[{"
            "\"url\":\"" BASE "/x\",\"valueReference\":{\"reference\":\"" BASE
            "/Patient/1\"}},{\"url\":\"" BASE "/y\",\"valueAttachment\":{"
            "\"url\":\"" BASE "/Binary/1\"}}],\"url\":\"" BASE
            "/Binary/2\"}}]}]}",
            "{\"contained\":[{\"resourceType\":\"DocumentReference\",\"url\":\""
            BASE "/x\",\"content\":[{\"attachment\":{\"extension\":[{"
            "\"url\":\"" BASE "/x\",\"valueReference\":{\"reference\":\"" OWN
            "/Patient/1\"}},{\"url\":\"" BASE "/y\",\"valueAttachment\":{"
            "\"url\":\"" OWN "/Binary/1\"}}],\"url\":\"" OWN
            "/Binary/2\"}}]}]}");
    assert_int_equal(links.rewritten, 3);
}


static void
names_stay_as_they_are(void **state)
{
    (void) state;

    stays("{\"url\":\"" BASE "/StructureDefinition/1\"}");
    stays("{\"extension\":[{\"url\":\"" BASE "/x\",\"valueUri\":\"" BASE
          "/y\"}]}");
    stays("{\"identifier\":[{\"system\":\"" BASE "/x\",\"value\":\"" BASE
          "\"}]}");
    stays("{\"meta\":{\"source\":\"" BASE "/x\",\"profile\":[\"" BASE
          "/y\"]}}");
    stays("{\"text\":{\"div\":\"<a href=\\\"" BASE "/x\\\">" BASE "</a>\"}}");
    stays("{\"link\":[{\"extension\":[{\"url\":\"" BASE "/x\"}]}]}");
    stays("{\"photo\":[{\"_url\":{\"extension\":[{\"url\":\"" BASE
          "/x\"}]}}]}");
    stays("{\"link\":[\"" BASE "/x\"],\"reference\":[\"" BASE "/x\"]}");
    stays("{\"fullUrls\":\"" BASE "/x\",\"fullurl\":\"" BASE "/x\"}");
}


static void
relative_and_foreign_links_stay_as_they_are(void **state)
{
    (void) state;

    stays("{\"a\":{\"reference\":\"Patient/1\"}}");
    stays("{\"a\":{\"reference\":\"#contained\"}}");
    stays("{\"a\":{\"reference\":\"\"}}");
    stays("{\"a\":{\"reference\":\"urn:uuid:0f\",\"fullUrl\":"
          "\"https://other/x\"}}");
    stays("{\"a\":{\"reference\":\"" HOST ".org/Patient/1\"}}");
    stays("{\"a\":{\"reference\":\"h\"}}");
    stays("{\"a\":{\"reference\":\"" HOST "x\"}}");
    stays("{\"a\":{\"reference\":\" " BASE "\"}}");
    stays("{\"a\":{\"reference\":\"https://p-hi2.ex\xc3\xa4mple/Patient/1\"}}");
    stays("{\"a\":{\"reference\":null,\"fullUrl\":12}}");
}


static void
escapes_in_links_and_keys_are_read(void **state)
{
    (void) state;

    becomes("{\"fullUrl\":\"https:\\/\\/p-hi2.example\\/PatientAccess\\/"
            "v1-devportal\\/Patient\\/1\"}",
            "{\"fullUrl\":\"" OWN "\\/Patient\\/1\"}");
    becomes("{\"fullUrl\":\"\\u0068ttps:\\u002f\\u002Fp-hi2.example\\u002f"
            "Patient\"}",
            "{\"fullUrl\":\"" OWN "\\u002fPatient\"}");
    becomes("{\"full\\u0055rl\":\"" HOST "/\"}",
            "{\"full\\u0055rl\":\"" OWN "/\"}");
    becomes("{\"l\\u0069nk\":[{\"\\u0075rl\":\"" HOST "\\u003fa=1\"}]}",
            "{\"l\\u0069nk\":[{\"\\u0075rl\":\"" OWN "/\\u003fa=1\"}]}");
    stays("{\"fullUrl\\u0000\":\"" BASE "\"}");
    stays("{\"fullUrl\":\"https://p-hi2.example\\u0000/x\"}");
    stays("{\"fullUrl\":\"https://p-hi2.example\\u0100/x\"}");
}


static void
scheme_port_and_case_of_a_host_do_not_matter(void **state)
{
    (void) state;

    becomes("{\"fullUrl\":\"HTTPS://P-HI2.Example:443/Patient/1\"}",
            "{\"fullUrl\":\"" OWN "/Patient/1\"}");
    becomes("{\"fullUrl\":\"https://p-hi2.example:8443/Patient/1\"}",
            "{\"fullUrl\":\"" OWN "/Patient/1\"}");
    becomes("{\"fullUrl\":\"http://p-hi2.example:80:443//PatientAccess/"
            "v1-devportal?a\"}",
            "{\"fullUrl\":\"" OWN "/?a\"}");
    becomes("{\"fullUrl\":\"//p-hi2.example/Patient/1\"}",
            "{\"fullUrl\":\"" OWN "/Patient/1\"}");
    becomes("{\"fullUrl\":\"\\/\\u002fp-hi2.example.\\/Patient\\/1\"}",
            "{\"fullUrl\":\"" OWN "\\/Patient\\/1\"}");
    stays("{\"fullUrl\":\"https://p-hi2.example@evil.example/Patient/1\"}");
}


static void
a_root_path_below_the_first_base_is_a_link(void **state)
{
    (void) state;

    becomes("{\"link\":[{\"url\":\"/PatientAccess/v1-devportal?p=2\"}]}",
            "{\"link\":[{\"url\":\"" OWN "/?p=2\"}]}");
    becomes("{\"a\":{\"reference\":\"\\/PatientAccess\\/v1-devportal\\/a\"}}",
            "{\"a\":{\"reference\":\"" OWN "\\/a\"}}");
    stays("{\"link\":[{\"url\":\"/PatientAccess/v1-devportal/../x\"}]}");
    stays("{\"link\":[{\"url\":\"/PatientAccess/v1-devportal2/x\"}]}");
    stays("{\"link\":[{\"url\":\"/x\"}]}");
}


static void
every_root_path_is_a_link_if_the_base_has_no_path(void **state)
{
    const char  *error;

    (void) state;

    cigna_bases_init(&bases);
    assert_int_equal(cigna_bases_add(&bases, cigna_slice(HOST), &error),
                     CIGNA_OK);

    becomes("{\"link\":[{\"url\":\"/\"},{\"url\":\"/x?y\"},{\"url\":\"?z\"}]}",
            "{\"link\":[{\"url\":\"" OWN "/\"},{\"url\":\"" OWN "/x?y\"},"
            "{\"url\":\"?z\"}]}");
    becomes("{\"link\":[{\"url\":\"/\\\\evil.example/x\"}]}",
            "{\"link\":[{\"url\":\"" OWN "/\\\\evil.example/x\"}]}");
    stays("{\"link\":[{\"url\":\"/../x\"},{\"url\":\"///x\"}]}");
}


static void
a_byte_order_mark_stays(void **state)
{
    (void) state;

    becomes("\xef\xbb\xbf{\"fullUrl\":\"" HOST "/1\"}",
            "\xef\xbb\xbf{\"fullUrl\":\"" OWN "/1\"}");
    becomes("\xef\xbb\xbf \n{\"fullUrl\":\"" HOST "/1\"}",
            "\xef\xbb\xbf \n{\"fullUrl\":\"" OWN "/1\"}");
    assert_int_equal(links.broken, 0);

    stays("\xef\xbb{\"fullUrl\":\"" HOST "/1\"}");
    assert_int_equal(links.broken, 1);
    stays("\xef\xbb\xbf\xef\xbb\xbf{\"fullUrl\":\"" HOST "/1\"}");
    assert_int_equal(links.broken, 1);
    stays(" \xef\xbb\xbf{\"fullUrl\":\"" HOST "/1\"}");
    assert_int_equal(links.broken, 1);
}


static void
the_start_of_a_text_tells_whether_it_is_a_resource(void **state)
{
    (void) state;

    assert_int_equal(cigna_link_filter_begin(guarded("{\"")), CIGNA_OK);
    assert_int_equal(cigna_link_filter_begin(guarded(" {\r\n\t\"a")), CIGNA_OK);
    assert_int_equal(cigna_link_filter_begin(guarded("\xef\xbb\xbf {\"")),
                     CIGNA_OK);
    assert_int_equal(cigna_link_filter_begin(guarded("{")), CIGNA_AGAIN);
    assert_int_equal(cigna_link_filter_begin(guarded("{ \n")), CIGNA_AGAIN);
    assert_int_equal(cigna_link_filter_begin(guarded("{}")), CIGNA_NONE);
    assert_int_equal(cigna_link_filter_begin(guarded("{name}, hello")),
                     CIGNA_NONE);
    assert_int_equal(cigna_link_filter_begin(guarded("[INFO] ready")),
                     CIGNA_NONE);
    assert_int_equal(cigna_link_filter_begin(guarded("[1] See [2]")),
                     CIGNA_NONE);
    assert_int_equal(cigna_link_filter_begin(guarded("")), CIGNA_AGAIN);
    assert_int_equal(cigna_link_filter_begin(guarded("  ")), CIGNA_AGAIN);
    assert_int_equal(cigna_link_filter_begin(guarded("\xef\xbb")), CIGNA_AGAIN);
    assert_int_equal(cigna_link_filter_begin(guarded("\xef\xbb\xbf")),
                     CIGNA_AGAIN);
    assert_int_equal(cigna_link_filter_begin(guarded("\xef\xbb{")), CIGNA_NONE);
    assert_int_equal(cigna_link_filter_begin(guarded("\"a\"")), CIGNA_NONE);
    assert_int_equal(cigna_link_filter_begin(guarded("<html>")), CIGNA_NONE);
}


static void
links_that_stay_are_counted_by_kind(void **state)
{
    (void) state;

    stays("{\"link\":[{\"url\":\"https://other/1\"},{\"url\":\"//other/2\"},"
          "{\"url\":\"\\/other\"},{\"url\":\"https:\\/\\/a@p-hi2.example/x\"},"
          "{\"url\":\"Patient?a=1\"},{\"url\":\"urn:uuid:1\"}],"
          "\"entry\":[{\"fullUrl\":\"https://other/3\","
          "\"request\":{\"url\":\"https://other/4\"}}]}");
    assert_int_equal(links.elsewhere, 4);
    assert_int_equal(links.outside, 0);

    stays("{\"link\":[{\"url\":\"" BASE "/../x\"}],\"entry\":["
          "{\"fullUrl\":\"" HOST "/x/..\"},{\"fullUrl\":\"x/..\"}]}");
    assert_int_equal(links.elsewhere, 0);
    assert_int_equal(links.outside, 2);
}


static void
dot_segments_stay(const char *const *paths, size_t n)
{
    size_t  i;
    char    text[512];

    for (i = 0; i < n; i++) {
        (void) snprintf(text, sizeof(text), "{\"fullUrl\":\"%s%s\"}", BASE,
                        paths[i]);
        stays(text);
        assert_int_equal(links.broken, 0);

        (void) snprintf(text, sizeof(text),
                        "{\"a\":{\"reference\":\"%s/Patient%s\"},\"b\":1}",
                        HOST, paths[i]);
        stays(text);
        assert_int_equal(links.broken, 0);
    }
}


static void
links_with_dot_segments_stay_as_they_are(void **state)
{
    static const char *const  paths[] = {
        "/../../logout", "/..", "/.", "/./", "/Patient/..", "/Patient/../x",
        "/Patient/./1", "/Patient/1/.", "/../?a=1", "/..?a", "/..#b", "/.#",
        "/Patient/1/_history/2/../../../../../cigna/disconnect",
        "/Patient/%2e%2e/x", "/%2E%2E/x", "/.%2e/x", "/%2e./x", "/%2e",
        "/%252e%252e/x", "/%25252e", "/%25%32%65/x", "/%2e%252e?a", "/.%252e",
        "/x/..%2f..", "/x/..%2F", "/x%2f..%2fy", "/x/..%5c..", "/x/..%255cy",
        "/..;x", "/..;x=1/y", "/.;/y", "/..%3bx", "/..%253b/y", "/..%3fy",
        "/..%23y", "/..%00", "/..%20/y", "/.%09./y", "/%c0%ae%c0%ae/y", "//..",
        "/.. /y", "/ ../y", "/y/.. "
    };

    (void) state;

    dot_segments_stay(paths, sizeof(paths) / sizeof(paths[0]));
}


static void
dot_segments_are_found_behind_escapes_of_json(void **state)
{
    static const char *const  paths[] = {
        "\\/..\\/x", "/..\\/x", "\\u002f..\\u002fx",
        "\\u002F\\u002e\\u002E/x", "/\\u002e\\u002e", "/.\\u002e/x",
        "/\\u002e?a", "/..\\u003fa", "/..\\u0023",
        "/..\\\\..", "/x\\\\..\\\\y", "/..\\u005cx", "/x/..\\\\",
        "/.\\t./x", "/.\\n.", "/\\r../x", "/..\\t", "/.\\u0009.", "/..\\u0000",
        "/.\\u000a./x", "/..\\u0020", "/\\b../x", "/..\\u003bx/y",
        "/\\u0025\\u0032\\u0065\\u002e/x", "/%2\\u0065/x", "/\\u00252e%2e/x",
        "/%25\\u0032e/x"
    };

    (void) state;

    dot_segments_stay(paths, sizeof(paths) / sizeof(paths[0]));
}


static void
other_links_with_dots_and_escapes_are_rewritten(void **state)
{
    unsigned  i;
    char      text[512], expected[512];

    static const char *const  rest[] = {
        "/Patient/a.b", "/Patient/.b", "/Patient/..b", "/Patient/b..",
        "/Patient/...", "/Patient/1.2.3/_history/4.5", "/.well-known/x",
        "/Patient/1/$everything", "/Patient/1/%24everything", "/x%7C1.0",
        "/x|1.0", "/Patient/100%25", "/Patient/50%25%20off", "/%2541", "/a;..",
        "/Patient/J%c3%b6rg", "/Patient/J\xc3\xb6rg", "/a%252eb", "/a%2fb",
        "//Patient//1", "/a\\\\b", "\\/Patient\\/a.b",
        "/\\u0050atient/1\\u002e2",
        "/Patient?a=../..", "/Patient?a=%2e%2e/..;x", "?../..", "?a=/../\\\\..",
        "#/../..", "/#/..", "/Patient#/../x", "/Patient\\u003fa=/../x",
        "/Patient/1\\u0023/..", "/Binary/\\u00e9/1", "/a\\t..", "/a.\\t./b",
        "/%"
    };

    (void) state;

    for (i = 0; i < sizeof(rest) / sizeof(rest[0]); i++) {
        (void) snprintf(text, sizeof(text), "{\"fullUrl\":\"%s%s\"}", BASE,
                        rest[i]);
        (void) snprintf(expected, sizeof(expected),
                        "{\"fullUrl\":\"%s%s%s\"}", OWN,
                        rest[i][0] == '?' ? "/" : "", rest[i]);
        becomes(text, expected);
        assert_int_equal(links.rewritten, 1);
    }
}


/*
 * A link whose path has len bytes, followed by "behind"; ours: 1 if it must be
 * rewritten
 */

static void
long_path(size_t len, const char *behind, int ours)
{
    size_t       n;
    char        *text, *expected, *end;
    cigna_slice_t  out;

    text = malloc(len + 8192);
    expected = malloc(len + 8192);
    assert_non_null(text);
    assert_non_null(expected);

    end = text + sprintf(text, "{\"fullUrl\":\"" BASE "/");
    memset(end, 'x', len - 1);
    strcpy(end + len - 1, behind);

    (void) sprintf(expected, "{\"fullUrl\":\"%s%s", ours ? OWN : BASE,
                   strstr(text, BASE) + sizeof(BASE) - 1);

    for (n = 1; n < 4 * len; n = n * 2 + 1) {
        out = rewritten(text, n);
        assert_slice(out, expected);
        assert_int_equal(links.rewritten, ours);
    }

    support_release();
    free(text);
    free(expected);
}


static void
the_path_of_a_link_is_bounded_its_query_is_not(void **state)
{
    char  query[6000];

    (void) state;

    memset(query, 'q', sizeof(query));
    memcpy(query, "?", 1);
    strcpy(query + sizeof(query) - 4, "\"}");

    long_path(CIGNA_LINK_KEYS_PATH_MAX, "\"}", 1);
    long_path(CIGNA_LINK_KEYS_PATH_MAX, query, 1);
    long_path(CIGNA_LINK_KEYS_PATH_MAX, "#x\"}", 1);
    long_path(CIGNA_LINK_KEYS_PATH_MAX - 1, "\\u0078\"}", 1);
    long_path(CIGNA_LINK_KEYS_PATH_MAX - 1, "\\u003fx\"}", 1);

    long_path(CIGNA_LINK_KEYS_PATH_MAX + 1, "\"}", 0);
    long_path(CIGNA_LINK_KEYS_PATH_MAX + 1, query, 0);
    long_path(CIGNA_LINK_KEYS_PATH_MAX, "\\u003fx\"}", 0);
    long_path(CIGNA_LINK_KEYS_PATH_MAX - 1, "\\u0078x\"}", 0);
    long_path(CIGNA_LINK_KEYS_PATH_MAX - 3, "/..\"}", 0);
    long_path(20000, "/../x\"}", 0);
}


static void
a_string_that_breaks_within_its_path_stays(void **state)
{
    (void) state;

    stays("{\"fullUrl\":\"" BASE "/Patient/01234567890123456789");
    assert_int_equal(links.broken, 1);
    stays("{\"fullUrl\":\"" BASE "/Patient/01234567890123456789\n\"}");
    assert_int_equal(links.broken, 1);
    stays("{\"fullUrl\":\"" BASE "/Patient/01234567890123456789\\q\"}");
    assert_int_equal(links.broken, 1);

    becomes("{\"fullUrl\":\"" BASE "/Patient/01234567890123456789?\\q\"}",
            "{\"fullUrl\":\"" OWN "/Patient/01234567890123456789?\\q\"}");
    assert_int_equal(links.broken, 1);
}


static void
numbers_order_and_white_space_stay(void **state)
{
    (void) state;

    becomes(" {\r\n\t\"b\" : 1.00e+2 , \"a\":[ ] ,\"fullUrl\" \n:\n \""
            HOST "/x\" , \"c\":[1,-0.0,true , null,{ }]\n}\n\n",
            " {\r\n\t\"b\" : 1.00e+2 , \"a\":[ ] ,\"fullUrl\" \n:\n \""
            OWN "/x\" , \"c\":[1,-0.0,true , null,{ }]\n}\n\n");

    stays("12");
    stays("\"" BASE "\"");
    stays("[]");
    assert_int_equal(links.broken, 0);
}


static void
text_after_an_error_passes_unchanged(void **state)
{
    unsigned  i;

    static const char *const  broken[] = {
        "", "{", "[1,2", "{\"a\"", "\"abc", "{\"a\":1}}", "[1]2", "]", "}",
        "{]", "[}", "{1:2}", "{\"a\" 1}", "{,}", "[,1]", "[1,]", "{\"a\":1,}",
        "\"a\nb\"", "\"\\x\"", "\"\\u12g4\"", "<html>", "[\x01]",
        "{\"fullUrl\":\"" HOST, "{\"fullUrl\":\"" HOST "\\u00",
        "{\"fullUrl\":\"" HOST "\\q/Patient\"}",
        "{\"fullUrl\":\"ht\ntps://p-hi2.example/\"}",
        "{\"fullUrl\":\"\n" HOST "/\"}"
    };

    (void) state;

    for (i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        stays(broken[i]);
        assert_int_equal(links.broken, 1);
    }

    becomes("[{\"fullUrl\":\"" HOST "/1\"}],{\"fullUrl\":\"" HOST "/2\"}",
            "[{\"fullUrl\":\"" OWN "/1\"}],{\"fullUrl\":\"" HOST "/2\"}");
    assert_int_equal(links.broken, 1);
}


static void
depth_is_bounded(void **state)
{
    size_t  i;
    char    text[4 * CIGNA_LINK_FILTER_DEPTH_MAX];

    (void) state;

    memset(text, '[', CIGNA_LINK_FILTER_DEPTH_MAX);
    memset(text + CIGNA_LINK_FILTER_DEPTH_MAX, ']',
           CIGNA_LINK_FILTER_DEPTH_MAX);
    text[2 * CIGNA_LINK_FILTER_DEPTH_MAX] = '\0';

    stays(text);
    assert_int_equal(links.broken, 0);

    i = CIGNA_LINK_FILTER_DEPTH_MAX + 1;
    memset(text, '[', i);
    memset(text + i, ']', i);
    text[2 * i] = '\0';

    stays(text);
    assert_int_equal(links.broken, 1);
}


static void
long_keys_and_long_strings_are_not_links(void **state)
{
    char  text[8192];

    (void) state;

    memset(text, 'a', sizeof(text));
    memcpy(text, "{\"", 2);
    memcpy(text + 4000, "Attachment\":{\"url\":\"" HOST "/x\"}}",
           sizeof("Attachment\":{\"url\":\"" HOST "/x\"}}"));
    stays(text);

    memset(text, '0', sizeof(text));
    memcpy(text, "{\"fullUrl\":\"https://p-hi2.example:",
           sizeof("{\"fullUrl\":\"https://p-hi2.example:") - 1);
    memcpy(text + 4000, "443/x\"}", sizeof("443/x\"}"));
    stays(text);
}


static void
without_bases_there_are_no_links(void **state)
{
    (void) state;

    cigna_bases_init(&bases);
    stays("{\"fullUrl\":\"" BASE "/x\",\"reference\":\"Patient/1\"}");
}


static void
a_header_line_is_rewritten_like_a_link(void **state)
{
    size_t         n;
    cigna_slice_t  own, instead;

    (void) state;

    own = cigna_slice(OWN "/");

    assert_int_equal(cigna_link_keys_url(&bases, own,
                                         guarded(BASE "/Patient/1"),
                                         &n, &instead),
                     CIGNA_OK);
    assert_int_equal(n, sizeof(BASE) - 1);
    assert_slice(instead, OWN);

    assert_int_equal(cigna_link_keys_url(&bases, own, guarded(BASE "?a=1"),
                                         &n, &instead),
                     CIGNA_OK);
    assert_int_equal(n, sizeof(BASE) - 1);
    assert_slice(instead, OWN "/");

    assert_int_equal(cigna_link_keys_url(&bases, own,
                                         guarded("/PatientAccess/v1-devportal"
                                                 "/x"),
                                         &n, &instead),
                     CIGNA_OK);
    assert_int_equal(n, sizeof("/PatientAccess/v1-devportal") - 1);
    assert_slice(instead, OWN);

    assert_int_equal(cigna_link_keys_url(&bases, own, guarded("/Patient/1"),
                                         &n, &instead),
                     CIGNA_NONE);
}


static void
a_header_line_with_dot_segments_stays(void **state)
{
    size_t         n;
    unsigned       i;
    cigna_slice_t  instead;

    static const char *const  lines[] = {
        "/PatientAccess/v1-devportal/../x", "//p-hi2.example/..",
        BASE "/../../logout", BASE "/..", HOST "/.", BASE "/%2e%252e?a=1",
        BASE "/x/..%2f..", BASE "/..\\..", BASE "/..;x", BASE "/.\t./x",
        HOST "/a/..#b"
    };

    (void) state;

    for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        assert_int_equal(cigna_link_keys_url(&bases, cigna_slice(OWN "/"),
                                             guarded(lines[i]), &n, &instead),
                         CIGNA_NONE);
    }

    assert_int_equal(cigna_link_keys_url(&bases, cigna_slice(OWN "/"),
                                         guarded(BASE "/Patient/a.b?x=/../.."),
                                         &n, &instead),
                     CIGNA_OK);
    assert_int_equal(n, sizeof(BASE) - 1);
    assert_slice(instead, OWN);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup(links_of_a_bundle_are_rewritten, setup),
        cmocka_unit_test_setup(a_host_alone_may_be_a_base, setup),
        cmocka_unit_test_setup(
            references_attachments_and_implementation_are_links, setup),
        cmocka_unit_test_setup(attachments_and_related_artifacts_are_links,
                               setup),
        cmocka_unit_test_setup(request_and_response_of_an_entry_are_links,
                               setup),
        cmocka_unit_test_setup(
            type_url_is_a_link_and_type_uri_a_name, setup),
        cmocka_unit_test_setup(
            some_keys_have_links_only_in_objects_of_one_kind, setup),
        cmocka_unit_test_setup(links_are_found_at_any_depth,
                               setup),
        cmocka_unit_test_setup(names_stay_as_they_are, setup),
        cmocka_unit_test_setup(relative_and_foreign_links_stay_as_they_are,
                               setup),
        cmocka_unit_test_setup(escapes_in_links_and_keys_are_read, setup),
        cmocka_unit_test_setup(scheme_port_and_case_of_a_host_do_not_matter,
                               setup),
        cmocka_unit_test_setup(
            a_root_path_below_the_first_base_is_a_link, setup),
        cmocka_unit_test_setup(
            every_root_path_is_a_link_if_the_base_has_no_path, setup),
        cmocka_unit_test_setup(a_byte_order_mark_stays, setup),
        cmocka_unit_test_setup(links_that_stay_are_counted_by_kind, setup),
        cmocka_unit_test_setup(
            the_start_of_a_text_tells_whether_it_is_a_resource, setup),
        cmocka_unit_test_setup(links_with_dot_segments_stay_as_they_are,
                               setup),
        cmocka_unit_test_setup(
            dot_segments_are_found_behind_escapes_of_json, setup),
        cmocka_unit_test_setup(other_links_with_dots_and_escapes_are_rewritten,
                               setup),
        cmocka_unit_test_setup(
            the_path_of_a_link_is_bounded_its_query_is_not, setup),
        cmocka_unit_test_setup(a_string_that_breaks_within_its_path_stays,
                               setup),
        cmocka_unit_test_setup(numbers_order_and_white_space_stay, setup),
        cmocka_unit_test_setup(text_after_an_error_passes_unchanged, setup),
        cmocka_unit_test_setup(depth_is_bounded, setup),
        cmocka_unit_test_setup(long_keys_and_long_strings_are_not_links, setup),
        cmocka_unit_test_setup(without_bases_there_are_no_links, setup),
        cmocka_unit_test_setup(a_header_line_is_rewritten_like_a_link, setup),
        cmocka_unit_test_setup(a_header_line_with_dot_segments_stays, setup)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
