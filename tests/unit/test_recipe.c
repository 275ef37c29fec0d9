/* recipe: what is read, each row of its table, assignments, files, and that a resolved recipe parses to itself. */
#include "unit/recipes.h"

#include "base/file.h"
#include "heed/ops.h"

#include <locale.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- what is read ------------------------------------------------------------------------------------------------------------------ */
static void test_recipe__defaults_hold_where_nothing_is_said(void **state)
{
    (void)state;
    heed_recipe r = parsed(DATA);
    assert_string_equal(r.task, "transduce");
    assert_string_equal(r.path, "r.yaml");
    assert_int_equal(r.train.sentences, 128);
    assert_int_equal(r.train.tokens, 0);
    assert_int_equal(r.train.epochs, 10);
    assert_true(r.train.optimizer.rate == 1e-3 && r.train.optimizer.beta1 == 0.9 && r.train.optimizer.beta2 == 0.999);
    assert_true(r.train.validate.by_epoch);
    assert_string_equal(r.train.validate.metric, "loss");
    assert_true(r.decode.max_ratio == 2 && r.decode.max_extra == 50 && r.decode.beam == 1);
    assert_int_equal(r.model.encoder.directions, 2);
    assert_int_equal(r.data.tests, 0);
    heed_recipe_free(&r);
}

static void test_recipe__every_section_is_read(void **state)
{
    (void)state;
    heed_recipe r = parsed("task: transduce\n"
                           "data:\n"
                           "  root: sets/no\n"
                           "  train: pairs.tsv   # one TSV\n"
                           "  valid: [v.de.gz, v.en.gz]\n"
                           "  test: {2016: [t.de, t.en], no: t.tsv}\n"
                           "  invalid_utf8: skip\n"
                           "text:\n"
                           "  source: {units: symbols, min_count: 2, lower: true}\n"
                           "  target: {units: characters, size: 100, nfkc: true}\n"
                           "model:\n"
                           "  encoder: {cell: lstm, layers: 2, directions: 1, embed: 8, width: 16, dropout: .25}\n"
                           "  attention: {score: concat, align: window, window: 3}\n"
                           "  decoder: {order: luong, input_feeding: true, width: 32}\n"
                           "  tie: output\n"
                           "train:\n"
                           "  batch: {tokens: 4096}\n"
                           "  updates: 500\n"
                           "  optimizer: {type: adamw, rate: 2e-3, betas: [0.8, 0.99], eps: 1e-9}\n"
                           "  schedule: {type: cosine, warmup: 10, to: 0.05}\n"
                           "  validate: {every: 250, metric: bleu}\n"
                           "  seed: 18446744073709551615\n"
                           "decode: {max_length: [1.5, 3]}\n");
    assert_string_equal(r.data.root, "sets/no");
    assert_int_equal(r.data.train.count, 1);
    assert_string_equal(r.data.valid.path[1], "v.en.gz");
    assert_int_equal(r.data.tests, 2);
    assert_string_equal(r.data.test[0].name, "2016");
    assert_string_equal(r.data.test[1].name, "no");
    assert_int_equal(r.data.test[1].files.count, 1);
    assert_int_equal(r.data.invalid_utf8, HEED_INVALID_SKIP);
    assert_true(r.text.source.units == HEED_UNIT_symbols && r.text.source.lower && !r.text.target.lower && r.text.target.nfkc);
    assert_true(r.model.encoder.cell == HEED_CELL_lstm && r.model.encoder.dropout == 0.25 && r.model.encoder.layers == 2);
    assert_int_equal(r.model.attention.align, HEED_ALIGN_window);
    assert_true(r.model.decoder.order == HEED_ORDER_LUONG && r.model.decoder.input_feeding && r.model.tie == HEED_TIE_OUTPUT);
    assert_true(r.train.tokens == 4096 && r.train.sentences == 0);
    assert_true(r.train.updates == 500 && r.train.epochs == 0);
    assert_true(r.train.optimizer.type == HEED_OPTIMIZER_ADAMW && r.train.optimizer.rate == 2e-3 && r.train.optimizer.beta1 == 0.8);
    assert_true(r.train.schedule.type == HEED_SCHEDULE_COSINE && r.train.schedule.warmup_updates == 10 && r.train.schedule.to == 0.05);
    assert_true(!r.train.validate.by_epoch && r.train.validate.every == 250);
    assert_true(r.train.seed == UINT64_MAX);
    assert_true(r.decode.max_ratio == 1.5 && r.decode.max_extra == 3);
    parses_to_itself(&r);
    heed_recipe_free(&r);
}

static void test_recipe__attention_none_may_be_one_word(void **state)
{
    (void)state;
    heed_recipe r = parsed(DATA "model: {attention: none}\n");
    assert_int_equal(r.model.attention.score, HEED_ATTENTION_NONE);
    heed_recipe_free(&r);
    r = parsed(DATA "model: {attention: {score: none, vector: every_step}}\n");
    assert_int_equal(r.model.attention.score, HEED_ATTENTION_NONE);
    assert_int_equal(r.model.attention.vector, HEED_VECTOR_EVERY_STEP);
    heed_recipe_free(&r);
}

static void test_recipe__text_settings_stand_for_both_sides(void **state)
{
    (void)state;
    heed_recipe r = parsed(DATA "text: {units: symbols, lower: true, target: {min_count: 3}}\n");
    assert_true(r.text.source.units == HEED_UNIT_symbols && r.text.target.units == HEED_UNIT_symbols);
    assert_true(r.text.source.lower && r.text.target.lower);
    assert_true(r.text.source.min_count == 1 && r.text.target.min_count == 3);
    heed_recipe_free(&r);
}

static void accepts_choice(const char *key, const char *name, int64_t (*value)(const heed_recipe *r), int64_t expected)
{
    char assignment[128];
    snprintf(assignment, sizeof assignment, "%s=%s", key, name);
    heed_recipe r = parsed(DATA "model: {attention: {align: window, window: 3}}\n");
    set(&r, assignment);
    if (value(&r) != expected) fail_msg("%s gives %lld, expected %lld", assignment, (long long)value(&r), (long long)expected);
    parses_to_itself(&r);
    heed_recipe_free(&r);
}

static int64_t score_of(const heed_recipe *r) { return r->model.attention.score; }
static int64_t align_of(const heed_recipe *r) { return r->model.attention.align; }
static int64_t encoder_of(const heed_recipe *r) { return r->model.encoder.type; }
static int64_t decoder_of(const heed_recipe *r) { return r->model.decoder.type; }
static int64_t cell_of(const heed_recipe *r) { return r->model.decoder.cell; }
static int64_t unit_of(const heed_recipe *r) { return r->text.target.units; }

static void test_recipe__each_row_of_a_table_is_a_choice(void **state)
{
    (void)state;
    int64_t place = 1;
#define HEED_SCORE(name, ...) accepts_choice("model.attention.score", #name, score_of, place++);
#include "attn/scores.def"
#undef HEED_SCORE
    assert_true(place > 5);
#define HEED_ALIGN(name, ...) accepts_choice("model.attention.align", #name, align_of, HEED_ALIGN_##name);
#include "heed/aligns.def"
#undef HEED_ALIGN
#define HEED_ENCODER(name, ...) accepts_choice("model.encoder.type", #name, encoder_of, HEED_ENCODER_##name);
#include "model/encoders.def"
#undef HEED_ENCODER
#define HEED_DECODER(name, ...) accepts_choice("model.decoder.type", #name, decoder_of, HEED_DECODER_##name);
#include "model/decoders.def"
#undef HEED_DECODER
#define HEED_CELL(name, ...) accepts_choice("model.decoder.cell", #name, cell_of, HEED_CELL_##name);
#include "model/cells.def"
#undef HEED_CELL
#define HEED_UNIT(name, ...) \
    if (HEED_UNIT_##name != HEED_UNIT_pieces) accepts_choice("text.units", #name, unit_of, HEED_UNIT_##name);
#include "data/units.def"
#undef HEED_UNIT
    heed_recipe pieces = parsed(DATA "text: {units: pieces, size: 500, source: {kind: unigram}}\n");
    assert_true(pieces.text.target.units == HEED_UNIT_pieces && pieces.text.target.kind == HEED_PIECES_BPE && pieces.text.source.kind == HEED_PIECES_UNIGRAM);
    heed_recipe_free(&pieces);
    accepts_choice("model.attention.align", "softmax", align_of, HEED_ALIGN_everything);
}

/* --- every row of the table ---------------------------------------------------------------------------------------------------------- */
static const char *const keys[][2] = {
#define HEED_KEY(name, alias, kind, field, range, standard, ...) {name, standard},
#include "model/keys.def"
#undef HEED_KEY
};
enum { KEYS = sizeof keys / sizeof *keys };

static void test_recipe__each_key_takes_its_default(void **state)
{
    (void)state;
    for (int i = 0; i < KEYS; i++) {
        char assignment[256];
        snprintf(assignment, sizeof assignment, "%s=%s", keys[i][0], keys[i][1]);
        heed_recipe r = parsed(DATA);
        set(&r, assignment);
        heed_recipe_free(&r);
    }
}

static void test_recipe__each_key_refuses_a_value_of_another_type(void **state)
{
    (void)state;
    for (int i = 0; i < KEYS; i++) {
        char assignment[128], expected[300];
        heed_error err = {0};
        heed_recipe r = parsed(DATA);
        snprintf(assignment, sizeof assignment, "%s=[[x]]", keys[i][0]);
        snprintf(expected, sizeof expected, "--set \"%s\": %s: expected ", assignment, keys[i][0]);
        assert_int_equal(heed_recipe_set(&r, assignment, &err), HEED_E_USAGE);
        err.text[strlen(expected)] = 0;
        assert_string_equal(err.text, expected);
        heed_recipe_free(&r);
    }
}

static void test_recipe__the_description_has_a_row_for_each_key(void **state)
{
    (void)state;
    heed_buf text = {0};
    heed_recipe_describe(&text);
    for (int i = 0; i < KEYS; i++) {
        char cell[128];
        snprintf(cell, sizeof cell, "\n| `%s` | ", keys[i][0]);
        assert_non_null(strstr(text.data, cell));
    }
    assert_non_null(strstr(text.data, "| `train.optimizer.rate` | number | 0 to 100 | `0.001` | learning rate (short: `train.rate`) |"));
    heed_buf_free(&text);
}

/* --- assignments ---------------------------------------------------------------------------------------------------------------------- */
static void test_set__assigns_after_the_file(void **state)
{
    (void)state;
    heed_recipe r = parsed(DATA "train: {batch: {sentences: 32}, epochs: 3}\n");
    set(&r, "train.rate=5e-4");
    set(&r, "data.train=[c.txt, d.txt.gz]");
    set(&r, "train.batch={tokens: 1000}");
    set(&r, "train.updates=7");
    set(&r, "data.root=a path/with spaces");
    assert_true(r.train.optimizer.rate == 5e-4);
    assert_string_equal(r.data.train.path[1], "d.txt.gz");
    assert_true(r.train.tokens == 1000 && r.train.sentences == 0);
    assert_true(r.train.updates == 7 && r.train.epochs == 3);   /* both were asked for: the first reached ends it */
    assert_string_equal(r.data.root, "a path/with spaces");
    set(&r, "data.root=");
    assert_string_equal(r.data.root, "");
    heed_recipe_free(&r);
}

/* --- writing, differences ----------------------------------------------------------------------------------------------------------------- */
static void test_write__a_resolved_recipe_parses_to_itself(void **state)
{
    (void)state;
    heed_recipe r = parsed("data: {train: [\"a\\tb \\\"c\\\" \\\\ \\u2028\\u0085\\u00a0\\ufeff\\x7f\", '- x', '---', 'B\xC3\xBC" "cher #1'], root: \"\\U0001F600\"}\n"
                           "train: {rate: 0.1234567890123456789, clip: 123456.789, optimizer: {eps: 1e-30}}\n");
    parses_to_itself(&r);
    assert_string_equal(r.data.train.path[1], "- x");
    heed_recipe_free(&r);
    r = parsed(DATA);
    parses_to_itself(&r);
    heed_recipe_free(&r);
}

static void test_differ__names_keys_and_both_values(void **state)
{
    (void)state;
    heed_recipe was = parsed(DATA), now = parsed(DATA "train: {rate: 2e-3, validate: {every: 5}}\n");
    heed_buf text = {0};
    assert_int_equal(heed_recipe_differ(&was, &now, &text), 2);
    assert_string_equal(text.data, "train.optimizer.rate: 0.002, was 0.001\ntrain.validate.every: 5, was epoch\n");
    heed_buf_reset(&text);
    assert_int_equal(heed_recipe_differ(&was, &was, &text), 0);
    heed_buf_free(&text);
    heed_recipe_free(&was);
    heed_recipe_free(&now);
}

/* --- files ------------------------------------------------------------------------------------------------------------------------------------ */
typedef struct place { char dir[256], recipe[300]; } place;

static void put(const place *p, const char *name, const char *text)
{
    char path[512];
    heed_error err = {0};
    snprintf(path, sizeof path, "%s/%s", p->dir, name);
    if (heed_file_replace(path, text, strlen(text), &err)) fail_msg("%s", err.text);
}

static int make_place(void **state)
{
    static place p;
    heed_error err = {0};
    char path[512];
    const char *tmp = getenv("TMPDIR");
    snprintf(p.dir, sizeof p.dir, "%s/heed-recipe-XXXXXX", tmp && strlen(tmp) < 150 ? tmp : "/tmp");
    if (!mkdtemp(p.dir)) return -1;
    snprintf(p.recipe, sizeof p.recipe, "%s/r.yaml", p.dir);
    static const char *const dirs[] = {"root", "data/root", "data/away"};
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
        snprintf(path, sizeof path, "%s/%s", p.dir, dirs[i]);
        if (heed_dir_make(path, &err)) return -1;
    }
    *state = &p;
    return 0;
}

static int remove_place(void **state)
{
    const place *p = *state;
    return heed_dir_remove(p->dir, NULL) ? -1 : 0;
}

/* A locale with a decimal comma: an installed one, or one made on the spot. */
static bool take_comma_locale(const place *p)
{
    char command[512];
    if (setlocale(LC_NUMERIC, "de_DE.UTF-8") || setlocale(LC_NUMERIC, "fr_FR.UTF-8")) return true;
    snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 '%s/de_DE.UTF-8' >/dev/null 2>&1", p->dir);
    return system(command) == 0 && setenv("LOCPATH", p->dir, 1) == 0 && setlocale(LC_NUMERIC, "de_DE.UTF-8");
}

static void test_write__no_locale_changes_a_number(void **state)
{
    if (!take_comma_locale(*state)) {
        print_message("left out: no locale with a decimal comma; install the package locales\n");
        skip();
    }
    heed_recipe r = parsed(DATA "train: {rate: 0.25}\n");
    assert_true(r.train.optimizer.rate == 0.25);
    char *text = written(&r);
    setlocale(LC_NUMERIC, "C");
    assert_non_null(strstr(text, "    rate: 0.25\n"));
    free(text);
    heed_recipe_free(&r);
}

static void test_open__reads_the_file_then_the_assignments(void **state)
{
    const place *p = *state;
    put(p, "r.yaml", "train: {epochs: 4}\n");
    const char *const sets[] = {"data.train=x.tsv", "train.rate=0.5"};
    heed_recipe r = {0};
    heed_error err = {0};
    if (heed_recipe_open(&r, p->recipe, sets, 2, &err)) fail_msg("%s", err.text);
    assert_true(r.train.epochs == 4 && r.train.optimizer.rate == 0.5 && r.data.train.count == 1);
    assert_string_equal(r.path, p->recipe);
    heed_recipe_free(&r);
}

static void test_open__a_missing_recipe_is_a_usage_error(void **state)
{
    const place *p = *state;
    heed_recipe r = {0};
    heed_error err = {0};
    char path[512];
    snprintf(path, sizeof path, "%s/none.yaml", p->dir);
    assert_int_equal(heed_recipe_open(&r, path, NULL, 0, &err), HEED_E_USAGE);
    assert_non_null(strstr(err.text, path));
    heed_recipe_free(&r);
}

static void finds(const place *p, const heed_recipe *r, const char *file, const char *expected)
{
    char out[1024], data[300], wanted[1024];
    heed_error err = {0};
    snprintf(data, sizeof data, "%s/data", p->dir);
    snprintf(wanted, sizeof wanted, "%s/%s", p->dir, expected);
    if (heed_recipe_find(r, file, data, out, sizeof out, &err)) fail_msg("%s", err.text);
    assert_string_equal(out, wanted);
}

static void test_find__beside_the_recipe_then_root_then_the_data_directory(void **state)
{
    const place *p = *state;
    put(p, "r.yaml", "data: {root: root, train: a.txt}\n");
    put(p, "a.txt", "");
    put(p, "root/a.txt", "");
    put(p, "root/b.txt", "");
    put(p, "data/root/b.txt", "");
    put(p, "data/root/c.txt", "");
    heed_recipe r = {0};
    heed_error err = {0};
    if (heed_recipe_open(&r, p->recipe, NULL, 0, &err)) fail_msg("%s", err.text);
    finds(p, &r, "a.txt", "a.txt");
    finds(p, &r, "b.txt", "root/b.txt");
    finds(p, &r, "c.txt", "data/root/c.txt");
    char out[1024], absolute[512];
    snprintf(absolute, sizeof absolute, "%s/root/b.txt", p->dir);
    assert_int_equal(heed_recipe_find(&r, absolute, NULL, out, sizeof out, &err), HEED_OK);
    assert_string_equal(out, absolute);
    assert_int_equal(heed_recipe_find(&r, "d.txt", NULL, out, sizeof out, &err), HEED_E_DATA);
    char expected[1000];
    snprintf(expected, sizeof expected, "data file \"d.txt\" not found; looked at %s/d.txt, %s/root/d.txt, root/d.txt; set data.root or HEED_DATA", p->dir, p->dir);
    assert_string_equal(err.text, expected);
    heed_recipe_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recipe__defaults_hold_where_nothing_is_said),
        cmocka_unit_test(test_recipe__every_section_is_read),
        cmocka_unit_test(test_recipe__attention_none_may_be_one_word),
        cmocka_unit_test(test_recipe__text_settings_stand_for_both_sides),
        cmocka_unit_test(test_recipe__each_row_of_a_table_is_a_choice),
        cmocka_unit_test(test_recipe__each_key_takes_its_default),
        cmocka_unit_test(test_recipe__each_key_refuses_a_value_of_another_type),
        cmocka_unit_test(test_recipe__the_description_has_a_row_for_each_key),
        cmocka_unit_test(test_set__assigns_after_the_file),
        cmocka_unit_test(test_write__a_resolved_recipe_parses_to_itself),
        cmocka_unit_test(test_differ__names_keys_and_both_values),
        cmocka_unit_test_setup_teardown(test_write__no_locale_changes_a_number, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_open__reads_the_file_then_the_assignments, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_open__a_missing_recipe_is_a_usage_error, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_find__beside_the_recipe_then_root_then_the_data_directory, make_place, remove_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
