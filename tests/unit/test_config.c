/* config.json: what a model says of itself comes back, and what is damaged, foreign or newer is refused in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "{\"format\": 1, \"model_type\": \"heed\", "

static heed_recipe parsed(const char *json)
{
    heed_recipe r = {0};
    heed_error err = {0};
    if (heed_config_parse(&r, json, strlen(json), "config.json", &err)) fail_msg("%s", err.text);
    return r;
}

static void refuses(const char *json, const char *message)
{
    heed_recipe r;
    heed_error err = {0};
    assert_int_equal(heed_config_parse(&r, json, strlen(json), "m/config.json", &err), HEED_E_MODEL);
    assert_string_equal(err.text, message);
    assert_null(r.owner);
}

static void test_config__the_model_part_of_a_recipe_comes_back(void **state)
{
    (void)state;
    const char yaml[] = "data: {train: a.tsv, root: away}\n"
                        "text: {units: symbols, source: {lower: true}, target: {min_count: 4}}\n"
                        "model:\n"
                        "  encoder: {cell: lstm, dropout: 0.1, width: 24}\n"
                        "  attention: {score: cosine, align: window, window: 2}\n"
                        "  decoder: {order: luong, input_feeding: true}\n"
                        "train: {rate: 0.5, seed: 9}\n"
                        "decode: {max_length: [1.25, 7]}\n";
    heed_recipe was = {0};
    heed_error err = {0};
    if (heed_recipe_parse(&was, yaml, strlen(yaml), NULL, &err)) fail_msg("%s", err.text);
    heed_buf json = {0}, changes = {0};
    assert_int_equal(heed_config_write(&was, &json), HEED_OK);
    heed_recipe now = parsed(json.data);
    assert_int_equal(heed_recipe_differ(&was, &now, &changes), 4);   /* what belongs to the data and the training stays behind */
    assert_string_equal(changes.data, "data.root: \"\", was away\ndata.train: [], was [a.tsv]\ntrain.optimizer.rate: 0.001, was 0.5\ntrain.seed: 1, was 9\n");
    heed_buf again = {0};
    assert_int_equal(heed_config_write(&now, &again), HEED_OK);
    assert_string_equal(again.data, json.data);
    heed_buf_free(&again);
    heed_buf_free(&json);
    heed_buf_free(&changes);
    heed_recipe_free(&was);
    heed_recipe_free(&now);
}

static void test_config__settings_that_are_not_named_have_their_defaults(void **state)
{
    (void)state;
    heed_recipe r = parsed(HEAD "\"model\": {\"encoder\": {\"width\": 16, \"dropout\": 0.5}}}");
    assert_true(r.model.encoder.width == 16 && r.model.encoder.dropout == 0.5 && r.model.encoder.layers == 1);
    assert_string_equal(r.task, "transduce");
    heed_recipe_free(&r);
}

static void test_config__refuses_what_is_not_a_model_of_ours(void **state)
{
    (void)state;
    refuses("", "m/config.json:1: not JSON: '[' or '{' expected near end of file");
    refuses("{\"format\": 1,\n \"model_type\": }", "m/config.json:2: not JSON: unexpected token near '}'");
    refuses("{\"format\": 1, \"format\": 1}", "m/config.json:1: not JSON: duplicate object key near '\"format\"'");
    refuses("[]", "m/config.json: expected an object with \"model_type\": \"heed\"");
    refuses("{}", "m/config.json: \"model_type\" is missing; expected \"heed\"");
    refuses("{\"model_type\": \"marian\"}", "m/config.json: model_type is \"marian\", expected \"heed\"");
    refuses("{\"model_type\": \"heed\"}", "m/config.json: \"format\" is missing or no number from 1");
    refuses("{\"model_type\": \"heed\", \"format\": 2, \"model\": {}}",
            "m/config.json: format 2 is newer than 1, the newest that this heed reads; use the heed that wrote it, or a newer one");
    refuses("{\"model_type\": \"heed\", \"format\": 1}", "m/config.json: \"model\" is missing or no object");
}

static void test_config__refuses_keys_and_values_like_a_recipe(void **state)
{
    (void)state;
    refuses(HEAD "\"model\": {\"encodre\": {}}}", "m/config.json: unknown key \"encodre\" under model; did you mean \"encoder\"?");
    refuses(HEAD "\"model\": {\"encoder\": {\"layers\": 1000}}}", "m/config.json: model.encoder.layers: expected a whole number from 1 to 24, found \"1000\"");
    refuses(HEAD "\"model\": {\"encoder\": {\"layers\": 1.5}}}", "m/config.json: model.encoder.layers: expected a whole number from 1 to 24, found \"1.5\"");
    refuses(HEAD "\"model\": {\"tie\": null}}", "m/config.json: null has no place here");
    refuses(HEAD "\"model\": {\"attention\": {\"align\": \"window\"}}}",
            "m/config.json: model.attention.align: this one needs model.attention.window, the number of keys to each side or the size of a block");
    refuses(HEAD "\"model\": {}, \"train\": {\"seed\": 1}}", "m/config.json: unknown key \"train\"; it belongs to a recipe");
    refuses(HEAD "\"model\": {\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}}", "m/config.json: more than 8 levels deep");
}

static void test_config__is_bounded(void **state)
{
    (void)state;
    enum { LARGE = (1 << 20) + 1 };
    char *json = malloc(LARGE + 1);
    assert_non_null(json);
    memset(json, ' ', LARGE);
    json[LARGE] = 0;
    refuses(json, "m/config.json: more than 1 MiB; this is not a model of heed");
    int used = snprintf(json, LARGE, HEAD "\"model\": {\"tie\": [0");
    for (int i = 0; i < 10000; i++) memcpy(json + used + 2 * i, ",0", 2);
    memcpy(json + used + 20000, "]}}", 4);
    refuses(json, "m/config.json: more than 10,000 values; this is not a model of heed");
    free(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config__the_model_part_of_a_recipe_comes_back),
        cmocka_unit_test(test_config__settings_that_are_not_named_have_their_defaults),
        cmocka_unit_test(test_config__refuses_what_is_not_a_model_of_ours),
        cmocka_unit_test(test_config__refuses_keys_and_values_like_a_recipe),
        cmocka_unit_test(test_config__is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
