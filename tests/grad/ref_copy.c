/* Reference of copy_loss: p(w) in full, as it stands in the paper, and the loss from it. in 0: logits, every other time a view; 1: the gate; 2, 3: the
 * weights of two looks, of which the first has groups of queries and owners. Some weights are 0, as of keys unseen; every other time they sum to less than 1
 * and mean it. */
#include "grad.h"

typedef struct copied {
    int64_t N, H;
    heed_span keys, queries[2];
    int64_t *owner;
    int32_t *symbols, *targets;
    double smoothing, weight;
    bool loose;
    heed_attended looks[2];
} copied;

static int64_t pairs_of(const copied *own, int look)
{
    int64_t pairs = 0;
    for (int64_t b = 0; b < own->queries[look].B; b++) {
        const int64_t owner = look ? b : own->owner[b];
        pairs += (own->queries[look].start[b + 1] - own->queries[look].start[b]) * (own->keys.start[owner + 1] - own->keys.start[owner]);
    }
    return pairs;
}

/* Of a source of at most 6 symbols: no sum reaches 1, none is 0. */
static void draw_weights(problem *p, copied *own, int look)
{
    block *w = grad_in(p, BLOCK_INPUT, pairs_of(own, look), own->H, 1);
    for (int64_t i = 0; i < w->rows * w->cols; i++) {
        const bool unseen = i && w->x[i - 1].v > 0 && grad_draw(p, 0, 3) == 0;
        w->x[i].v = unseen ? 0 : (double)((float)grad_draw(p, 20, 100) / 700.0F);
    }
}

static void draw(problem *p)
{
    copied *own = p->own = grad_room(p, sizeof *own);
    const int64_t B = grad_draw(p, 1, 3), V = grad_draw(p, 2, 7), groups = grad_draw(p, 0, 3), view = grad_draw(p, 0, 1);
    own->keys = grad_draw_span(p, B, 2, 6);
    own->queries[0] = grad_draw_span(p, groups, 0, 2);
    own->queries[1] = grad_draw_span(p, grad_draw(p, 1, B), 1, 1);
    own->N = own->queries[0].start[groups] + own->queries[1].start[own->queries[1].B];
    own->H = grad_draw(p, 1, 3);
    own->owner = grad_room(p, (size_t)(groups + 1) * sizeof *own->owner);
    for (int64_t b = 0; b < groups; b++) own->owner[b] = grad_draw(p, 0, B - 1);
    own->symbols = grad_room(p, (size_t)own->keys.start[B] * sizeof *own->symbols);
    own->targets = grad_room(p, (size_t)own->N * sizeof *own->targets);
    for (int64_t j = 0; j < own->keys.start[B]; j++) own->symbols[j] = (int32_t)grad_draw(p, 0, V - 1);
    for (int64_t i = 0; i < own->N; i++) {
        const int32_t copied = own->symbols[grad_draw(p, 0, own->keys.start[B] - 1)], any = (int32_t)grad_draw(p, 0, V - 1);
        own->targets[i] = grad_draw(p, 0, 1) ? copied : any;
    }
    own->smoothing = (double)grad_draw(p, 0, 2) / 8;
    own->weight = (double)grad_draw(p, 1, 4) / 4;
    own->loose = grad_draw(p, 0, 1);
    grad_in(p, BLOCK_INPUT, own->N + view, V, 0.5);
    grad_in(p, BLOCK_INPUT, own->N, 1, 0.5);
    draw_weights(p, own, 0);
    draw_weights(p, own, 1);
    grad_out(p, 1, 1);
}

/* One row, all that p(w) is made of. */
typedef struct row { num *soft, *c, *p, g, copy, lacks, made; const int32_t *symbols; int64_t n, V; } row;

static row mix(problem *p, int64_t i, const num *weights, const int32_t *symbols, int64_t n)
{
    const copied *own = p->own;
    const int64_t V = p->in[0].cols;
    const num *x = p->in[0].x + i * V, lse = num_softmax(grad_nums(p, V), x, V), u = p->in[1].x[i];
    row r = {.soft = grad_nums(p, V), .c = grad_nums(p, V), .p = grad_nums(p, V), .g = num_sigmoid(u), .copy = num_sigmoid(num_mul(num_exact(-1), u)),
             .symbols = symbols, .n = n, .V = V};
    num sum = {0};
    for (int64_t j = 0; j < n * own->H; j++) {
        const num part = num_div(weights[j], num_exact((double)own->H));
        num_gather(&r.c[symbols[j / own->H]], part);
        num_gather(&sum, part);
    }
    r.lacks = own->loose ? num_sub(num_exact(1), sum) : num_exact(0);
    r.made = num_add(r.g, num_mul(r.copy, r.lacks));
    for (int64_t w = 0; w < V; w++) {
        r.soft[w] = num_exp(num_sub(x[w], lse));
        r.p[w] = num_add(num_mul(r.made, r.soft[w]), num_mul(r.copy, r.c[w]));
    }
    return r;
}

static num part_of(const copied *own, int64_t w, int64_t target, int64_t V)
{
    return num_rounded(own->weight * (own->smoothing / (double)V + (w == target ? 1 - own->smoothing : 0)), 0, 2);
}

static void row_forward(problem *p, int64_t i, const row *r)
{
    const copied *own = p->own;
    for (int64_t w = 0; w < r->V; w++) num_gather(p->out->x, num_mul(num_mul(num_exact(-1), part_of(own, w, own->targets[i], r->V)), num_log(r->p[w])));
}

static void row_backward(problem *p, int64_t i, const row *r, num *dweights)
{
    const copied *own = p->own;
    num dmade = {0}, dcopy = {0}, all = {0}, *dsoft = grad_nums(p, r->V), *dc = grad_nums(p, r->V);
    for (int64_t w = 0; w < r->V; w++) {
        const num part = num_mul(num_mul(num_exact(-1), p->out->g[0]), part_of(own, w, own->targets[i], r->V)), dp = num_div(part, r->p[w]);
        dsoft[w] = num_mul(dp, r->made);
        dc[w] = num_mul(dp, r->copy);
        num_gather(&dmade, num_mul(dp, r->soft[w]));
        num_gather(&dcopy, num_mul(dp, r->c[w]));
        num_gather(&all, num_mul(r->soft[w], dsoft[w]));
    }
    for (int64_t w = 0; w < r->V; w++) {
        num *dx = &p->in[0].g[i * r->V + w];
        num_gather(dx, num_mul(r->soft[w], dsoft[w]));
        num_gather(dx, num_mul(num_mul(num_exact(-1), r->soft[w]), all));
    }
    const num slope = num_mul(r->g, r->copy);
    num_gather(&p->in[1].g[i], num_mul(num_mul(slope, num_sub(num_exact(1), r->lacks)), dmade));
    num_gather(&p->in[1].g[i], num_mul(num_mul(num_exact(-1), slope), dcopy));
    for (int64_t j = 0; j < r->n * own->H; j++) {
        const num share = num_exact((double)own->H);
        num_gather(&dweights[j], num_div(dc[r->symbols[j / own->H]], share));
        if (own->loose) num_gather(&dweights[j], num_div(num_mul(num_mul(num_exact(-1), r->copy), dmade), share));
    }
}

static void each_row(problem *p, bool back)
{
    const copied *own = p->own;
    int64_t i = 0;
    for (int look = 0; look < 2; look++) {
        int64_t pair = 0;
        for (int64_t b = 0; b < own->queries[look].B; b++)
            for (int64_t q = own->queries[look].start[b]; q < own->queries[look].start[b + 1]; q++, i++) {
                const int64_t first = own->keys.start[look ? b : own->owner[b]], n = own->keys.start[(look ? b : own->owner[b]) + 1] - first;
                const row r = mix(p, i, p->in[2 + look].x + pair * own->H, own->symbols + first, n);
                if (back) row_backward(p, i, &r, p->in[2 + look].g + pair * own->H);
                else row_forward(p, i, &r);
                pair += n;
            }
    }
}

static void forward(problem *p)
{
    p->out->x[0] = num_exact(0);
    each_row(p, false);
}

static void backward(problem *p) { each_row(p, true); }

static void run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out)
{
    copied *own = p->own;
    for (int look = 0; look < 2; look++)
        own->looks[look] = (heed_attended){.weights = in[2 + look],
                                           .args = {.queries = own->queries[look], .keys = own->keys, .owner = look ? NULL : own->owner,
                                                    .align = own->loose ? HEED_ALIGN_local_p : HEED_ALIGN_everything}};
    const heed_copying c = {in[1], own->looks, 2, own->symbols};
    out[0] = heed_copy_loss(t, heed_rows(t, in[0], 0, own->N), &c, own->targets, own->smoothing, own->weight, NULL);
}

const grad_case case_copy_loss = {"copy_loss", "copy", draw, forward, backward, run, NULL, NULL};
