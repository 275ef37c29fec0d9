/* Reference of divergence: the definition. in 0 and 1: weights of two looks; what they are held against is some 0 and some below the floor. */
#include "grad.h"

typedef struct apart { float *x[2]; double weight; heed_tensor b[2], *a[2]; const heed_tensor *of[2]; } apart;

static void draw(problem *p)
{
    apart *own = p->own = grad_room(p, sizeof *own);
    own->weight = (double)grad_draw(p, -4, 4) / 4;
    for (int k = 0; k < 2; k++) {
        const int64_t rows = grad_draw(p, 0, 6), cols = grad_draw(p, 1, 3);
        block *w = grad_in(p, BLOCK_INPUT, rows, cols, 1);
        own->x[k] = grad_room(p, (size_t)(rows * cols + 1) * sizeof(float));
        for (int64_t i = 0; i < rows * cols; i++) {
            const int64_t kind = grad_draw(p, 0, 3);
            w->x[i].v = (double)((float)grad_draw(p, 1, 900) / 1000.0F);
            own->x[k][i] = kind == 0 ? 0 : (float)grad_draw(p, 1, 900) / (kind == 1 ? 1e9F : 1000.0F);
        }
    }
    grad_out(p, 1, 1);
}

static num log_ratio(const problem *p, int k, int64_t i)
{
    const apart *own = p->own;
    return num_log(num_div(p->in[k].x[i], num_exact(fmax((double)own->x[k][i], 1e-6))));
}

static void forward(problem *p)
{
    const apart *own = p->own;
    num sum = {0};
    for (int k = 0; k < 2; k++)
        for (int64_t i = 0; i < p->in[k].rows * p->in[k].cols; i++) num_gather(&sum, num_mul(p->in[k].x[i], log_ratio(p, k, i)));
    p->out->x[0] = num_mul(num_exact(own->weight), sum);
}

static void backward(problem *p)
{
    const apart *own = p->own;
    for (int k = 0; k < 2; k++)
        for (int64_t i = 0; i < p->in[k].rows * p->in[k].cols; i++)
            num_gather(&p->in[k].g[i], num_mul(num_mul(p->out->g[0], num_exact(own->weight)), num_add(log_ratio(p, k, i), num_exact(1))));
}

static void run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out)
{
    apart *own = p->own;
    for (int k = 0; k < 2; k++) {
        own->a[k] = in[k];
        own->b[k] = (heed_tensor){.x = own->x[k], .rows = in[k]->rows, .cols = in[k]->cols};
        own->of[k] = &own->b[k];
    }
    out[0] = heed_divergence(t, own->a, own->of, 2, own->weight, NULL);
}

const grad_case case_divergence = {"divergence", "divergence", draw, forward, backward, run, NULL, NULL};
