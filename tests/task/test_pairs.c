/* Every encoder under every decoder, with and without attention. Types come from their tables, so a new one is tested as it is; what it needs beside layers and
 * a width has a row in `needs`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "heed.h"
#include "model/forcing.h"
#include "support/tiny.h"
#include "task/texts.h"
#include "tensor/tape.h"
#include "train/optimizer.h"

/* --- the pairs ------------------------------------------------------------------------------------------------------------------------------ */

static const char *const encoders[] = {
#define HEED_ENCODER(name, help) #name,
#include "model/encoders.def"
#undef HEED_ENCODER
};
static const char *const decoders[] = {
#define HEED_DECODER(name, help) #name,
#include "model/decoders.def"
#undef HEED_DECODER
};
static const char *const attentions[] = {"{score: none, vector: start}", "{score: none, vector: every_step}", "{score: additive}", "{score: scaled}",
                                         "{score: scaled, heads: 2}", "{score: additive, copy: true}"};
/* Smooth where there is a choice, so that gradients can be held against differences. */
static const struct { const char *type, *keys; } needs[] = {{"conv", ", embed: 12, kernel: 3"}, {"transformer", ", heads: 2, activation: gelu"}};

enum {
    ENCODERS = sizeof encoders / sizeof *encoders,
    DECODERS = sizeof decoders / sizeof *decoders,
    LOOKS = sizeof attentions / sizeof *attentions,
    PAIRS = ENCODERS * DECODERS * LOOKS
};

static void part_keys(char out[100], const char *type, bool learned)
{
    int used = snprintf(out, 100, "type: %s", type);
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
        if (strcmp(needs[i].type, type) == 0) snprintf(out + used, 100 - (size_t)used, "%s%s", needs[i].keys, learned ? ", positions: learned" : "");
}

/* Number i; valid until the next call. */
static tiny pair_at(int i, const char **name)
{
    static char encoder[100], decoder[100], text[300];
    const int look = i % LOOKS, of = i / LOOKS % DECODERS, from = i / LOOKS / DECODERS;
    part_keys(encoder, encoders[from], i % 2);
    part_keys(decoder, decoders[of], i % 2);
    snprintf(text, sizeof text, "%s under %s, %s", encoder, decoder, attentions[look]);
    *name = text;
    return (tiny){.encoder = encoder, .decoder = decoder, .layers = 2, .attention = attentions[look], .cell = i % 2 ? "lstm" : "gru", .decoder_cell = i % 3 ? "gru" : "lstm"};
}

/* --- all moments at once -------------------------------------------------------------------------------------------------------------------- */

enum { B = 6, TEXT = 9 };

static void must(const heed_tape *t, const char *name)
{
    heed_error err;
    if (heed_tape_status(t, &err) != HEED_OK) fail_msg("%s: %s", name, err.text);
}

/* All moments of a batch at once: logits (with copying ln p), and where each stands. */
typedef struct forced { const heed_tensor *logits; int64_t *row; } forced;   /* row of symbol i of sequence b: row[start[b] + i]; on the tape */

static forced force(heed_tape *t, const heed_model *m, const heed_batch *b, const char *name)
{
    heed_forcing lay;
    const heed_span span = b->target.span;
    const heed_encoded memory = m->encoder_kind->forward(t, m->encoder, &b->source);
    const heed_forced f = m->decoder_kind->forward(t, m->decoder, &m->head, &memory, b, &(heed_lesson){1, -1});
    forced x = {heed_head_choices(t, &m->head, f.features, f.attended, f.looks, &b->source), heed_tape_alloc(t, (size_t)b->target.N * sizeof *x.row)};
    assert_true(heed_forcing_lay(&lay, t, &b->target));
    must(t, name);
    const bool by_time = memcmp(f.targets, lay.targets, (size_t)lay.N * sizeof *lay.targets) == 0;   /* recurrent decoders; others sequence by sequence */
    if (!by_time) assert_memory_equal(f.targets, b->target.ids, (size_t)lay.N * sizeof *lay.targets);
    for (int64_t s = 0; s < span.B; s++)
        for (int64_t i = 0; i < span.start[s + 1] - span.start[s]; i++) x.row[span.start[s] + i] = by_time ? lay.first[i] + s : span.start[s] + i;
    return x;
}

static const float *row_of(const forced *f, const heed_batch *b, int64_t s, int64_t i) { return f->logits->x + f->row[b->target.span.start[s] + i] * f->logits->cols; }

/* --- one way of computing against another ---------------------------------------------------------------------------------------------------- */

/* Attention sums in one order for many queries at once and in another for one. Such sums have at most 48 terms here, and there are some 9 of them in each of two
 * layers, whose weights may steepen an error by their norm, about 3. All else has the same bits wherever a row stands. */
static double rounding(double size) { return 3 * 3 * 9 * 48 * FLT_EPSILON * size; }

static void step_through(heed_tape *t, const heed_model *m, const heed_batch *b, const forced *f, const char *name)
{
    walk w;
    walk_init(&w, t, m, b);
    for (heed_step step; walk_on(&w, &step);) {
        const heed_attended *top = step.layers ? step.attended + step.layers - 1 : NULL;
        const heed_tensor *x = heed_head_choices(t, &m->head, step.features, top, top != NULL, &b->source);
        must(t, name);
        assert_int_equal(step.layers > 0, strstr(name, "none") == NULL);
        for (int64_t j = 0; j < x->rows * x->cols; j++) {
            const double once = (double)row_of(f, b, j / x->cols, w.i)[j % x->cols], apart = fabs((double)x->x[j] - once);
            if (apart > rounding(widest(f->logits))) fail_msg("%s: symbol %d of sequence %d is %.3g apart", name, (int)w.i, (int)(j / x->cols), apart);
        }
    }
}

static void test_step__gives_what_all_at_once_gives(void **state)
{
    (void)state;
    heed_tape *t = new_tape(), *other = new_tape();
    for (int i = 0; i < PAIRS; i++) {
        const char *name;
        tiny t0 = pair_at(i, &name);
        heed_model *m = tiny_build(&t0);
        texts x;
        texts_draw(&x, m, B, TEXT, (uint64_t)i);
        heed_batch *b = texts_batch(&x, 0, B);
        heed_tape_reset(t, i % 2, false, 0);
        heed_tape_reset(other, false, false, 0);
        const forced f = force(t, m, b, name);
        step_through(other, m, b, &f, name);
        heed_batch_free(b);
        texts_free(&x);
        heed_model_free(m);
    }
    heed_tape_free(t);
    heed_tape_free(other);
}

/* In training too: what is dropped belongs to the record. */
static void test_batch__gives_what_each_gives_alone(void **state)
{
    (void)state;
    heed_tape *t = new_tape(), *other = new_tape();
    for (int i = 0; i < PAIRS; i++) {
        const char *name;
        tiny t0 = pair_at(i, &name);
        t0.dropout = i % 4 ? 0.3 : 0;
        heed_model *m = tiny_build(&t0);
        texts x;
        texts_draw(&x, m, B, TEXT, 50 + (uint64_t)i);
        heed_batch *all = texts_batch(&x, 0, B);
        heed_tape_reset(t, true, true, 9);
        const forced f = force(t, m, all, name);
        for (int64_t s = 0; s < B; s++) {
            heed_batch *one = texts_batch(&x, all->line[s], 1);
            heed_tape_reset(other, false, true, 9);
            const forced g = force(other, m, one, name);
            for (int64_t k = 0; k < one->target.N; k++)
                if (memcmp(row_of(&f, all, s, k), row_of(&g, one, 0, k), (size_t)f.logits->cols * sizeof(float)))
                    fail_msg("%s: symbol %d of sequence %d", name, (int)k, (int)s);
            heed_batch_free(one);
        }
        heed_batch_free(all);
        texts_free(&x);
        heed_model_free(m);
    }
    heed_tape_free(t);
    heed_tape_free(other);
}

/* --- beams ------------------------------------------------------------------------------------------------------------------------------------- */

static bool can_be_forced(const heed_output *o)
{
    if (!o->count || strcmp(o->tokens[o->count - 1].text, "</s>") != 0) return false;
    for (int64_t i = 0; i < o->count; i++)
        if (strcmp(o->tokens[i].text, "<s>") == 0 || strcmp(o->tokens[i].text, "<unk>") == 0) return false;
    return true;
}

/* A log-sum-exp in float and a difference round a few times each, at the size of the logits. */
static void check_hypothesis(heed_tape *t, const heed_model *m, const char *source, const heed_output *o, const char *name)
{
    heed_tokens from = {0}, to = {0};
    heed_loss_counts counts;
    double score = 0;
    encode(m->source, source, &from);
    encode(m->target, o->text, &to);
    heed_batch *one = heed_batch_new(&from, &to, 1, NULL, NULL, true, NULL);
    heed_tape_reset(t, false, false, 0);
    const double size = widest(force(t, m, one, name).logits) + 3;
    heed_tape_reset(t, false, false, 0);
    heed_model_loss(m, t, one, 1, &counts);
    must(t, name);
    for (int64_t i = 0; i < o->count; i++) score += o->tokens[i].logp;
    assert_int_equal(counts.symbols, o->count);
    const double bound = (8 * FLT_EPSILON * size + 2 * rounding(size)) * (double)o->count;
    if (fabs(score - counts.log_p) > bound) fail_msg("%s: %s: %.9g, forced %.9g", name, o->text, score, counts.log_p);
    heed_batch_free(one);
    heed_tokens_free(&from);
    heed_tokens_free(&to);
}

static void test_beam__finds_what_forcing_scores_alike(void **state)
{
    (void)state;
    int64_t seen = 0;
    heed_tape *t = new_tape();
    for (int i = 0; i < PAIRS; i++) {
        const char *name, *const sources[] = {"abcab", "ed", "cab de"};
        tiny t0 = pair_at(i, &name);
        heed_model *m = tiny_build(&t0);
        heed_session *s = heed_session_new(m, &(heed_session_options){.threads = 1}, NULL);
        const heed_item items[] = {{.text = sources[0]}, {.text = sources[1]}, {.text = sources[2]}};
        const heed_decode decode = {.beam = 3, .nbest = 3};
        heed_reply *r = heed_session_run(s, &(heed_request){.items = items, .count = 3, .decode = &decode}, NULL);
        assert_non_null(r);
        for (int k = 0; k < 3; k++) {
            const heed_output *best = heed_reply_at(r, k);
            for (int64_t a = -1; a < best->alternative_count; a++) {
                const heed_output *o = a < 0 ? best : &best->alternatives[a];
                if (!can_be_forced(o)) continue;
                check_hypothesis(t, m, sources[k], o, name);
                seen++;
            }
        }
        heed_reply_free(r);
        heed_session_free(s);
        heed_model_free(m);
    }
    heed_tape_free(t);
    assert_true(seen > 3 * PAIRS);
}

/* --- models of a size to learn something --------------------------------------------------------------------------------------------------- */

enum { LETTERS = 4, SENTENCES = 48, UPDATES = 250 };

static heed_text *letters(const heed_text_settings *settings)
{
    heed_text *x = heed_text_new(settings, NULL);
    assert_true(x && heed_text_count(x, "abcde", 5, NULL) == HEED_OK && heed_text_finish(x, NULL) == HEED_OK);
    return x;
}

/* Small, but filled as a training would. */
static heed_model *new_pupil(int i, const char **name)
{
    char encoder[100], decoder[100], yaml[800];
    heed_recipe r = {0};
    heed_error err;
    const int look = i % LOOKS, of = i / LOOKS % DECODERS, from = i / LOOKS / DECODERS;
    (void)pair_at(i, name);
    part_keys(encoder, encoders[from], i % 2);
    part_keys(decoder, decoders[of], i % 2);
    snprintf(yaml, sizeof yaml, "data: {train: none.tsv}\nmodel:\n  encoder: {%s, layers: 2, width: 24, dropout: 0}\n  attention: %s\n  decoder: {%s, layers: 2, width: 24, dropout: 0}\n",
             encoder, attentions[look], decoder);
    if (heed_recipe_parse(&r, yaml, strlen(yaml), "pupil.yaml", &err) != HEED_OK) fail_msg("%s", err.text);
    heed_text *source = letters(&r.text.source), *target = letters(&r.text.target);
    heed_model *m = heed_model_build(&r, source, target, &err);
    if (!m || heed_model_fill(m, &err) != HEED_OK || heed_params_pack(m->params, true, 1, &err) != HEED_OK) fail_msg("%s: %s", *name, err.text);
    return m;
}

/* Strings of four letters and the same backwards. */
static heed_batch *new_lesson(const heed_model *m, uint64_t key)
{
    heed_tokens from[SENTENCES] = {{0}}, to[SENTENCES] = {{0}};
    for (uint64_t s = 0; s < SENTENCES; s++) {
        char text[LETTERS + 1] = "", back[LETTERS + 1] = "";
        for (uint64_t i = 0; i < LETTERS; i++) text[i] = back[LETTERS - 1 - i] = "abcde"[heed_below(heed_key(key, s), i, 5)];
        encode(m->source, text, &from[s]);
        encode(m->target, back, &to[s]);
    }
    heed_batch *b = heed_batch_new(from, to, SENTENCES, NULL, NULL, true, NULL);
    assert_non_null(b);
    for (int s = 0; s < SENTENCES; s++) {
        heed_tokens_free(&from[s]);
        heed_tokens_free(&to[s]);
    }
    return b;
}

/* --- gradients --------------------------------------------------------------------------------------------------------------------------------- */

/* The loss as a sum in double of each symbol's in float. */
static double loss_of(heed_tape *t, const heed_model *m, const heed_batch *b, const char *name)
{
    heed_loss_counts counts;
    heed_tape_reset(t, false, false, 0);
    heed_model_loss(m, t, b, 1, &counts);
    must(t, name);
    return -counts.log_p;
}

static void learn(heed_tape *t, const heed_model *m, const heed_batch *b, double weight, const char *name)
{
    heed_error err;
    heed_tape_reset(t, true, false, 0);
    heed_tensor *loss = heed_model_loss(m, t, b, weight, NULL);
    if (heed_backward(t, loss, &err) != HEED_OK || heed_params_collect(m->params, &t, 1, 1, &err) != HEED_OK) fail_msg("%s: %s", name, err.text);
}

/* A random direction in which every weight moves by a share of its own size. */
static void draw_direction(float *d, const heed_params *p, uint64_t key)
{
    for (int64_t i = 0; i < heed_params_count(p); i++) {
        const heed_weight *w = heed_params_at(p, i);
        const int64_t n = w->tensor.rows * w->tensor.cols;
        double sum = 0;
        for (int64_t j = 0; j < n; j++) sum += (double)w->tensor.x[j] * (double)w->tensor.x[j];
        const double size = sum > 0 ? sqrt(sum / (double)n) : 1;
        for (int64_t j = 0; j < n; j++) d[w->offset + j] = (float)(size * heed_normal(heed_key(key, (uint64_t)i), (uint64_t)j));
    }
}

/* (f(w + h d) - f(w - h d)) / 2h; restores w. */
static double difference(heed_tape *t, heed_model *m, const heed_batch *b, const float *w, const float *d, double h, const char *name)
{
    float *x = heed_params_values(m->params);
    const int64_t n = heed_params_size(m->params);
    double f[2];
    for (int side = 0; side < 2; side++) {
        for (int64_t i = 0; i < n; i++) x[i] = w[i] + (float)(side ? -h : h) * d[i];
        heed_params_touch(m->params);
        assert_int_equal(heed_params_pack(m->params, true, 1, NULL), HEED_OK);
        f[side] = loss_of(t, m, b, name);
    }
    memcpy(x, w, (size_t)n * sizeof *x);
    heed_params_touch(m->params);
    assert_int_equal(heed_params_pack(m->params, true, 1, NULL), HEED_OK);
    return (f[0] - f[1]) / (2 * h);
}

/* Differences at h and 2h err by c h^2 and 4 c h^2, so that (4 D(h) - D(2h)) / 3 errs by order h^4 and their distance, 3 c h^2, is a generous bound of it. A
 * loss is reached through some 30 roundings one after the other, which add up like a walk without aim: the root of 30 steps, each at the size of its numbers. */
static void check_direction(heed_tape *t, heed_model *m, const heed_batch *b, const float *w, const float *d, const float *g, const char *name)
{
    const double h = 0.002;
    const double loss = loss_of(t, m, b, name), near = difference(t, m, b, w, d, h, name), far = difference(t, m, b, w, d, 2 * h, name);
    double slope = 0, square = 0;
    for (int64_t i = 0; i < heed_params_size(m->params); i++) {
        const double part = (double)g[i] * (double)d[i];
        slope += part;
        square += part * part;
    }
    const double bound = fabs(near - far) + sqrt(30) * FLT_EPSILON * (loss + (double)b->target.N) / h;
    if (fabs((4 * near - far) / 3 - slope) > bound) fail_msg("%s: gradient %.7g, differences %.7g and %.7g, bound %.3g", name, slope, near, far, bound);
    assert_true(bound < 0.02 * sqrt(square));   /* so that a wrong part would show */
}

static void test_gradient__is_that_of_differences(void **state)
{
    (void)state;
    heed_tape *t = new_tape();
    for (int i = 0; i < PAIRS; i++) {
        const char *name;
        heed_model *m = new_pupil(i, &name);
        const size_t size = (size_t)heed_params_size(m->params) * sizeof(float);
        float *w = malloc(size), *g = malloc(size), *d = calloc(1, size);
        heed_batch *b = new_lesson(m, 90 + (uint64_t)i);
        learn(t, m, b, 1, name);
        memcpy(w, heed_params_values(m->params), size);
        memcpy(g, heed_params_grads(m->params), size);
        for (uint64_t k = 0; k < 3; k++) {
            draw_direction(d, m->params, heed_key((uint64_t)i, k));
            check_direction(t, m, b, w, d, g, name);
        }
        free(w);
        free(g);
        free(d);
        heed_batch_free(b);
        heed_model_free(m);
    }
    heed_tape_free(t);
}

/* --- learning ---------------------------------------------------------------------------------------------------------------------------------- */

/* Who reads nothing of the source loses log 5 at each letter. Half of that is far from it and far from what a longer training reaches; a single vector, which has
 * to hold the order as well, takes longer to come down. */
static void test_training__learns_to_read_backwards(void **state)
{
    (void)state;
    heed_tape *t = new_tape();
    for (int i = 0; i < PAIRS; i++) {
        const char *name;
        heed_model *m = new_pupil(i, &name);
        heed_optimizer o;
        assert_int_equal(heed_optimizer_init(&o, m->params, &m->recipe, NULL), HEED_OK);
        for (int64_t update = 1; update <= UPDATES; update++) {
            heed_batch *b = new_lesson(m, (uint64_t)update);
            learn(t, m, b, 1 / (double)b->target.N, name);
            heed_optimizer_step(&o, heed_params_grads(m->params), 1, 0.005, update, 1);
            assert_int_equal(heed_params_pack(m->params, true, 1, NULL), HEED_OK);
            heed_batch_free(b);
        }
        heed_batch *unseen = new_lesson(m, 0);
        const double loss = loss_of(t, m, unseen, name) / (double)unseen->target.N;
        const double blind = log(5) * LETTERS / (LETTERS + 1), bound = strstr(name, "none") ? 0.75 * blind : 0.5 * blind;
        if (!(loss < bound)) fail_msg("%s: loss %.3f after %d updates, bound %.3f", name, loss, UPDATES, bound);
        heed_batch_free(unseen);
        heed_optimizer_free(&o);
        heed_model_free(m);
    }
    heed_tape_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_step__gives_what_all_at_once_gives),  cmocka_unit_test(test_batch__gives_what_each_gives_alone),
        cmocka_unit_test(test_beam__finds_what_forcing_scores_alike), cmocka_unit_test(test_gradient__is_that_of_differences),
        cmocka_unit_test(test_training__learns_to_read_backwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
