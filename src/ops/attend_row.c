/* One head of one query: where it stands, what it sees, its scores; and its weights, asked for afterwards. */
#include <math.h>
#include <string.h>

#include "ops/attend.h"

heed_attend_row heed_attend_row_of(const heed_attend_args *a, const heed_attend_group *g)
{
    const int64_t H = heed_attend_heads(a);
    return (heed_attend_row){.a = a, .g = g, .H = H, .d = heed_attend_width(a), .dv = heed_attend_value_width(a), .shared = H / heed_attend_key_heads(a)};
}

void heed_attend_row_take(heed_attend_row *r, int64_t row, int64_t head)
{
    const heed_attend_args *a = r->a;
    r->row = row;
    r->head = head;
    r->key_head = r->shared == 1 ? head : head / r->shared;
    r->position = r->g->position + row - r->g->row;
    r->pair = r->g->pair + (row - r->g->row) * r->g->keys;
    r->sees = heed_looking_of(a->align, a->window, r->position, r->g->keys, a->centre ? a->centre->x[row * r->H + head] : 0);
}

heed_meeting heed_attend_row_meets(const heed_attend_row *r, int64_t first, int64_t n, float *shifted)
{
    const heed_attend_args *a = r->a;
    const int64_t d = r->d, ld = a->k->cols;
    heed_meeting m = {.q = a->q->x + r->row * a->q->cols + r->head * d, .n = n, .d = d, .ld = ld, .first = first, .scale = a->scale};
    if (a->extra) m.extra = a->extra->x + r->head * (a->extra->cols / r->H);
    m.k = a->score->blind ? a->k->x : a->k->x + r->key_head * d;
    if (a->key_row) m.row = a->key_row + r->g->key + first;
    else m.k += (r->g->key + first) * ld;
    if (!a->shift) return m;
    const float *shift = a->shift->x + (r->pair + first) * ld + r->key_head * d;
    for (int64_t j = 0; j < n; j++)
        for (int64_t c = 0; c < d; c++) shifted[j * d + c] = m.k[(m.row ? m.row[j] : j) * ld + c] + shift[j * ld + c];
    m.k = shifted;
    m.row = NULL;
    m.ld = d;
    return m;
}

void heed_attend_row_score(const heed_attend_row *r, int64_t first, int64_t n, float *shifted, float *s)
{
    const heed_meeting m = heed_attend_row_meets(r, first, n, shifted);
    r->a->score->forward(&m, s);
    heed_distance_add(&r->a->distance, s, r->position, first, n, r->head, r->H);
}

/* --- asked for afterwards ------------------------------------------------------------------------------------------------------------------ */

/* Spreads what is packed for the keys seen over all n, from the last so that it may happen in place. */
static void spread(const heed_looking *l, float *x, int64_t n, float unseen)
{
    int64_t from = l->seen, to = n;
    for (int r = l->runs - 1; r >= 0; r--) {
        while (to > l->first[r] + l->count[r]) x[--to] = unseen;
        from -= l->count[r];
        memmove(x + l->first[r], x + from, (size_t)l->count[r] * sizeof *x);
        to = l->first[r];
    }
    while (to > 0) x[--to] = unseen;
}

/* Keys that are shifted meet one at a time, in a row that the stack holds. */
static void score_again(const heed_attend_row *r, float *s)
{
    float shifted[HEED_ATTEND_WIDEST];
    for (int run = 0; run < r->sees.runs; s += r->sees.count[run++]) {
        if (!r->a->shift) heed_attend_row_score(r, r->sees.first[run], r->sees.count[run], NULL, s);
        for (int64_t j = 0; r->a->shift && j < r->sees.count[run]; j++) heed_attend_row_score(r, r->sees.first[run] + j, 1, shifted, s + j);
    }
}

int64_t heed_attend_weights(const heed_attended *x, int64_t group, int64_t row, int64_t head, float *weights, float *scores)
{
    const heed_attend_args *a = &x->args;
    const heed_attend_group g = heed_attend_group_of(a, group, a->shift ? heed_attend_pairs(a, group) : 0);
    heed_attend_row r = heed_attend_row_of(a, &g);
    heed_attend_row_take(&r, row, head);
    score_again(&r, weights);
    if (scores) {
        memcpy(scores, weights, (size_t)r.sees.seen * sizeof *scores);
        spread(&r.sees, scores, g.keys, -INFINITY);
    }
    heed_align_again(heed_kernels_get(), heed_align_weighing(a->align), weights, weights, r.sees.seen, x->saved[row * r.H + head]);
    for (int64_t j = 0; heed_align_has_centre(a->align) && j < r.sees.seen; j++) {
        float factor;
        heed_centre_factors(&r.sees, &factor, r.sees.first[0] + j, 1);
        weights[j] *= factor;
    }
    spread(&r.sees, weights, g.keys, 0);
    return g.keys;
}
