#include "ref_layer.h"

#include <string.h>

static void clear(const block *b) { memset(b->x, 0, (size_t)(b->rows * b->cols) * sizeof *b->x); }

/* --- linear: y = x W^T + b, or more of what y holds --------------------------------------------------------------------------------------- */

static void linear_more(const block *y, const block *x, const block *W)
{
    for (int64_t r = 0; r < y->rows; r++)
        for (int64_t o = 0; o < y->cols; o++) {
            num sum = {0};
            num_gather(&sum, y->x[r * y->cols + o]);
            for (int64_t i = 0; i < x->cols; i++) num_gather(&sum, num_mul(W->x[o * x->cols + i], x->x[r * x->cols + i]));
            y->x[r * y->cols + o] = sum;
        }
}

static void linear(const block *y, const block *x, const block *W, const block *b)
{
    clear(y);
    for (int64_t i = 0; b && i < y->rows * y->cols; i++) y->x[i] = b->x[i % y->cols];
    linear_more(y, x, W);
}

static void linear_back(const block *y, const block *x, const block *W, const block *b)
{
    for (int64_t r = 0; r < y->rows; r++)
        for (int64_t o = 0; o < y->cols; o++) {
            const num dy = y->g[r * y->cols + o];
            if (b) num_gather(&b->g[o], dy);
            for (int64_t i = 0; i < x->cols; i++) {
                num_gather(&W->g[o * x->cols + i], num_mul(dy, x->x[r * x->cols + i]));
                num_gather(&x->g[r * x->cols + i], num_mul(dy, W->x[o * x->cols + i]));
            }
        }
}

/* --- unit: each head of each row by its length ---------------------------------------------------------------------------------------------- */

static num inverse_of(const num *x, int64_t d) { return num_div(num_exact(1), num_sqrt(num_dot(x, x, d))); }

static void unit(const block *y, const block *x, int64_t heads)
{
    const int64_t d = x->cols / heads;
    for (int64_t i = 0; i < x->rows * x->cols; i++) y->x[i] = num_mul(x->x[i], inverse_of(x->x + i / d * d, d));
}

/* dx = (dy - (dy . y) y) / |x|, each product rounded apart */
static void unit_back(const block *y, const block *x, int64_t heads)
{
    const int64_t d = x->cols / heads;
    for (int64_t i = 0; i < x->rows * x->cols; i++) {
        const num *row = y->x + i / d * d, *grow = y->g + i / d * d, inverse = inverse_of(x->x + i / d * d, d);
        num_gather(&x->g[i], num_mul(inverse, y->g[i]));
        num_gather(&x->g[i], num_mul(num_mul(num_mul(num_exact(-1), inverse), num_dot(grow, row, d)), y->x[i]));
    }
}

/* --- turn: the pairs (x_i, x_(i+d/2)) of each head, by position / 10000^(2i/d) --------------------------------------------------------------- */

typedef struct corner { int64_t first, second; num cosine, sine; } corner;

static corner corner_of(const ref_side *s, int64_t row, int64_t head, int64_t i)
{
    const int64_t d = s->turned->cols / s->heads, at = row * s->turned->cols + head * d + i;
    int64_t b = 0;
    while (row >= s->span.start[b + 1]) b++;
    const double angle = (double)(s->position + row - s->span.start[b]) * pow(10000, -2 * (double)i / (double)d);
    return (corner){at, at + d / 2, num_rounded(cos(angle), 0, 1), num_rounded(sin(angle), 0, 1)};
}

static void turn(const ref_side *s, const block *x)
{
    for (int64_t r = 0; r < x->rows; r++)
        for (int64_t k = 0; k < x->cols / 2; k++) {
            const int64_t half = x->cols / s->heads / 2;
            const corner c = corner_of(s, r, k / half, k % half);
            s->turned->x[c.first] = num_sub(num_mul(x->x[c.first], c.cosine), num_mul(x->x[c.second], c.sine));
            s->turned->x[c.second] = num_add(num_mul(x->x[c.first], c.sine), num_mul(x->x[c.second], c.cosine));
        }
}

static void turn_back(const ref_side *s, const block *x)
{
    const num *dy = s->turned->g;
    for (int64_t r = 0; r < x->rows; r++)
        for (int64_t k = 0; k < x->cols / 2; k++) {
            const int64_t half = x->cols / s->heads / 2;
            const corner c = corner_of(s, r, k / half, k % half);
            num_gather(&x->g[c.first], num_add(num_mul(dy[c.first], c.cosine), num_mul(dy[c.second], c.sine)));
            num_gather(&x->g[c.second], num_sub(num_mul(dy[c.second], c.cosine), num_mul(dy[c.first], c.sine)));
        }
}

/* --- the sides of a meeting -------------------------------------------------------------------------------------------------------------------- */

static const block *straight(const ref_side *s) { return s->unit ? s->unit : s->projected ? s->projected : s->x; }
static const block *ready(const ref_side *s) { return s->turned ? s->turned : straight(s); }

static void side_forward(const ref_side *s)
{
    if (s->projected) linear(s->projected, s->x, s->weight, s->bias);
    if (s->unit) unit(s->unit, s->projected, s->heads);
    if (s->turned) turn(s, straight(s));
}

static void side_backward(const ref_side *s)
{
    if (s->turned) turn_back(s, straight(s));
    if (s->unit) unit_back(s->unit, s->projected, s->heads);
    if (s->projected) linear_back(s->projected, s->x, s->weight, s->bias);
}

/* --- the key's shift --------------------------------------------------------------------------------------------------------------------------- */

/* Calls visit for every pair and each of its neighbours among the pairs of its query, with the place of the latter in the filter. */
static void each_neighbour(const ref_layer *l, void (*visit)(const ref_layer *l, int64_t pair, int64_t neighbour, int64_t place))
{
    const ref_attend *a = &l->look;
    for (int64_t b = 0, pair = 0; b < a->queries.B; b++) {
        const int64_t owner = a->owner ? a->owner[b] : b, n = a->keys.start[owner + 1] - a->keys.start[owner];
        for (int64_t i = a->queries.start[b]; i < a->queries.start[b + 1]; i++)
            for (int64_t j = 0; j < n; j++, pair++)
                for (int64_t place = 0; place < l->filter_width; place++) {
                    const int64_t far = place - l->filter_width / 2;
                    if (j + far >= 0 && j + far < n) visit(l, pair, pair + far, place);
                }
    }
}

static void take(const ref_layer *l, int64_t pair, int64_t neighbour, int64_t place)
{
    const block *from = l->part[PART_BEFORE];
    for (int64_t h = 0; h < from->cols; h++) l->near->x[pair * l->near->cols + place * from->cols + h] = from->x[neighbour * from->cols + h];
}

static void take_back(const ref_layer *l, int64_t pair, int64_t neighbour, int64_t place)
{
    const block *from = l->part[PART_BEFORE];
    for (int64_t h = 0; h < from->cols; h++) num_gather(&from->g[neighbour * from->cols + h], l->near->g[pair * l->near->cols + place * from->cols + h]);
}

static void shift_forward(const ref_layer *l)
{
    clear(l->shift);
    if (l->near) {
        clear(l->near);
        each_neighbour(l, take);
        linear(l->filtered, l->near, l->part[PART_FILTER], NULL);
        linear(l->shift, l->filtered, l->part[PART_HISTORY], NULL);
    }
    if (l->part[PART_TOTAL]) linear_more(l->shift, l->part[PART_TOTAL], l->part[PART_COVERAGE]);
}

static void shift_backward(const ref_layer *l)
{
    if (l->part[PART_TOTAL]) linear_back(l->shift, l->part[PART_TOTAL], l->part[PART_COVERAGE], NULL);
    if (!l->near) return;
    linear_back(l->shift, l->filtered, l->part[PART_HISTORY], NULL);
    linear_back(l->filtered, l->near, l->part[PART_FILTER], NULL);
    each_neighbour(l, take_back);
}

/* --- the centre -------------------------------------------------------------------------------------------------------------------------------- */

static void centre_forward(const ref_layer *l)
{
    linear(l->hidden, l->part[PART_QUERIES], l->part[PART_CENTRE_HIDDEN], NULL);
    for (int64_t i = 0; i < l->hidden->rows * l->hidden->cols; i++) l->flat->x[i] = num_tanh(l->hidden->x[i]);
    linear(l->centre, l->flat, l->part[PART_CENTRE], NULL);
}

static void centre_backward(const ref_layer *l)
{
    linear_back(l->centre, l->flat, l->part[PART_CENTRE], NULL);
    for (int64_t i = 0; i < l->hidden->rows * l->hidden->cols; i++)
        num_gather(&l->hidden->g[i], num_mul(l->flat->g[i], num_sub(num_exact(1), num_mul(l->flat->x[i], l->flat->x[i]))));
    linear_back(l->hidden, l->part[PART_QUERIES], l->part[PART_CENTRE_HIDDEN], NULL);
}

/* --- what meets -------------------------------------------------------------------------------------------------------------------------------- */

/* Values, or gradients, of one head of one query and one key. shifted: room for the key. */
static ref_pair pair_of(const ref_layer *l, const ref_meeting *m, num *shifted, bool gradients)
{
    const block *q = ready(&l->queries), *k = ready(&l->keys), *extra = l->part[PART_EXTRA];
    const int64_t d = q->cols / l->queries.heads, at = m->key * k->cols + m->key_head * d, e = extra ? extra->cols / l->queries.heads : 0;
    ref_pair x = {.q = (gradients ? q->g : q->x) + m->query * q->cols + m->head * d, .d = d, .number = m->at};
    if (extra) x.extra = (gradients ? extra->g : extra->x) + m->head * e;
    if (l->score->has & REF_BLIND) return x;
    x.k = (gradients ? k->g : k->x) + at;
    if (!l->shift) return x;
    for (int64_t c = 0; c < d; c++) shifted[c] = gradients ? num_exact(0) : num_add(x.k[c], l->shift->x[m->pair * k->cols + m->key_head * d + c]);
    x.k = shifted;
    return x;
}

static num score(const void *subject, const ref_meeting *m)
{
    num shifted[REF_WIDEST];
    const ref_pair x = pair_of(subject, m, shifted, false);
    return ((const ref_layer *)subject)->score->forward(&x);
}

static void score_back(const void *subject, const ref_meeting *m, num ds)
{
    const ref_layer *l = subject;
    const block *k = ready(&l->keys);
    num shifted[REF_WIDEST], dshifted[REF_WIDEST];
    const ref_pair x = pair_of(l, m, shifted, false), g = pair_of(l, m, dshifted, true);
    l->score->backward(&x, ds, &g);
    for (int64_t c = 0; l->shift && c < x.d; c++) {
        num_gather(&k->g[m->key * k->cols + m->key_head * x.d + c], dshifted[c]);
        num_gather(&l->shift->g[m->pair * k->cols + m->key_head * x.d + c], dshifted[c]);
    }
}

/* --- the layer --------------------------------------------------------------------------------------------------------------------------------- */

static const block *room(problem *p, int64_t rows, int64_t cols)
{
    block *b = grad_room(p, sizeof *b);
    *b = (block){.rows = rows, .cols = cols, .x = grad_nums(p, rows * cols), .g = grad_nums(p, rows * cols)};
    return b;
}

static void lay_side(ref_side *s, problem *p, const ref_score *score, const heed_attn_settings *is)
{
    if (s->weight) s->projected = room(p, s->x->rows, s->weight->rows);
    if (score->has & REF_UNIT) s->unit = room(p, s->x->rows, s->weight->rows);
    if (is->positions == HEED_POSITIONS_rotary) s->turned = room(p, s->x->rows, straight(s)->cols);
}

static void lay_shift(ref_layer *l, problem *p, const heed_attn_settings *s)
{
    const block *before = l->part[PART_BEFORE], *any = before ? before : l->part[PART_TOTAL];
    if (!any) return;
    l->shift = room(p, any->rows, ready(&l->keys)->cols);
    if (!before) return;
    l->filter_width = s->filter_width;
    l->near = room(p, before->rows, s->filter_width * before->cols);
    l->filtered = room(p, before->rows, s->filters);
}

void ref_layer_lay(ref_layer *l, problem *p, const heed_attn_settings *s)
{
    const block *q = l->part[PART_QUERIES], *m = l->part[PART_MEMORY];
    lay_side(&l->queries, p, l->score, s);
    lay_side(&l->keys, p, l->score, s);
    lay_shift(l, p, s);
    l->values = s->projected ? room(p, m->rows, l->part[PART_VALUE]->rows) : m;
    l->looked = s->projected ? room(p, q->rows, l->part[PART_OUT]->cols) : l->out;
    l->look.score = score;
    l->look.score_back = score_back;
    l->look.subject = l;
    l->look.v = l->values->x;
    l->look.dv = l->values->g;
    l->look.Dv = l->values->cols / l->look.key_heads;
    if (l->part[PART_BUCKETS]) {
        l->look.weight = l->part[PART_BUCKETS]->x;
        l->look.dweight = l->part[PART_BUCKETS]->g;
        l->look.buckets = l->part[PART_BUCKETS]->cols;
    }
    if (!l->part[PART_CENTRE]) return;
    l->hidden = room(p, q->rows, l->part[PART_CENTRE_HIDDEN]->rows);
    l->flat = room(p, q->rows, l->part[PART_CENTRE_HIDDEN]->rows);
    l->centre = room(p, q->rows, l->look.heads);
    l->look.centre = l->centre->x;
    l->look.dcentre = l->centre->g;
}

void ref_layer_forward(const ref_layer *l)
{
    side_forward(&l->queries);
    side_forward(&l->keys);
    if (l->shift) shift_forward(l);
    if (l->centre) centre_forward(l);
    if (l->values != l->part[PART_MEMORY]) linear(l->values, l->part[PART_MEMORY], l->part[PART_VALUE], NULL);
    ref_attend_forward(&l->look, l->looked->x, l->weights ? l->weights->x : NULL);
    if (l->looked != l->out) linear(l->out, l->looked, l->part[PART_OUT], l->part[PART_OUT_BIAS]);
}

void ref_layer_backward(const ref_layer *l)
{
    if (l->looked != l->out) linear_back(l->out, l->looked, l->part[PART_OUT], l->part[PART_OUT_BIAS]);
    ref_attend_backward(&l->look, l->looked->g, l->weights ? l->weights->g : NULL);
    if (l->values != l->part[PART_MEMORY]) linear_back(l->values, l->part[PART_MEMORY], l->part[PART_VALUE], NULL);
    if (l->centre) centre_backward(l);
    if (l->shift) shift_backward(l);
    side_backward(&l->keys);
    side_backward(&l->queries);
}
