/* The hidden Markov model of one pair in one direction (Vogel, Ney and Tillmann 1996; Och and Ney 2003, 2.1.2): each word of the text chooses a state, a word
 * of the other side, and how far it jumps from the word before it decides how probable that is; each state has a twin, in which the word comes from nowhere
 * and the place is kept. How far from the end the last word stops counts too, so that full stops find each other. For the files of this folder. */
#ifndef HEED_ALIGN_MARKOV_H
#define HEED_ALIGN_MARKOV_H

#include "heed/base.h"

enum {
    HEED_LONGEST_SIDE = 1000,      /* words of a side */
    HEED_LANES = 8,                /* rows are padded to a multiple, so that the compiler makes vectors of loops */
    HEED_NEAR_JUMPS = 5,           /* distances with a bucket of their own, on either side of 0 */
    HEED_JUMP_BUCKETS = 2 * (HEED_NEAR_JUMPS + 4) + 1   /* growing with the distance */
};
#define HEED_EMPTY_SHARE 0.2       /* of words that come from nowhere */

static inline int64_t heed_padded(int64_t n) { return (n + HEED_LANES - 1) / HEED_LANES * HEED_LANES; }

/* Jumps of three kinds have weights of their own: from state -1 to that of the first word, between two words, and from the last word's state to state n. The
 * weight of a jump from state i to state k is that of its distance, k - i, divided by the sum over all k of the pair (over all i, of the last). */
typedef enum heed_jump_kind { HEED_JUMP_FIRST, HEED_JUMP_BETWEEN, HEED_JUMP_LAST, HEED_JUMP_KINDS } heed_jump_kind;
typedef double heed_jump_counts[HEED_JUMP_KINDS][HEED_JUMP_BUCKETS];
typedef struct heed_jumps {
    float ahead[2 * HEED_LONGEST_SIDE + 4 * HEED_LANES], back[2 * HEED_LONGEST_SIDE + 4 * HEED_LANES];   /* between: by distance, by its negative */
    double below[2 * HEED_LONGEST_SIDE + 4 * HEED_LANES];                                                /* sums of all before */
    float first[HEED_LONGEST_SIDE + 1], last[HEED_LONGEST_SIDE + 1];                                     /* by distance, from 1 */
    double all_first[HEED_LONGEST_SIDE + 1], all_last[HEED_LONGEST_SIDE + 1];                            /* sums of all up to it */
} heed_jumps;
int heed_jump_bucket(int64_t distance);
void heed_jumps_begin(heed_jumps *j);                                              /* a guess: ahead by one is the most probable */
void heed_jumps_learn(heed_jumps *j, heed_jump_counts count);                      /* how often each bucket was seen */

typedef struct heed_markov heed_markov;   /* room for one pair at a time: one a thread */
heed_markov *heed_markov_new(int64_t longest);   /* side of any pair. NULL: out of memory */
void heed_markov_free(heed_markov *w);

/* A pair: n states, m words; t [m, padded n] p(word | state), zeros in the padding; empty [m] p(word | nowhere), above 0. posterior [m, padded n] gets the probability that the
 * word chose the state. Returns the logarithm of the probability of the words. */
typedef struct heed_markov_pair { int64_t n, m; const float *t, *empty; float *posterior; } heed_markov_pair;
/* jumped: NULL, or has added how often each bucket was seen. */
double heed_markov_run(heed_markov *w, const heed_jumps *j, const heed_markov_pair *p, heed_jump_counts jumped);
double heed_model1_run(const heed_markov_pair *p);                                 /* all states as probable: IBM model 1 */

#endif
