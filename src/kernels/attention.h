/* Inside heed/attention.h: what its calls share. A call becomes a job: checked, defaults filled in, what all its parts need made once (turned keys, norms).
 * A job is cut into units by shape alone; each unit writes results that no other writes, so any thread may take any unit. docs/kernels.md has the design. */
#ifndef HEED_KERNELS_ATTENTION_H
#define HEED_KERNELS_ATTENTION_H

#include <math.h>

#include "kernels/align.h"

#define HEED_LOG2_E 1.44269504088896341f
#define HEED_LN_2 0.693147180559945309f
#define HEED_LOG2_E_REST 1.52953414e-8f      /* 1 / HEED_LN_2 - HEED_LOG2_E, of the floats that these are: what a maximum was multiplied by to be saved */

enum { HEED_ATTENTION_WIDEST = 1024, HEED_ATTENTION_FAR = 1 << 30 };      /* values of a head; positions, reaches, windows and lengths end here */

/* What heed_attend() asks beyond heed/attention.h, of a job of one sequence: it goes row by row. Pairs: each key for each query in turn. NULL: nothing. */
typedef struct heed_attention_pairwise {
    const int64_t *key_row;          /* [keys] the row of k and v where each key lies, counted from the first of all; no backward */
    const float *shift;              /* [pairs, Hk d] added to the key of each pair before it is scored */
    float *weights;                  /* [pairs, H] those of keys that are seen are written */
    const float *weights_gradient;   /* [pairs, H] what came to them */
    float *shift_gradient;           /* added to */
} heed_attention_pairwise;

struct heed_attention_job {
    const heed_kernels *kernels;
    const heed_attention *a;
    const heed_attention_data *data;
    const heed_attention_pairwise *pairwise;  /* NULL: nothing of that */
    const heed_pair_score *own;      /* a->pair where it has functions; NULL: a->score */
    heed_weighing weighing;
    int64_t H, Hk, shared;           /* heads, key heads, H / Hk */
    int64_t together;                /* query heads of one unit: at most shared */
    int64_t d, dv;
    int64_t queries, keys;           /* rows of the whole batch */
    int64_t most_queries, most_keys; /* of a sequence */
    int64_t back, ahead;             /* a query at i sees i-back <= j <= i+ahead, unless the sight is centre or blocks */
    bool rows;                       /* there is no fast form: row by row */
    bool half;                       /* values are bf16 */
    bool pairs;                      /* and are multiplied as they are; else keys and values become floats once a job */
    int64_t only;                    /* the one key head that is asked of, of one sequence; -1: all */
    float scale;                     /* of q.k, 1 for cosine but for its factor */
    float unit;                      /* of scores in tiles: log2 e, where weights are powers of 2, else 1 */
    int threads;

    /* made once a job, in scratch; NULL: not needed */
    float *turns;                    /* rotary: [furthest position, d] sines, cosines, as kernels->rotate reads them */
    float *turned;                   /* keys as they are multiplied, where they do not lie so: rotary's, bf16's; [Hk, keys, d] */
    uint16_t *paired;                /* the same where pairs are: rotary's, and those of odd d; [Hk, keys, d + d % 2], a 0 at the end */
    float *values;                   /* of bf16, without pairs: [Hk, keys, dv] */
    float *key_factor;               /* cosine: 1/|k|, 0 for 0, [Hk, keys] */
    float *relative;                 /* [H, reach + MARGIN + reach + MARGIN + 1], entry x = i-j stands at x + reach + MARGIN; clamped, times unit */
    float *powers;                   /* additive, in tiles: e^2k, [Hk, keys, power_row], zeros behind d */
    float *tame;                     /* likewise [Hk, sequences]: 1 where powers may be used */
};

enum {
    HEED_ATTENTION_MARGIN = 16,       /* entries of `relative` beyond either end: a vector may begin anywhere */
    HEED_ATTENTION_TAME = 40,         /* powers e^2q and e^2k are used of q and k below it */
    HEED_ATTENTION_POWERS = 4         /* of which rows have whole groups */
};

enum {
    HEED_ATTENTION_BLOCKS = 8,        /* units of forward that go together, at most */
    HEED_ATTENTION_PIECE = 96,        /* keys of a chunk are a multiple of it */
    HEED_ATTENTION_PIECES = 6         /* the greatest */
};

struct heed_attention_unit {
    int64_t sequence, key_head;
    int64_t head, heads;             /* query heads head .. head+heads-1, all of key_head */
    int64_t row, rows;               /* queries of the sequence */
    bool asked;                      /* forward: the thread's task before asked for its first keys */
};

/* --- a job (attention_job.c) ------------------------------------------------------------------------------------------------------------- */

/* Checks every setting; data NULL: of settings alone. Errors: HEED_E_SHAPE. */
heed_status heed_attention_job_of(heed_attention_job *job, const heed_kernels *kernels, const heed_attention *a, const heed_attention_data *data, heed_error *err);
/* The same of settings that are known to fit, before their spans are known: most_queries and most_keys are the caller's to set. */
void heed_attention_job_settle(heed_attention_job *job, const heed_kernels *kernels, const heed_attention *a, const heed_attention_data *data);
/* From now on row by row. */
void heed_attention_job_by_rows(heed_attention_job *job);
/* Whether rows that are read, or rows [start's] of heads of that width that are written, can lie so; longest: rows of the longest sequence. */
heed_status heed_attention_in_fits(const heed_attention_job *job, const char *name, heed_attention_in in, int64_t rows, heed_error *err);
heed_status heed_attention_out_fits(const heed_attention_job *job, const char *name, heed_attention_out out, const int64_t *start, int64_t longest, int64_t heads,
                                    int64_t width, heed_error *err);
/* Bytes of what is made once; its place within scratch. Then it is made, by job->threads. */
size_t heed_attention_shared_bytes(const heed_attention_job *job);
void heed_attention_share(heed_attention_job *job, char *scratch);
/* Bytes that one thread needs for units of forward that go together, a multiple of 64. */
size_t heed_attention_room(const heed_attention_job *job);

/* --- forward with a table of one's own choice, for tests (attention.c) -------------------------------------------------------------------- */

size_t heed_attention_forward_bytes(const heed_attention_job *job);      /* of scratch */
heed_status heed_attention_forward_by(const heed_kernels *kernels, const heed_attention *a, const heed_attention_data *data, void *scratch, size_t bytes,
                                      heed_error *err);

/* All units of sequence b in turn, by the calling thread; room: of heed_attention_room(). */
void heed_attention_sequence(const heed_attention_job *job, int64_t b, void *room);

/* The weights, and scores (NULL: not wanted), of query i of the first sequence under a head, over all its keys: 0 and -inf where it does not see
 * (attention_weights.c). */
void heed_attention_weigh(const heed_attention_job *job, int64_t head, int64_t i, float *weights, float *scores);

/* Row by row: every setting, in floats, with the functions of job->kernels (attention_rows.c). The unit's heads may be those of several heads of keys. */
void heed_attention_rows(const heed_attention_job *job, const heed_attention_unit *unit, void *room);
int64_t heed_attention_rows_room(const heed_attention_job *job);         /* floats */

/* --- where things are ---------------------------------------------------------------------------------------------------------------------- */

static inline int64_t heed_attention_queries(const heed_attention_job *job, int64_t b) { return job->a->query_start[b + 1] - job->a->query_start[b]; }
static inline int64_t heed_attention_keys(const heed_attention_job *job, int64_t b) { return job->a->key_start[b + 1] - job->a->key_start[b]; }
static inline int64_t heed_attention_position(const heed_attention_job *job, int64_t b) { return job->a->position ? job->a->position[b] : 0; }

/* In values from x: the first row of sequence b of that head; its rows are x.row apart. start: query_start or key_start. */
static inline int64_t heed_attention_at(int64_t sequence, int64_t row, int64_t per_head, const int64_t *start, int64_t b, int64_t head)
{
    return (sequence ? b * sequence : start[b] * row) + head * per_head;
}
#define HEED_ATTENTION_AT(in, start, b, h) heed_attention_at((in).sequence, (in).row, (in).head, start, b, h)

static inline bool heed_attention_weights_change(const heed_attention_job *job) { return job->a->dropout > 0 || heed_align_has_centre(job->a->align); }

/* Scratch begins at its first multiple of ALIGNED bytes, so a call asks for ALIGNED more than it fills. */
enum { HEED_ATTENTION_ALIGNED = 64 };
static inline char *heed_attention_aligned(void *scratch) { return (char *)(((uintptr_t)scratch + HEED_ATTENTION_ALIGNED - 1) / HEED_ATTENTION_ALIGNED * HEED_ATTENTION_ALIGNED); }
static inline int64_t heed_attention_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

/* A thread's tasks next .. end-1, in a cache line of its own. */
typedef struct heed_attention_portion { int64_t next, end; char rest[HEED_ATTENTION_ALIGNED - 2 * sizeof(int64_t)]; } heed_attention_portion;

/* Equal portions, the same in every call of a shape: rows stay in the caches of the core that had them last. */
static inline void heed_attention_portions(heed_attention_portion *p, int threads, int64_t tasks)
{
    for (int64_t t = 0; t < threads; t++) p[t].next = tasks * t / threads, p[t].end = tasks * (t + 1) / threads;
}

/* The next task of a thread's own portion, else of another's; -1: all are taken. */
static inline int64_t heed_attention_take(heed_attention_portion *p, int threads, int thread)
{
    for (int t = 0; t < threads; t++) {
        heed_attention_portion *of = &p[(thread + t) % threads];
        int64_t i;
#pragma omp atomic capture
        i = of->next++;
        if (i < of->end) return i;
    }
    return -1;
}

/* Values from row to row of what is copied: an odd number of lines where rows are long, or they would share few places of the nearest cache. */
static inline int64_t heed_attention_apart(int64_t width)
{
    const int64_t whole = heed_attention_up(width, HEED_ATTENTION_MARGIN), lines = whole / HEED_ATTENTION_MARGIN;
    return lines >= 8 && lines % 2 == 0 ? whole + HEED_ATTENTION_MARGIN : whole;
}

/* Rows are asked for ahead: unless all of a job's stay in the second cache, where what has just made them may have left them, or there are few to a head. */
static inline bool heed_attention_is_far(const heed_attention_job *job)
{
    enum { NEAR = 1 << 20 };
    return (job->queries * job->H + job->keys * job->Hk) * (job->d + job->dv) * (int64_t)sizeof(float) > NEAR && job->most_keys > job->kernels->attention_lanes;
}

/* Keys that a thread holds at a time: so many pieces as values of d and dv go into widths, which is such that they stay in the second cache. */
enum { HEED_ATTENTION_COPIED = 512, HEED_ATTENTION_BESIDE_GRADIENTS = 1024 };
static inline int64_t heed_attention_chunk(const heed_attention_job *job, int64_t widths)
{
    const int64_t width = heed_attention_up(job->d, HEED_ATTENTION_MARGIN) + heed_attention_up(job->dv, HEED_ATTENTION_MARGIN);
    const int64_t fitting = width < widths ? widths / width : 1, pieces = fitting < HEED_ATTENTION_PIECES ? fitting : HEED_ATTENTION_PIECES, most = (job->most_keys + HEED_ATTENTION_PIECE - 1) / HEED_ATTENTION_PIECE;
    return HEED_ATTENTION_PIECE * (pieces < most ? pieces : most > 0 ? most : 1);
}

/* The last i < count whose first[i] is not above the number; first never falls. */
static inline int64_t heed_attention_owner(const int64_t *first, int64_t count, int64_t number)
{
    int64_t low = 0, high = count;
    while (high - low > 1) {
        const int64_t middle = (low + high) / 2;
        if (first[middle] <= number) low = middle;
        else high = middle;
    }
    return low;
}

/* 1/|x|, 0 where x is. */
static inline float heed_attention_inverse(const heed_kernels *k, const float *x, int64_t d)
{
    const float square = k->dot(x, x, d);
    return square > 0 || isnan(square) ? 1 / sqrtf(square) : 0;
}

static inline int64_t heed_attention_even(int64_t n) { return n + n % 2; }

/* Number of a sequence's first row among the keys that are made once. */
static inline int64_t heed_attention_made(const heed_attention_job *job, int64_t b, int64_t key_head)
{
    return job->only < 0 ? key_head * job->keys + job->a->key_start[b] : 0;
}

/* The keys of sequence b, as they are multiplied: turned where that is asked. *row: values from one to the next. */
static inline const float *heed_attention_key_rows(const heed_attention_job *job, int64_t b, int64_t key_head, int64_t *row)
{
    if (job->turned) {
        *row = job->d;
        return job->turned + heed_attention_made(job, b, key_head) * job->d;
    }
    *row = job->data->k.row;
    return (const float *)job->data->k.x + HEED_ATTENTION_AT(job->data->k, job->a->key_start, b, key_head);
}

/* 1/|k| of them, under cosine; NULL: not needed. */
static inline const float *heed_attention_key_factors(const heed_attention_job *job, int64_t b, int64_t key_head)
{
    return job->key_factor ? job->key_factor + heed_attention_made(job, b, key_head) : NULL;
}

/* The values of sequence b. */
static inline const float *heed_attention_value_rows(const heed_attention_job *job, int64_t b, int64_t key_head, int64_t *row)
{
    if (job->values) {
        *row = job->dv;
        return job->values + heed_attention_made(job, b, key_head) * job->dv;
    }
    *row = job->data->v.row;
    return (const float *)job->data->v.x + HEED_ATTENTION_AT(job->data->v, job->a->key_start, b, key_head);
}

/* Value `at` of what is of the job's type. */
static inline const void *heed_attention_value(const heed_attention_job *job, const void *x, int64_t at)
{
    return (const char *)x + at * (int64_t)(job->half ? sizeof(uint16_t) : sizeof(float));
}

/* A row of it as floats, in room where it is not. */
static inline const float *heed_attention_floats(const heed_attention_job *job, const void *x, int64_t at, int64_t n, float *room)
{
    const void *row = heed_attention_value(job, x, at);
    if (!job->half) return row;
    job->kernels->from_bf16(room, row, n);
    return room;
}

/* Floats become a row of a result. */
static inline void heed_attention_leave(const heed_attention_job *job, void *x, int64_t at, const float *row, bool add, int64_t n)
{
    void *to = (void *)heed_attention_value(job, x, at);
    float sum[HEED_ATTENTION_WIDEST];
    if (!job->half) {
        if (add) job->kernels->axpy(to, 1, row, n);
        else job->kernels->scale(to, 1, row, n);
        return;
    }
    if (add) {
        job->kernels->from_bf16(sum, to, n);
        job->kernels->axpy(sum, 1, row, n);
    }
    job->kernels->to_bf16(to, add ? sum : row, n);
}

/* Additive: the score may be taken from powers (attention_additive.inc). */
static inline bool heed_attention_is_tame(const heed_attention_job *job, int64_t b, int64_t key_head) { return job->tame && job->tame[key_head * job->a->sequences + b] != 0; }
static inline int64_t heed_attention_power_row(const heed_attention_job *job) { return heed_attention_up(job->d, HEED_ATTENTION_POWERS); }

#endif
