#include "decode/search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "decode/bank.h"
#include "kernels/kernels.h"

/* A symbol of a hypothesis, and the one before it: hypotheses share their beginnings. */
typedef struct node { int64_t before, row; int32_t id; float logp; } node;

/* A hypothesis at work: its last node (-1: none yet), the row that its next symbol's logits come from, which of the draws it is. */
typedef struct branch { int64_t quest, node, row, draw, n; double sum; bool ended; heed_standing standing; } branch;

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
    branch *rest;                    /* [B, width] with constraints: the best that ended without all that must appear */
    int64_t *rest_n;                 /* [B] */
    bool constrained;                /* some quest is */
    int64_t *keep;                   /* [B * width] */
    int32_t *before, *ids;           /* [B * width], [width], with constraints [V] */
    float *logits;                   /* [width] those of ids */
    candidate *best;                 /* [width] */
    heed_chance *chances;            /* [V] when drawing */
    heed_candidate *candidates;      /* [candidates_room] with constraints */
    int64_t candidates_room, banks;  /* of the quest that has most */
    int64_t *taken;                  /* [banks] */
    int64_t step;
} search;

/* --- branches ------------------------------------------------------------------------------------------------------------------------------- */

static bool above(double a, double b) { return a > b || (isnan(b) && !isnan(a)); }

static int64_t beam_of(const search *r, const heed_quest *q) { return r->how->draws ? r->how->draws : q->beam ? q->beam : r->how->beam; }

static double score_of(const search *r, const branch *b)
{
    const heed_quest *q = &r->quests[b->quest];
    const bool beams = !r->how->draws && beam_of(r, q) > 1 && q->forced_count < q->limit && b->n > 0;
    return beams ? b->sum / pow((double)b->n, r->how->length_penalty) : b->sum;
}

static int bits(uint64_t x)
{
    int n = 0;
    for (; x; x &= x - 1) n++;
    return n;
}

static bool better_rest(const search *r, const branch *a, const branch *b)
{
    const int x = bits(a->standing.met), y = bits(b->standing.met);
    return x != y ? x > y : above(score_of(r, a), score_of(r, b));
}

/* Ended without all that must appear: among the best of these, or forgotten. */
static void set_aside(search *r, branch b)
{
    branch *rest = r->rest + b.quest * r->width;
    const int64_t most = beam_of(r, &r->quests[b.quest]);
    int64_t *n = &r->rest_n[b.quest], at;
    if (*n == most && !better_rest(r, &b, &rest[*n - 1])) return;
    at = *n < most ? (*n)++ : most - 1;
    for (; at > 0 && better_rest(r, &b, &rest[at - 1]); at--) rest[at] = rest[at - 1];
    rest[at] = b;
}

static void place(search *r, branch b)
{
    const heed_quest *q = &r->quests[b.quest];
    const bool over = b.ended || b.n >= q->limit;
    if (over && q->constraints) b.standing = heed_constraints_end(q->constraints, b.standing);
    if (!over) r->next[r->next_n++] = b;
    else if (q->constraints && !heed_constraints_met(q->constraints, b.standing)) set_aside(r, b);
    else r->done[b.quest * r->width + r->done_n[b.quest]++] = b;
}

/* There is room: every step makes sure of it. */
static void extend(search *r, int64_t row, int64_t draw, int32_t id, float logp)
{
    branch b = r->live[row];
    const heed_constraints *c = r->quests[b.quest].constraints;
    r->nodes[r->count] = (node){b.node, row, id, logp};
    b = (branch){b.quest, r->count++, row, draw, b.n + 1, b.sum + logp, id == r->s->last, c ? heed_constraints_after(c, b.standing, id) : b.standing};
    place(r, b);
}

static bool room_for_nodes(search *r)
{
    const int64_t wanted = r->count + (r->constrained ? 2 : 1) * r->B * r->width;   /* with constraints each may also end aside */
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

/* The k largest of x in falling order; returns how many, 1 at least. */
static int64_t largest(const float *x, int64_t V, int64_t k, int32_t *ids)
{
    int64_t n = heed_kernels_get()->top(ids, x, V, k);
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

/* What a step's decisions are made from: logits [n,V], or the likeliest of them alone. */
typedef struct outlook { const float *logits; const heed_ranked *ranked; } outlook;

static float norm_of(const search *r, const float *x, int64_t row)
{
    return r->s->norms ? (*r->s->norms)[row] : heed_kernels_get()->log_sum_exp(x, r->s->V);
}

/* Is the symbol one that may follow at all? */
static bool listed(const search *r, float logit) { return !r->s->norms || logit != -INFINITY; }

/* The k likeliest continuations of a row in r->ids and r->logits; returns how many. */
static int64_t look_ahead(search *r, const outlook *o, int64_t row, int64_t k, float *norm)
{
    const int64_t V = r->s->V;
    if (o->ranked && o->ranked->count[row]) {
        const int64_t first = row * o->ranked->k, count = o->ranked->count[row] < k ? o->ranked->count[row] : k;
        memcpy(r->ids, o->ranked->ids + first, (size_t)count * sizeof *r->ids);
        memcpy(r->logits, o->ranked->best + first, (size_t)count * sizeof *r->logits);
        *norm = o->ranked->norm[row];
        return count;
    }
    const float *x = o->ranked ? NULL : o->logits + row * V;
    int64_t count = x ? largest(x, V, k, r->ids) : 1;
    if (!x) r->ids[0] = 0;   /* all are NaN */
    for (int64_t i = 0; i < count; i++) r->logits[i] = x ? x[r->ids[i]] : NAN;
    *norm = x ? norm_of(r, x, row) : o->ranked->norm[row];
    while (count > 1 && !listed(r, r->logits[count - 1])) count--;
    return count;
}

/* Rows first .. first + rows - 1 are the hypotheses of one quest. */
static void keep_likeliest(search *r, const outlook *o, int64_t first, int64_t rows)
{
    const int64_t q = r->live[first].quest, k = beam_of(r, &r->quests[q]) - r->done_n[q];
    int64_t n = 0;
    for (int64_t row = first; row < first + rows; row++) {
        float norm;
        const int64_t count = look_ahead(r, o, row, k, &norm);
        for (int64_t i = 0; i < count; i++) {
            const float logp = r->logits[i] - norm;
            if (!enter(r->best, &n, k, (candidate){r->live[row].sum + logp, row, r->ids[i], logp})) break;   /* nor is what follows it */
        }
    }
    for (int64_t i = 0; i < n; i++) extend(r, r->best[i].row, 0, r->best[i].id, r->best[i].logp);
}

/* --- with constraints ------------------------------------------------------------------------------------------------------------------------ */

/* May the symbol follow? Nothing does after </s>, nor at the limit. */
static bool allowed(const search *r, const branch *b, int32_t id, heed_standing *after)
{
    const heed_quest *q = &r->quests[b->quest];
    const bool over = id == r->s->last || b->n + 1 >= q->limit;
    *after = heed_constraints_after(q->constraints, b->standing, id);
    if (over) *after = heed_constraints_end(q->constraints, *after);
    return !heed_constraints_broken(q->constraints, *after) && (id != r->s->last || heed_constraints_met(q->constraints, *after));
}

/* The continuation as a candidate, unless the row has it already. `first`: where the row's begin. */
static void list(search *r, const float *x, float norm, int64_t row, int32_t id, heed_standing after, int64_t first, int64_t *n)
{
    const float logp = x[id] - norm;
    for (int64_t i = first; i < *n; i++)
        if (r->candidates[i].id == id) return;
    const heed_constraints *c = r->quests[r->live[row].quest].constraints;
    r->candidates[(*n)++] = (heed_candidate){.sum = r->live[row].sum + logp, .row = row, .bank = heed_constraints_taken(c, after), .id = id, .logp = logp,
                                             .logit = x[id]};
}

/* The k likeliest continuations of a row that are allowed. */
static void list_likeliest(search *r, const float *x, float norm, int64_t row, int64_t k, int64_t *n)
{
    const int64_t V = r->s->V, before = *n;
    for (int64_t most = k < V ? k : V;; most = 4 * most < V ? 4 * most : V) {
        const int64_t count = largest(x, V, most, r->ids);
        *n = before;
        for (int64_t i = 0; i < count && *n - before < k; i++) {
            heed_standing after;
            if (listed(r, x[r->ids[i]]) && allowed(r, &r->live[row], r->ids[i], &after)) list(r, x, norm, row, r->ids[i], after, *n, n);
        }
        if (*n - before == k || most == V) return;
    }
}

/* Those that write more of what must appear, and the end where it would be the last of it. */
static void list_wanted(search *r, const float *x, float norm, int64_t row, int64_t first, int64_t *n)
{
    const branch *b = &r->live[row];
    const heed_constraints *c = r->quests[b->quest].constraints;
    int32_t ids[HEED_MOST_MUST + 1];
    int64_t count = heed_constraints_next(c, b->standing, ids);
    if (!heed_constraints_met(c, b->standing)) ids[count++] = r->s->last;
    for (int64_t i = 0; i < count; i++) {
        heed_standing after;
        if (!isnan(x[ids[i]]) && allowed(r, b, ids[i], &after)) list(r, x, norm, row, ids[i], after, first, n);
    }
}

/* The row's end, which lacks something that must appear, in case that nothing better is found. */
static void end_aside(search *r, const float *x, float norm, int64_t row)
{
    const branch *b = &r->live[row];
    const heed_constraints *c = r->quests[b->quest].constraints;
    const int64_t quest = b->quest, n = r->rest_n[quest];
    const heed_standing after = heed_constraints_end(c, heed_constraints_after(c, b->standing, r->s->last));
    if (r->done_n[quest] || heed_constraints_met(c, after) || heed_constraints_broken(c, after) || isnan(x[r->s->last])) return;
    const branch ended = {.quest = quest, .n = b->n + 1, .sum = b->sum + (x[r->s->last] - norm), .standing = after};
    if (n < beam_of(r, &r->quests[quest]) || better_rest(r, &ended, &r->rest[quest * r->width + n - 1])) extend(r, row, 0, r->s->last, x[r->s->last] - norm);
}

static heed_standing standing_of(const search *r, const heed_constraints *c, int64_t node)
{
    return node < 0 ? (heed_standing){0} : heed_constraints_after(c, standing_of(r, c, r->nodes[node].before), r->nodes[node].id);
}

/* Nothing may follow any of them: the first is cut where it may end. */
static void cut_back(search *r, int64_t row)
{
    branch b = r->live[row];
    const heed_constraints *c = r->quests[b.quest].constraints;
    while (heed_constraints_end(c, b.standing).broken) {
        const node *last = &r->nodes[b.node];
        b.sum -= last->logp;
        b.n--;
        b.node = last->before;
        b.standing = standing_of(r, c, b.node);
    }
    b.standing = heed_constraints_end(c, b.standing);
    set_aside(r, b);
}

static void keep_constrained(search *r, const float *logits, int64_t first, int64_t rows)
{
    const int64_t V = r->s->V, quest = r->live[first].quest, k = beam_of(r, &r->quests[quest]) - r->done_n[quest];
    const heed_constraints *c = r->quests[quest].constraints;
    int64_t n = 0;
    for (int64_t row = first; row < first + rows; row++) {
        const float *x = logits + row * V, norm = norm_of(r, x, row);
        const int64_t before = n;
        list_likeliest(r, x, norm, row, k, &n);
        list_wanted(r, x, norm, row, before, &n);
        end_aside(r, x, norm, row);
    }
    heed_bank_choose(r->candidates, n, heed_constraints_steps(c) + 1, k, r->taken);
    for (int64_t i = 0; i < n; i++)
        if (r->candidates[i].kept) extend(r, r->candidates[i].row, 0, r->candidates[i].id, r->candidates[i].logp);
    if (!n && !r->done_n[quest] && !r->rest_n[quest]) cut_back(r, first);
}

/* --- a step -------------------------------------------------------------------------------------------------------------------------------------- */

static void take(search *r, const float *logits, int64_t row, int64_t draw, int32_t id)
{
    const float *x = logits + row * r->s->V;
    extend(r, row, draw, id, x[id] - norm_of(r, x, row));
}

static void draw_one(search *r, const float *logits, int64_t row, int64_t draw)
{
    const uint64_t record = r->quests[r->live[row].quest].record, key = heed_key(heed_key(r->how->seed, record), (uint64_t)draw);
    const double u = heed_uniform(key, (uint64_t)r->step);
    take(r, logits, row, draw, heed_draw(&r->how->draw, logits + row * r->s->V, r->s->V, u, r->chances));
}

static void grow(search *r, const outlook *o, int64_t first, int64_t rows)
{
    const float *logits = o->logits;
    const heed_quest *q = &r->quests[r->live[first].quest];
    if (r->step < q->forced_count) {
        take(r, logits, first, 0, q->forced[r->step]);
    } else if (q->constraints) {
        keep_constrained(r, logits, first, rows);
    } else if (!r->how->draws) {
        keep_likeliest(r, o, first, rows);
    } else if (r->step == q->forced_count) {
        for (int64_t d = 0; d < r->how->draws; d++) draw_one(r, logits, first, d);
    } else {
        for (int64_t i = first; i < first + rows; i++) draw_one(r, logits, i, r->live[i].draw);
    }
}

/* Whether a step asks for the likeliest alone: where words are drawn, given or ruled out, the others matter too. */
static bool ranks(const search *r)
{
    if (!r->s->rank || r->how->draws || r->constrained) return false;
    for (int64_t i = 0; i < r->n; i++)
        if (r->step < r->quests[r->live[i].quest].forced_count) return false;
    return true;
}

static bool step(search *r)
{
    heed_ranked ranked;
    outlook o = {.logits = NULL};
    if (!room_for_nodes(r)) return false;
    if (ranks(r)) {
        ranked = r->s->rank(r->s->self, r->before, r->n, r->width < r->s->V ? r->width : r->s->V);
        if (ranked.count) o.ranked = &ranked;
    } else {
        o.logits = r->s->logits(r->s->self, r->before, r->n);
    }
    if (!o.logits && !o.ranked) return false;
    for (int64_t i = 0, rows; i < r->n; i += rows) {
        for (rows = 1; i + rows < r->n && r->live[i + rows].quest == r->live[i].quest; rows++) {}
        grow(r, &o, i, rows);
    }
    return adopt(r);
}

static bool run(search *r)
{
    for (int64_t i = 0; i < r->B; i++) place(r, (branch){.quest = i, .node = -1, .row = r->how->memories ? r->quests[i].memory : i});
    r->n = r->how->memories ? r->how->memories : r->B;
    if (!adopt(r)) return false;
    for (; r->n > 0; r->step++)
        if (!step(r)) return false;
    return true;
}

/* --- results ------------------------------------------------------------------------------------------------------------------------------------ */

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

static bool keep_tree(const search *r, const branch *best, heed_search_tree *tree, heed_arena *arena)
{
    *tree = (heed_search_tree){.tried = heed_arena_alloc(arena, (size_t)(r->count + 1) * sizeof *tree->tried), .count = r->count, .best = best ? best->node : -1};
    for (int64_t i = 0; tree->tried && i < r->count; i++) tree->tried[i] = (heed_tried){r->nodes[i].before, r->nodes[i].id, r->nodes[i].logp};
    return tree->tried != NULL;
}

static bool finish(search *r, heed_arena *arena)
{
    for (int64_t q = 0; q < r->B; q++) {
        heed_quest *quest = &r->quests[q];
        const bool aside = r->constrained && !r->done_n[q];
        const int64_t n = aside ? r->rest_n[q] : r->done_n[q];
        branch *done = (aside ? r->rest : r->done) + q * r->width;
        if (!aside) rank(r, done, n);
        quest->found = n < quest->most ? n : quest->most;
        quest->best = heed_arena_alloc(arena, (size_t)(quest->found + 1) * sizeof *quest->best);
        if (!quest->best) return false;
        for (int64_t i = 0; i < quest->found; i++)
            if (!unroll(r, &done[i], &quest->best[i], arena)) return false;
        if (r->how->tree && q == 0 && !keep_tree(r, n ? &done[0] : NULL, r->how->tree, arena)) return false;
    }
    return true;
}

static void *room(int64_t n, size_t size) { return malloc((size_t)n * size + 1); }

static bool take_room(search *r)
{
    const int64_t all = r->B * r->width, aside = r->constrained ? all : 0;
    r->live = room(all, sizeof *r->live);
    r->next = room(all, sizeof *r->next);
    r->done = room(all, sizeof *r->done);
    r->rest = room(aside, sizeof *r->rest);
    r->done_n = calloc((size_t)r->B + 1, sizeof *r->done_n);
    r->rest_n = calloc((size_t)r->B + 1, sizeof *r->rest_n);
    r->keep = room(all, sizeof *r->keep);
    r->before = room(all, sizeof *r->before);
    r->ids = room(r->constrained ? r->s->V : r->width, sizeof *r->ids);
    r->logits = room(r->width, sizeof *r->logits);
    r->best = room(r->width, sizeof *r->best);
    r->chances = room(r->how->draws ? r->s->V : 0, sizeof *r->chances);
    r->candidates = room(r->candidates_room, sizeof *r->candidates);
    r->taken = room(r->banks, sizeof *r->taken);
    return r->live && r->next && r->done && r->rest && r->done_n && r->rest_n && r->keep && r->before && r->ids && r->logits && r->best && r->chances && r->candidates &&
           r->taken;
}

bool heed_search_run(const heed_search *s, const heed_search_options *how, heed_quest *quests, int64_t B, heed_arena *arena)
{
    search r = {.s = s, .how = how, .quests = quests, .B = B, .width = how->draws ? how->draws : how->beam};
    for (int64_t i = 0; i < B; i++) {
        const int64_t beam = beam_of(&r, &quests[i]), banks = quests[i].constraints ? heed_constraints_steps(quests[i].constraints) + 1 : 0;
        const int64_t listed = banks ? beam * ((beam < s->V ? beam : s->V) + HEED_MOST_MUST + 1) : 0;
        if (beam > r.width) r.width = beam;
        if (banks > r.banks) r.banks = banks;
        if (listed > r.candidates_room) r.candidates_room = listed;
        r.constrained |= banks > 0;
    }
    const bool good = take_room(&r) && run(&r) && finish(&r, arena);
    void *const rooms[] = {r.nodes, r.live, r.next, r.done, r.rest, r.done_n, r.rest_n, r.keep, r.before, r.ids, r.logits, r.best, r.chances, r.candidates, r.taken};
    for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) free(rooms[i]);
    return good;
}
