/* The most float32 arithmetic this machine does: multiply-adds in registers. A speed of ours is given as a fraction of it, measured in the same run:
 * machines of one name differ by two (half-width units, clocks). */
#ifndef HEED_BENCH_PEAK_H
#define HEED_BENCH_PEAK_H

#include <omp.h>

enum { TURNS = 10000000, SUM_COUNT = 12, TRIES = 5 };

typedef struct width { int bits; float (*run)(void); } width;

/* Twelve sums that do not wait for each other: enough for two units with a latency of four or five. Written as instructions, so that the
 * compiler neither drops a sum nor keeps it in memory. */
#define SUMS(do) do(0) do(1) do(2) do(3) do(4) do(5) do(6) do(7) do(8) do(9) do(10) do(11)
#define SUM_START(i) s##i = more * i,
#define SUM_STEP(i) __asm__ volatile(MULTIPLY_ADD : "+" PLACE(s##i) : PLACE(by), PLACE(more));
#define SUM_END(i) +s##i
#define DEFINE_RUN(name, attributes, vector, bytes)                         \
    typedef float vector __attribute__((vector_size(bytes)));               \
    attributes static float name(void)                                      \
    {                                                                       \
        vector by = (vector){0} + 0.999f, more = (vector){0} + 0.001f;      \
        vector SUMS(SUM_START) all;                                         \
        for (long turn = 0; turn < TURNS; turn++) { SUMS(SUM_STEP) }        \
        all = more SUMS(SUM_END);                                           \
        return all[0];                                                      \
    }

#if defined(__x86_64__)
#define MULTIPLY_ADD "vfmadd213ps %2, %1, %0"
#define PLACE "v"
DEFINE_RUN(run_256, __attribute__((target("avx2,fma"))), eight, 32)
DEFINE_RUN(run_512, __attribute__((target("avx512f"))), sixteen, 64)

static int widths(width *w)
{
    int n = 0;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) w[n++] = (width){256, run_256};
    if (__builtin_cpu_supports("avx512f")) w[n++] = (width){512, run_512};
    return n;
}
#else
#define MULTIPLY_ADD "fmla %0.4s, %1.4s, %2.4s"
#define PLACE "w"
DEFINE_RUN(run_128, , four, 16)

static int widths(width *w)
{
    w[0] = (width){128, run_128};
    return 1;
}
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

/* GF/s of all threads at the width that is fastest, and that width in bits; a multiply-add counts as two. */
static double peak_measure(int threads, int *bits)
{
    width w[2];
    const int n = widths(w);
    double most = 0;
    for (int i = 0; i < n; i++) {
        const double rate = measure(&w[i], threads);
        if (rate > most) *bits = w[i].bits, most = rate;
    }
    return most;
}

#endif
