/* Model directories: what is saved comes back, and what was cut off, altered or put together from two is refused with the file and the reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"
#include "heed.h"
#include "support/scratch.h"
#include "support/tiny.h"

/* --- help -------------------------------------------------------------------------------------------------------------------------- */

static const char *const members[] = {"attn.json", "config.json", "recipe.yaml", "source.vocab.json", "target.vocab.json", "model.safetensors"};
enum { MEMBERS = sizeof members / sizeof *members };

static const char *in(const char *dir, const char *file)
{
    static char name[200];
    snprintf(name, sizeof name, "%s/%s", dir, file);
    return name;
}

/* A model to be damaged, below the scratch folder as "m". */
static void fresh(void)
{
    heed_dir_remove(scratch_path("m"), NULL);
    tiny_save(tiny_build(&(tiny){.cell = "lstm"}), "m");
}

/* heed_model_open must refuse "m" with this status, this file and this text. */
static void refused_as(heed_status status, const char *file, const char *text)
{
    heed_error err = {0};
    heed_model *m = heed_model_open(scratch_path("m"), NULL, &err);
    if (m) fail_msg("a model that should say \"%s\" was opened", text);
    assert_int_equal(err.status, status);
    if (!strstr(err.text, file) || !strstr(err.text, text)) fail_msg("no \"%s\" or no \"%s\" in: %s", file, text, err.text);
    assert_null(heed_model_open(scratch_path("m"), NULL, NULL));
}

static void refused(const char *file, const char *text) { refused_as(HEED_E_MODEL, file, text); }

static char *read_member(const char *file, size_t *size) { return scratch_read(in("m", file), size); }

static void write_member(const char *file, const void *bytes, size_t size) { scratch_write(in("m", file), bytes, size); }

static void replace(const char *file, const char *from, const char *to)
{
    char *text = read_member(file, NULL), *at = strstr(text, from);
    assert_non_null(at);
    heed_buf out = {0};
    heed_buf_add(&out, text, (size_t)(at - text));
    heed_buf_text(&out, to);
    heed_buf_text(&out, at + strlen(from));
    write_member(file, out.data, out.size);
    heed_buf_free(&out);
    free(text);
}

/* attn.json vouches for the file as it is now. */
static void vouch(const char *file)
{
    char hex[65], entry[200];
    size_t size;
    char *bytes = read_member(file, &size), *voucher = read_member("attn.json", NULL);
    heed_sha256(hex, bytes, size);
    snprintf(entry, sizeof entry, "\"%s\": \"", file);
    char *at = strstr(voucher, entry);
    assert_non_null(at);
    memcpy(at + strlen(entry), hex, 64);
    write_member("attn.json", voucher, strlen(voucher));
    free(bytes);
    free(voucher);
}

/* --- there and back -------------------------------------------------------------------------------------------------------------------- */

static char *answer(const heed_model *m)
{
    static const heed_item items[] = {{.text = "abc de"}, {.text = "q", .target = "A Z B"}, {.text = "eeaab"}};
    heed_buf out = {0};
    heed_session *s = heed_session_new(m, &(heed_session_options){.threads = 1}, NULL);
    heed_reply *r = heed_session_run(s, &(heed_request){.items = items, .count = 3, .weights = true}, NULL);
    for (int i = 0; i < 3; i++) {
        char *json = heed_reply_json(r, i, i, true, NULL);
        const heed_output *o = heed_reply_at(r, i);
        heed_buf_text(&out, json);
        heed_buf_printf(&out, "%a\n", o->score);
        for (int64_t k = 0; o->weights && k < o->count * o->source_count; k++) heed_buf_printf(&out, "%a ", (double)o->weights[k]);
        heed_free(json);
    }
    heed_reply_free(r);
    heed_session_free(s);
    return heed_buf_take(&out);
}

static void test_model__answers_the_same_after_save_and_open(void **state)
{
    (void)state;
    static const tiny kinds[] = {
        {0},
        {.cell = "lstm", .layers = 2, .tie = "output", .order = "order: luong, input_feeding: true", .attention = "{score: cosine, align: causal}"},
        {.decoder_cell = "lstm", .directions = 1, .attention = "{score: none, vector: every_step}", .source_units = "symbols", .target_units = "characters"},
    };
    for (int i = 0; i < 3; i++) {
        heed_error err;
        heed_model *m = tiny_build(&kinds[i]);
        char name[20], *before = answer(m);
        snprintf(name, sizeof name, "kind-%d", i);
        const char *dir = tiny_save(m, name);
        heed_model *again = heed_model_open(dir, NULL, &err);
        if (!again) fail_msg("%s", err.text);
        char *after = answer(again);
        assert_string_equal(before, after);
        char *text = heed_model_describe(again, false, NULL), *json = heed_model_describe(again, true, NULL);
        assert_non_null(strstr(text, "parameters"));
        assert_non_null(strstr(json, "\"provenance\":{"));
        heed_free(text);
        heed_free(json);
        heed_model_close(again);
        free(before);
        free(after);
    }
}

static void test_model__a_shared_embedding_is_saved_once(void **state)
{
    (void)state;
    heed_model *m = tiny_build(&(tiny){.tie = "output"});
    assert_null(heed_params_find(m->params, "head.weight"));
    assert_ptr_equal(m->head.weight, heed_params_find(m->params, "decoder.embedding"));
    assert_non_null(heed_params_find(m->params, "head.project.weight"));
    heed_model_free(m);
}

static void test_model__saving_twice_writes_the_same_bytes(void **state)
{
    (void)state;
    heed_error err;
    fresh();
    heed_model *m = heed_model_load(scratch_path("m"), NULL, 0, &err);
    const char *const training[] = {"updates", "8000", NULL};
    assert_int_equal(heed_model_save(m, scratch_path("copy"), HEED_F32, training, &err), HEED_OK);
    for (int i = 1; i < MEMBERS; i++) {
        size_t one, two;
        char *a = read_member(members[i], &one), *b = scratch_read(in("copy", members[i]), &two);
        assert_true(one == two);
        assert_memory_equal(a, b, one);
        free(a);
        free(b);
    }
    char *voucher = scratch_read(in("copy", "attn.json"), NULL);
    assert_non_null(strstr(voucher, "\"updates\": \"8000\""));
    free(voucher);
    heed_model_close(m);
}

static void test_model__a_place_that_cannot_be_written_is_said(void **state)
{
    (void)state;
    heed_error err;
    scratch_text("file", "x");
    heed_model *m = tiny_build(&(tiny){0});
    assert_int_equal(heed_model_save(m, scratch_path("file/model"), HEED_F32, NULL, &err), HEED_E_IO);
    assert_non_null(strstr(err.text, "file"));
    heed_model_free(m);
}

/* --- the look that was chosen --------------------------------------------------------------------------------------------------------------- */

static heed_model *open_looker(void)
{
    heed_error err;
    heed_model *m = heed_model_load(scratch_path("m"), NULL, 0, &err);
    if (!m) fail_msg("%s", err.text);
    return m;
}

static void looks(int layer, int head, int shift, double threshold)
{
    heed_model *m = open_looker();
    const heed_look look = heed_model_look(m);
    assert_int_equal(look.layer, layer);
    assert_int_equal(look.head, head);
    assert_int_equal(look.shift, shift);
    assert_true(look.threshold == threshold);
    heed_model_close(m);
}

static void choose(heed_look look)
{
    heed_error err;
    heed_model *m = open_looker();
    if (heed_look_store(m, scratch_path("m"), &look, &err)) fail_msg("%s", err.text);
    heed_model_close(m);
}

static void make_looker(void)
{
    heed_dir_remove(scratch_path("m"), NULL);
    tiny_save(tiny_build(&(tiny){.layers = 2, .attention = "{score: scaled}", .encoder = "type: transformer, heads: 2", .decoder = "type: transformer, heads: 3"}), "m");
}

static void test_look__is_the_mean_of_the_last_layer_until_one_is_chosen(void **state)
{
    (void)state;
    make_looker();
    looks(1, -1, 0, 0);
    choose((heed_look){.layer = 0, .head = 2, .shift = 1, .threshold = 0.25});
    looks(0, 2, 1, 0.25);
    heed_model *m = open_looker();
    assert_int_equal(heed_model_save(m, scratch_path("m"), HEED_F32, NULL, NULL), HEED_OK);   /* a choice outlives saving */
    heed_model_close(m);
    looks(0, 2, 1, 0.25);
    choose((heed_look){.layer = -1, .head = -1});
    looks(1, -1, 0, 0);
}

static void knows_empty_word(bool expected)
{
    heed_model *m = open_looker();
    assert_int_equal(heed_model_look(m).empty, expected);
    heed_model_close(m);
}

static void test_look__knows_the_empty_word_where_that_is_said(void **state)
{
    (void)state;
    make_looker();
    replace("attn.json", "\"provenance\"", "\"alignment\": {\"layer\": 0, \"head\": 0, \"shift\": 0, \"threshold\": 0}, \"provenance\"");
    knows_empty_word(false);   /* as it was written before there was one */
    choose((heed_look){.layer = 1, .head = 0, .empty = true});
    knows_empty_word(true);
    looks(1, 0, 0, 0);
    replace("attn.json", "\"empty\": true", "\"empty\": 1");
    refused("attn.json", "\"empty\" of \"alignment\" is neither true nor false");
}

/* Directories of before say layer 0, head 0 though nobody chose them. */
static void test_look__without_a_shift_is_no_choice(void **state)
{
    (void)state;
    make_looker();
    replace("attn.json", "\"provenance\"", "\"alignment\": {\"layer\": 0, \"head\": 0}, \"provenance\"");
    looks(1, -1, 0, 0);
}

static void test_look__at_what_the_model_lacks_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"\"layer\": 2, \"head\": 0, \"shift\": 0",  "\"layer\": 0, \"head\": 3, \"shift\": 0", "\"layer\": \"mean\", \"head\": 0, \"shift\": 0",
                                        "\"layer\": 0, \"head\": -1, \"shift\": 0", "\"layer\": 0, \"head\": 0, \"shift\": 2", "\"head\": 0, \"shift\": 0",
                                        "\"layer\": 0, \"head\": 0, \"shift\": 0, \"threshold\": 2"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[200];
        make_looker();
        snprintf(text, sizeof text, "\"alignment\": {%s}, \"provenance\"", wrong[i]);
        replace("attn.json", "\"provenance\"", text);
        refused("attn.json", "names no layer and head of this model's 2 x 3");
    }
    make_looker();
    heed_error err;
    heed_model *m = open_looker();
    assert_int_equal(heed_look_store(m, scratch_path("m"), &(heed_look){.layer = 2}, &err), HEED_E_USAGE);
    heed_model_close(m);
}

/* --- damage ----------------------------------------------------------------------------------------------------------------------------- */

static void test_missing__file_is_named(void **state)
{
    (void)state;
    for (int i = 0; i < MEMBERS; i++) {
        fresh();
        assert_int_equal(unlink(scratch_path(in("m", members[i]))), 0);
        refused(members[i], "cannot be read: No such file");
    }
    heed_dir_remove(scratch_path("m"), NULL);
    refused("/m", "no such model directory");
    heed_error err;
    assert_null(heed_model_open("", NULL, &err));
    assert_int_equal(err.status, HEED_E_USAGE);
}

/* At every eighth of its length, and at nothing. */
static void test_cut_off__file_is_named(void **state)
{
    (void)state;
    fresh();
    for (int i = 0; i < MEMBERS; i++) {
        size_t size;
        char *bytes = read_member(members[i], &size);
        for (size_t k = 0; k < 8; k++) {
            write_member(members[i], bytes, size * k / 8);
            refused(members[i], "");
        }
        write_member(members[i], bytes, size);
        free(bytes);
    }
    heed_model *m = heed_model_open(scratch_path("m"), NULL, NULL);
    assert_non_null(m);
    heed_model_close(m);
}

/* One bit of each file, at places spread over it: either its reader or its sum notices. */
static void test_altered__file_is_noticed_whatever_the_bit(void **state)
{
    (void)state;
    fresh();
    for (int i = 1; i < MEMBERS; i++) {
        size_t size;
        char *bytes = read_member(members[i], &size);
        for (size_t k = 0; k < 40; k++) {
            const size_t at = size * k / 40;
            bytes[at] ^= (char)(1 << k % 8);
            write_member(members[i], bytes, size);
            heed_error err = {0};
            assert_null(heed_model_open(scratch_path("m"), NULL, &err));
            assert_int_equal(err.status, HEED_E_MODEL);
            bytes[at] ^= (char)(1 << k % 8);
        }
        write_member(members[i], bytes, size);
        free(bytes);
    }
}

static void test_altered__weight_is_told_by_its_sum(void **state)
{
    (void)state;
    fresh();
    size_t size;
    char *bytes = read_member("model.safetensors", &size);
    const float one = 1;
    memcpy(bytes + size - 4, &one, sizeof one);
    write_member("model.safetensors", bytes, size);
    refused("model.safetensors", "sha256");
    vouch("model.safetensors");
    heed_model *m = heed_model_open(scratch_path("m"), NULL, NULL);
    assert_non_null(m);
    heed_model_close(m);
    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        memcpy(bytes + size - 4, &bad[i], sizeof bad[i]);
        write_member("model.safetensors", bytes, size);
        vouch("model.safetensors");
        refused("model.safetensors", "holds NaN or infinity");
    }
    free(bytes);
}

static void test_newer__format_is_said(void **state)
{
    (void)state;
    static const char *const files[] = {"attn.json", "config.json", "source.vocab.json", "recipe.yaml"};
    for (int i = 0; i < 4; i++) {
        fresh();
        if (i < 3) replace(files[i], "\"format\": 1", "\"format\": 9");
        else replace(files[i], "version: 1", "version: 2");
        if (i) vouch(files[i]);
        refused(files[i], i < 3 ? "newer" : "version");
    }
    fresh();
    replace("attn.json", "\"format\": 1", "\"format\": \"one\"");
    refused("attn.json", "\"format\"");
    fresh();
    write_member("attn.json", "[]", 2);
    refused("attn.json", "is this a model of heed?");
}

/* --- parts of two models ------------------------------------------------------------------------------------------------------------------ */

static void test_open__one_task(void **state)
{
    (void)state;
    fresh();
    replace("config.json", "\"transduce\"", "\"summarise\"");
    vouch("config.json");
    refused("recipe.yaml", "its task is \"transduce\", that of config.json is \"summarise\"");
}

static void test_vocabulary__that_does_not_fit_the_weights_is_refused(void **state)
{
    (void)state;
    fresh();
    replace("target.vocab.json", "\"E\"", "\"E\", \"F\"");
    vouch("target.vocab.json");
    refused("model.safetensors", "tensor \"decoder.embedding\" is [8,5], config.json and the vocabularies make it [9,5]");
    fresh();
    replace("source.vocab.json", "\"a\",", "");
    vouch("source.vocab.json");
    refused("model.safetensors", "tensor \"encoder.embedding\"");
}

static void test_vocabulary__of_other_units_is_refused(void **state)
{
    (void)state;
    fresh();
    replace("target.vocab.json", "\"symbols\"", "\"characters\"");
    vouch("target.vocab.json");
    refused("target.vocab.json", "config.json");
    fresh();
    replace("source.vocab.json", "\"lower\": false", "\"lower\": true");
    vouch("source.vocab.json");
    refused("source.vocab.json", "config.json");
}

static void test_settings__that_do_not_fit_the_weights_are_refused(void **state)
{
    (void)state;
    fresh();
    replace("config.json", "\"layers\": 1", "\"layers\": 2");
    vouch("config.json");
    refused("model.safetensors", "tensors, config.json makes");
    fresh();
    replace("config.json", "\"width\": 6", "\"width\": 7");
    vouch("config.json");
    refused("model.safetensors", "make it [28,");
}

/* Shapes are compared before any memory is asked for: this one would take terabytes. */
static void test_settings__of_any_size_cost_nothing_before_they_fit(void **state)
{
    (void)state;
    fresh();
    replace("config.json", "\"width\": 6", "\"width\": 65536");
    replace("config.json", "\"width\": 12", "\"width\": 65536");
    vouch("config.json");
    refused("model.safetensors", "65536");
}

static void test_settings__that_a_score_cannot_use_are_refused(void **state)
{
    (void)state;
    fresh();
    replace("config.json", "\"additive\"", "\"dot\"");
    replace("config.json", "\"width\": 12", "\"width\": 13");
    vouch("config.json");
    heed_error err = {0};
    assert_null(heed_model_open(scratch_path("m"), NULL, &err));
    assert_int_equal(err.status, HEED_E_MODEL);
    assert_non_null(strstr(err.text, "score dot compares equal widths"));
}

static void test_task__that_is_unknown_is_refused_by_the_session(void **state)
{
    (void)state;
    heed_error err = {0};
    heed_model *m = tiny_build(&(tiny){.data = "task: sing\ndata: {train: none.tsv}"});
    assert_null(heed_session_new(m, NULL, &err));
    assert_int_equal(err.status, HEED_E_MODEL);
    assert_non_null(strstr(err.text, "\"sing\""));
    heed_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model__answers_the_same_after_save_and_open),
        cmocka_unit_test(test_model__a_shared_embedding_is_saved_once),
        cmocka_unit_test(test_model__saving_twice_writes_the_same_bytes),
        cmocka_unit_test(test_model__a_place_that_cannot_be_written_is_said),
        cmocka_unit_test(test_look__is_the_mean_of_the_last_layer_until_one_is_chosen),
        cmocka_unit_test(test_look__knows_the_empty_word_where_that_is_said),
        cmocka_unit_test(test_look__without_a_shift_is_no_choice),
        cmocka_unit_test(test_look__at_what_the_model_lacks_is_refused),
        cmocka_unit_test(test_missing__file_is_named),
        cmocka_unit_test(test_cut_off__file_is_named),
        cmocka_unit_test(test_altered__file_is_noticed_whatever_the_bit),
        cmocka_unit_test(test_altered__weight_is_told_by_its_sum),
        cmocka_unit_test(test_newer__format_is_said),
        cmocka_unit_test(test_open__one_task),
        cmocka_unit_test(test_vocabulary__that_does_not_fit_the_weights_is_refused),
        cmocka_unit_test(test_vocabulary__of_other_units_is_refused),
        cmocka_unit_test(test_settings__that_do_not_fit_the_weights_are_refused),
        cmocka_unit_test(test_settings__of_any_size_cost_nothing_before_they_fit),
        cmocka_unit_test(test_settings__that_a_score_cannot_use_are_refused),
        cmocka_unit_test(test_task__that_is_unknown_is_refused_by_the_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
