/* The probe: what it says of a pair is what a run says, what it changes is what it was told to, and its gradients are slopes. */
#include "task/probed.h"
#include "tensor/tape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST = PROBED_MOST };

static heed_variant pair_of(const probed *p) { return (heed_variant){.source = p->source, .S = p->in.S, .target = p->target, .T = p->in.T}; }

static void each_model(void (*visit)(probed *p, const char *name))
{
    for (int i = 0; i < probed_count(); i++) {
        probed p;
        const char *name;
        probed_open(&p, probed_at(i, &name), "ab qed", "A B C D");
        visit(&p, name);
        probed_close(&p);
    }
}

/* --- ln p -------------------------------------------------------------------------------------------------------------------------------------- */

static void as_forced(probed *p, const char *name)
{
    float logp[MOST];
    const heed_variant v = pair_of(p);
    probed_logp(p, &v, logp);
    const heed_output *o = probed_forced(p, p->source_text);
    assert_int_equal(o->count, p->in.T);
    for (int64_t t = 0; t < o->count; t++)
        if (!probed_near((double)logp[t], o->tokens[t].logp, 1)) fail_msg("%s: symbol %d has %.8g, a run says %.8g", name, (int)t, (double)logp[t], o->tokens[t].logp);
}

static void test_probe_run__says_of_a_pair_what_a_forced_run_says(void **state) { (void)state, each_model(as_forced); }

/* Shorter sources and targets beside it, in another order. */
static void alone_and_not(probed *p, const char *name)
{
    float alone[MOST], logp[5][MOST];
    heed_variant v[5];
    for (int i = 0; i < 5; i++) {
        v[i] = pair_of(p);
        v[i].S -= i % 3;
        v[i].T -= (i + 2) % 4;
        v[i].logp = logp[i];
    }
    assert_int_equal(heed_probe_run(p->probe, v, 5, NULL), HEED_OK);
    for (int i = 0; i < 5; i++) {
        probed_logp(p, &v[i], alone);
        if (memcmp(alone, logp[i], (size_t)v[i].T * sizeof *alone) != 0) fail_msg("%s: variant %d hangs on its neighbours", name, i);
    }
}

static void test_probe_run__gives_a_variant_the_same_bits_whatever_runs_beside_it(void **state) { (void)state, each_model(alone_and_not); }

/* Rows that are equal in several variants are multiplied once. */
static void near_twins(probed *p, const char *name)
{
    float alone[MOST], logp[6][MOST], half[MOST];
    int32_t ids[6][MOST];
    bool muted[MOST] = {true};
    heed_variant v[6];
    for (int i = 0; i < MOST; i++) half[i] = 0.5f;
    for (int i = 0; i < 6; i++) {
        v[i] = pair_of(p);
        memcpy(ids[i], p->source, (size_t)v[i].S * sizeof **ids);
        if (i % 2) ids[i][i / 2] = p->source[0];
        v[i].source = ids[i];
        v[i].logp = logp[i];
    }
    v[2].muted = muted;
    v[4].scale = half;
    assert_int_equal(heed_probe_run(p->probe, v, 6, NULL), HEED_OK);
    for (int i = 0; i < 6; i++) {
        probed_logp(p, &v[i], alone);
        if (memcmp(alone, logp[i], (size_t)v[i].T * sizeof *alone) != 0) fail_msg("%s: variant %d hangs on its twins", name, i);
    }
}

static void test_probe_run__gives_a_variant_the_same_bits_beside_ones_that_are_nearly_equal(void **state) { (void)state, each_model(near_twins); }

static void look(void *self, const heed_sighting *s)
{
    float weights[MOST];
    int64_t *seen = self;
    for (int64_t i = 0; i < s->rows; i++)
        for (int64_t h = 0; h < s->attn->is.heads; h++, seen[s->site]++) heed_sighting_weights(s, i, h, weights);
}

static void watched(probed *p, const char *name)
{
    float alone[MOST], logp[MOST];
    const heed_variant v = pair_of(p);
    int64_t seen[HEED_SITES] = {0};
    probed_logp(p, &v, alone);
    assert_null(heed_probe_observe(p->probe, &(heed_observer){seen, look}));
    probed_logp(p, &v, logp);
    heed_probe_observe(p->probe, NULL);
    if (memcmp(alone, logp, (size_t)p->in.T * sizeof *logp) != 0) fail_msg("%s: being watched changed it", name);
    for (heed_site site = 0; site < HEED_SITES; site++) {
        int layers, heads;
        heed_probe_heads(p->probe, site, &layers, &heads);
        const int64_t rows = site == HEED_SITE_ENCODER ? p->in.S : p->in.T;
        if (seen[site] != layers * heads * rows) fail_msg("%s: %d rows of %s, %d layers, %d heads", name, (int)seen[site], heed_site_name(site), layers, heads);
    }
}

static void test_probe_observe__sees_every_row_of_every_head_and_changes_no_bit(void **state) { (void)state, each_model(watched); }

/* --- gradients ---------------------------------------------------------------------------------------------------------------------------------- */

/* ln p of the last symbol, with the embedding of source symbol s scaled. */
static double with_scale(probed *p, int64_t T, int64_t s, float by)
{
    float logp[MOST], scale[MOST];
    heed_variant v = pair_of(p);
    for (int64_t j = 0; j < v.S; j++) scale[j] = j == s ? by : 1;
    v.T = T;
    v.scale = scale;
    probed_logp(p, &v, logp);
    return (double)logp[T - 1];
}

static double slope_over(probed *p, int64_t t, int64_t s, float h, double *bend)
{
    const double low = with_scale(p, t + 1, s, 1 - h), here = with_scale(p, t + 1, s, 1), high = with_scale(p, t + 1, s, 1 + h);
    *bend = fabs(high - 2 * here + low) / (double)h;
    return (high - low) / (2 * (double)h);
}

/* A slope over 2 h errs by the third derivative times h^2 / 6, which a slope over h tells, by the roundings of ln p, some 1e-6, over h, and where there is a
 * kink between (sparsemax) by half of what the slope changes there. Where it changes much nothing is said. */
static void slopes(probed *p, const char *name)
{
    const float h = 0x1p-9F;
    float scores[MOST * MOST];
    heed_lens_note note;
    heed_error err;
    int64_t told = 0;
    if (heed_lens_run(heed_lens_find("gradient-x-input"), &p->in, scores, &note, &err) != HEED_OK) fail_msg("%s: %s", name, err.text);
    for (int64_t t = 0; t < p->in.T; t++)
        for (int64_t s = 0; s < p->in.S; s++) {
            double bend, half_bend;
            const double score = (double)scores[t * p->in.S + s], wide = slope_over(p, t, s, h, &bend), slope = slope_over(p, t, s, h / 2, &half_bend);
            if (bend > 0.03 * (1 + fabs(slope))) continue;
            told++;
            if (fabs(slope - score) > 2e-3 * (1 + fabs(slope)) + fabs(wide - slope) + half_bend / 2)
                fail_msg("%s: [%d,%d] %.6g, slopes %.6g and %.6g, bends %.3g and %.3g", name, (int)t, (int)s, score, wide, slope, bend, half_bend);
        }
    if (told < p->in.T * p->in.S / 2) fail_msg("%s: %d slopes told", name, (int)told);
}

static void test_probe_gradients__are_the_slopes_of_ln_p(void **state) { (void)state, each_model(slopes); }

static void keep(void *self, int64_t variant, const float *e, const float *g, int64_t E)
{
    (void)variant;
    memcpy(self, e, (size_t)E * sizeof *e);
    memcpy((float *)self + E, g, (size_t)E * sizeof *g);
}

static void test_probe_baseline__is_what_scaled_embeddings_lead_to(void **state)
{
    (void)state;
    probed p;
    const char *name;
    float mean[64], both[128], zero[MOST] = {0};
    probed_open(&p, probed_at(0, &name), "ab", "A B");
    const int64_t E = heed_probe_width(p.probe);
    assert_true(E <= 64);
    heed_probe_mean(p.probe, mean);
    heed_probe_baseline(p.probe, mean);
    heed_variant v = pair_of(&p);
    v.scale = zero;
    assert_int_equal(heed_probe_gradients(p.probe, &v, 1, keep, both, NULL), HEED_OK);
    for (int64_t e = 0; e < E; e++) assert_true(both[e] == mean[e]);
    heed_probe_baseline(p.probe, NULL);
    assert_int_equal(heed_probe_gradients(p.probe, &v, 1, keep, both, NULL), HEED_OK);
    for (int64_t e = 0; e < E; e++) assert_true(both[e] == 0);
    probed_close(&p);
}

typedef struct kept { int64_t S; float g[MOST][MOST * 64]; } kept;

static void keep_all(void *self, int64_t variant, const float *embeddings, const float *gradients, int64_t E)
{
    kept *k = self;
    (void)embeddings;
    memcpy(k->g[variant], gradients, (size_t)(k->S * E) * sizeof *gradients);
}

/* Of every symbol written, in one batch, whose forward passes are alike; then of weights that want no gradients, as in a model that is opened to be run. */
static void same_gradients(probed *p, const char *name)
{
    static kept all, alone, frozen;
    heed_variant v[MOST];
    const size_t bytes = (size_t)(p->in.S * heed_probe_width(p->probe)) * sizeof(float);
    assert_true(heed_probe_width(p->probe) <= 64);
    all.S = alone.S = frozen.S = p->in.S;
    for (int64_t t = 0; t < p->in.T; t++) {
        v[t] = pair_of(p);
        v[t].T = t + 1;
        assert_int_equal(heed_probe_gradients(p->probe, &v[t], 1, keep_all, &alone, NULL), HEED_OK);
        memcpy(alone.g[t + 1], alone.g[0], bytes);
    }
    assert_int_equal(heed_probe_gradients(p->probe, v, p->in.T, keep_all, &all, NULL), HEED_OK);
    for (int64_t i = 0; i < heed_params_count(p->model->params); i++) heed_weight_freeze(heed_params_at(p->model->params, i));
    assert_int_equal(heed_probe_gradients(p->probe, v, p->in.T, keep_all, &frozen, NULL), HEED_OK);
    assert_int_equal(p->tape->pending_count, 0);
    for (int64_t t = 0; t < p->in.T; t++) {
        if (memcmp(all.g[t], alone.g[t + 1], bytes) != 0) fail_msg("%s: symbol %d hangs on its neighbours", name, (int)t);
        if (memcmp(all.g[t], frozen.g[t], bytes) != 0) fail_msg("%s: symbol %d hangs on whether weights want gradients", name, (int)t);
    }
}

static void test_probe_gradients__have_the_same_bits_alone_and_with_frozen_weights(void **state) { (void)state, each_model(same_gradients); }

/* --- changes ---------------------------------------------------------------------------------------------------------------------------------- */

typedef enum change { SAME, OFF, ONE_ROW } change;
typedef struct changer { change what; int64_t row; int64_t calls; } changer;

static bool wants(void *self, heed_site site, int layer)
{
    (void)self;
    return site == HEED_SITE_CROSS && layer == 0;
}

static bool change_row(void *self, const heed_aim *aim, float *weights)
{
    changer *c = self;
    c->calls++;
    if (c->what == OFF) memset(weights, 0, (size_t)aim->keys * sizeof *weights);
    if (c->what != ONE_ROW) return true;
    for (int64_t j = 0; j < aim->keys; j++) weights[j] = j == 0;
    return aim->row == c->row;
}

static void run_changed(probed *p, changer *c, float *logp)
{
    const heed_variant v = pair_of(p);
    heed_probe_meddle(p->probe, &(heed_meddler){c, wants, change_row});
    probed_logp(p, &v, logp);
    heed_probe_meddle(p->probe, NULL);
}

/* The same weights given back: the same sums in another order, and again as before once the meddler is gone. A row overwritten: what was written before it does
 * not know, what follows does. */
static void meddled(probed *p, const char *name)
{
    float plain[MOST], changed[MOST], after[MOST];
    const heed_variant v = pair_of(p);
    int layers, heads;
    heed_probe_heads(p->probe, HEED_SITE_CROSS, &layers, &heads);
    probed_logp(p, &v, plain);
    changer same = {SAME, 0, 0}, row = {ONE_ROW, 2, 0}, off = {OFF, 0, 0};
    run_changed(p, &same, changed);
    probed_logp(p, &v, after);
    assert_memory_equal(plain, after, (size_t)v.T * sizeof *plain);
    assert_true((same.calls > 0) == (layers > 0));
    for (int64_t t = 0; t < v.T; t++)
        if (!probed_near((double)changed[t], (double)plain[t], 1)) fail_msg("%s: the same weights give %.8g, not %.8g", name, (double)changed[t], (double)plain[t]);
    run_changed(p, &row, changed);
    for (int64_t t = 0; t < 2; t++) assert_true(probed_near((double)changed[t], (double)plain[t], 1));
    run_changed(p, &off, changed);
    if (layers && memcmp(changed, plain, (size_t)v.T * sizeof *plain) == 0) fail_msg("%s: no attention, and nothing has changed", name);
}

static void test_probe_meddle__changes_what_it_was_told_to_and_is_gone_afterwards(void **state) { (void)state, each_model(meddled); }

/* A model that reads its source into one vector knows nothing else of it. */
static void test_probe_run__takes_the_vector_of_another_source(void **state)
{
    (void)state;
    static const tiny models[] = {{.attention = "{score: none}"}, {.attention = "{score: none, vector: every_step}", .decoder_cell = "lstm", .cell = "lstm"},
                                  {.attention = "{score: none}", .layers = 2, .encoder = "type: transformer, heads: 2",
                                   .decoder = "type: transformer, heads: 2"}};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        probed p;
        float exchanged[2][MOST], own[MOST];
        const int32_t other[] = {4, 3, 5, HEED_EOS};
        probed_open(&p, &models[i], "ab qed", "A B C");
        heed_variant v[2] = {pair_of(&p), pair_of(&p)}, whole = pair_of(&p);
        v[1].other = other;
        v[1].others = 4;
        for (int k = 0; k < 2; k++) v[k].logp = exchanged[k];
        assert_int_equal(heed_probe_run(p.probe, v, 2, NULL), HEED_OK);
        probed_logp(&p, &whole, own);
        for (int64_t t = 0; t < whole.T; t++) assert_true(exchanged[0][t] == own[t]);
        whole.source = other;
        whole.S = 4;
        probed_logp(&p, &whole, own);
        for (int64_t t = 0; t < whole.T; t++) assert_true(exchanged[1][t] == own[t]);
        probed_close(&p);
    }
}

static void test_probe_run__refuses_what_has_no_meaning(void **state)
{
    (void)state;
    probed p;
    const char *name;
    heed_error err;
    probed_open(&p, probed_at(0, &name), "ab", "A B");
    heed_variant v = pair_of(&p);
    v.other = p.source;
    v.others = v.S;
    assert_int_equal(heed_probe_run(p.probe, &v, 1, &err), HEED_E_USAGE);
    assert_non_null(strstr(err.text, "begins with no vector"));
    v = pair_of(&p);
    v.S = 0;
    assert_int_equal(heed_probe_run(p.probe, &v, 1, &err), HEED_E_USAGE);
    heed_params_values(p.model->params)[heed_params_find(p.model->params, "head.bias")->offset] = NAN;
    float logp[MOST];
    v = pair_of(&p);
    v.logp = logp;
    assert_int_equal(heed_probe_run(p.probe, &v, 1, &err), HEED_E_MODEL);
    assert_non_null(strstr(err.text, "not a number"));
    probed_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probe_run__says_of_a_pair_what_a_forced_run_says),
        cmocka_unit_test(test_probe_run__gives_a_variant_the_same_bits_whatever_runs_beside_it),
        cmocka_unit_test(test_probe_run__gives_a_variant_the_same_bits_beside_ones_that_are_nearly_equal),
        cmocka_unit_test(test_probe_observe__sees_every_row_of_every_head_and_changes_no_bit),
        cmocka_unit_test(test_probe_gradients__are_the_slopes_of_ln_p),
        cmocka_unit_test(test_probe_gradients__have_the_same_bits_alone_and_with_frozen_weights),
        cmocka_unit_test(test_probe_baseline__is_what_scaled_embeddings_lead_to),
        cmocka_unit_test(test_probe_meddle__changes_what_it_was_told_to_and_is_gone_afterwards),
        cmocka_unit_test(test_probe_run__takes_the_vector_of_another_source),
        cmocka_unit_test(test_probe_run__refuses_what_has_no_meaning),
    };
    return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
