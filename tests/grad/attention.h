/* References of attention. A score's is one file, ref_score_NAME.c, which defines ref_score_NAME: the score of one head of one query and one key as the paper
 * writes it, and its way back. An alignment's is one row of ref_aligns.c, the layer's around both ref_layer.c. A row of attn/scores.def or heed/aligns.def
 * without its reference does not link. */
#ifndef HEED_TESTS_ATTENTION_H
#define HEED_TESTS_ATTENTION_H

#include "attn/score.h"
#include "grad.h"

/* --- scores, each a file ref_score_NAME.c ------------------------------------------------------------------------------------------------------- */

/* What of the layer's weights a score has declared, and what becomes of queries and keys before they meet. */
enum {
    REF_QUERY = 1, REF_KEY = 2,            /* queries are projected, keys are; else they are taken as they are */
    REF_BIAS = 4,                          /* keys have a bias */
    REF_EXTRA = 8,                         /* there is a vector of the score's own */
    REF_UNIT = 16,                         /* projected rows are divided by their length */
    REF_HISTORY = 32,                      /* the weights of the step before shift the keys */
    REF_BLIND = 64                         /* keys are not looked at: k is NULL */
};

/* One head of a query and of a key, as they meet; or, in the same places, their gradients. */
typedef struct ref_pair {
    num *q, *k, *extra;                    /* [d], [d], the head's share of extra */
    int64_t d, number;                     /* number: of the key in its sequence */
} ref_pair;

typedef struct ref_score {
    int has;                               /* REF_... */
    num (*forward)(const ref_pair *x);
    void (*backward)(const ref_pair *x, num ds, const ref_pair *g);      /* g += ds times the slope */
} ref_score;

num ref_additive(const ref_pair *x);       /* shared by additive and location_conv */
void ref_additive_back(const ref_pair *x, num ds, const ref_pair *g);

enum { REF_WIDEST = 32 };                  /* no head of a problem is wider */

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
heed_attend_args grad_attend_args(const problem *p, heed_tensor *const *in);

/* --- cases ------------------------------------------------------------------------------------------------------------------------------------------- */

/* A problem's inputs: what comes in, then the weights in the order of heed_attn. */
typedef enum attention_part {
    PART_QUERIES, PART_MEMORY, PART_KEYED, PART_BEFORE, PART_TOTAL,
    PART_QUERY, PART_KEY, PART_BIAS, PART_EXTRA, PART_VALUE, PART_OUT, PART_OUT_BIAS, PART_CENTRE_HIDDEN, PART_CENTRE, PART_BUCKETS, PART_FILTER, PART_HISTORY,
    PART_COVERAGE, PART_COUNT, PART_WEIGHTS = PART_QUERY
} attention_part;

/* What is chosen apart from each other. A level of the first two is a row of scores.def and aligns.def, of FACTOR_POSITIONS one of positions.def. */
typedef enum attention_factor { FACTOR_SCORE, FACTOR_ALIGN, FACTOR_HEADS, FACTOR_POSITIONS, FACTOR_VALUES, FACTOR_COVERAGE, FACTOR_COUNT } attention_factor;
enum { HEADS_ONE, HEADS_SEVERAL, HEADS_SHARED };         /* shared: fewer heads of keys than of queries */

typedef struct attention_case {
    grad_case c;                           /* its subject is the attention_case */
    char name[128];                        /* "additive x causal, several heads" */
    int level[FACTOR_COUNT];
    const ref_score *score;
    heed_attn_settings is;                 /* without widths */
} attention_case;

int attention_levels(attention_factor f);
const char *attention_level_name(attention_factor f, int level);
/* Case number i, NULL past the end: every score with every alignment and nothing else, scores outside; then as many as it takes for every pair of levels to
 * be in one, but for those that refusals.def refuses. */
const attention_case *attention_case_at(int i);
/* Why no case can have both levels, or NULL: the row of refusals.def that stands against it. */
const char *attention_pair_refusal(attention_factor f, int level, attention_factor g, int other);

/* problem.own */
typedef struct attention {
    const attention_case *c;
    heed_attn_settings is;                 /* with widths */
    heed_attn attn;
    heed_error err;                        /* why there is none */
    struct ref_layer *layer;               /* ref_layer.h */
    int at[PART_COUNT];                    /* which input, -1: none */
    int64_t memory_position;
} attention;

extern const grad_case attention_functions;      /* of every case, but for its name and subject */
/* The layer was built, and declared the weights that its reference expects; else text says what not. */
bool attention_declares(const problem *p, char *text, size_t size);
heed_tensor *attention_input(const problem *p, heed_tensor *const *in, attention_part part);   /* NULL: there is none */

/* The layer's look of all queries of all sequences, and the memory it looked at. */
heed_attended attention_look(problem *p, heed_tape *t, heed_tensor *const *in, heed_memory *m);

#endif
