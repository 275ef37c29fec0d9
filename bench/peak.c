/* The most arithmetic this machine does, on as many threads as asked (kernels/peak.h).
 *
 *   peak THREADS      prints the width in bits that was fastest with float32, GF/s of all threads, and GF/s with bf16, 0.0 where there are no instructions for it */
#include <stdio.h>
#include <stdlib.h>

#include "kernels/peak.h"

int main(int argc, char **argv)
{
    int bits = 512;
    const int threads = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 1;
    const double most = heed_peak_f32(threads, &bits);
    printf("%d %.1f %.1f\n", bits, most, heed_peak_bf16(threads));
    return most > 0 ? 0 : 1;
}
