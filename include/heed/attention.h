/* heed/attention.h: attention over raw pointers and strides, for engines of one's own: no tape, no model, no allocation.
 *
 *   s_ij = score(q_i, k_j) + terms of the distance,   w_i = align(s_i),   out_i = sum_j w_ij v_j           (docs/attention.md has the family)
 *
 * Forward keeps one float a query and head (the log-sum-exp of its scores; the threshold of sparsemax and entmax); backward and the weights of any query are
 * computed from it afterwards, so asking for weights changes no other number. docs/kernels.md tells how, and how near to the machine's limit.
 *
 * Rules of every function here:
 *   - memory: the caller's alone; a call needs scratch, whose size heed_attention_plan_of() tells; none of it must be cleared or kept between calls;
 *   - errors: what does not fit (a width, a stride under which rows of a result overlap, spans that go backwards, scratch too small) is HEED_E_SHAPE with words,
 *     before anything is written. Values are never an error: NaN and infinities stay in the sequence and head that they are in;
 *   - a query that may see no key gives zeros, a saved -inf, and passes no gradient;
 *   - threads: a call fans out to `threads` of OpenMP's; any number of calls may run at once, with scratch of their own;
 *   - bits: a sequence's results are the same for any number of threads, whatever stands beside it in the batch, and wherever its rows lie. They may differ
 *     between instruction sets. */
#ifndef HEED_ATTENTION_H
#define HEED_ATTENTION_H

#include "heed/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- what is computed ------------------------------------------------------------------------------------------------------------------- */

typedef enum heed_sight {            /* which keys a query at position i may see; w: window */
    HEED_SIGHT_everything,
    HEED_SIGHT_causal,               /* j <= i */
    HEED_SIGHT_window,               /* i-w <= j <= i+w */
    HEED_SIGHT_causal_window,        /* i-w <= j <= i */
    HEED_SIGHT_centre,               /* p-w <= j <= p+w around a place p that the query predicts; weights are then multiplied by exp(-(j-p)^2 / (2 (w/2)^2)) */
    HEED_SIGHT_blocks                /* in blocks of w keys: the first block, the query's own and those beside it */
} heed_sight;

typedef enum heed_weighing { HEED_WEIGHING_softmax, HEED_WEIGHING_sparsemax, HEED_WEIGHING_entmax, HEED_WEIGHING_hard } heed_weighing;   /* scores to weights */

typedef enum heed_align {
#define HEED_ALIGN(name, sight, normal, meaning, paper) HEED_ALIGN_##name,
#include "heed/aligns.def"
#undef HEED_ALIGN
    HEED_ALIGN_COUNT
} heed_align;

typedef enum heed_attention_score {
    HEED_ATTENTION_DOT,              /* scale factor q.k; general (q^T W k) is this with q W for q */
    HEED_ATTENTION_COSINE,           /* scale factor q.k / (|q| |k|); 0 where one of them is 0 */
    HEED_ATTENTION_ADDITIVE          /* scale factor v.tanh(q + k), v: `additive` */
} heed_attention_score;

/* One head of one query against n keys of width d. */
typedef struct heed_meeting {
    const float *q;                  /* [d] */
    const float *k;                  /* row j lies at k + (row ? row[j] : j) * ld; NULL: the score is blind */
    const int64_t *row;
    int64_t n, d, ld;
    int64_t first;                   /* number of key 0 in its sequence */
    const float *extra;              /* the score's own weights of this head, or NULL */
    float scale;
} heed_meeting;

/* A score of one's own: how they meet. It adds nothing outside what it is given. */
typedef struct heed_pair_score {
    void (*forward)(const heed_meeting *m, float *s);      /* s[j] = score(q, key j), [n] */
    /* Given ds [n]: dq += , dk += (rows as k's, ld apart), dextra += (NULL with extra). */
    void (*backward)(const heed_meeting *m, const float *ds, float *dq, float *dk, float *dextra);
    bool blind;                      /* looks at no key: k may have any width */
    heed_attention_score known;      /* where forward is NULL: one of those, for heed_attend_args.score */
} heed_pair_score;

/* The kind of attention, and the shape of a batch. Zero means: none, or the default that is named. Arrays stay the caller's. */
typedef struct heed_attention {
    heed_number type;                /* of q, k, v, out and their gradients; all sums are f32, as are all other arrays. HEED_BF16 rounds what rotary turns, weights
                                      * and gradients of scores to it before they are multiplied, where the machine multiplies bf16 */
    heed_attention_score score;
    heed_align align;
    int64_t window;                  /* of the alignments that have one */
    int64_t heads, key_heads;        /* H; Hk, which divides H (0: H): query head h meets key head h / (H/Hk) */
    int64_t width, value_width;      /* d; dv (0: d); each 1 .. 1024 */
    int64_t sequences;               /* B */
    const int64_t *query_start;      /* [B+1] sequence b has rows query_start[b] .. query_start[b+1]-1 of q; never falling */
    const int64_t *key_start;        /* [B+1] likewise, of k and v */
    const int64_t *position;         /* [B] of a sequence's first query among its keys, for sight and distance; NULL: 0 */
    float scale;                     /* 0: 1/sqrt(d); HEED_ATTENTION_COSINE and _ADDITIVE: 1 */
    const float *factor;             /* [H] NULL: 1 (cosine's learned temperature) */
    const float *additive;           /* [H,d] */
    const heed_pair_score *pair;     /* in the place of `score`, NULL: not; its keys and queries are neither turned nor made of length 1 */
    const float *extra;              /* [H, extras] what it has of weights of its own; NULL: nothing */
    int64_t extras;
    float cap;                       /* s becomes cap tanh(s / cap) before the distance's terms; 0: no cap */
    const float *slope;              /* [H] - slope |i-j| is added to s (ALiBi: Press et al. 2022); NULL: nothing */
    const float *relative;           /* [H, 2 reach + 1] relative[h][min(max(j-i, -reach), reach) + reach] is added to s; NULL: nothing */
    int64_t reach;
    float rotary;                    /* base of the angles by which pairs (x_i, x_(i+d/2)) of q and k are turned (Su et al. 2021, 10000); d even; 0: not turned */
    const float *centre;             /* [Nq,H] u, for HEED_SIGHT_centre: the query looks around p = n sigmoid(u) of its n keys */
    float dropout;                   /* of weights, after they were normalised; 0 <= p < 1 */
    uint64_t seed;                   /* what is dropped is a function of (seed, record[b], h, i, j) alone */
    const uint64_t *record;          /* [B], with dropout */
    int threads;                     /* 0: as many as OpenMP has */
} heed_attention;

/* --- where it lies ---------------------------------------------------------------------------------------------------------------------- */

/* Row i of head h: its values lie side by side from x + i row + h head, counted in values. With `sequence` 0 rows are numbered through the batch by the spans;
 * else sequence b has its own, from x + b sequence on. So [N, H d] is {x, 0, H d, d}; [B,H,T,d] is {x, H T d, d, T d}; [B,T,H,d] is {x, T H d, H d, d}. */
typedef struct heed_attention_in { const void *x; int64_t sequence, row, head; } heed_attention_in;
typedef struct heed_attention_out { void *x; int64_t sequence, row, head; } heed_attention_out;

typedef struct heed_attention_data {
    heed_attention_in q, k, v;       /* rows of width d, d and dv */
    heed_attention_out out;          /* of width dv */
    float *saved;                    /* [Nq,H] side by side; NULL: not wanted (no backward, no weights) */
} heed_attention_data;

typedef struct heed_attention_gradients {
    heed_attention_in out;           /* what came to out, of its type */
    heed_attention_out q, k, v;      /* x NULL: not wanted */
    bool add;                        /* to what stands in q, k and v; else it is overwritten */
    float *factor, *additive, *extra, *relative, *centre;      /* always added to; NULL: not wanted */
} heed_attention_gradients;

/* --- calls ------------------------------------------------------------------------------------------------------------------------------ */

/* How a call will go. */
typedef struct heed_attention_plan {
    const char *kernel;              /* "avx512 f32 tiles", "neon rows"; static text */
    const char *slow;                /* NULL, or why the settings have no fast form and go row by row; static text */
    int64_t queries, keys;           /* of a tile */
    size_t forward, backward;        /* bytes of scratch; the lifetime of a call */
    double forward_flop, backward_flop;      /* that the mathematics asks for, over pairs that are seen; a multiply-add counts as two */
} heed_attention_plan;
/* Cost: one pass over the spans. Errors: HEED_E_SHAPE. */
HEED_API heed_status heed_attention_plan_of(const heed_attention *a, heed_attention_plan *plan, heed_error *err);

/* Cost: 2 (d + dv) multiply-adds a pair that is seen. */
HEED_API heed_status heed_attention_forward(const heed_attention *a, const heed_attention_data *data, void *scratch, size_t bytes, heed_error *err);

/* After a forward on the same settings and data, out and saved among them. Cost: 2.5 times that of the forward. */
HEED_API heed_status heed_attention_backward(const heed_attention *a, const heed_attention_data *data, const heed_attention_gradients *to, void *scratch,
                                             size_t bytes, heed_error *err);

/* The weights of queries first .. first+n-1 of a sequence under one head, [n, keys of the sequence], 0 where a query does not see; after a forward, from q, k and
 * saved. scores (NULL: not wanted): likewise, -inf where it does not see. Dropout is left out. */
HEED_API heed_status heed_attention_weights(const heed_attention *a, const heed_attention_data *data, int64_t sequence, int64_t head, int64_t first, int64_t n,
                                            float *weights, float *scores, void *scratch, size_t bytes, heed_error *err);

/* --- decoding: one to 16 queries a sequence, on keys and values that are kept ----------------------------------------------------------------- */

/* Keys and values that stay while queries come: a row a token, with all heads of the token in it. Memory is the caller's, and so may be its order: fill in k and
 * v (int8: and the scales) for rows that lie where they lie, or let heed_attention_cache_lay() do it for a block of its own, in the order that is read fastest. */
typedef struct heed_attention_cache {
    heed_number type;
    int64_t key_heads, width, value_width;     /* Hk, d, dv (0: d) */
    int64_t rows;                    /* that there is room for; of each sequence where k.sequence is not 0 */
    heed_attention_out k, v;         /* of that type; strides in values */
    heed_attention_out k_scale, v_scale;       /* HEED_INT8: floats, one a row and head; strides in floats */
} heed_attention_cache;

/* Bytes of a block for rows of this type, heads and widths; 0: they do not fit. */
HEED_API size_t heed_attention_cache_bytes(const heed_attention_cache *c);
/* Fills in k, v and the scales: head by head, rows side by side. memory: heed_attention_cache_bytes(), best aligned to 64; need not be cleared. */
HEED_API void heed_attention_cache_lay(heed_attention_cache *c, void *memory);
/* Keeps n tokens more: token i, row i of head h of k and v, becomes row[i] of the cache (of sequence i, where the cache has sequences). f32 and bf16 are rounded
 * to even; int8 gets the scale with which the greatest of a row of a head becomes 127. type: of k and v, f32 or bf16. Rows are written once, and nothing else is
 * moved. Errors: HEED_E_SHAPE, before anything is written. */
HEED_API heed_status heed_attention_cache_append(const heed_attention_cache *c, int64_t n, const int64_t *row, heed_number type, heed_attention_in k,
                                                 heed_attention_in v, heed_error *err);

typedef struct heed_attention_step {
    const heed_attention_cache *cache;
    const int64_t *row;              /* the row of the cache where each key lies: key j of sequence b at row[key_start[b] + j]. NULL: at key_start[b] + j, or at
                                      * j of sequence b where the cache has sequences. Hypotheses of a search share their beginnings: each is a path of row
                                      * numbers, and choosing among them copies paths, never keys */
    heed_attention_in q;             /* of a->type, like out */
    heed_attention_out out;
    float *saved;                    /* [Nq,H] log-sum-exp of the scores; NULL: not wanted */
} heed_attention_step;

/* Queries of a->query_start on the keys that a->key_start counts; a->position [B] is that of a sequence's first query among its keys, NULL: the last queries, at
 * the end of the keys. For softmax alignments without dropout; with `rotary` or HEED_ATTENTION_COSINE set, q and the keys that are kept are turned, or made of
 * length 1, before they come here, and the score is HEED_ATTENTION_DOT. Heads that share a head of keys, and the queries of a sequence, read them once. A query's
 * bits are the same alone and beside others. Against int8 keys q has 16 bits, in steps of its greatest value / 32639. Where the processor multiplies pairs of bf16,
 * bf16 queries on bf16 keys have their weights rounded to bf16 (relative to the greatest of 512 keys); f32 queries have weights in f32.
 * Cost: one reading of the keys that are seen, which is what the time goes to.
 * Errors: HEED_E_SHAPE, also for a row number outside the cache and for settings that have no form here. */
HEED_API heed_status heed_attention_decode(const heed_attention *a, const heed_attention_step *step, void *scratch, size_t bytes, heed_error *err);
HEED_API size_t heed_attention_decode_bytes(const heed_attention *a);      /* of scratch; grows with keys / 512 */

/* Two results for the same queries over different keys become one: out [n,d] and saved [n] take in more and more_saved, under softmax. f32. */
HEED_API void heed_attention_join(float *out, float *saved, const float *more, const float *more_saved, int64_t n, int64_t d);

#ifdef __cplusplus
}
#endif
#endif
