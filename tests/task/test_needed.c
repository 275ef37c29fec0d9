/* Other weights in the place of attention's (explain/looks.h), whole distributions (heed_probe_listen), and heed_needed_measure's figures. */
#include "task/probed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "explain/looks.h"
#include "support/scratch.h"

enum { MOST = PROBED_MOST, WORDS = 64 };

static const char *model_name;

static void each_model(void (*visit)(probed *p))
{
    for (int i = 0; i < probed_count(); i++) {
        probed p;
        probed_open(&p, probed_at(i, &model_name), "ab qed", "A B C D");
        visit(&p);
        probed_close(&p);
    }
}

static heed_variant pair_of(const probed *p) { return (heed_variant){.source = p->source, .S = p->in.S, .target = p->target, .T = p->in.T}; }

/* --- whole distributions ------------------------------------------------------------------------------------------------------------------------ */

typedef struct heard { int64_t V; int times[2][MOST]; float logp[2][MOST][WORDS]; } heard;

static void hear(void *self, int64_t variant, int64_t symbol, const float *logp, int64_t V)
{
    heard *h = self;
    assert_true(V <= WORDS);
    h->V = V;
    h->times[variant][symbol]++;
    memcpy(h->logp[variant][symbol], logp, (size_t)V * sizeof *logp);
}

static void listen(const probed *p, const heed_variant *v, int64_t count, heard *h)
{
    heed_error err;
    *h = (heard){0};
    const heed_listener listener = {h, hear};
    heed_probe_listen(p->probe, &listener);
    if (heed_probe_run(p->probe, v, count, &err) != HEED_OK) fail_msg("%s: %s", model_name, err.text);
    assert_ptr_equal(heed_probe_listen(p->probe, NULL), &listener);
}

/* Two variants of different length; the second asks for its last symbol alone, and all are heard. A sum of V numbers is off by V roundings, and each of them by
 * that of an exponent of some tens. */
static void told(probed *p)
{
    float logp[2][MOST];
    heed_variant v[2] = {pair_of(p), pair_of(p)};
    static heard h;
    v[0].T -= 2;
    v[1].last = true;
    for (int i = 0; i < 2; i++) v[i].logp = logp[i];
    listen(p, v, 2, &h);
    for (int i = 0; i < 2; i++)
        for (int64_t t = 0; t < v[i].T; t++) {
            double sum = 0;
            assert_int_equal(h.times[i][t], 1);
            for (int64_t w = 0; w < h.V; w++) sum += exp((double)h.logp[i][t][w]);
            if (fabs(sum - 1) > 1e-5) fail_msg("%s: all p of symbol %d sum to %.8g", model_name, (int)t, sum);
            const float said = h.logp[i][t][p->target[t]], told = logp[i][i ? 0 : t];
            if ((!i || t == v[i].T - 1) && said != told) fail_msg("%s: symbol %d is heard as %.8g, told as %.8g", model_name, (int)t, (double)said, (double)told);
        }
}

static void test_probe_listen__hears_every_symbols_whole_distribution(void **state) { (void)state, each_model(told); }

/* --- other weights ------------------------------------------------------------------------------------------------------------------------------ */

static int by_size(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static bool same_multiset(const float *a, const float *b, int64_t n)
{
    float x[MOST], y[MOST];
    memcpy(x, a, (size_t)n * sizeof *x);
    memcpy(y, b, (size_t)n * sizeof *y);
    qsort(x, (size_t)n, sizeof *x, by_size);
    qsort(y, (size_t)n, sizeof *y, by_size);
    return memcmp(x, y, (size_t)n * sizeof *x) == 0;
}

static void check_row(const heed_looks *own, const heed_looks *permuted, const heed_looks *level, int64_t row)
{
    const int64_t at = row * own->S;
    int64_t n = 0;
    for (int64_t j = 0; j < own->S; j++) n += own->seen[at + j];
    for (int64_t j = 0; j < own->S; j++) {
        const bool seen = own->seen[at + j];
        if (!seen && (own->weights[at + j] != 0 || permuted->weights[at + j] != 0)) fail_msg("%s: a key that is not seen has a weight", model_name);
        if (level->weights[at + j] != (seen ? 1 / (float)n : 0)) fail_msg("%s: row %d is not uniform", model_name, (int)row);
    }
    if (!same_multiset(own->weights + at, permuted->weights + at, own->S)) fail_msg("%s: row %d has other weights", model_name, (int)row);
}

typedef struct comparing { const heed_looks *looks; int64_t rows; } comparing;

static void compare(void *self, const heed_sighting *s)
{
    comparing *c = self;
    float weights[MOST];
    for (int64_t i = 0; s->site == HEED_SITE_CROSS && i < s->rows; i++)
        for (int h = 0; h < c->looks->heads; h++, c->rows++) {
            heed_sighting_weights(s, i, h, weights);
            const float *want = c->looks->weights + ((s->layer * c->looks->heads + h) * c->looks->T + s->first + i) * c->looks->S;
            if (memcmp(weights, want, (size_t)s->keys * sizeof *want) != 0) fail_msg("%s: layer %d, row %d has not what was imposed", model_name, s->layer, (int)(s->first + i));
        }
}

static void impose(const probed *p, const heed_looks *looks, float *logp)
{
    const heed_variant v = pair_of(p);
    comparing c = {looks, 0};
    const heed_meddler meddler = heed_looks_imposed(looks);
    heed_probe_meddle(p->probe, &meddler);
    heed_probe_observe(p->probe, &(heed_observer){&c, compare});
    probed_logp(p, &v, logp);
    heed_probe_meddle(p->probe, NULL);
    heed_probe_observe(p->probe, NULL);
    assert_int_equal(c.rows, looks->layers * looks->heads * looks->T);
}

static void changed(probed *p)
{
    heed_arena *arena = heed_arena_new(0);
    heed_looks own, permuted, again, level;
    float plain[MOST], recorded[MOST], logp[MOST];
    heed_error err;
    heed_variant v = pair_of(p);
    const int64_t count = heed_looks_count(p->probe, v.T, v.S);
    if (count) {
        assert_true(heed_looks_make(arena, p->probe, v.T, v.S, true, &own) && heed_looks_make(arena, p->probe, v.T, v.S, false, &permuted));
        assert_true(heed_looks_make(arena, p->probe, v.T, v.S, false, &again) && heed_looks_make(arena, p->probe, v.T, v.S, false, &level));
        probed_logp(p, &v, plain);
        v.logp = recorded;
        if (heed_looks_record(p->probe, &v, &own, &err) != HEED_OK) fail_msg("%s: %s", model_name, err.text);
        for (int64_t t = 0; t < v.T; t++)
            if (!probed_near((double)recorded[t], (double)plain[t], 1)) fail_msg("%s: being recorded changed it", model_name);
        heed_looks_permute(&own, 5, &permuted);
        heed_looks_permute(&own, 5, &again);
        assert_memory_equal(permuted.weights, again.weights, (size_t)count * sizeof(float));
        heed_looks_level(&own, &level);
        for (int64_t row = 0; row < count / v.S; row++) check_row(&own, &permuted, &level, row);
        impose(p, &own, logp);
        if (memcmp(recorded, logp, (size_t)v.T * sizeof *logp) != 0) fail_msg("%s: its own weights changed it", model_name);
        impose(p, &permuted, logp);
        impose(p, &level, logp);
    }
    heed_arena_free(arena);
}

static void test_looks__permuted_rows_keep_their_weights_and_what_is_imposed_is_used(void **state) { (void)state, each_model(changed); }

static void test_looks__another_key_draws_another_order(void **state)
{
    (void)state;
    probed p;
    heed_looks own, drawn[2];
    heed_arena *arena = heed_arena_new(0);
    probed_open(&p, &(tiny){0}, "abcde abcde", "A B C D");
    for (int i = 0; i < 2; i++) assert_true(heed_looks_make(arena, p.probe, p.in.T, p.in.S, false, &drawn[i]));
    assert_true(heed_looks_make(arena, p.probe, p.in.T, p.in.S, true, &own));
    assert_int_equal(heed_looks_record(p.probe, &(heed_variant){.source = p.source, .S = p.in.S, .target = p.target, .T = p.in.T}, &own, NULL), HEED_OK);
    for (int i = 0; i < 2; i++) heed_looks_permute(&own, (uint64_t)i, &drawn[i]);
    for (int64_t t = 0; t < p.in.T; t++) assert_memory_not_equal(drawn[0].weights + t * own.S, drawn[1].weights + t * own.S, (size_t)own.S * sizeof(float));
    heed_arena_free(arena);
    probed_close(&p);
}

static void test_looks_divergence__by_hand(void **state)
{
    (void)state;
    float a[] = {1, 0, 0.5F, 0.25F, 0, 0}, b[] = {0, 2, 0.5F, 0.25F, 1, 0};
    const heed_looks x = {.layers = 1, .heads = 1, .T = 3, .S = 2, .weights = a}, y = {.layers = 1, .heads = 1, .T = 3, .S = 2, .weights = b};
    assert_true(fabs(heed_looks_divergence(&x, &y) - log(2)) < 1e-12);      /* all apart; alike; a row that sees nothing */
    assert_true(heed_looks_divergence(&x, &x) == 0);
    float half[] = {1, 0}, level[] = {0.5F, 0.5F};
    const heed_looks one = {.layers = 1, .heads = 1, .T = 1, .S = 2, .weights = half}, two = {.layers = 1, .heads = 1, .T = 1, .S = 2, .weights = level};
    const double right = (log(1 / 0.75) + 0.5 * log(0.5 / 0.75) + 0.5 * log(0.5 / 0.25)) / 2;
    assert_true(fabs(heed_looks_divergence(&one, &two) - right) < 1e-12 && heed_looks_divergence(&one, &two) == heed_looks_divergence(&two, &one));
}

/* --- over a corpus ----------------------------------------------------------------------------------------------------------------------------- */

static const char pairs[] = "ab q\tA B\nce\tC\nabcde qq\tB A D\n\tA\ne d c\tE E\nbbb a\tD C B A\n";

static heed_status try(const heed_model *m, int threads, const heed_needed_options *o, heed_needed *n, heed_error *err)
{
    heed_session *s = heed_session_new(m, &(heed_session_options){.threads = threads}, err);
    assert_non_null(s);
    heed_status status = heed_needed_measure(s, o, n, err);
    heed_session_free(s);
    return status;
}

static heed_needed measure(const heed_model *m, int threads, const heed_needed_options *o)
{
    heed_error err;
    heed_needed n;
    if (try(m, threads, o, &n, &err) != HEED_OK) fail_msg("%s", err.text);
    return n;
}

static void is_exactly(const heed_estimate *e, double value)
{
    if (e->value != value || e->low != value || e->high != value) fail_msg("%s: %.8g, %.8g to %.8g, not %g", model_name, e->value, e->low, e->high, value);
}

/* The model's own weights, by way of another model that is the same: nothing has moved, to the bit. */
static void test_needed__the_same_weights_change_nothing(void **state)
{
    (void)state;
    const char *path = scratch_text("pairs.tsv", pairs);
    for (int i = 0; i < probed_count(); i++) {
        heed_model *m = tiny_build(probed_at(i, &model_name));
        int layers, heads;
        heed_model_looks(m, &layers, &heads);
        if (layers) {
            const heed_needed n = measure(m, 1, &(heed_needed_options){.source = path, .other = m});
            assert_int_equal(n.count, HEED_CHANGES);
            assert_true(n.layers == layers && n.heads == heads);
            for (int k = HEED_CHANGE_OTHER; k <= HEED_CHANGE_MODEL; k++) {
                const heed_attention_changed *c = &n.changed[k];
                is_exactly(&c->same, 1);
                is_exactly(&c->distance, 0);
                is_exactly(&c->median, 0);
                is_exactly(&c->divergence, 0);
                assert_memory_equal(&c->loss, &n.loss, sizeof n.loss);
            }
        }
        heed_model_free(m);
    }
}

/* Additive attention whose v is zeros scores all keys alike: what that model says is what uniform weights make of the first. */
static void test_needed__uniform_weights_are_those_of_a_model_that_scores_all_alike(void **state)
{
    (void)state;
    probed own, flat;
    static heard mine, other;
    probed_open(&own, &(tiny){0}, "ab q", "A B");
    probed_open(&flat, &(tiny){0}, "ab q", "A B");
    const heed_weight *v = heed_params_find(flat.model->params, "attention.v");
    memset(heed_params_values(flat.model->params) + v->offset, 0, (size_t)(v->tensor.rows * v->tensor.cols) * sizeof(float));
    const heed_output *o = probed_forced(&flat, "ab q");
    double loss = 0, distance = 0, same = 0;
    const int64_t T = o->count;
    for (int64_t t = 0; t < T; t++) loss -= o->tokens[t].logp / (double)T;
    listen(&own, &(heed_variant){.source = own.source, .S = own.in.S, .target = own.target, .T = own.in.T}, 1, &mine);
    listen(&flat, &(heed_variant){.source = own.source, .S = own.in.S, .target = own.target, .T = own.in.T}, 1, &other);
    for (int64_t t = 0; t < T; t++) {
        int64_t best = 0, best_other = 0;
        for (int64_t w = 0; w < mine.V; w++) {
            distance += fabs(exp((double)mine.logp[0][t][w]) - exp((double)other.logp[0][t][w])) / 2 / (double)T;
            best = mine.logp[0][t][w] > mine.logp[0][t][best] ? w : best;
            best_other = other.logp[0][t][w] > other.logp[0][t][best_other] ? w : best_other;
        }
        same += (best == best_other) / (double)T;
    }
    const heed_needed n = measure(own.model, 1, &(heed_needed_options){.source = scratch_text("one.tsv", "ab q\tA B\n")});
    const heed_attention_changed *c = &n.changed[HEED_CHANGE_UNIFORM];
    assert_int_equal(n.count, HEED_CHANGE_OTHER);
    assert_int_equal(n.symbols, T);
    assert_true(distance > 1e-3);      /* there is something to find */
    assert_true(fabs(c->loss.value - loss) < 5e-5 * (1 + loss) && fabs(c->distance.value - distance) < 5e-5 && c->same.value == same);
    probed_close(&own);
    probed_close(&flat);
}

/* Attention that is the same for all keys is so however it is permuted; a softmax may round 1/n otherwise. */
static void test_needed__nothing_changes_a_model_whose_score_is_uniform(void **state)
{
    (void)state;
    static const tiny models[] = {{.attention = "{score: uniform, heads: 2}"}, {.attention = "{score: uniform, align: window, window: 1, copy: true}"},
                                  {.attention = "{score: uniform, heads: 3}", .encoder = "type: transformer, heads: 2, score: uniform",
                                   .decoder = "type: transformer, heads: 3, score: uniform", .layers = 2}};
    const char *path = scratch_text("pairs.tsv", pairs);
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        heed_model *m = tiny_build(&models[i]);
        int64_t longest[2];
        model_name = models[i].attention;
        const heed_needed n = measure(m, 1, &(heed_needed_options){.source = path});
        is_exactly(&n.changed[HEED_CHANGE_PERMUTED].distance, 0);
        is_exactly(&n.changed[HEED_CHANGE_PERMUTED].same, 1);
        assert_true(n.changed[HEED_CHANGE_UNIFORM].distance.value < 1e-6 && n.changed[HEED_CHANGE_UNIFORM].divergence.value < 1e-12);
        heed_model_longest(m, &longest[0], &longest[1]);
        assert_true(longest[0] == 0 && longest[1] == 0);      /* no place has a row of its own */
        heed_model_free(m);
    }
}

static void test_needed__figures_do_not_depend_on_threads(void **state)
{
    (void)state;
    heed_model *m = tiny_build(&(tiny){0}), *other = tiny_build(&(tiny){.train = "train: {seed: 9}"});
    const heed_needed_options o = {.source = scratch_text("pairs.tsv", pairs), .other = other};
    const heed_needed one = measure(m, 1, &o), three = measure(m, 3, &o);
    assert_int_equal(one.pairs, 5);
    assert_int_equal(one.left_out, 1);
    assert_int_equal(one.symbols, 3 + 2 + 4 + 3 + 5);
    for (int i = 0; i < one.count; i++) {
        const heed_attention_changed *a = &one.changed[i], *b = &three.changed[i];
        assert_int_equal(a->change, i);
        const heed_estimate x[] = {a->loss, a->same, a->distance, a->median, a->divergence}, y[] = {b->loss, b->same, b->distance, b->median, b->divergence};
        assert_memory_equal(x, y, sizeof x);
        for (int k = 0; k < 5; k++) assert_true(x[k].low <= x[k].value && x[k].value <= x[k].high);
        assert_true(a->distance.value > 0 && a->distance.value <= 1 && a->divergence.value > 0 && a->divergence.value <= log(2));
    }
    /* Of the other as it is, and of its weights: the same divergence, and its own loss. */
    const heed_needed its = measure(other, 1, &(heed_needed_options){.source = o.source});
    assert_memory_equal(&one.changed[HEED_CHANGE_MODEL].loss, &its.loss, sizeof its.loss);
    assert_memory_equal(&one.changed[HEED_CHANGE_MODEL].divergence, &one.changed[HEED_CHANGE_OTHER].divergence, sizeof its.loss);
    assert_true(one.changed[HEED_CHANGE_MODEL].distance.value != one.changed[HEED_CHANGE_OTHER].distance.value);
    heed_model_free(m);
    heed_model_free(other);
}

static void refused(const heed_model *m, const heed_needed_options *o, heed_status status, const char *part)
{
    heed_error err;
    heed_needed n;
    assert_int_equal(try(m, 1, o, &n, &err), status);
    assert_int_equal(err.status, status);
    if (!strstr(err.text, part)) fail_msg("\"%s\" lacks \"%s\"", err.text, part);
}

static bool no_further(void *user, int64_t done, int64_t of)
{
    (void)user, (void)done, (void)of;
    return false;
}

static void test_needed__bad_input_is_told(void **state)
{
    (void)state;
    heed_model *m = tiny_build(&(tiny){0}), *blind = tiny_build(&(tiny){.attention = "{score: none, vector: start}"});
    heed_model *heads = tiny_build(&(tiny){.attention = "{score: additive, heads: 2}"}), *words = tiny_build(&(tiny){.target_units = "symbols, lower: true"});
    const char *good = scratch_text("pairs.tsv", pairs);
    refused(blind, &(heed_needed_options){.source = good}, HEED_E_USAGE, "no attention that could be changed");
    refused(m, &(heed_needed_options){.source = good, .other = heads}, HEED_E_USAGE, "has 1 layers of 2 heads, this model's has 1 of 1");
    refused(m, &(heed_needed_options){.source = good, .other = blind}, HEED_E_USAGE, "has 0 layers");
    refused(m, &(heed_needed_options){.source = good, .other = words}, HEED_E_USAGE, "target vocabulary is not this model's");
    refused(m, &(heed_needed_options){.source = "nowhere.tsv"}, HEED_E_DATA, "nowhere.tsv");
    refused(m, &(heed_needed_options){.source = scratch_text("none.tsv", "")}, HEED_E_DATA, "empty file");
    refused(m, &(heed_needed_options){.source = scratch_text("one.tsv", "ab\tA\nce\n")}, HEED_E_DATA, "one.tsv: line 2: one column");
    refused(m, &(heed_needed_options){.source = scratch_text("void.tsv", "\tA\n")}, HEED_E_DATA, "no pair could be read along");
    refused(m, &(heed_needed_options){.source = good, .progress = no_further}, HEED_E_STOPPED, "stopped");
    heed_params_values(m->params)[heed_params_find(m->params, "head.bias")->offset] = NAN;
    refused(m, &(heed_needed_options){.source = good}, HEED_E_MODEL, "pairs.tsv: line ");
    heed_model_free(m);
    heed_model_free(blind);
    heed_model_free(heads);
    heed_model_free(words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probe_listen__hears_every_symbols_whole_distribution),
        cmocka_unit_test(test_looks__permuted_rows_keep_their_weights_and_what_is_imposed_is_used),
        cmocka_unit_test(test_looks__another_key_draws_another_order),
        cmocka_unit_test(test_looks_divergence__by_hand),
        cmocka_unit_test(test_needed__the_same_weights_change_nothing),
        cmocka_unit_test(test_needed__uniform_weights_are_those_of_a_model_that_scores_all_alike),
        cmocka_unit_test(test_needed__nothing_changes_a_model_whose_score_is_uniform),
        cmocka_unit_test(test_needed__figures_do_not_depend_on_threads),
        cmocka_unit_test(test_needed__bad_input_is_told),
    };
    return cmocka_run_group_tests_name("needed", tests, NULL, NULL);
}
