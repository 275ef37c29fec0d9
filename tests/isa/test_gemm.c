/* Matrix products against loops in double, and the promise that bits depend on nothing but the row. Every test runs once an instruction set,
 * each in a process of its own, because HEED_ISA must bound oneDNN before its first use. */
#include <math.h>
#include <omp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "isa/product.h"
#include "kernels/bf16.h"

static const int64_t shapes[][2] = {{100, 37}, {40, 448}, {128, 384}, {1, 64}, {64, 1}, {3, 1000}, {384, 64}};   /* N, K */
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* --- help ------------------------------------------------------------------------------------------------------------------------- */

static heed_number number;   /* what is multiplied */

/* Of a number of x or w. */
static double read_as(float x) { return number == HEED_BF16 ? heed_bf16_float(heed_bf16_of(x)) : x; }

static void data(setting *s, int64_t M, const float *dy, float *dx, bool add)
{
    assert_int_equal(heed_gemm_data(s->g, s->pack, M, dy, s->N, dx, s->K, add, NULL), HEED_OK);
}

/* got = start + sum of n products a[i sa] b[i sb]: a sum of n + 2 roundings of parts no larger than the sum of the sizes. */
static void assert_sum(float got, double start, const float *a, int64_t sa, const float *b, int64_t sb, int64_t n)
{
    double want = start, size = fabs(start);
    for (int64_t i = 0; i < n; i++) {
        const double product = read_as(a[i * sa]) * read_as(b[i * sb]);
        want += product;
        size += fabs(product);
    }
    assert_near(got, want, size, (double)n + 2);
}

/* --- values ----------------------------------------------------------------------------------------------------------------------- */

static void test_gemm__forward_agrees_with_a_loop_in_double(void **state)
{
    (void)state;
    for (int i = 0; i < SHAPES; i++) {
        setting s = setting_of(number, shapes[i][0], shapes[i][1]);
        float *y = zeros(PRODUCT_ROWS * s.N);
        setting_forward(&s, PRODUCT_ROWS, s.x, NULL, y, false);
        for (int64_t r = 0; r < PRODUCT_ROWS; r++)
            for (int64_t n = 0; n < s.N; n++) assert_sum(y[r * s.N + n], 0, s.x + r * s.K, 1, s.w + n * s.K, 1, s.K);
        free(y);
        setting_done(&s);
    }
}

static void test_gemm__forward_adds_to_y_and_then_the_bias(void **state)
{
    (void)state;
    setting s = setting_of(number, 100, 37);
    for (int64_t M = 1; M <= 70; M += 23) {
        float *y = numbers(5, M * s.N), *before = numbers(5, M * s.N);
        setting_forward(&s, M, s.x, s.bias, y, true);
        for (int64_t r = 0; r < M; r++)
            for (int64_t n = 0; n < s.N; n++)
                assert_sum(y[r * s.N + n], before[r * s.N + n] + (double)s.bias[n], s.x + r * s.K, 1, s.w + n * s.K, 1, s.K);
        free(y);
        free(before);
    }
    setting_done(&s);
}

static void test_gemm__forward_keeps_to_its_strides(void **state)
{
    (void)state;
    setting s = setting_of(number, 40, 448);
    const int64_t M = 70, ldx = s.K + 5, ldy = s.N + 3;
    float *x = numbers(6, M * ldx), *y = numbers(7, M * ldy), *before = numbers(7, M * ldy);
    assert_int_equal(heed_gemm_forward(s.g, s.pack, M, x, ldx, NULL, y, ldy, false, NULL), HEED_OK);
    for (int64_t r = 0; r < M; r++) {
        for (int64_t n = 0; n < s.N; n++) assert_sum(y[r * ldy + n], 0, x + r * ldx, 1, s.w + n * s.K, 1, s.K);
        if (r + 1 < M) assert_same_bits(y + r * ldy + s.N, before + r * ldy + s.N, ldy - s.N);
    }
    free(x);
    free(y);
    free(before);
    setting_done(&s);
}

/* A pack of its own for data, or the weight's floats. */
static setting data_setting(int shape, bool lends)
{
    setting s = setting_of(number, shapes[shape][0], shapes[shape][1]);
    if (!lends) return s;
    heed_pack_free(s.pack);
    s.pack = heed_pack_new(number, s.N, s.K, NULL);
    heed_pack_lend(s.pack, true);
    assert_int_equal(heed_pack_fill(s.g, s.pack, s.w, true, NULL), HEED_OK);
    return s;
}

static void test_gemm__data_agrees_with_a_loop_in_double(void **state)
{
    (void)state;
    for (int i = 0; i < 2 * SHAPES; i++) {
        setting s = data_setting(i / 2, i % 2);
        float *dx = numbers(8, PRODUCT_ROWS * s.K), *before = numbers(8, PRODUCT_ROWS * s.K);
        data(&s, PRODUCT_ROWS, s.dy, dx, true);
        for (int64_t r = 0; r < PRODUCT_ROWS; r++)
            for (int64_t k = 0; k < s.K; k++) assert_sum(dx[r * s.K + k], before[r * s.K + k], s.dy + r * s.N, 1, s.w + k, s.K, s.N);
        free(dx);
        free(before);
        setting_done(&s);
    }
}

static void test_gemm__a_pack_filled_again_serves_the_new_weight(void **state)
{
    (void)state;
    setting s = setting_of(number, 100, 37);
    float *y = zeros(s.N);
    const size_t bytes = heed_pack_bytes(s.pack);
    for (int64_t i = 0; i < s.N * s.K; i++) s.w[i] *= -2;
    assert_int_equal(heed_pack_fill(s.g, s.pack, s.w, true, NULL), HEED_OK);
    setting_forward(&s, 1, s.x, NULL, y, false);
    for (int64_t n = 0; n < s.N; n++) assert_sum(y[n], 0, s.x, 1, s.w + n * s.K, 1, s.K);
    assert_int_equal(heed_pack_bytes(s.pack), bytes);
    free(y);
    setting_done(&s);
}

#include "lent.inc"

static void test_gemm__a_pack_without_data_refuses_the_data_product(void **state)
{
    (void)state;
    setting s = setting_of(number, 8, 8);
    heed_pack *only_forward = heed_pack_new(number, 8, 8, NULL);
    heed_error err;
    assert_int_equal(heed_pack_fill(s.g, only_forward, s.w, false, NULL), HEED_OK);
    assert_int_equal(heed_gemm_data(s.g, only_forward, 1, s.dy, 8, s.x, 8, false, &err), HEED_E_USAGE);
    heed_pack_free(only_forward);
    setting_done(&s);
}

/* --- bits ------------------------------------------------------------------------------------------------------------------------- */

static void test_gemm__a_row_has_the_same_bits_alone_and_in_a_batch(void **state)
{
    (void)state;
    for (int i = 0; i < SHAPES; i++) {
        setting s = setting_of(number, shapes[i][0], shapes[i][1]);
        float *alone = zeros(PRODUCT_ROWS * s.N), *y = zeros(PRODUCT_ROWS * s.N);
        for (int64_t r = 0; r < PRODUCT_ROWS; r++) setting_forward(&s, 1, s.x + r * s.K, s.bias, alone + r * s.N, false);
        for (int64_t M = 2; M <= PRODUCT_ROWS; M++) {
            setting_forward(&s, M, s.x, s.bias, y, false);
            assert_same_bits(y, alone, M * s.N);
        }
        free(alone);
        free(y);
        setting_done(&s);
    }
}

static void test_gemm__a_row_of_data_has_the_same_bits_alone_and_in_a_batch(void **state)
{
    (void)state;
    for (int i = 0; i < 2 * SHAPES; i++) {
        setting s = data_setting(i / 2, i % 2);
        float *alone = numbers(9, PRODUCT_ROWS * s.K), *dx = zeros(PRODUCT_ROWS * s.K), *before = numbers(9, PRODUCT_ROWS * s.K);
        for (int64_t r = 0; r < PRODUCT_ROWS; r++) data(&s, 1, s.dy + r * s.N, alone + r * s.K, true);
        for (int64_t M = 2; M <= PRODUCT_ROWS; M++) {
            memcpy(dx, before, (size_t)(M * s.K) * sizeof *dx);
            data(&s, M, s.dy, dx, true);
            assert_same_bits(dx, alone, M * s.K);
        }
        free(alone);
        free(dx);
        free(before);
        setting_done(&s);
    }
}

static void test_gemm__a_row_has_the_same_bits_in_a_large_weight_and_batch(void **state)
{
    (void)state;
    const int64_t M = 600;
    setting s = setting_of(number, 1536, 1024);
    float *x = numbers(10, M * s.K), *y = zeros(M * s.N), *alone = zeros(s.N);
    setting_forward(&s, M, x, NULL, y, false);
    for (int64_t r = 0; r < M; r += 37) {
        setting_forward(&s, 1, x + r * s.K, NULL, alone, false);
        assert_same_bits(y + r * s.N, alone, s.N);
    }
    free(x);
    free(y);
    free(alone);
    setting_done(&s);
}

static void test_gemm__strides_do_not_change_bits(void **state)
{
    (void)state;
    for (int i = 0; i < SHAPES; i++) {
        setting s = setting_of(number, shapes[i][0], shapes[i][1]);
        const int64_t ldx = s.K + 5, ldy = s.N + 3;
        float *x = zeros(PRODUCT_ROWS * ldx), *wide = zeros(PRODUCT_ROWS * ldy), *y = zeros(PRODUCT_ROWS * s.N);
        for (int64_t r = 0; r < PRODUCT_ROWS; r++) memcpy(x + r * ldx, s.x + r * s.K, (size_t)s.K * sizeof *x);
        for (int64_t M = 1; M <= PRODUCT_ROWS; M += 3) {
            setting_forward(&s, M, s.x, s.bias, y, false);
            assert_int_equal(heed_gemm_forward(s.g, s.pack, M, x, ldx, s.bias, wide, ldy, false, NULL), HEED_OK);
            for (int64_t r = 0; r < M; r++) assert_same_bits(wide + r * ldy, y + r * s.N, s.N);
        }
        free(x);
        free(wide);
        free(y);
        setting_done(&s);
    }
}

static void test_gemm__threads_of_openmp_change_neither_bits_nor_their_setting(void **state)
{
    (void)state;
    setting s = setting_of(number, 128, 384);
    float *one = zeros(PRODUCT_ROWS * s.N), *four = zeros(PRODUCT_ROWS * s.N);
    const int before = omp_get_max_threads();
    omp_set_num_threads(1);
    setting_forward(&s, PRODUCT_ROWS, s.x, NULL, one, false);
    omp_set_num_threads(4);
    setting_forward(&s, PRODUCT_ROWS, s.x, NULL, four, false);
    assert_int_equal(omp_get_max_threads(), 4);
    omp_set_num_threads(before);
    assert_same_bits(one, four, PRODUCT_ROWS * s.N);
    free(one);
    free(four);
    setting_done(&s);
}

typedef struct helper {
    const setting *s;
    float *y;
    heed_status status;
} helper;

static void *work(void *argument)
{
    helper *h = argument;
    heed_gemm *g = heed_gemm_new(NULL);
    h->status = g ? HEED_OK : HEED_E_NOMEM;
    for (int i = 0; i < 50 && h->status == HEED_OK; i++)
        h->status = heed_gemm_forward(g, h->s->pack, PRODUCT_ROWS - i, h->s->x, h->s->K, NULL, h->y, h->s->N, false, NULL);
    if (h->status == HEED_OK) h->status = heed_gemm_forward(g, h->s->pack, PRODUCT_ROWS, h->s->x, h->s->K, NULL, h->y, h->s->N, false, NULL);
    heed_gemm_free(g);
    return NULL;
}

static void test_gemm__threads_share_a_pack(void **state)
{
    (void)state;
    setting s = setting_of(number, 128, 384);
    float *y = zeros(PRODUCT_ROWS * s.N);
    helper a = {&s, zeros(PRODUCT_ROWS * s.N), HEED_OK}, b = {&s, zeros(PRODUCT_ROWS * s.N), HEED_OK};
    pthread_t ta, tb;
    assert_int_equal(pthread_create(&ta, NULL, work, &a), 0);
    assert_int_equal(pthread_create(&tb, NULL, work, &b), 0);
    pthread_join(ta, NULL);
    pthread_join(tb, NULL);
    assert_int_equal(a.status, HEED_OK);
    assert_int_equal(b.status, HEED_OK);
    setting_forward(&s, PRODUCT_ROWS, s.x, NULL, y, false);
    assert_same_bits(a.y, y, PRODUCT_ROWS * s.N);
    assert_same_bits(b.y, y, PRODUCT_ROWS * s.N);
    free(a.y);
    free(b.y);
    free(y);
    setting_done(&s);
}

static void test_gemm__a_second_round_grows_nothing(void **state)
{
    (void)state;
    setting s = setting_of(number, 100, 37);
    float *y = zeros(PRODUCT_ROWS * s.N), *dw = zeros(s.N * s.K);
    const heed_gemm_rows all = {.dy = s.dy, .x = s.x, .rows = PRODUCT_ROWS, .ldy = s.N, .ldx = s.K};
    int64_t grown = 0;
    for (int round = 0; round < 2; round++) {
        for (int64_t M = 1; M <= PRODUCT_ROWS; M++) setting_forward(&s, M, s.x, s.bias, y, false);
        assert_int_equal(heed_gemm_weight(s.g, number, s.N, s.K, 0, s.N, &all, 1, dw, NULL), HEED_OK);
        if (round) assert_int_equal(heed_gemm_grown(s.g), grown);
        grown = heed_gemm_grown(s.g);
    }
    free(y);
    free(dw);
    setting_done(&s);
}

/* --- gradients of weights --------------------------------------------------------------------------------------------------------- */

enum { LONG = 700 };   /* rows: two chunks and a rest */

typedef struct gradient {
    int64_t N, K;
    float *dy, *x;
    heed_gemm *g;
} gradient;

static gradient begin_gradient(int64_t N, int64_t K) { return (gradient){N, K, numbers(11, LONG * N), numbers(12, LONG * K), heed_gemm_new(NULL)}; }

static void end_gradient(gradient *s)
{
    heed_gemm_free(s->g);
    free(s->dy);
    free(s->x);
}

static heed_gemm_rows rows_of(const gradient *s, int64_t first, int64_t rows)
{
    return (heed_gemm_rows){s->dy + first * s->N, s->x + first * s->K, rows, s->N, s->K};
}

static float *weight(gradient *s, const heed_gemm_rows *pieces, int64_t count, int64_t cut)
{
    float *dw = numbers(13, s->N * s->K);
    for (int64_t n = 0; n < s->N; n += cut)
        assert_int_equal(heed_gemm_weight(s->g, number, s->N, s->K, n, n + cut < s->N ? n + cut : s->N, pieces, count, dw, NULL), HEED_OK);
    return dw;
}

static void test_gemm__a_gradient_adds_what_a_loop_in_double_gives(void **state)
{
    (void)state;
    for (int64_t rows = 1; rows <= LONG; rows = rows * 3 + 7) {
        gradient s = begin_gradient(100, 37);
        const heed_gemm_rows all = rows_of(&s, 0, rows);
        float *dw = weight(&s, &all, 1, s.N), *before = numbers(13, s.N * s.K);
        for (int64_t n = 0; n < s.N; n++)
            for (int64_t k = 0; k < s.K; k++) assert_sum(dw[n * s.K + k], before[n * s.K + k], s.dy + n, s.N, s.x + k, s.K, rows);
        free(dw);
        free(before);
        end_gradient(&s);
    }
}

static void test_gemm__the_cut_of_a_gradient_does_not_change_bits(void **state)
{
    (void)state;
    static const int64_t sizes[][2] = {{300, 65}, {1536, 128}, {512, 512}};
    for (int i = 0; i < 3; i++) {
        gradient s = begin_gradient(sizes[i][0], sizes[i][1]);
        const heed_gemm_rows all = rows_of(&s, 0, LONG);
        float *whole = weight(&s, &all, 1, s.N);
        for (int64_t cut = 64; cut <= 256; cut += 64) {
            float *parts = weight(&s, &all, 1, cut);
            assert_same_bits(parts, whole, s.N * s.K);
            free(parts);
        }
        free(whole);
        end_gradient(&s);
    }
}

static void check_pieces(int64_t N, int64_t K)
{
    gradient s = begin_gradient(N, K);
    heed_gemm_rows all = rows_of(&s, 0, LONG), pieces[80];
    int64_t count = 0;
    for (int64_t first = 0, n = 0; first < LONG; first += n) {   /* of 0 to 38 rows */
        n = (first * 7 + count * 11) % 39;
        if (n > LONG - first) n = LONG - first;
        pieces[count++] = rows_of(&s, first, n);
    }
    float *x = numbers(12, LONG * s.K);   /* the middle from a copy, so that the rows are not one run */
    for (int64_t i = count / 3; i < count / 2; i++) pieces[i].x = x + (pieces[i].x - s.x);
    float *whole = weight(&s, &all, 1, s.N);
    for (int64_t cut = 64; cut <= 320; cut += 128) {
        float *parts = weight(&s, pieces, count, cut);
        assert_same_bits(parts, whole, s.N * s.K);
        free(parts);
    }
    free(whole);
    free(x);
    end_gradient(&s);
}

static void test_gemm__pieces_give_the_bits_of_the_whole(void **state)
{
    (void)state;
    check_pieces(300, 65);
    check_pieces(64, 128);
    check_pieces(40, 448);
    check_pieces(512, 512);
}

static void check_strided_pieces(int64_t N, int64_t K)
{
    gradient s = begin_gradient(N, K);
    const int64_t ldy = s.N + 9, ldx = s.K + 2, half = 333;
    float *dy = zeros(LONG * ldy), *x = zeros(LONG * ldx);
    for (int64_t r = 0; r < LONG; r++) {
        memcpy(dy + r * ldy, s.dy + r * s.N, (size_t)s.N * sizeof *dy);
        memcpy(x + r * ldx, s.x + r * s.K, (size_t)s.K * sizeof *x);
    }
    const heed_gemm_rows all = rows_of(&s, 0, LONG);
    const heed_gemm_rows pieces[] = {{dy, x, half, ldy, ldx}, rows_of(&s, half, LONG - half)};
    float *whole = weight(&s, &all, 1, s.N), *parts = weight(&s, pieces, 2, 128);
    assert_same_bits(parts, whole, s.N * s.K);
    free(whole);
    free(parts);
    free(dy);
    free(x);
    end_gradient(&s);
}

static void test_gemm__pieces_apart_and_with_strides_give_the_bits_of_the_whole(void **state)
{
    (void)state;
    check_strided_pieces(300, 65);
    check_strided_pieces(64, 128);
    check_strided_pieces(40, 448);
}

/* --- once an instruction set ------------------------------------------------------------------------------------------------------ */

static int run_all(const char *name)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gemm__forward_agrees_with_a_loop_in_double),
        cmocka_unit_test(test_gemm__forward_adds_to_y_and_then_the_bias),
        cmocka_unit_test(test_gemm__forward_keeps_to_its_strides),
        cmocka_unit_test(test_gemm__data_agrees_with_a_loop_in_double),
        cmocka_unit_test(test_gemm__a_pack_filled_again_serves_the_new_weight),
        cmocka_unit_test(test_gemm__a_pack_that_lends_its_weight_holds_less),
        cmocka_unit_test(test_gemm__a_lent_weight_has_the_bits_of_a_packed_one),
        cmocka_unit_test(test_gemm__a_pack_without_data_refuses_the_data_product),
        cmocka_unit_test(test_gemm__a_row_has_the_same_bits_alone_and_in_a_batch),
        cmocka_unit_test(test_gemm__a_row_of_data_has_the_same_bits_alone_and_in_a_batch),
        cmocka_unit_test(test_gemm__a_row_has_the_same_bits_in_a_large_weight_and_batch),
        cmocka_unit_test(test_gemm__strides_do_not_change_bits),
        cmocka_unit_test(test_gemm__threads_of_openmp_change_neither_bits_nor_their_setting),
        cmocka_unit_test(test_gemm__threads_share_a_pack),
        cmocka_unit_test(test_gemm__a_second_round_grows_nothing),
        cmocka_unit_test(test_gemm__a_gradient_adds_what_a_loop_in_double_gives),
        cmocka_unit_test(test_gemm__the_cut_of_a_gradient_does_not_change_bits),
        cmocka_unit_test(test_gemm__pieces_give_the_bits_of_the_whole),
        cmocka_unit_test(test_gemm__pieces_apart_and_with_strides_give_the_bits_of_the_whole),
    };
    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

static int run_each_number(void)
{
    const char *isa = heed_kernels_get()->isa;
    char name[40];
    int failures = run_all(isa);
    number = HEED_BF16;
    snprintf(name, sizeof name, "%s, bf16", isa);
    return failures + (heed_gemm_has(number) ? run_all(name) : 0);
}

/* Nothing of the library may run before the fork. */
static int run_in_child(const char *isa)
{
    fflush(stdout);
    const pid_t child = fork();
    if (child < 0) return 1;
    if (child == 0) {
        setenv("HEED_ISA", isa, 1);
        const int failures = strcmp(heed_kernels_get()->isa, isa) ? 0 : run_each_number();   /* this machine has no such instructions */
        fflush(stdout);
        exit(failures != 0);
    }
    int status = 0;
    return waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status);
}

int main(void)
{
    static const char *const isas[] = {"scalar", "avx2", "avx512", "avx512bf16", "neon"};
    int failures = 0;
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++) failures += run_in_child(isas[i]);
    return failures != 0;
}
