/* How the problems of some cases are laid out, for those who bring sizes and values of their own (tests/golden/test_torch.c). Inputs are filled
 * with random values; those who lay set them afterwards. What is returned is to be filled as well. */
#ifndef HEED_TESTS_LAY_H
#define HEED_TESTS_LAY_H

#include "grad.h"

void grad_lay_tanh(problem *p, int64_t rows, int64_t cols);
void grad_lay_linear(problem *p, int64_t rows, int64_t wide, int64_t out, bool bias);
int32_t *grad_lay_embed(problem *p, int64_t V, int64_t D, int64_t n);                                       /* ids [n] */
int32_t *grad_lay_output_loss(problem *p, int64_t N, int64_t D, int64_t V, double smoothing, double w, bool view);   /* targets [N] */
void grad_lay_activate(problem *p, heed_activation kind, int64_t rows, int64_t cols);
void grad_lay_glu(problem *p, int64_t rows, int64_t D);
void grad_lay_norm(problem *p, int64_t rows, int64_t D);
void grad_lay_rnn(problem *p, heed_cell_kind cell, bool reverse, bool bias, int64_t H, heed_span span);      /* H < 8 */
/* One of attention_case_at(), whose levels it keeps; inputs q, memory, and the weights in the order of heed_attn. */
void grad_lay_attention(problem *p, heed_span queries, heed_span keys, int64_t window, int64_t Dq, int64_t Dm, int64_t D);

/* What dropout keeps of a problem's [rows,cols], for cases that have it: p->own afterwards. */
enum { DROPOUT_SITE = 5 };
typedef struct dropped { uint64_t *keys; double rate; bool *keep; } dropped;
void grad_draw_mask(problem *p, int64_t rows, int64_t cols);
num grad_dropout_factor(const problem *p, int64_t i);   /* of element i: 0 or 1 / (1 - rate) */

#endif
