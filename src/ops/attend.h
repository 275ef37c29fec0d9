/* What the files of attend share. attend.c checks, allocates and records; attend_call.c says to the kernels of attention what is asked of them. */
#ifndef HEED_OPS_ATTEND_H
#define HEED_OPS_ATTEND_H

#include "heed/ops.h"
#include "kernels/attention.h"

static inline int64_t heed_attend_heads(const heed_attend_args *a) { return a->heads ? a->heads : 1; }
static inline int64_t heed_attend_key_heads(const heed_attend_args *a) { return a->key_heads ? a->key_heads : heed_attend_heads(a); }
static inline int64_t heed_attend_width(const heed_attend_args *a) { return a->q->cols / heed_attend_heads(a); }              /* d */
static inline int64_t heed_attend_value_width(const heed_attend_args *a) { return a->v->cols / heed_attend_key_heads(a); }    /* dv */

/* A group of queries and the sequence of keys that it looks at. */
typedef struct heed_attend_group {
    int64_t number, owner;          /* of the span of queries, of that of keys */
    int64_t row, rows;              /* of q: the first, and how many */
    int64_t key, keys;              /* likewise, of key_row where there is one */
    int64_t pair;                   /* number of its first pair */
} heed_attend_group;
heed_attend_group heed_attend_group_of(const heed_attend_args *a, int64_t number, int64_t pair);
int64_t heed_attend_pairs(const heed_attend_args *a, int64_t groups);      /* of the first so many groups */

/* The op in the words of heed/attention.h: settings and data of one group at a time. It stays where it was made. */
typedef struct heed_attend_call {
    const heed_attended *s;
    heed_attention a;
    heed_attention_data data;
    heed_attention_pairwise pairs;
    heed_attention_job tiles, rows;          /* both of a, data and pairs: as the settings have it, and row by row */
    bool any_tiles, any_rows;                /* groups that go this way */
    bool alone;                              /* those that are not for tiles go query by query, all heads at once */
    char *shared;                            /* what is made once for tiles, or once a group where keys have a part in it */
    int64_t gathered[2];                     /* the span of keys that were copied together */
} heed_attend_call;

void heed_attend_call_of(heed_attend_call *c, const heed_attended *s, const heed_kernels *kernels);
/* Looks through the groups: which ways they go, how long they are. */
void heed_attend_call_measure(heed_attend_call *c);
bool heed_attend_call_single(heed_attend_call *c, const heed_attend_group *g);      /* whether its queries do */
void heed_attend_call_query(const heed_attend_call *c, const heed_attend_group *g, int64_t i, heed_single_query *to);      /* the i-th of them */
/* Points c at a group; returns the job that it is for: it depends on the settings and the group's own size alone. */
heed_attention_job *heed_attend_call_take(heed_attend_call *c, const heed_attend_group *g);

#endif
