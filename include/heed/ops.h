/* heed/ops.h: what a tape can compute. Every function here records one node while the tape records, is differentiable in the tensors it
 * names, and follows the rules of heed/tensor.h: results live in the tape's arena until heed_tape_reset(); a failure (HEED_E_SHAPE when
 * tensors do not fit, HEED_E_NOMEM at the arena's limit) is sticky and the poison tensor comes back.
 *
 * Letters: N rows, D columns, H width of a state, B sequences, V vocabulary. */
#ifndef HEED_OPS_H
#define HEED_OPS_H

#include "heed/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- arithmetic; cost: one pass ---------------------------------------------------------------------------------------------------- */
HEED_API heed_tensor *heed_add(heed_tape *t, heed_tensor *a, heed_tensor *b);             /* a + b, equal shapes */
HEED_API heed_tensor *heed_tanh(heed_tape *t, heed_tensor *x);
HEED_API heed_tensor *heed_unit_rows(heed_tape *t, heed_tensor *x);                       /* x / |x| by rows; a row of zeros stays zeros */
/* Zeroes elements with probability p and scales the others by 1/(1-p), while the tape trains; else returns x itself. The mask is a function of
 * (seed of the tape, keys[row], site, column) alone: it does not depend on the batch. keys [N] stays the caller's until the tape is reset. */
HEED_API heed_tensor *heed_dropout(heed_tape *t, heed_tensor *x, const uint64_t *keys, uint64_t site, double p);

/* --- products; weight [Dout,Din] and bias [1,Dout] must be weights of a heed_params; cost: 2 N Din Dout ---------------------------- */
HEED_API heed_tensor *heed_linear(heed_tape *t, heed_tensor *x, heed_tensor *weight, heed_tensor *bias);      /* x W^T + b; bias may be NULL */
HEED_API heed_tensor *heed_linear_add(heed_tape *t, heed_tensor *base, heed_tensor *x, heed_tensor *weight);  /* base + x W^T */

/* --- rows -------------------------------------------------------------------------------------------------------------------------- */
HEED_API heed_tensor *heed_embed(heed_tape *t, heed_tensor *weight, const int32_t *ids, int64_t n);           /* rows of weight [V,D]; ids copied */
HEED_API heed_tensor *heed_rows(heed_tape *t, heed_tensor *x, int64_t first, int64_t n);                      /* a view: no copy, no node */
HEED_API heed_tensor *heed_concat(heed_tape *t, heed_tensor *const *parts, int count);                        /* side by side: columns add up */
HEED_API heed_tensor *heed_stack(heed_tape *t, heed_tensor *const *parts, int64_t count);                     /* one above the other */
HEED_API heed_tensor *heed_gather(heed_tape *t, heed_tensor *x, const int64_t *index, int64_t n);             /* rows of x, repeats allowed; index copied */

/* --- recurrent cells; gate order as PyTorch writes it: GRU r z n, LSTM i f g o ------------------------------------------------------- */
typedef enum heed_cell_kind { HEED_GRU, HEED_LSTM } heed_cell_kind;

/* h' = (1-z) n + z h,  n = tanh(gx_n + r gh_n),  r, z = sigmoid(gx + gh)     (Cho et al. 2014; r inside, as cuDNN and PyTorch)
 * gx = x Wx^T + bx and gh = h Wh^T + bh, [n,3H]; h [n,H]. */
HEED_API heed_tensor *heed_gru(heed_tape *t, heed_tensor *gx, heed_tensor *gh, heed_tensor *h);

/* c' = f c + i g,  h' = o tanh(c')     (Hochreiter and Schmidhuber 1997, with forget gates). gx, gh [n,4H], c [n,H]. */
typedef struct heed_lstm_state { heed_tensor *h, *c; } heed_lstm_state;
HEED_API heed_lstm_state heed_lstm(heed_tape *t, heed_tensor *gx, heed_tensor *gh, heed_tensor *c);

/* A whole layer over ragged sequences, from zero states. gates = x Wx^T + bx [N, 3H or 4H] of all N rows; hidden [3H or 4H, H], bias of the
 * hidden product or NULL. reverse: from each sequence's end to its beginning. Returns h [N,H]; c [N,H] for LSTM, else NULL.
 * Sequences are taken longest first and rows alive gathered at each step: no padding. Cost: N products of one row, batched over sequences. */
HEED_API heed_lstm_state heed_rnn(heed_tape *t, heed_cell_kind cell, heed_tensor *gates, heed_tensor *hidden, heed_tensor *bias, heed_span span,
                                  bool reverse);

/* --- attention ------------------------------------------------------------------------------------------------------------------------ */
typedef enum heed_align {
#define HEED_ALIGN(name, meaning, paper) HEED_ALIGN_##name,
#include "heed/aligns.def"
#undef HEED_ALIGN
    HEED_ALIGN_COUNT
} heed_align;

/* How one query meets a run of keys. A score is two functions over rows; both add nothing of their own outside what they are given. */
typedef struct heed_pair_score {
    /* s[j] = score(q, key j) for n keys of width d, row after row; extra: the score's own weights or NULL; scale: a constant */
    void (*forward)(float *s, const float *q, const float *keys, int64_t n, int64_t d, const float *extra, float scale);
    /* given ds[j]: dq += , dkeys +=, dextra += (NULL with extra) */
    void (*backward)(const float *ds, const float *q, const float *keys, int64_t n, int64_t d, const float *extra, float scale, float *dq, float *dkeys,
                     float *dextra);
} heed_pair_score;

typedef struct heed_attend_args {
    heed_tensor *q;                 /* [Nq,D] */
    heed_tensor *k, *v;             /* [Nk,D], [Nk,Dv], sequences as in `keys` */
    heed_tensor *extra;             /* the score's own weights, one row, or NULL */
    heed_span queries, keys;        /* groups of queries, sequences of keys */
    const int64_t *owner;           /* [queries.B] the sequence of keys that each group looks at; NULL: its own number */
    int64_t position;               /* of each group's first query, for causal and window */
    heed_align align;
    int64_t window;
    const heed_pair_score *score;
    float scale;
} heed_attend_args;

/* What a later question needs; lives with the tape. */
typedef struct heed_attended {
    heed_tensor *out;               /* [Nq,Dv]: sum over visible keys of softmax(score) v */
    float *lse;                     /* [Nq] log-sum-exp of the scores; -inf: the query saw no key */
    heed_attend_args args;
} heed_attended;

/* A query that may see no key gives zeros and passes no gradient, never NaN. Differentiable in q, k, v and extra.
 * Memory: one float a query beyond the result; weights are recomputed from the log-sum-exp by heed_attend_weights(). */
HEED_API heed_attended heed_attend(heed_tape *t, const heed_attend_args *args);
/* Weights (and scores, if not NULL) of one query over the keys first .. first+count-1 of its sequence. Both arrays have room for the whole
 * sequence of keys; returns count. group: which group of queries; row: in q. */
HEED_API int64_t heed_attend_weights(const heed_attended *a, int64_t group, int64_t row, float *weights, float *scores, int64_t *first);
/* The keys a query at `position` may see among n: first and count. */
HEED_API void heed_align_interval(heed_align align, int64_t window, int64_t position, int64_t n, int64_t *first, int64_t *count);

/* --- loss ------------------------------------------------------------------------------------------------------------------------------ */
typedef struct heed_loss_counts { double log_p; int64_t hits, symbols; } heed_loss_counts;   /* sum of log p[target]; arg max was right; rows */

/* sum over rows of weight * -((1-s) log p[target] + s/V sum log p)     (Szegedy et al. 2016, section 7), as [1,1].
 * CONSUMES the logits: while recording, their values are overwritten by their gradient, so that no second [N,V] exists.
 * targets [N] copied; weight: of every row, 1/N for a mean; counts may be NULL. */
HEED_API heed_tensor *heed_cross_entropy(heed_tape *t, heed_tensor *logits, const int32_t *targets, double smoothing, double weight,
                                         heed_loss_counts *counts);

#ifdef __cplusplus
}
#endif
#endif
