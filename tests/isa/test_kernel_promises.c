/* What kernels.def promises beyond its formulas: the ends of the range, masks, bits that depend on nothing but the row; on every instruction
 * set this machine has. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "isa/arrays.h"
#include "support/emulator.h"

#define EACH_ISA(k) for (const heed_kernels *k = heed_kernels_at(0); k; k = isa_after(k))

static const heed_kernels *isa_after(const heed_kernels *k)
{
    int i = 0;
    while (heed_kernels_at(i) != k) i++;
    return heed_kernels_at(i + 1);
}

/* --- functions -------------------------------------------------------------------------------------------------------------------- */

static void test_kernel_promises__tanh_ends_at_one_keeps_zeros_signed_and_nan(void **state)
{
    (void)state;
    const float x[] = {INFINITY, -INFINITY, 20, -20, 0.0f, -0.0f, 1e-30f, NAN}, want[] = {1, -1, 1, -1, 0.0f, -0.0f, 1e-30f};
    float y[8];
    EACH_ISA(k)
    {
        k->tanh(y, x, 8);
        assert_same_bits(y, want, 7);
        assert_true(isnan(y[7]));
    }
}

static void test_kernel_promises__tanh_never_leaves_the_unit_interval(void **state)
{
    (void)state;
    float x[1000], y[1000];
    for (int i = 0; i < 1000; i++) x[i] = 7 + (float)i * 0.003f;
    EACH_ISA(k)
    {
        k->tanh(y, x, 1000);
        for (int i = 0; i < 1000; i++) assert_true(y[i] <= 1 && y[i] > 0.9999f);
    }
}

/* Through the input gate of an LSTM whose other gates are open or shut for good: h' = tanh(i). */
static void test_kernel_promises__the_sigmoid_is_exact_to_five_roundings(void **state)
{
    (void)state;
    enum { H = 1000 };
    static float gx[4 * H], gh[4 * H], c[H], h[H], c_out[H], gates[5 * H];
    for (int i = 0; i < H; i++) {
        gx[i] = (float)(i - H / 2) * 0.17f;
        gx[2 * H + i] = gx[3 * H + i] = 100;
    }
    EACH_ISA(k)
    {
        k->lstm(h, c_out, gates, gx, gh, c, 1, H);
        for (int i = 0; i < H; i++) assert_near(gates[i], 1 / (1 + exp(-(double)gx[i])), 1 / (1 + exp(-(double)gx[i])), 5);
    }
}

static void test_kernel_promises__gates_of_infinity_open_and_shut(void **state)
{
    (void)state;
    const float gx[] = {INFINITY, -INFINITY, INFINITY, INFINITY}, gh[4] = {0}, c[] = {3};
    float h, c_out, gates[5];
    EACH_ISA(k)
    {
        k->lstm(&h, &c_out, gates, gx, gh, c, 1, 1);
        const float want[] = {1, 0, 1, 1};
        assert_same_bits(gates, want, 4);
        assert_true(c_out == 1);
    }
}

/* --- bits that depend on the row alone -------------------------------------------------------------------------------------------- */

static void test_kernel_promises__an_element_has_the_same_bits_at_every_place(void **state)
{
    (void)state;
    enum { MOST = 67 };
    float x[MOST], y[MOST];
    for (int i = 0; i < MOST; i++) x[i] = 0.7311f;
    EACH_ISA(k)
    {
        k->tanh(y, x, 1);
        const float want = y[0];
        for (int n = 1; n <= MOST; n++) {
            k->tanh(y, x, n);
            for (int i = 0; i < n; i++) assert_same_bits(y + i, &want, 1);
        }
    }
}

static void test_kernel_promises__a_row_of_a_cell_has_the_same_bits_at_every_place(void **state)
{
    (void)state;
    enum { H = 37, ROWS = 5 };
    float *gx = array_of(1, ROWS * 3 * H, 2), *gh = array_of(2, ROWS * 3 * H, 2), *h = array_of(3, ROWS * H, 1), *out = array_of(4, ROWS * H, 1);
    for (int r = 1; r < ROWS; r++) {
        memcpy(gx + r * 3 * H, gx, 3 * H * sizeof *gx);
        memcpy(gh + r * 3 * H, gh, 3 * H * sizeof *gh);
        memcpy(h + r * H, h, H * sizeof *h);
    }
    EACH_ISA(k)
    {
        k->gru(out, NULL, gx, gh, h, ROWS, H);
        for (int r = 1; r < ROWS; r++) assert_same_bits(out + r * H, out, H);
    }
    array_done(gx, ROWS * 3 * H), array_done(gh, ROWS * 3 * H), array_done(h, ROWS * H), array_done(out, ROWS * H);
}

static void test_kernel_promises__a_score_has_the_same_bits_alone_and_in_company(void **state)
{
    (void)state;
    enum { KEYS = 11, D = 75 };
    float *q = array_of(1, D, 1), *key = array_of(2, KEYS * D, 1), *v = array_of(3, D, 1), *s = array_of(4, KEYS, 1), alone;
    EACH_ISA(k)
    {
        k->scores_dot(s, q, key, KEYS, D, D, 0.3f, NULL);
        for (int j = 0; j < KEYS; j++) {
            k->scores_dot(&alone, q, key + j * D, 1, D, D, 0.3f, NULL);
            assert_same_bits(&alone, s + j, 1);
        }
        k->scores_additive(s, q, key, v, KEYS, D, D, NULL);
        for (int j = 0; j < KEYS; j++) {
            k->scores_additive(&alone, q, key + j * D, v, 1, D, D, NULL);
            assert_same_bits(&alone, s + j, 1);
        }
    }
    array_done(q, D), array_done(key, KEYS * D), array_done(v, D), array_done(s, KEYS);
}

enum { SINGLES = 6, SINGLE_HEADS = 8, SINGLE_WIDTH = 32, SINGLE_KEYS = 21 };

static void test_kernel_promises__a_single_query_has_the_same_bits_alone_and_in_company(void **state)
{
    (void)state;
    enum { WIDE = SINGLE_HEADS * SINGLE_WIDTH };
    heed_single_attention a = {SINGLE_HEADS, SINGLE_WIDTH, SINGLE_WIDTH, WIDE, WIDE, 0.2f, SINGLES, SINGLE_KEYS, NULL};
    const int64_t room = heed_single_room(&a);
    float *q = array_of(1, SINGLES * WIDE, 1), *key = array_of(2, SINGLE_KEYS * WIDE, 1), *v = array_of(3, SINGLE_KEYS * WIDE, 1), *all = array_of(4, SINGLES * WIDE, 1);
    float *saved = array_of(5, SINGLES * SINGLE_HEADS, 1), *alone = array_of(6, WIDE + SINGLE_HEADS, 1);
    heed_single_query x[SINGLES];
    int64_t row[SINGLE_KEYS];
    a.room = array_of(7, room, 1);
    for (int64_t j = 0; j < SINGLE_KEYS; j++) row[j] = j;
    for (int64_t i = 0; i < SINGLES; i++)
        x[i] = (heed_single_query){.q = q + i * WIDE, .k = key, .v = v, .row = i % 3 == 1 ? row : NULL, .keys = SINGLE_KEYS - i / 2, .out = all + i * WIDE,
                                   .saved = saved + i * SINGLE_HEADS};
    EACH_ISA(k)
    {
        k->attend_single(&a, x, SINGLES);
        for (int64_t i = 0; i < SINGLES; i++) {
            heed_single_query one = x[i];
            one.out = alone, one.saved = alone + WIDE, one.row = i % 3 == 1 ? NULL : row;
            k->attend_single(&a, &one, 1);
            assert_same_bits(alone, all + i * WIDE, WIDE);
            assert_same_bits(alone + WIDE, saved + i * SINGLE_HEADS, SINGLE_HEADS);
        }
    }
    array_done(q, SINGLES * WIDE), array_done(key, SINGLE_KEYS * WIDE), array_done(v, SINGLE_KEYS * WIDE), array_done(all, SINGLES * WIDE);
    array_done(saved, SINGLES * SINGLE_HEADS), array_done(alone, WIDE + SINGLE_HEADS), array_done(a.room, room);
}

/* Of four heads the second has a key of NaN and the third one of +inf, and the fourth sees nothing above -inf. */
static void test_kernel_promises__a_single_query_keeps_nan_in_its_head(void **state)
{
    (void)state;
    float q[4] = {1, 1, 1, 1}, key[3][4] = {{1, NAN, 2, -INFINITY}, {2, 1, INFINITY, -INFINITY}, {0, 1, 1, -INFINITY}}, v[3][4] = {{1, 1, 1, 1}, {1, 1, 1, 1}, {1, 1, 1, 1}};
    float out[4], saved[4], room[128];
    const heed_single_attention a = {4, 1, 1, 4, 4, 1, 1, 3, room};
    assert_true(heed_single_room(&a) <= 128);
    EACH_ISA(k)
    {
        k->attend_single(&a, &(heed_single_query){.q = q, .k = key[0], .v = v[0], .keys = 3, .out = out, .saved = saved}, 1);
        assert_near(out[0], 1, 1, 8), assert_near(saved[0], log(exp(1) + exp(2) + 1), 2, 8);
        assert_true(isnan(out[1]) && isnan(saved[1]) && isnan(out[2]));
        assert_true(out[3] == 0 && saved[3] == -INFINITY);
    }
}

static void test_kernel_promises__an_element_of_a_product_has_the_same_bits_alone_and_in_company(void **state)
{
    (void)state;
    enum { M = 23, N = 45, TERMS = 33 };
    float *c = array_of(1, M * N, 1), *a = array_of(2, M * TERMS, 1), *b = array_of(3, TERMS * N, 1), *turned = array_of(4, TERMS * M, 1), alone;
    EACH_ISA(k)
    {
        k->transpose(turned, M, a, TERMS, M, TERMS);
        k->product(c, N, a, TERMS, 1, b, N, M, N, TERMS, 0.3f, false);
        for (int i = 0; i < M; i++)
            for (int j = 0; j < N; j++) {
                k->product(&alone, 1, turned + i, 1, M, b + j, N, 1, 1, TERMS, 0.3f, false);
                assert_same_bits(&alone, c + i * N + j, 1);
            }
    }
    array_done(c, M * N), array_done(a, M * TERMS), array_done(b, TERMS * N), array_done(turned, TERMS * M);
}

static void test_kernel_promises__alignment_does_not_change_bits(void **state)
{
    (void)state;
    enum { LENGTH = 203, SHIFTS = 16 };
    float *x = array_of(1, LENGTH, 3), *room = array_of(2, LENGTH + SHIFTS, 1), *p = array_of(3, LENGTH, 1), *q = array_of(4, LENGTH, 1);
    EACH_ISA(k)
    {
        const float dot = k->dot(x, x, LENGTH), sum = k->softmax(p, x, LENGTH);
        for (int shift = 0; shift < SHIFTS; shift++) {
            memcpy(room + shift, x, LENGTH * sizeof *x);
            const float dot_here = k->dot(room + shift, room + shift, LENGTH), sum_here = k->softmax(q, room + shift, LENGTH);
            assert_same_bits(&dot_here, &dot, 1);
            assert_same_bits(&sum_here, &sum, 1);
            assert_same_bits(q, p, LENGTH);
        }
    }
    array_done(x, LENGTH), array_done(room, LENGTH + SHIFTS), array_done(p, LENGTH), array_done(q, LENGTH);
}

/* --- dropout ---------------------------------------------------------------------------------------------------------------------- */

enum { WIDE = 10000 };

static void drop(const heed_kernels *k, float *y, uint64_t row, uint64_t site, float p)
{
    static float ones[WIDE];
    for (int i = 0; i < WIDE; i++) ones[i] = 1;
    k->dropout(y, ones, &row, site, p, 1, WIDE);
}

static int kept(const float *a, const float *b)
{
    int n = 0;
    for (int i = 0; i < WIDE; i++) n += a[i] != 0 && b[i] != 0;
    return n;
}

static void test_kernel_promises__dropout_drops_its_share(void **state)
{
    (void)state;
    static float y[WIDE];
    EACH_ISA(k) for (uint64_t row = 0; row < 20; row++)
    {
        drop(k, y, row, 1, 0.3f);
        assert_true(abs(kept(y, y) - 7000) < 5 * 46);   /* five deviations of 10,000 draws */
    }
}

static void test_kernel_promises__dropout_masks_of_rows_and_sites_have_nothing_in_common(void **state)
{
    (void)state;
    static float a[WIDE], b[WIDE];
    const heed_kernels *k = heed_kernels_get();
    for (uint64_t i = 1; i < 20; i++) {
        drop(k, a, 0, 0, 0.5f);
        drop(k, b, i, 0, 0.5f);
        assert_true(abs(kept(a, b) - 2500) < 5 * 44);
        drop(k, b, 0, i, 0.5f);
        assert_true(abs(kept(a, b) - 2500) < 5 * 44);
    }
}

static void test_kernel_promises__dropout_follows_the_key_of_the_row_not_its_place(void **state)
{
    (void)state;
    enum { D = 50 };
    const uint64_t keys[] = {3, 9}, turned[] = {9, 3};
    float *x = array_of(1, 2 * D, 1), *y = array_of(2, 2 * D, 1), *z = array_of(3, 2 * D, 1);
    memcpy(x + D, x, D * sizeof *x);
    EACH_ISA(k)
    {
        k->dropout(y, x, keys, 1, 0.5f, 2, D);
        k->dropout(z, x, turned, 1, 0.5f, 2, D);
        assert_same_bits(y, z + D, D);
        assert_same_bits(y + D, z, D);
    }
    array_done(x, 2 * D), array_done(y, 2 * D), array_done(z, 2 * D);
}

static void test_kernel_promises__dropout_of_nothing_copies(void **state)
{
    (void)state;
    const uint64_t key = 3;
    float *x = array_of(1, 50, 1), *y = array_of(2, 50, 1);
    EACH_ISA(k)
    {
        k->dropout(y, x, &key, 1, 0, 1, 50);
        assert_same_bits(y, x, 50);
    }
    array_done(x, 50), array_done(y, 50);
}

/* --- softmax, loss, reductions ---------------------------------------------------------------------------------------------------- */

static void test_kernel_promises__softmax_of_masked_keys_alone_is_zero(void **state)
{
    (void)state;
    float s[37], p[37], zero[37] = {0};
    for (int i = 0; i < 37; i++) s[i] = -INFINITY;
    EACH_ISA(k) for (int n = 0; n <= 37; n++)
    {
        assert_true(k->softmax(p, s, n) == -INFINITY);
        assert_same_bits(p, zero, n);
    }
}

static void test_kernel_promises__softmax_gives_a_masked_key_nothing(void **state)
{
    (void)state;
    float p[37], *s = array_of(1, 37, 5);
    for (int i = 0; i < 37; i += 3) s[i] = -INFINITY;
    EACH_ISA(k)
    {
        k->softmax(p, s, 37);
        for (int i = 0; i < 37; i++) assert_true(i % 3 ? p[i] > 0 : p[i] == 0);
    }
    array_done(s, 37);
}

static void test_kernel_promises__softmax_passes_nan_on(void **state)
{
    (void)state;
    for (int rest = 0; rest < 2; rest++) {
        float s[20], p[20];
        for (int i = 0; i < 20; i++) s[i] = rest ? 1 : -INFINITY;
        s[11] = NAN;
        EACH_ISA(k)
        {
            assert_true(isnan(k->softmax(p, s, 20)));
            assert_true(isnan(p[11]));
        }
    }
}

static void test_kernel_promises__softmax_in_place_gives_the_same_bits(void **state)
{
    (void)state;
    EACH_ISA(k)
    {
        float *s = array_of(1, 101, 5), *p = array_of(2, 101, 1);
        k->softmax(p, s, 101);
        k->softmax(s, s, 101);
        assert_same_bits(s, p, 101);
        array_done(s, 101), array_done(p, 101);
    }
}

static void test_kernel_promises__log_sum_exp_of_nothing_is_minus_infinity(void **state)
{
    (void)state;
    const float masked[] = {-INFINITY, -INFINITY};
    EACH_ISA(k)
    {
        assert_true(k->log_sum_exp(masked, 0) == -INFINITY);
        assert_true(k->log_sum_exp(masked, 2) == -INFINITY);
    }
}

static void test_kernel_promises__log_sum_exp_does_not_overflow(void **state)
{
    (void)state;
    const float x[] = {1000, 1000, -1000};
    EACH_ISA(k) assert_near(k->log_sum_exp(x, 3), 1000 + log(2), 1000, 2);
}

static void test_kernel_promises__arg_max_takes_the_first_of_equals_and_never_nan(void **state)
{
    (void)state;
    EACH_ISA(k) for (int first = 0; first < 50; first++)
    {
        float x[60];
        for (int i = 0; i < 60; i++) x[i] = i >= first && i % 5 == first % 5 ? 4 : i % 7 == 0 ? NAN : -3;
        assert_int_equal(k->arg_max(x, 60), first);
    }
}

static void test_kernel_promises__arg_max_of_nan_alone_is_zero(void **state)
{
    (void)state;
    float x[20];
    for (int i = 0; i < 20; i++) x[i] = NAN;
    EACH_ISA(k) assert_int_equal(k->arg_max(x, 20), 0);
}

static void test_kernel_promises__the_loss_without_gradient_leaves_the_logits(void **state)
{
    (void)state;
    float *x = array_of(1, 77, 5), *old = array_copy(x, 77);
    EACH_ISA(k)
    {
        k->cross_entropy(x, 77, 3, 0.1f, 1, false, NULL, NULL);
        assert_same_bits(x, old, 77);
    }
    array_done(x, 77), array_done(old, 77);
}

static void test_kernel_promises__the_gradient_of_the_loss_sums_to_zero(void **state)
{
    (void)state;
    EACH_ISA(k)
    {
        float *x = array_of(1, 333, 5);
        double sum = 0;
        k->cross_entropy(x, 333, 300, 0.1f, 2, true, NULL, NULL);
        for (int i = 0; i < 333; i++) sum += x[i];
        assert_near((float)sum, 0, 2, 333 + 32);
        array_done(x, 333);
    }
}

/* --- the choice ------------------------------------------------------------------------------------------------------------------- */

static const char *kernels_under(const char *asked)
{
    static char found[20];
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setenv("HEED_ISA", asked, 1);
        if (dup2(ends[1], STDOUT_FILENO) >= 0) run_again("--isa");
        _exit(1);
    }
    close(ends[1]);
    const ssize_t n = read(ends[0], found, sizeof found - 1);
    close(ends[0]);
    waitpid(child, NULL, 0);
    found[n > 0 ? n : 0] = 0;
    return found;
}

static void test_kernel_promises__heed_isa_chooses_what_the_machine_has(void **state)
{
    (void)state;
    EACH_ISA(k) assert_string_equal(kernels_under(k->isa), k->isa);
}

static void test_kernel_promises__an_unknown_heed_isa_gives_the_best(void **state)
{
    (void)state;
    const heed_kernels *best = NULL;
    EACH_ISA(k) best = k;
    assert_string_equal(kernels_under("mmx"), best->isa);
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "--isa")) return fputs(heed_kernels_get()->isa, stdout) < 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernel_promises__tanh_ends_at_one_keeps_zeros_signed_and_nan),
        cmocka_unit_test(test_kernel_promises__tanh_never_leaves_the_unit_interval),
        cmocka_unit_test(test_kernel_promises__the_sigmoid_is_exact_to_five_roundings),
        cmocka_unit_test(test_kernel_promises__gates_of_infinity_open_and_shut),
        cmocka_unit_test(test_kernel_promises__an_element_has_the_same_bits_at_every_place),
        cmocka_unit_test(test_kernel_promises__a_row_of_a_cell_has_the_same_bits_at_every_place),
        cmocka_unit_test(test_kernel_promises__a_score_has_the_same_bits_alone_and_in_company),
        cmocka_unit_test(test_kernel_promises__a_single_query_has_the_same_bits_alone_and_in_company),
        cmocka_unit_test(test_kernel_promises__a_single_query_keeps_nan_in_its_head),
        cmocka_unit_test(test_kernel_promises__an_element_of_a_product_has_the_same_bits_alone_and_in_company),
        cmocka_unit_test(test_kernel_promises__alignment_does_not_change_bits),
        cmocka_unit_test(test_kernel_promises__dropout_drops_its_share),
        cmocka_unit_test(test_kernel_promises__dropout_masks_of_rows_and_sites_have_nothing_in_common),
        cmocka_unit_test(test_kernel_promises__dropout_follows_the_key_of_the_row_not_its_place),
        cmocka_unit_test(test_kernel_promises__dropout_of_nothing_copies),
        cmocka_unit_test(test_kernel_promises__softmax_of_masked_keys_alone_is_zero),
        cmocka_unit_test(test_kernel_promises__softmax_gives_a_masked_key_nothing),
        cmocka_unit_test(test_kernel_promises__softmax_passes_nan_on),
        cmocka_unit_test(test_kernel_promises__softmax_in_place_gives_the_same_bits),
        cmocka_unit_test(test_kernel_promises__log_sum_exp_of_nothing_is_minus_infinity),
        cmocka_unit_test(test_kernel_promises__log_sum_exp_does_not_overflow),
        cmocka_unit_test(test_kernel_promises__arg_max_takes_the_first_of_equals_and_never_nan),
        cmocka_unit_test(test_kernel_promises__arg_max_of_nan_alone_is_zero),
        cmocka_unit_test(test_kernel_promises__the_loss_without_gradient_leaves_the_logits),
        cmocka_unit_test(test_kernel_promises__the_gradient_of_the_loss_sums_to_zero),
        cmocka_unit_test(test_kernel_promises__heed_isa_chooses_what_the_machine_has),
        cmocka_unit_test(test_kernel_promises__an_unknown_heed_isa_gives_the_best),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
