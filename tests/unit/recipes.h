/* Recipes parsed, changed and written: shared by the tests of recipes. */
#ifndef HEED_TEST_RECIPES_H
#define HEED_TEST_RECIPES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "model/recipe.h"

#define DATA "data: {train: [a.txt, b.txt]}\n"

static inline heed_recipe parsed(const char *yaml)
{
    heed_recipe r = {0};
    heed_error err = {0};
    if (heed_recipe_parse(&r, yaml, strlen(yaml), "r.yaml", &err)) fail_msg("%s", err.text);
    return r;
}

static inline void set(heed_recipe *r, const char *assignment)
{
    heed_error err = {0};
    if (heed_recipe_set(r, assignment, &err)) fail_msg("%s", err.text);
}

/* The written form of a recipe, to be freed. */
static inline char *written(const heed_recipe *r)
{
    heed_buf text = {0};
    assert_int_equal(heed_recipe_write(r, &text), HEED_OK);
    char *taken = heed_buf_take(&text);
    assert_non_null(taken);
    return taken;
}

static inline void parses_to_itself(const heed_recipe *r)
{
    char *text = written(r);
    heed_recipe again = parsed(text);
    heed_buf changes = {0};
    if (heed_recipe_differ(r, &again, &changes)) fail_msg("%s", changes.data);
    char *twice = written(&again);
    assert_string_equal(twice, text);
    free(text);
    free(twice);
    heed_recipe_free(&again);
}

#endif
