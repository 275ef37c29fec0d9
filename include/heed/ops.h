/* heed/ops.h: what a tape can compute. Every function here records one node while the tape records, is differentiable in the tensors it
 * names, and follows the rules of heed/tensor.h: results live in the tape's arena until heed_tape_reset(); a failure (HEED_E_SHAPE when
 * tensors do not fit, HEED_E_NOMEM at the arena's limit) is sticky and the poison tensor comes back.
 *
 * Letters: N rows, D columns, H width of a state, B sequences, V vocabulary. */
#ifndef HEED_OPS_H
#define HEED_OPS_H

#include "heed/attention.h"
#include "heed/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- arithmetic; cost: one pass ---------------------------------------------------------------------------------------------------- */
HEED_API heed_tensor *heed_add(heed_tape *t, heed_tensor *a, heed_tensor *b);             /* a + b, equal shapes */
HEED_API heed_tensor *heed_tanh(heed_tape *t, heed_tensor *x);
HEED_API heed_tensor *heed_unit_rows(heed_tape *t, heed_tensor *x, int64_t heads);        /* each head of each row by its length; zeros stay zeros */
/* Zeroes elements with probability p and scales the others by 1/(1-p), while the tape trains; else returns x itself. The mask is a function of
 * (seed of the tape, keys[row], site, column) alone: it does not depend on the batch. keys [N] stays the caller's until the tape is reset. */
HEED_API heed_tensor *heed_dropout(heed_tape *t, heed_tensor *x, const uint64_t *keys, uint64_t site, double p);

/* base + dropout(x), in one pass: the residual connection. Arguments as for heed_dropout. */
HEED_API heed_tensor *heed_residual(heed_tape *t, heed_tensor *base, heed_tensor *x, const uint64_t *keys, uint64_t site, double p);
typedef enum heed_activation { HEED_RELU, HEED_GELU } heed_activation;                    /* GELU: x Phi(x), exact (Hendrycks and Gimpel 2016) */
HEED_API heed_tensor *heed_activate(heed_tape *t, heed_tensor *x, heed_activation kind);
/* Gated linear unit: x [N,2D] = [a; b] gives a sigmoid(b) [N,D]     (Dauphin et al. 2017) */
HEED_API heed_tensor *heed_glu(heed_tape *t, heed_tensor *x);
HEED_API heed_tensor *heed_scale(heed_tape *t, heed_tensor *x, float factor);
/* Layer normalisation: gain (x - mean) / sqrt(variance + 1e-5) + bias by rows; gain, bias [1,D]     (Ba et al. 2016) */
HEED_API heed_tensor *heed_norm(heed_tape *t, heed_tensor *x, heed_tensor *gain, heed_tensor *bias);
/* norm(residual(base, x, ..)) as one node, which reads and writes less. */
HEED_API heed_tensor *heed_residual_norm(heed_tape *t, heed_tensor *base, heed_tensor *x, const uint64_t *keys, uint64_t site, double p, heed_tensor *gain,
                                         heed_tensor *bias);
/* scale x + sinusoids of each row's position in its sequence: sin, then cos of position / 10000^(i/(D/2-1)), i < D/2; D even     (Vaswani et al. 2017, 3.5) */
HEED_API heed_tensor *heed_sinusoid(heed_tape *t, heed_tensor *x, float scale, heed_span span, int64_t position);

/* --- products; weight [Dout,Din] and bias [1,Dout] must be weights of a heed_params; cost: 2 N Din Dout ---------------------------- */
HEED_API heed_tensor *heed_linear(heed_tape *t, heed_tensor *x, heed_tensor *weight, heed_tensor *bias);      /* x W^T + b; bias may be NULL */
/* Of each row of heed_linear() the k greatest and the sum of exponentials, without the row. Not recorded. */
HEED_API heed_ranked heed_linear_rank(heed_tape *t, heed_tensor *x, heed_tensor *weight, heed_tensor *bias, int64_t k);
/* The first of these alone, [N]; 0 for a row of NaN; NULL: the tape has failed. Mostly a fraction of the product's cost, where a weight is a table that is only read. */
HEED_API const int32_t *heed_linear_arg_max(heed_tape *t, heed_tensor *x, heed_tensor *weight, heed_tensor *bias);
HEED_API heed_tensor *heed_linear_add(heed_tape *t, heed_tensor *base, heed_tensor *x, heed_tensor *weight);  /* base + x W^T */

/* --- rows -------------------------------------------------------------------------------------------------------------------------- */
HEED_API heed_tensor *heed_embed(heed_tape *t, heed_tensor *weight, const int32_t *ids, int64_t n);           /* rows of weight [V,D]; ids copied */
HEED_API heed_tensor *heed_rows(heed_tape *t, heed_tensor *x, int64_t first, int64_t n);                      /* a view: no copy, no node */
HEED_API heed_tensor *heed_concat(heed_tape *t, heed_tensor *const *parts, int count);                        /* side by side: columns add up */
HEED_API heed_tensor *heed_stack(heed_tape *t, heed_tensor *const *parts, int64_t count);                     /* one above the other */
HEED_API heed_tensor *heed_gather(heed_tape *t, heed_tensor *x, const int64_t *index, int64_t n);             /* rows of x, repeats allowed; index copied */

HEED_API heed_tensor *heed_mean(heed_tape *t, heed_tensor *x, heed_span span);                                /* [N,D] -> [B,D]; no rows: zeros */
/* The neighbourhood of every row side by side: row i of a sequence gives rows i-left .. i-left+width-1, zeros beyond its ends. [N,D] -> [N, width D]; a
 * convolution is a linear layer over it. */
HEED_API heed_tensor *heed_unfold(heed_tape *t, heed_tensor *x, heed_span span, int64_t width, int64_t left);

/* --- recurrent cells; gate order as PyTorch writes it: GRU r z n, LSTM i f g o ------------------------------------------------------- */
typedef enum heed_cell_kind { HEED_GRU, HEED_LSTM } heed_cell_kind;

/* HEED_GRU: h' = (1-z) n + z h,  n = tanh(gx_n + r gh_n),  r, z = sigmoid(gx + gh)     (Cho et al. 2014; r inside, as cuDNN and PyTorch)
 * HEED_LSTM: c' = f c + i g,  h' = o tanh(c')                                          (Hochreiter and Schmidhuber 1997, with forget gates)
 * gx: gates of what comes in, gh: of the state before. */
typedef struct heed_lstm_state { heed_tensor *h, *c; } heed_lstm_state;      /* [n,H]; c: LSTM alone */

/* A whole layer over ragged sequences, from zero states. gates = x Wx^T + bx [N, 3H or 4H] of all N rows; hidden [3H or 4H, H], bias of the
 * hidden product or NULL. reverse: from each sequence's end to its beginning. Returns h [N,H]; c [N,H] for LSTM, else NULL.
 * Sequences are taken longest first and rows alive gathered at each step: no padding. Cost: N products of one row, batched over sequences. */
HEED_API heed_lstm_state heed_rnn(heed_tape *t, heed_cell_kind cell, heed_tensor *gates, heed_tensor *hidden, heed_tensor *bias, heed_span span,
                                  bool reverse);

/* One step of such a layer from given states, its products included: gates + x weight^T (x NULL: gates alone), h hidden^T + bias (bias may be NULL), then the
 * cell. The gates [n, 3H or 4H] must be read by this op alone: their gradient is set, not added to. */
typedef struct heed_step_args {
    heed_cell_kind cell;
    heed_tensor *gates;
    heed_lstm_state before;         /* [n,H]; c: LSTM alone */
    heed_tensor *hidden, *bias;     /* [3H or 4H, H], [1, 3H or 4H] */
    heed_tensor *x, *weight;        /* [n,D], [3H or 4H, D] */
} heed_step_args;
HEED_API heed_lstm_state heed_rnn_step(heed_tape *t, const heed_step_args *args);     /* c stays NULL for GRU */

/* --- attention ------------------------------------------------------------------------------------------------------------------------ */
/* A term of the score that knows only how far key j is from the query at i. */
typedef struct heed_distance {
    enum { HEED_DISTANCE_NONE, HEED_DISTANCE_LINEAR, HEED_DISTANCE_BUCKETS } kind;
                                    /* LINEAR: -2^(-8 (h+1)/H) |i-j| (ALiBi: Press et al. 2022)
                                       BUCKETS: weight[h][bucket(j-i)] (T5: Raffel et al. 2020, section 2.1): half the buckets for one distance each, the rest
                                       growing up to 128; both: half of them for keys ahead, else those share bucket 0 */
    heed_tensor *weight;            /* BUCKETS: [H, buckets] */
    bool both;
} heed_distance;

typedef struct heed_attend_args {
    heed_tensor *q;                 /* [Nq, H d] H heads side by side */
    heed_tensor *k, *v;             /* [Nk, Hk d], [Nk, Hk dv]; query head h meets key head h / (H/Hk) */
    int64_t heads, key_heads;       /* H, 0: 1; Hk, 0: H; Hk divides H */
    heed_tensor *extra;             /* [1, H e] the score's own weights, or NULL; of a dot product e = 1, a factor; of an additive score its vector, e = d */
    heed_span queries, keys;        /* groups of queries, sequences of keys */
    const int64_t *owner;           /* [queries.B] the sequence of keys that each group looks at; NULL: its own number */
    const int64_t *key_row;         /* [keys.start[keys.B]] the row of k and v where each key lies; NULL: as they lie. Not while the tape records */
    int64_t position;               /* of each group's first query in its own sequence */
    heed_align align;
    int64_t window;
    const heed_pair_score *score;   /* a score of one's own, or {.known = HEED_ATTENTION_DOT}, {.known = HEED_ATTENTION_ADDITIVE} */
    float scale;
    heed_distance distance;
    heed_tensor *shift;             /* [P, Hk d] added to the key of each pair before it is scored, or NULL; pairs: below */
    heed_tensor *centre;            /* [Nq, H] u, for HEED_SIGHT_centre: the query looks around p = n sigmoid(u) of its n keys */
    bool weights;                   /* the weights are wanted as a result that passes gradients */
} heed_attend_args;

/* What a later question needs; lives with the tape. Pairs: all keys of its sequence for each query in turn, seen or not: query i has its pairs after those
 * of the queries before it. P: their number. */
typedef struct heed_attended {
    heed_tensor *out;               /* [Nq, H dv] the sum over visible keys of weight times value */
    heed_tensor *weights;           /* [P, H] when asked for, 0 for keys unseen; else NULL */
    float *saved;                   /* [Nq, H] log-sum-exp of the scores, or the threshold of sparsemax and entmax; -inf: the query saw no key */
    const float *distances;         /* LINEAR: [H] slopes; BUCKETS: [H, 2 reach + 1] terms of keys so far ahead; as heed/attention.h has them */
    int64_t reach;
    heed_attend_args args;
} heed_attended;

/* What a group gets depends on its own queries and keys alone, to the bit; a query that looks with others may be rounded otherwise than one that looks alone.
 * A query that may see no key gives zeros and passes no gradient, never NaN. Differentiable in q, k, v, extra, shift, centre and distance.weight; `hard`
 * passes gradients to values only. Memory: one float a query and head beyond the results; weights are recomputed from it by heed_attend_weights(). */
HEED_API heed_attended heed_attend(heed_tape *t, const heed_attend_args *args);
/* Weights (and scores, if not NULL) of one head of one query over all n keys of its sequence, unseen ones 0 (-inf); returns n. group: which group of
 * queries; row: in q. Threads: any number at once once the tape rests. */
HEED_API int64_t heed_attend_weights(const heed_attended *a, int64_t group, int64_t row, int64_t head, float *weights, float *scores);
/* The third step alone, with weights [P,H] from elsewhere: of *a, v, heads, key_heads, queries, keys, owner and key_row are read. [Nq, H dv]; differentiable in
 * weights and v. owner, key_row and the spans stay the caller's until the tape is reset. */
HEED_API heed_tensor *heed_context(heed_tape *t, heed_tensor *weights, const heed_attend_args *a);
/* keep x + given, number by number, keep and given (NULL: zeros) of x's size; keep stays the caller's until the tape is reset. */
HEED_API heed_tensor *heed_blend(heed_tape *t, heed_tensor *x, const float *keep, const float *given);
/* Turns the pairs (x_i, x_(i+d/2)) of each head by angles position / 10000^(2i/d), so that dot products depend on distances (Su et al. 2021). x [N, H d], d
 * even; row r of sequence b stands at position + r - start[b]. */
HEED_API heed_tensor *heed_rotate(heed_tape *t, heed_tensor *x, int64_t heads, heed_span span, int64_t position);

/* --- loss ------------------------------------------------------------------------------------------------------------------------------ */
typedef struct heed_loss_counts {
    double log_p;                    /* sum of log p[target] */
    int64_t hits, symbols;           /* arg max was right; rows */
    double guide;                    /* heed_guide_loss' sum, where there is one beside */
    int64_t guided;                  /* and its rows that have keys */
} heed_loss_counts;

/* Logits x W^T + b and their loss: the sum over rows of w * -((1-s) log p[target] + s/V sum log p), as [1,1]     (Szegedy et al. 2016, section 7).
 * weight [V,D] and bias [1,V] must be weights of a heed_params. Logits are made, turned into their gradient and used in blocks of rows: none of [N,V] exists
 * that is larger than the weight. targets [N] are read at once; w: of every row, 1/N for a mean; counts may be NULL. Cost: 2 N D V, and twice that again
 * while recording. */
HEED_API heed_tensor *heed_output_loss(heed_tape *t, heed_tensor *x, heed_tensor *weight, heed_tensor *bias, const int32_t *targets, double smoothing, double w,
                                       heed_loss_counts *counts);

/* Rows first .. first+n-1 of another model's logits [N,V], asked for once each and in order; valid until the next call. NULL: they could not be made. */
typedef struct heed_logits { void *self; const float *(*rows)(void *self, int64_t first, int64_t n); } heed_logits;
/* How far what logits x W^T + b say is from what another model says: the sum over rows of w * (1/2) sum |softmax(x W^T + b) - softmax(to)|, the total variation
 * distance, as [1,1]. Otherwise like heed_output_loss(). Where both are the same to the bit the slope is 0. counts: log_p is minus the distances' sum, hits are rows
 * where the likeliest is the same. `to` is asked at once. */
HEED_API heed_tensor *heed_variation_loss(heed_tape *t, heed_tensor *x, heed_tensor *weight, heed_tensor *bias, const heed_logits *to, double w,
                                          heed_loss_counts *counts);
/* How far weights are from others: weight * the sum over all numbers of a ln(a / max(b, 1e-6)), as [1,1]; where rows sum to 1 the Kullback-Leibler divergence, with b kept
 * from 0. a, b [count], tensors of the same shapes, numbers of a not below 0. Differentiable in a, whose logarithm is that of 1e-30 where it is less. Both arrays stay the
 * caller's until the tape is reset; sum (may be NULL): the same without `weight`. Cost: two logarithms a number. */
HEED_API heed_tensor *heed_divergence(heed_tape *t, heed_tensor *const *a, const heed_tensor *const *b, int64_t count, double weight, double *sum);

/* Copying: attention points at symbols of its source (pointer-generator: See et al. 2017, eqs. 8 and 9).
 *
 *   p(w) = g softmax(logits)_w + (1-g) sum over keys j where w stands of a_j,   g = sigmoid(gate),   a: the weights, of several heads their mean
 *
 * Where weights sum to less than 1 (local-p; a query that saw no key), what they lack goes to the softmax, so p sums to 1. */
typedef struct heed_copying {
    heed_tensor *gate;               /* [N,1] */
    const heed_attended *attended;   /* [looks] with weights, over the same keys; one after the other their queries are the rows of the logits */
    int64_t looks;
    const int32_t *symbols;          /* [Nk] the column of the logits for what stands at each key */
} heed_copying;
/* The sum over rows of weight * -((1-s) ln p(target) + s/V sum ln p(w)), as [1,1]; consumes the logits [N,V]. Finite for whatever is finite: no p is rounded
 * to 0.
 * Differentiable in logits, gate and weights. targets [N], *c and its arrays stay the caller's until the tape is reset. Cost: that of a cross-entropy, and some
 * functions of the library for each pair; memory: one float a pair and row while recording. */
HEED_API heed_tensor *heed_copy_loss(heed_tape *t, heed_tensor *logits, const heed_copying *c, const int32_t *targets, double smoothing, double weight,
                                     heed_loss_counts *counts);
/* Turns the logits into ln p(w), in place, and returns them; passes no gradient. For a search. Weights that were not asked for are computed once more. */
HEED_API heed_tensor *heed_copy_mix(heed_tape *t, heed_tensor *logits, const heed_copying *c);

/* Guided attention: a row's weights are pulled towards given keys, each of n of them to 1/n     (Chen et al. 2016; Garg et al. 2019, section 4.3). */
typedef struct heed_keys_of_row { int64_t first, count; } heed_keys_of_row;
typedef struct heed_guide {
    const heed_attended *attended;   /* [looks] with weights */
    int64_t looks;
    const heed_keys_of_row *rows;    /* [N], the queries of all looks, one look after the other; count 0: nothing is known of the row, and it adds nothing */
    const int32_t *keys;             /* row i has keys[rows[i].first] .. keys[rows[i].first + rows[i].count - 1], numbers in its own sequence, none twice */
    int64_t head;                    /* -1: the mean of all heads */
} heed_guide;
/* The sum over rows of weight * -(1/n) sum ln a, as [1,1]; sum (may be NULL): the same without `weight`. Finite for weights that are 0: src/ops/guide.c tells
 * how. Differentiable in the weights. *g's arrays stay the caller's until the tape is reset. Cost: a logarithm a key. */
HEED_API heed_tensor *heed_guide_loss(heed_tape *t, const heed_guide *g, double weight, double *sum);

#ifdef __cplusplus
}
#endif
#endif
