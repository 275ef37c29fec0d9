/* The kernels in plain C, for every machine: the reference of tests/isa. */
#include "kernels/isa.h"

#define HEED_ISA_NAME "scalar"
#include "kernels/scalar.inc"
#include "kernels/attention_backward.h"

enum { ATTENTION_LANES = 0, ATTENTION_KEYS = 0, ATTENTION_PAIRS = 0 };
static void kernel_attention_forward(const heed_attention_job *job, const heed_attention_unit *unit, int64_t units, const heed_attention_unit *next, void *room)
{
    (void)next;
    for (int64_t i = 0; i < units; i++) heed_attention_rows(job, unit + i, room);
}
static void kernel_attention_backward(const heed_attention_back *x, const heed_attention_range *u, void *room) { heed_attention_rows_back(x, u, room); }

#include "kernels/attention_decode_scalar.inc"
#include "kernels/gradient_scalar.inc"
#include "kernels/lines_scalar.inc"

static void kernel_lines(const heed_lines *l) { lines_plain(l); }

#include "kernels/table.inc"

const heed_kernels *heed_kernels_scalar(void) { return &table; }
