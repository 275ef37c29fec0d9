/* Models that copy, that know where they looked, or both: an output read along by a session costs what training says, and the gradient is the slope of the
 * loss in every weight, through all that a step hands to the next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "heed.h"
#include "support/tiny.h"
#include "tensor/tape.h"

#define TWINS .target_units = "symbols, lower: true"   /* source and target have symbols in common */
#define TRANSFORMER .encoder = "type: transformer, heads: 2, activation: gelu", .decoder = "type: transformer, heads: 2, activation: gelu"

static const tiny settings[] = {
    {TWINS, .attention = "{score: additive, coverage: true}"},
    {TWINS, .attention = "{score: additive, copy: true}"},
    {TWINS, .attention = "{score: location_conv, filters: 2, filter_width: 3}"},
    {TWINS, .attention = "{score: location_conv, filters: 2, filter_width: 3, coverage: true, copy: true}", .order = "order: luong, input_feeding: true"},
    {TWINS, .attention = "{score: scaled, heads: 2, coverage: true, copy: true}", .decoder_cell = "lstm", .layers = 2},
    {TWINS, .attention = "{score: general, align: window, window: 1, copy: true}", .tie = "output"},
    {TWINS, TRANSFORMER, .attention = "{score: scaled, copy: true}", .layers = 2},
    {TWINS, .encoder = "type: conv", .decoder = "type: conv", .attention = "{score: scaled, copy: true}", .layers = 2},
    {TWINS, .attention = "{score: scaled, align: local_p, window: 2, copy: true}"},
    {TWINS, .attention = "{score: additive, align: sparsemax, coverage: true, copy: true}"},
    {TWINS, .attention = "{score: additive, coverage: true}", .layers = 12},
};
enum { SETTINGS = sizeof settings / sizeof *settings, SMOOTH = 8, B = 3 };   /* the last have jumps, kinks, or too many weights to move */

static const char *const sources[B] = {"abcqd", "e", "dza be"}, *const targets[B] = {"a d e z b", "c", "e e a"};

typedef struct scene { heed_model *m; heed_tape *t; heed_tokens from[B], to[B]; heed_batch *b; const tiny *is; } scene;

static void begin(scene *s, const tiny *is)
{
    static const uint64_t record[B] = {71, 72, 73};
    static const int64_t line[B] = {0, 1, 2};
    *s = (scene){.m = tiny_build(is), .t = heed_tape_new(&(heed_tape_options){.record = false}, NULL), .is = is};
    for (int b = 0; b < B; b++) {
        assert_int_equal(heed_text_encode(s->m->source, sources[b], strlen(sources[b]), &s->from[b], NULL), HEED_OK);
        assert_int_equal(heed_text_encode(s->m->target, targets[b], strlen(targets[b]), &s->to[b], NULL), HEED_OK);
    }
    s->b = heed_batch_new(s->from, s->to, B, record, line, true, NULL);
}

static void end(scene *s)
{
    for (int b = 0; b < B; b++) {
        heed_tokens_free(&s->from[b]);
        heed_tokens_free(&s->to[b]);
    }
    heed_batch_free(s->b);
    heed_tape_free(s->t);
    heed_model_free(s->m);
}

/* --- forced ---------------------------------------------------------------------------------------------------------------------------------- */

/* Logits of these models stay below 64, each a sum of some dozen terms, and so does ln p: a few roundings of it at each symbol. */
static void test_forced__score_is_the_loss_of_training(void **state)
{
    (void)state;
    for (int i = 0; i < SETTINGS; i++) {
        scene s;
        double sum = 0;
        int64_t symbols = 0;
        begin(&s, &settings[i]);
        heed_session *session = heed_session_new(s.m, &(heed_session_options){.threads = 1}, NULL);
        heed_loss_counts counts;
        heed_model_loss(s.m, s.t, s.b, 1, &counts);
        assert_int_equal(heed_tape_status(s.t, NULL), HEED_OK);
        for (int b = 0; b < B; b++) {
            heed_item item = {.text = sources[b], .target = targets[b]};
            heed_reply *r = heed_session_run(session, &(heed_request){.items = &item, .count = 1}, NULL);
            sum += heed_reply_at(r, 0)->score;
            symbols += heed_reply_at(r, 0)->count;
            heed_reply_free(r);
        }
        assert_int_equal(symbols, counts.symbols);
        if (!(fabs(sum - counts.log_p) <= 8 * FLT_EPSILON * 64 * (double)symbols)) fail_msg("%s: %.9g, not %.9g", s.is->attention, sum, counts.log_p);
        heed_session_free(session);
        end(&s);
    }
}

/* --- slopes ------------------------------------------------------------------------------------------------------------------------------------ */

static double loss_at(scene *s, bool back)
{
    heed_error err;
    heed_tape_reset(s->t, back, true, 5);
    heed_params_touch(s->m->params);
    assert_int_equal(heed_params_pack(s->m->params, true, 1, NULL), HEED_OK);
    heed_loss_counts counts;
    heed_tensor *loss = heed_model_loss(s->m, s->t, s->b, 1, &counts);
    if (back) heed_backward(s->t, loss, NULL);
    if (heed_tape_status(s->t, &err) != HEED_OK) fail_msg("%s: %s", s->is->attention, err.text);
    if (back) assert_int_equal(heed_params_collect(s->m->params, &s->t, 1, 1, NULL), HEED_OK);
    return -counts.log_p;   /* in double: the loss itself, as nothing is smoothed */
}

/* The loss with the weight `by` further on a fixed way. */
static double moved(scene *s, const heed_weight *w, const float *old, double by)
{
    const int64_t n = w->tensor.rows * w->tensor.cols;
    for (int64_t j = 0; j < n; j++) w->tensor.x[j] = old[j] + (float)(by * (j % 2 ? 0.7 : -1) / sqrt((double)n));
    const double loss = loss_at(s, false);
    memcpy(w->tensor.x, old, (size_t)n * sizeof *old);
    return loss;
}

typedef struct sums { double slopes, bounds; } sums;

/* Central differences, of h and of h/2, and their limit (Richardson). What the limit took away bounds what it left; float losses of some hundred roundings
 * each are uncertain by `noise`. */
static void check_slope(scene *s, const heed_weight *w, double noise, sums *all)
{
    const double h = 1.0 / 16;
    const int64_t n = w->tensor.rows * w->tensor.cols;
    const float *g = heed_params_grads(s->m->params) + w->offset;
    float *old = malloc((size_t)n * sizeof *old);
    double slope = 0;
    for (int64_t j = 0; j < n; j++) slope += (double)g[j] * (j % 2 ? 0.7 : -1) / sqrt((double)n);
    memcpy(old, w->tensor.x, (size_t)n * sizeof *old);
    const double wide = (moved(s, w, old, h) - moved(s, w, old, -h)) / (2 * h), near = (moved(s, w, old, h / 2) - moved(s, w, old, -h / 2)) / h;
    const double limit = (4 * near - wide) / 3, bound = fabs(near - wide) + 3 * noise / h;
    if (!(fabs(slope - limit) <= bound)) fail_msg("%s: %s: gradient %.6g, slope %.6g, bound %.2g", s->is->attention, w->name, slope, limit, bound);
    all->slopes += fabs(slope);
    all->bounds += bound;
    free(old);
}

static void test_gradient__is_the_slope_of_the_loss_in_every_weight(void **state)
{
    (void)state;
    sums all = {0};
    for (int i = 0; i < SMOOTH; i++) {
        scene s;
        begin(&s, &settings[i]);
        heed_params_fill(s.m->params, 1 + (uint64_t)i);   /* as a training begins: flatter, so that differences over a short way see the slope */
        const double noise = 64 * FLT_EPSILON * loss_at(&s, true);
        for (int64_t k = 0; k < heed_params_count(s.m->params); k++) check_slope(&s, heed_params_at(s.m->params, k), noise, &all);
        end(&s);
    }
    assert_true(all.bounds < all.slopes / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forced__score_is_the_loss_of_training),
        cmocka_unit_test(test_gradient__is_the_slope_of_the_loss_in_every_weight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
