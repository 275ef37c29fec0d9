/* The Transformer's own settings: one step at a time is what all at once was, in any company, along any beam; and its gradient is the slope of its loss. */
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
#include "support/tiny.h"
#include "task/same.h"
#include "task/texts.h"
#include "tensor/tape.h"

#define BOTH(keys) .encoder = "type: transformer, " keys, .decoder = "type: transformer, " keys

static const tiny settings[] = {
    {BOTH("heads: 2")},
    {BOTH("heads: 3, norm: pre, activation: gelu, inner: 7"), .layers = 2},
    {BOTH("heads: 2, positions: none"), .layers = 2, .attention = "{score: scaled}"},
    {BOTH("heads: 2, positions: learned"), .attention = "{score: scaled}"},
    {BOTH("heads: 3, positions: rotary"), .layers = 2, .attention = "{score: scaled, heads: 2}"},
    {BOTH("heads: 2, positions: relative, norm: pre"), .attention = "{score: scaled}"},
    {BOTH("heads: 3, positions: alibi"), .attention = "{score: cosine, heads: 4, key_heads: 2}"},
    {BOTH("heads: 6, key_heads: 2"), .layers = 2, .attention = "{score: scaled, key_heads: 1}"},
    {BOTH("heads: 3, key_heads: 1, positions: rotary, window: 2"), .attention = "{score: scaled, align: sparsemax}"},
    {BOTH("heads: 1, window: 1, norm: pre"), .layers = 3, .attention = "{score: general, align: local_p, window: 2}"},
    {BOTH("heads: 2"), .layers = 2, .attention = "{score: none}"},
    {BOTH("heads: 2, norm: pre"), .layers = 2, .attention = "{score: scaled, copy: true}"},
    {BOTH("heads: 2, norm: pre"), .attention = "{score: none}", .tie = "output"},
    {BOTH("heads: 2, score: additive"), .attention = "{score: additive, width: 8, heads: 4}", .tie = "output"},
    {BOTH("heads: 2, score: cosine"), .attention = "{score: location, longest: 251}"},
    {BOTH("heads: 2, score: general"), .directions = 1, .attention = "{score: dot}"},
    {.decoder = "type: transformer, heads: 4", .cell = "lstm", .attention = "{score: scaled, align: entmax}"},
    {.encoder = "type: transformer, heads: 2", .decoder_cell = "lstm", .order = "order: luong"},
    {.encoder = "type: transformer, heads: 2", .attention = "{score: none, vector: every_step}"},
};
enum { SETTINGS = sizeof settings / sizeof *settings };

static const char *said(int i)
{
    static char text[400];
    const tiny *t = &settings[i];
    snprintf(text, sizeof text, "%s | %s | %s", t->encoder ? t->encoder : "rnn", t->attention ? t->attention : "additive", t->decoder ? t->decoder : "rnn");
    return text;
}

static bool steps_alone(const tiny *t) { return !t->decoder; }

/* --- batches ------------------------------------------------------------------------------------------------------------------------------- */

enum { B = 6, LONGEST = 20 };   /* longer than a history's first room */

static void sound(const heed_tape *t, int i)
{
    heed_error err;
    if (heed_tape_status(t, &err) != HEED_OK) fail_msg("%s: %s", said(i), err.text);
}

/* --- one step at a time ----------------------------------------------------------------------------------------------------------------------- */

/* Features of both ways differ by the order of their sums: of at most 48 terms, in at most 3 layers of 9 sums each. Norms keep rows at their size, so an error
 * stays the part of a row that it was; attention and the feed-forward layer may steepen it, by the norm of their weights, about 3 here. */
static double bound_of(const heed_tensor *x, int64_t layers) { return pow(3, (double)layers) * 9 * 48 * FLT_EPSILON * widest(x); }

/* Row of symbol i of sequence b. */
static const float *row_of(const heed_forced *f, const heed_batch *b, int64_t sequence, int64_t i)
{
    return f->features->x + (b->target.span.start[sequence] + i) * f->features->cols;
}

static void compare_steps(const heed_model *m, const heed_batch *b, const heed_forced *f, heed_tape *t, int which)
{
    walk w;
    walk_init(&w, t, m, b);
    for (heed_step step; walk_on(&w, &step);) {
        sound(t, which);
        assert_int_equal(step.features->rows, w.lay.alive[w.i]);
        for (int64_t r = 0; r < step.features->rows; r++)
            for (int64_t c = 0; c < step.features->cols; c++) {
                const double one = step.features->x[r * step.features->cols + c], all = row_of(f, b, r, w.i)[c];
                if (!(fabs(one - all) <= bound_of(f->features, m->recipe.model.decoder.layers)))
                    fail_msg("%s: step %d of %d: %.9g, all at once %.9g", said(which), (int)w.i, (int)r, one, all);
            }
    }
}

static void test_step__equals_all_at_once(void **state)
{
    (void)state;
    heed_tape *t = new_tape(), *other = new_tape();
    for (int i = 0; i < SETTINGS; i++) {
        if (steps_alone(&settings[i])) continue;
        heed_model *m = tiny_build(&settings[i]);
        texts p;
        texts_draw(&p, m, B, LONGEST, (uint64_t)i);
        heed_batch *b = texts_batch(&p, 0, B);
        heed_tape_reset(t, i % 2, false, 0);
        heed_tape_reset(other, false, false, 0);
        const heed_encoded memory = m->encoder_kind->forward(t, m->encoder, &b->source);
        const heed_forced f = m->decoder_kind->forward(t, m->decoder, &m->head, &memory, b, &(heed_lesson){1, -1});
        sound(t, i);
        assert_ptr_equal(f.targets, b->target.ids);
        compare_steps(m, b, &f, other, i);
        heed_batch_free(b);
        texts_free(&p);
        heed_model_free(m);
    }
    heed_tape_free(t);
    heed_tape_free(other);
}

/* Hypotheses are chosen and put in a new order, twice over: each must be what it would be alone, to the bit, and look where it would look. */
static void test_select__takes_a_path_with_all_that_it_knows(void **state)
{
    (void)state;
    static const int64_t order[2][9] = {{5, 2, 2, 0, 2, 1, 5, 5, 3}, {8, 3, 1, 0, 1}};
    static const int32_t ids[3][9] = {{1, 1, 1, 1, 1, 1}, {3, 4, 5, 3, 6, 7, 3, 4, 5}, {4, 6, 5, 3, 7}};
    for (int i = 0; i < SETTINGS; i++) {
        heed_model *m = tiny_build(&settings[i]);
        heed_tape *t = new_tape(), *other = new_tape();
        texts p;
        texts_draw(&p, m, B, LONGEST, 40 + (uint64_t)i);
        heed_batch *b = heed_batch_new(p.from, NULL, B, NULL, NULL, false, NULL);
        const heed_step step = step_thrice(t, m, b, (const int32_t *[]){ids[0], ids[1], ids[2]}, (const int64_t *[]){order[0], order[1]}, (int64_t[]){9, 5});
        sound(t, i);
        for (int64_t r = 0; r < 5; r++) {
            const int64_t middle = order[1][r], record = order[0][middle];
            heed_batch *one = heed_batch_new(p.from + record, NULL, 1, NULL, NULL, false, NULL);
            heed_tape_reset(other, false, false, 0);
            const heed_step alone = step_thrice(other, m, one, (const int32_t *[]){ids[0], &ids[1][middle], &ids[2][r]}, NULL, NULL);
            sound(other, i);
            const int64_t F = step.features->cols;
            if (memcmp(alone.features->x, step.features->x + r * F, (size_t)F * sizeof(float))) fail_msg("row %d of %s", (int)r, said(i));
            assert_int_equal(alone.layers, step.layers);
            for (int l = 0; l < step.layers; l++)
                for (int64_t h = 0; h < step.attended[l].args.heads; h++) {
                    float x[64], y[64];
                    const int64_t n = heed_attend_weights(&alone.attended[l], 0, 0, h, x, NULL);
                    assert_int_equal(n, one->source.N);
                    assert_int_equal(heed_attend_weights(&step.attended[l], r, r, h, y, NULL), n);
                    assert_memory_equal(x, y, (size_t)n * sizeof *x);
                }
            heed_batch_free(one);
        }
        heed_batch_free(b);
        heed_tape_free(t);
        heed_tape_free(other);
        texts_free(&p);
        heed_model_free(m);
    }
}

/* --- in any company --------------------------------------------------------------------------------------------------------------------------- */

/* Dropout included: a record's features depend on its key and on nothing else in the batch. */
static void test_training__has_the_same_bits_alone_and_in_any_batch(void **state)
{
    (void)state;
    heed_tape *t = new_tape(), *other = new_tape();
    for (int i = 0; i < SETTINGS; i++) {
        if (steps_alone(&settings[i])) continue;
        tiny with = settings[i];
        with.dropout = 0.3;
        heed_model *m = tiny_build(&with);
        texts p;
        texts_draw(&p, m, B, LONGEST, 80 + (uint64_t)i);
        heed_batch *b = texts_batch(&p, 0, B);
        heed_tape_reset(t, true, true, 5);
        heed_encoded memory = m->encoder_kind->forward(t, m->encoder, &b->source);
        const heed_forced f = m->decoder_kind->forward(t, m->decoder, &m->head, &memory, b, &(heed_lesson){1, -1});
        sound(t, i);
        for (int64_t r = 0; r < B; r++) {
            heed_batch *one = texts_batch(&p, b->line[r], 1);
            heed_tape_reset(other, false, true, 5);
            memory = m->encoder_kind->forward(other, m->encoder, &one->source);
            const heed_forced alone = m->decoder_kind->forward(other, m->decoder, &m->head, &memory, one, &(heed_lesson){1, -1});
            sound(other, i);
            if (memcmp(alone.features->x, row_of(&f, b, r, 0), (size_t)(one->target.N * f.features->cols) * sizeof(float)))
                fail_msg("record %d: %s", (int)b->line[r], said(i));
            heed_batch_free(one);
        }
        heed_batch_free(b);
        texts_free(&p);
        heed_model_free(m);
    }
    heed_tape_free(t);
    heed_tape_free(other);
}

/* An output that ended, given as a target: the same symbols with the same chances; together they are the loss of training, but for the order of its sums. */
static int check_reading(heed_session *s, const heed_model *m, heed_tape *t, const heed_output *o, int which)
{
    heed_tokens from = {0}, to = {0};
    heed_reply *r = heed_session_run(s, &(heed_request){.items = &(heed_item){.text = o->source, .target = o->text}, .count = 1}, NULL);
    assert_non_null(r);
    const heed_output *read = heed_reply_at(r, 0);
    const bool same = read->count == o->count && !strcmp(o->tokens[o->count - 1].text, "</s>") && !strstr(o->text, "unk");
    if (same) {
        heed_loss_counts counts;
        for (int64_t i = 0; i < o->count; i++) assert_memory_equal(&read->tokens[i].logp, &o->tokens[i].logp, sizeof o->tokens[i].logp);
        encode(m->source, o->source, &from);
        encode(m->target, o->text, &to);
        heed_batch *b = heed_batch_new(&from, &to, 1, NULL, NULL, false, NULL);
        heed_tape_reset(t, false, false, 0);
        heed_model_loss(m, t, b, 1, &counts);
        sound(t, which);
        assert_int_equal(counts.symbols, o->count);
        const double bound = bound_of(&(heed_tensor){.x = (float[]){30}, .rows = 1, .cols = 1}, m->recipe.model.decoder.layers);   /* logits reach about 30 */
        if (!(fabs(counts.log_p - read->score) <= bound * (double)o->count)) fail_msg("%s: loss %.9g, score %.9g", said(which), counts.log_p, read->score);
        heed_batch_free(b);
        heed_tokens_free(&from);
        heed_tokens_free(&to);
    }
    heed_reply_free(r);
    return same;
}

/* What is written, where it looked, and what is said of it: the same in a batch as alone, and the same when it is read along. */
static void test_beam__writes_the_same_in_any_company(void **state)
{
    (void)state;
    int seen = 0;
    for (int i = 0; i < SETTINGS; i++) {
        heed_model *m = tiny_build(&settings[i]);
        heed_session *s = heed_session_new(m, &(heed_session_options){.threads = 1, .batch = 64}, NULL);
        heed_tape *t = new_tape();
        heed_decode how = {.beam = 3, .nbest = 3};
        texts p;
        texts_draw(&p, m, B, LONGEST, 120 + (uint64_t)i);
        heed_item item[B];
        for (int b = 0; b < B; b++) item[b] = (heed_item){.text = p.source[b]};
        heed_error err;
        heed_reply *all = heed_session_run(s, &(heed_request){.items = item, .count = B, .weights = true, .decode = &how}, &err);
        if (!all) fail_msg("%s: %s", said(i), err.text);
        for (int b = 0; b < B; b++) {
            how.first = (uint64_t)b;
            heed_reply *alone = heed_session_run(s, &(heed_request){.items = &item[b], .count = 1, .weights = true, .decode = &how}, &err);
            assert_non_null(alone);
            same_output(heed_reply_at(all, b), heed_reply_at(alone, 0), true);
            seen += check_reading(s, m, t, heed_reply_at(alone, 0), i);
            heed_reply_free(alone);
        }
        heed_reply_free(all);
        heed_tape_free(t);
        heed_session_free(s);
        texts_free(&p);
        heed_model_free(m);
    }
    assert_true(seen > SETTINGS);
}

/* --- the gradient ---------------------------------------------------------------------------------------------------------------------------------- */

static double loss_at(const heed_model *m, heed_tape *t, const heed_batch *b, bool record)
{
    heed_tape_reset(t, record, true, 5);
    assert_int_equal(heed_params_pack(m->params, true, 1, NULL), HEED_OK);
    heed_loss_counts counts;
    heed_tensor *loss = heed_model_loss(m, t, b, 1, &counts);
    if (record) {
        assert_int_equal(heed_backward(t, loss, NULL), HEED_OK);
        assert_int_equal(heed_params_collect(m->params, &t, 1, 1, NULL), HEED_OK);
    }
    assert_int_equal(heed_tape_status(t, NULL), HEED_OK);
    return -counts.log_p;   /* in double: the loss itself, as nothing is smoothed */
}

/* The loss after w moves by `by` along its direction. */
static double moved(const heed_model *m, heed_tape *t, const heed_batch *b, const heed_weight *w, const float *old, double by)
{
    const int64_t n = w->tensor.rows * w->tensor.cols;
    for (int64_t j = 0; j < n; j++) w->tensor.x[j] = (float)(old[j] + by * heed_normal(11, (uint64_t)j) / sqrt((double)n));
    heed_params_touch(m->params);
    const double loss = loss_at(m, t, b, false);
    memcpy(w->tensor.x, old, (size_t)n * sizeof *old);
    heed_params_touch(m->params);
    return loss;
}

/* Of slopes and of their bounds, so that the bounds can be shown to be no mere formality. */
typedef struct sums { double slopes, bounds; } sums;

/* Central differences, of h and of h/2, and their limit (Richardson). What the limit took away bounds what it left; float losses of some hundred roundings each
 * are uncertain by `noise`. */
static void check_slope(const heed_model *m, heed_tape *t, const heed_batch *b, const heed_weight *w, double noise, sums *s, int which)
{
    const double h = 1.0 / 16;
    const int64_t n = w->tensor.rows * w->tensor.cols;
    const float *g = heed_params_grads(m->params) + w->offset;
    float *old = malloc((size_t)n * sizeof *old);
    double slope = 0;
    for (int64_t j = 0; j < n; j++) slope += (double)g[j] * heed_normal(11, (uint64_t)j) / sqrt((double)n);
    memcpy(old, w->tensor.x, (size_t)n * sizeof *old);
    const double wide = (moved(m, t, b, w, old, h) - moved(m, t, b, w, old, -h)) / (2 * h);
    const double near = (moved(m, t, b, w, old, h / 2) - moved(m, t, b, w, old, -h / 2)) / h;
    const double limit = (4 * near - wide) / 3, bound = fabs(near - wide) + 3 * noise / h;
    if (!(fabs(slope - limit) <= bound)) fail_msg("%s: %s: gradient %.6g, slope %.6g, bound %.2g", said(which), w->name, slope, limit, bound);
    s->slopes += fabs(slope);
    s->bounds += bound;
    free(old);
}

static void test_gradient__is_the_slope_of_the_loss_in_every_weight(void **state)
{
    (void)state;
    /* without jumps (the window of local_p) and kinks (sparsemax; relu, whose place gelu takes) */
    static const int smooth[] = {1, 3, 4, 5, 6, 7, 11, 12, 13};
    heed_tape *t = new_tape();
    sums sums = {0};
    for (size_t k = 0; k < sizeof smooth / sizeof *smooth; k++) {
        tiny with = settings[smooth[k]];
        char encoder[200], decoder[200];
        snprintf(encoder, sizeof encoder, "%s%s", with.encoder, strstr(with.encoder, "activation") ? "" : ", activation: gelu");
        snprintf(decoder, sizeof decoder, "%s%s", with.decoder, strstr(with.decoder, "activation") ? "" : ", activation: gelu");
        with.encoder = encoder;
        with.decoder = decoder;
        with.dropout = 0.2;
        heed_model *m = tiny_build(&with);
        heed_params_fill(m->params, 1 + k);   /* as a training begins: flatter, so that differences over a short way see the slope */
        texts p;
        texts_draw(&p, m, B, LONGEST, 160 + k);
        heed_batch *b = texts_batch(&p, 0, 3);
        const double loss = loss_at(m, t, b, true), noise = 64 * FLT_EPSILON * loss;
        for (int64_t i = 0; i < heed_params_count(m->params); i++) check_slope(m, t, b, heed_params_at(m->params, i), noise, &sums, smooth[k]);
        heed_batch_free(b);
        texts_free(&p);
        heed_model_free(m);
    }
    assert_true(sums.bounds < sums.slopes / 20);
    heed_tape_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_step__equals_all_at_once),
        cmocka_unit_test(test_select__takes_a_path_with_all_that_it_knows),
        cmocka_unit_test(test_training__has_the_same_bits_alone_and_in_any_batch),
        cmocka_unit_test(test_beam__writes_the_same_in_any_company),
        cmocka_unit_test(test_gradient__is_the_slope_of_the_loss_in_every_weight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
