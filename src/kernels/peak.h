/* The most that this machine does: arithmetic in registers and reading of memory. A speed of ours is given as a fraction of it, measured in the same run, since
 * machines of one name differ by two (half-width units, clocks). Each is the best of some tries, in time that threads had
 * a core, since others can only slow it down; each takes about a tenth of a second. */
#ifndef HEED_KERNELS_PEAK_H
#define HEED_KERNELS_PEAK_H

#include "heed/base.h"

/* GF/s of multiply-adds of floats on so many threads together, at the width that is fastest of those up to *bits, which becomes that width; a multiply-add
 * counts as two. 0: no such width. */
double heed_peak_f32(int threads, int *bits);
/* Of products of bf16 that are summed as floats; 0 where there is no instruction for them. */
double heed_peak_bf16(int threads);
/* GB/s (1e9 bytes) that threads together read from blocks of so many bytes a thread, again and again: the size decides which level of memory is measured.
 * 0: no memory for the blocks. */
double heed_peak_reads(int64_t bytes, int threads);

#endif
