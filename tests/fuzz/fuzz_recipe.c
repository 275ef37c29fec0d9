/* Any bytes as a recipe, and their first line as an assignment. What is read must come back from what is written. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/recipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_thing)
{
    if (!true_thing) abort();
}

static void check_round_trip(const heed_recipe *r)
{
    heed_recipe again = {0};
    heed_error err = {0};
    heed_buf text = {0}, changes = {0};
    must(heed_recipe_write(r, &text) == HEED_OK);
    must(heed_recipe_parse(&again, text.data, text.size, "again", &err) == HEED_OK);
    must(heed_recipe_differ(r, &again, &changes) == 0);
    heed_buf_free(&changes);
    heed_buf_free(&text);
    heed_recipe_free(&again);
}

static void check_assignment(const char *text, size_t size)
{
    char line[256];
    heed_recipe r = {0};
    heed_error err = {0};
    size_t length = 0;
    while (length < size && length + 1 < sizeof line && text[length] != '\n') length++;
    memcpy(line, text, length);
    line[length] = 0;
    if (heed_recipe_set(&r, line, &err) == HEED_OK && heed_recipe_set(&r, "data.train=a", &err) == HEED_OK && heed_recipe_check(&r, &err) == HEED_OK)
        check_round_trip(&r);
    heed_recipe_free(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    heed_recipe r = {0};
    heed_error err = {0};
    heed_status s = heed_recipe_parse(&r, (const char *)data, size, "recipe", &err);
    if (s == HEED_OK) check_round_trip(&r);
    else must(s == err.status && strlen(err.text) > 0);
    heed_recipe_free(&r);
    if (size) check_assignment((const char *)data, size);
    return 0;
}
