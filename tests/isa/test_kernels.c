/* Every kernel of every instruction set this machine has against the formula of its row in kernels.def, in double, at every length up to 67
 * and some larger; then its time. check_NAME() and run_NAME() of each row stand below: a row without them does not compile.
 * Bounds count roundings: u is the relative error of one, exp costs 3, the sigmoid 5, tanh 12 (kernels/vec.h). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "isa/arrays.h"
#include "kernels/attention_backward.h"
#include "kernels/attention_decode.h"
#include "support/attention_reference.h"

static const heed_kernels *k, *plain;   /* under test; the scalar ones */

/* --- elementwise ------------------------------------------------------------------------------------------------------------------ */

static void check_add(int64_t n)
{
    float *a = array_of(1, n, 2), *b = array_of(2, n, 2), *y = array_of(3, n, 2);
    k->add(y, a, b, n);
    for (int64_t i = 0; i < n; i++) assert_near(y[i], a[i] + b[i], 0, 0);
    array_done(a, n), array_done(b, n), array_done(y, n);
}

static void check_axpy(int64_t n)
{
    float *x = array_of(1, n, 2), *y = array_of(2, n, 2), *old = array_copy(y, n);
    k->axpy(y, 1.7f, x, n);
    for (int64_t i = 0; i < n; i++) assert_near(y[i], old[i] + (double)1.7f * x[i], 2 * (fabsf(old[i]) + 1.7 * fabsf(x[i])), 1);
    array_done(x, n), array_done(y, n), array_done(old, n);
}

static void check_scale(int64_t n)
{
    float *x = array_of(1, n, 2), *y = array_of(2, n, 2);
    k->scale(y, 1.7f, x, n);
    for (int64_t i = 0; i < n; i++) assert_near(y[i], 1.7f * x[i], 0, 0);
    array_done(x, n), array_done(y, n);
}

static void check_tanh(int64_t n)
{
    float *x = array_of(1, n, 10), *y = array_of(2, n, 2);
    k->tanh(y, x, n);
    for (int64_t i = 0; i < n; i++) assert_near(y[i], tanh(x[i]), fabs(tanh(x[i])), 12);
    array_done(x, n), array_done(y, n);
}

static void check_tanh_back(int64_t n)
{
    float *dx = array_of(1, n, 2), *dy = array_of(2, n, 2), *y = array_of(3, n, 1), *old = array_copy(dx, n);
    k->tanh_back(dx, dy, y, n);
    for (int64_t i = 0; i < n; i++)
        assert_near(dx[i], old[i] + (double)dy[i] * (1 - (double)y[i] * y[i]), fabsf(old[i]) + 2 * fabsf(dy[i]), 4);
    array_done(dx, n), array_done(dy, n), array_done(y, n), array_done(old, n);
}

static void check_bias(int64_t d)
{
    float *y = array_of(1, 3 * d, 2), *b = array_of(2, d, 2), *old = array_copy(y, 3 * d);
    k->bias(y, b, 3, d);
    for (int64_t i = 0; i < 3 * d; i++) assert_near(y[i], old[i] + b[i % d], 0, 0);
    array_done(y, 3 * d), array_done(b, d), array_done(old, 3 * d);
}

static void check_colsum(int64_t d)
{
    enum { TALL = 19 };
    float *db = array_of(1, d, 2), *dy = array_of(2, TALL * d, 2), *old = array_copy(db, d);
    k->colsum(db, dy, TALL, d);
    for (int64_t i = 0; i < d; i++) {
        double want = old[i], size = fabsf(old[i]);
        for (int64_t r = 0; r < TALL; r++) want += dy[r * d + i], size += fabsf(dy[r * d + i]);
        assert_near(db[i], want, size, TALL);
    }
    array_done(db, d), array_done(dy, TALL * d), array_done(old, d);
}

static const uint64_t keys[3] = {7, 8, 1ull << 63};

static void check_dropout(int64_t d)
{
    float *x = array_of(1, 3 * d, 2), *y = array_of(2, 3 * d, 2), *want = array_of(3, 3 * d, 2);
    k->dropout(y, x, keys, 5, 0.3f, 3, d);
    plain->dropout(want, x, keys, 5, 0.3f, 3, d);
    assert_same_bits(y, want, 3 * d);
    array_done(x, 3 * d), array_done(y, 3 * d), array_done(want, 3 * d);
}

static void check_dropout_back(int64_t d)
{
    float *dy = array_of(1, 3 * d, 2), *dx = array_of(2, 3 * d, 2), *want = array_copy(dx, 3 * d);
    k->dropout_back(dx, dy, keys, 5, 0.3f, 3, d);
    plain->dropout_back(want, dy, keys, 5, 0.3f, 3, d);
    assert_same_bits(dx, want, 3 * d);
    array_done(dy, 3 * d), array_done(dx, 3 * d), array_done(want, 3 * d);
}

/* --- reductions ------------------------------------------------------------------------------------------------------------------- */

/* sum of a[i sa] b[i], and of the sizes of its parts */
static double sum_of(const float *a, const float *b, int64_t n, int64_t sb, double *size)
{
    double sum = *size = 0;
    for (int64_t i = 0; i < n; i++) {
        sum += (double)a[i] * b[i * sb];
        *size += fabs((double)a[i] * b[i * sb]);
    }
    return sum;
}

static void check_dot(int64_t n)
{
    float *a = array_of(1, n, 2), *b = array_of(2, n, 2);
    double size, want = sum_of(a, b, n, 1, &size);
    assert_near(k->dot(a, b, n), want, size, (double)n + 1);
    array_done(a, n), array_done(b, n);
}

static void check_sum_squares(int64_t n)
{
    float *x = array_of(1, n, 2);
    double size, want = sum_of(x, x, n, 1, &size);
    assert_true(fabs(k->sum_squares(x, n) - want) <= (double)n * 0x1p-52 * size);
    array_done(x, n);
}

static void check_arg_max(int64_t n)
{
    float *x = array_of(1, n, 9);
    for (int64_t i = 0; i < n; i++) x[i] = roundf(x[i]);   /* so that there are equals */
    int64_t want = 0;
    for (int64_t i = 1; i < n; i++)
        if (x[i] > x[want]) want = i;
    assert_int_equal(k->arg_max(x, n), want);
    array_done(x, n);
}

static double log_sum_exp(const float *x, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += exp(x[i]);
    return log(sum);
}

static void check_log_sum_exp(int64_t n)
{
    float *x = array_of(1, n, 8);
    assert_near(k->log_sum_exp(x, n), log_sum_exp(x, n), 8 + fabs(log_sum_exp(x, n)), (double)n + 16);
    array_done(x, n);
}

static void check_all_finite(int64_t n)
{
    float *x = array_of(1, n, 3e38f);
    assert_true(k->all_finite(x, n));
    for (int64_t i = 0; i < n; i += 1 + n / 80) {
        const float old = x[i];
        x[i] = i % 3 == 0 ? NAN : i % 3 == 1 ? INFINITY : -INFINITY;
        assert_false(k->all_finite(x, n));
        x[i] = old;
    }
    array_done(x, n);
}

/* --- recurrent cells: three rows; gates come out within 30 roundings, states within 64 -------------------------------------------- */

enum { CELLS = 3 };

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

static void check_gru(int64_t H)
{
    float *gx = array_of(1, CELLS * 3 * H, 2), *gh = array_of(2, CELLS * 3 * H, 2), *h = array_of(3, CELLS * H, 1);
    float *out = array_of(4, CELLS * H, 1), *gates = array_of(5, CELLS * 4 * H, 1), *again = array_of(6, CELLS * H, 1);
    k->gru(out, gates, gx, gh, h, CELLS, H);
    k->gru(again, NULL, gx, gh, h, CELLS, H);
    for (int64_t i = 0; i < CELLS * H; i++) {
        const float *x = gx + i / H * 3 * H + i % H, *y = gh + i / H * 3 * H + i % H, *got = gates + i / H * 4 * H + i % H;
        const double r = sigmoid((double)x[0] + y[0]), z = sigmoid((double)x[H] + y[H]), n = tanh(x[2 * H] + r * y[2 * H]);
        assert_near(got[0], r, 1, 30), assert_near(got[H], z, 1, 30), assert_near(got[2 * H], n, 1, 30), assert_near(got[3 * H], y[2 * H], 0, 0);
        assert_near(out[i], (1 - z) * n + z * h[i], 1, 64);
    }
    assert_same_bits(again, out, CELLS * H);
    array_done(gx, CELLS * 3 * H), array_done(gh, CELLS * 3 * H), array_done(h, CELLS * H);
    array_done(out, CELLS * H), array_done(gates, CELLS * 4 * H), array_done(again, CELLS * H);
}

static void check_gru_back(int64_t H)
{
    float *dgx = array_of(1, CELLS * 3 * H, 1), *dgh = array_of(2, CELLS * 3 * H, 1), *dh = array_of(3, CELLS * H, 1), *old = array_copy(dh, CELLS * H);
    float *dout = array_of(4, CELLS * H, 1), *gates = array_of(5, CELLS * 4 * H, 1), *h = array_of(6, CELLS * H, 1);
    k->gru_back(dgx, dgh, dh, dout, gates, h, CELLS, H);
    for (int64_t i = 0; i < CELLS * H; i++) {
        const float *g = gates + i / H * 4 * H + i % H, *x = dgx + i / H * 3 * H + i % H, *y = dgh + i / H * 3 * H + i % H;
        const double r = g[0], z = g[H], n = g[2 * H], gh_n = g[3 * H], d = dout[i];
        const double dn = d * (1 - z) * (1 - n * n);
        assert_near(x[0], dn * gh_n * r * (1 - r), 8, 8), assert_near(y[0], x[0], 0, 0);
        assert_near(x[H], d * (h[i] - n) * z * (1 - z), 8, 8), assert_near(y[H], x[H], 0, 0);
        assert_near(x[2 * H], dn, 4, 8), assert_near(y[2 * H], dn * r, 4, 8);
        assert_near(dh[i], old[i] + z * d, 2, 4);
    }
    array_done(dgx, CELLS * 3 * H), array_done(dgh, CELLS * 3 * H), array_done(dh, CELLS * H), array_done(old, CELLS * H);
    array_done(dout, CELLS * H), array_done(gates, CELLS * 4 * H), array_done(h, CELLS * H);
}

static void check_lstm(int64_t H)
{
    float *gx = array_of(1, CELLS * 4 * H, 2), *gh = array_of(2, CELLS * 4 * H, 2), *c = array_of(3, CELLS * H, 1);
    float *h_out = array_of(4, CELLS * H, 1), *c_out = array_of(5, CELLS * H, 1), *gates = array_of(6, CELLS * 5 * H, 1), *again = array_copy(h_out, CELLS * H);
    k->lstm(again, c_out, NULL, gx, gh, c, CELLS, H);
    k->lstm(h_out, c_out, gates, gx, gh, c, CELLS, H);
    for (int64_t j = 0; j < CELLS * H; j++) {
        const float *x = gx + j / H * 4 * H + j % H, *y = gh + j / H * 4 * H + j % H, *got = gates + j / H * 5 * H + j % H;
        const double i = sigmoid((double)x[0] + y[0]), f = sigmoid((double)x[H] + y[H]);
        const double g = tanh((double)x[2 * H] + y[2 * H]), o = sigmoid((double)x[3 * H] + y[3 * H]), cell = f * c[j] + i * g;
        assert_near(got[0], i, 1, 30), assert_near(got[H], f, 1, 30), assert_near(got[2 * H], g, 1, 30), assert_near(got[3 * H], o, 1, 30);
        assert_near(got[4 * H], tanh(cell), 1, 64), assert_near(c_out[j], cell, 1, 64), assert_near(h_out[j], o * tanh(cell), 1, 64);
    }
    assert_same_bits(again, h_out, CELLS * H);
    array_done(gx, CELLS * 4 * H), array_done(gh, CELLS * 4 * H), array_done(c, CELLS * H);
    array_done(h_out, CELLS * H), array_done(c_out, CELLS * H), array_done(gates, CELLS * 5 * H), array_done(again, CELLS * H);
}

static void check_lstm_back(int64_t H)
{
    float *dg = array_of(1, CELLS * 4 * H, 1), *dc_in = array_of(2, CELLS * H, 1), *old = array_copy(dc_in, CELLS * H), *dh = array_of(3, CELLS * H, 1);
    float *dc = array_of(4, CELLS * H, 1), *gates = array_of(5, CELLS * 5 * H, 1), *c = array_of(6, CELLS * H, 1);
    k->lstm_back(dg, dc_in, dh, dc, gates, c, CELLS, H);
    for (int64_t j = 0; j < CELLS * H; j++) {
        const float *a = gates + j / H * 5 * H + j % H, *got = dg + j / H * 4 * H + j % H;
        const double i = a[0], f = a[H], g = a[2 * H], o = a[3 * H], t = a[4 * H], d = dh[j];
        const double cell = dc[j] + d * o * (1 - t * t);
        assert_near(got[0], cell * g * i * (1 - i), 8, 8), assert_near(got[H], cell * c[j] * f * (1 - f), 8, 8);
        assert_near(got[2 * H], cell * i * (1 - g * g), 8, 8), assert_near(got[3 * H], d * t * o * (1 - o), 8, 8);
        assert_near(dc_in[j], old[j] + cell * f, 4, 8);
    }
    array_done(dg, CELLS * 4 * H), array_done(dc_in, CELLS * H), array_done(old, CELLS * H), array_done(dh, CELLS * H);
    array_done(dc, CELLS * H), array_done(gates, CELLS * 5 * H), array_done(c, CELLS * H);
}

/* --- losses and attention --------------------------------------------------------------------------------------------------------- */

static void check_cross_entropy_of(int64_t n, float smoothing)
{
    const int64_t target = n / 2;
    float *x = array_of(1, n, 8), *logits = array_copy(x, n), log_p;
    bool hit;
    const double whole = log_sum_exp(logits, n), room = (double)n + 16, size = 16 + fabs(whole);
    double mean = 0;
    for (int64_t i = 0; i < n; i++) mean += (logits[i] - whole) / (double)n;
    const float loss = k->cross_entropy(x, n, target, smoothing, 0.5f, true, &log_p, &hit);
    assert_near(loss, -((1 - smoothing) * (logits[target] - whole) + smoothing * mean), size, room);
    assert_near(log_p, logits[target] - whole, size, room);
    assert_int_equal(hit, k->arg_max(logits, n) == target);
    for (int64_t i = 0; i < n; i++) {
        const double p = exp(logits[i] - whole), goal = smoothing / (double)n + (i == target) * (1 - smoothing);
        assert_near(x[i], 0.5 * (p - goal), p * size + goal, room);
    }
    array_done(x, n), array_done(logits, n);
}

static void check_cross_entropy(int64_t n)
{
    check_cross_entropy_of(n, 0);
    check_cross_entropy_of(n, 0.1f);
}

enum { KEYS = 7 };

static void check_scores_dot(int64_t d)
{
    const int64_t ldk = d + 3;
    float *s = array_of(1, KEYS, 1), *q = array_of(2, d, 1), *key = array_of(3, KEYS * ldk, 1);
    k->scores_dot(s, q, key, KEYS, ldk, d, 0.125f, NULL);
    for (int64_t j = 0; j < KEYS; j++) {
        double size, want = sum_of(q, key + j * ldk, d, 1, &size);
        assert_near(s[j], 0.125 * want, 0.125 * size, (double)d + 2);
    }
    array_done(s, KEYS), array_done(q, d), array_done(key, KEYS * ldk);
}

static void check_scores_additive(int64_t d)
{
    const int64_t ldk = d + 3;
    float *s = array_of(1, KEYS, 1), *q = array_of(2, d, 2), *key = array_of(3, KEYS * ldk, 2), *v = array_of(4, d, 1);
    k->scores_additive(s, q, key, v, KEYS, ldk, d, NULL);
    for (int64_t j = 0; j < KEYS; j++) {
        double want = 0, size = 0;
        for (int64_t i = 0; i < d; i++) {
            const double sum = (double)q[i] + key[j * ldk + i];
            want += v[i] * tanh(sum);
            size += fabs((double)v[i]) * (fabs(tanh(sum)) * ((double)d + 13) + fabs(sum));
        }
        assert_near(s[j], want, size, 1);
    }
    array_done(s, KEYS), array_done(q, d), array_done(key, KEYS * ldk), array_done(v, d);
}

static void check_additive_back(int64_t d)
{
    float *dq = array_of(1, d, 1), *dk = array_of(2, d, 1), *dv = array_of(3, d, 1), *q = array_of(4, d, 2), *key = array_of(5, d, 2), *v = array_of(6, d, 1);
    float *q0 = array_copy(dq, d), *k0 = array_copy(dk, d), *v0 = array_copy(dv, d);
    k->additive_back(dq, dk, dv, 0.7f, q, key, v, d);
    for (int64_t i = 0; i < d; i++) {
        const double t = tanh((double)q[i] + key[i]), u = (double)0.7f * v[i] * (1 - t * t);
        assert_near(dq[i], q0[i] + u, 2, 32), assert_near(dk[i], k0[i] + u, 2, 32), assert_near(dv[i], v0[i] + (double)0.7f * t, 2, 16);
    }
    array_done(dq, d), array_done(dk, d), array_done(dv, d), array_done(q, d), array_done(key, d), array_done(v, d);
    array_done(q0, d), array_done(k0, d), array_done(v0, d);
}

static void check_softmax(int64_t n)
{
    float *s = array_of(1, n, 8), *p = array_of(2, n, 1);
    const double whole = log_sum_exp(s, n);
    assert_near(k->softmax(p, s, n), whole, 8 + fabs(whole), (double)n + 16);
    for (int64_t i = 0; i < n; i++) assert_near(p[i], exp(s[i] - whole), exp(s[i] - whole), (double)n + 32);
    array_done(s, n), array_done(p, n);
}

static void check_mix(int64_t d)
{
    const int64_t ldv = d + 3;
    float *out = array_of(1, d, 1), *p = array_of(2, KEYS, 1), *v = array_of(3, KEYS * ldv, 1);
    k->mix(out, p, v, KEYS, ldv, d, NULL);
    for (int64_t i = 0; i < d; i++) {
        double size, want = sum_of(p, v + i, KEYS, ldv, &size);
        assert_near(out[i], want, size, KEYS + 1);
    }
    array_done(out, d), array_done(p, KEYS), array_done(v, KEYS * ldv);
}

/* --- optimizers ------------------------------------------------------------------------------------------------------------------- */

static void check_adam_of(int64_t n, bool decoupled)
{
    const heed_adam a = {.rate = 0.01f, .beta1 = 0.9f, .beta2 = 0.98f, .eps = 1e-6f, .decay = 0.1f, .clip = 0.5f, .bias1 = 0.19f, .bias2 = 0.04f, .decoupled = decoupled};
    float *w = array_of(1, n, 1), *m = array_of(2, n, 1), *v = array_of(3, n, 1), *g = array_of(4, n, 1);
    for (int64_t i = 0; i < n; i++) v[i] = fabsf(v[i]);
    float *w0 = array_copy(w, n), *m0 = array_copy(m, n), *v0 = array_copy(v, n);
    k->adam(w, m, v, g, n, &a);
    for (int64_t i = 0; i < n; i++) {
        const double d = (double)a.clip * g[i] + (decoupled ? 0 : (double)a.decay * w0[i]), b1 = a.beta1, b2 = a.beta2;
        const double m1 = b1 * m0[i] + (1 - b1) * d, v1 = b2 * v0[i] + (1 - b2) * d * d, root = sqrt(v1 / a.bias2) + a.eps;
        assert_near(m[i], m1, 2, 8), assert_near(v[i], v1, 2, 8);
        assert_near(w[i], w0[i] * (decoupled ? 1 - (double)a.rate * a.decay : 1) - a.rate * (m1 / a.bias1) / root, 1 + a.rate / a.bias1 * 2 / root, 16);
    }
    array_done(w, n), array_done(m, n), array_done(v, n), array_done(g, n), array_done(w0, n), array_done(m0, n), array_done(v0, n);
}

static void check_adam(int64_t n)
{
    check_adam_of(n, false);
    check_adam_of(n, true);
}

static void check_sgd(int64_t n)
{
    float *w = array_of(1, n, 1), *m = array_of(2, n, 1), *g = array_of(3, n, 1), *w0 = array_copy(w, n), *m0 = array_copy(m, n);
    k->sgd(w, m, g, n, 0.1f, 0.9f, 0.01f, 0.5f);
    for (int64_t i = 0; i < n; i++) {
        const double m1 = (double)0.9f * m0[i] + (double)0.5f * g[i] + (double)0.01f * w0[i];
        assert_near(m[i], m1, 2, 4), assert_near(w[i], w0[i] - (double)0.1f * m1, 2, 4);
    }
    array_done(w, n), array_done(m, n), array_done(g, n), array_done(w0, n), array_done(m0, n);
}

/* --- time: one call on arrays that stay in the second cache------------------------ */

enum { N = 8192, ROWS = 16, D = 512, H = 128, ARRAYS = 8 };

static float *in[ARRAYS];
static uint64_t row_keys[ROWS];
static volatile double sink;

static void run_add(void) { k->add(in[0], in[1], in[2], N); }
static void run_axpy(void) { k->axpy(in[0], 1e-9f, in[1], N); }
static void run_scale(void) { k->scale(in[0], 0.5f, in[1], N); }
static void run_tanh(void) { k->tanh(in[0], in[1], N); }
static void run_tanh_back(void) { k->tanh_back(in[0], in[1], in[2], N); }
static void run_bias(void) { k->bias(in[0], in[1], ROWS, D); }
static void run_colsum(void) { k->colsum(in[0], in[1], ROWS, D); }
static void run_dropout(void) { k->dropout(in[0], in[1], row_keys, 1, 0.1f, ROWS, D); }
static void run_dropout_back(void) { k->dropout_back(in[0], in[1], row_keys, 1, 0.1f, ROWS, D); }
static void run_dot(void) { sink = (double)k->dot(in[1], in[2], N); }
static void run_sum_squares(void) { sink = k->sum_squares(in[1], N); }
static void run_arg_max(void) { sink = (double)k->arg_max(in[1], N); }
static void run_log_sum_exp(void) { sink = (double)k->log_sum_exp(in[1], N); }
static void run_all_finite(void) { sink = k->all_finite(in[1], N); }
static void run_gru(void) { k->gru(in[0], in[3], in[1], in[2], in[4], ROWS, H); }
static void run_gru_back(void) { k->gru_back(in[0], in[3], in[4], in[1], in[2], in[5], ROWS, H); }
static void run_lstm(void) { k->lstm(in[0], in[3], in[4], in[1], in[2], in[5], ROWS, H); }
static void run_lstm_back(void) { k->lstm_back(in[0], in[3], in[1], in[2], in[5], in[6], ROWS, H); }
static void run_cross_entropy(void) { sink = (double)k->cross_entropy(in[0], N, 5, 0.1f, 1, true, NULL, NULL); }
static void run_scores_dot(void) { k->scores_dot(in[0], in[1], in[2], ROWS, D, D, 1, NULL); }
static void run_scores_additive(void) { k->scores_additive(in[0], in[1], in[2], in[3], ROWS, D, D, NULL); }
static void run_additive_back(void) { k->additive_back(in[0], in[3], in[4], 1e-9f, in[1], in[2], in[5], N); }
static void run_softmax(void) { sink = (double)k->softmax(in[0], in[1], N); }
static void run_mix(void) { k->mix(in[0], in[1], in[2], ROWS, D, D, NULL); }

static void run_adam(void)
{
    k->adam(in[0], in[3], in[4], in[1], N, &(heed_adam){1e-9f, 0.9f, 0.98f, 1e-6f, 0, 1, 1, 1, false});
}

static void run_sgd(void) { k->sgd(in[0], in[3], in[1], N, 1e-9f, 0.9f, 0, 1); }

#include "isa/matrices.inc"
#include "isa/attention.inc"
#include "isa/attention_decode.inc"
#include "isa/layers.inc"
#include "isa/numbers.inc"
#include "isa/gradients.inc"

/* --- the table -------------------------------------------------------------------------------------------------------------------- */

typedef struct row {
    const char *name;
    void (*check)(int64_t n);
    void (*run)(void);
} row;

static const row rows[] = {
#define HEED_KERNEL(result, name, arguments) {#name, check_##name, run_##name},
#include "kernels/kernels.def"
#undef HEED_KERNEL
};
enum { KERNELS = sizeof rows / sizeof *rows, ISAS = 8 };

typedef struct place {
    const heed_kernels *kernels;
    const row *row;
    char name[100];
} place;

static int64_t next_length(int64_t n) { return n < 67 ? n + 1 : n < 100 ? 100 : n < 1000 ? n * 5 / 2 + 1 : 5921; }

static void check(void **state)
{
    const place *p = *state;
    k = p->kernels;
    for (int64_t n = 1; n < 5921; n = next_length(n)) p->row->check(n);
    p->row->check(5921);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Microseconds of one call, the least of several: the machine may be busy. */
static double time_of(const row *r)
{
    enum { TRIES = 7, CALLS = 8 };
    double least = 1e9;
    for (int i = 0; i < TRIES; i++) {
        const double start = now();
        for (int j = 0; j < CALLS; j++) r->run();
        least = fmin(least, (now() - start) / CALLS);
    }
    return least * 1e6;
}

static void print_times(void)
{
    for (int i = 0; i < ARRAYS; i++) {
        in[i] = aligned_alloc(64, 2 * N * sizeof *in[i]);
        for (int64_t j = 0; in[i] && j < 2 * N; j++) in[i][j] = (float)(j % 37) / 37;
    }
    printf("%-16s", "microseconds");
    for (int i = 0; (k = heed_kernels_at(i)); i++) printf(" %9s", k->isa);
    for (int r = 0; r < KERNELS; r++) {
        printf("\n%-16s", rows[r].name);
        for (int i = 0; (k = heed_kernels_at(i)); i++) printf(" %9.2f", time_of(&rows[r]));
    }
    printf("\n");
    for (int i = 0; i < ARRAYS; i++) free(in[i]);
}

int main(void)
{
    static place places[ISAS * KERNELS];
    struct CMUnitTest tests[ISAS * KERNELS];
    size_t n = 0;
    plain = heed_kernels_at(0);
    for (int i = 0; i < ISAS && heed_kernels_at(i); i++)
        for (int r = 0; r < KERNELS; r++, n++) {
            places[n] = (place){.kernels = heed_kernels_at(i), .row = &rows[r]};
            snprintf(places[n].name, sizeof places[n].name, "test_kernels__%s_of_%s_keeps_to_its_formula", rows[r].name, heed_kernels_at(i)->isa);
            tests[n] = (struct CMUnitTest){places[n].name, check, NULL, NULL, &places[n]};
        }
    const int failures = _cmocka_run_group_tests("kernels", tests, n, NULL, NULL);
    print_times();
    return failures;
}
