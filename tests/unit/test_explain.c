/* explain: pictures are given numbers and give text; what must hold of that text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "explain/explain.h"
#include "explain/label.h"
#include "support/xml.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST = 24 };

/* An output of n symbols read and m written, ends included, whose weights lie on the diagonal. */
typedef struct sample {
    heed_output out;
    heed_piece_of_text source[MOST], target[MOST];
    float weights[MOST * MOST];
    heed_link links[1];
} sample;

static void make(sample *s, const char *source, const char *text, const char *const *from, int n, const char *const *to, int m)
{
    memset(s, 0, sizeof *s);
    for (int j = 0; j < n; j++)
        s->source[j] = (heed_piece_of_text){from[j], j, j + (j + 1 < n), 0};
    for (int i = 0; i < m; i++)
        s->target[i] = (heed_piece_of_text){to[i], i, i + (i + 1 < m), -0.25 * i};
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++)
            s->weights[i * n + j] = n == 1 ? 1.0f : (i < n ? i : n - 1) == j ? 0.75f : 0.25f / (float)(n - 1);
    s->links[0] = (heed_link){0, 0};
    s->out = (heed_output){.source = source, .text = text, .score = -1.5, .source_tokens = s->source, .source_count = n, .tokens = s->target, .count = m,
                           .links = s->links, .link_count = 1, .layers = 1, .heads = 1, .shown = s->weights, .weights = s->weights};
}

static void make_usual(sample *s)
{
    static const char *const from[] = {"s", "h", "e", "</s>"}, *const to[] = {"SH", "IY", "</s>"};
    make(s, "she", "SH IY", from, 4, to, 3);
}

static void make_hostile(sample *s)
{
    static const char *const from[] = {"<a&\"b>", "\x1B[31m", "\xFF", "</s>"}, *const to[] = {"]]>", "\xE2\x80\xAE", "</s>"};
    make(s, "<a&\"b>\x1B[31m\xFF", "]]>\xE2\x80\xAE", from, 4, to, 3);
}

/* --- labels ----------------------------------------------------------------------------------------------------------------------------- */
static void test_label_fit__takes_exactly_the_cells_asked_for(void **state)
{
    (void)state;
    static const char *const words[] = {"", "a", "phonetics", "\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E", "e\xCC\x81t\xC3\xA9", " ", "\x01\xFF"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        for (int width = 1; width < 12; width++) {
            heed_buf b = {0};
            heed_label_fit(&b, words[i], width);
            int blanks = 0;                     /* a blank in a label is made visible, so those left are filling */
            while (blanks < (int)b.size && b.data[b.size - 1 - (size_t)blanks] == ' ')
                blanks++;
            b.data[b.size - (size_t)blanks] = 0;
            assert_int_equal(heed_label_width(b.data) + blanks, width);
            heed_buf_free(&b);
        }
}

static void test_label_json__what_is_not_utf8_becomes_a_replacement_character(void **state)
{
    (void)state;
    heed_buf b = {0};
    heed_label_json(&b, "a\xFF\"\\\n\x01");
    assert_string_equal(b.data, "\"a\xEF\xBF\xBD\\\"\\\\\\n\\u0001\"");
    heed_buf_free(&b);
}

static void test_number_short__what_is_not_finite_is_null(void **state)
{
    (void)state;
    heed_buf b = {0};
    heed_number_short(&b, -INFINITY, 6);
    heed_buf_char(&b, ' ');
    heed_number_short(&b, 0.25, 6);
    assert_string_equal(b.data, "null 0.25");
    heed_buf_free(&b);
}

/* --- terminal --------------------------------------------------------------------------------------------------------------------------- */
static void test_terminal__without_colour_there_is_no_escape(void **state)
{
    (void)state;
    sample s;
    heed_buf b = {0};
    make_hostile(&s);
    assert_int_equal(heed_explain_terminal(&s.out, false, 80, &b), HEED_OK);
    assert_null(strchr(b.data, '\x1B'));
    heed_buf_free(&b);
}

static void test_terminal__colour_is_reset_on_every_row(void **state)
{
    (void)state;
    sample s;
    heed_buf b = {0};
    make_usual(&s);
    heed_explain_terminal(&s.out, true, 80, &b);
    assert_int_equal(text_count(b.data, "\033[0m"), 3 + 1);
    assert_int_equal(text_count(b.data, "\033[48;2;"), 3 * 4 + 21);
    heed_buf_free(&b);
}

static void test_terminal__rows_and_columns_carry_their_symbols(void **state)
{
    (void)state;
    sample s;
    heed_buf b = {0};
    make_usual(&s);
    heed_explain_terminal(&s.out, false, 80, &b);
    assert_non_null(strstr(b.data, "s  h  e  ∎"));
    assert_non_null(strstr(b.data, "\nSH  ██ ░░ ░░ ░░  1.00\n"));
    assert_non_null(strstr(b.data, "\nIY  ░░ ██ ░░ ░░  0.78\n"));
    heed_buf_free(&b);
}

static void test_terminal__folds_into_blocks_that_fit_the_width(void **state)
{
    (void)state;
    static const char *const letters[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "</s>"};
    sample s;
    make(&s, "abc", "abc", letters, 20, letters, 20);
    for (int columns = 14; columns < 80; columns += 3) {
        heed_buf b = {0};
        heed_explain_terminal(&s.out, false, columns, &b);
        char *map = strstr(b.data, "\n\n"), *legend = strstr(b.data, "\nweight");
        assert_non_null(map);
        assert_non_null(legend);
        *legend = 0;
        for (char *line = map, *end; *line && (end = strchr(line, '\n')); line = end + 1) {
            *end = 0;
            assert_true(heed_label_width(line) <= columns);
        }
        heed_buf_free(&b);
    }
}

static void test_terminal__says_when_there_is_no_attention(void **state)
{
    (void)state;
    sample s;
    heed_buf b = {0};
    make_usual(&s);
    s.out.shown = s.out.weights = NULL;
    assert_int_equal(heed_explain_terminal(&s.out, true, 80, &b), HEED_OK);
    assert_non_null(strstr(b.data, "no attention"));
    heed_buf_free(&b);
}

/* --- SVG -------------------------------------------------------------------------------------------------------------------------------- */
static void test_svg__every_cell_has_a_title_and_the_tags_match(void **state)
{
    (void)state;
    sample s;
    heed_buf b = {0};
    make_usual(&s);
    assert_int_equal(heed_explain_svg(&s.out, &b), HEED_OK);
    assert_true(xml_is_sound(b.data));
    assert_int_equal(text_count(b.data, "<title>"), 1 + 3 * 4);
    assert_non_null(strstr(b.data, "s → SH: 0.750"));
    heed_buf_free(&b);
}

static void test_svg__hostile_text_stays_text(void **state)
{
    (void)state;
    sample s;
    heed_buf b = {0};
    make_hostile(&s);
    heed_explain_svg(&s.out, &b);
    assert_true(xml_is_sound(b.data));
    assert_non_null(strstr(b.data, "&lt;a&amp;&quot;b&gt;"));
    heed_buf_free(&b);
}

static void test_svg__a_model_without_attention_gives_a_picture_that_says_so(void **state)
{
    (void)state;
    sample s;
    heed_buf b = {0};
    make_usual(&s);
    s.out.shown = s.out.weights = NULL;
    assert_int_equal(heed_explain_svg(&s.out, &b), HEED_OK);
    assert_true(xml_is_sound(b.data));
    assert_non_null(strstr(b.data, "no attention"));
    heed_buf_free(&b);
}

/* --- JSON ------------------------------------------------------------------------------------------------------------------------------- */
static json_t *json_of(const sample *s, int64_t id, bool weights)
{
    heed_buf b = {0};
    json_error_t why;
    assert_int_equal(heed_explain_json(&s->out, id, weights, &b), HEED_OK);
    assert_ptr_equal(strchr(b.data, '\n'), b.data + b.size - 1);
    json_t *object = json_loads(b.data, JSON_REJECT_DUPLICATES, &why);
    if (!object)
        print_message("%s\n", why.text);
    assert_non_null(object);
    heed_buf_free(&b);
    return object;
}

static void test_json__holds_the_object_of_the_contract(void **state)
{
    (void)state;
    sample s;
    make_usual(&s);
    json_t *object = json_of(&s, 7, true), *output = json_array_get(json_object_get(object, "outputs"), 0);
    json_t *weights = json_array_get(json_object_get(output, "weights"), 0), *data = json_object_get(weights, "data");
    assert_int_equal(json_integer_value(json_object_get(object, "id")), 7);
    assert_string_equal(json_string_value(json_object_get(object, "source")), "she");
    assert_int_equal(json_array_size(json_object_get(object, "source_tokens")), 4);
    assert_string_equal(json_string_value(json_object_get(output, "text")), "SH IY");
    assert_true(json_number_value(json_object_get(output, "score")) == -1.5);
    assert_true(json_number_value(json_object_get(json_array_get(json_object_get(output, "tokens"), 1), "logp")) == -0.25);
    assert_int_equal(json_array_size(json_object_get(output, "align")), 1);
    assert_int_equal(json_integer_value(json_object_get(weights, "rows")), 3);
    assert_int_equal(json_integer_value(json_object_get(weights, "columns")), 4);
    assert_int_equal(json_array_size(data), 12);
    assert_true(json_number_value(json_array_get(data, 0)) == 0.75);
    json_decref(object);
}

static void test_json__weights_come_only_when_asked(void **state)
{
    (void)state;
    sample s;
    make_usual(&s);
    json_t *object = json_of(&s, 0, false), *output = json_array_get(json_object_get(object, "outputs"), 0);
    assert_null(json_object_get(output, "weights"));
    json_decref(object);
}

static void test_json__hostile_text_and_improbable_targets_stay_json(void **state)
{
    (void)state;
    sample s;
    make_hostile(&s);
    s.out.score = s.target[0].logp = -INFINITY;
    json_t *object = json_of(&s, 0, true), *output = json_array_get(json_object_get(object, "outputs"), 0);
    assert_true(json_is_null(json_object_get(output, "score")));
    json_decref(object);
}

static void test_json__a_failed_item_has_no_output_and_says_why(void **state)
{
    (void)state;
    sample s;
    make_usual(&s);
    s.out = (heed_output){.source = "\xFF", .text = "", .status = HEED_E_DATA, .error = "not UTF-8"};
    json_t *object = json_of(&s, 0, false);
    assert_int_equal(json_array_size(json_object_get(object, "outputs")), 0);
    assert_string_equal(json_string_value(json_object_get(object, "error")), "not UTF-8");
    json_decref(object);
}

/* --- steps ------------------------------------------------------------------------------------------------------------------------------ */
static void test_steps__list_scores_weights_sum_and_joined_with_their_shapes(void **state)
{
    (void)state;
    static const float scores[] = {2, 1, -INFINITY, 0}, context[] = {3, -4}, joined[] = {1, 2, 3};
    sample s;
    make_usual(&s);
    const heed_step_view steps[] = {{"SH", 0, scores, s.weights, context, joined, 4, 2, 3}, {"IY", -0.25, scores, s.weights + 4, context, joined, 4, 2, 3}};
    heed_buf b = {0};
    assert_int_equal(heed_explain_steps(&s.out, steps, 2, &b), HEED_OK);
    assert_int_equal(text_count(b.data, "\nstep "), 2);
    assert_int_equal(text_count(b.data, "scores [4]  weights [4]"), 2);
    assert_int_equal(text_count(b.data, "hidden"), 2);
    assert_int_equal(text_count(b.data, "weighted sum   [2]    3.0000  -4.0000  norm 5.0000"), 2);
    assert_int_equal(text_count(b.data, "joined         [3]"), 2);
    heed_buf_free(&b);
}

static void test_steps__without_attention_only_what_the_head_reads(void **state)
{
    (void)state;
    static const float joined[] = {1, 2, 3};
    sample s;
    make_usual(&s);
    s.out.shown = s.out.weights = NULL;
    const heed_step_view step = {.symbol = "SH", .joined = joined, .Tk = 4, .F = 3};
    heed_buf b = {0};
    assert_int_equal(heed_explain_steps(&s.out, &step, 1, &b), HEED_OK);
    assert_non_null(strstr(b.data, "no attention"));
    assert_non_null(strstr(b.data, "joined         [3]"));
    assert_null(strstr(b.data, "weighted sum "));
    heed_buf_free(&b);
}

static void make_heads(sample *s, float weights[4 * 12])
{
    make_usual(s);
    for (int i = 0; i < 4 * 12; i++)
        weights[i] = (float)i;
    s->out.layers = s->out.heads = 2;
    s->out.weights = weights;
    s->out.look = (heed_look){.layer = 1, .head = -1};
}

static void test_json__has_a_matrix_for_every_layer_and_head(void **state)
{
    (void)state;
    sample s;
    float weights[4 * 12];
    make_heads(&s, weights);
    json_t *object = json_of(&s, 0, true), *list = json_object_get(json_array_get(json_object_get(object, "outputs"), 0), "weights");
    assert_int_equal(json_array_size(list), 4);
    for (size_t i = 0; i < 4; i++) {
        const json_t *one = json_array_get(list, i);
        assert_int_equal(json_integer_value(json_object_get(one, "layer")), i / 2);
        assert_int_equal(json_integer_value(json_object_get(one, "head")), i % 2);
        assert_int_equal(json_integer_value(json_object_get(one, "rows")), 3);
        assert_int_equal(json_integer_value(json_object_get(one, "columns")), 4);
        assert_true(json_number_value(json_array_get(json_object_get(one, "data"), 11)) == 12.0 * (double)i + 11);
    }
    json_decref(object);
}

static void test_pictures__say_whose_attention_they_show_where_there_is_a_choice(void **state)
{
    (void)state;
    sample s;
    float weights[4 * 12];
    make_heads(&s, weights);
    heed_buf mean = {0}, head = {0}, svg = {0};
    assert_int_equal(heed_explain_terminal(&s.out, false, 80, &mean), HEED_OK);
    assert_non_null(strstr(mean.data, "\nlayer 1 of 0-1, mean of heads 0-1\n"));
    assert_int_equal(heed_explain_svg(&s.out, &svg), HEED_OK);
    assert_non_null(strstr(svg.data, ">layer 1 of 0-1, mean of heads 0-1; each row sums to 1"));
    s.out.look.head = 0;
    assert_int_equal(heed_explain_terminal(&s.out, false, 80, &head), HEED_OK);
    assert_non_null(strstr(head.data, "\nlayer 1 of 0-1, head 0 of 0-1\n"));
    heed_buf_free(&mean);
    heed_buf_free(&head);
    heed_buf_free(&svg);
}

static void test_steps__a_mean_of_heads_has_weights_and_no_scores(void **state)
{
    (void)state;
    sample s;
    float weights[4 * 12];
    make_heads(&s, weights);
    const heed_step_view step = {.symbol = "SH", .weights = s.weights, .Tk = 4};
    heed_buf b = {0};
    assert_int_equal(heed_explain_steps(&s.out, &step, 1, &b), HEED_OK);
    assert_non_null(strstr(b.data, "layer 1 of 0-1, mean of heads 0-1; --head shows scores and weighted sum of one\n"));
    assert_int_equal(text_count(b.data, "scores ["), 0);
    assert_int_equal(text_count(b.data, "  weights [4]\n"), 1);
    heed_buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_label_fit__takes_exactly_the_cells_asked_for),
        cmocka_unit_test(test_label_json__what_is_not_utf8_becomes_a_replacement_character),
        cmocka_unit_test(test_number_short__what_is_not_finite_is_null),
        cmocka_unit_test(test_terminal__without_colour_there_is_no_escape),
        cmocka_unit_test(test_terminal__colour_is_reset_on_every_row),
        cmocka_unit_test(test_terminal__rows_and_columns_carry_their_symbols),
        cmocka_unit_test(test_terminal__folds_into_blocks_that_fit_the_width),
        cmocka_unit_test(test_terminal__says_when_there_is_no_attention),
        cmocka_unit_test(test_svg__every_cell_has_a_title_and_the_tags_match),
        cmocka_unit_test(test_svg__hostile_text_stays_text),
        cmocka_unit_test(test_svg__a_model_without_attention_gives_a_picture_that_says_so),
        cmocka_unit_test(test_json__holds_the_object_of_the_contract),
        cmocka_unit_test(test_json__weights_come_only_when_asked),
        cmocka_unit_test(test_json__hostile_text_and_improbable_targets_stay_json),
        cmocka_unit_test(test_json__a_failed_item_has_no_output_and_says_why),
        cmocka_unit_test(test_steps__list_scores_weights_sum_and_joined_with_their_shapes),
        cmocka_unit_test(test_steps__without_attention_only_what_the_head_reads),
        cmocka_unit_test(test_json__has_a_matrix_for_every_layer_and_head),
        cmocka_unit_test(test_pictures__say_whose_attention_they_show_where_there_is_a_choice),
        cmocka_unit_test(test_steps__a_mean_of_heads_has_weights_and_no_scores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
