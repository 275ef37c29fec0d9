/* The most float32 arithmetic this machine does, on as many threads as asked (kernels/peak.h).
 *
 *   peak THREADS      prints the width in bits that was fastest, and GF/s of all threads */
#include <stdio.h>
#include <stdlib.h>

#include "kernels/peak.h"

int main(int argc, char **argv)
{
    int bits = 512;
    const double most = heed_peak_f32(argc > 1 ? (int)strtol(argv[1], NULL, 10) : 1, &bits);
    printf("%d %.1f\n", bits, most);
    return most > 0 ? 0 : 1;
}
