/* The table of kernels for this machine: one function pointer a row of kernels.def. */
#ifndef HEED_KERNELS_H
#define HEED_KERNELS_H

#include "heed/base.h"

typedef struct heed_adam {
    float rate, beta1, beta2, eps, decay, clip;
    float bias1, bias2;       /* 1 - beta1^t, 1 - beta2^t */
    bool decoupled;
} heed_adam;

/* What is known of the numbers of a row that come piece by piece: their greatest, the sum of e^(x - most), and the k largest, the first of equals first, NaN never
 * among them. Begin with heed_ranking_begin() (kernels/top.h). */
typedef struct heed_ranking {
    float most, sum;
    int64_t n, k;             /* how many of the largest there are, and may be */
    int32_t *ids;             /* [k] their places, falling */
    float *best;              /* [k] */
    bool unsummed;            /* nobody asks for the sum: it and `most` stay as they are */
} heed_ranking;

/* The numbers of a row that come piece by piece which are near its greatest: above heed_near_floor(). Begin with most = -INFINITY and n = 0. */
typedef struct heed_nearing {
    float most, reach, share; /* of all so far; they are near to most - reach - share |most| */
    int64_t n, room;
    int32_t *ids;             /* [room] their places, rising; some were near an earlier greatest: heed_near_settle() drops them */
    float *values;            /* [room] */
    bool over;                /* there were more at a time than there is room for */
} heed_nearing;

/* What a normalised sum base + dropout of x is made of, and what of it stays for the way back. */
typedef struct heed_summed_norm {
    const float *gain, *bias;
    const uint64_t *row_keys;   /* [rows]; NULL: nothing is dropped */
    uint64_t site;
    float p;
    float *sum, *stats;         /* [rows,d]; [rows,2] mean, inverse */
} heed_summed_norm;

/* Single queries under all heads, each on keys of its own: s_j = scale q.k_j, out = sum softmax(s)_j v_j. */
typedef struct heed_single_attention {
    int64_t heads, d, dv;
    int64_t ldk, ldv;           /* floats from a row of k, of v to the next */
    float scale;
    int64_t most_queries, most_keys;   /* of a call, of a query */
    float *room;                /* of heed_single_room(), any contents */
} heed_single_attention;

typedef struct heed_single_query {
    const float *q, *k, *v;     /* [heads d]; rows of as many, and of heads dv: key j lies in row (row ? row[j] : j) */
    const int64_t *row;         /* [keys] or NULL */
    int64_t keys;               /* of none come 0 and -inf */
    float *out, *saved;         /* [heads dv]; [heads] the log-sum-exp, NULL: not wanted */
} heed_single_query;

enum { HEED_SINGLE_HEADS = 4 };   /* that go together where there is a multiple of them */

static inline int64_t heed_single_room(const heed_single_attention *a) { return 2 * (a->most_queries * a->heads + HEED_SINGLE_HEADS * a->most_keys + 16); }

typedef struct heed_attention_job heed_attention_job;     /* kernels/attention.h */
typedef struct heed_attention_unit heed_attention_unit;
typedef struct heed_attention_back heed_attention_back;   /* kernels/attention_backward.h */
typedef struct heed_attention_range heed_attention_range;
typedef struct heed_decode_unit heed_decode_unit;         /* kernels/attention_decode.h */
typedef struct heed_lines heed_lines;                     /* kernels/lines.h */

enum { HEED_GRADIENT_ROWS = 16, HEED_GRADIENT_COLUMNS = 48 };   /* widths of the panels of dy and x */

typedef struct heed_kernels {
    const char *isa;          /* "scalar", "avx2", "avx512", "avx512bf16", "neon" */
    int64_t attention_lanes, attention_keys;      /* of a tile of attention: queries times heads, keys; 0: it goes row by row */
    int64_t attention_pairs;  /* keys of a tile that multiplies bf16 as it is; 0: there is none */
#define HEED_KERNEL(result, name, arguments) result (*name) arguments;
#include "kernels.def"
#undef HEED_KERNEL
} heed_kernels;

/* The best table this machine can run, or the one HEED_ISA names; chosen once, at the first call. */
const heed_kernels *heed_kernels_get(void);
/* Row i of the tables this machine can run, scalar first; NULL past the end. For tests and benchmarks. */
const heed_kernels *heed_kernels_at(int i);

#endif
