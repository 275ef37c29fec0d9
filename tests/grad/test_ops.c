/* Every op of ops.def: its reference against central differences, its results and its gradients against the reference (grad.h, num.h).
 *
 *   test_ops [FAMILY [PATTERN]]     the cases of one family, or of all; of them those tests whose names fit, as in *gradients* */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "grad.h"
#include "tensor/tape.h"

enum { PROBLEMS = 24, MOST_TESTS = 300 };

typedef void (*check)(problem *p, grad_report *r);

/* The first problem with a wrong number is the last. */
static void solve_all(const grad_case *c, check what)
{
    grad_report r = {0};
    for (uint64_t key = 1; key <= PROBLEMS && !r.wrong; key++) {
        problem *p = grad_problem_new(c, key);
        what(p, &r);
        grad_problem_free(p);
    }
    if (r.wrong) fail_msg("%lld of %lld numbers are wrong; the first: %s", (long long)r.wrong, (long long)r.checked, r.text);
    assert_true(r.kinks < r.checked / 10);                       /* slopes left out */
    assert_true(r.checked > 0 && r.bounds < 1e-3 * r.sizes);   /* a bound that lets everything pass says nothing */
}

static void reference_has_the_slope_of_itself(void **state) { solve_all(*state, grad_check_slope); }
static void results_lie_within_the_bound(void **state) { solve_all(*state, grad_check_forward); }
static void gradients_lie_within_the_bound(void **state) { solve_all(*state, grad_check_backward); }

/* --- what random draws do not reach ------------------------------------------------------------------------------------------------------- */

static void a_row_of_zeros_stays_zeros_and_passes_no_gradient(void **state)
{
    (void)state;
    heed_tape *t = heed_tape_new(&(heed_tape_options){.record = true}, NULL);
    const float x[] = {0, 0, 0, 3, 0, 4};
    float c[] = {1, 1, 1, 1, 1, 1}, *functional = c;
    heed_tensor *in = heed_input(t, 2, 3, x, true), *y = heed_unit_rows(t, in, 1);
    assert_int_equal(heed_backward(t, grad_functional(t, &y, &functional, 1), NULL), HEED_OK);
    for (int j = 0; j < 3; j++) assert_true(y->x[j] == 0 && in->g[j] == 0);
    assert_true(fabsf(y->x[3] - 0.6F) <= 0x1p-23F && fabsf(y->x[5] - 0.8F) <= 0x1p-23F);
    heed_tape_free(t);
}

static heed_tensor *dropped_ones(heed_tape *t, const uint64_t *keys, int64_t rows, int64_t cols, uint64_t site, double p)
{
    heed_tensor *x = heed_input(t, rows, cols, NULL, false);
    for (int64_t i = 0; i < rows * cols; i++) x->x[i] = 1;
    return heed_dropout(t, x, keys, site, p);
}

/* Of n coins the share that falls is p within 5 deviations, sqrt(p (1-p) / n). */
static void dropout_drops_the_share_it_was_told(void **state)
{
    (void)state;
    enum { ROWS = 64, COLS = 129 };
    uint64_t keys[ROWS];
    for (uint64_t i = 0; i < ROWS; i++) keys[i] = heed_key(99, i);
    for (int tenth = 1; tenth <= 9; tenth++) {
        const double p = tenth / 10.0, n = ROWS * COLS;
        heed_tape *t = heed_tape_new(&(heed_tape_options){.train = true, .seed = 7}, NULL);
        const heed_tensor *y = dropped_ones(t, keys, ROWS, COLS, 1, p);
        int64_t dropped = 0;
        for (int64_t i = 0; i < ROWS * COLS; i++) dropped += y->x[i] == 0;
        assert_true(fabs((double)dropped / n - p) <= 5 * sqrt(p * (1 - p) / n));
        heed_tape_free(t);
    }
}

static void a_dropout_mask_hangs_on_seed_row_key_and_site_alone(void **state)
{
    (void)state;
    const uint64_t keys[] = {11, 22, 33}, other[] = {33};
    heed_tape *t = heed_tape_new(&(heed_tape_options){.train = true, .seed = 7}, NULL);
    const heed_tensor *batch = dropped_ones(t, keys, 3, 200, 4, 0.5), *alone = dropped_ones(t, other, 1, 200, 4, 0.5);
    const heed_tensor *elsewhere = dropped_ones(t, other, 1, 200, 5, 0.5);
    assert_memory_equal(batch->x + 400, alone->x, 200 * sizeof(float));
    assert_memory_not_equal(batch->x, batch->x + 200, 200 * sizeof(float));
    assert_memory_not_equal(alone->x, elsewhere->x, 200 * sizeof(float));
    heed_tape *reseeded = heed_tape_new(&(heed_tape_options){.train = true, .seed = 8}, NULL);
    assert_memory_not_equal(dropped_ones(reseeded, other, 1, 200, 4, 0.5)->x, alone->x, 200 * sizeof(float));
    heed_tape_free(reseeded);
    heed_tape_free(t);
}

static void dropout_is_off_when_the_tape_does_not_train(void **state)
{
    (void)state;
    const uint64_t key = 1;
    heed_tape *t = heed_tape_new(&(heed_tape_options){.record = true}, NULL);
    heed_tensor *x = heed_input(t, 1, 4, NULL, true);
    assert_ptr_equal(heed_dropout(t, x, &key, 0, 0.5), x);
    heed_tape_free(t);
}

/* Weights of an output layer, packed; freed with *params. */
static void output_layer(heed_params **params, heed_weight **weight, heed_weight **bias, int64_t V, int64_t D)
{
    heed_params *p = *params = heed_params_new(NULL);
    *weight = heed_params_add(p, "weight", 2, V, D, HEED_FILL_NORMAL, 1);
    *bias = heed_params_add(p, "bias", 1, 1, V, HEED_FILL_NORMAL, 1);
    heed_weight_product(*weight);
    assert_int_equal(heed_params_finish(p, NULL), HEED_OK);
    heed_params_fill(p, 3);
    assert_int_equal(heed_params_pack(p, true, 1, NULL), HEED_OK);
}

static void the_output_loss_counts_hits_symbols_and_log_p(void **state)
{
    (void)state;
    const float x[] = {0, 2, 1, /**/ 5, 5, 5};
    const int32_t targets[] = {1, 2};
    heed_params *params;
    heed_weight *weight, *bias;
    heed_loss_counts counts;
    output_layer(&params, &weight, &bias, 3, 3);
    for (int i = 0; i < 9; i++) weight->tensor.x[i] = i % 4 == 0;   /* the logits are x */
    memset(bias->tensor.x, 0, 3 * sizeof(float));
    heed_params_touch(params);
    assert_int_equal(heed_params_pack(params, true, 1, NULL), HEED_OK);
    heed_tape *t = heed_tape_new(&(heed_tape_options){.record = false}, NULL);
    heed_tensor *loss = heed_output_loss(t, heed_input(t, 2, 3, x, false), &weight->tensor, &bias->tensor, targets, 0, 0.5, &counts);
    const double expected = 2 - log(1 + exp(1) + exp(2)) - log(3);
    assert_int_equal(counts.symbols, 2);
    assert_int_equal(counts.hits, 1);   /* of equals the first wins: row 1's arg max is 0 */
    assert_true(fabs(counts.log_p - expected) <= 32 * NUM_U * 5);
    assert_true(fabs(loss->x[0] + expected / 2) <= 32 * NUM_U * 5);
    heed_tape_free(t);
    heed_params_free(params);
}

enum { MANY = 700, ACROSS = 21, SYMBOLS = 33 };

/* The gradients of rows first .. first+n-1: of x into dx, of the weight and the bias after it into dw; returns the loss. */
static double output_gradients(heed_params *params, const float *x, const int32_t *targets, int64_t first, int64_t n, float *dx, float *dw)
{
    heed_tape *t = heed_tape_new(&(heed_tape_options){.record = true}, NULL);
    heed_tensor *in = heed_input(t, n, ACROSS, x + first * ACROSS, true);
    heed_tensor *weight = &heed_params_at(params, 0)->tensor, *bias = &heed_params_at(params, 1)->tensor;
    heed_tensor *loss = heed_output_loss(t, in, weight, bias, targets + first, 0.1, 0.25, NULL);
    assert_int_equal(heed_backward(t, loss, NULL), HEED_OK);
    assert_int_equal(heed_params_collect(params, &t, 1, 1, NULL), HEED_OK);
    memcpy(dx, in->g, (size_t)(n * ACROSS) * sizeof *dx);
    memcpy(dw, heed_params_grads(params), (size_t)heed_params_size(params) * sizeof *dw);
    const double value = (double)loss->x[0];
    heed_tape_free(t);
    return value;
}

/* MANY rows are more than two blocks and more than the width: the weight's gradient is summed block by block. 20 are fewer than the width: it waits. */
static void the_output_loss_of_many_rows_is_that_of_its_blocks(void **state)
{
    (void)state;
    static float x[MANY * ACROSS], dx[MANY * ACROSS], part[MANY * ACROSS], dw[2 * SYMBOLS * ACROSS], once[2 * SYMBOLS * ACROSS];
    static double sum[2 * SYMBOLS * ACROSS], size[2 * SYMBOLS * ACROSS];
    static int32_t targets[MANY];
    heed_params *params;
    heed_weight *weight, *bias;
    output_layer(&params, &weight, &bias, SYMBOLS, ACROSS);
    for (int i = 0; i < MANY * ACROSS; i++) x[i] = (float)heed_normal(5, (uint64_t)i);
    for (int i = 0; i < MANY; i++) targets[i] = (int32_t)heed_below(6, (uint64_t)i, SYMBOLS);
    double loss = output_gradients(params, x, targets, 0, MANY, dx, dw), parts = 0;
    for (int64_t first = 0; first < MANY; first += 20) {
        parts += output_gradients(params, x, targets, first, 20, part, once);
        assert_memory_equal(part, dx + first * ACROSS, 20 * ACROSS * sizeof *part);
        for (int64_t i = 0; i < heed_params_size(params); i++) sum[i] += (double)once[i], size[i] += fabs((double)once[i]);
    }
    assert_true(fabs(loss - parts) <= 40 * NUM_U * fabs(loss));
    for (int64_t i = 0; i < heed_params_size(params); i++) {
        const double terms = size[i] + MANY * 0.25 * 4;   /* a row brings at most w |x|, |x| below 4 or so */
        assert_true(fabs((double)dw[i] - sum[i]) <= MANY * NUM_U * terms);
    }
    heed_params_free(params);
}

/* --- errors are sticky ---------------------------------------------------------------------------------------------------------------------- */

static void shapes_that_do_not_fit_poison_the_tape(void **state)
{
    (void)state;
    heed_error err = {.status = HEED_OK};
    heed_tape *t = heed_tape_new(&(heed_tape_options){.record = true}, &err);
    heed_tape_scope(t, "decoder.0");
    heed_tensor *bad = heed_add(t, heed_input(t, 2, 3, NULL, true), heed_input(t, 3, 2, NULL, true));
    assert_non_null(bad);
    assert_non_null(heed_tanh(t, bad));
    assert_int_equal(heed_tape_status(t, &err), HEED_E_SHAPE);
    assert_non_null(strstr(err.text, "add: [2,3] + [3,2]"));
    assert_non_null(strstr(err.text, "in decoder.0"));
    assert_int_equal(heed_backward(t, bad, &err), HEED_E_SHAPE);
    heed_tape_reset(t, true, true, 0);
    assert_int_equal(heed_tape_status(t, &err), HEED_OK);
    heed_tape_free(t);
}

static void an_arena_at_its_limit_fails_the_tape(void **state)
{
    (void)state;
    heed_error err = {.status = HEED_OK};
    heed_tape *t = heed_tape_new(&(heed_tape_options){.record = true, .limit = 1 << 20}, &err);
    heed_tensor *x = heed_input(t, 1000, 1000, NULL, true);
    assert_non_null(heed_tanh(t, x));
    assert_int_equal(heed_tape_status(t, &err), HEED_E_NOMEM);
    heed_tape_free(t);
}

static void a_number_that_is_not_finite_is_traced_to_its_op_and_scope(void **state)
{
    (void)state;
    const char *op = NULL, *scope = NULL;
    heed_params *p = heed_params_new(NULL);
    heed_weight *hidden = heed_params_add(p, "hidden", 2, 8, 2, HEED_FILL_NORMAL, 1);
    heed_weight_product(hidden);
    assert_int_equal(heed_params_finish(p, NULL), HEED_OK);
    heed_params_fill(p, 1);
    assert_int_equal(heed_params_pack(p, true, 1, NULL), HEED_OK);
    heed_tape *t = heed_tape_new(&(heed_tape_options){.record = true}, NULL);
    heed_tape_scope(t, "encoder.0");
    heed_tensor *x = heed_tanh(t, heed_input(t, 1, 8, NULL, true)), *h = heed_input(t, 1, 2, NULL, true), *c = heed_input(t, 1, 2, NULL, true);
    heed_tensor *fine = heed_add(t, x, x);
    assert_false(heed_tape_find_nonfinite(t, &op, &scope));
    c->x[0] = INFINITY;   /* the cell takes it on, its output does not show it */
    heed_tape_scope(t, "encoder.1");
    const heed_lstm_state s = heed_rnn_step(t, &(heed_step_args){.cell = HEED_LSTM, .gates = fine, .before = {h, c}, .hidden = &hidden->tensor});
    heed_tape_scope(t, "encoder.2");
    heed_tanh(t, s.c);
    assert_true(isfinite(s.h->x[0]) && !isfinite(s.c->x[0]));
    assert_true(heed_tape_find_nonfinite(t, &op, &scope));
    assert_string_equal(op, "rnn_step");
    assert_string_equal(scope, "encoder.1");
    heed_tape_free(t);
    heed_params_free(p);
}

static void an_owner_that_does_not_exist_poisons_the_tape(void **state)
{
    (void)state;
    static const int64_t one[] = {0, 1}, far[] = {1};
    static const heed_pair_score none = {.known = HEED_ATTENTION_DOT};
    heed_tape *t = heed_tape_new(&(heed_tape_options){.record = true}, NULL);
    heed_tensor *x = heed_input(t, 1, 2, NULL, true);
    heed_attend(t, &(heed_attend_args){.q = x, .k = x, .v = x, .queries = {one, 1}, .keys = {one, 1}, .owner = far, .score = &none, .scale = 1});
    assert_int_equal(heed_tape_status(t, NULL), HEED_E_SHAPE);
    heed_tape_free(t);
}

/* --- the list --------------------------------------------------------------------------------------------------------------------------------- */

static struct CMUnitTest tests[MOST_TESTS];
static char names[MOST_TESTS][96];
static size_t count;

static void append(const char *prefix, const char *name, CMUnitTestFunction f, const grad_case *c)
{
    snprintf(names[count], sizeof names[count], "test_ops__%s%s", prefix, name);
    tests[count] = (struct CMUnitTest){names[count], f, NULL, NULL, (void *)c};
    count++;
}

#define APPEND(f) append("", #f, f, NULL)

static void append_single_facts(void)
{
    APPEND(a_row_of_zeros_stays_zeros_and_passes_no_gradient);
    APPEND(dropout_drops_the_share_it_was_told);
    APPEND(a_dropout_mask_hangs_on_seed_row_key_and_site_alone);
    APPEND(dropout_is_off_when_the_tape_does_not_train);
    APPEND(the_output_loss_counts_hits_symbols_and_log_p);
    APPEND(the_output_loss_of_many_rows_is_that_of_its_blocks);
    APPEND(shapes_that_do_not_fit_poison_the_tape);
    APPEND(an_arena_at_its_limit_fails_the_tape);
    APPEND(a_number_that_is_not_finite_is_traced_to_its_op_and_scope);
    APPEND(an_owner_that_does_not_exist_poisons_the_tape);
}

int main(int argc, char **argv)
{
    const grad_case *c;
    for (int i = 0; (c = grad_case_at(i)); i++) {
        if (argc > 1 && strcmp(argv[1], "all") != 0 && strcmp(argv[1], c->family) != 0) continue;
        append(c->name, "_reference_has_the_slope_of_itself", reference_has_the_slope_of_itself, c);
        append(c->name, "_results_lie_within_the_bound", results_lie_within_the_bound, c);
        append(c->name, "_gradients_lie_within_the_bound", gradients_lie_within_the_bound, c);
    }
    if (argc == 1) append_single_facts();
    if (argc > 2) cmocka_set_test_filter(argv[2]);
    return count ? _cmocka_run_group_tests("ops", tests, count, NULL, NULL) : 2;
}
