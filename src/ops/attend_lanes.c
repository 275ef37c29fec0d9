/* attend in lanes: blocks of queries of one head against chunks of keys, for scores that are dot products under a softmax. Queries stand in the lanes of
 * vectors, so a block is turned once, q^T [d, lanes], and all that follows is products of small matrices:
 *
 *   s^T = k q^T,   w^T = softmax of each lane,   out = w v
 *   dw^T = v dout^T,   ds = w (dw - sum w dw),   dv += w^T dout,   dq += ds k,   dk += ds^T q
 *
 * No more than a chunk of scores is held. Of the keys of a block those are passed over that none of its queries sees; the rest are masked. */
#include <math.h>
#include <string.h>

#include "ops/attend.h"
#include "ops/pair.h"

enum { LANES = 32, CHUNK = 256, FEWEST = 4 };   /* queries of a block, keys of a chunk; groups with fewer queries are cheaper by rows */

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

bool heed_attend_suits_lanes(const heed_attended *s, const heed_attend_group *g)
{
    const heed_attend_args *a = &s->args;
    const heed_align align = a->align;
    const bool plain = heed_align_weighing(align) == HEED_WEIGHING_softmax && heed_align_sees_one_run(align) && !heed_align_has_centre(align);
    return g->rows >= FEWEST && plain && a->score->forward == heed_pair_dot && !a->shift && !s->weights;
}

/* A group, a block of its queries under one head, and room for the work. */
typedef struct block {
    const heed_kernels *kernels;
    const heed_attended *s;
    const heed_attend_group *g;
    int64_t H, d, dv, ldq, ldk, ldv, ldo;
    const float *keys, *values;        /* the sequence's first, all heads */
    const float *from, *to;            /* [rows] keys that each query of the group sees: from <= j < to */
    int64_t head, key_head, row, n;    /* queries row .. row+n-1 */
    int64_t ld;                        /* n rounded up, so that vectors are whole or half */
    int64_t first, last;               /* keys first .. last-1 are seen by one of them or more */
    bool masked;                       /* ... and not all by all */
    const float *q, *k, *v;            /* of this head: its first query, the sequence's first key */
    float factor;                      /* of the dot product */
    float *qt, *doutt;                 /* [d,ld], [dv,ld] */
    float *scores, *dw, *raw;          /* [CHUNK,ld] */
    float *begin, *end, *lse, *delta;  /* [ld]; begin, end: from and to, counted from a chunk's first key */
    float *part;                       /* [n,dv] */
    float *terms;                      /* [CHUNK+LANES] the distance's, by distance */
} block;

static const float *sight_of(heed_tape *t, const heed_attended *s, const heed_attend_group *g, bool end)
{
    float *x = heed_attend_room(t, g->rows);
    for (int64_t i = 0; x && i < g->rows; i++) {
        const heed_looking l = heed_looking_of(s->args.align, s->args.window, g->position + i, g->keys, 0);
        x[i] = (float)(l.seen ? l.first[0] + (end ? l.count[0] : 0) : 0);
    }
    return x;
}

/* The sequence's rows of x as they lie, or copied together. */
static const float *rows_of(heed_tape *t, const heed_tensor *x, const heed_attend_group *g, const int64_t *row)
{
    if (!row) return x->x + g->key * x->cols;
    float *copy = heed_attend_room(t, g->keys * x->cols);
    for (int64_t j = 0; copy && j < g->keys; j++) memcpy(copy + j * x->cols, x->x + row[g->key + j] * x->cols, (size_t)x->cols * sizeof *copy);
    return copy;
}

static block block_of(heed_tape *t, const heed_attended *s, const heed_attend_group *g)
{
    const heed_attend_args *a = &s->args;
    block b = {.kernels = t->k, .s = s, .g = g, .H = heed_attend_heads(a), .d = heed_attend_width(a), .dv = heed_attend_value_width(a), .ldq = a->q->cols,
               .ldk = a->k->cols, .ldv = a->v->cols, .ldo = s->out->cols, .from = sight_of(t, s, g, false), .to = sight_of(t, s, g, true)};
    b.keys = rows_of(t, a->k, g, a->key_row);
    b.values = a->v == a->k ? b.keys : rows_of(t, a->v, g, a->key_row);
    float **const lines[] = {&b.begin, &b.end, &b.lse, &b.delta};
    for (int i = 0; i < 4; i++) *lines[i] = heed_attend_room(t, LANES);
    b.qt = heed_attend_room(t, b.d * LANES);
    b.part = heed_attend_room(t, b.dv * LANES);
    b.scores = heed_attend_room(t, least(CHUNK, g->keys) * LANES);
    b.terms = heed_attend_room(t, CHUNK + LANES);
    return b;
}

static void take_block(block *b, int64_t head, int64_t row)
{
    const heed_attend_args *a = &b->s->args;
    const float *from = b->from + row - b->g->row, *to = b->to + row - b->g->row;
    b->head = head;
    b->key_head = heed_attend_key_head(a, head);
    b->row = row;
    b->n = least(LANES, b->g->row + b->g->rows - row);
    b->ld = (b->n + 7) / 8 * 8;
    b->q = a->q->x + row * b->ldq + head * b->d;
    b->k = b->keys + b->key_head * b->d;
    b->v = b->values + b->key_head * b->dv;
    b->factor = a->extra ? a->scale * a->extra->x[head] : a->scale;
    float first = (float)b->g->keys, last = 0;
    for (int64_t i = 0; i < b->n; i++) {
        first = from[i] < to[i] && from[i] < first ? from[i] : first;
        last = to[i] > last ? to[i] : last;
    }
    b->first = (int64_t)first;
    b->last = (int64_t)last;
    b->masked = false;
    for (int64_t i = 0; i < b->n; i++) b->masked |= from[i] > first || to[i] < last;
    b->kernels->transpose(b->qt, b->ld, b->q, b->ldq, b->n, b->d);
}

/* begin and end for a chunk; the lanes past the last query see what it sees. */
static void mask(const block *b, int64_t first)
{
    for (int64_t i = 0; i < b->ld; i++) {
        const int64_t at = b->row - b->g->row + least(i, b->n - 1);
        b->begin[i] = b->from[at] - (float)first;
        b->end[i] = b->to[at] - (float)first;
    }
}

/* The distance of query i and key j of a chunk has number i + n-1 - j: ahead tells how far the key is ahead of the query there. */
static int64_t ahead(const block *b, int64_t first, int64_t n, int64_t number)
{
    return first + n - 1 - number - (b->g->position + b->row - b->g->row);
}

static void add_distances(const block *b, int64_t first, int64_t n)
{
    const heed_distance *x = &b->s->args.distance;
    if (x->kind == HEED_DISTANCE_NONE) return;
    const float slope = heed_distance_slope(b->head, b->H);
    for (int64_t r = 0; r < n + b->ld - 1; r++) {
        const int64_t far = ahead(b, first, n, r);
        b->terms[r] = x->kind == HEED_DISTANCE_LINEAR ? slope * (float)(far < 0 ? -far : far) : x->weight->x[b->head * x->weight->cols + heed_distance_bucket(x, far)];
    }
    for (int64_t j = 0; j < n; j++) b->kernels->add(b->scores + j * b->ld, b->scores + j * b->ld, b->terms + n - 1 - j, b->ld);
}

/* --- forward -------------------------------------------------------------------------------------------------------------------------------- */

static void look_at_chunk(const block *b, int64_t first, int64_t n)
{
    if (b->masked) mask(b, first);
    b->kernels->product(b->scores, b->ld, b->k + first * b->ldk, b->ldk, 1, b->qt, b->ld, n, b->ld, b->d, b->factor, false);
    add_distances(b, first, n);
    b->kernels->softmax_lanes(b->scores, b->ld, n, b->ld, b->masked ? b->begin : NULL, b->masked ? b->end : NULL, b->lse);
}

static void look(const block *b)
{
    float *out = b->s->out->x + b->row * b->ldo + b->head * b->dv, *saved = b->s->saved + b->row * b->H + b->head;
    for (int64_t i = 0; i < b->n && b->first >= b->last; i++) {
        saved[i * b->H] = -INFINITY;
        memset(out + i * b->ldo, 0, (size_t)b->dv * sizeof *out);
    }
    for (int64_t first = b->first; first < b->last; first += CHUNK) {
        const bool begun = first > b->first;
        const int64_t n = least(CHUNK, b->last - first);
        look_at_chunk(b, first, n);
        b->kernels->product(begun ? b->part : out, begun ? b->dv : b->ldo, b->scores, 1, b->ld, b->v + first * b->ldv, b->ldv, b->n, b->dv, n, 1, false);
        for (int64_t i = 0; i < b->n; i++)
            saved[i * b->H] = begun ? heed_attend_join(b->kernels, out + i * b->ldo, saved[i * b->H], b->part + i * b->dv, b->lse[i], b->dv) : b->lse[i];
    }
}

void heed_attend_lanes(heed_tape *t, const heed_attended *s, const heed_attend_group *g)
{
    const heed_mark mark = heed_arena_mark(t->arena);
    block b = block_of(t, s, g);
    for (int64_t h = 0; h < b.H; h++)
        for (int64_t i = g->row; i < g->row + g->rows && !heed_tape_failed(t); i += LANES) {
            take_block(&b, h, i);
            look(&b);
        }
    heed_arena_rewind(t->arena, mark);
}

/* --- backward ------------------------------------------------------------------------------------------------------------------------------- */

static void distances_back(const block *b, int64_t first, int64_t n, float *dweight)
{
    const heed_distance *x = &b->s->args.distance;
    memset(b->terms, 0, (size_t)(n + b->n - 1) * sizeof *b->terms);
    for (int64_t j = 0; j < n; j++) b->kernels->add(b->terms + n - 1 - j, b->terms + n - 1 - j, b->dw + j * b->ld, b->n);
    for (int64_t r = 0; r < n + b->n - 1; r++) dweight[b->head * x->weight->cols + heed_distance_bucket(x, ahead(b, first, n, r))] += b->terms[r];
}

/* scores = w, dw = ds; raw, where the score has a factor that learns: the dot products. */
static void weigh_again(const block *b, int64_t first, int64_t n, bool whole)
{
    const heed_kernels *k = b->kernels;
    float *raw = b->raw ? b->raw : b->scores;
    if (b->masked) mask(b, first);
    k->product(raw, b->ld, b->k + first * b->ldk, b->ldk, 1, b->qt, b->ld, n, b->ld, b->d, b->raw ? 1 : b->factor, false);
    if (b->raw) k->scale(b->scores, b->factor, b->raw, n * b->ld);
    add_distances(b, first, n);
    k->product(b->dw, b->ld, b->v + first * b->ldv, b->ldv, 1, b->doutt, b->ld, n, b->ld, b->dv, 1, false);
    k->softmax_lanes_back(b->scores, b->dw, b->ld, n, b->ld, b->masked ? b->begin : NULL, b->masked ? b->end : NULL, b->lse, whole ? NULL : b->delta);
}

static void chunk_back(const block *b, int64_t first, int64_t n, const float *dout, const heed_attend_grads *to)
{
    const heed_kernels *k = b->kernels;
    const int64_t key = b->g->key + first;
    if (to->v) k->product(to->v + key * b->ldv + b->key_head * b->dv, b->ldv, b->scores, b->ld, 1, dout, b->ldo, n, b->dv, b->n, 1, true);
    if (to->q) k->product(to->q + b->row * b->ldq + b->head * b->d, b->ldq, b->dw, 1, b->ld, b->k + first * b->ldk, b->ldk, b->n, b->d, n, b->factor, true);
    if (to->k) k->product(to->k + key * b->ldk + b->key_head * b->d, b->ldk, b->dw, b->ld, 1, b->q, b->ldq, n, b->d, b->n, b->factor, true);
    if (to->distance) distances_back(b, first, n, to->distance);
    for (int64_t j = 0; b->raw && j < n; j++) to->extra[b->head] += b->s->args.scale * k->dot(b->dw + j * b->ld, b->raw + j * b->ld, b->n);
}

static void look_back(block *b, const heed_attend_grads *to)
{
    const int64_t at = b->row * b->ldo + b->head * b->dv;
    const float *dout = to->out + at, *out = b->s->out->x + at, *saved = b->s->saved + b->row * b->H + b->head;
    const bool whole = b->last - b->first <= CHUNK;   /* sum w dw is at hand; else it is dout . out */
    b->kernels->transpose(b->doutt, b->ld, dout, b->ldo, b->n, b->dv);
    for (int64_t i = 0; i < b->ld; i++) b->lse[i] = saved[least(i, b->n - 1) * b->H];
    for (int64_t i = 0; !whole && i < b->ld; i++) b->delta[i] = b->kernels->dot(dout + least(i, b->n - 1) * b->ldo, out + least(i, b->n - 1) * b->ldo, b->dv);
    for (int64_t first = b->first; first < b->last; first += CHUNK) {
        const int64_t n = least(CHUNK, b->last - first);
        weigh_again(b, first, n, whole);
        chunk_back(b, first, n, dout, to);
    }
}

void heed_attend_lanes_back(heed_tape *t, const heed_attended *s, const heed_attend_group *g, const heed_attend_grads *to)
{
    const heed_mark mark = heed_arena_mark(t->arena);
    const int64_t chunk = least(CHUNK, g->keys) * LANES;
    block b = block_of(t, s, g);
    b.doutt = heed_attend_room(t, b.dv * LANES);
    b.dw = heed_attend_room(t, chunk);
    if (s->args.extra && s->args.extra->wants_grad) b.raw = heed_attend_room(t, chunk);
    for (int64_t h = 0; h < b.H; h++)
        for (int64_t i = g->row; i < g->row + g->rows && !heed_tape_failed(t); i += LANES) {
            take_block(&b, h, i);
            look_back(&b, to);
        }
    heed_arena_rewind(t->arena, mark);
}
