/* The most arithmetic this machine does: multiply-adds in registers, of float32 and, where it has them, of pairs of bfloat16. A speed of ours is given as a
 * fraction of it, measured in the same run: machines of one name differ by two (half-width units, clocks). */
#ifndef HEED_BENCH_PEAK_H
#define HEED_BENCH_PEAK_H

#include <omp.h>

enum { TURNS = 10000000, SUM_COUNT = 12, TRIES = 5 };

typedef struct width { int bits; float (*run)(void); } width;

/* Twelve sums that do not wait for each other: enough for two units with a latency of four or five. Written as instructions, so that the
 * compiler neither drops a sum nor keeps it in memory. */
#define SUMS(do, with) do(0, with) do(1, with) do(2, with) do(3, with) do(4, with) do(5, with) do(6, with) do(7, with) do(8, with) do(9, with) do(10, with) do(11, with)
#define SUM_START(i, more) s##i = more * i,
#define SUM_STEP(i, instruction) __asm__ volatile(instruction : "+" PLACE(s##i) : PLACE(by), PLACE(more));
#define SUM_END(i, more) +s##i
#define DEFINE_RUN(name, attributes, vector, bytes, instruction)            \
    typedef float vector __attribute__((vector_size(bytes)));               \
    attributes static float name(void)                                      \
    {                                                                       \
        vector by = (vector){0} + 0.999f, more = (vector){0} + 0.001f;      \
        vector SUMS(SUM_START, more) all;                                   \
        for (long turn = 0; turn < TURNS; turn++) { SUMS(SUM_STEP, instruction) } \
        all = more SUMS(SUM_END, more);                                     \
        return all[0];                                                      \
    }

#if defined(__x86_64__)
#define PLACE "v"
DEFINE_RUN(run_256, __attribute__((target("avx2,fma"))), eight, 32, "vfmadd213ps %2, %1, %0")
DEFINE_RUN(run_512, __attribute__((target("avx512f"))), sixteen, 64, "vfmadd213ps %2, %1, %0")
DEFINE_RUN(run_bf16, __attribute__((target("avx512f"))), sixteen_of_pairs, 64, "vdpbf16ps %2, %1, %0")

static int widths(width *w)
{
    int n = 0;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) w[n++] = (width){256, run_256};
    if (__builtin_cpu_supports("avx512f")) w[n++] = (width){512, run_512};
    return n;
}

static inline width width_of_bf16(void)   /* bits 0: none */
{
    return __builtin_cpu_supports("avx512bf16") ? (width){512, run_bf16} : (width){0};
}
#else
#define PLACE "w"
DEFINE_RUN(run_128, , four, 16, "fmla %0.4s, %1.4s, %2.4s")

static int widths(width *w)
{
    w[0] = (width){128, run_128};
    return 1;
}

static inline width width_of_bf16(void) { return (width){0}; }
#endif

/* The best of some tries, since others can only slow it down. */
static double measure(const width *w, int threads)
{
    const double work = 2.0 * TURNS * SUM_COUNT * (w->bits / 32) * threads;
    double best = 0;
    volatile float sink = 0;
    for (int i = 0; i < TRIES; i++) {
        const double began = omp_get_wtime();
        float sum = 0;
#pragma omp parallel num_threads(threads) reduction(+ : sum)
        sum += w->run();
        sink = sink + sum;
        const double rate = work / (omp_get_wtime() - began) / 1e9;
        if (rate > best) best = rate;
    }
    return best;
}

/* GF/s of all threads at the width that is fastest of those up to `bits`, which becomes that width; a multiply-add counts as two. */
static double peak_measure_within(int threads, int *bits)
{
    width w[2];
    const int n = widths(w), most_bits = *bits;
    double most = 0;
    for (int i = 0; i < n && w[i].bits <= most_bits; i++) {
        const double rate = measure(&w[i], threads);
        if (rate > most) *bits = w[i].bits, most = rate;
    }
    return most;
}

static inline double peak_measure(int threads, int *bits)
{
    *bits = 512;
    return peak_measure_within(threads, bits);
}

/* Of products of bfloat16 that are summed in float32; 0 where there is no instruction for them. */
static inline double peak_measure_bf16(int threads)
{
    const width w = width_of_bf16();
    return w.run ? 2 * measure(&w, threads) : 0;
}

#endif
