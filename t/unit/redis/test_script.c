
#include "support.h"

#include "redis/cigna_script.h"


static void
the_digest_is_the_sha1_of_the_text(void **state)
{
    cigna_script_t  script;

    (void) state;

    script = (cigna_script_t) { .text = "return 1" };

    assert_int_equal(cigna_script_init(&script), CIGNA_OK);
    assert_string_equal(script.sha1,
                        "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(the_digest_is_the_sha1_of_the_text)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
