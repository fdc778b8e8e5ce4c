
#include <stdio.h>
#include <stdlib.h>

#include "support.h"

#include "vault/cigna_scripts.h"


/*
 * scripts/vault runs some of the module's Lua scripts.  It has their texts in
 * files, which must be equal to the module's.  To write the files again:
 *
 *     CIGNA_WRITE_LUA=1 .build/unit/test_tool
 */

#define LUA  CIGNA_TOP "/scripts/lib/vault/lua/%s.lua"


static const cigna_script_e  scripts[] = {
    cigna_script_grant_delete,
    cigna_script_grant_reseal,
    cigna_script_vault_check
};


static void
the_tool_has_the_scripts_of_the_module(void **state)
{
    char                   path[512], text[8192];
    FILE                  *f;
    size_t                 i, len;
    const cigna_script_t  *script;

    (void) state;

    for (i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        script = cigna_script(scripts[i]);
        (void) snprintf(path, sizeof(path), LUA, script->name);

        if (getenv("CIGNA_WRITE_LUA")) {
            f = fopen(path, "w");
            assert_non_null(f);
            assert_int_equal(fputs(script->text, f) >= 0, 1);
            assert_int_equal(fclose(f), 0);
        }

        f = fopen(path, "r");

        if (f == NULL) {
            fail_msg("there is no %s", path);
        }

        len = fread(text, 1, sizeof(text) - 1, f);
        text[len] = '\0';
        (void) fclose(f);

        if (strcmp(text, script->text) != 0) {
            fail_msg("%s is not the module's, run: CIGNA_WRITE_LUA=1 "
                     ".build/unit/test_tool", path);
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(the_tool_has_the_scripts_of_the_module)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
