/* recipe: what is refused, and in which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/recipe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/scratch.h"

#define DATA "data: {train: [a.txt, b.txt]}\n"

static void refuses(const char *yaml, const char *message)
{
    heed_recipe r = {0};
    heed_error err = {0};
    assert_int_equal(heed_recipe_parse(&r, yaml, strlen(yaml), "r.yaml", &err), HEED_E_USAGE);
    assert_string_equal(err.text, message);
    assert_int_equal(err.status, HEED_E_USAGE);
    heed_recipe_free(&r);
}

static void refuses_set(const char *assignment, const char *message)
{
    heed_recipe r = {0};
    heed_error err = {0};
    assert_int_equal(heed_recipe_set(&r, assignment, &err), HEED_E_USAGE);
    assert_string_equal(err.text, message);
    heed_recipe_free(&r);
}

static void test_set__refuses_in_words(void **state)
{
    (void)state;
    refuses_set("train.epochs", "--set \"train.epochs\": expected key=value");
    refuses_set("train.epoch=3", "--set \"train.epoch=3\": unknown key \"epoch\" under train; did you mean \"epochs\"?");
    refuses_set("train..epochs=3", "--set \"train..epochs=3\": unknown key \"\" under train; known there: batch, accumulate, epochs, updates, seconds, optimizer, "
                                   "schedule, clip, label_smoothing, teacher_forcing, guided_alignment, validate, keep, average, precision, freeze, init_from, frozen_attention, adversary, seed");
    refuses_set("train.warmup=3", "--set \"train.warmup=3\": unknown key \"warmup\" under train; did you mean train.schedule.warmup?");
    refuses_set("train=3", "--set \"train=3\": train: expected keys and values below it, found \"3\"");
    refuses_set("train.epochs.x=3", "--set \"train.epochs.x=3\": train.epochs: expected a whole number from 0 to 1,000,000, found keys and values");
    refuses_set("a.b.c.d.e.f.g.h.i=1", "--set \"a.b.c.d.e.f.g.h.i=1\": no key has so many parts");
    refuses_set("data.root=[a", "--set \"data.root=[a\": not YAML: while parsing a flow sequence, did not find expected ',' or ']'");
}

/* --- keys and values --------------------------------------------------------------------------------------------------------------------- */
static void test_recipe__names_the_nearest_key(void **state)
{
    (void)state;
    refuses("train:\n  schedule: {type: cosine, warmup_updates: 4}\n", "r.yaml:2: unknown key \"warmup_updates\" under train.schedule; did you mean \"warmup\"?");
    refuses("tarin: {epochs: 1}\n", "r.yaml:1: unknown key \"tarin\"; did you mean \"train\"?");
    refuses(DATA "model:\n  encoder:\n    widht: 3\n", "r.yaml:4: unknown key \"widht\" under model.encoder; did you mean \"width\"?");
    refuses("qqq: 1\n", "r.yaml:1: unknown key \"qqq\"; known there: version, task, data, text, model, train, decode");
    refuses("train.rate: 1\n", "r.yaml:1: unknown key \"train.rate\"; did you mean \"train\"?");
}

static void test_recipe__says_what_was_expected_and_found(void **state)
{
    (void)state;
    refuses("train:\n  epochs: x\n", "r.yaml:2: train.epochs: expected a whole number from 0 to 1,000,000, found \"x\"");
    refuses("train: {epochs: 1000001}", "r.yaml:1: train.epochs: expected a whole number from 0 to 1,000,000, found \"1000001\"");
    refuses("train: {epochs: 99999999999999999999}", "r.yaml:1: train.epochs: expected a whole number from 0 to 1,000,000, found \"99999999999999999999\"");
    refuses("train: {epochs: 1.5}", "r.yaml:1: train.epochs: expected a whole number from 0 to 1,000,000, found \"1.5\"");
    refuses("train: {rate: nan}", "r.yaml:1: train.optimizer.rate: expected a number from 0 to 100, found \"nan\"");
    refuses("train: {rate: -1}", "r.yaml:1: train.optimizer.rate: expected a number from 0 to 100, found \"-1\"");
    refuses("train: {rate: 0x10}", "r.yaml:1: train.optimizer.rate: expected a number from 0 to 100, found \"0x10\"");
    refuses("train: {seed: -1}", "r.yaml:1: train.seed: expected a whole number from 0 to 18,446,744,073,709,551,615, found \"-1\"");
    refuses("train: {optimizer: {betas: [0.9, 1]}}", "r.yaml:1: train.optimizer.betas: expected a list of two numbers from 0 to 0.999999, found [\"0.9\", \"1\"]");
    refuses("train: {validate: {every: often}}", "r.yaml:1: train.validate.every: expected epoch, or a number of updates from 1 to 1,000,000,000, found \"often\"");
    refuses("train: {precision: fp8}", "r.yaml:1: train.precision: expected f32 or bf16, found \"fp8\"; did you mean \"f32\"?");
    refuses("text: {source: {lower: yes}}", "r.yaml:1: text.source.lower: expected true or false, found \"yes\"");
    refuses("model: {encoder: {cell: grru}}", "r.yaml:1: model.encoder.cell: expected gru or lstm, found \"grru\"; did you mean \"gru\"?");
    refuses("model: {encoder: [gru]}", "r.yaml:1: model.encoder: expected keys and values below it, found [\"gru\"]");
    refuses("data: {train: [a, b, c, d, e]}", "r.yaml:1: data.train: expected a file, or a list of at most 4 files, found [\"a\", \"b\", \"c\", \"d\", \"e\"]");
    refuses("data: {train: [a, '']}", "r.yaml:1: data.train: expected a file, or a list of at most 4 files, found [\"a\", \"\"]");
    refuses("data: {test: {a/b: c}}", "r.yaml:1: data.test: expected files, or at most 16 sets of files by names of letters, digits, \".\", \"_\" and \"-\", found keys "
                                      "and values");
    refuses("decode: {beam: 65}", "r.yaml:1: decode.beam: expected a whole number from 1 to 64, found \"65\"");
    refuses("decode: {max_length: 50}", "r.yaml:1: decode.max_length: expected a list of a ratio and a whole number, 0 to 1,000 and 1 to 1,000,000, found \"50\"");
    refuses("version: 2\n", "r.yaml:1: version: expected 1 (format of the recipe; a newer one needs a newer heed), found \"2\"");
    refuses("task: ''\n", "r.yaml:1: task: expected a text of 1 to 64 bytes, found \"\"");
}

static void test_recipe__lists_metrics_for_a_wrong_one(void **state)
{
    (void)state;
    heed_recipe r = {0};
    heed_error err = {0};
    const char yaml[] = DATA "train: {validate: {metric: blue}}";
    assert_int_equal(heed_recipe_parse(&r, yaml, strlen(yaml), "r.yaml", &err), HEED_E_USAGE);
    assert_non_null(strstr(err.text, "r.yaml:2: train.validate.metric: expected one of loss bleu "));
    heed_recipe_free(&r);
}

static void test_recipe__refuses_what_yaml_offers_beyond_values(void **state)
{
    (void)state;
    refuses("a: &x 1\nb: *x\n", "r.yaml:1: anchors (&) and aliases (*) have no place in a recipe; write the value out, or quote it");
    refuses("task: *x\n", "r.yaml:1: anchors (&) and aliases (*) have no place in a recipe; write the value out, or quote it");
    refuses("train: !!map {}\n", "r.yaml:1: tags (!) have no place in a recipe: every value is typed by its key; remove it, or quote the value");
    refuses(DATA "---\ntask: transduce\n", "r.yaml:2: a second document (---); a recipe is one");
    refuses("train:\n  epochs: 1\n  clip: 2\n  epochs: 1\n", "r.yaml:4: key \"epochs\" again; it is given at line 2");
    refuses("train: {rate: 1,\n  optimizer: {rate: 1}}", "r.yaml:2: train.optimizer.rate is set already, at line 1");
    refuses("text:\n  units: symbols\n  source: {units: characters}\n", "r.yaml:3: text.source.units is set already, at line 2");
    refuses("train: {optimizer: {rate: 1},\n  rate: 1}", "r.yaml:2: train.rate sets train.optimizer.rate, which is set already, at line 1");
    refuses("? [a]\n: b\n", "r.yaml:1: a key must be a plain word");
    refuses("- a\n", "r.yaml:1: expected keys and values (\"task: transduce\"), found [\"a\"]");
    refuses("", "r.yaml: empty; a recipe names at least data.train");
    refuses("# nothing\n", "r.yaml: empty; a recipe names at least data.train");
    refuses("a: [[[[[[[[x]]]]]]]]\n", "r.yaml:1: more than 8 levels deep");
    refuses("task: \"a\\0b\"\n", "r.yaml:1: a zero byte in a text");
    refuses("task: [a\n", "r.yaml:2: not YAML: while parsing a flow sequence, did not find expected ',' or ']'");
    refuses("task: a\xFF\n", "r.yaml: not YAML: invalid leading UTF-8 octet at byte 7; a recipe is UTF-8 text");
}

static void test_recipe__is_bounded(void **state)
{
    (void)state;
    enum { LARGE = (1 << 20) + 1 };
    char *yaml = malloc(LARGE + 1);
    assert_non_null(yaml);
    memset(yaml, ' ', LARGE);
    yaml[LARGE] = 0;
    refuses(yaml, "r.yaml: more than 1 MiB; this is not a recipe");
    for (int i = 1; i < 30000; i += 2) memcpy(yaml + i, "a,", 2);
    yaml[0] = '[';
    yaml[30000] = 0;
    refuses(yaml, "r.yaml:1: more than 10,000 values; this is not a recipe");
    free(yaml);
}

static void test_check__settings_that_do_not_go_together(void **state)
{
    (void)state;
    refuses("task: transduce\n", "r.yaml: data.train is missing: two files side by side, or one TSV");
    refuses(DATA "train: {batch: {sentences: 0}}", "r.yaml: train.batch: sentences and tokens are both 0; set one of them");
    refuses(DATA "train: {batch: {sentences: 4, tokens: 4}}", "r.yaml: train.batch: sentences and tokens exclude each other; set one of them");
    refuses(DATA "train: {epochs: 0}", "r.yaml: train: epochs, updates and seconds are all 0, so nothing would end the training; set one of them");
    refuses(DATA "train: {seconds: 9, schedule: {type: linear}}",
            "r.yaml: train.schedule: this type needs to know the end; set train.epochs or train.updates");
    refuses(DATA "train: {schedule: {type: inverse_sqrt}}", "r.yaml: train.schedule: inverse_sqrt needs warmup, a number of updates from 1");
    refuses(DATA "train: {updates: 9, schedule: {type: cosine, warmup: 9}}", "r.yaml: train.schedule: warmup is as long as train.updates; make it shorter");
    refuses(DATA "train: {schedule: {type: plateau}}", "r.yaml: train.schedule: plateau needs data.valid");
    refuses(DATA "train: {validate: {metric: bleu}}", "r.yaml: train.validate.metric needs data.valid, or set it to loss");
    refuses(DATA "train: {keep: 2, average: 3}", "r.yaml: train.average is larger than train.keep; keep as many checkpoints as are averaged");
    refuses(DATA "text: {shared: true, source: {lower: true}}",
            "r.yaml: text.shared needs the same settings for text.source and text.target; set them under text");
    refuses(DATA "model: {attention: {align: window}}",
            "r.yaml: model.attention.align: this one needs model.attention.window, the number of keys to each side or the size of a block");
    refuses(DATA "model: {decoder: {input_feeding: true}}",
            "r.yaml: model.decoder.input_feeding needs order: luong; with bahdanau the context is an input already");
}

static void test_check__keys_that_say_nothing_of_the_part(void **state)
{
    (void)state;
    refuses(DATA "model:\n  encoder: {type: rnn,\n    heads: 4}\n", "r.yaml:4: model.encoder.heads says nothing of an encoder of type rnn; it belongs to transformer");
    refuses(DATA "model: {decoder: {positions: none}}", "r.yaml:2: model.decoder.positions says nothing of a decoder of type rnn; it belongs to conv or transformer");
    refuses(DATA "model: {attention: {filters: 5}}", "r.yaml:2: model.attention.filters says nothing of score additive; it belongs to location_conv");
    refuses(DATA "model: {attention: {window: 5}}",
            "r.yaml:2: model.attention.window says nothing of align softmax; it belongs to window or causal_window or local_p or block_sparse");
    refuses(DATA "model: {attention: {score: none, heads: 4}}", "r.yaml:2: model.attention.heads says nothing of score none; it belongs to any other score");
    refuses(DATA "model: {attention: {score: none, align: causal}}", "r.yaml:2: model.attention.align says nothing of score none; it belongs to any other score");
    refuses(DATA "model: {attention: {score: none, coverage: true}}", "r.yaml:2: model.attention.coverage says nothing of score none; it belongs to any other score");
    refuses(DATA "model: {attention: {vector: every_step}}", "r.yaml:2: model.attention.vector says nothing of score additive; it belongs to none");
    refuses(DATA "model: {encoder: {type: transformer, longest: 9}}",
            "r.yaml:2: model.encoder.longest says nothing of positions sinusoid; it belongs to learned, or to score location");
    refuses(DATA "model: {decoder: {type: conv, longest: 9}}", "r.yaml:2: model.decoder.longest says nothing of positions sinusoid; it belongs to learned");
}

/* Earlier models and resolved recipes hold them. */
static void test_check__silent_keys_at_their_defaults_are_none_the_worse(void **state)
{
    (void)state;
    const char yaml[] = DATA "model: {encoder: {type: transformer, longest: 1024}, attention: {window: 0, vector: start}}";
    const char none[] = DATA "model: {attention: {score: none, heads: 0, key_heads: 0, width: 0, align: softmax, coverage: false, copy: false}}";
    heed_recipe r = {0};
    heed_error err = {0};
    if (heed_recipe_parse(&r, yaml, strlen(yaml), "r.yaml", &err)) fail_msg("%s", err.text);
    heed_recipe_free(&r);
    if (heed_recipe_parse(&r, none, strlen(none), "r.yaml", &err)) fail_msg("%s", err.text);
    heed_recipe_free(&r);
}

/* A file's attention is tried without by one setting; settings of it beside that one are refused. */
static void test_check__attention_is_turned_off_over_a_file_that_has_settings_of_it(void **state)
{
    (void)state;
    const char *path = scratch_text("off.yaml", DATA "model: {attention: {score: dot, heads: 4, width: 96, align: causal, coverage: false}}\n");
    static const char *const off[] = {"model.attention=none", "model.attention.heads=2"};
    heed_recipe r = {0};
    heed_error err = {0};
    if (heed_recipe_open(&r, path, off, 1, &err)) fail_msg("%s", err.text);
    heed_buf text = {0};
    assert_int_equal(heed_recipe_write(&r, &text), HEED_OK);
    assert_null(strstr(text.data, "heads: 4"));
    heed_buf_free(&text);
    heed_recipe_free(&r);
    assert_int_equal(heed_recipe_open(&r, path, off, 2, &err), HEED_E_USAGE);
    assert_non_null(strstr(err.text, "--set: model.attention.heads says nothing of score none"));
    heed_recipe_free(&r);
}

static void test_check__layers(void **state)
{
    (void)state;
    refuses(DATA "model: {attention: {heads: 5}}", "r.yaml: model.attention: 5 heads do not divide the width of 512; make it a multiple of them");
    refuses(DATA "model: {attention: {heads: 4, key_heads: 3}}", "r.yaml: model.attention: 4 heads do not divide into 3 heads of keys; key_heads must divide heads");
    refuses(DATA "model: {attention: {score: none, copy: true}}",
            "r.yaml: model.attention: copy takes symbols from where attention looks, and with score none it looks nowhere; choose a score, or copy: false");
    refuses(DATA "model: {attention: {score: location_conv, filter_width: 4}}", "r.yaml: model.attention.filter_width must be odd, so that a filter has a middle");
    refuses("data: {train: a.tsv, max_length: 99}\nmodel: {attention: {score: location, longest: 99}}",
            "r.yaml: model.attention.longest: 99 symbols, but data.max_length lets 99 and </s> through; make it at least 100, or data.max_length at most 98");
}

static void test_check__parts_of_other_families(void **state)
{
    (void)state;
    refuses(DATA "model: {encoder: {type: transformer, cell: gru}}", "r.yaml:2: model.encoder.cell says nothing of an encoder of type transformer; it belongs to rnn");
    refuses(DATA "model: {encoder: {type: transformer, embed: 8}}",
            "r.yaml:2: model.encoder.embed says nothing of an encoder of type transformer; it belongs to rnn or conv");
    refuses(DATA "model: {encoder: {type: transformer, width: 10, heads: 4}}", "r.yaml: model.encoder: 4 heads do not divide the width of 10; make it a multiple of them");
    refuses(DATA "model: {encoder: {type: transformer, score: location, longest: 40}}",
            "r.yaml: model.encoder.longest: 40 symbols, but data.max_length lets 250 and </s> through; make it at least 251, or data.max_length at most 39");
    refuses(DATA "model: {decoder: {type: transformer, positions: learned, longest: 40}}",
            "r.yaml: model.decoder.longest: 40 symbols, but data.max_length lets 250 and </s> through; make it at least 251, or data.max_length at most 39");
    refuses("data: {train: a.tsv, max_length: 9}\nmodel: {decoder: {type: conv, positions: learned, longest: 40}}",
            "r.yaml: decode.max_length: 50 symbols beyond those of the source, but model.decoder.longest has places for 40");
    refuses(DATA "model: {encoder: {type: conv, positions: learned, longest: 1}}",
            "r.yaml: model.encoder.longest: 1 symbol is </s> alone; make it at least 251, for data.max_length");
    refuses(DATA "model: {encoder: {type: conv, embed: 15}}",
            "r.yaml: model.encoder.embed: 15 is odd, and positions sinusoid come in pairs; make it even, or choose other positions");
    refuses(DATA "model: {decoder: {type: transformer, width: 33, heads: 3}}",
            "r.yaml: model.decoder.width: 33 is odd, and positions sinusoid come in pairs; make it even, or choose other positions");
    refuses(DATA "model: {encoder: {type: conv, positions: rotary}}",
            "r.yaml: positions rotary, relative and alibi belong to self-attention; a conv part takes none, sinusoid or learned");
    refuses(DATA "model: {decoder: {type: conv}}\ntrain: {teacher_forcing: 0.5}",
            "r.yaml: train.teacher_forcing below 1 needs model.decoder.type: rnn; other decoders see all symbols at once, before any is chosen");
}

static void test_check__one_embedding_for_all(void **state)
{
    (void)state;
    refuses(DATA "model: {tie: all}", "r.yaml: model.tie: all needs text.shared: true, one vocabulary for the one embedding; or tie: output");
    refuses(DATA "text: {shared: true}\nmodel: {tie: all, encoder: {embed: 8}}",
            "r.yaml: model.tie: all needs embeddings of one width; set model.encoder and model.decoder alike (embed; width of a transformer)");
}

/* It may be set to evaluate with. */
static void test_trainable__hard_alignment_is_not_learnt(void **state)
{
    (void)state;
    const char yaml[] = DATA "model: {attention: {align: hard}}";
    heed_recipe r = {0};
    heed_error err = {0};
    assert_int_equal(heed_recipe_parse(&r, yaml, strlen(yaml), "r.yaml", &err), HEED_OK);
    assert_int_equal(heed_recipe_trainable(&r, &err), HEED_E_USAGE);
    assert_string_equal(err.text, "r.yaml: model.attention: align hard passes no gradient to what decides where to look, so it cannot be learnt; train with softmax, "
                                  "sparsemax or entmax and set hard to evaluate");
    heed_recipe_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set__refuses_in_words),
        cmocka_unit_test(test_recipe__names_the_nearest_key),
        cmocka_unit_test(test_recipe__says_what_was_expected_and_found),
        cmocka_unit_test(test_recipe__lists_metrics_for_a_wrong_one),
        cmocka_unit_test(test_recipe__refuses_what_yaml_offers_beyond_values),
        cmocka_unit_test(test_recipe__is_bounded),
        cmocka_unit_test(test_check__settings_that_do_not_go_together),
        cmocka_unit_test(test_check__keys_that_say_nothing_of_the_part),
        cmocka_unit_test(test_check__silent_keys_at_their_defaults_are_none_the_worse),
        cmocka_unit_test(test_check__attention_is_turned_off_over_a_file_that_has_settings_of_it),
        cmocka_unit_test(test_check__layers),
        cmocka_unit_test(test_check__parts_of_other_families),
        cmocka_unit_test(test_check__one_embedding_for_all),
        cmocka_unit_test(test_trainable__hard_alignment_is_not_learnt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
