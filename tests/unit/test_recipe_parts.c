/* recipe: keys of some parts only, recipes of an older heed, patterns. */
#include "unit/recipes.h"

/* --- keys that speak of some parts only ------------------------------------------------------------------------------------------------ */
static void test_recipe__settings_of_each_architecture_are_read(void **state)
{
    (void)state;
    heed_recipe r = parsed(DATA "model:\n"
                                "  encoder: {type: transformer, layers: 4, width: 128, heads: 4, key_heads: 4, inner: 256, norm: post, activation: relu, positions: sinusoid, window: 0, "
                                "dropout: 0.3}\n"
                                "  attention: {score: scaled, align: softmax, heads: 4, window: 0}\n"
                                "  decoder: {type: transformer, layers: 2, width: 128, heads: 8, key_heads: 2, norm: pre, activation: gelu, positions: rotary}\n");
    double deviation;
    assert_true(r.model.encoder.stack.heads == 4 && r.model.encoder.stack.inner == 256 && r.model.encoder.stack.norm == HEED_NORM_POST);
    assert_true(r.model.decoder.stack.key_heads == 2 && r.model.decoder.stack.activation == HEED_GELU);
    assert_int_equal(r.model.decoder.stack.positions, HEED_POSITIONS_rotary);
    assert_int_equal(heed_recipe_embed(&r, true, &deviation), 128);   /* its embeddings are as wide as its layers */
    parses_to_itself(&r);
    heed_recipe_free(&r);
    r = parsed(DATA "model:\n"
                    "  encoder: {type: conv, layers: 10, embed: 256, width: 512, kernel: 3, dropout: 0.25}\n"
                    "  decoder: {type: conv, layers: 5, embed: 64, width: 96, kernel: 5, positions: learned, longest: 300}\n");
    assert_true(r.model.encoder.layers == 10 && r.model.encoder.stack.kernel == 3 && r.model.decoder.stack.longest == 300);
    assert_int_equal(heed_recipe_embed(&r, true, &deviation), 64);
    parses_to_itself(&r);
    heed_recipe_free(&r);
}

static void test_write__keys_that_say_nothing_are_left_out(void **state)
{
    (void)state;
    heed_recipe r = parsed(DATA);
    char *text = written(&r);
    assert_non_null(strstr(text, "    cell: gru\n"));
    assert_null(strstr(text, "heads: 4"));
    assert_null(strstr(text, "kernel"));
    assert_null(strstr(text, "filters"));
    free(text);
    set(&r, "model.encoder.type=transformer");
    set(&r, "model.attention.score=location_conv");
    text = written(&r);
    assert_non_null(strstr(text, "    heads: 4\n"));
    assert_non_null(strstr(text, "    filters: 10\n"));
    assert_null(strstr(text, "directions"));
    free(text);
    heed_recipe_free(&r);
}

/* A recipe is kept while another part is tried from the command line. */
static void test_set__another_part_may_be_tried(void **state)
{
    (void)state;
    const char yaml[] = DATA "model: {encoder: {cell: lstm, directions: 1}, attention: {score: location_conv, filters: 4}}\n";
    heed_recipe r = parsed(yaml), other = parsed(yaml);
    heed_error err = {0};
    heed_buf changes = {0};
    set(&r, "model.encoder.type=transformer");
    set(&r, "model.attention.score=dot");
    if (heed_recipe_check(&r, &err)) fail_msg("%s", err.text);
    parses_to_itself(&r);
    set(&other, "model.encoder={type: transformer, layers: 1}");
    set(&other, "model.attention.score=dot");
    set(&other, "model.encoder.cell=gru");   /* says nothing, and so makes no difference */
    assert_int_equal(heed_recipe_differ(&r, &other, &changes), 0);
    assert_int_equal(heed_recipe_check(&other, &err), HEED_E_USAGE);
    assert_string_equal(err.text, "r.yaml: model.encoder.cell says nothing of an encoder of type transformer; it belongs to rnn");
    heed_buf_free(&changes);
    heed_recipe_free(&r);
    heed_recipe_free(&other);
}

/* As heed wrote it before it had other parts than recurrent ones. */
static void test_recipe__a_resolved_recipe_of_an_older_heed_is_read(void **state)
{
    (void)state;
    static const char yaml[] = "version: 1\ntask: transduce\n" DATA
                               "text: {source: {units: characters, min_count: 1}, shared: false}\n"
                               "model:\n"
                               "  encoder: {type: rnn, cell: gru, layers: 2, directions: 2, embed: 64, width: 116, dropout: 0.12}\n"
                               "  attention: {score: none, align: softmax, width: 96, window: 0, vector: start}\n"
                               "  decoder: {type: rnn, cell: gru, layers: 1, order: bahdanau, input_feeding: false, embed: 64, width: 168, dropout: 0.12}\n"
                               "  tie: none\n";
    heed_recipe r = {0};
    heed_error err = {0};
    if (heed_recipe_restore(&r, yaml, strlen(yaml), "r.yaml", &err)) fail_msg("%s", err.text);
    assert_true(r.model.attention.heads == 0 && !r.model.attention.copy && r.model.encoder.stack.heads == 4 && r.train.freeze.count == 0);
    parses_to_itself(&r);
    heed_recipe_free(&r);
}

static void test_recipe__patterns_of_weights(void **state)
{
    (void)state;
    heed_recipe r = parsed(DATA "train: {freeze: [encoder.*, head.bias, \"?\"]}\n");
    assert_int_equal(r.train.freeze.count, 3);
    assert_string_equal(r.train.freeze.text[0], "encoder.*");
    parses_to_itself(&r);
    set(&r, "train.freeze=attention*");
    assert_true(r.train.freeze.count == 1 && strcmp(r.train.freeze.text[0], "attention*") == 0);
    set(&r, "train.freeze=");
    assert_int_equal(r.train.freeze.count, 0);
    heed_recipe_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recipe__settings_of_each_architecture_are_read),
        cmocka_unit_test(test_write__keys_that_say_nothing_are_left_out),
        cmocka_unit_test(test_set__another_part_may_be_tried),
        cmocka_unit_test(test_recipe__a_resolved_recipe_of_an_older_heed_is_read),
        cmocka_unit_test(test_recipe__patterns_of_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
