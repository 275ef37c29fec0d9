/* Decoding: a few queries a sequence on keys that are kept. A unit is a chunk of the keys of one sequence and head, with all queries and heads that look at it,
 * up to four at a time; chunks are cut at multiples of 512 keys and joined in their order, so nothing depends on threads or on what else is in the batch. */
#include <math.h>
#include <omp.h>
#include <string.h>

#include "kernels/attention.h"
#include "kernels/attention_decode.h"
#include "kernels/bf16.h"

enum { LINE = 16, ALIGNED = HEED_ATTENTION_ALIGNED, ALONE = 1 << 17 };   /* floats; bytes; bytes of keys and values below which a second thread costs more than it gives */

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

/* A call. Slots [queries of the batch, H, chunks]: greatest score, sum, then from LINE on what was summed. */
typedef struct call {
    heed_attention_job j;
    const heed_attention_step *step;
    int64_t chunks, slot;            /* of the longest sequence; floats of a slot */
    float *slots;
} call;

static int64_t chunks_of(int64_t keys) { return (keys + HEED_DECODE_CHUNK - 1) / HEED_DECODE_CHUNK; }
static float *slot_of(const call *c, int64_t query, int64_t head, int64_t chunk) { return c->slots + ((query * c->j.H + head) * c->chunks + chunk) * c->slot; }

static int64_t position_of(const call *c, int64_t b, int64_t i)
{
    const heed_attention *a = c->j.a;
    return i + (a->position ? a->position[b] : heed_attention_keys(&c->j, b) - heed_attention_queries(&c->j, b));
}

/* --- a unit --------------------------------------------------------------------------------------------------------------------------------- */

static const int64_t number_bytes[] = {[HEED_F32] = 4, [HEED_BF16] = 2, [HEED_INT8] = 1};

typedef struct place { int64_t b, key_head, chunk; } place;

static heed_decode_rows rows_of(const heed_attention_cache *c, heed_attention_out x, heed_attention_out scale, int64_t width, place p)
{
    const int64_t bytes = number_bytes[c->type];
    const int64_t first = x.sequence ? p.b * x.sequence : 0, first_scale = x.sequence ? p.b * scale.sequence : 0;
    return (heed_decode_rows){.x = (const char *)x.x + (first + p.key_head * x.head) * bytes,
                              .row = x.row * bytes,
                              .scale = c->type == HEED_INT8 ? (const float *)scale.x + first_scale + p.key_head * scale.head : NULL,
                              .scale_row = scale.row,
                              .width = width};
}

/* Which keys of the chunk vector v of the unit sees: queries of the sequence one after the other, the heads that share keys side by side. */
static heed_looking looking_of(const call *c, place p, int64_t v)
{
    const heed_attention *a = c->j.a;
    const int64_t i = v / c->j.shared, head = p.key_head * c->j.shared + v % c->j.shared, from = p.chunk * HEED_DECODE_CHUNK;
    if (a->align == HEED_ALIGN_everything) {
        const int64_t n = least(heed_attention_keys(&c->j, p.b) - from, HEED_DECODE_CHUNK);
        return (heed_looking){.runs = 1, .first = {from}, .count = {n}, .seen = n};
    }
    const float u = a->centre ? a->centre[(a->query_start[p.b] + i) * c->j.H + head] : 0;
    heed_looking all = heed_looking_of(a->align, a->window, position_of(c, p.b, i), heed_attention_keys(&c->j, p.b), u), l = all;
    l.runs = 0, l.seen = 0;
    for (int r = 0; r < all.runs; r++) {
        const int64_t first = most(all.first[r], from), end = least(all.first[r] + all.count[r], from + HEED_DECODE_CHUNK);
        if (end <= first) continue;
        l.first[l.runs] = first;
        l.count[l.runs++] = end - first;
        l.seen += end - first;
    }
    return l;
}

static bool alike(const heed_looking *a, const heed_looking *b)
{
    if (a->runs != b->runs || a->place != b->place) return false;
    for (int r = 0; r < a->runs; r++)
        if (a->first[r] != b->first[r] || a->count[r] != b->count[r]) return false;
    return true;
}

/* A query in floats: where it lies, or in room. */
static const float *take_query(const call *c, float *room, int64_t b, int64_t i, int64_t head)
{
    const heed_attention *a = c->j.a;
    const int64_t at = HEED_ATTENTION_AT(c->step->q, a->query_start, b, head) + i * c->step->q.row;
    if (a->type == HEED_F32) return (const float *)c->step->q.x + at;
#pragma omp simd
    for (int64_t l = 0; l < c->j.d; l++) room[l] = heed_bf16_float(((const uint16_t *)c->step->q.x)[at + l]);
    return room;
}

/* Fills in vector n of the unit. */
static void take_vector(const call *c, heed_decode_unit *u, int n, place p, int64_t v, float *room, float *slot)
{
    const heed_attention *a = c->j.a;
    const int64_t i = v / c->j.shared, head = p.key_head * c->j.shared + v % c->j.shared;
    u->q[n] = take_query(c, room, p.b, i, head);
    u->position[n] = position_of(c, p.b, i);
    u->slope[n] = a->slope ? a->slope[head] : 0;
    u->relative[n] = a->relative ? a->relative + head * (2 * a->reach + 1) : NULL;
    u->additive[n] = a->score == HEED_ATTENTION_ADDITIVE ? a->additive + head * c->j.d : NULL;
    u->times[n] = c->j.scale * (a->factor ? a->factor[head] : 1);
    u->out[n] = slot + LINE;
}

static float *slot_of_vector(const call *c, place p, int64_t v)
{
    const int64_t query = c->j.a->query_start[p.b] + v / c->j.shared, head = p.key_head * c->j.shared + v % c->j.shared;
    return slot_of(c, query, head, p.chunk);
}

/* Vectors v .. of those that see the same keys, at most `left`: 4, 2 or 1. */
static int together(const call *c, place p, int64_t v, int64_t left, const heed_looking *l)
{
    int n = 1;
    for (; n < HEED_DECODE_QUERIES && n < left; n++) {
        if (!c->j.a->centre && (v + n) / c->j.shared == v / c->j.shared) continue;
        const heed_looking other = looking_of(c, p, v + n);
        if (!alike(l, &other)) break;
    }
    return n == 3 ? 2 : n;
}

/* Where the keys of the unit after this one begin. */
static const char *next_of(const call *c, const heed_decode_unit *u, place p)
{
    const heed_attention_cache *cache = c->step->cache;
    if (p.chunk + 1 < c->chunks) return u->k.x + (p.chunk + 1) * HEED_DECODE_CHUNK * u->k.row;
    return p.key_head + 1 < c->j.Hk ? u->k.x + cache->k.head * number_bytes[cache->type] : NULL;
}

static void run_unit(const call *c, place p)
{
    const heed_attention_cache *cache = c->step->cache;
    const heed_attention *a = c->j.a;
    const int64_t vectors = heed_attention_queries(&c->j, p.b) * c->j.shared;
    float room[HEED_DECODE_QUERIES][HEED_DECODE_WIDEST], *slot[HEED_DECODE_QUERIES];
    heed_decode_unit u = {.type = cache->type,
                          .k = rows_of(cache, cache->k, cache->k_scale, c->j.d, p),
                          .v = rows_of(cache, cache->v, cache->v_scale, c->j.dv, p),
                          .at = c->step->row ? c->step->row + a->key_start[p.b] : NULL,
                          .half = a->type == HEED_BF16,
                          .group = !a->centre && c->j.shared % HEED_DECODE_QUERIES == 0,
                          .cap = a->cap,
                          .reach = a->reach};
    if (!u.at && !cache->k.sequence) {
        u.k.x += a->key_start[p.b] * u.k.row, u.v.x += a->key_start[p.b] * u.v.row;
        if (u.k.scale) u.k.scale += a->key_start[p.b] * u.k.scale_row, u.v.scale += a->key_start[p.b] * u.v.scale_row;
    }
    if (!u.at) u.next = next_of(c, &u, p);
    for (int64_t v = 0; v < vectors; v += u.n) {
        const heed_looking l = looking_of(c, p, v);
        u.n = together(c, p, v, vectors - v, &l);
        u.runs = l.runs;
        for (int r = 0; r < l.runs; r++) u.first[r] = l.first[r], u.count[r] = l.count[r];
        for (int n = 0; n < u.n; n++) {
            slot[n] = slot_of_vector(c, p, v + n);
            take_vector(c, &u, n, p, v + n, room[n], slot[n]);
            u.place[n] = l.place;
        }
        u.spread = heed_align_has_centre(a->align) ? l.width : 0;
        if (l.seen) c->j.kernels->attention_decode(&u);
        for (int n = 0; n < u.n; n++) {
            slot[n][0] = l.seen ? u.most[n] : -INFINITY;
            slot[n][1] = l.seen ? u.sum[n] : 0;
        }
    }
}

/* --- joining -------------------------------------------------------------------------------------------------------------------------------- */

/* by x [dv] becomes out. */
static void write_out(const call *c, int64_t b, int64_t i, int64_t head, const float *x, float by)
{
    const int64_t at = HEED_ATTENTION_AT(c->step->out, c->j.a->query_start, b, head) + i * c->step->out.row;
    float room[HEED_DECODE_WIDEST], *to = c->j.a->type == HEED_F32 ? (float *)c->step->out.x + at : room;
    if (by != 0) c->j.kernels->scale(to, by, x, c->j.dv);
    else memset(to, 0, (size_t)c->j.dv * sizeof *to);
    if (to == room) c->j.kernels->to_bf16((uint16_t *)c->step->out.x + at, room, c->j.dv);
}

/* The sum of what more than one chunk gave, in the first that gave something; the others count by e^(most - greatest). Returns where it stands. */
static float *join_chunks(const call *c, float *slot, int64_t chunks, float greatest)
{
    float *to = NULL;
    for (int64_t n = 0; n < chunks; n++, slot += c->slot) {
        if (slot[1] == 0) continue;
        const float by = slot[0] == greatest ? 1 : expf(slot[0] - greatest);
        if (to) to[1] += by * slot[1], c->j.kernels->axpy(to + LINE, by, slot + LINE, c->j.dv);
        else to = slot, to[1] *= by, c->j.kernels->scale(to + LINE, by, to + LINE, c->j.dv);
    }
    return to;
}

/* What the chunks gave for one head of a query becomes one. */
static void join(const call *c, int64_t b, int64_t i, int64_t head)
{
    const int64_t query = c->j.a->query_start[b] + i, chunks = chunks_of(heed_attention_keys(&c->j, b));
    float *slot = c->slots ? slot_of(c, query, head, 0) : NULL, greatest = -INFINITY;
    for (int64_t n = 0; n < chunks; n++) greatest = slot[n * c->slot] > greatest ? slot[n * c->slot] : greatest;
    if (chunks != 1) slot = join_chunks(c, slot, chunks, greatest);
    const float sum = slot ? slot[1] : 0;
    write_out(c, b, i, head, sum != 0 ? slot + LINE : NULL, sum != 0 ? 1 / sum : 0);
    if (c->step->saved) c->step->saved[query * c->j.H + head] = sum == 0 ? -INFINITY : greatest == -INFINITY ? sum : greatest + logf(sum);
}

/* --- the door ------------------------------------------------------------------------------------------------------------------------------- */

static size_t bytes_of(const heed_attention_job *j)
{
    const size_t slot = (size_t)(LINE + (j->dv + LINE - 1) / LINE * LINE) * sizeof(float);
    return ALIGNED + (size_t)j->queries * (size_t)j->H * (size_t)chunks_of(j->most_keys) * slot;
}

/* Settings as they are checked for a forward, which has no bf16. */
static heed_attention checked(const heed_attention *a)
{
    heed_attention is = *a;
    is.type = HEED_F32;
    return is;
}

size_t heed_attention_decode_bytes(const heed_attention *a)
{
    const heed_attention is = checked(a);
    heed_attention_job j;
    return heed_attention_job_of(&j, heed_kernels_get(), &is, NULL, NULL) ? 0 : bytes_of(&j);
}

static heed_status settings_fit(const heed_attention *a, const heed_attention_job *j, const heed_attention_cache *c, heed_error *err)
{
    if (a->type > HEED_BF16) return heed_fail(err, HEED_E_SHAPE, "attention: queries are f32 or bf16");
    if (j->weighing != HEED_WEIGHING_softmax) return heed_fail(err, HEED_E_SHAPE, "attention: decoding has the alignments of a softmax alone; use heed_attention_forward()");
    if (a->score == HEED_ATTENTION_COSINE || a->rotary > 0)
        return heed_fail(err, HEED_E_SHAPE, "attention: to decode, turn (rotary) or normalise (cosine) queries and keys before they are kept, and set HEED_ATTENTION_DOT");
    if (a->dropout > 0) return heed_fail(err, HEED_E_SHAPE, "attention: decoding has no dropout");
    if (c->key_heads != j->Hk || c->width != j->d || (c->value_width ? c->value_width : c->width) != j->dv)
        return heed_fail(err, HEED_E_SHAPE, "attention: a cache of %lld heads, widths %lld and %lld; the settings say %lld, %lld and %lld", (long long)c->key_heads,
                         (long long)c->width, (long long)(c->value_width ? c->value_width : c->width), (long long)j->Hk, (long long)j->d, (long long)j->dv);
    return HEED_OK;
}

static heed_status rows_fit(const heed_attention_job *j, const heed_attention_step *step, heed_error *err)
{
    const int64_t *row = step->row, rows = step->cache->rows, need = step->cache->k.sequence ? j->most_keys : j->keys;
    if (!row) return need <= rows ? HEED_OK : heed_fail(err, HEED_E_SHAPE, "attention: %lld keys in a cache of %lld rows", (long long)need, (long long)rows);
    bool outside = false;
    for (int64_t i = j->a->sequences ? j->a->key_start[0] : 0; i < j->keys; i++) outside |= (uint64_t)row[i] >= (uint64_t)rows;
    return outside ? heed_fail(err, HEED_E_SHAPE, "attention: a key lies in a row outside the cache of %lld", (long long)rows) : HEED_OK;
}

static void join_one(const call *c, int64_t i)
{
    const int64_t b = i / (c->j.most_queries * c->j.H), row = i / c->j.H % c->j.most_queries;
    if (row < heed_attention_queries(&c->j, b)) join(c, b, row, i % c->j.H);
}

/* Where no sequence has more than one chunk, what a unit gave is joined by who has it in its cache. */
static void run_one(const call *c, int64_t i)
{
    const place p = {i / (c->chunks * c->j.Hk), i / c->chunks % c->j.Hk, i % c->chunks};
    if (p.chunk < chunks_of(heed_attention_keys(&c->j, p.b))) run_unit(c, p);
    for (int64_t row = 0; c->chunks == 1 && row < heed_attention_queries(&c->j, p.b); row++)
        for (int64_t h = 0; h < c->j.shared; h++) join(c, p.b, row, p.key_head * c->j.shared + h);
}

static void run_alone(const call *c, int64_t units, int64_t rows)
{
    for (int64_t i = 0; i < units; i++) run_one(c, i);
    for (int64_t i = 0; c->chunks != 1 && i < rows; i++) join_one(c, i);
}

/* Units of a thread, the same ones in every call of a shape, so that their keys stay in its own caches; who has done its share helps the others. */
typedef struct share { int64_t next, end; char rest[48]; } share;

enum { SHARES = 64 };

static void run_share(const call *c, share *s)
{
    for (;;) {
        int64_t i;
#pragma omp atomic capture
        i = s->next++;
        if (i >= s->end) return;
        run_one(c, i);
    }
}

static void run(const call *c)
{
    const heed_attention *a = c->j.a;
    const int threads = (int)least(c->j.threads, SHARES);
    const int64_t units = a->sequences * c->j.Hk * c->chunks, rows = a->sequences * c->j.most_queries * c->j.H;
    if (threads == 1 || c->j.keys * c->j.Hk * (c->j.d + c->j.dv) < ALONE) {
        run_alone(c, units, rows);
        return;
    }
    share shares[SHARES] __attribute__((aligned(64)));
    for (int t = 0; t < threads; t++) shares[t] = (share){.next = units * t / threads, .end = units * (t + 1) / threads};
#pragma omp parallel num_threads(threads)
    {
        for (int t = 0; t < threads; t++) run_share(c, &shares[(omp_get_thread_num() + t) % threads]);
        if (c->chunks != 1) {
#pragma omp barrier
#pragma omp for schedule(static) nowait
            for (int64_t i = 0; i < rows; i++) join_one(c, i);
        }
    }
}

heed_status heed_attention_decode_by(const heed_kernels *kernels, const heed_attention *a, const heed_attention_step *step, void *scratch, size_t bytes, heed_error *err)
{
    const heed_attention is = checked(a);
    call c = {.step = step};
    heed_status status = heed_attention_cache_fits(step->cache, err);
    if (!status) status = heed_attention_job_of(&c.j, kernels, &is, NULL, err);
    if (!status) status = settings_fit(a, &c.j, step->cache, err);
    if (!status) status = rows_fit(&c.j, step, err);
    if (!status) status = heed_attention_in_fits(&c.j, "q", step->q, c.j.queries, err);
    if (!status) status = heed_attention_out_fits(&c.j, "out", step->out, a->query_start, c.j.most_queries, c.j.H, c.j.dv, err);
    if (status) return status;
    if (bytes < bytes_of(&c.j) || !scratch) return heed_fail(err, HEED_E_SHAPE, "attention: %zu bytes of scratch, decoding needs %zu", scratch ? bytes : 0, bytes_of(&c.j));
    c.j.a = a;
    c.chunks = chunks_of(c.j.most_keys);
    c.slot = LINE + (c.j.dv + LINE - 1) / LINE * LINE;
    c.slots = (float *)(void *)heed_attention_aligned(scratch);
    run(&c);
    return HEED_OK;
}

heed_status heed_attention_decode(const heed_attention *a, const heed_attention_step *step, void *scratch, size_t bytes, heed_error *err)
{
    return heed_attention_decode_by(heed_kernels_get(), a, step, scratch, bytes, err);
}
