/* Whose attention is shown: of every layer and head on request, of the last layer's mean otherwise. */
#include "heed.h"
#include "support/tiny.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A model, its session and the layers and heads it must have. */
typedef struct seer { heed_model *model; heed_session *session; int layers, heads; } seer;

static const struct { tiny model; int layers, heads; } models[] = {
    {{.attention = "{score: additive}"}, 1, 1},
    {{.attention = "{score: additive, heads: 2, width: 8}", .layers = 2}, 1, 2},
    {{.attention = "{score: scaled, heads: 3, width: 12, align: entmax}", .order = "order: luong"}, 1, 3},
    {{.attention = "{score: scaled}", .layers = 2, .encoder = "type: transformer, heads: 2", .decoder = "type: transformer, heads: 3"}, 2, 3},
    {{.attention = "{score: additive, heads: 4, key_heads: 2}", .layers = 3, .decoder = "type: transformer, heads: 2"}, 3, 4},
    {{.attention = "{score: dot}", .layers = 2, .encoder = "type: conv, embed: 6", .decoder = "type: conv, embed: 6"}, 2, 1},
    {{.attention = "{score: additive, heads: 2}", .layers = 2, .decoder = "type: conv, embed: 6"}, 2, 2},
};
enum { MODELS = sizeof models / sizeof *models };

static seer open_seer(int i)
{
    heed_error err;
    seer s = {.model = tiny_build(&models[i].model), .layers = models[i].layers, .heads = models[i].heads};
    s.session = heed_session_new(s.model, &(heed_session_options){.threads = 1}, &err);
    if (!s.session) fail_msg("%s", err.text);
    return s;
}

static void close_seer(seer *s)
{
    heed_session_free(s->session);
    heed_model_free(s->model);
}

static heed_reply *look(const seer *s, const heed_look *how, bool weights)
{
    static const heed_item item = {.text = "ab cd e", .target = "A B C"};
    heed_error err;
    heed_reply *r = heed_session_run(s->session, &(heed_request){.items = &item, .count = 1, .shown = true, .weights = weights, .look = how}, &err);
    if (!r) fail_msg("%s", err.text);
    return r;
}

/* The mean of a layer's heads, as one who has them all computes it; H additions and a division round at most H + 1 times. */
static void check_mean(const heed_output *o, int64_t layer)
{
    const int64_t size = o->count * o->source_count, H = o->heads;
    for (int64_t i = 0; i < size; i++) {
        double sum = 0;
        for (int64_t h = 0; h < H; h++) sum += (double)o->weights[(layer * H + h) * size + i];
        assert_true(fabs((double)o->shown[i] - sum / (double)H) <= (double)(H + 1) * 6e-8 * sum / (double)H);
    }
}

/* Every target word's link goes to its heaviest source word, the first of equals. */
static void check_links(const heed_output *o)
{
    for (int64_t i = 0; i < o->link_count; i++) {
        const float *row = o->word_weights + o->links[i].target * o->source_words;
        for (int64_t j = 0; j < o->source_words; j++) assert_true(row[j] < row[o->links[i].source] || j >= o->links[i].source);
        for (int64_t j = 0; j < o->source_words; j++) assert_true(row[j] <= row[o->links[i].source]);
    }
}

static void test_shown__is_the_mean_of_the_last_layers_heads_unless_told(void **state)
{
    (void)state;
    for (int i = 0; i < MODELS; i++) {
        seer s = open_seer(i);
        heed_reply *usual = look(&s, NULL, true);
        const heed_output *o = heed_reply_at(usual, 0);
        assert_int_equal(o->layers, s.layers);
        assert_int_equal(o->heads, s.heads);
        assert_int_equal(o->look.layer, s.layers - 1);
        assert_int_equal(o->look.head, s.heads == 1 ? 0 : -1);
        check_mean(o, s.layers - 1);
        check_links(o);
        for (int layer = 0; layer < s.layers; layer++) {
            heed_reply *one = look(&s, &(heed_look){.layer = layer, .head = -1}, true);
            check_mean(heed_reply_at(one, 0), layer);
            heed_reply_free(one);
        }
        heed_reply_free(usual);
        close_seer(&s);
    }
}

static void test_shown__is_the_head_that_was_asked_for_whether_or_not_all_are_kept(void **state)
{
    (void)state;
    for (int i = 0; i < MODELS; i++) {
        seer s = open_seer(i);
        for (int layer = 0; layer < s.layers; layer++)
            for (int head = 0; head < s.heads; head++) {
                heed_reply *all = look(&s, &(heed_look){.layer = layer, .head = head}, true), *one = look(&s, &(heed_look){.layer = layer, .head = head}, false);
                const heed_output *a = heed_reply_at(all, 0), *o = heed_reply_at(one, 0);
                const int64_t size = o->count * o->source_count;
                assert_null(o->weights);
                assert_memory_equal(a->shown, a->weights + (layer * s.heads + head) * size, (size_t)size * sizeof *a->shown);
                assert_memory_equal(a->shown, o->shown, (size_t)size * sizeof *a->shown);
                assert_memory_equal(a->word_weights, o->word_weights, (size_t)(o->source_words * o->target_words) * sizeof(float));
                check_links(o);
                heed_reply_free(all);
                heed_reply_free(one);
            }
        close_seer(&s);
    }
}

static void test_heads__of_one_layer_look_in_different_places(void **state)
{
    (void)state;
    for (int i = 0; i < MODELS; i++) {
        seer s = open_seer(i);
        heed_reply *r = look(&s, NULL, true);
        const heed_output *o = heed_reply_at(r, 0);
        const int64_t size = o->count * o->source_count;
        for (int k = 1; k < s.layers * s.heads; k++) assert_memory_not_equal(o->weights, o->weights + k * size, (size_t)size * sizeof *o->weights);
        heed_reply_free(r);
        close_seer(&s);
    }
}

/* Row i is what row i + 1 was; the last keeps its own. The matrices of all heads stay those of the steps as they were. */
static void test_shift__takes_the_weights_of_the_next_step(void **state)
{
    (void)state;
    for (int i = 0; i < MODELS; i++) {
        seer s = open_seer(i);
        heed_reply *plain = look(&s, &(heed_look){.layer = -1, .head = -1}, true), *later = look(&s, &(heed_look){.layer = -1, .head = -1, .shift = 1}, true);
        const heed_output *p = heed_reply_at(plain, 0), *l = heed_reply_at(later, 0);
        const int64_t Tk = p->source_count, last = p->count - 1;
        assert_int_equal(l->look.shift, 1);
        assert_memory_equal(l->shown, p->shown + Tk, (size_t)(last * Tk) * sizeof *p->shown);
        assert_memory_equal(l->shown + last * Tk, p->shown + last * Tk, (size_t)Tk * sizeof *p->shown);
        assert_memory_equal(l->weights, p->weights, (size_t)(s.layers * s.heads * p->count * Tk) * sizeof *p->weights);
        check_links(l);
        heed_reply_free(plain);
        heed_reply_free(later);
        close_seer(&s);
    }
}

static void refused(const seer *s, heed_look how, const char *why)
{
    static const heed_item item = {.text = "ab"};
    heed_error err;
    assert_null(heed_session_run(s->session, &(heed_request){.items = &item, .count = 1, .look = &how}, &err));
    assert_int_equal(err.status, HEED_E_USAGE);
    assert_string_equal(err.text, why);
    assert_null(heed_explain(s->session, &item, &(heed_explain_options){.look = &how}, &err));
    assert_int_equal(err.status, HEED_E_USAGE);
    assert_string_equal(err.text, why);
}

static void test_look__at_what_does_not_exist_names_what_there_is(void **state)
{
    (void)state;
    seer one = open_seer(0), three = open_seer(2), none = {.model = tiny_build(&(tiny){.attention = "none"})};
    none.session = heed_session_new(none.model, NULL, NULL);
    refused(&one, (heed_look){.layer = 1, .head = -1}, "layer 1: this model has layer 0 only");
    refused(&three, (heed_look){.layer = -1, .head = 3}, "head 3: this model has heads 0 to 2");
    refused(&none, (heed_look){.layer = -1, .head = 2}, "head 2: this model has no attention to show");
    refused(&one, (heed_look){.shift = 2}, "shift 2: 0 for the step that wrote a symbol, 1 for the next");
    refused(&one, (heed_look){.threshold = 1.5}, "threshold: a share of a word's weights, from 0 to 1, not 1.5");
    close_seer(&one);
    close_seer(&three);
    close_seer(&none);
}

static char *steps_of(const seer *s, int head)
{
    heed_error err;
    const heed_item item = {.text = "ab cd", .target = "A B"};
    char *out = heed_explain(s->session, &item, &(heed_explain_options){.picture = HEED_PICTURE_STEPS, .look = &(heed_look){.layer = -1, .head = head}}, &err);
    if (!out) fail_msg("%s", err.text);
    return out;
}

static int count(const char *text, const char *what)
{
    int n = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what)) n++;
    return n;
}

static void test_steps__of_one_head_have_its_scores_and_its_part_of_the_sum(void **state)
{
    (void)state;
    seer s = open_seer(2);
    char *mean = steps_of(&s, -1), *first = steps_of(&s, 0), *last = steps_of(&s, 2);
    assert_int_equal(count(mean, "scores ["), 0);
    assert_int_equal(count(first, "scores [6]"), 3);
    assert_int_equal(count(last, "scores [6]"), 3);
    assert_non_null(strstr(mean, "  context        [12]"));
    assert_int_equal(count(mean, "weighted sum   ["), 0);
    assert_int_equal(count(first, "weighted sum   [4]"), 3);
    assert_string_not_equal(first, last);
    heed_free(mean);
    heed_free(first);
    heed_free(last);
    close_seer(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shown__is_the_mean_of_the_last_layers_heads_unless_told),
        cmocka_unit_test(test_shown__is_the_head_that_was_asked_for_whether_or_not_all_are_kept),
        cmocka_unit_test(test_heads__of_one_layer_look_in_different_places),
        cmocka_unit_test(test_shift__takes_the_weights_of_the_next_step),
        cmocka_unit_test(test_look__at_what_does_not_exist_names_what_there_is),
        cmocka_unit_test(test_steps__of_one_head_have_its_scores_and_its_part_of_the_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
