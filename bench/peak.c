/* The most float32 arithmetic this machine does, on as many threads as asked (bench/peak.h).
 *
 *   peak THREADS      prints the width in bits that was fastest, and GF/s of all threads */
#include "peak.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    int bits = 0;
    const double most = peak_measure(argc > 1 ? (int)strtol(argv[1], NULL, 10) : 1, &bits);
    printf("%d %.1f\n", bits, most);
    return most > 0 ? 0 : 1;
}
