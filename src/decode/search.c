#include "decode/search.h"

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "kernels/kernels.h"

/* A symbol of a hypothesis, and the one before it: hypotheses share their beginnings. */
typedef struct node { int64_t before, row; int32_t id; float logp; } node;

/* A hypothesis at work: its last node (-1: none yet), the row that its next symbol's logits come from, which of the draws it is. */
typedef struct branch { int64_t quest, node, row, draw, n; double sum; bool ended; } branch;

/* A continuation of row `row`. */
typedef struct candidate { double sum; int64_t row; int32_t id; float logp; } candidate;

typedef struct search {
    const heed_search *s;
    const heed_search_options *how;
    heed_quest *quests;
    int64_t B, width;                /* branches a quest at most */
    node *nodes;
    int64_t count, capacity;
    branch *live, *next, *done;      /* [B * width] each; branch i of `live` is row i of the model; done: [B, width] */
    int64_t n, next_n, *done_n;      /* done_n [B] */
    int64_t *keep;                   /* [B * width] */
    int32_t *before, *ids;           /* [B * width], [width] */
    candidate *best;                 /* [width] */
    heed_chance *chances;            /* [V] when drawing */
    int64_t step;
} search;

/* --- branches ------------------------------------------------------------------------------------------------------------------------------- */

static void place(search *r, branch b)
{
    if (b.ended || b.n >= r->quests[b.quest].limit) r->done[b.quest * r->width + r->done_n[b.quest]++] = b;
    else r->next[r->next_n++] = b;
}

/* There is room: every step makes sure of it. */
static void extend(search *r, int64_t row, int64_t draw, int32_t id, float logp)
{
    branch b = r->live[row];
    r->nodes[r->count] = (node){b.node, row, id, logp};
    b = (branch){b.quest, r->count++, row, draw, b.n + 1, b.sum + logp, id == r->s->last};
    place(r, b);
}

static bool room_for_nodes(search *r)
{
    const int64_t wanted = r->count + r->B * r->width;
    if (wanted <= r->capacity) return true;
    node *grown = realloc(r->nodes, (size_t)(2 * wanted) * sizeof *grown);
    if (!grown) return false;
    r->nodes = grown;
    r->capacity = 2 * wanted;
    return true;
}

/* The branches placed become rows of the model. */
static bool adopt(search *r)
{
    bool same = r->next_n == r->n;
    for (int64_t i = 0; i < r->next_n; i++) {
        const branch *b = &r->next[i];
        r->keep[i] = b->row;
        r->before[i] = b->node < 0 ? r->s->first : r->nodes[b->node].id;
        same = same && b->row == i;
    }
    branch *spare = r->live;
    r->live = r->next;
    r->next = spare;
    r->n = r->next_n;
    r->next_n = 0;
    return same || r->n == 0 || r->s->select(r->s->self, r->keep, r->n);
}

/* --- what comes next ------------------------------------------------------------------------------------------------------------------------- */

static bool above(double a, double b) { return a > b || (isnan(b) && !isnan(a)); }

/* The k largest of x in falling order, the first of equals first; NaN never among them. Returns how many, 1 at least. */
static int64_t largest(const float *x, int64_t V, int64_t k, int32_t *ids)
{
    int64_t n = 0;
    if (k == 1) return ids[0] = (int32_t)heed_kernels_get()->arg_max(x, V), 1;
    for (int64_t v = 0; v < V; v++) {
        if (isnan(x[v]) || (n == k && !(x[v] > x[ids[n - 1]]))) continue;
        int64_t at = n < k ? n++ : k - 1;
        for (; at > 0 && x[v] > x[ids[at - 1]]; at--) ids[at] = ids[at - 1];
        ids[at] = (int32_t)v;
    }
    if (n == 0) ids[n++] = 0;
    return n;
}

/* Puts c among the `n` best so far, behind its equals; false: it is none of the k best. */
static bool enter(candidate *best, int64_t *n, int64_t k, candidate c)
{
    if (*n == k && !above(c.sum, best[k - 1].sum)) return false;
    int64_t at = *n < k ? (*n)++ : k - 1;
    for (; at > 0 && above(c.sum, best[at - 1].sum); at--) best[at] = best[at - 1];
    best[at] = c;
    return true;
}

/* Rows first .. first + rows - 1 are the hypotheses of one quest. */
static void keep_likeliest(search *r, const float *logits, int64_t first, int64_t rows)
{
    const heed_kernels *kernels = heed_kernels_get();
    const int64_t V = r->s->V, k = r->width - r->done_n[r->live[first].quest];
    int64_t n = 0;
    for (int64_t row = first; row < first + rows; row++) {
        const float *x = logits + row * V, norm = kernels->log_sum_exp(x, V);
        const int64_t count = largest(x, V, k, r->ids);
        for (int64_t i = 0; i < count; i++) {
            const float logp = x[r->ids[i]] - norm;
            if (!enter(r->best, &n, k, (candidate){r->live[row].sum + logp, row, r->ids[i], logp})) break;   /* nor is what follows it */
        }
    }
    for (int64_t i = 0; i < n; i++) extend(r, r->best[i].row, 0, r->best[i].id, r->best[i].logp);
}

static void take(search *r, const float *logits, int64_t row, int64_t draw, int32_t id)
{
    const float *x = logits + row * r->s->V;
    extend(r, row, draw, id, x[id] - heed_kernels_get()->log_sum_exp(x, r->s->V));
}

static void draw_one(search *r, const float *logits, int64_t row, int64_t draw)
{
    const uint64_t record = r->quests[r->live[row].quest].record, key = heed_key(heed_key(r->how->seed, record), (uint64_t)draw);
    const double u = heed_uniform(key, (uint64_t)r->step);
    take(r, logits, row, draw, heed_draw(&r->how->draw, logits + row * r->s->V, r->s->V, u, r->chances));
}

static void grow(search *r, const float *logits, int64_t first, int64_t rows)
{
    const heed_quest *q = &r->quests[r->live[first].quest];
    if (r->step < q->forced_count) {
        take(r, logits, first, 0, q->forced[r->step]);
    } else if (!r->how->draws) {
        keep_likeliest(r, logits, first, rows);
    } else if (r->step == q->forced_count) {
        for (int64_t d = 0; d < r->how->draws; d++) draw_one(r, logits, first, d);
    } else {
        for (int64_t i = first; i < first + rows; i++) draw_one(r, logits, i, r->live[i].draw);
    }
}

static bool run(search *r)
{
    for (int64_t i = 0; i < r->B; i++) place(r, (branch){.quest = i, .node = -1, .row = i});
    r->n = r->B;
    if (!adopt(r)) return false;
    for (; r->n > 0; r->step++) {
        const float *logits = room_for_nodes(r) ? r->s->logits(r->s->self, r->before, r->n) : NULL;
        if (!logits) return false;
        for (int64_t i = 0, rows; i < r->n; i += rows) {
            for (rows = 1; i + rows < r->n && r->live[i + rows].quest == r->live[i].quest; rows++) {}
            grow(r, logits, i, rows);
        }
        if (!adopt(r)) return false;
    }
    return true;
}

/* --- results ------------------------------------------------------------------------------------------------------------------------------------ */

static double score_of(const search *r, const branch *b)
{
    const heed_quest *q = &r->quests[b->quest];
    const bool beams = !r->how->draws && r->width > 1 && q->forced_count < q->limit;
    return beams ? b->sum / pow((double)b->n, r->how->length_penalty) : b->sum;
}

static bool earlier(const search *r, const branch *a, const branch *b)
{
    return r->how->draws ? a->draw < b->draw : above(score_of(r, a), score_of(r, b));
}

static void rank(const search *r, branch *done, int64_t n)
{
    for (int64_t i = 1; i < n; i++) {
        const branch b = done[i];
        int64_t at = i;
        for (; at > 0 && earlier(r, &b, &done[at - 1]); at--) done[at] = done[at - 1];
        done[at] = b;
    }
}

static bool unroll(const search *r, const branch *b, heed_hypothesis *h, heed_arena *arena)
{
    const size_t n = (size_t)b->n + 1;
    *h = (heed_hypothesis){.ids = heed_arena_alloc(arena, n * sizeof *h->ids), .logp = heed_arena_alloc(arena, n * sizeof *h->logp),
                           .rows = heed_arena_alloc(arena, n * sizeof *h->rows), .n = b->n, .score = score_of(r, b), .ended = b->ended};
    if (!h->ids || !h->logp || !h->rows) return false;
    for (int64_t i = b->n - 1, at = b->node; i >= 0; i--, at = r->nodes[at].before) {
        h->ids[i] = r->nodes[at].id;
        h->logp[i] = r->nodes[at].logp;
        h->rows[i] = r->nodes[at].row;
    }
    return true;
}

static bool finish(search *r, heed_arena *arena)
{
    for (int64_t q = 0; q < r->B; q++) {
        heed_quest *quest = &r->quests[q];
        branch *done = r->done + q * r->width;
        rank(r, done, r->done_n[q]);
        quest->found = r->done_n[q] < quest->most ? r->done_n[q] : quest->most;
        quest->best = heed_arena_alloc(arena, (size_t)(quest->found + 1) * sizeof *quest->best);
        if (!quest->best) return false;
        for (int64_t i = 0; i < quest->found; i++)
            if (!unroll(r, &done[i], &quest->best[i], arena)) return false;
    }
    return true;
}

static void *room(int64_t n, size_t size) { return malloc((size_t)n * size + 1); }

bool heed_search_run(const heed_search *s, const heed_search_options *how, heed_quest *quests, int64_t B, heed_arena *arena)
{
    search r = {.s = s, .how = how, .quests = quests, .B = B, .width = how->draws ? how->draws : how->beam};
    const int64_t all = B * r.width;
    r.live = room(all, sizeof *r.live);
    r.next = room(all, sizeof *r.next);
    r.done = room(all, sizeof *r.done);
    r.done_n = calloc((size_t)B + 1, sizeof *r.done_n);
    r.keep = room(all, sizeof *r.keep);
    r.before = room(all, sizeof *r.before);
    r.ids = room(r.width, sizeof *r.ids);
    r.best = room(r.width, sizeof *r.best);
    r.chances = room(how->draws ? s->V : 0, sizeof *r.chances);
    const bool good = r.live && r.next && r.done && r.done_n && r.keep && r.before && r.ids && r.best && r.chances && run(&r) && finish(&r, arena);
    void *const rooms[] = {r.nodes, r.live, r.next, r.done, r.done_n, r.keep, r.before, r.ids, r.best, r.chances};
    for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) free(rooms[i]);
    return good;
}
