/* attend beyond the case of the op: wide and long problems, what it keeps, what it refuses.
 *
 *   test_attend [PATTERN]     those tests whose names fit, as in *gradients* */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attention.h"
#include "kernels/align.h"
#include "ops/distance.h"
#include "tensor/tape.h"

/* --- problems drawn over everything ------------------------------------------------------------------------------------------------------------ */

static void draw_small(problem *p) { grad_draw_attend(p, 6, 6, 3); }
static void draw_few(problem *p) { grad_draw_attend(p, 3, 40, 20); }
static void draw_wide(problem *p) { grad_draw_attend(p, 40, 70, 40); }

/* The first problem with a wrong fact is the last. */
static void solve(void (*draw)(problem *p), uint64_t problems, void (*check)(problem *p, grad_report *r))
{
    extern const grad_case case_attend;
    grad_case c = case_attend;
    c.draw = draw;
    grad_report r = {0};
    for (uint64_t key = 1; key <= problems && !r.wrong; key++) {
        problem *p = grad_problem_new(&c, 1000 + key);
        check(p, &r);
        grad_problem_free(p);
    }
    if (r.wrong) fail_msg("%lld of %lld facts are wrong; the first: %s", (long long)r.wrong, (long long)r.checked, r.text);
    assert_true(r.checked > 0 && !(r.bounds > 1e-2 * r.sizes));
}

static void visit(problem *p, grad_report *r, void (*look)(grad_scene *s)) { grad_visit(p, false, r, look); }

static void test_attend__results_lie_within_the_bound(void **state)
{
    (void)state;
    solve(draw_small, 600, grad_check_forward);
    solve(draw_wide, 60, grad_check_forward);
}

static void test_attend__gradients_lie_within_the_bound(void **state)
{
    (void)state;
    solve(draw_small, 600, grad_check_backward);
    solve(draw_wide, 60, grad_check_backward);
}

static heed_attended attend_again(grad_scene *s, bool weights)
{
    heed_attend_args args = grad_attend_args(s->p, s->in);
    args.weights = weights;
    return heed_attend(s->t, &args);
}

/* Each head of each query, of the scene's ref_attend. */
static void each(grad_scene *s, const heed_attended *x, void (*look)(grad_scene *s, const heed_attended *x, int64_t group, int64_t row, int64_t head))
{
    const ref_attend *a = s->p->own;
    for (int64_t b = 0; b < a->queries.B; b++)
        for (int64_t i = a->queries.start[b]; i < a->queries.start[b + 1]; i++)
            for (int64_t h = 0; h < a->heads; h++) look(s, x, b, i, h);
}

/* --- weights asked for afterwards --------------------------------------------------------------------------------------------------------------- */

/* Scores and weights are the reference's, and weights sum to 1 unless local-p's factor or blindness forbids it. */
static void compare_with_reference(grad_scene *s, const heed_attended *x, int64_t group, int64_t row, int64_t head)
{
    const ref_attend *a = s->p->own;
    static ref_sight sight;
    float weights[REF_KEYS], scores[REF_KEYS];
    const int64_t n = heed_attend_weights(x, group, row, head, weights, scores);
    double sum = 0, bound = 0;
    ref_attend_look(a, group, row, head, &sight);
    grad_expect(s->r, n == sight.keys, "%lld keys, expected %lld", (long long)n, (long long)sight.keys);
    for (int64_t j = 0, k = 0; j < n; j++) {
        const bool seen = k < sight.n && sight.m[k].at == j;
        const num w = seen ? sight.w[k] : num_exact(0), score = seen ? sight.s[k] : num_exact(-INFINITY);
        grad_expect(s->r, fabs((double)weights[j] - w.v) <= num_error(w) + (double)FLT_MIN, "weight %lld: %g, expected %g", (long long)j, (double)weights[j], w.v);
        grad_expect(s->r, seen ? fabs((double)scores[j] - score.v) <= num_error(score) : scores[j] == -INFINITY, "score %lld: %g, expected %g", (long long)j,
                    (double)scores[j], score.v);
        sum += (double)weights[j];
        bound += num_error(w) + (double)FLT_MIN;
        k += seen;
    }
    if (!ref_align_of(a->align)->centred) grad_expect(s->r, fabs(sum - (sight.n > 0)) <= bound, "weights sum to %.9g", sum);
}

static void ask_afterwards(grad_scene *s)
{
    const heed_attended x = attend_again(s, false);
    if (heed_tape_status(s->t, &s->err) == HEED_OK) each(s, &x, compare_with_reference);
}

static void compare_with_result(grad_scene *s, const heed_attended *x, int64_t group, int64_t row, int64_t head)
{
    static ref_sight sight;
    const ref_attend *a = s->p->own;
    float weights[REF_KEYS];
    const int64_t n = heed_attend_weights(x, group, row, head, weights, NULL);
    int64_t pair = (row - a->queries.start[group]) * n;
    for (int64_t b = 0; b < group; b++) {
        const int64_t owner = a->owner ? a->owner[b] : b;
        pair += (a->queries.start[b + 1] - a->queries.start[b]) * (a->keys.start[owner + 1] - a->keys.start[owner]);
    }
    ref_attend_look(a, group, row, head, &sight);
    for (int64_t j = 0; j < n; j++)
        grad_expect(s->r, weights[j] == x->weights->x[(pair + j) * a->heads + head], "weight %lld: %.9g asked for, %.9g as a result", (long long)j,
                    (double)weights[j], (double)x->weights->x[(pair + j) * a->heads + head]);
}

static void ask_for_both(grad_scene *s)
{
    const heed_attended x = attend_again(s, true);
    if (heed_tape_status(s->t, &s->err) == HEED_OK) each(s, &x, compare_with_result);
}

static void check_afterwards(problem *p, grad_report *r) { visit(p, r, ask_afterwards); }
static void check_both(problem *p, grad_report *r) { visit(p, r, ask_for_both); }

static void test_attend__weights_asked_for_afterwards_are_the_references_and_sum_to_one(void **state)
{
    (void)state;
    solve(draw_small, 400, check_afterwards);
    solve(draw_wide, 40, check_afterwards);
}

static void test_attend__weights_asked_for_afterwards_are_those_of_the_result_bit_for_bit(void **state)
{
    (void)state;
    solve(draw_small, 400, check_both);
    solve(draw_wide, 40, check_both);
}

/* --- bits ------------------------------------------------------------------------------------------------------------------------------------------ */

/* Row i of x's sequences at row turned[i] of a tensor twice as high. */
static heed_tensor *scattered(grad_scene *s, const heed_tensor *x, int64_t *turned)
{
    heed_tensor *y = heed_input(s->t, 2 * x->rows, x->cols, NULL, false);
    for (int64_t i = 0; i < x->rows; i++) {
        turned[i] = 2 * (x->rows - 1 - i) + 1;
        memcpy(y->x + turned[i] * x->cols, x->x + i * x->cols, (size_t)x->cols * sizeof *y->x);
    }
    return y;
}

static void look_by_number(grad_scene *s)
{
    heed_attend_args args = grad_attend_args(s->p, s->in);
    const bool shared = args.k == args.v;
    int64_t *turned = grad_room(s->p, (size_t)(args.k->rows + 1) * sizeof *turned);
    const heed_attended lying = heed_attend(s->t, &args);
    args.k = scattered(s, args.k, turned);
    args.v = shared ? args.k : scattered(s, args.v, turned);
    args.key_row = turned;
    const heed_attended x = heed_attend(s->t, &args);
    if (heed_tape_status(s->t, &s->err) != HEED_OK) return;
    const size_t out = (size_t)(x.out->rows * x.out->cols) * sizeof(float), saved = (size_t)(x.out->rows * args.heads) * sizeof(float);
    grad_expect(s->r, !memcmp(x.out->x, lying.out->x, out), "results differ");
    grad_expect(s->r, !memcmp(x.saved, lying.saved, saved), "what is saved differs");
}

static void check_by_number(problem *p, grad_report *r) { visit(p, r, look_by_number); }

static void test_attend__keys_by_number_give_the_bits_of_rows_copied_together(void **state)
{
    (void)state;
    solve(draw_small, 200, check_by_number);
    solve(draw_few, 100, check_by_number);
    solve(draw_wide, 60, check_by_number);
}

/* The last group alone, of those that want nothing that is numbered by pairs. */
static void look_alone(grad_scene *s)
{
    const ref_attend *a = s->p->own;
    heed_attend_args args = grad_attend_args(s->p, s->in);
    if (args.shift) return;
    const heed_attended all = heed_attend(s->t, &args);
    const int64_t b = a->queries.B - 1, first = a->queries.start[b], n = a->queries.start[b + 1] - first, owner = a->owner ? a->owner[b] : b;
    const int64_t queries[] = {0, n}, from = a->keys.start[owner], keys[] = {0, a->keys.start[owner + 1] - from};
    const bool shared = args.k == args.v;
    if (!n || !keys[1]) return;
    args.q = heed_rows(s->t, args.q, first, n);
    args.k = heed_rows(s->t, args.k, from, keys[1]);
    args.v = shared ? args.k : heed_rows(s->t, args.v, from, keys[1]);
    if (args.centre) args.centre = heed_rows(s->t, args.centre, first, n);
    args.queries = (heed_span){queries, 1};
    args.keys = (heed_span){keys, 1};
    args.owner = NULL;
    const heed_attended alone = heed_attend(s->t, &args);
    if (heed_tape_status(s->t, &s->err) != HEED_OK) return;
    grad_expect(s->r, !memcmp(alone.out->x, all.out->x + first * all.out->cols, (size_t)(n * all.out->cols) * sizeof(float)), "the group alone differs");
}

static void check_alone(problem *p, grad_report *r) { visit(p, r, look_alone); }

static void test_attend__a_group_alone_gives_the_bits_it_has_in_company(void **state)
{
    (void)state;
    solve(draw_small, 200, check_alone);
    solve(draw_wide, 60, check_alone);
}

/* --- long sequences ----------------------------------------------------------------------------------------------------------------------------------- */

enum { LONG = 1300, WIDTH = 6, LEAST_BLOCK = 256 };   /* no block of keys that are joined is smaller */

static float wave(int64_t i) { return sinf((float)(i % 1009) * 0.7F); }

static heed_tensor *waves(heed_tape *t, int64_t rows, int64_t cols, bool grad)
{
    heed_tensor *x = heed_input(t, rows, cols, NULL, grad);
    for (int64_t i = 0; i < rows * cols; i++) x->x[i] = wave(i);
    return x;
}

/* One query's sums over keys, as the op may take them: softmax of blocks joined one by one, so that the bounds cover what joining rounds. */
typedef struct far { num s[LONG], w[LONG], out[WIDTH], lse; } far;

static num given(const heed_tensor *x, int64_t row, int64_t c) { return num_exact((double)x->x[row * WIDTH + c]); }

static void look_by_blocks(const heed_attend_args *a, int64_t row, int64_t seen, far *x)
{
    x->lse = num_exact(-INFINITY);
    for (int64_t j = 0; j < seen; j++) {
        num sum = {0};
        for (int64_t c = 0; c < WIDTH; c++) num_gather(&sum, num_mul(given(a->q, row, c), given(a->k, j, c)));
        x->s[j] = num_mul(num_exact((double)a->scale), sum);
    }
    for (int64_t first = 0; first < seen; first += LEAST_BLOCK) {
        const int64_t n = seen - first < LEAST_BLOCK ? seen - first : LEAST_BLOCK;
        const num more = num_softmax(x->w, x->s + first, n), high = num_exact(fmax(x->lse.v, more.v));
        const num both = first ? num_add(high, num_log(num_add(num_exp(num_sub(x->lse, high)), num_exp(num_sub(more, high))))) : more;
        for (int64_t c = 0; c < WIDTH; c++) {
            num sum = {0};
            for (int64_t j = 0; j < n; j++) num_gather(&sum, num_mul(x->w[j], given(a->v, first + j, c)));
            x->out[c] = first ? num_add(num_mul(num_exp(num_sub(x->lse, both)), x->out[c]), num_mul(num_exp(num_sub(more, both)), sum)) : sum;
        }
        x->lse = both;
    }
    for (int64_t j = 0; j < seen; j++) x->w[j] = num_exp(num_sub(x->s[j], x->lse));
}

static int64_t seen_by(const heed_attend_args *a, int64_t row) { return a->align == HEED_ALIGN_causal ? a->position + row + 1 : LONG; }

/* queries: of the group, so that it is taken by rows or in lanes. */
static heed_attend_args long_args(heed_tape *t, int64_t queries, heed_align align, const int64_t *starts, bool record)
{
    static const heed_pair_score dot = {.known = HEED_ATTENTION_DOT};
    static const int64_t keys[] = {0, LONG};
    return (heed_attend_args){.q = waves(t, queries, WIDTH, record), .k = waves(t, LONG, WIDTH, record), .v = waves(t, LONG, WIDTH, record), .queries = {starts, 1},
                              .keys = {keys, 1}, .position = LONG - queries - 3, .align = align, .score = &dot, .scale = 2};
}

static void look_far(int64_t queries, heed_align align)
{
    static far f;
    const int64_t starts[] = {0, queries};
    heed_tape *t = heed_tape_new(&(heed_tape_options){.record = false}, NULL);
    const heed_attend_args args = long_args(t, queries, align, starts, false);
    const heed_attended x = heed_attend(t, &args);
    assert_int_equal(heed_tape_status(t, NULL), HEED_OK);
    for (int64_t i = 0; i < queries; i++) {
        look_by_blocks(&args, i, seen_by(&args, i), &f);
        for (int64_t c = 0; c < WIDTH; c++) assert_true(fabs((double)x.out->x[i * WIDTH + c] - f.out[c].v) <= num_error(f.out[c]));
        assert_true(fabs((double)x.saved[i] - f.lse.v) <= num_error(f.lse));
        assert_true(num_error(f.out[0]) < 1e-3);
    }
    heed_tape_free(t);
}

static void test_attend__blocks_of_keys_joined_agree_with_one_pass(void **state)
{
    (void)state;
    for (int64_t queries = 1; queries < 40; queries += 12) {
        look_far(queries, HEED_ALIGN_everything);
        look_far(queries, HEED_ALIGN_causal);
    }
}

/* The sum of w dw is taken over keys or, where not all of them are at hand, as dout . out: the wider bound holds for both. */
static void long_back(const heed_attend_args *a, int64_t row, const float *dout, const far *f, num *dq, num *dk, num *dv)
{
    static num dw[LONG];
    num d[WIDTH];
    const int64_t seen = seen_by(a, row);
    for (int64_t c = 0; c < WIDTH; c++) d[c] = num_exact((double)dout[row * WIDTH + c]);
    for (int64_t j = 0; j < seen; j++) {
        dw[j] = (num){0};
        for (int64_t c = 0; c < WIDTH; c++) num_gather(&dw[j], num_mul(d[c], given(a->v, j, c)));
    }
    num delta = num_dot(f->w, dw, seen);
    const num other = num_dot(d, f->out, WIDTH);
    delta = (num){.v = delta.v, .e = fmax(num_error(delta), num_error(other))};
    for (int64_t j = 0; j < seen; j++) {
        const num ds = num_mul(num_exact((double)a->scale), num_mul(f->w[j], num_sub(dw[j], delta)));
        for (int64_t c = 0; c < WIDTH; c++) {
            num_gather(&dq[row * WIDTH + c], num_mul(ds, given(a->k, j, c)));
            num_gather(&dk[j * WIDTH + c], num_mul(ds, given(a->q, row, c)));
            num_gather(&dv[j * WIDTH + c], num_mul(f->w[j], d[c]));
        }
    }
}

static void compare_gradient(const heed_tensor *x, const num *want)
{
    double bounds = 0, sizes = 0;
    for (int64_t i = 0; i < x->rows * WIDTH; i++) {
        assert_true(fabs((double)x->g[i] - want[i].v) <= num_error(want[i]) + (double)FLT_MIN);
        bounds += num_error(want[i]), sizes += fabs(want[i].v);
    }
    assert_true(bounds < 1e-2 * sizes);
}

static void look_far_back(int64_t queries, heed_align align)
{
    static far f;
    const int64_t starts[] = {0, queries};
    heed_tape *t = heed_tape_new(&(heed_tape_options){.record = true}, NULL);
    num *dq = calloc((size_t)(queries * WIDTH), sizeof *dq), *dk = calloc(LONG * WIDTH, sizeof *dk), *dv = calloc(LONG * WIDTH, sizeof *dv);
    float *dout = malloc((size_t)(queries * WIDTH) * sizeof *dout);
    for (int64_t i = 0; i < queries * WIDTH; i++) dout[i] = wave(3 * i);
    const heed_attend_args args = long_args(t, queries, align, starts, true);
    heed_tensor *out = heed_attend(t, &args).out;
    assert_int_equal(heed_backward(t, grad_functional(t, &out, &dout, 1), NULL), HEED_OK);
    for (int64_t i = 0; i < queries; i++) {
        look_by_blocks(&args, i, seen_by(&args, i), &f);
        long_back(&args, i, dout, &f, dq, dk, dv);
    }
    compare_gradient(args.q, dq);
    compare_gradient(args.k, dk);
    compare_gradient(args.v, dv);
    free(dq), free(dk), free(dv), free(dout);
    heed_tape_free(t);
}

static void test_attend__gradients_over_blocks_of_keys_lie_within_the_bound(void **state)
{
    (void)state;
    for (int64_t queries = 1; queries < 40; queries += 12) {
        look_far_back(queries, HEED_ALIGN_everything);
        look_far_back(queries, HEED_ALIGN_causal);
    }
}

/* A forward and a backward over T keys hold no more than a few times what goes in and comes out; [T,T] would be 256 MB. */
static void test_attend__memory_grows_with_the_keys_not_with_the_pairs(void **state)
{
    (void)state;
    enum { T = 8192, D = 8 };
    static const heed_pair_score dot = {.known = HEED_ATTENTION_DOT};
    const int64_t start[] = {0, T}, lone[] = {0, 2};
    heed_tape *t = heed_tape_new(&(heed_tape_options){.record = true, .limit = 8 * T * (4 * D + 1) * sizeof(float)}, NULL);
    for (int rows = 0; rows < 2; rows++) {
        heed_tape_reset(t, true, false, 0);
        heed_tensor *q = waves(t, rows ? 2 : T, D, true), *k = waves(t, T, D, true), *v = waves(t, T, D, true);
        heed_tensor *out = heed_attend(t, &(heed_attend_args){.q = q, .k = k, .v = v, .queries = {rows ? lone : start, 1}, .keys = {start, 1}, .position = T - 2,
                                                              .align = HEED_ALIGN_causal, .score = &dot, .scale = 1}).out;
        float *c = calloc((size_t)(T * D), sizeof *c);
        const heed_status status = heed_backward(t, grad_functional(t, &out, &c, 1), NULL);
        free(c);
        assert_int_equal(status, HEED_OK);
    }
    heed_tape_free(t);
}

/* --- numbers that are none ------------------------------------------------------------------------------------------------------------------------------ */

static void test_attend__a_score_that_is_nan_shows_in_the_result(void **state)
{
    (void)state;
    static const heed_pair_score dot = {.known = HEED_ATTENTION_DOT};
    for (int align = 0; align < HEED_ALIGN_COUNT; align++)
        for (int64_t queries = 1; queries <= 5; queries += 4) {
            const int64_t starts[] = {0, queries}, keys[] = {0, 5};
            heed_tape *t = heed_tape_new(&(heed_tape_options){.record = false}, NULL);
            heed_tensor *q = waves(t, queries, 4, false), *k = waves(t, 5, 4, false), *v = waves(t, 5, 4, false);
            k->x[1] = NAN;   /* key 0, which all queries see */
            const heed_attended x = heed_attend(t, &(heed_attend_args){.q = q, .k = k, .v = v, .queries = {starts, 1}, .keys = {keys, 1}, .window = 5,
                                                                       .align = (heed_align)align, .score = &dot, .scale = 1,
                                                                       .centre = align == HEED_ALIGN_local_p ? heed_input(t, queries, 1, NULL, false) : NULL});
            assert_int_equal(heed_tape_status(t, NULL), HEED_OK);
            for (int64_t i = 0; i < queries; i++) assert_true(isnan(x.out->x[4 * i]) || align == HEED_ALIGN_hard);
            heed_tape_free(t);
        }
}

static void test_attend__a_centre_that_is_nan_sees_nothing(void **state)
{
    (void)state;
    const heed_looking l = heed_looking_of(HEED_ALIGN_local_p, 3, 0, 10, NAN);
    assert_int_equal(l.seen, 0);
}

/* --- distances ------------------------------------------------------------------------------------------------------------------------------------------- */

/* 32 buckets both ways, as T5 has them: 8 exact ones, then ranges that begin at 8 16^(r/8) = 8, 11.3, 16, 22.6, 32, 45.3, 64, 90.5. */
static void test_attend__ranges_of_distance_begin_where_t5_has_them(void **state)
{
    (void)state;
    static const int64_t begins[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91, 1000};
    heed_tensor weight = {.rows = 1, .cols = 32};
    const heed_distance x = {.kind = HEED_DISTANCE_BUCKETS, .weight = &weight, .both = true};
    for (int r = 0; r < 16; r++)
        for (int64_t far = begins[r]; far < begins[r + 1]; far++) {
            assert_int_equal(heed_distance_bucket(&x, -far), r);
            if (far) assert_int_equal(heed_distance_bucket(&x, far), 16 + r);
        }
}

/* --- what is refused -------------------------------------------------------------------------------------------------------------------------------------- */

static heed_status status_of(void (*spoil)(heed_tape *t, heed_attend_args *a), bool record)
{
    static const int64_t starts[] = {0, 2}, keys[] = {0, 3}, row[] = {0, 1, 2};
    static const heed_pair_score dot = {.known = HEED_ATTENTION_DOT};
    heed_tape *t = heed_tape_new(&(heed_tape_options){.record = record}, NULL);
    heed_attend_args a = {.q = waves(t, 2, 12, true), .k = waves(t, 3, 6, true), .v = waves(t, 3, 8, true), .heads = 4, .key_heads = 2, .queries = {starts, 1},
                          .keys = {keys, 1}, .key_row = record ? NULL : row, .score = &dot, .scale = 1};
    spoil(t, &a);
    heed_attend(t, &a);
    const heed_status status = heed_tape_status(t, NULL);
    heed_tape_free(t);
    return status;
}

static void nothing(heed_tape *t, heed_attend_args *a) { (void)t, (void)a; }
static void heads_that_do_not_divide(heed_tape *t, heed_attend_args *a) { (void)t, a->heads = 3; }
static void key_heads_that_do_not_divide(heed_tape *t, heed_attend_args *a) { (void)t, a->key_heads = 3; }
static void values_of_other_rows(heed_tape *t, heed_attend_args *a) { a->v = waves(t, 2, 8, true); }
static void keys_of_other_width(heed_tape *t, heed_attend_args *a) { a->k = waves(t, 3, 8, true); }
static void extra_of_other_heads(heed_tape *t, heed_attend_args *a) { a->extra = waves(t, 1, 6, true); }
static void no_centre(heed_tape *t, heed_attend_args *a) { (void)t, a->align = HEED_ALIGN_local_p; }
static void centre_of_other_heads(heed_tape *t, heed_attend_args *a) { a->align = HEED_ALIGN_local_p, a->centre = waves(t, 2, 2, true); }
static void shift_of_other_pairs(heed_tape *t, heed_attend_args *a) { a->shift = waves(t, 5, 6, true); }
static void one_bucket(heed_tape *t, heed_attend_args *a) { a->distance = (heed_distance){.kind = HEED_DISTANCE_BUCKETS, .weight = waves(t, 4, 1, true)}; }
static void odd_buckets_both_ways(heed_tape *t, heed_attend_args *a)
{
    a->distance = (heed_distance){.kind = HEED_DISTANCE_BUCKETS, .weight = waves(t, 4, 7, true), .both = true};
}
static void keys_by_number(heed_tape *t, heed_attend_args *a)
{
    static const int64_t row[] = {0, 1, 2};
    (void)t;
    a->key_row = row;
}

static void test_attend__what_does_not_fit_poisons_the_tape(void **state)
{
    (void)state;
    void (*const spoil[])(heed_tape *, heed_attend_args *) = {heads_that_do_not_divide, key_heads_that_do_not_divide, values_of_other_rows, keys_of_other_width,
                                                              extra_of_other_heads, no_centre, centre_of_other_heads, shift_of_other_pairs, one_bucket,
                                                              odd_buckets_both_ways};
    assert_int_equal(status_of(nothing, true), HEED_OK);
    for (size_t i = 0; i < sizeof spoil / sizeof *spoil; i++) assert_int_equal(status_of(spoil[i], true), HEED_E_SHAPE);
}

static void test_attend__keys_by_number_are_not_recorded(void **state)
{
    (void)state;
    assert_int_equal(status_of(nothing, false), HEED_OK);
    assert_int_equal(status_of(keys_by_number, true), HEED_E_USAGE);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attend__results_lie_within_the_bound),
        cmocka_unit_test(test_attend__gradients_lie_within_the_bound),
        cmocka_unit_test(test_attend__weights_asked_for_afterwards_are_the_references_and_sum_to_one),
        cmocka_unit_test(test_attend__weights_asked_for_afterwards_are_those_of_the_result_bit_for_bit),
        cmocka_unit_test(test_attend__keys_by_number_give_the_bits_of_rows_copied_together),
        cmocka_unit_test(test_attend__a_group_alone_gives_the_bits_it_has_in_company),
        cmocka_unit_test(test_attend__blocks_of_keys_joined_agree_with_one_pass),
        cmocka_unit_test(test_attend__gradients_over_blocks_of_keys_lie_within_the_bound),
        cmocka_unit_test(test_attend__memory_grows_with_the_keys_not_with_the_pairs),
        cmocka_unit_test(test_attend__a_score_that_is_nan_shows_in_the_result),
        cmocka_unit_test(test_attend__a_centre_that_is_nan_sees_nothing),
        cmocka_unit_test(test_attend__ranges_of_distance_begin_where_t5_has_them),
        cmocka_unit_test(test_attend__what_does_not_fit_poisons_the_tape),
        cmocka_unit_test(test_attend__keys_by_number_are_not_recorded),
    };
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
