/* Reference of guide_loss: the cross-entropy as it stands in the paper. in 0 and 1: the weights of two looks, of which the first has groups of queries and
 * owners. Every other time they are sparsemax's: some are 0 and some below the floor, where the logarithm's tangent takes its place. */
#include "grad.h"

typedef struct guided {
    heed_span keys, queries[2];
    int64_t *owner, N, H, head;
    heed_keys_of_row *rows;
    int32_t *key;
    double weight;
    bool sparse;
    heed_attended looks[2];
} guided;

static int64_t owner_of(const guided *own, int look, int64_t b) { return look ? b : own->owner[b]; }
static int64_t keys_of(const guided *own, int64_t owner) { return own->keys.start[owner + 1] - own->keys.start[owner]; }

static int64_t pairs_of(const guided *own, int look)
{
    int64_t pairs = 0;
    for (int64_t b = 0; b < own->queries[look].B; b++)
        pairs += (own->queries[look].start[b + 1] - own->queries[look].start[b]) * keys_of(own, owner_of(own, look, b));
    return pairs;
}

static void draw_weights(problem *p, const guided *own, int look)
{
    block *w = grad_in(p, BLOCK_INPUT, pairs_of(own, look), own->H, 1);
    for (int64_t i = 0; i < w->rows * w->cols; i++) {
        const int64_t kind = own->sparse ? grad_draw(p, 0, 3) : 1;
        w->x[i].v = kind == 0 ? 0 : (double)((float)grad_draw(p, kind == 3 ? 1 : 100, kind == 3 ? 8 : 700) / 1000.0F);
    }
}

/* Some rows have no keys; the others some of their sequence, each once. */
static void draw_keys(problem *p, guided *own)
{
    int64_t row = 0, at = 0;
    for (int look = 0; look < 2; look++)
        for (int64_t b = 0; b < own->queries[look].B; b++)
            for (int64_t q = own->queries[look].start[b]; q < own->queries[look].start[b + 1]; q++, row++) {
                own->rows[row].first = at;
                for (int32_t j = 0; j < keys_of(own, owner_of(own, look, b)); j++)
                    if (grad_draw(p, 0, 2) == 0) own->key[at++] = j;
                own->rows[row].count = at - own->rows[row].first;
            }
}

static void draw(problem *p)
{
    guided *own = p->own = grad_room(p, sizeof *own);
    const int64_t B = grad_draw(p, 1, 3), groups = grad_draw(p, 0, 3);
    own->keys = grad_draw_span(p, B, 1, 6);
    own->queries[0] = grad_draw_span(p, groups, 0, 3);
    own->queries[1] = grad_draw_span(p, B, 1, 2);
    own->N = own->queries[0].start[groups] + own->queries[1].start[B];
    own->H = grad_draw(p, 1, 3);
    own->head = grad_draw(p, -1, own->H - 1);
    own->weight = (double)grad_draw(p, 1, 4) / 4;
    own->sparse = grad_draw(p, 0, 1);
    own->owner = grad_room(p, (size_t)(groups + 1) * sizeof *own->owner);
    for (int64_t b = 0; b < groups; b++) own->owner[b] = grad_draw(p, 0, B - 1);
    own->rows = grad_room(p, (size_t)own->N * sizeof *own->rows);
    own->key = grad_room(p, (size_t)own->N * 6 * sizeof *own->key);
    draw_keys(p, own);
    draw_weights(p, own, 0);
    draw_weights(p, own, 1);
    grad_out(p, 1, 1);
}

static num mean_of(const guided *own, const num *w)
{
    num sum = {0};
    if (own->head >= 0) return w[own->head];
    for (int64_t h = 0; h < own->H; h++) num_gather(&sum, w[h]);
    return num_div(sum, num_exact((double)own->H));
}

static double floor_of(const guided *own, int64_t n) { return own->sparse ? 0.1 / (double)n : 0; }

static num log_of(num a, double least)
{
    return a.v >= least ? num_log(a) : num_add(num_rounded(log(least) - 1, 0, 2), num_div(a, num_exact(least)));
}

static void row(problem *p, int look, int64_t pair, int64_t n, const heed_keys_of_row *r, bool back)
{
    const guided *own = p->own;
    const num share = num_div(num_exact(-own->weight), num_exact((double)r->count));
    for (int64_t i = r->first; i < r->first + r->count; i++) {
        const int64_t at = (pair + own->key[i]) * own->H;
        const num a = mean_of(own, p->in[look].x + at);
        const double least = floor_of(own, n);
        if (!back) {
            num_gather(p->out->x, num_mul(share, log_of(a, least)));
            continue;
        }
        const num slope = num_div(num_mul(p->out->g[0], share), a.v >= least ? a : num_exact(least));
        for (int64_t h = 0; h < own->H; h++)
            if (own->head < 0) num_gather(&p->in[look].g[at + h], num_div(slope, num_exact((double)own->H)));
            else if (own->head == h) num_gather(&p->in[look].g[at + h], slope);
    }
}

static void each_row(problem *p, bool back)
{
    const guided *own = p->own;
    const heed_keys_of_row *r = own->rows;
    for (int look = 0; look < 2; look++) {
        int64_t pair = 0;
        for (int64_t b = 0; b < own->queries[look].B; b++) {
            const int64_t n = keys_of(own, owner_of(own, look, b));
            for (int64_t q = own->queries[look].start[b]; q < own->queries[look].start[b + 1]; q++, pair += n) row(p, look, pair, n, r++, back);
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
    guided *own = p->own;
    for (int look = 0; look < 2; look++)
        own->looks[look] = (heed_attended){.weights = in[look],
                                           .args = {.queries = own->queries[look], .keys = own->keys, .owner = look ? NULL : own->owner,
                                                    .align = own->sparse ? HEED_ALIGN_sparsemax : HEED_ALIGN_everything}};
    const heed_guide g = {own->looks, 2, own->rows, own->key, own->head};
    out[0] = heed_guide_loss(t, &g, own->weight, NULL);
}

const grad_case case_guide_loss = {"guide_loss", "guide", draw, forward, backward, run, NULL, NULL};
