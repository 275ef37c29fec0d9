/* The greatest of each row of a product through its screen: always the one that the product itself has, whatever stands in weight, rows and bias; and mostly without it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "isa/product.h"
#include "kernels/screen.h"
#include "kernels/top.h"

/* A weight of two pieces and a rest, and rows; changed by the test before it is packed. */
typedef struct screened {
    heed_number number;
    int64_t N, K, M;
    float *w, *x, *bias;
    heed_gemm *g;
    heed_pack *pack;
    heed_screen *screen;
    heed_arena *room;
    heed_screen_counts counts;
} screened;

enum { N = 2 * HEED_PIECE + 900 };

static screened screened_of(heed_number number, int64_t K, int64_t M)
{
    screened s = {.number = number, .N = N, .K = K, .M = M, .w = numbers(1, N * K), .x = numbers(2, M * K), .bias = numbers(3, N), .g = heed_gemm_new(NULL), .room = heed_arena_new(0)};
    assert_true(s.g && s.room);
    return s;
}

static void fill(screened *s)
{
    s->pack = heed_pack_new_cut(s->number, s->N, s->K, HEED_PIECE, NULL);
    s->screen = heed_screen_new(s->number, s->w, s->N, s->K, NULL);
    assert_true(s->pack && s->screen);
    assert_int_equal(heed_pack_fill(s->g, s->pack, s->w, false, NULL), HEED_OK);
    assert_int_equal(heed_screen_bytes(s->screen), 0);
}

static void done(screened *s)
{
    heed_pack_free(s->pack);
    heed_screen_free(s->screen);
    heed_gemm_free(s->g);
    heed_arena_free(s->room);
    free(s->w);
    free(s->x);
    free(s->bias);
}

static int32_t greatest_of(const float *y, int64_t n)
{
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
        if (y[i] > y[best] || (isnan(y[best]) && !isnan(y[i]))) best = i;
    return (int32_t)best;
}

/* All rows together, and one by one: the columns are those of the product. */
static void same(screened *s)
{
    float *y = malloc((size_t)(s->M * s->N) * sizeof *y);
    int32_t *ids = malloc((size_t)s->M * sizeof *ids), alone;
    assert_true(y && ids);
    assert_true(heed_screen_ready(s->screen));
    assert_int_equal(heed_gemm_forward(s->g, s->pack, s->M, s->x, s->K, s->bias, y, s->N, false, NULL), HEED_OK);
    assert_int_equal(heed_screen_arg_max(s->screen, s->g, s->pack, s->M, s->x, s->bias, s->room, ids, &s->counts, NULL), HEED_OK);
    for (int64_t i = 0; i < s->M; i++) {
        const int32_t want = greatest_of(y + i * s->N, s->N);
        if (ids[i] != want) fail_msg("row %d: column %d, %.9g; the greatest is %d, %.9g", (int)i, ids[i], (double)y[i * s->N + ids[i]], want, (double)y[i * s->N + want]);
        assert_int_equal(heed_screen_arg_max(s->screen, s->g, s->pack, 1, s->x + i * s->K, s->bias, s->room, &alone, NULL, NULL), HEED_OK);
        assert_int_equal(alone, want);
    }
    free(y);
    free(ids);
}

/* Every test once for each number that has screens here. */
static void each(void (*run)(heed_number number))
{
    for (int number = HEED_F32; number <= HEED_BF16; number++)
        if (heed_gemm_has(HEED_INT8) && heed_gemm_has((heed_number)number)) run((heed_number)number);
}

/* --- what is usual --------------------------------------------------------------------------------------------------------------------------- */

static void usual(heed_number number)
{
    static const int64_t depths[] = {1, 37, 128, 512}, rows[] = {1, 7, 60, PRODUCT_ROWS};
    for (size_t k = 0; k < sizeof depths / sizeof *depths; k++)
        for (size_t m = 0; m < sizeof rows / sizeof *rows; m++) {
            screened s = screened_of(number, depths[k], rows[m]);
            fill(&s);
            same(&s);
            assert_int_equal(s.counts.rows, s.M);
            assert_true(heed_screen_bytes(s.screen) >= (size_t)(s.N * s.K));
            if (s.K > 1) assert_true(s.counts.whole == 0 && s.counts.pieces <= 1 + s.M / 20);   /* of numbers drawn alike one row in thousands has two that near */
            done(&s);
        }
}

static void test_screen__finds_the_greatest_of_each_row(void **state)
{
    (void)state;
    each(usual);
}

/* --- the bound is reached ---------------------------------------------------------------------------------------------------------------------- */

/* Bytes of w are 0.49 less than column 7 has, and 0.49 more than column 9 has, at every place: so the greatest is 6,100 below another, and is 74 above it. */
static void weights_astray(heed_number number)
{
    enum { K = 64, BETTER = 7, SEEMS = N - 9 };
    if (number != HEED_F32) return;   /* which 0.49 is not, of ten */
    screened s = screened_of(number, K, 1);
    memset(s.w, 0, (size_t)(s.N * K) * sizeof *s.w);
    memset(s.bias, 0, (size_t)s.N * sizeof *s.bias);
    for (int64_t i = 0; i < K; i++) {
        s.x[i] = i ? 100 : 127;
        s.w[BETTER * K + i] = i ? 10.49f : 127;
        s.w[SEEMS * K + i] = i > 2 ? 10.51f : i ? 9.51f : 127;
    }
    fill(&s);
    same(&s);
    assert_int_equal(s.counts.pieces + s.counts.whole, 0);
    done(&s);
}

/* The same of a row, whose 0.49 is nothing in bytes: column 7 has 100 where it is, column 9 -100. */
static void rows_astray(heed_number number)
{
    enum { K = 64, BETTER = N - 7, SEEMS = 9 };
    screened s = screened_of(number, K, 1);
    memset(s.w, 0, (size_t)(s.N * K) * sizeof *s.w);
    for (int64_t j = 0; j < s.N; j++) s.bias[j] = j == BETTER || j == SEEMS ? 0 : -9000;
    for (int64_t i = 0; i < K; i++) {
        s.x[i] = i > 1 ? 0.49f : i ? 0 : 127;
        s.w[BETTER * K + i] = i > 1 ? 100 : i ? 127 : 1;
        s.w[SEEMS * K + i] = i > 1 ? -100 : i ? 127 : 48;
    }
    fill(&s);
    same(&s);
    assert_int_equal(s.counts.pieces + s.counts.whole, 0);
    done(&s);
}

static void test_screen__holds_where_its_bound_is_reached(void **state)
{
    (void)state;
    each(weights_astray);
    each(rows_astray);
}

/* --- ties ----------------------------------------------------------------------------------------------------------------------------------------- */

/* Every row of w stands three times: the first of equals is the greatest, and the product says so. */
static void equals(heed_number number)
{
    screened s = screened_of(number, 64, 40);
    for (int64_t j = 0; j < s.N; j++) {
        memcpy(s.w + j * s.K, s.w + j % (s.N / 3) * s.K, (size_t)s.K * sizeof *s.w);
        s.bias[j] = s.bias[j % (s.N / 3)];
    }
    fill(&s);
    same(&s);
    assert_int_equal(s.counts.pieces, s.M);
    done(&s);
}

/* Sums of the same numbers in another order, one of them a unit more: which is the greatest is a matter of rounding, and of oneDNN's order. */
static void shuffled(heed_number number)
{
    screened s = screened_of(number, 128, 60);
    for (int64_t i = 0; i < s.M; i++)
        for (int64_t k = 0; k < s.K; k++) s.x[i * s.K + k] = s.x[i * s.K];
    for (int64_t j = 0; j < s.N; j++) {
        if (j % 100 == 3)
            for (int64_t k = 0; k < s.K; k++) s.w[j * s.K + k] = s.w[3 * s.K + (k * 37 + j) % s.K];
        if (j % 100 == 3) s.w[j * s.K + j % s.K] = nextafterf(s.w[j * s.K + j % s.K], 9);
        s.bias[j] = j % 100 == 3 ? 50 : 0;
    }
    fill(&s);
    same(&s);
    assert_true(s.counts.pieces >= s.M / 2);
    done(&s);
}

/* Biases so large that a number's last unit is as much as the products differ by. */
static void large_biases(heed_number number)
{
    screened s = screened_of(number, 64, 60);
    for (int64_t j = 0; j < s.N * s.K; j++) s.w[j] *= 0.02f;
    for (int64_t j = 0; j < s.N; j++) s.bias[j] = j % 150 == 3 ? 1e6f : 0;
    fill(&s);
    same(&s);
    assert_int_equal(s.counts.whole, 0);
    done(&s);
}

/* More than a row has room for. */
static void crowds(heed_number number)
{
    screened s = screened_of(number, 64, 20);
    for (int64_t j = 0; j < s.N; j++) {
        if (j % 7 == 3) memcpy(s.w + j * s.K, s.w + 3 * s.K, (size_t)s.K * sizeof *s.w);
        s.bias[j] = j % 7 == 3 ? 90 : 0;
    }
    fill(&s);
    same(&s);
    assert_int_equal(s.counts.whole, s.M);
    done(&s);
}

static void test_screen__leaves_what_rounding_decides_to_the_product(void **state)
{
    (void)state;
    each(equals);
    each(shuffled);
    each(large_biases);
    each(crowds);
}

/* --- what is not usual ------------------------------------------------------------------------------------------------------------------------------ */

static void put(screened *s, int64_t row, float value)
{
    for (int64_t k = 0; k < s->K; k++) s->x[row * s->K + k] *= value;
}

/* Rows of zeros, of numbers that nearly are or that overflow, of NaN and infinities; and biases likewise. */
static void odd_rows(heed_number number)
{
    for (int biases = 0; biases < 4; biases++) {
        screened s = screened_of(number, 64, 12);
        put(&s, 1, 0);
        put(&s, 2, 1e-38f);
        put(&s, 3, 1e-45f);
        put(&s, 4, 1e37f);
        put(&s, 5, 1e25f);
        s.x[6 * s.K + 5] = NAN;
        s.x[7 * s.K + 5] = INFINITY;
        s.x[8 * s.K + 5] = -INFINITY;
        s.x[9 * s.K + 5] = 1e4f;
        for (int64_t j = 0; j < s.N; j++)
            if (biases) s.bias[j] = j % 3 == 1 ? -1e9f : biases > 1 && j % 3 == 0 ? NAN : j % 3 == 2 && biases > 2 ? -INFINITY : s.bias[j];
        if (biases == 3) s.bias[77] = INFINITY;
        fill(&s);
        same(&s);
        done(&s);
    }
}

/* Weights that are zero, tiny, huge; one that makes the bytes of all others useless. */
static void odd_weights(heed_number number)
{
    static const float sizes[] = {0, 1e-45f, 1e-36f, 1e-20f, 1e20f};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        screened s = screened_of(number, 64, 12);
        for (int64_t j = 0; j < s.N * s.K; j++) s.w[j] *= sizes[i];
        put(&s, 2, 1e-20f);
        put(&s, 3, 1e12f);
        fill(&s);
        same(&s);
        done(&s);
    }
    screened s = screened_of(number, 64, 12);
    s.w[99 * s.K + 9] = 3e5f;
    fill(&s);
    same(&s);
    assert_true(s.counts.whole > 0);   /* where it is not the greatest */
    done(&s);
}

static void test_screen__knows_zeros_and_infinities(void **state)
{
    (void)state;
    each(odd_rows);
    each(odd_weights);
}

static void unfit(heed_number number)
{
    static const float odd[] = {NAN, INFINITY, -INFINITY, 3e38f};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        screened s = screened_of(number, 64, 1);
        s.w[5 * s.K + 5] = odd[i];
        fill(&s);
        assert_false(heed_screen_ready(s.screen));
        assert_false(heed_screen_ready(s.screen));
        assert_int_equal(heed_screen_bytes(s.screen), 0);
        done(&s);
    }
}

static void test_screen__is_not_made_of_a_weight_that_is_not_finite(void **state)
{
    (void)state;
    each(unfit);
}

static void test_screen__is_not_made_where_bytes_are_not_multiplied(void **state)
{
    (void)state;
    screened s = screened_of(HEED_F32, 64, 1);
    fill(&s);
    assert_true(heed_screen_ready(s.screen) == heed_gemm_has(HEED_INT8));
    done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_screen__finds_the_greatest_of_each_row),
        cmocka_unit_test(test_screen__holds_where_its_bound_is_reached),
        cmocka_unit_test(test_screen__leaves_what_rounding_decides_to_the_product),
        cmocka_unit_test(test_screen__knows_zeros_and_infinities),
        cmocka_unit_test(test_screen__is_not_made_of_a_weight_that_is_not_finite),
        cmocka_unit_test(test_screen__is_not_made_where_bytes_are_not_multiplied),
    };
    return cmocka_run_group_tests_name("screens", tests, NULL, NULL);
}
