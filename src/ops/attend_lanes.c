/* attend in lanes: blocks of queries of one head against chunks of keys, for scores that are dot products under a softmax. Queries stand in the lanes of
 * vectors, so a block is turned once, q^T [d, lanes], and all that follows is products of small matrices:
 *
 *   s^T = k q^T,   w^T = softmax of each lane,   out = w v
 *   dw^T = v dout^T,   ds = w (dw - sum w dw),   dv += w^T dout,   dq += ds k,   dk += ds^T q
 *
 * No more than a chunk of scores is held. Of the keys of a block those are passed over that none of its queries sees; the rest are masked. */
#include <math.h>

#include "ops/attend.h"
#include "ops/pair.h"

enum { LANES = 32, CHUNK = 256, FEWEST = 4 };   /* queries of a block, keys of a chunk; groups with fewer queries are cheaper by rows */

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

bool heed_attend_suits_lanes(const heed_attended *s, const heed_attend_group *g)
{
    const heed_attend_args *a = &s->args;
    const heed_align align = a->align;
    const bool plain = heed_align_weighing(align) == HEED_WEIGHING_softmax && heed_align_sees_one_run(align) && !heed_align_has_centre(align);
    return g->rows >= FEWEST && plain && a->score->forward == heed_pair_dot && !a->shift && !a->key_row && !s->weights;
}

/* A block of queries of one head, and room for its work. */
typedef struct block {
    const heed_kernels *kernels;
    const heed_attended *s;
    const heed_attend_group *g;
    int64_t head, row, n;              /* queries row .. row+n-1 */
    int64_t ld;                        /* n rounded up, so that vectors are whole or half */
    int64_t first, last;               /* keys first .. last-1 are seen by one of them or more */
    const float *q, *k, *v;            /* of this head: its first query, the sequence's first key */
    float factor;                      /* of the dot product */
    float *qt, *doutt;                 /* [d,ld], [dv,ld] */
    float *scores, *dw, *raw;          /* [CHUNK,ld] */
    float *from, *to, *lse, *delta;    /* [ld] keys each query sees, numbered from the chunk's first */
    float *part;                       /* [n,dv] */
    float *terms;                      /* [CHUNK+LANES] the distance's, by distance */
} block;

static block room_of(heed_tape *t, const heed_attended *s, const heed_attend_group *g)
{
    const heed_attend_args *a = &s->args;
    const int64_t d = heed_attend_width(a), dv = heed_attend_value_width(a), chunk = least(CHUNK, g->keys) * LANES;
    return (block){.kernels = t->k, .s = s, .g = g, .qt = heed_attend_room(t, d * LANES), .scores = heed_attend_room(t, chunk),
                   .part = heed_attend_room(t, dv * LANES), .terms = heed_attend_room(t, CHUNK + LANES), .from = heed_attend_room(t, LANES),
                   .to = heed_attend_room(t, LANES), .lse = heed_attend_room(t, LANES), .delta = heed_attend_room(t, LANES)};
}

static void take_block(block *b, int64_t head, int64_t row)
{
    const heed_attend_args *a = &b->s->args;
    const heed_attend_group *g = b->g;
    const int64_t d = heed_attend_width(a), key_head = heed_attend_key_head(a, head);
    b->head = head;
    b->row = row;
    b->n = least(LANES, g->row + g->rows - row);
    b->ld = (b->n + 7) / 8 * 8;
    b->q = a->q->x + row * a->q->cols + head * d;
    b->k = a->k->x + g->key * a->k->cols + key_head * d;
    b->v = a->v->x + g->key * a->v->cols + key_head * heed_attend_value_width(a);
    b->factor = a->extra ? a->scale * a->extra->x[head] : a->scale;
    b->first = g->keys;
    b->last = 0;
    for (int64_t i = 0; i < b->n; i++) {
        const heed_looking l = heed_looking_of(a->align, a->window, g->position + row + i - g->row, g->keys, 0);
        if (!l.seen) continue;
        b->first = least(b->first, l.first[0]);
        b->last = l.first[0] + l.count[0] > b->last ? l.first[0] + l.count[0] : b->last;
    }
    b->kernels->transpose(b->qt, b->ld, b->q, a->q->cols, b->n, d);
}

/* from and to for a chunk that begins at key `first`; the lanes past the last query see what it sees. False: all see all of it. */
static bool mask(const block *b, int64_t first, int64_t n)
{
    const heed_attend_args *a = &b->s->args;
    bool masked = false;
    for (int64_t i = 0; i < b->ld; i++) {
        const heed_looking l = heed_looking_of(a->align, a->window, b->g->position + b->row + least(i, b->n - 1) - b->g->row, b->g->keys, 0);
        b->from[i] = (float)(l.seen ? l.first[0] - first : 0);
        b->to[i] = (float)(l.seen ? l.first[0] + l.count[0] - first : 0);
        masked = masked || b->from[i] > 0 || b->to[i] < (float)n;
    }
    return masked;
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
    const float slope = heed_distance_slope(b->head, heed_attend_heads(&b->s->args));
    for (int64_t r = 0; r < n + b->ld - 1; r++) {
        const int64_t far = ahead(b, first, n, r);
        b->terms[r] = x->kind == HEED_DISTANCE_LINEAR ? slope * (float)(far < 0 ? -far : far) : x->weight->x[b->head * x->weight->cols + heed_distance_bucket(x, far)];
    }
    for (int64_t j = 0; j < n; j++) b->kernels->add(b->scores + j * b->ld, b->scores + j * b->ld, b->terms + n - 1 - j, b->ld);
}

/* --- forward -------------------------------------------------------------------------------------------------------------------------------- */

/* out += w v, or = when it is the first; rows of out are ldo apart. */
static void mix(const block *b, float *out, int64_t ldo, int64_t first, int64_t n)
{
    const heed_attend_args *a = &b->s->args;
    b->kernels->product(out, ldo, b->scores, 1, b->ld, b->v + first * a->v->cols, a->v->cols, b->n, heed_attend_value_width(a), n, 1, false);
}

static void look_at_chunk(const block *b, int64_t first, int64_t n, float *lse)
{
    const heed_attend_args *a = &b->s->args;
    const bool masked = mask(b, first, n);
    b->kernels->product(b->scores, b->ld, b->k + first * a->k->cols, a->k->cols, 1, b->qt, b->ld, n, b->ld, heed_attend_width(a), b->factor, false);
    add_distances(b, first, n);
    b->kernels->softmax_lanes(b->scores, b->ld, n, b->ld, masked ? b->from : NULL, masked ? b->to : NULL, lse);
}

static void look(const block *b)
{
    const heed_attend_args *a = &b->s->args;
    const int64_t H = heed_attend_heads(a), dv = heed_attend_value_width(a), ldo = H * dv;
    float *out = b->s->out->x + b->row * ldo + b->head * dv, *saved = b->s->saved + b->row * H + b->head;
    for (int64_t i = 0; i < b->n && b->first >= b->last; i++) {
        saved[i * H] = -INFINITY;
        b->kernels->scale(out + i * ldo, 0, out + i * ldo, dv);
    }
    for (int64_t first = b->first; first < b->last; first += CHUNK) {
        const bool begun = first > b->first;
        const int64_t n = least(CHUNK, b->last - first);
        look_at_chunk(b, first, n, b->lse);
        mix(b, begun ? b->part : out, begun ? dv : ldo, first, n);
        for (int64_t i = 0; i < b->n; i++)
            saved[i * H] = begun ? heed_attend_join(b->kernels, out + i * ldo, saved[i * H], b->part + i * dv, b->lse[i], dv) : b->lse[i];
    }
}

void heed_attend_lanes(heed_tape *t, const heed_attended *s, const heed_attend_group *g)
{
    const heed_mark mark = heed_arena_mark(t->arena);
    block b = room_of(t, s, g);
    for (int64_t h = 0; h < heed_attend_heads(&s->args); h++)
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
    for (int64_t r = 0; r < n + b->n - 1; r++) b->terms[r] = 0;
    for (int64_t j = 0; j < n; j++) b->kernels->add(b->terms + n - 1 - j, b->terms + n - 1 - j, b->dw + j * b->ld, b->n);
    for (int64_t r = 0; r < n + b->n - 1; r++) dweight[b->head * x->weight->cols + heed_distance_bucket(x, ahead(b, first, n, r))] += b->terms[r];
}

/* scores = w, dw = ds; raw, where the score has a factor that learns: the dot products. */
static void weigh_again(const block *b, int64_t first, int64_t n, bool one)
{
    const heed_attend_args *a = &b->s->args;
    const heed_kernels *k = b->kernels;
    const bool masked = mask(b, first, n);
    k->product(b->raw ? b->raw : b->scores, b->ld, b->k + first * a->k->cols, a->k->cols, 1, b->qt, b->ld, n, b->ld, heed_attend_width(a), b->raw ? 1 : b->factor, false);
    if (b->raw) k->scale(b->scores, b->factor, b->raw, n * b->ld);
    add_distances(b, first, n);
    k->product(b->dw, b->ld, b->v + first * a->v->cols, a->v->cols, 1, b->doutt, b->ld, n, b->ld, heed_attend_value_width(a), 1, false);
    k->softmax_lanes_back(b->scores, b->dw, b->ld, n, b->ld, masked ? b->from : NULL, masked ? b->to : NULL, b->lse, one ? NULL : b->delta);
}

static void chunk_back(const block *b, int64_t first, int64_t n, const float *dout, const heed_attend_grads *to)
{
    const heed_attend_args *a = &b->s->args;
    const heed_kernels *k = b->kernels;
    const int64_t d = heed_attend_width(a), dv = heed_attend_value_width(a), ldq = a->q->cols, ldk = a->k->cols, ldv = a->v->cols, ldo = b->s->out->cols;
    const int64_t key = b->g->key + first, key_head = heed_attend_key_head(a, b->head);
    if (to->v) k->product(to->v + key * ldv + key_head * dv, ldv, b->scores, b->ld, 1, dout, ldo, n, dv, b->n, 1, true);
    if (to->q) k->product(to->q + b->row * ldq + b->head * d, ldq, b->dw, 1, b->ld, b->k + first * ldk, ldk, b->n, d, n, b->factor, true);
    if (to->k) k->product(to->k + key * ldk + key_head * d, ldk, b->dw, b->ld, 1, b->q, ldq, n, d, b->n, b->factor, true);
    if (to->distance) distances_back(b, first, n, to->distance);
    for (int64_t j = 0; b->raw && j < n; j++) to->extra[b->head] += a->scale * k->dot(b->dw + j * b->ld, b->raw + j * b->ld, b->n);
}

static void look_back(block *b, const heed_attend_grads *to)
{
    const heed_attend_args *a = &b->s->args;
    const int64_t H = heed_attend_heads(a), dv = heed_attend_value_width(a), ldo = H * dv, at = b->row * ldo + b->head * dv;
    const float *dout = to->out + at, *out = b->s->out->x + at, *saved = b->s->saved + b->row * H + b->head;
    const bool one = b->last - b->first <= CHUNK;   /* sum w dw is at hand; else it is dout . out */
    b->kernels->transpose(b->doutt, b->ld, dout, ldo, b->n, dv);
    for (int64_t i = 0; i < b->ld; i++) b->lse[i] = saved[least(i, b->n - 1) * H];
    for (int64_t i = 0; !one && i < b->ld; i++) b->delta[i] = b->kernels->dot(dout + least(i, b->n - 1) * ldo, out + least(i, b->n - 1) * ldo, dv);
    for (int64_t first = b->first; first < b->last; first += CHUNK) {
        const int64_t n = least(CHUNK, b->last - first);
        weigh_again(b, first, n, one);
        chunk_back(b, first, n, dout, to);
    }
}

void heed_attend_lanes_back(heed_tape *t, const heed_attended *s, const heed_attend_group *g, const heed_attend_grads *to)
{
    const heed_mark mark = heed_arena_mark(t->arena);
    const int64_t chunk = least(CHUNK, g->keys) * LANES;
    block b = room_of(t, s, g);
    b.doutt = heed_attend_room(t, heed_attend_value_width(&s->args) * LANES);
    b.dw = heed_attend_room(t, chunk);
    if (s->args.extra && s->args.extra->wants_grad) b.raw = heed_attend_room(t, chunk);
    for (int64_t h = 0; h < heed_attend_heads(&s->args); h++)
        for (int64_t i = g->row; i < g->row + g->rows && !heed_tape_failed(t); i += LANES) {
            take_block(&b, h, i);
            look_back(&b, to);
        }
    heed_arena_rewind(t->arena, mark);
}
