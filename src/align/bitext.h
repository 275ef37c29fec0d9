/* Word alignment without a network, learnt from the pairs alone: IBM model 1, then a hidden Markov model of the jumps between words (Brown et al. 1993; Vogel et al.
 * 1996; Och and Ney 2003), trained by expectation and maximisation in both directions at once, where the second counts only what both directions agree on
 * (Liang, Taskar and Klein 2006). Translation tables have a sparse prior (Riley and Gildea 2012) that knows two more things: words that look alike translate
 * each other as often as such pairs were found to do, and words that begin alike translate alike. The teacher of guided attention, and an aligner of its own.
 * The result does not depend on the number of threads. Memory: about 30 bytes for every two words that stand in some pair together; time: 6 million pairs of
 * places a second and thread, once for each iteration. */
#ifndef HEED_ALIGN_BITEXT_H
#define HEED_ALIGN_BITEXT_H

#include "align/links.h"
#include "data/text.h"

typedef struct heed_bitext heed_bitext;

typedef struct heed_bitext_settings {
    bool lower;               /* upper and lower case are the same word */
    bool parted;              /* punctuation is a word of its own (data/words.h); links are then between such words, not what white space parts */
    int threads;              /* 0: all cores this process may use */
    int model1, markov;       /* iterations of either; 0: the default, 2 and 6 */
} heed_bitext_settings;

heed_bitext *heed_bitext_new(const heed_bitext_settings *settings, heed_error *err);
void heed_bitext_free(heed_bitext *b);
/* Adds a pair; a side without words is kept, and gets no links. HEED_E_DATA: not UTF-8; HEED_E_LIMIT: more than 1,000 words; HEED_E_NOMEM. */
heed_status heed_bitext_add(heed_bitext *b, const char *source, size_t source_size, const char *target, size_t target_size, heed_error *err);
int64_t heed_bitext_count(const heed_bitext *b);
/* Learns from all pairs and links them: forward [count] (each target word has at most one source word), reverse [count] (each source word has at most one
 * target word), either or NULL, set as by heed_links_set, source - target in either. Both follow what the two directions think together, so either is of use
 * alone. stop is polled every 16,384 pairs of an iteration, on the calling thread (NULL: never). HEED_E_STOPPED; HEED_E_NOMEM. */
heed_status heed_bitext_align(heed_bitext *b, heed_links *forward, heed_links *reverse, bool (*stop)(void *user), void *user, heed_error *err);

/* Learns likewise and tells of each word of the source, in the order in which they came, what it translates to: count targets, the likeliest first, at most `most` (of
 * equals those that came first). False: stop, HEED_E_STOPPED. HEED_E_NOMEM. */
typedef bool heed_bitext_tell(void *user, const char *source, const char *const *target, int64_t count);
heed_status heed_bitext_translations(heed_bitext *b, int64_t most, heed_bitext_tell *tell, void *user, heed_error *err);

/* Replaces `out` with the words that bitext and links mean, as bytes of the text as given: item[i].start, .end; item[i].id is i. HEED_E_DATA: not UTF-8;
 * HEED_E_LIMIT: 2 GiB or more; HEED_E_NOMEM. */
heed_status heed_bitext_words(const char *text, size_t size, bool parted, heed_tokens *out, heed_error *err);

#endif
