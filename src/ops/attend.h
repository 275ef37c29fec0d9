/* What the files of attend share. attend.c checks, allocates and records. attend_rows.c takes one head of one query at a time, whatever the score, the
 * alignment and the extras; attend_row.c is that one head of one query. attend_lanes.c takes a block of queries at a time, for the dot product under a softmax. */
#ifndef HEED_OPS_ATTEND_H
#define HEED_OPS_ATTEND_H

#include "ops/align.h"
#include "tensor/tape.h"

enum { HEED_ATTEND_WIDEST = 1024 };   /* values of a head whose keys are shifted: heed_attend_weights() holds one on the stack */

static inline int64_t heed_attend_heads(const heed_attend_args *a) { return a->heads ? a->heads : 1; }
static inline int64_t heed_attend_key_heads(const heed_attend_args *a) { return a->key_heads ? a->key_heads : heed_attend_heads(a); }
static inline int64_t heed_attend_key_head(const heed_attend_args *a, int64_t head) { return head / (heed_attend_heads(a) / heed_attend_key_heads(a)); }
static inline int64_t heed_attend_width(const heed_attend_args *a) { return a->q->cols / heed_attend_heads(a); }              /* d */
static inline int64_t heed_attend_value_width(const heed_attend_args *a) { return a->v->cols / heed_attend_key_heads(a); }    /* dv */

/* A group of queries and the sequence of keys that it looks at. */
typedef struct heed_attend_group {
    int64_t row, rows;              /* of q: the first, and how many */
    int64_t key, keys;              /* likewise, of key_row where there is one */
    int64_t position;               /* of the first query in its own sequence */
    int64_t pair;                   /* number of its first pair */
} heed_attend_group;
heed_attend_group heed_attend_group_of(const heed_attend_args *a, int64_t number, int64_t pair);
int64_t heed_attend_pairs(const heed_attend_args *a, int64_t groups);      /* of the first so many groups */

/* Where gradients come from and go to; NULL: nothing comes, or nobody wants it. */
typedef struct heed_attend_grads {
    const float *out, *weights;     /* [Nq, H dv], never NULL; [P,H] */
    float *q, *k, *v, *shift, *centre, *distance;
    float *extra;                   /* never NULL where the score has one */
} heed_attend_grads;

/* --- one head of one query ---------------------------------------------------------------------------------------------------------------- */

typedef struct heed_attend_row {
    const heed_attend_args *a;
    const heed_attend_group *g;
    int64_t H, d, dv, shared;       /* heads, widths of one, heads that share one of the keys */
    int64_t row, head, key_head;
    int64_t position;
    int64_t pair;                   /* number of its first pair */
    heed_looking sees;
} heed_attend_row;
heed_attend_row heed_attend_row_of(const heed_attend_args *a, const heed_attend_group *g);      /* of none yet */
void heed_attend_row_take(heed_attend_row *r, int64_t row, int64_t head);
/* With keys first .. first+n-1 of its sequence; shifted [n,d]: room for keys that are shifted. */
heed_meeting heed_attend_row_meets(const heed_attend_row *r, int64_t first, int64_t n, float *shifted);
/* Scores against them, the distance's term added. */
void heed_attend_row_score(const heed_attend_row *r, int64_t first, int64_t n, float *shifted, float *s);

/* --- a group ------------------------------------------------------------------------------------------------------------------------------- */

/* Writes the group's rows of s->out, s->saved and s->weights; adds its share to the gradients. Scratch is the tape's, and given back. */
void heed_attend_rows(heed_tape *t, const heed_attended *s, const heed_attend_group *g);
void heed_attend_rows_back(heed_tape *t, const heed_attended *s, const heed_attend_group *g, const heed_attend_grads *to);

/* Whether the group is one for lanes: it depends on the settings and the group's own size alone. */
bool heed_attend_suits_lanes(const heed_attended *s, const heed_attend_group *g);
void heed_attend_lanes(heed_tape *t, const heed_attended *s, const heed_attend_group *g);
void heed_attend_lanes_back(heed_tape *t, const heed_attended *s, const heed_attend_group *g, const heed_attend_grads *to);

/* out [d], whose scores had the log-sum-exp a, takes in more, whose scores have b; returns that of both. */
float heed_attend_join(const heed_kernels *k, float *out, float a, const float *more, float b, int64_t d);

/* Room for n floats in the tape's arena; NULL: the tape has failed. */
float *heed_attend_room(heed_tape *t, int64_t n);

#endif
