/* Chooses the table of kernels: the best this machine can run, unless HEED_ISA names another that it can run too. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/isa.h"

#if defined(__x86_64__) || defined(__i386__)
static bool has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
static bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}
static bool has_avx512bf16(void) { return has_avx512() && __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vnni"); }
#else
static bool has_avx2(void) { return false; }
static bool has_avx512(void) { return false; }
static bool has_avx512bf16(void) { return false; }
#endif

enum { ISAS = 5 };

/* Set once, before the first table is handed out. */
static struct {
    const heed_kernels *runs[ISAS];   /* the worst first */
    const heed_kernels *chosen;
    int count;
} tables;

static void choose(void)
{
    tables.runs[tables.count++] = heed_kernels_scalar();
    if (heed_kernels_avx2() && has_avx2()) tables.runs[tables.count++] = heed_kernels_avx2();
    if (heed_kernels_avx512() && has_avx512()) tables.runs[tables.count++] = heed_kernels_avx512();
    if (heed_kernels_avx512bf16() && has_avx512bf16()) tables.runs[tables.count++] = heed_kernels_avx512bf16();
    if (heed_kernels_neon()) tables.runs[tables.count++] = heed_kernels_neon();
    tables.chosen = tables.runs[tables.count - 1];
    const char *asked = getenv("HEED_ISA");
    for (int i = 0; asked && i < tables.count; i++)
        if (!strcmp(asked, tables.runs[i]->isa)) tables.chosen = tables.runs[i];
}

static void choose_once(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, choose);
}

const heed_kernels *heed_kernels_get(void)
{
    choose_once();
    return tables.chosen;
}

const heed_kernels *heed_kernels_at(int i)
{
    choose_once();
    return i >= 0 && i < tables.count ? tables.runs[i] : NULL;
}
