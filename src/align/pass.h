/* One pass over all pairs: what each word's translation may be, counted. For the files of this folder. */
#ifndef HEED_ALIGN_PASS_H
#define HEED_ALIGN_PASS_H

#include "align/lexicon.h"
#include "align/links.h"
#include "align/markov.h"

typedef struct heed_desk heed_desk;   /* what a thread needs for a pair */

typedef struct heed_pass {
    const heed_side *side;            /* [2] */
    heed_lexicon lexicon;
    heed_jumps jumps[2];
    heed_count jumped[2][HEED_JUMP_KINDS][HEED_JUMP_BUCKETS];
    heed_desk **desks;                /* [threads] */
    int threads;
    bool markov;                      /* IBM model 1 otherwise */
    bool agree;                       /* counted is what both directions find probable: the product (of the Markov model) */
    bool (*stop)(void *user);
    void *user;
    heed_count surprise[2];           /* of the last pass: - ln p of all words of a direction */
} heed_pass;

heed_status heed_pass_begin(heed_pass *p, const heed_side side[2], int threads, heed_error *err);
void heed_pass_end(heed_pass *p);
heed_status heed_pass_count(heed_pass *p, heed_error *err);       /* HEED_E_STOPPED */
void heed_pass_learn(heed_pass *p, const heed_prior *prior);      /* from what was counted; jumps too, if they were */
/* Links from what both directions find probable. forward, reverse: [texts] or NULL. HEED_E_NOMEM, HEED_E_STOPPED. */
heed_status heed_pass_link(heed_pass *p, heed_links *forward, heed_links *reverse, heed_error *err);

#endif
