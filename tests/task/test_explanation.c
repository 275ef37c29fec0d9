/* heed_explanation_write: every form says what the lenses say, and what cannot be explained is said in words. */
#include "task/probed.h"

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

#include "base/buf.h"
#include "support/xml.h"
#include "task/asked.h"

enum { MOST = PROBED_MOST };

/* --- JSON ---------------------------------------------------------------------------------------------------------------------------------------- */

static unsigned digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    return c == '=' ? 0 : (unsigned)(strchr(digits, c) - digits);
}

static double half(unsigned bits)
{
    const int power = bits >> 10 & 31, part = bits & 1023;
    return (bits & 0x8000 ? -1 : 1) * (power ? ldexp(1024 + part, power - 25) : ldexp(part, -24));
}

/* The numbers of a matrix of the object; fails unless they are rows x cols. */
static void read_matrix(const json_t *m, int64_t rows, int64_t cols, double *x)
{
    unsigned char bytes[4 * MOST * MOST + 3];
    const char *data = json_string_value(json_object_get(m, "data"));
    const bool is_half = strcmp(json_string_value(json_object_get(m, "type")), "f16") == 0;
    int64_t size = 0;
    assert_int_equal(json_integer_value(json_object_get(m, "rows")), rows);
    assert_int_equal(json_integer_value(json_object_get(m, "cols")), cols);
    for (; *data; data += 4) {
        const unsigned all = digit(data[0]) << 18 | digit(data[1]) << 12 | digit(data[2]) << 6 | digit(data[3]);
        for (int i = 0; i < 3 - (data[2] == '=') - (data[3] == '='); i++) bytes[size++] = (unsigned char)(all >> (16 - 8 * i));
    }
    assert_int_equal(size, rows * cols * (is_half ? 2 : 4));
    for (int64_t i = 0; i < rows * cols; i++) {
        const uint32_t low = bytes[(is_half ? 2 : 4) * i] | (uint32_t)bytes[(is_half ? 2 : 4) * i + 1] << 8;
        const uint32_t bits = is_half ? 0 : low | (uint32_t)bytes[4 * i + 2] << 16 | (uint32_t)bytes[4 * i + 3] << 24;
        float f;
        memcpy(&f, &bits, sizeof f);
        x[i] = is_half ? half(low) : (double)f;
    }
}

static void check_lenses(const probed *p, const json_t *lenses)
{
    double x[MOST * MOST];
    float scores[MOST * MOST];
    for (size_t i = 0; i < json_array_size(lenses); i++) {
        const json_t *l = json_array_get(lenses, i);
        const heed_lens_kind *k = heed_lens_find(json_string_value(json_object_get(l, "name")));
        heed_lens_note note;
        assert_non_null(k);
        assert_string_equal(json_string_value(json_object_get(l, "sentence")), k->is.sentence);
        assert_string_equal(json_string_value(json_object_get(l, "baseline")), k->is.baseline);
        assert_true(json_is_true(json_object_get(l, "signed")) == k->is.is_signed);
        read_matrix(json_object_get(l, "matrix"), p->in.T, p->in.S, x);
        assert_int_equal(heed_lens_run(k, &p->in, scores, &note, NULL), HEED_OK);
        for (int64_t at = 0; at < p->in.T * p->in.S; at++) assert_true(x[at] == (double)scores[at]);
    }
}

/* Halves err by 2^-11 of the value, or of the least normal one. */
static void check_heads(const probed *p, const json_t *heads)
{
    const heed_output *o = probed_forced(p, p->source_text);
    int64_t expected = 0, cross = 0;
    for (heed_site site = 0; site < HEED_SITES; site++) {
        int layers, each;
        heed_probe_heads(p->probe, site, &layers, &each);
        expected += layers * each;
    }
    assert_int_equal(json_array_size(heads), expected);
    for (size_t i = 0; i < json_array_size(heads); i++) {
        const json_t *h = json_array_get(heads, i);
        const char *site = json_string_value(json_object_get(h, "site"));
        const int64_t rows = strcmp(site, "encoder") ? p->in.T : p->in.S, cols = strcmp(site, "decoder") ? p->in.S : p->in.T;
        double x[MOST * MOST], entropy = 0, column[MOST] = {0}, sink = 0;
        read_matrix(json_object_get(h, "matrix"), rows, cols, x);
        for (int64_t at = 0; at < rows * cols; at++) {
            entropy -= x[at] > 0 ? x[at] * log(x[at]) / (double)rows : 0;
            column[at % cols] += x[at] / (double)rows;
            if (strcmp(site, "cross") == 0) assert_true(fabs(x[at] - (double)o->weights[cross * rows * cols + at]) < 0x1p-11 * x[at] + 2e-5);
        }
        for (int64_t j = 0; j < cols; j++) sink = fmax(sink, column[j]);
        assert_true(fabs(json_number_value(json_object_get(h, "entropy")) - entropy) < 0.01);
        assert_true(fabs(json_number_value(json_object_get(h, "sink")) - sink) < 0.01);
        assert_true(json_is_string(json_object_get(h, "sink_symbol")));
        cross += strcmp(site, "cross") == 0;
    }
}

static void as_json(probed *p)
{
    p->in.source_word = (const int32_t[]){0, 0, -1, 1, -1};
    p->in.target_word = (const int32_t[]){0, 1, 2, -1};
    const heed_item item = asked_forced(p);
    json_t *root = asked_json_of(p, &item, "all", NULL);
    assert_string_equal(json_string_value(json_object_get(root, "heed")), "explanation");
    assert_int_equal(json_integer_value(json_object_get(root, "version")), 1);
    assert_string_equal(json_string_value(json_object_get(json_object_get(root, "model"), "name")), "tiny");
    assert_int_equal(json_array_size(json_object_get(root, "source_tokens")), p->in.S);
    assert_int_equal(json_array_size(json_object_get(root, "source_words")), 2);
    assert_int_equal(json_array_size(json_object_get(json_array_get(json_object_get(root, "outputs"), 0), "tokens")), p->in.T);
    assert_int_equal(json_array_size(json_object_get(root, "lenses")), p->in.look.layer >= 0 ? 8 : 3);
    check_lenses(p, json_object_get(root, "lenses"));
    check_heads(p, json_object_get(root, "heads"));
    json_decref(root);
}

static void test_explanation_json__holds_what_lenses_and_heads_say(void **state) { (void)state, asked_each(as_json); }

/* --- the other forms ------------------------------------------------------------------------------------------------------------------------------ */

static void test_explanation_npy__is_an_array_of_the_scores(void **state)
{
    (void)state;
    probed p;
    const char *name;
    asked_taker t = {0};
    float scores[MOST * MOST];
    heed_lens_note note;
    char shape[60];
    probed_open(&p, probed_at(0, &name), "ab q", "A B C");
    const heed_item item = asked_forced(&p);
    const char *bytes = asked_text_of(&p, &item, HEED_FORM_NPY, NULL, NULL, &t);
    const size_t header = 10 + (unsigned char)bytes[8] + 256 * (size_t)(unsigned char)bytes[9], size = (size_t)(p.in.T * p.in.S) * sizeof *scores;
    assert_memory_equal(bytes, "\x93NUMPY\x01\x00", 8);
    assert_int_equal(header % 64, 0);
    assert_int_equal(bytes[header - 1], '\n');
    snprintf(shape, sizeof shape, "'descr': '<f4', 'fortran_order': False, 'shape': (7, %d, %d)", (int)p.in.T, (int)p.in.S);
    assert_non_null(strstr(bytes + 10, shape));
    assert_int_equal(t.text.size, header + 7 * size);
    const heed_lens *chosen[HEED_LENSES];
    assert_int_equal(heed_lens_choose(p.model, NULL, 0, chosen, NULL), 7);
    for (int i = 0; i < 7; i++) {
        if (strcmp(chosen[i]->name, "alignment") == 0) continue;   /* of words, which p.in knows nothing of */
        assert_int_equal(heed_lens_run(heed_lens_find(chosen[i]->name), &p.in, scores, &note, NULL), HEED_OK);
        assert_memory_equal(bytes + header + (size_t)i * size, scores, size);
    }
    heed_buf_free(&t.text);
    probed_close(&p);
}

static void test_explanation_csv__quotes_symbols_and_gives_a_row_for_each_written(void **state)
{
    (void)state;
    probed p;
    const char *name;
    asked_taker t = {0};
    probed_open(&p, probed_at(0, &name), "a,\"b", "A B");
    const heed_item item = asked_forced(&p);
    const char *text = asked_text_of(&p, &item, HEED_FORM_CSV, "leave-one-out", NULL, &t);
    static const char header[] = "lens,written,ln p,a,\",\",\"\"\"\",b,</s>\r\nleave-one-out,A,-";
    assert_memory_equal(text, header, sizeof header - 1);
    assert_int_equal(text_count(text, "\r\n"), 1 + p.in.T);
    assert_int_equal(text_count(text, "\nleave-one-out,"), p.in.T);
    const char *last = strstr(text, "leave-one-out,</s>,");
    assert_non_null(last);
    assert_int_equal(text_count(last, ","), 2 + p.in.S);
    heed_buf_free(&t.text);
    probed_close(&p);
}

static void test_explanation_tex__is_a_whole_document_in_which_no_symbol_is_a_command(void **state)
{
    (void)state;
    probed p;
    const char *name;
    asked_taker t = {0};
    int depth = 0;
    probed_open(&p, probed_at(0, &name), "a\\{%&_", "A B");
    const heed_item item = asked_forced(&p);
    const char *text = asked_text_of(&p, &item, HEED_FORM_TEX, "all", NULL, &t);
    for (const char *at = text; *at; at++) {
        if (*at == '\\' && at[1]) at++;
        else depth += (*at == '{') - (*at == '}');
        assert_true(depth >= 0);
    }
    assert_int_equal(depth, 0);
    assert_int_equal(text_count(text, "\\cell{"), 8 * p.in.T * p.in.S);
    assert_int_equal(text_count(text, "\\begin{tabular}"), 8);
    assert_int_equal(text_count(text, "\\rotatebox{90}{\\textbackslash{}}"), 8);
    assert_int_equal(text_count(text, "\\rotatebox{90}{\\%}"), 8);
    assert_string_equal(text + strlen(text) - 15, "\\end{document}\n");
    heed_buf_free(&t.text);
    probed_close(&p);
}

static void test_explanation_svg__is_a_picture_of_one_lens(void **state)
{
    (void)state;
    for (int i = 0; i < ASKED_WHOLE; i++) {
        probed p;
        const char *name;
        asked_taker t = {0};
        probed_open(&p, probed_at(i, &name), "a<b&", "A B");
        const heed_item item = asked_forced(&p);
        const char *text = asked_text_of(&p, &item, HEED_FORM_SVG, "leave-one-out", NULL, &t);
        assert_true(xml_is_sound(text));
        assert_int_equal(text_count(text, "<title>"), 1 + p.in.T * p.in.S);
        assert_non_null(strstr(text, "Leave one out; of ln p of each symbol written"));
        heed_buf_free(&t.text);
        asked_expect_error(&p, &item, HEED_FORM_SVG, "all", NULL, HEED_E_USAGE, "one lens");
        probed_close(&p);
    }
}

static void test_explanation_page__holds_the_object_and_comes_in_parts(void **state)
{
    (void)state;
    probed p;
    const char *name;
    asked_taker t = {0};
    probed_open(&p, probed_at(1, &name), "ab q", "A B");
    const heed_item item = asked_forced(&p);
    const char *text = asked_text_of(&p, &item, HEED_FORM_PAGE, NULL, NULL, &t);
    assert_memory_equal(text, "<!DOCTYPE html>", 15);
    assert_non_null(strstr(text, "{\"heed\": \"explanation\""));
    assert_non_null(strstr(text, "\"site\": \"decoder\""));
    heed_buf_free(&t.text);
    const char *listing = asked_text_of(&p, &item, HEED_FORM_TERMINAL, "weights", NULL, &t);
    assert_non_null(strstr(listing, "wrote   A B\n"));
    assert_non_null(strstr(listing, "\nweights: "));
    heed_buf_free(&t.text);
    t.most = 1;
    heed_error err;
    assert_int_equal(asked_ask(&p, &item, HEED_FORM_JSON, NULL, NULL, &t, &err), HEED_E_IO);
    heed_buf_free(&t.text);
    probed_close(&p);
}

/* Longer than any matrix: what is passed on is never more than a part and a row. */
static void test_explanation_json__of_a_long_text_is_never_held_as_a_whole(void **state)
{
    (void)state;
    enum { LONG = 300 };
    char source[LONG + 1], target[2 * LONG + 1];
    heed_error err;
    probed p;
    asked_taker t = {0};
    const char *name;
    for (int i = 0; i < LONG; i++) {
        source[i] = "abcde"[i % 5];
        target[2 * i] = "ABCDE"[i * 7 % 5];
        target[2 * i + 1] = ' ';
    }
    source[LONG] = target[2 * LONG - 1] = 0;
    probed_open(&p, probed_at(1, &name), "a", "A");
    if (asked_ask(&p, &(heed_item){.text = source, .target = target}, HEED_FORM_JSON, "weights", NULL, &t, &err) != HEED_OK) fail_msg("%s", err.text);
    assert_true(t.text.size > 2000000 && t.parts > 20);
    assert_true(t.largest < 65536 + 8 * LONG);
    heed_buf_free(&t.text);
    asked_expect_error(&p, &(heed_item){.text = source, .target = target}, HEED_FORM_TEX, "weights", NULL, HEED_E_LIMIT, "--csv and --npy hold any number");
    probed_close(&p);
}

/* --- what cannot be explained ------------------------------------------------------------------------------------------------------------------------- */

static void test_explanation_write__says_what_cannot_be_explained(void **state)
{
    (void)state;
    static char many[10001];
    probed p, none;
    const char *name;
    probed_open(&p, probed_at(0, &name), "ab q", "A B C");
    memset(many, 'a', 10000);
    asked_expect_error(&p, &(heed_item){.text = ""}, HEED_FORM_JSON, NULL, NULL, HEED_E_DATA, "no symbols");
    asked_expect_error(&p, &(heed_item){.text = "", .target = "A"}, HEED_FORM_JSON, NULL, NULL, HEED_E_DATA, "no symbols");
    asked_expect_error(&p, &(heed_item){.text = "a", .target = "A Z"}, HEED_FORM_JSON, NULL, NULL, HEED_E_DATA,
                       "symbol 1, \"Z\", is none that this model can write");
    asked_expect_error(&p, &(heed_item){.text = many}, HEED_FORM_JSON, NULL, NULL, HEED_E_LIMIT, "10000 symbols");
    asked_expect_error(&p, &(heed_item){.text = "\xFF"}, HEED_FORM_JSON, NULL, NULL, HEED_E_DATA, "UTF-8");
    asked_expect_error(&p, &(heed_item){.text = "a"}, HEED_FORM_JSON, "leave-one-in", NULL, HEED_E_USAGE, "did you mean leave-one-out?");
    asked_expect_error(&p, &(heed_item){.text = "a"}, (heed_form)99, NULL, NULL, HEED_E_USAGE, "a form");
    asked_expect_error(&p, &(heed_item){0}, HEED_FORM_JSON, NULL, NULL, HEED_E_USAGE, "needs a text");
    const heed_lens *chosen[HEED_LENSES];
    heed_error err;
    assert_int_equal(heed_lens_choose(p.model, (const char *const[]){"norms", "norms"}, 2, chosen, &err), 0);
    assert_non_null(strstr(err.text, "twice"));
    heed_params_values(p.model->params)[heed_params_find(p.model->params, "head.bias")->offset] = NAN;
    asked_expect_error(&p, &(heed_item){.text = "a", .target = "A"}, HEED_FORM_JSON, NULL, NULL, HEED_E_MODEL, "not a number");
    probed_close(&p);
    probed_open(&none, &(tiny){.attention = "{score: none}"}, "ab q", "A B C");
    asked_expect_error(&none, &(heed_item){.text = "a"}, HEED_FORM_JSON, "rollout", NULL, HEED_E_USAGE,
                       "leave-one-out, gradient-x-input and integrated-gradients need none");
    const heed_model *other = none.model;
    heed_session *both = heed_session_new(none.model, &(heed_session_options){.threads = 1, .ensemble = &other, .ensemble_count = 1}, NULL);
    assert_non_null(both);
    assert_int_equal(heed_explanation_write(both, &(heed_item){.text = "a"}, &(heed_explanation_options){.write = asked_take}, &err), HEED_E_USAGE);
    assert_non_null(strstr(err.text, "one model"));
    heed_session_free(both);
    probed_close(&none);
}

/* Variants spread over threads have the bits of one thread. */
static void test_explanation_write__gives_the_same_bits_with_several_threads(void **state)
{
    (void)state;
    const char *name, text[] = "abcde abc qed bad cab dea bed ace dab cbd eda bac";
        const char target[] = "A B C D E A B C D E A B C D E A B C D E A B C D E A B C D E A B C";
    for (int i = 0; i < ASKED_WHOLE; i++) {
        probed p;
        asked_taker one = {0}, four = {0};
        probed_open(&p, probed_at(i, &name), "a", "A");
        const heed_item item = {.text = text, .target = target};
        asked_text_of(&p, &item, HEED_FORM_NPY, NULL, NULL, &one);
        heed_session_free(p.session);
        p.session = heed_session_new(p.model, &(heed_session_options){.threads = 4}, NULL);
        assert_non_null(p.session);
        asked_text_of(&p, &item, HEED_FORM_NPY, NULL, NULL, &four);
        assert_int_equal(one.text.size, four.text.size);
        assert_memory_equal(one.text.data, four.text.data, one.text.size);
        heed_buf_free(&one.text);
        heed_buf_free(&four.text);
        probed_close(&p);
    }
}

typedef struct stopper { asked_taker taken; int64_t left; } stopper;

static bool stop_at(void *user)
{
    stopper *s = user;
    return s->left > 0 && --s->left == 0;
}

static bool take_till_then(void *user, const char *bytes, size_t size) { return asked_take(&((stopper *)user)->taken, bytes, size); }

/* Wherever it stops, no lens goes on, nothing stays changed, and the next to ask is answered as ever. */
static void test_explanation_write__stops_when_it_is_told_to(void **state)
{
    (void)state;
    static const char *const changes[] = {"mask:0", "prefix=B"};
    for (int i = 0; i < ASKED_WHOLE; i += 3) {
        const char *name;
        probed p;
        heed_status status = HEED_E_STOPPED;
        probed_open(&p, probed_at(i, &name), "ab q", "A B C");
        const heed_item item = {.text = p.source_text};
        asked_taker before = {0}, after = {0};
        asked_text_of(&p, &item, HEED_FORM_JSON, NULL, NULL, &before);
        for (int64_t at = 1; status == HEED_E_STOPPED; at += 1 + at / 3) {
            stopper s = {.left = at};
            heed_error err = {0};
            status = heed_explanation_write(p.session, &item, &(heed_explanation_options){.form = HEED_FORM_PAGE, .what_if = changes, .what_if_count = 2, .stop = stop_at,
                                                                                       .write = take_till_then, .user = &s}, &err);
            assert_true(status == HEED_OK || (status == HEED_E_STOPPED && err.status == status && strstr(err.text, "stopped")));
            if (status) assert_int_equal(s.taken.text.size, 0);
            else assert_true(at > 8);
            heed_buf_free(&s.taken.text);
            after = (asked_taker){0};
            asked_text_of(&p, &item, HEED_FORM_JSON, NULL, NULL, &after);
            assert_string_equal(before.text.data, after.text.data);
            heed_buf_free(&after.text);
        }
        heed_buf_free(&before.text);
        probed_close(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_explanation_json__holds_what_lenses_and_heads_say),
        cmocka_unit_test(test_explanation_npy__is_an_array_of_the_scores),
        cmocka_unit_test(test_explanation_csv__quotes_symbols_and_gives_a_row_for_each_written),
        cmocka_unit_test(test_explanation_tex__is_a_whole_document_in_which_no_symbol_is_a_command),
        cmocka_unit_test(test_explanation_svg__is_a_picture_of_one_lens),
        cmocka_unit_test(test_explanation_page__holds_the_object_and_comes_in_parts),
        cmocka_unit_test(test_explanation_json__of_a_long_text_is_never_held_as_a_whole),
        cmocka_unit_test(test_explanation_write__says_what_cannot_be_explained),
        cmocka_unit_test(test_explanation_write__gives_the_same_bits_with_several_threads),
        cmocka_unit_test(test_explanation_write__stops_when_it_is_told_to),
    };
    return cmocka_run_group_tests_name("explanation", tests, NULL, NULL);
}
