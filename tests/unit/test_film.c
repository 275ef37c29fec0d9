/* Films: which sentences are taken, what is read back, how weights settle, and what must hold of the pictures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "explain/film.h"
#include "explain/label.h"
#include "heed.h"
#include "support/scratch.h"
#include "support/tiny.h"
#include "support/xml.h"
#include "train/film.h"

/* --- which sentences ------------------------------------------------------------------------------------------------------------------------- */

static heed_model *model;

static void chosen_are(const char *text, const heed_model *m, const int64_t *lines, int count)
{
    heed_reel r = {.count = 0};
    heed_error err = {0};
    const char *path = scratch_text("valid.tsv", text);
    if (heed_reel_choose(&r, m, &path, 1, &err)) fail_msg("%s", err.text);
    assert_int_equal(r.count, count);
    for (int i = 0; i < count; i++) {
        if (r.sentence[i].line != lines[i]) fail_msg("sentence %d is line %lld, expected %lld", i, (long long)r.sentence[i].line, (long long)lines[i]);
        assert_true(strlen(r.sentence[i].source) > 0 && strlen(r.sentence[i].target) > 0);
    }
    heed_reel_free(&r);
}

static void test_choice__is_the_first_five_of_middling_length(void **state)
{
    (void)state;
    chosen_are("ab\tA\nabcde\tA B C D E\nabcdea\tA B C D E\nabcdeab\tA\nabcdeabc\tA A A A A\naaaaa\tA A A A A\nbbbbb\tA A A A A\nccccc\tA A A A A\n", model,
               (const int64_t[]){2, 3, 5, 6, 7}, 5);
}

static void test_choice__takes_the_nearest_where_these_are_too_few_and_no_source_twice(void **state)
{
    (void)state;
    heed_buf text = {0};
    heed_buf_text(&text, "a\tA\nab\tA B\nab\tB A\nabc\tA B C\nabcd\tA B C D\n");      /* 4, 3, 3 again, 2 and 1 short */
    for (int i = 0; i < 25; i++) heed_buf_char(&text, 'a');
    heed_buf_text(&text, "\tA B C D E\n");                                               /* 5 too long */
    for (int i = 0; i < 61; i++) heed_buf_char(&text, 'a');
    heed_buf_text(&text, "\tA B C D E\nabcde\tA B C D E\n");                            /* never; right */
    chosen_are(text.data, model, (const int64_t[]){1, 2, 4, 5, 8}, 5);
    chosen_are("a\tA\n", model, (const int64_t[]){1}, 1);
    heed_buf_free(&text);
}

static void test_choice__is_none_without_attention(void **state)
{
    (void)state;
    heed_model *blind = tiny_build(&(tiny){.attention = "none"});
    chosen_are("abcde\tA B C D E\n", blind, NULL, 0);
    heed_model_free(blind);
}

static void test_choice__says_what_is_wrong_with_the_data(void **state)
{
    (void)state;
    heed_reel r = {.count = 0};
    heed_error err = {0};
    const char *path = scratch_text("valid.tsv", "abcde\tA\nab\xFF\tA\n");
    assert_int_equal(heed_reel_choose(&r, model, &path, 1, &err), HEED_E_DATA);
    assert_non_null(strstr(err.text, "line 2"));
    heed_reel_free(&r);
}

/* --- reading ---------------------------------------------------------------------------------------------------------------------------------- */

enum { TK = 4, TQ = 3 };

/* A frame of two sentences; `settled` of the weight lies on the diagonal, the rest is even. */
static void add_frame(heed_buf *out, int64_t update, double settled)
{
    heed_buf_printf(out, "{\"update\": %lld, \"epoch\": 2", (long long)update);
    if (update) heed_buf_printf(out, ", \"valid_loss\": 1.5, \"metric\": 42.5, \"metric_name\": \"wer\"");
    heed_buf_text(out, ", \"sentences\": [");
    for (int k = 0; k < 2; k++) {
        heed_buf_printf(out, "%s{\"line\": %d, \"source\": \"<s%d>\", \"reference\": \"S & H\", \"output\": \"w\\u001b%lld\", \"read\": [\"<a>\", \"\\u001b[31m\", \"\\u202e\", \"</s>\"], "
                             "\"written\": [\"S\", \"&\", \"</s>\"], \"weights\": [", k ? ", " : "", 3 + k, k, (long long)update);
        for (int i = 0; i < TQ * TK; i++) {
            heed_buf_text(out, i ? "," : "");
            heed_number_short(out, i / TK == i % TK ? settled : (1 - settled) / (TK - 1), 6);
        }
        heed_buf_text(out, "]}");
    }
    heed_buf_text(out, "]}\n");
}

static char *film_of(int frames)
{
    heed_buf b = {0};
    for (int i = 0; i < frames; i++) add_frame(&b, 100 * i, frames > 1 ? 0.25 + 0.5 * i / (frames - 1) : 0.5);
    return heed_buf_take(&b);
}

static heed_status parse(heed_strip *f, const char *text, heed_error *err)
{
    *f = (heed_strip){.path = "film.jsonl"};
    *err = (heed_error){0};
    return heed_film_parse(f, text, strlen(text), err);
}

static void must_parse(heed_strip *f, const char *text)
{
    heed_error err;
    if (parse(f, text, &err)) fail_msg("%s", err.text);
}

static void test_film__frames_shown_lie_evenly_with_the_first_and_the_last(void **state)
{
    (void)state;
    for (int frames = 1; frames < 40; frames++) {
        heed_strip f;
        char *text = film_of(frames);
        must_parse(&f, text);
        assert_int_equal(f.count, frames);
        assert_int_equal(f.shown_count, frames < HEED_FRAMES ? frames : HEED_FRAMES);
        assert_int_equal(f.shown[0], 0);
        assert_int_equal(f.shown[f.shown_count - 1], frames - 1);
        for (int k = 1; k < f.shown_count; k++) {
            const double even = (double)k * (frames - 1) / (f.shown_count - 1);
            assert_true(fabs((double)f.shown[k] - even) <= 0.5);
            assert_true(f.shown[k] > f.shown[k - 1]);
        }
        for (int k = 0; k < f.shown_count; k++) assert_non_null(f.frame[f.shown[k]].shot);
        heed_film_close(&f);
        free(text);
    }
}

/* Weights are written with six digits, and held in single precision. */
static void test_film__entropy_and_share_are_those_of_the_weights(void **state)
{
    (void)state;
    heed_strip f;
    char *text = film_of(3);
    must_parse(&f, text);
    for (int i = 0; i < 3; i++) {
        const double p = 0.25 + 0.25 * i, q = (1 - p) / 3, entropy = -p * log(p) - 3 * q * log(q);
        assert_true(fabs(f.frame[i].spread[0].entropy - entropy) < 1e-4);
        assert_true(fabs(f.frame[i].spread[1].share - p) < 1e-5);
    }
    assert_false(f.frame[0].judged);
    assert_true(f.frame[2].judged && f.frame[2].metric == 42.5 && f.frame[2].update == 200);
    heed_film_close(&f);
    free(text);
}

static void test_film__half_a_line_at_its_end_is_left_alone(void **state)
{
    (void)state;
    heed_strip f;
    heed_buf b = {0};
    add_frame(&b, 0, 0.25);
    add_frame(&b, 100, 0.5);
    const size_t whole = b.size;
    add_frame(&b, 200, 0.75);
    for (size_t size = whole; size < b.size; size += 7) {
        heed_error err;
        f = (heed_strip){.path = "film.jsonl"};
        assert_int_equal(heed_film_parse(&f, b.data, size, &err), HEED_OK);
        assert_int_equal(f.count, 2);
        heed_film_close(&f);
    }
    heed_buf_free(&b);
}

/* Replaces the first `from` after line `line`, from 1. */
static char *broken(int line, const char *from, const char *to)
{
    char *text = film_of(3), *at = text;
    heed_buf out = {0};
    for (int i = 1; i < line; i++) at = strchr(at, '\n') + 1;
    at = strstr(at, from);
    assert_non_null(at);
    heed_buf_add(&out, text, (size_t)(at - text));
    heed_buf_text(&out, to);
    heed_buf_text(&out, at + strlen(from));
    free(text);
    return heed_buf_take(&out);
}

static void test_film__what_is_damaged_is_said_with_its_line(void **state)
{
    (void)state;
    static const struct { int line; const char *from, *to, *said; } rows[] = {
        {2, "{", "", "line 2: not a JSON object"},
        {3, "{\"update\": 200", "{\"update\": -1", "line 3: update or epoch"},
        {2, "\"epoch\": 2", "\"epoch\": \"2\"", "line 2: update or epoch"},
        {2, "\"metric_name\": \"wer\"", "\"metric_name\": 3", "line 2: metric_name"},
        {2, "\"metric_name\": \"wer\"", "\"metric_name\": \"a name that is longer than those of metrics\"", "line 2: metric_name"},
        {2, "\"sentences\": [", "\"sentences\": [], \"x\": [", "line 2: there are no sentences"},
        {1, "\"weights\": [", "\"weights\": [0,", "line 1: there is not one weight"},
        {1, "\"weights\": [0.25", "\"weights\": [-0.25", "line 1: a weight is no number"},
        {1, "\"weights\": [0.25", "\"weights\": [\"0\"", "line 1: a weight is no number"},
        {1, "\"weights\": [0.25", "\"weights\": [1e9", "line 1: a weight is no number"},
        {1, "\"read\": [\"<a>\"", "\"read\": [7", "line 1: a symbol is no text"},
        {1, "\"read\": [\"<a>\"", "\"read\": [\"\\u0000\"", "line 1: "},
        {1, "\"read\": ", "\"red\": ", "line 1: a sentence without symbols"},
        {1, "\"output\": ", "\"out\": ", "line 1: line, source, reference or output"},
        {2, "\"source\": \"<s0>\"", "\"source\": \"<s7>\"", "line 2: its sentences are not those of the last line"},
        {2, "{\"update\": 100", "{\"update\": 0", "line 2: its update is not after"},
        {3, "{\"update\": 200", "{\"update\": 100", "line 3: its update is not after"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        heed_strip f;
        heed_error err;
        char *text = broken(rows[i].line, rows[i].from, rows[i].to);
        const heed_status status = parse(&f, text, &err);
        if (status != HEED_E_MODEL || !strstr(err.text, rows[i].said)) fail_msg("row %zu: status %d, no \"%s\" in: %s", i, (int)status, rows[i].said, err.text);
        heed_film_close(&f);
        free(text);
    }
}

/* --- what there is to open ---------------------------------------------------------------------------------------------------------------------- */

static void refused(const char *dir, const heed_film_options *o, heed_status status, const char *said)
{
    heed_error err = {0};
    char *text = heed_film(dir, o, &err);
    assert_null(text);
    if (err.status != status || !strstr(err.text, said)) fail_msg("status %d, no \"%s\" in: %s", (int)err.status, said, err.text);
}

static const char *run_with(const char *name, const char *recipe, const char *film)
{
    char path[200];
    const char *dir = scratch_path(name);
    heed_dir_make(dir, NULL);
    snprintf(path, sizeof path, "%s/recipe.yaml", name);
    if (recipe) scratch_text(path, recipe);
    snprintf(path, sizeof path, "%s/film.jsonl", name);
    if (film) scratch_text(path, film);
    return dir;
}

static void test_film__says_why_there_is_none(void **state)
{
    (void)state;
    char *film = film_of(2);
    refused(scratch_path("nowhere"), NULL, HEED_E_MODEL, "no such directory");
    refused(run_with("bare", NULL, NULL), NULL, HEED_E_MODEL, "not the directory of a training");
    refused(run_with("blind", "data: {train: a.tsv, valid: b.tsv}\nmodel: {attention: none}\n", NULL), NULL, HEED_E_USAGE, "no attention");
    refused(run_with("unjudged", "data: {train: a.tsv}\n", NULL), NULL, HEED_E_MODEL, "no validation data");
    refused(run_with("old", "data: {train: a.tsv, valid: b.tsv}\n", NULL), NULL, HEED_E_MODEL, "film.jsonl is missing");
    refused(run_with("empty", NULL, ""), NULL, HEED_E_MODEL, "holds no frame yet");
    refused(tiny_save(tiny_build(&(tiny){0}), "a-model"), NULL, HEED_E_MODEL, "is a model");
    const char *good = run_with("good", NULL, film);
    refused(good, &(heed_film_options){.sentence = 2}, HEED_E_USAGE, "sentence 2: this film has sentences 0 to 1");
    refused(good, &(heed_film_options){.picture = HEED_PICTURE_STEPS}, HEED_E_USAGE, "none of a film");
    char *text = heed_film(good, NULL, NULL);
    assert_non_null(text);
    heed_free(text);
    free(film);
}

/* --- pictures ------------------------------------------------------------------------------------------------------------------------------------- */

static void test_film_svg__has_a_map_for_every_sentence_and_frame_shown(void **state)
{
    (void)state;
    for (int frames = 1; frames < 20; frames += 6)
        for (int sentence = -1; sentence < 2; sentence++) {
            heed_strip f;
            heed_buf b = {0};
            char *text = film_of(frames);
            const int rows = sentence < 0 ? 2 : 1;
            must_parse(&f, text);
            assert_int_equal(heed_film_svg(&f, sentence, &b), HEED_OK);
            assert_true(xml_is_sound(b.data));
            assert_int_equal(text_count(b.data, "class=\"map\""), rows * f.shown_count);
            assert_int_equal(text_count(b.data, "class=\"curve\""), 2 * rows);
            assert_non_null(strstr(b.data, sentence == 1 ? "&lt;s1&gt;" : "&lt;s0&gt;"));
            assert_int_equal(text_count(b.data, "nan") + text_count(b.data, "inf"), 0);
            heed_buf_free(&b);
            heed_film_close(&f);
            free(text);
        }
}

static void test_film_terminal__fits_the_width_and_lets_no_escape_through(void **state)
{
    (void)state;
    heed_strip f;
    char *text = film_of(11);
    must_parse(&f, text);
    for (int columns = 24; columns < 140; columns += 9) {
        heed_buf b = {0};
        assert_int_equal(heed_film_terminal(&f, 1, false, columns, &b), HEED_OK);
        assert_null(strchr(b.data, '\x1B'));
        assert_null(strstr(b.data, "\xE2\x80\xAE"));
        char *from = strstr(b.data, "\n\n"), *to = strstr(b.data, "\n  update  epoch");
        assert_true(from && to);
        *to = 0;
        for (char *line = from, *end; *line && (end = strchr(line, '\n')); line = end + 1) {
            *end = 0;
            assert_true(heed_label_width(line) <= columns);
        }
        heed_buf_free(&b);
    }
    heed_buf b = {0};
    heed_film_terminal(&f, 0, true, 80, &b);
    assert_int_equal(text_count(b.data, "\033[48;2;"), HEED_FRAMES * TQ * TK);
    assert_int_equal(text_count(b.data, "\033[0m"), HEED_FRAMES * TQ);
    heed_buf_free(&b);
    heed_film_close(&f);
    free(text);
}

static void test_film_json__holds_every_frame_and_the_weights_of_those_shown(void **state)
{
    (void)state;
    heed_strip f;
    heed_buf b = {0};
    char *text = film_of(11);
    must_parse(&f, text);
    assert_int_equal(heed_film_json(&f, -1, &b), HEED_OK);
    json_t *root = json_loads(b.data, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(root);
    json_t *frames = json_object_get(root, "frames");
    assert_int_equal(json_array_size(frames), 11);
    assert_int_equal(json_array_size(json_object_get(root, "sentences")), 2);
    int with = 0;
    for (size_t i = 0; i < 11; i++) {
        const json_t *look = json_array_get(json_object_get(json_array_get(frames, i), "looks"), 1), *weights = json_object_get(look, "weights");
        assert_true(json_is_number(json_object_get(look, "entropy")));
        with += weights != NULL;
        if (weights) assert_int_equal(json_array_size(weights), TQ * TK);
    }
    assert_int_equal(with, HEED_FRAMES);
    json_decref(root);
    heed_buf_free(&b);
    heed_film_close(&f);
    free(text);
}

static int set_up(void **state)
{
    (void)state;
    model = tiny_build(&(tiny){0});
    return model ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    heed_model_free(model);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choice__is_the_first_five_of_middling_length),
        cmocka_unit_test(test_choice__takes_the_nearest_where_these_are_too_few_and_no_source_twice),
        cmocka_unit_test(test_choice__is_none_without_attention),
        cmocka_unit_test(test_choice__says_what_is_wrong_with_the_data),
        cmocka_unit_test(test_film__frames_shown_lie_evenly_with_the_first_and_the_last),
        cmocka_unit_test(test_film__entropy_and_share_are_those_of_the_weights),
        cmocka_unit_test(test_film__half_a_line_at_its_end_is_left_alone),
        cmocka_unit_test(test_film__what_is_damaged_is_said_with_its_line),
        cmocka_unit_test(test_film__says_why_there_is_none),
        cmocka_unit_test(test_film_svg__has_a_map_for_every_sentence_and_frame_shown),
        cmocka_unit_test(test_film_terminal__fits_the_width_and_lets_no_escape_through),
        cmocka_unit_test(test_film_json__holds_every_frame_and_the_weights_of_those_shown),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
