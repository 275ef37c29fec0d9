/* The two ways through a decoder: all moments at once with the targets known, and step by step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "heed.h"
#include "model/forcing.h"
#include "task/texts.h"
#include "task/variants.h"
#include "tensor/tape.h"

/* --- batches ------------------------------------------------------------------------------------------------------------------------------- */

enum { B = 7, TEXT = 12 };

/* Logits of every target symbol (with copying ln p), on a tape that was reset. */
static const heed_tensor *force(heed_tape *t, const heed_model *m, const heed_batch *b, double forcing)
{
    heed_error err;
    const heed_encoded memory = m->encoder_kind->forward(t, m->encoder, &b->source);
    const heed_forced f = m->decoder_kind->forward(t, m->decoder, &m->head, &memory, b, &(heed_lesson){forcing, -1});
    const heed_tensor *logits = heed_head_choices(t, &m->head, f.features, f.attended, f.looks, &b->source);
    if (heed_tape_status(t, &err) != HEED_OK) fail_msg("%s", err.text);
    assert_int_equal(logits->rows, b->target.N);
    assert_int_equal(logits->cols, heed_text_size(m->target));
    return logits;
}

/* --- both ways through a decoder ------------------------------------------------------------------------------------------------------------ */

/* Rows have the same bits wherever they stand, so the two ways agree exactly. */
static void step_through(const heed_model *m, const heed_batch *b, const heed_tensor *logits)
{
    heed_tape *t = new_tape();
    walk w;
    walk_init(&w, t, m, b);
    for (heed_step step; walk_on(&w, &step);) {
        const heed_tensor *x = heed_head_choices(t, &m->head, step.features, step.layers ? &step.attended[step.layers - 1] : NULL, 1, &b->source);
        assert_int_equal(heed_tape_status(t, NULL), HEED_OK);
        assert_int_equal(x->rows, w.lay.alive[w.i]);
        assert_memory_equal(x->x, logits->x + w.lay.first[w.i] * x->cols, (size_t)(x->rows * x->cols) * sizeof *x->x);
    }
    heed_tape_free(t);
}

static void test_forward__equals_step_by_step(void **state)
{
    (void)state;
    heed_tape *t = new_tape();
    for (int i = 0; i < variant_count(); i++) {
        const char *name;
        heed_model *m = tiny_build(variant_at(i, &name));
        texts p;
        print_message("%s\n", name);
        texts_draw(&p, m, B, TEXT, (uint64_t)i);
        heed_batch *b = texts_batch(&p, 0, B);
        heed_tape_reset(t, i % 2, false, 0);
        const heed_tensor *logits = force(t, m, b, 1);
        step_through(m, b, logits);
        heed_batch_free(b);
        texts_free(&p);
        heed_model_free(m);
    }
    heed_tape_free(t);
}

/* Rows of the search are chosen and put in a new order, twice over: each must be what it would be alone. */
static void test_select__takes_a_row_with_all_that_it_knows(void **state)
{
    (void)state;
    for (int i = 0; i < variant_count(); i += 3) {
        const char *name;
        heed_model *m = tiny_build(variant_at(i, &name));
        heed_tape *t = new_tape(), *other = new_tape();
        texts p;
        texts_draw(&p, m, B, TEXT, 40 + (uint64_t)i);
        static const int64_t order[2][4] = {{5, 2, 2, 0}, {3, 1, 0, 1}};
        static const int32_t ids[3][B] = {{1, 1, 1, 1, 1, 1, 1}, {3, 4, 5, 3}, {4, 6, 5, 3}};
        heed_batch *b = heed_batch_new(p.from, NULL, B, NULL, NULL, false, NULL);
        const heed_step step = step_thrice(t, m, b, (const int32_t *[]){ids[0], ids[1], ids[2]}, (const int64_t *[]){order[0], order[1]}, (int64_t[]){4, 4});
        for (int64_t r = 0; r < 4; r++) {
            const int64_t middle = order[1][r], record = order[0][middle];
            heed_batch *one = heed_batch_new(p.from + record, NULL, 1, NULL, NULL, false, NULL);
            heed_tape_reset(other, false, false, 0);
            const heed_step alone = step_thrice(other, m, one, (const int32_t *[]){ids[0], &ids[1][middle], &ids[2][r]}, NULL, NULL);
            assert_int_equal(heed_tape_status(other, NULL), HEED_OK);
            const int64_t F = step.features->cols;
            if (memcmp(alone.features->x, step.features->x + r * F, (size_t)F * sizeof(float))) fail_msg("row %d of %s", (int)r, name);
            heed_batch_free(one);
        }
        heed_batch_free(b);
        heed_tape_free(t);
        heed_tape_free(other);
        texts_free(&p);
        heed_model_free(m);
    }
}

/* --- against the session ----------------------------------------------------------------------------------------------------------------------- */

static const heed_output *run_pair(heed_session *s, const char *source, const char *target, heed_reply **r)
{
    *r = heed_session_run(s, &(heed_request){.items = &(heed_item){.text = source, .target = target}, .count = 1}, NULL);
    assert_non_null(*r);
    return heed_reply_at(*r, 0);
}

/* Both take the same logits; a log-sum-exp in float and a difference round a few times each, at the size of the logits. */
static void same_score(heed_session *s, heed_tape *t, const heed_model *m, const texts *p, int64_t i, double *sum)
{
    heed_reply *r;
    heed_batch *one = texts_batch(p, i, 1);
    heed_loss_counts counts;
    heed_tape_reset(t, false, false, 0);
    const double size = widest(force(t, m, one, 1)) + 3;
    heed_tape_reset(t, false, false, 0);
    const heed_tensor *loss = heed_model_loss(m, t, one, 1, &counts);
    const heed_output *o = run_pair(s, p->source[i], p->target[i], &r);
    const double bound = 8 * FLT_EPSILON * size * (double)o->count;
    assert_int_equal(counts.symbols, o->count);
    assert_true(fabs(o->score - counts.log_p) <= bound);
    assert_true(fabs(o->score + (double)loss->x[0]) <= bound);
    *sum += counts.log_p;
    heed_reply_free(r);
    heed_batch_free(one);
}

static void test_forced__score_is_the_loss_of_training(void **state)
{
    (void)state;
    for (int i = 0; i < variant_count(); i += 2) {
        const char *name;
        heed_model *m = tiny_build(variant_at(i, &name));
        heed_session *s = heed_session_new(m, &(heed_session_options){.threads = 1}, NULL);
        heed_tape *t = new_tape();
        texts p;
        double sum = 0;
        texts_draw(&p, m, B, TEXT, 900 + (uint64_t)i);
        for (int64_t b = 0; b < B; b++) same_score(s, t, m, &p, b, &sum);
        heed_batch *all = texts_batch(&p, 0, B);
        heed_loss_counts counts;
        heed_tape_reset(t, true, false, 0);
        heed_model_loss(m, t, all, 1, &counts);
        assert_true(fabs(counts.log_p - sum) <= 1e-12 * fabs(sum));   /* the same floats in another order */
        heed_batch_free(all);
        texts_free(&p);
        heed_tape_free(t);
        heed_session_free(s);
        heed_model_free(m);
    }
}

static void test_written__symbols_are_the_best_of_their_step(void **state)
{
    (void)state;
    int64_t seen = 0;
    heed_tape *t = new_tape();
    for (int i = 0; i < variant_count(); i += 3) {
        const char *name;
        heed_model *m = tiny_build(variant_at(i, &name));
        heed_session *s = heed_session_new(m, &(heed_session_options){.threads = 1}, NULL);
        texts p;
        texts_draw(&p, m, B, TEXT, (uint64_t)i);
        for (int b = 0; b < B; b++) {
            heed_reply *r;
            const heed_output *o = run_pair(s, p.source[b], NULL, &r);
            encode(m->target, o->text, &p.to[b]);
            heed_batch *one = texts_batch(&p, b, 1);
            heed_tape_reset(t, false, false, 0);
            const heed_tensor *logits = force(t, m, one, 1);
            for (int64_t k = 0; k < o->count; k++) {
                const float *row = logits->x + k * logits->cols;
                int64_t best = 0;
                for (int64_t v = 1; v < logits->cols; v++)
                    if (row[v] > row[best]) best = v;
                assert_string_equal(o->tokens[k].text, heed_text_symbol(m->target, (int32_t)best));
                seen++;
            }
            heed_batch_free(one);
            heed_reply_free(r);
        }
        texts_free(&p);
        heed_session_free(s);
        heed_model_free(m);
    }
    heed_tape_free(t);
    assert_true(seen > 300);
}

/* --- teacher forcing ---------------------------------------------------------------------------------------------------------------------------- */

/* Logits of record `of` in a batch, in the order of its symbols. */
static float *rows_of_record(const heed_model *m, const heed_batch *b, int64_t of, double forcing, bool record, uint64_t key, int64_t *n)
{
    heed_tape *t = new_tape();
    heed_forcing lay;
    int64_t place = 0;
    heed_tape_reset(t, record, true, key);
    const heed_tensor *logits = force(t, m, b, forcing);
    assert_true(heed_forcing_lay(&lay, t, &b->target));
    while (b->line[place] != of) place++;
    *n = b->target.span.start[place + 1] - b->target.span.start[place];
    const int64_t cols = logits->cols;
    float *x = malloc((size_t)(*n * cols) * sizeof *x);
    for (int64_t i = 0; i < *n; i++) memcpy(x + i * cols, logits->x + (lay.first[i] + place) * cols, (size_t)cols * sizeof *x);
    *n *= cols;
    heed_tape_free(t);
    return x;
}

static bool same_rows(const heed_model *m, const heed_batch *a, const heed_batch *b, int64_t of, double forcing, uint64_t key_a, uint64_t key_b)
{
    int64_t n, other;
    float *x = rows_of_record(m, a, of, forcing, false, key_a, &n), *y = rows_of_record(m, b, of, forcing, true, key_b, &other);
    assert_int_equal(n, other);
    const bool same = memcmp(x, y, (size_t)n * sizeof *x) == 0;
    free(x);
    free(y);
    return same;
}

static void test_own_choices__depend_on_the_record_alone(void **state)
{
    (void)state;
    static const double forcing[] = {0, 0.5, 1};
    for (int i = 0; i < variant_count(); i += 6) {
        const char *name;
        tiny t = *variant_at(i, &name);
        t.dropout = i % 4 ? 0.3 : 0;
        heed_model *m = tiny_build(&t);
        texts p;
        texts_draw(&p, m, B, TEXT, 60 + (uint64_t)i);
        heed_batch *all = texts_batch(&p, 0, B), *some = texts_batch(&p, 1, 4), *one = texts_batch(&p, 3, 1);
        for (int k = 0; k < 3; k++) {
            if (!same_rows(m, all, all, 3, forcing[k], 8, 8) || !same_rows(m, all, some, 3, forcing[k], 8, 8) || !same_rows(m, all, one, 3, forcing[k], 8, 8))
                fail_msg("forcing %g: %s", forcing[k], name);
        }
        heed_batch_free(all);
        heed_batch_free(some);
        heed_batch_free(one);
        texts_free(&p);
        heed_model_free(m);
    }
}

/* The coin is tossed anew for every key; with a teacher at each step, or none, there is no coin. */
static void test_own_choices__follow_the_key(void **state)
{
    (void)state;
    heed_model *m = tiny_build(&(tiny){0});
    texts p;
    texts_draw(&p, m, B, TEXT, 2);
    heed_batch *all = texts_batch(&p, 0, B);
    const int64_t longest = all->line[0];
    int differ = 0;
    for (uint64_t key = 1; key < 9; key++) {
        differ += !same_rows(m, all, all, longest, 0.5, 0, key);
        assert_true(same_rows(m, all, all, longest, 0, 0, key));
        assert_true(same_rows(m, all, all, longest, 1, 0, key));
    }
    assert_true(differ >= 4);
    heed_batch_free(all);
    texts_free(&p);
    heed_model_free(m);
}

static void test_forward__refuses_a_batch_that_is_not_sorted(void **state)
{
    (void)state;
    heed_error err;
    heed_model *m = tiny_build(&(tiny){0});
    heed_tape *t = new_tape();
    heed_tokens from[2] = {{0}, {0}}, to[2] = {{0}, {0}};
    encode(m->source, "ab", &from[0]);
    encode(m->source, "a", &from[1]);
    encode(m->target, "A", &to[0]);
    encode(m->target, "A B", &to[1]);
    heed_batch *b = heed_batch_new(from, to, 2, NULL, NULL, false, NULL);
    heed_tape_reset(t, true, true, 0);
    heed_loss_counts counts = {.symbols = 9};
    heed_model_loss(m, t, b, 1, &counts);
    assert_int_equal(counts.symbols, 0);
    assert_int_equal(heed_tape_status(t, &err), HEED_E_SHAPE);
    assert_non_null(strstr(err.text, "longest first"));
    heed_batch_free(b);
    for (int i = 0; i < 2; i++) {
        heed_tokens_free(&from[i]);
        heed_tokens_free(&to[i]);
    }
    heed_tape_free(t);
    heed_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward__equals_step_by_step),
        cmocka_unit_test(test_select__takes_a_row_with_all_that_it_knows),
        cmocka_unit_test(test_forced__score_is_the_loss_of_training),
        cmocka_unit_test(test_written__symbols_are_the_best_of_their_step),
        cmocka_unit_test(test_own_choices__depend_on_the_record_alone),
        cmocka_unit_test(test_own_choices__follow_the_key),
        cmocka_unit_test(test_forward__refuses_a_batch_that_is_not_sorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
