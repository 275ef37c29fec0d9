/* What a benchmark's process held. */
#ifndef HEED_BENCH_MEMORY_H
#define HEED_BENCH_MEMORY_H

#include <stdio.h>

/* The most ever, in MB of 1e6 bytes; 0 where the system does not tell. */
static double most_memory(void)
{
    FILE *in = fopen("/proc/self/status", "r");
    char line[256];
    double kib = 0;
    while (in && fgets(line, sizeof line, in)) sscanf(line, "VmHWM: %lf", &kib);
    if (in) fclose(in);
    return kib * 1024 / 1e6;
}

#endif
