/* Loops that do nothing but multiply and add, or read: kernels/peak.h. */
#include "kernels/peak.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/stopwatch.h"

enum { TURNS = 10000000, SUM_COUNT = 12, TRIES = 5 };

/* --- arithmetic ---------------------------------------------------------------------------------------------------------------------- */

typedef struct width { int bits; float (*run)(void); } width;   /* bits 0: none */

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

static width width_of_bf16(void) { return __builtin_cpu_supports("avx512bf16") ? (width){512, run_bf16} : (width){0}; }
#else
#define PLACE "w"
DEFINE_RUN(run_128, , four, 16, "fmla %0.4s, %1.4s, %2.4s")

static int widths(width *w)
{
    w[0] = (width){128, run_128};
    return 1;
}

static width width_of_bf16(void) { return (width){0}; }
#endif

static double measure(const width *w, int threads)
{
    const double work = 2e-9 * TURNS * SUM_COUNT * (w->bits / 32);   /* of a thread */
    double best = 0;
    volatile float sink = 0;
    for (int i = 0; i < TRIES; i++) {
        double rate = 0;
        float sum = 0;
#pragma omp parallel num_threads(threads) reduction(+ : sum, rate)
        {
            const double began = heed_core_clock();
            sum += w->run();
            rate += work / (heed_core_clock() - began);
        }
        sink = sink + sum;
        if (rate > best) best = rate;
    }
    return best;
}

double heed_peak_f32(int threads, int *bits)
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

double heed_peak_bf16(int threads)
{
    const width w = width_of_bf16();
    return w.run ? 2 * measure(&w, threads) : 0;
}

/* --- reading --------------------------------------------------------------------------------------------------------------------------- */

enum { STEP = 1024, READ_AT_ONCE = 64 << 20 };   /* bytes of a turn of the loop: a block is a multiple of it; of a try, at least */

typedef float line __attribute__((vector_size(64)));

typedef float read_block(const char *block, int64_t bytes);

/* Sixteen sums, so that none waits for another. */
static inline __attribute__((always_inline)) float read_lines(const char *block, int64_t bytes)
{
    line sum[16] = {0};
    for (const line *x = (const line *)block, *end = (const line *)(block + bytes); x < end; x += 16)
        for (int i = 0; i < 16; i++) sum[i] += x[i];
    for (int i = 1; i < 16; i++) sum[0] += sum[i];
    __asm__ volatile("" ::: "memory");   /* or one reading would do for all turns */
    return sum[0][0];
}

static float read_plain(const char *block, int64_t bytes) { return read_lines(block, bytes); }

#if defined(__x86_64__)
__attribute__((target("avx2"))) static float read_256(const char *block, int64_t bytes) { return read_lines(block, bytes); }
__attribute__((target("avx512f"))) static float read_512(const char *block, int64_t bytes) { return read_lines(block, bytes); }

static read_block *widest_reader(void)
{
    return __builtin_cpu_supports("avx512f") ? read_512 : __builtin_cpu_supports("avx2") ? read_256 : read_plain;
}
#else
static read_block *widest_reader(void) { return read_plain; }
#endif

double heed_peak_reads(int64_t bytes, int threads)
{
    const int64_t size = (bytes + STEP - 1) / STEP * STEP, turns = 1 + READ_AT_ONCE / size;
    char *blocks = aligned_alloc(4096, (size_t)((size * threads + 4095) / 4096 * 4096));
    read_block *const reader = widest_reader();
    double best = 0;
    volatile float sink = 0;
    if (!blocks) return 0;
    memset(blocks, 0, (size_t)(size * threads));
    for (int i = 0; i < TRIES; i++) {
        double rate = 0;
        float sum = 0;
#pragma omp parallel num_threads(threads) reduction(+ : sum, rate)
        {
            const char *block = blocks + size * omp_get_thread_num();
            sum += reader(block, size);
#pragma omp barrier
            const double began = heed_core_clock();
            for (int64_t turn = 0; turn < turns; turn++) sum += reader(block, size);
            rate += 1e-9 * (double)(size * turns) / (heed_core_clock() - began);
        }
        sink = sink + sum;
        if (rate > best) best = rate;
    }
    free(blocks);
    return best;
}
