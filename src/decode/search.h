/* The search for an output: greedy, beam, sampling, constrained and forced decoding are one loop, over two functions of whoever holds the model.
 *
 * A beam of K keeps, at each step, the K likeliest of all one-symbol continuations (Sutskever et al. 2014). What ends leaves the beam, which then is one
 * narrower, and leaves the batch; so a beam of 1 is greedy search, and one as wide as all outputs is exhaustive. Continuations are ranked by the sum
 * of ln p; equals by the place of their hypothesis, then by logit, then by number. The limit of length ends what is left, without </s>.
 *
 * With constraints, no continuation breaks them, and the beam is shared out among banks (decode/bank.h). What ends without all that must appear takes no
 * place in the beam; the best of it is the result when nothing else is.
 *
 * A record's hypotheses are compared with each other only, so its result does not depend on the batch. Memory: a node of 24 bytes a symbol tried. */
#ifndef HEED_DECODE_SEARCH_H
#define HEED_DECODE_SEARCH_H

#include "base/arena.h"
#include "decode/constraint.h"
#include "decode/draw.h"
#include "heed/tensor.h"

enum { HEED_MOST_BEAMS = 64 };

typedef struct heed_search {
    void *self;
    int64_t V;
    int32_t first, last;                                     /* <s> and </s> */
    /* Logits [n,V] of the step that follows `before` [n]; NULL: failed, and self knows why. Valid until the next call of
     * either function; in between the search takes nothing from the arena. */
    float *(*logits)(void *self, const int32_t *before, int64_t n);
    /* In the place of logits where only the k likeliest of each row are asked for, which then have the same bits; count NULL: failed. NULL: not offered. */
    heed_ranked (*rank)(void *self, const int32_t *before, int64_t n, int64_t k);
    /* Where not all symbols may follow: those that may not have logits of -inf, and *norms [n] is ln of the sum of e^logit of each row, the bits that `rank` gives.
     * NULL: all may. */
    const float *const *norms;
    /* Keeps these rows, in this order, repeats allowed; false: failed. */
    bool (*select)(void *self, const int64_t *rows, int64_t n);
} heed_search;

/* A symbol that was kept for a step at least, and the one it follows: its place in the list, -1: none. */
typedef struct heed_tried { int64_t before; int32_t id; float logp; } heed_tried;
/* All of them, those before a symbol ahead of it. */
typedef struct heed_search_tree {
    heed_tried *tried;        /* [count] */
    int64_t count, best;      /* best: the last symbol of the best hypothesis; -1: that has none */
} heed_search_tree;

typedef struct heed_search_options {
    int64_t beam;             /* hypotheses kept, from 1 */
    double length_penalty;    /* when the beam is wider than 1, a score is divided by length to this power, </s> counted */
    int64_t draws;            /* 0: the likeliest are kept; else so many are drawn instead, each by itself */
    heed_draw_options draw;
    uint64_t seed;            /* a symbol drawn depends on seed, record, draw and step alone */
    heed_search_tree *tree;   /* gets all that was tried for the only quest, in the arena; NULL: not asked */
    int64_t memories;         /* of the model, which begins with one row for each; 0: as many as quests, numbered as they are */
} heed_search_options;

typedef struct heed_hypothesis {
    int32_t *ids;             /* [n] </s> included */
    float *logp;              /* [n] */
    int64_t *rows;            /* [n] the row of the model that gave the logits of each step */
    int64_t n;
    double score;             /* sum of logp, divided as said above */
    bool ended;               /* with </s>, not by the limit */
} heed_hypothesis;

/* What is sought for one memory. */
typedef struct heed_quest {
    int64_t limit;            /* symbols at most, </s> included */
    const int32_t *forced;    /* [forced_count] the symbols to begin with; as many as the limit: nothing is left to search, and no beam is used */
    int64_t forced_count;
    uint64_t record;          /* for draws */
    int64_t most;             /* hypotheses wanted */
    int64_t memory;           /* its number; not read when they are numbered as the quests */
    int64_t beam;             /* 0: that of the options, which a quest of constraints may need more than: one for each step of them and one */
    const heed_constraints *constraints;     /* NULL: none. Not with draws */
    heed_hypothesis *best;    /* [found] then, in the arena: falling scores; draws in the order drawn */
    int64_t found;
} heed_quest;

/* False: a callback failed or memory ran out. Every quest finds one at least; where constraints forbid all that could follow, it is cut before the words that
 * lead there. */
bool heed_search_run(const heed_search *s, const heed_search_options *how, heed_quest *quests, int64_t B, heed_arena *arena);

#endif
