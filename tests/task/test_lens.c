/* Lenses, each held against another way to its scores. Rows of lenses.def: weights, norms, rollout, alignment, gradient_x_input (whose slopes test_probe.c
 * checks), integrated_gradients, leave_one_out, value_zeroing. */
#include "task/probed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = PROBED_MOST };

static const char *model_name;
static heed_error err_of;

static void each_model(void (*visit)(probed *p))
{
    for (int i = 0; i < probed_count(); i++) {
        probed p;
        probed_open(&p, probed_at(i, &model_name), "ab q ce", "A B C D");
        visit(&p);
        probed_close(&p);
    }
}

static bool attends(const probed *p) { return p->in.look.layer >= 0; }

static void lens(const probed *p, const char *name, float *scores, heed_lens_note *note)
{
    heed_error err;
    heed_lens_note own;
    if (heed_lens_run(heed_lens_find(name), &p->in, scores, note ? note : &own, &err) != HEED_OK) fail_msg("%s: %s: %s", model_name, name, err.text);
}

static void expect(const probed *p, int64_t t, int64_t s, const float *scores, double right)
{
    const double score = (double)scores[t * p->in.S + s];
    if (!probed_near(score, right, 2)) fail_msg("%s: [%d,%d] is %.8g, not %.8g", model_name, (int)t, (int)s, score, right);
}

/* --- texts without a symbol ---------------------------------------------------------------------------------------------------------------------- */

static void shortened(probed *p)
{
    float scores[MOST * MOST];
    double whole[MOST];
    lens(p, "leave-one-out", scores, NULL);
    const heed_output *o = probed_forced(p, p->source_text);
    for (int64_t t = 0; t < o->count; t++) whole[t] = o->tokens[t].logp;
    for (int64_t s = 0; s + 1 < p->in.S; s++) {   /* a text cannot be given without </s> */
        char text[MOST];
        snprintf(text, sizeof text, "%.*s%s", (int)s, p->source_text, p->source_text + s + 1);
        o = probed_forced(p, text);
        for (int64_t t = 0; t < o->count; t++) expect(p, t, s, scores, whole[t] - o->tokens[t].logp);
    }
}

static void test_leave_one_out__is_what_ln_p_loses_when_the_shortened_text_is_run(void **state) { (void)state, each_model(shortened); }

/* --- values that are zero: the same as weights that are, unless weights are needed for more than the sum --------------------------------------------- */

static bool everywhere(void *self, heed_site site, int layer)
{
    (void)self, (void)layer;
    return site != HEED_SITE_DECODER;
}

static bool blind(void *self, const heed_aim *aim, float *weights)
{
    (void)aim;
    weights[*(int64_t *)self] = 0;
    return true;
}

static int zeroed;

static void muted(probed *p)
{
    float scores[MOST * MOST], whole[MOST], less[MOST];
    const heed_variant v = {.source = p->source, .S = p->in.S, .target = p->target, .T = p->in.T};
    const heed_attention_settings *a = &p->model->recipe.model.attention;
    if (!attends(p) || a->copy || a->coverage || strstr(model_name, "location_conv")) return;
    zeroed++;
    lens(p, "value-zeroing", scores, NULL);
    probed_logp(p, &v, whole);
    for (int64_t s = 0; s < p->in.S; s++) {
        heed_probe_meddle(p->probe, &(heed_meddler){&s, everywhere, blind});
        probed_logp(p, &v, less);
        heed_probe_meddle(p->probe, NULL);
        for (int64_t t = 0; t < p->in.T; t++) expect(p, t, s, scores, (double)whole[t] - (double)less[t]);
    }
}

static void test_value_zeroing__is_what_ln_p_loses_when_nobody_weighs_the_symbol(void **state)
{
    (void)state, each_model(muted);
    assert_true(zeroed > 100);
}

/* --- gradients ------------------------------------------------------------------------------------------------------------------------------------ */

static double gap_of(const probed *p, const float *scores)
{
    float full[MOST], none[MOST];
    double missing = 0, whole = 0;
    assert_int_equal(heed_lens_logp(&p->in, 1, full, NULL), HEED_OK);
    assert_int_equal(heed_lens_logp(&p->in, 0, none, NULL), HEED_OK);
    for (int64_t t = 0; t < p->in.T; t++) {
        double sum = (double)none[t] - (double)full[t];
        for (int64_t s = 0; s < p->in.S; s++) sum += (double)scores[t * p->in.S + s];
        missing += fabs(sum);
        whole += fabs((double)full[t] - (double)none[t]);
    }
    return missing / whole;
}

/* These models are wild: their weights are large, and what a recurrent decoder saw comes back to it, so ln p may bend more sharply on the way than 20 steps
 * follow. More steps close the gap, unless the path has jumps (hard, the window of local_p) or a kink wherever a key comes into sight (sparsemax, entmax). */
static double models, close_by_20;

static bool has_a_smooth_path(void)
{
    static const char *const rough[] = {"align: hard", "align: local_p", "align: sparsemax", "align: entmax"};
    for (size_t i = 0; i < sizeof rough / sizeof *rough; i++)
        if (strstr(model_name, rough[i])) return false;
    return true;
}

static void completed(probed *p)
{
    float scores[MOST * MOST];
    heed_lens_note note;
    lens(p, "integrated-gradients", scores, &note);
    assert_true(fabs(note.gap - gap_of(p, scores)) < 1e-4 * (1 + note.gap));
    assert_non_null(strstr(note.text, "completeness gap"));
    if (!has_a_smooth_path()) return;
    models++;
    close_by_20 += note.gap < 0.01;
    double gap = note.gap;
    for (int steps = 100; gap > 0.05 && steps <= 2500; steps *= 5) assert_int_equal(heed_lens_integrate(&p->in, steps, scores, &gap, NULL), HEED_OK);
    if (gap > 0.05) fail_msg("%s: the gap is %.3g", model_name, gap);
}

static void test_integrated_gradients__sum_to_what_the_source_is_worth(void **state)
{
    (void)state, each_model(completed);
    print_message("20 steps leave less than 1 %% in %.0f of %.0f models\n", close_by_20, models);
    assert_true(close_by_20 > models / 2);
}

/* --- attention ------------------------------------------------------------------------------------------------------------------------------------ */

static void as_shown(probed *p)
{
    float scores[MOST * MOST];
    if (!attends(p)) return;
    lens(p, "weights", scores, NULL);
    const heed_output *o = probed_forced(p, p->source_text);
    for (int64_t t = 0; t < o->count; t++)
        for (int64_t s = 0; s < o->source_count; s++) expect(p, t, s, scores, (double)o->shown[t * o->source_count + s]);
    for (int head = 0; head < o->heads; head++) {
        heed_lens_input one = p->in;
        heed_lens_note note;
        one.look = (heed_look){.layer = 0, .head = head, .shift = 1};
        assert_int_equal(heed_lens_run(heed_lens_find("weights"), &one, scores, &note, &err_of), HEED_OK);
        const float *weights = o->weights + head * o->count * o->source_count;
        for (int64_t at = 0; at < o->count * o->source_count; at++) {
            const int64_t t = at / o->source_count, from = t + 1 < o->count ? at + o->source_count : at;
            expect(p, t, at % o->source_count, scores, (double)weights[from]);
        }
    }
}

static void test_weights__are_those_that_a_run_shows(void **state) { (void)state, each_model(as_shown); }

/* Pharaoh links are made of the same sums: rows divided by their sum are word_weights. */
static void as_linked(probed *p)
{
    static const int32_t source_word[] = {0, 0, -1, 1, -1, 2, 2, -1}, target_word[] = {0, 1, 2, 3, -1};
    float scores[MOST * MOST];
    if (!attends(p)) return;
    p->in.source_word = source_word;
    p->in.target_word = target_word;
    lens(p, "alignment", scores, NULL);
    const heed_output *o = probed_forced(p, p->source_text);
    assert_int_equal(o->source_words, 3);
    for (int64_t t = 0; t < 4; t++) {
        const float *row = scores + t * p->in.S;
        const double sum = (double)row[0] + (double)row[3] + (double)row[5];
        assert_true(row[0] == row[1] && row[5] == row[6]);
        const float *words = o->word_weights + t * 3;
        for (int w = 0; w < 3 && sum > 0; w++) assert_true(probed_near((double)row[w == 0 ? 0 : w == 1 ? 3 : 5] / sum, (double)words[w], 2));
        for (int64_t s = 2; s < p->in.S; s++)
            if (source_word[s] < 0) expect(p, t, s, scores, (double)o->shown[t * p->in.S + s]);
    }
}

static void test_alignment__is_what_words_are_linked_by(void **state) { (void)state, each_model(as_linked); }

static void test_alignment__averages_the_symbols_of_a_target_word(void **state)
{
    (void)state;
    static const int32_t source_word[] = {0, 0, 0, 0, 0, 0, 0, -1}, target_word[] = {0, 0, 0, -1, -1};
    float scores[MOST * MOST], weights[MOST * MOST];
    probed p;
    probed_open(&p, probed_at(0, &model_name), "ab q ce", "A B C D");
    lens(&p, "weights", weights, NULL);
    p.in.source_word = source_word;
    p.in.target_word = target_word;
    lens(&p, "alignment", scores, NULL);
    double mean = 0;
    for (int64_t t = 0; t < 3; t++)
        for (int64_t s = 0; s < 7; s++) mean += (double)weights[t * p.in.S + s] / 3;
    for (int64_t t = 0; t < 3; t++)
        for (int64_t s = 0; s < 7; s++) expect(&p, t, s, scores, mean);
    probed_close(&p);
}

/* What each key adds, as vectors, summed over the heads before anything is measured. */
typedef struct adding { const probed *p; double norm[MOST * MOST]; } adding;

static void add_up(void *self, const heed_sighting *s)
{
    adding *a = self;
    const heed_attend_args *args = &s->attended->args;
    const int64_t H = s->attn->is.heads, Hk = s->attn->is.key_heads, d = args->v->cols / Hk, D = heed_attn_width(s->attn);
    if (s->site != HEED_SITE_CROSS || s->layer != a->p->in.look.layer) return;
    for (int64_t i = 0; i < s->rows; i++)
        for (int64_t j = 0; j < s->keys; j++) {
            double sum[64] = {0}, square = 0;
            for (int64_t h = 0; h < H; h++) {
                float weights[MOST];
                heed_sighting_weights(s, i, h, weights);
                for (int64_t c = 0; c < d; c++) {
                    const double part = (double)weights[j] * (double)args->v->x[(args->keys.start[s->group] + j) * args->v->cols + h * Hk / H * d + c];
                    for (int64_t o = 0; o < D; o++)
                        sum[o] += s->attn->out ? part * (double)s->attn->out->tensor.x[o * H * d + h * d + c] : o == h * d + c ? part : 0;
                }
            }
            for (int64_t o = 0; o < D; o++) square += sum[o] * sum[o];
            a->norm[(s->first + i) * s->keys + j] = sqrt(square);
        }
}

static void measured(probed *p)
{
    float scores[MOST * MOST];
    adding a = {.p = p};
    if (!attends(p)) return;
    lens(p, "norms", scores, NULL);
    assert_int_equal(heed_lens_watch(&p->in, add_up, &a, NULL), HEED_OK);
    for (int64_t at = 0; at < p->in.T * p->in.S; at++) expect(p, at / p->in.S, at % p->in.S, scores, a.norm[at]);
}

static void test_norms__are_those_of_what_each_key_adds(void **state) { (void)state, each_model(measured); }

/* One matrix over source and target positions side by side; every layer is a matrix over them too, and rollout their product. */
typedef struct joint { int64_t S, T, n; bool recurrent; double z[2 * MOST][2 * MOST]; } joint;

static void multiply(void *self, const heed_sighting *s)
{
    joint *j = self;
    double m[2 * MOST][2 * MOST] = {{0}}, z[2 * MOST][2 * MOST] = {{0}};
    const int64_t rows = s->site == HEED_SITE_ENCODER ? 0 : j->S, cols = s->site == HEED_SITE_DECODER ? j->S : 0, H = s->attn->is.heads;
    for (int64_t i = 0; i < j->n; i++) m[i][i] = 1;
    for (int64_t i = 0; i < s->rows; i++) {
        const double half = j->recurrent && s->site == HEED_SITE_CROSS ? 1 : 0.5;
        const int64_t row = rows + s->first + i;
        m[row][row] -= half;
        for (int64_t h = 0; h < H; h++) {
            float weights[MOST];
            heed_sighting_weights(s, i, h, weights);
            for (int64_t k = 0; k < s->keys; k++) m[row][cols + k] += half * (double)weights[k] / (double)H;
        }
    }
    for (int64_t i = 0; i < j->n; i++)
        for (int64_t k = 0; k < j->n; k++)
            for (int64_t l = 0; l < j->n; l++) z[i][l] += m[i][k] * j->z[k][l];
    memcpy(j->z, z, sizeof z);
}

static void rolled(probed *p)
{
    float scores[MOST * MOST];
    joint *j = calloc(1, sizeof *j);
    *j = (joint){.S = p->in.S, .T = p->in.T, .n = p->in.S + p->in.T, .recurrent = p->model->recipe.model.decoder.type == HEED_DECODER_rnn};
    for (int64_t i = 0; i < j->n; i++) j->z[i][i] = 1;
    if (attends(p)) {
        lens(p, "rollout", scores, NULL);
        assert_int_equal(heed_lens_watch(&p->in, multiply, j, NULL), HEED_OK);
        for (int64_t at = 0; at < p->in.T * p->in.S; at++) expect(p, at / p->in.S, at % p->in.S, scores, j->z[p->in.S + at / p->in.S][at % p->in.S]);
    }
    free(j);
}

static void test_rollout__is_the_product_of_all_layers_matrices(void **state) { (void)state, each_model(rolled); }

/* --- all of them ------------------------------------------------------------------------------------------------------------------------------------ */

static void test_lens_run__says_what_a_model_without_attention_can_show(void **state)
{
    (void)state;
    probed p;
    heed_error err;
    heed_lens_note note;
    float scores[MOST * MOST];
    probed_open(&p, &(tiny){.attention = "{score: none}"}, "ab q", "A B");
    for (int i = 0; heed_lens_kind_at(i); i++) {
        const heed_lens_kind *k = heed_lens_kind_at(i);
        const heed_status status = heed_lens_run(k, &p.in, scores, &note, &err);
        assert_int_equal(status, k->is.attention ? HEED_E_USAGE : HEED_OK);
        if (status) assert_non_null(strstr(err.text, "leave-one-out, gradient-x-input and integrated-gradients need none"));
    }
    probed_close(&p);
}

static void test_lens_run__gives_the_same_bits_again_and_leaves_the_model_as_it_was(void **state)
{
    (void)state;
    for (int i = 0; i < 9; i++) {
        probed p;
        float before[MOST], after[MOST], one[MOST * MOST], two[MOST * MOST];
        heed_lens_note note;
        probed_open(&p, probed_at(i, &model_name), "ab q", "A B");
        const heed_variant v = {.source = p.source, .S = p.in.S, .target = p.target, .T = p.in.T};
        probed_logp(&p, &v, before);
        for (int k = 0; heed_lens_kind_at(k); k++) {
            if (heed_lens_kind_at(k)->is.attention && !attends(&p)) continue;
            if (heed_lens_run(heed_lens_kind_at(k), &p.in, one, &note, &err_of)) fail_msg("%s %s: %s", model_name, heed_lens_kind_at(k)->is.name, err_of.text);
            assert_int_equal(heed_lens_run(heed_lens_kind_at(k), &p.in, two, &note, &err_of), HEED_OK);
            assert_memory_equal(one, two, (size_t)(p.in.T * p.in.S) * sizeof *one);
            probed_logp(&p, &v, after);
            assert_memory_equal(before, after, (size_t)v.T * sizeof *after);
        }
        probed_close(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leave_one_out__is_what_ln_p_loses_when_the_shortened_text_is_run),
        cmocka_unit_test(test_value_zeroing__is_what_ln_p_loses_when_nobody_weighs_the_symbol),
        cmocka_unit_test(test_integrated_gradients__sum_to_what_the_source_is_worth),
        cmocka_unit_test(test_weights__are_those_that_a_run_shows),
        cmocka_unit_test(test_alignment__is_what_words_are_linked_by),
        cmocka_unit_test(test_alignment__averages_the_symbols_of_a_target_word),
        cmocka_unit_test(test_norms__are_those_of_what_each_key_adds),
        cmocka_unit_test(test_rollout__is_the_product_of_all_layers_matrices),
        cmocka_unit_test(test_lens_run__says_what_a_model_without_attention_can_show),
        cmocka_unit_test(test_lens_run__gives_the_same_bits_again_and_leaves_the_model_as_it_was),
    };
    return cmocka_run_group_tests_name("lens", tests, NULL, NULL);
}
