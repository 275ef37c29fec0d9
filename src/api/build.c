/* heed_build: what this library was made of and what it runs on. */
#include <pthread.h>
#include <stdio.h>

#include "heed.h"
#include "kernels/gemm.h"
#include "kernels/kernels.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char chosen[120];

static void describe(void)
{
    char library[32];
    heed_gemm_library(library, sizeof library);
    snprintf(chosen, sizeof chosen, "heed %s, %s, %s, OpenMP", HEED_VERSION, heed_kernels_get()->isa, library);
}

const char *heed_build(void)
{
    pthread_once(&once, describe);
    return chosen;
}
