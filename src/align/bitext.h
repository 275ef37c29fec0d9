/* Word alignment without a network: IBM model 1, then a hidden Markov model of the jumps between source words, both trained by expectation and
 * maximisation in both directions, joined by one of the rules of links.h (Brown et al. 1993; Vogel et al. 1996; Och and Ney 2003). The teacher of guided
 * attention, and an aligner of its own. Pairs are held as numbers of words; the result does not depend on the number of threads. */
#ifndef HEED_ALIGN_BITEXT_H
#define HEED_ALIGN_BITEXT_H

#include "align/links.h"
#include "data/text.h"

typedef struct heed_bitext heed_bitext;

typedef struct heed_bitext_settings {
    bool lower;               /* upper and lower case are the same word */
    bool parted;              /* punctuation is a word of its own (data/words.h); links are then between such words, not what white space parts */
    int threads;              /* 0: all cores this process may use */
    int model1, markov;       /* iterations of either; 0: the default */
} heed_bitext_settings;

heed_bitext *heed_bitext_new(const heed_bitext_settings *settings, heed_error *err);
void heed_bitext_free(heed_bitext *b);
/* Adds a pair; a side without words is kept, and gets no links. HEED_E_DATA: not UTF-8; HEED_E_LIMIT: more than 1,000 words; HEED_E_NOMEM. */
heed_status heed_bitext_add(heed_bitext *b, const char *source, size_t source_size, const char *target, size_t target_size, heed_error *err);
int64_t heed_bitext_count(const heed_bitext *b);
/* Learns from all pairs in one direction (reverse: target words choose among source words are exchanged) or both, and links them: forward, reverse [count]
 * or NULL, set as by heed_links_set, source - target in either. stop is polled between iterations (NULL: never). HEED_E_STOPPED; HEED_E_NOMEM. */
heed_status heed_bitext_align(heed_bitext *b, heed_links *forward, heed_links *reverse, bool (*stop)(void *user), void *user, heed_error *err);

/* Replaces `out` with the words that bitext and links mean, as bytes of the text as given: item[i].start, .end; item[i].id is i. HEED_E_DATA: not UTF-8;
 * HEED_E_LIMIT: 2 GiB or more; HEED_E_NOMEM. */
heed_status heed_bitext_words(const char *text, size_t size, bool parted, heed_tokens *out, heed_error *err);

#endif
