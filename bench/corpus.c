/* A corpus of any size for bench/stream.sh, cheap to make: corpus LINES SOURCE TARGET [SEED]. Lines have 4 to 12 words; chances fall with 1 / rank up to rank 8,000 and with
 * 1 / rank^2 from there on, without end, as in large texts (Ferrer i Cancho and Sole 2001), so new words keep coming: about half a million in ten million lines. The
 * target says the same words in other syllables from right to left. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"

enum { LEAST = 4, MOST = 12, COMMON = 8000, LONGEST = 32 };

/* The rank in syllables of a consonant and a vowel: frequent words are short. */
static int spell(int64_t rank, const char *consonants, int count, char out[LONGEST])
{
    int n = 0;
    for (int64_t left = rank; left > 0; left /= count * 5) {
        const int64_t digit = left % (count * 5);
        out[n++] = consonants[digit % count];
        out[n++] = "aeiou"[digit / count];
    }
    return n;
}

/* The share of the common words follows from the chance at rank COMMON, where both laws meet. */
static int64_t draw_rank(uint64_t key, uint64_t i)
{
    const double octaves = log(COMMON), common = octaves / (1 + octaves), u = heed_uniform(key, i);
    return (int64_t)(u < common ? exp(u / common * octaves) : COMMON / (1 - (u - common) / (1 - common)));
}

static void write_line(FILE *file, const int64_t *rank, int n, bool reverse)
{
    char word[LONGEST];
    for (int i = 0; i < n; i++) {
        const int size = reverse ? spell(rank[n - 1 - i], "bdghjklmprstvz", 14, word) : spell(rank[i], "bcdfghjklmnpqrstvwxz", 20, word);
        fwrite(word, 1, (size_t)size, file);
        putc(i + 1 < n ? ' ' : '\n', file);
    }
}

int main(int argc, char **argv)
{
    const int64_t lines = argc > 3 ? strtoll(argv[1], NULL, 10) : 0;
    const uint64_t seed = argc > 4 ? strtoull(argv[4], NULL, 10) : 1;
    FILE *source = lines > 0 ? fopen(argv[2], "w") : NULL, *target = source ? fopen(argv[3], "w") : NULL;
    if (!target) return fprintf(stderr, "usage: corpus LINES SOURCE TARGET [SEED]\n"), 2;
    for (int64_t i = 0; i < lines; i++) {
        const uint64_t key = heed_key(seed, (uint64_t)i);
        const int n = LEAST + (int)heed_below(key, 0, MOST - LEAST + 1);
        int64_t rank[MOST];
        for (int k = 0; k < n; k++) rank[k] = draw_rank(key, (uint64_t)k + 1);
        write_line(source, rank, n, false);
        write_line(target, rank, n, true);
    }
    return fclose(source) || fclose(target) ? (perror("corpus"), 1) : 0;
}
