/* Where a row stands in its sequence: rotate turns queries and keys, sinusoid is added to embeddings. */
#include <math.h>

#include "heed/ops.h"
#include "tensor/tape.h"

/* --- rotate: (x_i, x_(i+d/2)) turned by position / 10000^(2i/d) --------------------------------------------------------------------------- */

typedef struct turned { heed_tensor *x; heed_span span; int64_t heads, position; } turned;

static float *angles(heed_tape *t, int64_t half)
{
    float *a = heed_tape_alloc(t, (size_t)(2 * half + 1) * sizeof *a);
    return a;
}

/* y += or = the rows of x, turned by sign times their angle. */
static void turn_rows(heed_tape *t, const turned *s, float *y, const float *x, float sign, bool add)
{
    const int64_t D = s->x->cols, d = D / s->heads, half = d / 2;
    float *c = angles(t, half);
    if (!c) return;
    float *sine = c + half;
    for (int64_t b = 0; b < s->span.B; b++)
        for (int64_t r = s->span.start[b]; r < s->span.start[b + 1]; r++) {
            const double position = (double)(s->position + r - s->span.start[b]);
            for (int64_t i = 0; i < half; i++) {
                const double angle = position * pow(10000, -2.0 * (double)i / (double)d);
                c[i] = (float)cos(angle);
                sine[i] = sign * (float)sin(angle);
            }
            for (int64_t h = 0; h < s->heads; h++) {
                const float *from = x + r * D + h * d;
                float *to = y + r * D + h * d;
                for (int64_t i = 0; i < half; i++) {
                    const float first = from[i] * c[i] - from[i + half] * sine[i], second = from[i] * sine[i] + from[i + half] * c[i];
                    to[i] = add ? to[i] + first : first;
                    to[i + half] = add ? to[i + half] + second : second;
                }
            }
        }
}

/* A turn's transpose is the turn back. */
static void rotate_back(heed_tape *t, heed_node *n)
{
    const turned *s = n->saved;
    float *dx = heed_tape_grad(t, s->x);
    if (dx) turn_rows(t, s, dx, n->out->g, -1, true);
}

heed_tensor *heed_rotate(heed_tape *t, heed_tensor *x, int64_t heads, heed_span span, int64_t position)
{
    if (heads < 1 || x->cols % (2 * heads) || span.start[span.B] != x->rows)
        return heed_tape_fail(t, HEED_E_SHAPE, "rotate: [%lld,%lld] with %lld heads and %lld sequences: heads must be even and rows those of the sequences",
                              (long long)x->rows, (long long)x->cols, (long long)heads, (long long)span.B);
    heed_tensor *out = heed_tape_tensor(t, x->rows, x->cols);
    turned *s = heed_tape_alloc(t, sizeof *s);
    if (heed_tape_failed(t)) return &t->poison;
    *s = (turned){x, span, heads, position};
    turn_rows(t, s, out->x, x->x, 1, false);
    return heed_tape_wants(t, x->wants_grad) ? heed_tape_node(t, "rotate", out, rotate_back, s) : out;
}
