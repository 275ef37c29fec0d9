/* Explanations made up for tests of the page: what a model might say, with numbers drawn from a seed. */
#ifndef HEED_TESTS_PAGE_STORY_H
#define HEED_TESTS_PAGE_STORY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Words stand apart by blanks, pieces of a word by '|'. links: "0-0 1-2", words from 0, the truth that most scores follow. */
typedef struct story {
    const char *source, *target, *links;
    uint64_t seed;
    int layers, heads;               /* of each site; 0: no attention */
    bool film, beams, what_if, trust;
} story;

json_t *story_explanation(const story *s);                                                /* the caller's */
json_t *story_square(int64_t symbols, int lenses, bool half, uint64_t seed);              /* as many symbols read as written */
json_t *story_hostile(uint64_t seed);                                                     /* 500 strings that a careless page would run, obey or trip over */
json_t *story_corpus(const story *of, int stories, int items, uint64_t seed);             /* of two models */
json_t *story_plain(const story *s);                                                      /* as heed prints it without lenses */

/* --- parts --- */
double story_random(uint64_t *state);                                                     /* in [0, 1) */
json_t *story_matrix(const float *values, int64_t rows, int64_t cols, bool half);

#endif
