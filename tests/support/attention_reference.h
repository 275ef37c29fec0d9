/* References of include/heed/attention.h: the formulas, one head of one query after another, every weight at hand. In double they say what is right; the
 * same text in float says how far the naive form ends from it, which bounds what a kernel may err by. Both read the settings, spans and strides of a call,
 * and give their results in arrays of their own, side by side. Queries are numbered through the batch, as are keys. */
#ifndef HEED_TESTS_SUPPORT_ATTENTION_REFERENCE_H
#define HEED_TESTS_SUPPORT_ATTENTION_REFERENCE_H

#include "heed/attention.h"

/* What a forward and a backward give; NULL: not wanted. */
typedef struct attention_results {
    double *out, *saved;                          /* [Nq,H,dv], [Nq,H] */
    double *q, *k, *v;                            /* gradients [Nq,H,d], [Nk,Hk,d], [Nk,Hk,dv] */
    double *factor, *additive, *relative, *centre;/* [H], [H,d], [H, 2 reach + 1], [Nq,H]; 0 where the settings have none */
    double *owner;                                /* one block that all are in */
} attention_results;

/* Computes everything from q, k, v and dout (dout.x NULL: forward alone, the rest stays 0); neither data->out nor data->saved is read. */
attention_results attention_reference(const heed_attention *a, const heed_attention_data *data, const heed_attention_in *dout);
/* The same in float, each sum from the first term to the last. bf16: what rotary turns, weights, gradients of
 * scores, and results are rounded to it as well. */
attention_results attention_naive(const heed_attention *a, const heed_attention_data *data, const heed_attention_in *dout);
void attention_results_free(attention_results *r);

/* As heed_attention_weights(): weights, scores [n, keys], in double. */
void attention_reference_weights(const heed_attention *a, const heed_attention_data *data, int64_t sequence, int64_t head, int64_t first, int64_t n,
                                 double *weights, double *scores);

/* What a query sees, and of HEED_SIGHT_centre its place and deviation. Which keys are near a place is decided by the float. */
typedef struct attention_view { int64_t keys, position, window; double place, deviation; float float_place; heed_sight sight; } attention_view;
attention_view attention_view_of(const heed_attention *a, int64_t sequence, int64_t head, int64_t query);      /* query: of the sequence */
bool attention_sees(const attention_view *v, int64_t key);

int64_t attention_heads(const heed_attention *a);
int64_t attention_key_heads(const heed_attention *a);
int64_t attention_key_head(const heed_attention *a, int64_t head);
int64_t attention_value_width(const heed_attention *a);
bool attention_keeps(const heed_attention *a, int64_t sequence, int64_t head, int64_t position, int64_t key);    /* or drops */
heed_weighing attention_weighing(const heed_attention *a);
double attention_read(heed_number type, const void *x, int64_t i);
void attention_write(heed_number type, void *x, int64_t i, double value);      /* rounded to even */
/* Number of the first value of row i (of sequence b's own) under a head. */
int64_t attention_place(const int64_t *start, int64_t b, int64_t i, int64_t h, int64_t sequence, int64_t row, int64_t head);

/* --- problems: settings and data, drawn or made -------------------------------------------------------------------------------------------- */

enum { ATTENTION_SEQUENCES = 6 };

/* How rows lie. `spread`: row by row with gaps between rows and heads. */
typedef enum attention_layout { ATTENTION_ROWS, ATTENTION_HEADS_FIRST, ATTENTION_TOKENS_FIRST, ATTENTION_SPREAD, ATTENTION_LAYOUTS } attention_layout;

/* What to make. is: its numbers count (heads, widths, sequences, ...), arrays are made where `has` asks for them and settings need them. */
typedef struct attention_recipe {
    heed_attention is;
    int64_t queries[ATTENTION_SEQUENCES], keys[ATTENTION_SEQUENCES], position[ATTENTION_SEQUENCES];
    bool has_factor, has_slope, has_relative, has_position;
    attention_layout layout;
    double spread;                       /* deviation of q and k, 0: 1 */
} attention_recipe;

/* Any settings: a function of the key. most: of queries and keys of a sequence, and of widths. */
attention_recipe attention_recipe_draw(uint64_t key, int64_t most_length, int64_t most_width);
/* In words, for messages. */
void attention_recipe_print(const attention_recipe *r, char *text, size_t size);

/* Owns every array. Results are NaN at first, so that what is not written shows; sums that are always added to are 0. */
typedef struct attention_problem {
    heed_attention is;
    heed_attention_data data;
    heed_attention_gradients to;         /* every gradient that the settings have */
    int64_t queries, keys;               /* of all sequences */
    void *owned[24];
    int count;
} attention_problem;
attention_problem *attention_problem_new(const attention_recipe *r, uint64_t key);
void attention_problem_free(attention_problem *p);
/* Strided rows side by side: [rows, heads, width]. start: query_start or key_start of the problem. */
void attention_gather(const attention_problem *p, const int64_t *start, heed_attention_in from, int64_t heads, int64_t width, double *x);

/* The greatest difference of n values, and the root of the mean square. NaN where one of the two is NaN and the other is not. */
typedef struct attention_error { double greatest, mean; } attention_error;
attention_error attention_error_of(const double *got, const double *want, int64_t n);

#endif
