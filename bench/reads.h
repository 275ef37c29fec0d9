/* How fast this machine reads: sums over a block that is read again and again, each thread its own. The size decides which level of memory is measured. */
#ifndef HEED_BENCH_READS_H
#define HEED_BENCH_READS_H

#include <omp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { READ_TRIES = 5, READ_STEP = 1024 };   /* bytes of a turn of the loop: a block is a multiple of it */

typedef float read_vector __attribute__((vector_size(64)));

#if defined(__x86_64__)
#define READ_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define READ_CLONES
#endif

/* Sixteen sums, so that none waits for another. */
READ_CLONES static float read_block(const char *block, int64_t bytes)
{
    read_vector sum[16] = {0};
    for (const read_vector *x = (const read_vector *)block, *end = (const read_vector *)(block + bytes); x < end; x += 16)
        for (int i = 0; i < 16; i++) sum[i] += x[i];
    for (int i = 1; i < 16; i++) sum[0] += sum[i];
    __asm__ volatile("" ::: "memory");   /* or one reading would do for all turns */
    return sum[0][0];
}

/* GB/s (1e9 bytes) of all threads together over blocks of so many bytes a thread: the best of some tries; 0 without memory. */
static inline double reads_measure(int64_t bytes, int threads)
{
    const int64_t size = (bytes + READ_STEP - 1) / READ_STEP * READ_STEP, turns = 1 + (64 << 20) / size;
    char *blocks = aligned_alloc(4096, (size_t)((size * threads + 4095) / 4096 * 4096));
    double best = 0;
    volatile float sink = 0;
    if (!blocks) return 0;
    memset(blocks, 0, (size_t)(size * threads));
    for (int i = 0; i < READ_TRIES; i++) {
        double began = 0;
        float sum = 0;
#pragma omp parallel num_threads(threads) reduction(+ : sum)
        {
            sum += read_block(blocks + size * omp_get_thread_num(), size);
#pragma omp barrier
#pragma omp master
            began = omp_get_wtime();
            for (int64_t turn = 0; turn < turns; turn++) sum += read_block(blocks + size * omp_get_thread_num(), size);
        }
        const double rate = (double)(size * turns * threads) / (omp_get_wtime() - began) / 1e9;
        sink = sink + sum;
        if (rate > best) best = rate;
    }
    free(blocks);
    return best;
}

#endif
