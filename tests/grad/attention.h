/* References of attention. A score's reference is one file, ref_score_NAME.c, which defines ref_score_NAME: the score of one query and one key as
 * the paper writes it, from the raw rows and the score's weights, and its way back. An alignment's is one row of ref_aligns.c.
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

/* --- alignments, each a row of ref_aligns.c -------------------------------------------------------------------------------------------------- */

typedef struct ref_place { int64_t position, at, window; num centre; } ref_place;   /* of the query, of the key; centre: p, where there is one */

typedef struct ref_align {
    bool (*sees)(const ref_place *x);
    /* Weights of n > 0 scores; returns what attend saves. Decisions are told to p (grad.h). */
    num (*weigh)(problem *p, num *w, const num *s, int64_t n);
    void (*weigh_back)(num *ds, const num *w, const num *dw, int64_t n);
    bool centred;                          /* weights are multiplied by local-p's Gaussian afterwards */
} ref_align;
const ref_align *ref_align_of(heed_align align);

/* --- attend: queries look at keys head by head, whatever the score ----------------------------------------------------------------------------- */

/* One head of one query, and one key. */
typedef struct ref_meeting {
    int64_t query, key;                    /* rows of q and of k */
    int64_t head, key_head;
    int64_t at;                            /* number of the key in its sequence */
    int64_t pair;                          /* of query and key among all pairs (heed_attended) */
} ref_meeting;

typedef struct ref_attend {
    problem *p;                            /* is told of decisions */
    heed_span queries, keys;
    const int64_t *owner;
    int64_t heads, key_heads;              /* 0: 1; 0: as many as heads */
    int64_t position, window;
    heed_align align;
    num (*score)(const void *subject, const ref_meeting *m);
    void (*score_back)(const void *subject, const ref_meeting *m, num ds);
    const void *subject;
    const num *v;                          /* [Nk, Hk Dv] */
    num *dv;
    int64_t Dv;                            /* of one head */
    int distance;                          /* HEED_DISTANCE_... */
    bool both;
    const num *weight;                     /* of buckets: [H,buckets] */
    num *dweight;
    int64_t buckets;
    const num *centre;                     /* [Nq,H] u, for local_p */
    num *dcentre;
} ref_attend;

enum { REF_KEYS = 80 };                    /* no sequence of a problem has more */

/* What one head of one query sees: of each key the score with its distance's term, local-p's factor (else 1), the weight before and after it. */
typedef struct ref_sight {
    int64_t n, keys, position;             /* keys seen, of all; the query's own place */
    ref_meeting m[REF_KEYS];
    num s[REF_KEYS], g[REF_KEYS], soft[REF_KEYS], w[REF_KEYS];
    num saved, centre;                     /* -inf: it sees no key; p */
} ref_sight;
void ref_attend_look(const ref_attend *a, int64_t group, int64_t query, int64_t head, ref_sight *sight);

/* out [Nq, H Dv], weights [P,H] or NULL. */
void ref_attend_forward(const ref_attend *a, num *out, num *weights);
/* dout, dweights or NULL likewise; adds to dv, dweight, dcentre and, by score_back, to what the score is made of. */
void ref_attend_backward(const ref_attend *a, const num *dout, const num *dweights);
int64_t ref_attend_pairs(const ref_attend *a);

/* Problems of the op with up to so many queries a group and keys a sequence, and heads so wide (ref_attend.c); p->own begins with its ref_attend. */
void grad_draw_attend(problem *p, int64_t most_queries, int64_t most_keys, int64_t widest);

/* --- score x align: problems whose inputs are q, memory and the score's weights ------------------------------------------------------------ */

typedef struct attention { heed_attn attn; ref_attend ref; ref_pair x, g; const ref_score *score; } attention;   /* problem.own */
typedef struct attention_pair { const char *score, *align; grad_case c; const ref_score *ref; const heed_score *heed; heed_align which; } attention_pair;

/* All pairs, scores outside; NULL past the end. */
const attention_pair *attention_pair_at(int i);
/* The pair's heed_attend over all queries of all sequences, and the memory it looked at. */
heed_attended attention_attend(problem *p, heed_tape *t, heed_tensor *const *in, heed_memory *m);

#endif
