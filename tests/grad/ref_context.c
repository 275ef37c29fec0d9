/* References of context, whose queries come in groups that own their keys or are given an owner, and blend. */
#include "grad.h"

typedef struct contexts {
    heed_span keys, queries;
    int64_t *owner, H, Hk, dv;
} contexts;

static void context_draw(problem *p)
{
    contexts *own = p->own = grad_room(p, sizeof *own);
    const int64_t B = grad_draw(p, 1, 3), groups = grad_draw(p, 1, 3);
    *own = (contexts){.keys = grad_draw_span(p, B, 0, 5), .queries = grad_draw_span(p, groups, 0, 3), .Hk = grad_draw(p, 1, 2), .dv = grad_draw(p, 1, 9)};
    own->H = own->Hk * grad_draw(p, 1, 2);
    if (groups > B || grad_draw(p, 0, 1)) own->owner = grad_room(p, (size_t)groups * sizeof *own->owner);
    int64_t pairs = 0;
    for (int64_t b = 0; b < groups; b++) {
        if (own->owner) own->owner[b] = grad_draw(p, 0, B - 1);
        const int64_t owner = own->owner ? own->owner[b] : b;
        pairs += (own->queries.start[b + 1] - own->queries.start[b]) * (own->keys.start[owner + 1] - own->keys.start[owner]);
    }
    grad_in(p, BLOCK_INPUT, pairs, own->H, 1);
    grad_in(p, BLOCK_INPUT, own->keys.start[B], own->Hk * own->dv, 1);
    grad_out(p, own->queries.start[groups], own->H * own->dv);
}

/* Every product of a weight with a value, and where it goes. */
static void each_product(problem *p, bool back)
{
    const contexts *own = p->own;
    int64_t pair = 0;
    for (int64_t b = 0; b < own->queries.B; b++) {
        const int64_t owner = own->owner ? own->owner[b] : b;
        for (int64_t i = own->queries.start[b]; i < own->queries.start[b + 1]; i++)
            for (int64_t j = own->keys.start[owner]; j < own->keys.start[owner + 1]; j++, pair++)
                for (int64_t at = 0; at < own->H * own->dv; at++) {
                    const int64_t h = at / own->dv, w = pair * own->H + h, v = (j * own->Hk + h * own->Hk / own->H) * own->dv + at % own->dv;
                    const int64_t out = i * own->H * own->dv + at;
                    if (!back) num_gather(&p->out->x[out], num_mul(p->in[0].x[w], p->in[1].x[v]));
                    else {
                        num_gather(&p->in[0].g[w], num_mul(p->out->g[out], p->in[1].x[v]));
                        num_gather(&p->in[1].g[v], num_mul(p->out->g[out], p->in[0].x[w]));
                    }
                }
    }
}

static void context_forward(problem *p) { each_product(p, false); }
static void context_backward(problem *p) { each_product(p, true); }

static void context_run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out)
{
    const contexts *own = p->own;
    out[0] = heed_context(t, in[0], &(heed_attend_args){.v = in[1], .heads = own->H, .key_heads = own->Hk, .queries = own->queries, .keys = own->keys,
                                                        .owner = own->owner});
}

const grad_case case_context = {"context", "context", context_draw, context_forward, context_backward, context_run, NULL, NULL};

/* --- blend ----------------------------------------------------------------------------------------------------------------------------------- */

typedef struct blends { float *keep, *given; } blends;

static void blend_draw(problem *p)
{
    blends *own = p->own = grad_room(p, sizeof *own);
    const int64_t rows = grad_draw(p, 1, 5), cols = grad_draw(p, 1, 18), n = rows * cols;
    own->keep = grad_room(p, (size_t)n * sizeof *own->keep);
    if (grad_draw(p, 0, 1)) own->given = grad_room(p, (size_t)n * sizeof *own->given);
    for (int64_t i = 0; i < n; i++) own->keep[i] = grad_draw(p, 0, 2) ? (float)grad_draw_normal(p) : 0;
    for (int64_t i = 0; own->given && i < n; i++) own->given[i] = (float)grad_draw_normal(p);
    grad_in(p, BLOCK_INPUT, rows, cols, 1);
    grad_out(p, rows, cols);
}

static void blend_forward(problem *p)
{
    const blends *own = p->own;
    for (int64_t i = 0; i < p->out->rows * p->out->cols; i++) {
        const num kept = num_mul(num_exact((double)own->keep[i]), p->in[0].x[i]);
        p->out->x[i] = num_add(kept, num_exact(own->given ? (double)own->given[i] : 0));
    }
}

static void blend_backward(problem *p)
{
    const blends *own = p->own;
    for (int64_t i = 0; i < p->out->rows * p->out->cols; i++) num_gather(&p->in[0].g[i], num_mul(num_exact((double)own->keep[i]), p->out->g[i]));
}

static void blend_run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out)
{
    const blends *own = p->own;
    out[0] = heed_blend(t, in[0], own->keep, own->given);
}

const grad_case case_blend = {"blend", "context", blend_draw, blend_forward, blend_backward, blend_run, NULL, NULL};
