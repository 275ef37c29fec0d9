/* One step of a cell for one row, in the reference's numbers; for ref_rnn.c and ref_rnn_step.c. */
#ifndef HEED_TESTS_REF_CELL_H
#define HEED_TESTS_REF_CELL_H

#include "num.h"

/* gx, gh [3H] in the order r z n; h, out [H]. */
void ref_gru(num *out, const num *gx, const num *gh, const num *h, int64_t H);
/* Adds to dgx, dgh, dh what dout brings. */
void ref_gru_back(num *dgx, num *dgh, num *dh, const num *dout, const num *gx, const num *gh, const num *h, int64_t H);

/* gx, gh [4H] in the order i f g o; c, h_out, c_out [H]. */
void ref_lstm(num *h_out, num *c_out, const num *gx, const num *gh, const num *c, int64_t H);
/* Adds to dgx, dgh, dc what dh_out and dc_out bring. */
void ref_lstm_back(num *dgx, num *dgh, num *dc, const num *dh_out, const num *dc_out, const num *gx, const num *gh, const num *c, int64_t H);

#endif
