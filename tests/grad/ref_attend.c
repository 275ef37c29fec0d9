/* Reference of attend, for any score; and the cases of the op: with a score that the library does not know, and with the dot product, which it knows best. */
#include <stdlib.h>

#include "attention.h"

/* --- any score -------------------------------------------------------------------------------------------------------------------------- */

static int64_t heads_of(const ref_attend *a) { return a->heads ? a->heads : 1; }
static int64_t key_heads_of(const ref_attend *a) { return a->key_heads ? a->key_heads : heads_of(a); }
static int64_t owner_of(const ref_attend *a, int64_t group) { return a->owner ? a->owner[group] : group; }
static int64_t keys_of(const ref_attend *a, int64_t group) { return a->keys.start[owner_of(a, group) + 1] - a->keys.start[owner_of(a, group)]; }

static int64_t pairs_before(const ref_attend *a, int64_t group, int64_t query)
{
    int64_t pairs = 0;
    for (int64_t b = 0; b < group; b++) pairs += (a->queries.start[b + 1] - a->queries.start[b]) * keys_of(a, b);
    return group < a->queries.B ? pairs + (query - a->queries.start[group]) * keys_of(a, group) : pairs;
}

int64_t ref_attend_pairs(const ref_attend *a) { return pairs_before(a, a->queries.B, 0); }

static num exp2_of(num x) { return num_rounded(exp2(x.v), exp2(x.v) * expm1(M_LN2 * num_error(x)), NUM_FUNCTION); }

/* ALiBi's slope of head h: 2^(-8 (h+1) / H) */
static num slope_of(const ref_attend *a, int64_t head) { return exp2_of(num_div(num_exact(-8 * (double)(head + 1)), num_exact((double)heads_of(a)))); }

/* T5's ranges, one by one: range r of those beyond exact distances begins where (far / exact)^ranges reaches (128 / exact)^r. */
static int64_t bucket_of(const ref_attend *a, int64_t ahead)
{
    const int64_t half = a->both ? a->buckets / 2 : a->buckets, base = a->both && ahead > 0 ? half : 0;
    const int64_t far = a->both ? llabs((long long)ahead) : ahead < 0 ? -ahead : 0, exact = half / 2, ranges = half - exact;
    if (far < exact) return base + far;
    int64_t range = 0;
    while (range + 1 < ranges && (double)ranges * log((double)far / (double)exact) >= (double)(range + 1) * log(128 / (double)exact) - 1e-9) range++;
    return base + exact + range;
}

static num with_distance(const ref_attend *a, num s, const ref_meeting *m, int64_t position)
{
    const double far = (double)llabs((long long)(position - m->at));
    if (a->distance == HEED_DISTANCE_LINEAR) return num_sub(s, num_mul(slope_of(a, m->head), num_exact(far)));
    if (a->distance == HEED_DISTANCE_BUCKETS) return num_add(s, a->weight[m->head * a->buckets + bucket_of(a, m->at - position)]);
    return s;
}

/* p = n sigmoid(u) */
static num centre_of(const ref_attend *a, const ref_sight *x, int64_t query, int64_t head)
{
    return num_mul(num_exact((double)x->keys), num_sigmoid(a->centre[query * heads_of(a) + head]));
}

/* (j - p) / (w/2), 0 where w is */
static num off_centre(const ref_attend *a, const ref_sight *x, int64_t j)
{
    if (!a->window) return num_exact(0);
    return num_div(num_sub(num_exact((double)x->m[j].at), x->centre), num_exact((double)a->window / 2));
}

static void see(const ref_attend *a, int64_t group, int64_t query, int64_t head, ref_sight *x)
{
    const ref_align *align = ref_align_of(a->align);
    const int64_t begin = a->keys.start[owner_of(a, group)];
    ref_place place = {.position = x->position, .window = a->window, .centre = x->centre};
    for (place.at = 0; place.at < x->keys; place.at++) {
        const bool sees = align->sees(&place);
        const num off = num_sub(num_exact((double)place.at), x->centre);
        if (align->centred) grad_decide(a->p, sees, fabs(fabs(off.v) - (double)a->window) <= num_error(off));
        if (!sees) continue;
        x->m[x->n++] = (ref_meeting){.query = query, .key = begin + place.at, .head = head, .key_head = head / (heads_of(a) / key_heads_of(a)),
                                     .at = place.at, .pair = pairs_before(a, group, query) + place.at};
    }
}

void ref_attend_look(const ref_attend *a, int64_t group, int64_t query, int64_t head, ref_sight *x)
{
    const ref_align *align = ref_align_of(a->align);
    x->n = 0;
    x->keys = keys_of(a, group);
    x->position = a->position + query - a->queries.start[group];
    x->centre = align->centred ? centre_of(a, x, query, head) : num_exact(0);
    x->saved = num_exact(-INFINITY);
    see(a, group, query, head, x);
    if (!x->n) return;
    for (int64_t j = 0; j < x->n; j++) x->s[j] = with_distance(a, a->score(a->subject, &x->m[j]), &x->m[j], x->position);
    x->saved = align->weigh(a->p, x->soft, x->s, x->n);
    for (int64_t j = 0; j < x->n; j++) {
        const num off = off_centre(a, x, j);
        x->g[j] = align->centred ? num_exp(num_mul(num_exact(-0.5), num_mul(off, off))) : num_exact(1);
        x->w[j] = align->centred ? num_mul(x->soft[j], x->g[j]) : x->soft[j];
    }
}

/* Every head of every query in turn. */
static void each(const ref_attend *a, void (*visit)(const ref_attend *a, const ref_sight *x, int64_t query, int64_t head, void *to), void *to)
{
    ref_sight x;
    for (int64_t b = 0; b < a->queries.B; b++)
        for (int64_t i = a->queries.start[b]; i < a->queries.start[b + 1]; i++)
            for (int64_t h = 0; h < heads_of(a); h++) {
                ref_attend_look(a, b, i, h, &x);
                visit(a, &x, i, h, to);
            }
}

static const num *value_of(const ref_attend *a, const ref_meeting *m) { return a->v + (m->key * key_heads_of(a) + m->key_head) * a->Dv; }

typedef struct results { num *out, *weights; } results;

static void write_results(const ref_attend *a, const ref_sight *x, int64_t query, int64_t head, void *to)
{
    const results *r = to;
    for (int64_t c = 0; c < a->Dv; c++) {
        num sum = {0};
        for (int64_t j = 0; j < x->n; j++) num_gather(&sum, num_mul(x->w[j], value_of(a, &x->m[j])[c]));
        r->out[(query * heads_of(a) + head) * a->Dv + c] = sum;
    }
    for (int64_t j = 0; r->weights && j < x->n; j++) r->weights[x->m[j].pair * heads_of(a) + head] = x->w[j];
}

void ref_attend_forward(const ref_attend *a, num *out, num *weights)
{
    for (int64_t i = 0; weights && i < ref_attend_pairs(a) * heads_of(a); i++) weights[i] = num_exact(0);
    each(a, write_results, &(results){out, weights});
}

/* w = soft g,  g = exp(-x^2 / 2),  x = (j - p) / (w/2):  du = sum dw w x / (w/2) dp/du,  dp/du = p (1 - p/n) */
static void centre_back(const ref_attend *a, const ref_sight *x, const num *dw, int64_t query, int64_t head)
{
    const int64_t at = query * heads_of(a) + head;
    const num turn = num_mul(x->centre, num_sub(num_exact(1), num_div(x->centre, num_exact((double)x->keys))));
    for (int64_t j = 0; j < x->n && a->window; j++) {
        const num dx = num_div(off_centre(a, x, j), num_exact((double)a->window / 2));
        num_gather(&a->dcentre[at], num_mul(num_mul(num_mul(dw[j], x->w[j]), dx), turn));
    }
}

typedef struct gradients { const num *dout, *dweights; } gradients;

static void add_gradients(const ref_attend *a, const ref_sight *x, int64_t query, int64_t head, void *from)
{
    const gradients *g = from;
    const num *dout = g->dout + (query * heads_of(a) + head) * a->Dv;
    num dw[REF_KEYS], ds[REF_KEYS];
    for (int64_t j = 0; j < x->n; j++) {
        num *dv = a->dv + (x->m[j].key * key_heads_of(a) + x->m[j].key_head) * a->Dv;
        dw[j] = num_dot(dout, value_of(a, &x->m[j]), a->Dv);
        if (g->dweights) num_gather(&dw[j], g->dweights[x->m[j].pair * heads_of(a) + head]);
        for (int64_t c = 0; c < a->Dv; c++) num_gather(&dv[c], num_mul(x->w[j], dout[c]));
    }
    if (!x->n) return;
    if (a->centre) centre_back(a, x, dw, query, head);
    for (int64_t j = 0; j < x->n; j++) dw[j] = num_mul(dw[j], x->g[j]);
    ref_align_of(a->align)->weigh_back(ds, x->soft, dw, x->n);
    for (int64_t j = 0; j < x->n; j++) {
        if (a->distance == HEED_DISTANCE_BUCKETS) num_gather(&a->dweight[head * a->buckets + bucket_of(a, x->m[j].at - x->position)], ds[j]);
        a->score_back(a->subject, &x->m[j], ds[j]);
    }
}

void ref_attend_backward(const ref_attend *a, const num *dout, const num *dweights) { each(a, add_gradients, &(gradients){dout, dweights}); }

/* --- the op ------------------------------------------------------------------------------------------------------------------------------------
 * Inputs by name, -1: not there; v may be k. The odd score: scale sum_c extra_(c mod e) q_c tanh(k_c + shift_c), e = 2. */

enum { SCALE_HALVES = 3 };   /* scale 1.5 */
enum { EXTRAS = 2 };         /* values of extra a head */
enum { UNWANTED, WANTED, TRAINED };

typedef struct looked {
    ref_attend ref;
    int64_t d, *owner;
    int q, k, v, extra, shift, centre, weight;
    bool dot;                /* the dot product instead of the odd score */
    int weights;
} looked;

static const num scale = {.v = SCALE_HALVES / 2.0};

/* The values of one head's extra, 1 where there is none. */
static num extra_of(const problem *p, const ref_meeting *m, int64_t c, int64_t *at)
{
    const looked *own = p->own;
    if (own->extra < 0) return num_exact(1);
    const int64_t e = p->in[own->extra].cols / own->ref.heads;
    *at = m->head * e + c % e;
    return p->in[own->extra].x[*at];
}

/* Where value c of the head's query, its key and their shift stand in their blocks. */
static int64_t q_at(const looked *own, const ref_meeting *m, int64_t c) { return (m->query * own->ref.heads + m->head) * own->d + c; }
static int64_t k_at(const looked *own, const ref_meeting *m, int64_t c) { return (m->key * own->ref.key_heads + m->key_head) * own->d + c; }
static int64_t shift_at(const looked *own, const ref_meeting *m, int64_t c) { return (m->pair * own->ref.key_heads + m->key_head) * own->d + c; }

static num key_of(const problem *p, const ref_meeting *m, int64_t c)
{
    const looked *own = p->own;
    const num k = p->in[own->k].x[k_at(own, m, c)];
    return own->shift < 0 ? k : num_add(k, p->in[own->shift].x[shift_at(own, m, c)]);
}

static num score(const void *subject, const ref_meeting *m)
{
    const problem *p = subject;
    const looked *own = p->own;
    num sum = {0};
    int64_t at;
    for (int64_t c = 0; c < own->d; c++) {
        const num k = key_of(p, m, c);
        num_gather(&sum, num_mul(num_mul(extra_of(p, m, c, &at), p->in[own->q].x[q_at(own, m, c)]), own->dot ? k : num_tanh(k)));
    }
    return num_mul(scale, sum);
}

static void score_back(const void *subject, const ref_meeting *m, num ds)
{
    const problem *p = subject;
    const looked *own = p->own;
    const num f = num_mul(scale, ds);
    int64_t at;
    for (int64_t c = 0; c < own->d; c++) {
        const num q = p->in[own->q].x[q_at(own, m, c)], e = extra_of(p, m, c, &at), key = key_of(p, m, c), k = own->dot ? key : num_tanh(key);
        const num slope = own->dot ? num_exact(1) : num_sub(num_exact(1), num_mul(k, k)), dk = num_mul(f, num_mul(num_mul(e, q), slope));
        num_gather(&p->in[own->q].g[q_at(own, m, c)], num_mul(f, num_mul(e, k)));
        num_gather(&p->in[own->k].g[k_at(own, m, c)], dk);
        if (own->shift >= 0) num_gather(&p->in[own->shift].g[shift_at(own, m, c)], dk);
        if (own->extra >= 0) num_gather(&p->in[own->extra].g[at], num_mul(f, num_mul(q, k)));
    }
}

static int given(problem *p, block_role role, int64_t rows, int64_t cols, double spread)
{
    grad_in(p, role, rows, cols, spread);
    return p->inputs - 1;
}

static block_role either(problem *p) { return grad_draw(p, 0, 1) ? BLOCK_WEIGHT : BLOCK_INPUT; }

/* Some sequences have no key and some groups no query; positions and windows reach beyond the ends, so that some queries see nothing. */
static void draw_places(problem *p, looked *own, int64_t most_queries, int64_t most_keys)
{
    const int64_t groups = grad_draw(p, 1, 3), sequences = grad_draw(p, 1, 3);
    if (groups > sequences || grad_draw(p, 0, 1)) own->owner = grad_room(p, (size_t)groups * sizeof *own->owner);
    for (int64_t b = 0; own->owner && b < groups; b++) own->owner[b] = grad_draw(p, 0, sequences - 1);
    own->ref = (ref_attend){.p = p, .owner = own->owner, .score = score, .score_back = score_back, .subject = p};
    own->ref.queries = grad_draw_span(p, groups, 0, most_queries);
    own->ref.keys = grad_draw_span(p, sequences, 0, most_keys);
    own->ref.align = (heed_align)grad_draw(p, 0, HEED_ALIGN_COUNT - 1);
    own->ref.position = grad_draw(p, 0, 2);
    own->ref.window = grad_draw(p, 0, 3);
    own->ref.key_heads = grad_draw(p, 1, 2);
    own->ref.heads = own->ref.key_heads * grad_draw(p, 1, 4 / own->ref.key_heads);
}

static void draw_distance(problem *p, looked *own)
{
    ref_attend *a = &own->ref;
    const int kinds[] = {HEED_DISTANCE_NONE, HEED_DISTANCE_LINEAR, HEED_DISTANCE_BUCKETS};
    a->distance = kinds[grad_draw(p, 0, 2)];
    a->both = grad_draw(p, 0, 1);
    a->buckets = a->both ? 2 * grad_draw(p, 2, 4) : grad_draw(p, 2, 8);
    if (a->distance == HEED_DISTANCE_BUCKETS) own->weight = given(p, either(p), a->heads, a->buckets, 1);
}

static void point_at_inputs(problem *p, looked *own)
{
    ref_attend *a = &own->ref;
    a->v = p->in[own->v].x, a->dv = p->in[own->v].g;
    if (own->centre >= 0) a->centre = p->in[own->centre].x, a->dcentre = p->in[own->centre].g;
    if (own->weight >= 0) a->weight = p->in[own->weight].x, a->dweight = p->in[own->weight].g;
}

void grad_draw_attend(problem *p, int64_t most_queries, int64_t most_keys, int64_t widest)
{
    looked *own = p->own = grad_room(p, sizeof *own);
    ref_attend *a = &own->ref;
    draw_places(p, own, most_queries, most_keys);
    own->extra = own->shift = own->centre = own->weight = -1;
    own->dot = grad_draw(p, 0, 1);
    own->d = grad_draw(p, 1, widest);
    const int64_t H = a->heads, Nq = a->queries.start[a->queries.B], Nk = a->keys.start[a->keys.B];
    own->q = given(p, BLOCK_INPUT, Nq, H * own->d, 1);
    own->k = given(p, BLOCK_INPUT, Nk, a->key_heads * own->d, 1);
    a->Dv = grad_draw(p, 0, 1) ? own->d : grad_draw(p, 1, widest);
    own->v = a->Dv == own->d && grad_draw(p, 0, 1) ? own->k : given(p, BLOCK_INPUT, Nk, a->key_heads * a->Dv, 1);
    if (!own->dot || grad_draw(p, 0, 1)) own->extra = given(p, either(p), 1, H * (own->dot ? 1 : EXTRAS), 1);
    if (!grad_draw(p, 0, 2)) own->shift = given(p, BLOCK_INPUT, ref_attend_pairs(a), a->key_heads * own->d, 1);
    if (a->align == HEED_ALIGN_local_p) own->centre = given(p, BLOCK_INPUT, Nq, H, 1.5);
    draw_distance(p, own);
    point_at_inputs(p, own);
    own->weights = grad_draw(p, 0, 3) ? UNWANTED : (int)grad_draw(p, WANTED, TRAINED);
    grad_out(p, Nq, H * a->Dv);
    if (own->weights == TRAINED) grad_out(p, ref_attend_pairs(a), H);
}

static void attend_draw(problem *p) { grad_draw_attend(p, 6, 6, 3); }

static void attend_forward(problem *p)
{
    const looked *own = p->own;
    ref_attend_forward(&own->ref, p->out[0].x, own->weights == TRAINED ? p->out[1].x : NULL);
}

static void attend_backward(problem *p)
{
    const looked *own = p->own;
    ref_attend_backward(&own->ref, p->out[0].g, own->weights == TRAINED ? p->out[1].g : NULL);
}

static void odd_pair(const heed_meeting *m, float *s)
{
    for (int64_t j = 0; j < m->n; j++) {
        const float *k = m->k + (m->row ? m->row[j] : j) * m->ld;
        float sum = 0;
        for (int64_t c = 0; c < m->d; c++) sum += m->extra[c % EXTRAS] * m->q[c] * tanhf(k[c]);
        s[j] = m->scale * sum;
    }
}

static void odd_pair_back(const heed_meeting *m, const float *ds, float *dq, float *dk, float *dextra)
{
    for (int64_t j = 0; j < m->n; j++)
        for (int64_t c = 0; c < m->d; c++) {
            const float f = m->scale * ds[j], k = tanhf(m->k[j * m->ld + c]);
            dq[c] += f * (m->extra[c % EXTRAS] * k);
            dextra[c % EXTRAS] += f * (m->q[c] * k);
            dk[j * m->ld + c] += f * (m->extra[c % EXTRAS] * m->q[c] * (1 - k * k));
        }
}

heed_attend_args grad_attend_args(const problem *p, heed_tensor *const *in)
{
    static const heed_pair_score odd = {.forward = odd_pair, .backward = odd_pair_back}, dot = {.known = HEED_ATTENTION_DOT};
    const looked *own = p->own;
    const ref_attend *r = &own->ref;
    return (heed_attend_args){
        .q = in[own->q],
        .k = in[own->k],
        .v = in[own->v],
        .heads = r->heads,
        .key_heads = r->key_heads,
        .extra = own->extra < 0 ? NULL : in[own->extra],
        .queries = r->queries,
        .keys = r->keys,
        .owner = r->owner,
        .position = r->position,
        .align = r->align,
        .window = r->window,
        .score = own->dot ? &dot : &odd,
        .scale = SCALE_HALVES / 2.0F,
        .distance = {.kind = r->distance, .weight = own->weight < 0 ? NULL : in[own->weight], .both = r->both},
        .shift = own->shift < 0 ? NULL : in[own->shift],
        .centre = own->centre < 0 ? NULL : in[own->centre],
        .weights = own->weights != UNWANTED,
    };
}

static void attend_run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out)
{
    const looked *own = p->own;
    const heed_attend_args args = grad_attend_args(p, in);
    const heed_attended x = heed_attend(t, &args);
    out[0] = x.out;
    if (own->weights == TRAINED) out[1] = x.weights;
}

const grad_case case_attend = {"attend", "attend", attend_draw, attend_forward, attend_backward, attend_run, NULL, NULL};
