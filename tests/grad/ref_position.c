/* References of family position: sinusoid, rotate; sines and cosines of libm at each position. */
#include "grad.h"

typedef struct placed { int64_t position, heads; float factor; } placed;

/* Positions below 64 as they come, or far out, where a decoder may have got to. */
static placed *draw_places(problem *p)
{
    placed *own = p->own = grad_room(p, sizeof *own);
    own->position = grad_draw(p, 0, 1) ? grad_draw(p, 0, 40) : grad_draw(p, 1000, 5000);
    p->span = grad_draw_span(p, grad_draw(p, 1, 4), 0, 20);
    return own;
}

/* The op comes by its sine in another way, in double: 1e-12 covers what that and the large angles lose. */
static num wave(double value) { return num_rounded(value, 1e-12, 1); }

static int64_t position_of(const problem *p, int64_t row)
{
    const placed *own = p->own;
    int64_t b = 0;
    while (p->span.start[b + 1] <= row) b++;
    return own->position + row - p->span.start[b];
}

/* --- sinusoid ------------------------------------------------------------------------------------------------------------------------------ */

static void sinusoid_draw(problem *p)
{
    placed *own = draw_places(p);
    const int64_t D = 2 * grad_draw(p, 1, 18), N = p->span.start[p->span.B];
    own->factor = (float)grad_draw_normal(p);
    grad_in(p, BLOCK_INPUT, N, D, 1);
    grad_out(p, N, D);
}

static void sinusoid_forward(problem *p)
{
    const placed *own = p->own;
    const int64_t D = p->out->cols, half = D / 2;
    for (int64_t r = 0; r < p->out->rows; r++)
        for (int64_t i = 0; i < D; i++) {
            const double angle = (double)position_of(p, r) / pow(10000, half > 1 ? (double)(i % half) / (double)(half - 1) : 0);
            p->out->x[r * D + i] = num_add(num_mul(num_exact(own->factor), p->in[0].x[r * D + i]), wave(i < half ? sin(angle) : cos(angle)));
        }
}

static void sinusoid_backward(problem *p)
{
    const placed *own = p->own;
    for (int64_t i = 0; i < p->out->rows * p->out->cols; i++) num_gather(&p->in[0].g[i], num_mul(num_exact(own->factor), p->out->g[i]));
}

static void sinusoid_run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out)
{
    const placed *own = p->own;
    out[0] = heed_sinusoid(t, in[0], own->factor, p->span, own->position);
}

const grad_case case_sinusoid = {"sinusoid", "position", sinusoid_draw, sinusoid_forward, sinusoid_backward, sinusoid_run, NULL, NULL};

/* --- rotate -------------------------------------------------------------------------------------------------------------------------------- */

static void rotate_draw(problem *p)
{
    placed *own = draw_places(p);
    const int64_t d = 2 * grad_draw(p, 1, 18), N = p->span.start[p->span.B];
    own->heads = grad_draw(p, 1, 3);
    grad_in(p, BLOCK_INPUT, N, own->heads * d, 1);
    grad_out(p, N, own->heads * d);
}

/* Adds to y, or sets it: x turned by sign times its angle. */
static void turn(const problem *p, const num *x, num *y, double sign)
{
    const placed *own = p->own;
    const int64_t D = p->out->cols, d = D / own->heads, half = d / 2;
    for (int64_t r = 0; r < p->out->rows; r++)
        for (int64_t k = 0; k < own->heads * half; k++) {
            const int64_t i = k % half, at = r * D + k / half * d + i;
            const double angle = sign * (double)position_of(p, r) / pow(10000, 2 * (double)i / (double)d);
            const num c = wave(cos(angle)), s = wave(sin(angle)), minus = num_mul(num_exact(-1), s);
            num_gather(&y[at], num_mul(x[at], c));
            num_gather(&y[at], num_mul(x[at + half], minus));
            num_gather(&y[at + half], num_mul(x[at], s));
            num_gather(&y[at + half], num_mul(x[at + half], c));
        }
}

static void rotate_forward(problem *p) { turn(p, p->in[0].x, p->out->x, 1); }
static void rotate_backward(problem *p) { turn(p, p->out->g, p->in[0].g, -1); }

static void rotate_run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out)
{
    const placed *own = p->own;
    out[0] = heed_rotate(t, in[0], own->heads, p->span, own->position);
}

const grad_case case_rotate = {"rotate", "position", rotate_draw, rotate_forward, rotate_backward, rotate_run, NULL, NULL};
