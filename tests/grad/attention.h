/* References of attention. A score's reference is one file, ref_score_NAME.c, which defines ref_score_NAME: the score of one query and one key as
 * the paper writes it, from the raw rows and the score's weights, and its way back. An alignment's is one function of ref_aligns.c.
 * A row of attn/scores.def or heed/aligns.def without its reference does not link. */
#ifndef HEED_TESTS_ATTENTION_H
#define HEED_TESTS_ATTENTION_H

#include "attn/score.h"
#include "grad.h"

/* One query, one key and the score's weights; or, in the same places, their gradients. */
typedef struct ref_pair {
    num *q, *k;                            /* [Dq], [Dm] */
    num *query, *key, *bias, *extra;       /* the weights that heed_attn names so; NULL where the score has none */
    int64_t Dq, Dm, D;                     /* D: rows of query, else Dq */
} ref_pair;

typedef struct ref_score {
    bool equal_widths;                     /* Dq = Dm is demanded */
    num (*forward)(const ref_pair *x);
    void (*backward)(const ref_pair *x, num ds, const ref_pair *g);      /* g += ds times the slope */
} ref_score;

/* y = W x, W [rows,cols]; and back: dW += dy x^T, dx += W^T dy. NULL for W, dW: the identity. */
void ref_project(num *y, const num *W, const num *x, int64_t rows, int64_t cols);
void ref_project_back(num *dW, num *dx, const num *dy, const num *W, const num *x, int64_t rows, int64_t cols);

enum { REF_WIDEST = 16 };                  /* no width of a problem exceeds it */

/* Queries look at keys, whatever the score: rows of q and k are named by number. */
typedef struct ref_attend {
    heed_span queries, keys;
    const int64_t *owner;
    int64_t position, window;
    heed_align align;
    num (*score)(const void *subject, int64_t query, int64_t key);
    void (*score_back)(const void *subject, int64_t query, int64_t key, num ds);
    const void *subject;
    const num *v;                          /* [Nk,Dv] */
    num *dv;
    int64_t Dv;
    num *s, *p;                            /* room for one query's scores and weights */
} ref_attend;

/* The keys that one query sees, rows of k; their scores are in a->s, their weights in a->p. */
typedef struct ref_sight { int64_t key[64], n; num lse; } ref_sight;
ref_sight ref_attend_look(const ref_attend *a, int64_t group, int64_t query);

void ref_attend_forward(const ref_attend *a, num *out);
void ref_attend_backward(const ref_attend *a, const num *out, const num *dout);

/* May a query at position i see key j of a sequence of keys? */
bool ref_sees(heed_align align, int64_t i, int64_t j, int64_t window);

/* --- score x align: problems whose inputs are q, memory and the score's weights ------------------------------------------------------------ */

typedef struct attention { heed_attn attn; ref_attend ref; ref_pair x, g; const ref_score *score; } attention;   /* problem.own */
typedef struct attention_pair { const char *score, *align; grad_case c; const ref_score *ref; const heed_score *heed; heed_align which; } attention_pair;

/* All pairs, scores outside; NULL past the end. */
const attention_pair *attention_pair_at(int i);
/* The pair's heed_attend over all queries of all sequences, and the memory it looked at. */
heed_attended attention_attend(problem *p, heed_tape *t, heed_tensor *const *in, heed_memory *m);

#endif
