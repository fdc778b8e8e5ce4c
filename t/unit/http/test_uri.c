
#include "support.h"

#include "http/cigna_uri.h"


static uint8_t  mem[512];


static cigna_uri_t
uri(const char *text)
{
    cigna_uri_t  u;

    if (cigna_uri_parse(guarded(text), &u) != CIGNA_OK) {
        fail_msg("\"%s\" was refused", text);
    }

    return u;
}


static void
refused(const char *text)
{
    cigna_uri_t  u;

    if (cigna_uri_parse(guarded(text), &u) != CIGNA_ERROR) {
        fail_msg("\"%s\" was not refused", text);
    }
}


static int
allows(const char *allowed, const char *target)
{
    cigna_uri_t  a = uri(allowed), t = uri(target);

    return cigna_uri_allows(&a, &t);
}


static cigna_slice_t
rewritten(const char *text)
{
    cigna_buf_t  b;
    cigna_uri_t  u = uri(text);

    cigna_buf_init(&b, mem, sizeof(mem));
    cigna_uri_append(&b, &u);

    return cigna_buf_slice(&b);
}


static cigna_slice_t
origin(const char *text)
{
    cigna_buf_t  b;
    cigna_uri_t  u = uri(text);

    cigna_buf_init(&b, mem, sizeof(mem));
    cigna_uri_append_origin(&b, &u);

    return cigna_buf_slice(&b);
}


static void
a_url_has_parts(void **state)
{
    cigna_uri_t  u = uri("https://Fhir.Cigna.com:8443/a/b;c?d=e?f&g");

    (void) state;

    assert_slice(u.text, "https://Fhir.Cigna.com:8443/a/b;c?d=e?f&g");
    assert_slice(u.authority, "Fhir.Cigna.com:8443");
    assert_slice(u.host, "Fhir.Cigna.com");
    assert_slice(u.path, "/a/b;c");
    assert_slice(u.query, "d=e?f&g");
    assert_int_equal(u.port, 8443);
    assert_int_equal(u.https, 1);
    assert_int_equal(u.has_query, 1);
}


static void
absent_parts_are_empty(void **state)
{
    cigna_uri_t  u = uri("http://a");

    (void) state;

    assert_slice(u.host, "a");
    assert_slice(u.path, "");
    assert_slice(u.query, "");
    assert_int_equal(u.port, 80);
    assert_int_equal(u.https, 0);
    assert_int_equal(u.has_query, 0);

    u = uri("https://a?b/c");

    assert_slice(u.authority, "a");
    assert_slice(u.path, "");
    assert_slice(u.query, "b/c");
    assert_int_equal(u.port, 443);

    u = uri("https://a/?");

    assert_slice(u.path, "/");
    assert_int_equal(u.has_query, 1);
}


static void
an_ipv6_address_is_in_brackets(void **state)
{
    cigna_uri_t  u = uri("https://[2001:db8::1]:8443/a");

    (void) state;

    assert_slice(u.host, "2001:db8::1");
    assert_slice(u.authority, "[2001:db8::1]:8443");
    assert_int_equal(u.port, 8443);

    u = uri("http://[::1]");

    assert_slice(u.host, "::1");
    assert_int_equal(u.port, 80);

    refused("https://[::1");
    refused("https://::1]/");
    refused("https://2001:db8::1/");
    refused("https://[]/");
    refused("https://[::1]a/");
    refused("https://[::g]/");
    refused("https://[1.2.3.4]/");
    refused("https://[fe80::1%25eth0]/");
    refused("https://[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]/");

    /* the longest address, and addresses that are longer */

    uri("https://[0000:0000:0000:0000:0000:ffff:255.255.255.255]/");
    refused("https://[0000:0000:0000:0000:0000:00ffff:255.255.255.255]/");
    refused("https://[0000:0000:0000:0000:0000:0ffff:255.255.255.255]/");
}


static void
other_schemes_and_relative_references_are_refused(void **state)
{
    (void) state;

    uri("HTTPS://a/");

    refused("");
    refused("a");
    refused("/a");
    refused("//a/b");
    refused("https:");
    refused("https:/a");
    refused("https:a");
    refused("https//a");
    refused("ftp://a/");
    refused("mailto:a");
    refused("javascript://a/%0aalert(1)");
    refused("httpss://a/");
    refused(" https://a/");
    refused("://a/");
}


static void
a_host_is_required(void **state)
{
    (void) state;

    refused("https://");
    refused("https:///a");
    refused("https://:443/");
    refused("https://?a");
}


static void
userinfo_is_refused(void **state)
{
    (void) state;

    refused("https://user@a/");
    refused("https://user:password@a/");
    refused("https://@a/");
    refused("https://a:443@b/");
    refused("https://a%40b/");
}


static void
a_fragment_is_refused(void **state)
{
    (void) state;

    refused("https://a/#");
    refused("https://a#b");
    refused("https://a/?b#c");
}


static void
a_backslash_is_refused(void **state)
{
    (void) state;

    refused("https:\\\\a/");
    refused("https://a\\b/");
    refused("https://a/b\\c");
    refused("https://a/?b\\c");
    refused("https://a\\@b/");
}


static void
control_bytes_spaces_and_other_scripts_are_refused(void **state)
{
    (void) state;

    refused("https://a/b c");
    refused("https://a/\t");
    refused("https://a/\r\nSet-Cookie: a=b");
    refused("https://a/?b\nc");
    refused("https://a/\x7f");
    refused("https://\xc3\xa4/");
    refused("https://a/\xc3\xa4");
    refused("https://a/\"");
    refused("https://a/<b>");
    refused("https://a/?<b>\"");
}


static void
a_nul_byte_is_refused_everywhere(void **state)
{
    cigna_uri_t  u;

    (void) state;

    assert_int_equal(cigna_uri_parse(cigna_slice("https://a/\0"), &u),
                     CIGNA_ERROR);
    assert_int_equal(cigna_uri_parse(cigna_slice("https://a\0b/"), &u),
                     CIGNA_ERROR);
    assert_int_equal(cigna_uri_parse(cigna_slice("https://a/?\0"), &u),
                     CIGNA_ERROR);
    assert_int_equal(cigna_uri_parse(cigna_slice("https://[::1\0]/"), &u),
                     CIGNA_ERROR);
}


static void
a_port_is_a_number_from_1_to_65535(void **state)
{
    (void) state;

    assert_int_equal(uri("https://a:1/").port, 1);
    assert_int_equal(uri("https://a:65535/").port, 65535);

    refused("https://a:/");
    refused("https://a:0/");
    refused("https://a:65536/");
    refused("https://a:4294967739/");
    refused("https://a:-1/");
    refused("https://a:44a/");
    refused("https://a:1:2/");
}


static void
a_broken_escape_is_refused(void **state)
{
    (void) state;

    uri("https://a/%41%c3%A4%0a?%20");

    refused("https://a/%");
    refused("https://a/%4");
    refused("https://a/%4?");
    refused("https://a/%4g");
    refused("https://a/?%");
    refused("https://a/?b=%4");
}


static void
a_query_may_have_bytes_that_browsers_do_not_escape(void **state)
{
    (void) state;

    assert_slice(uri("https://a/?b[0]={c}|d^e`").query, "b[0]={c}|d^e`");

    refused("https://a/b[0]");
    refused("https://a/{c}");
}


static void
an_origin_is_scheme_host_and_port(void **state)
{
    cigna_uri_t  a = uri("https://A.example/b"), b;

    (void) state;

    b = uri("HTTPS://a.EXAMPLE:443/c?d");
    assert_int_equal(cigna_uri_same_origin(&a, &b), 1);

    b = uri("http://a.example:443/b");
    assert_int_equal(cigna_uri_same_origin(&a, &b), 0);

    b = uri("https://a.example:444/b");
    assert_int_equal(cigna_uri_same_origin(&a, &b), 0);

    b = uri("https://a.example.evil.example/b");
    assert_int_equal(cigna_uri_same_origin(&a, &b), 0);

    b = uri("https://xa.example/b");
    assert_int_equal(cigna_uri_same_origin(&a, &b), 0);
}


static void
an_allowed_path_ends_at_a_segment(void **state)
{
    (void) state;

    assert_true(allows("https://a/app", "https://a/app"));
    assert_true(allows("https://a/app", "https://a/app/"));
    assert_true(allows("https://a/app", "https://a/app/b?c=d"));
    assert_true(allows("https://a/app", "https://a/app?c=d"));
    assert_true(allows("https://a/app/", "https://a/app/b"));

    assert_false(allows("https://a/app", "https://a/apple"));
    assert_false(allows("https://a/app", "https://a/app%2Fb"));
    assert_false(allows("https://a/app", "https://a/App"));
    assert_false(allows("https://a/app", "https://a/"));
    assert_false(allows("https://a/app/", "https://a/app"));
    assert_false(allows("https://a/app", "https://a/b/app"));
}


static void
an_empty_path_is_the_root(void **state)
{
    (void) state;

    assert_true(allows("https://a", "https://a"));
    assert_true(allows("https://a", "https://a/"));
    assert_true(allows("https://a/", "https://a"));
    assert_true(allows("https://a", "https://a/b/c"));
    assert_true(allows("https://a", "https://a?b"));
}


static void
another_origin_is_never_allowed(void **state)
{
    (void) state;

    assert_false(allows("https://a/", "https://b/"));
    assert_false(allows("https://a/", "http://a/"));
    assert_false(allows("https://a/", "https://a:8443/"));
    assert_false(allows("https://a/", "https://a.b/"));
}


static void
dot_segments_are_never_allowed(void **state)
{
    (void) state;

    assert_false(allows("https://a/", "https://a/."));
    assert_false(allows("https://a/", "https://a/.."));
    assert_false(allows("https://a/app", "https://a/app/../b"));
    assert_false(allows("https://a/app", "https://a/app/./b"));
    assert_false(allows("https://a/app", "https://a/app/b/.."));
    assert_false(allows("https://a/app", "https://a/app/%2e%2E/b"));
    assert_false(allows("https://a/app", "https://a/app/.%2e"));
    assert_false(allows("https://a/app", "https://a/app/%2e/b"));

    /*
     * some servers cut ";" and what follows off a segment before they read it
     */

    assert_false(allows("https://a/app", "https://a/app/..;/b"));
    assert_false(allows("https://a/app", "https://a/app/..;c=d/b"));
    assert_false(allows("https://a/app", "https://a/app/.;/b"));
    assert_false(allows("https://a/app", "https://a/app/%2e.%3B/b"));
    assert_false(allows("https://a/app", "https://a/app/;c=d/b"));
    assert_true(allows("https://a/app", "https://a/app/b;c=..;/d"));
    assert_true(allows("https://a/app", "https://a/app/...;/d"));

    /* dots that are escaped several times, or with bytes that browsers drop */

    assert_false(allows("https://a/app", "https://a/app/%2e%252e/b"));
    assert_false(allows("https://a/app", "https://a/app/.%252e/b"));
    assert_false(allows("https://a/app", "https://a/app/%25252e"));
    assert_false(allows("https://a/app", "https://a/app/%25%32%65/b"));
    assert_false(allows("https://a/app", "https://a/app/%2e%2e%3b/b"));
    assert_false(allows("https://a/app", "https://a/app/..%253bx/b"));
    assert_false(allows("https://a/app", "https://a/app/..%3fx/b"));
    assert_false(allows("https://a/app", "https://a/app/.%09./b"));
    assert_false(allows("https://a/app", "https://a/app/..%00/b"));
    assert_false(allows("https://a/app", "https://a/app/..%20"));
    assert_false(allows("https://a/app", "https://a/app/%c0%ae%c0%ae/b"));

    assert_true(allows("https://a/", "https://a/..."));
    assert_true(allows("https://a/", "https://a/.well-known/b"));
    assert_true(allows("https://a/", "https://a/b../c.d"));
    assert_true(allows("https://a/", "https://a/?../.."));
}


static void
empty_segments_are_never_allowed(void **state)
{
    (void) state;

    assert_false(allows("https://a/", "https://a//"));
    assert_false(allows("https://a/", "https://a//b.example/"));
    assert_false(allows("https://a/", "https://a/b//c"));
    assert_false(allows("https://a/", "https://a/b//"));

    assert_true(allows("https://a/", "https://a/b/"));
    assert_true(allows("https://a/", "https://a/?b=//c"));
}


static void
escaped_slashes_are_never_allowed(void **state)
{
    (void) state;

    assert_false(allows("https://a/", "https://a/%2f"));
    assert_false(allows("https://a/", "https://a/b%2Fc"));
    assert_false(allows("https://a/", "https://a/b%5cc"));
    assert_false(allows("https://a/", "https://a/b%5C"));

    assert_false(allows("https://a/", "https://a/b%252fc"));
    assert_false(allows("https://a/", "https://a/b%255Cc"));
    assert_false(allows("https://a/", "https://a/b%25252Fc"));
    assert_false(allows("https://a/", "https://a/b%25%32%66c"));
}


static void
other_escapes_are_allowed_at_any_depth(void **state)
{
    (void) state;

    assert_true(allows("https://a/search", "https://a/search/100%25"));
    assert_true(allows("https://a/search", "https://a/search/100%25/b"));
    assert_true(allows("https://a/search", "https://a/search/50%25%20off"));
    assert_true(allows("https://a/search", "https://a/search/%2541"));
    assert_true(allows("https://a/search", "https://a/search/%25252541"));
    assert_true(allows("https://a/search", "https://a/search/%c3%a4%20b"));
    assert_true(allows("https://a/search", "https://a/search/b%252ec"));
    assert_true(allows("https://a/search", "https://a/search/%20/b"));
    assert_true(allows("https://a/search", "https://a/search?q=%252f..%252e"));
}


static void
a_url_is_written_anew(void **state)
{
    (void) state;

    assert_slice(rewritten("HTTPS://A.Example:443"), "https://a.example/");
    assert_slice(rewritten("http://a:80/B?C"), "http://a/B?C");
    assert_slice(rewritten("http://a:443?"), "http://a:443/?");
    assert_slice(rewritten("https://[2001:DB8::1]:80/"),
                 "https://[2001:db8::1]:80/");

    assert_slice(origin("https://A:444/b?c"), "https://a:444");
    assert_slice(origin("http://[::1]:80/"), "http://[::1]");
}


static void
an_authority_without_a_port_does_not_change_the_port(void **state)
{
    uint16_t       port;
    cigna_slice_t  host;

    (void) state;

    port = 6379;

    assert_int_equal(cigna_uri_authority_parse(guarded("redis_1.local"),
                                               &host, &port),
                     CIGNA_OK);
    assert_slice(host, "redis_1.local");
    assert_int_equal(port, 6379);

    assert_int_equal(cigna_uri_authority_parse(guarded("[::1]:7000"),
                                               &host, &port),
                     CIGNA_OK);
    assert_slice(host, "::1");
    assert_int_equal(port, 7000);

    assert_int_equal(cigna_uri_authority_parse(cigna_slice_null, &host, &port),
                     CIGNA_ERROR);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_url_has_parts),
        cmocka_unit_test(absent_parts_are_empty),
        cmocka_unit_test(an_ipv6_address_is_in_brackets),
        cmocka_unit_test(other_schemes_and_relative_references_are_refused),
        cmocka_unit_test(a_host_is_required),
        cmocka_unit_test(userinfo_is_refused),
        cmocka_unit_test(a_fragment_is_refused),
        cmocka_unit_test(a_backslash_is_refused),
        cmocka_unit_test(control_bytes_spaces_and_other_scripts_are_refused),
        cmocka_unit_test(a_nul_byte_is_refused_everywhere),
        cmocka_unit_test(a_port_is_a_number_from_1_to_65535),
        cmocka_unit_test(a_broken_escape_is_refused),
        cmocka_unit_test(a_query_may_have_bytes_that_browsers_do_not_escape),
        cmocka_unit_test(an_origin_is_scheme_host_and_port),
        cmocka_unit_test(an_allowed_path_ends_at_a_segment),
        cmocka_unit_test(an_empty_path_is_the_root),
        cmocka_unit_test(another_origin_is_never_allowed),
        cmocka_unit_test(dot_segments_are_never_allowed),
        cmocka_unit_test(empty_segments_are_never_allowed),
        cmocka_unit_test(escaped_slashes_are_never_allowed),
        cmocka_unit_test(
            other_escapes_are_allowed_at_any_depth),
        cmocka_unit_test(a_url_is_written_anew),
        cmocka_unit_test(an_authority_without_a_port_does_not_change_the_port)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
