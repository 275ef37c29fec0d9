/* Inside the backward of heed/attention.h (attention_backward.c).
 *
 * The keys of a sequence under one key head are cut into ranges, by shape alone; a unit is one range. It walks over the blocks of queries that see some of it,
 * from the first to the last, and owns the gradients of its keys and values. Queries get gradients from several units: the range in which a block of queries
 * sees its first keys writes them where they belong, every later range writes into rows of its own, which are added in order when all units are done. */
#ifndef HEED_KERNELS_ATTENTION_BACKWARD_H
#define HEED_KERNELS_ATTENTION_BACKWARD_H

#include "kernels/attention.h"

struct heed_attention_back {
    const heed_attention_job *job;
    const heed_attention_gradients *to;
    int64_t rows;                    /* queries of a block */
    int64_t chunk;                   /* keys that a thread holds at a time, with their gradients */
    int64_t pitch;                   /* floats of a row beside: d, and one for the centre */
    int64_t extras;                  /* floats a unit and head: factor, additive [d], extra [extras], relative [2 reach + 1], as far as wanted */
    float *queries;                  /* [queries of the batch, H, pitch] gradients of bf16 queries to which more than one chunk adds; NULL: none */
    float *beside;                   /* rows of later ranges */
    float *extra;                    /* [units, shared, extras] */
    int64_t *first_unit;             /* [B+1] number of a sequence's first unit */
    int64_t *first_beside;           /* [B+1] its first float beside */
};

struct heed_attention_range {
    int64_t sequence, key_head;
    int64_t number, ranges;          /* of the sequence */
    int64_t key, keys;
    int64_t first, end;              /* blocks whose gradients it writes beside; none: equal */
    float *beside;                   /* [H, (end - first) rows, pitch] */
    float *extra;                    /* [shared, extras], cleared */
    const heed_attention_range *next;         /* the one that is likely to come after it; NULL: none */
};

/* Whether the range has to do with a block of queries, and where its gradients of q belong. */
typedef enum heed_attention_role { HEED_ROLE_NONE, HEED_ROLE_OWNER, HEED_ROLE_BESIDE } heed_attention_role;
heed_attention_role heed_attention_role_of(const heed_attention_back *x, const heed_attention_range *u, int64_t block);

int64_t heed_attention_blocks(const heed_attention_back *x, int64_t b);       /* of queries of a sequence */

/* Where the gradient of query i under a head is written: floats, but for the rows of to->q of bf16; *centre: of its place. NULL: not wanted. */
void *heed_attention_gradient_row(const heed_attention_back *x, const heed_attention_range *u, heed_attention_role role, int64_t head, int64_t i, float **centre);

/* Blocks of queries of a unit under all heads, at most. */
static inline int64_t heed_attention_back_deltas(const heed_attention_back *x)
{
    const heed_attention_job *j = x->job;
    return (j->shared + j->together - 1) / j->together * ((j->most_queries + x->rows - 1) / x->rows);
}

/* Bytes that a thread needs for a unit. */
size_t heed_attention_back_room(const heed_attention_back *x);

/* Row by row: every setting (attention_backward_rows.c). */
void heed_attention_rows_back(const heed_attention_back *x, const heed_attention_range *u, void *room);
int64_t heed_attention_rows_back_room(const heed_attention_back *x);          /* floats */
size_t heed_attention_backward_bytes(const heed_attention_job *job);      /* of scratch */

/* What of it the settings tell; the rest has to do with the cut. */
heed_attention_back heed_attention_back_of(const heed_attention_job *job, const heed_attention_gradients *to);
/* One sequence, by the calling thread, without a cut; only where gradients are added. x->extra: [H, x->extras], of all sequences together, cleared by the caller, who
 * in the end joins them. room: of heed_attention_back_room(). */
void heed_attention_sequence_back(const heed_attention_back *x, int64_t b, void *room);
/* Adds extra [shared, extras] of a key head where it belongs. */
void heed_attention_join_extra(const heed_attention_back *x, int64_t key_head, const float *extra);

heed_status heed_attention_backward_by(const heed_kernels *kernels, const heed_attention *a, const heed_attention_data *data, const heed_attention_gradients *to,
                                       void *scratch, size_t bytes, heed_error *err);

#endif
