/* heed/faithful.h: the part of heed.h that tells which lens can be believed. heed.h includes it where it belongs; it is not to be included by itself. */
#ifndef HEED_FAITHFUL_H
#define HEED_FAITHFUL_H

#include "heed/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A mean over pairs, and between which bounds 95 % of corpora drawn anew from them have it (the bootstrap). */
typedef struct heed_estimate { double value, low, high; } heed_estimate;

/* What one lens is worth on a corpus. Probabilities are those of the symbols that were judged, the symbols before them given. */
typedef struct heed_trusted {
    const heed_lens *lens;             /* NULL: random orders */
    heed_estimate deleted, blanked;    /* comprehensiveness: by how much p falls without the symbols that the lens puts first, where they leave the text, and
                                          where their embeddings are the vocabulary's mean; higher is better */
    heed_estimate sufficiency;         /* by how much p falls with these alone; lower is better */
    heed_estimate gain;                /* how much better than random orders: the mean of both, a lens that deletes is not judged by `deleted` */
    heed_estimate first;               /* of the links that were given, the share whose source word the lens puts first; NAN: none were given */
    bool passed;                       /* gain is above 0 for certain (low), and so is each of what it is the mean of */
} heed_trusted;

typedef struct heed_faithful {
    const heed_trusted *lenses; int count;      /* the greatest gain first: the order in which to ask them */
    heed_trusted random;
    int64_t pairs, left_out;           /* that were judged; without symbols on a side, or too long */
    int64_t symbols;                   /* target symbols that were judged */
    int64_t links;
    void *owner;
} heed_faithful;

typedef struct heed_faithful_options {
    const char *source, *target;       /* files side by side, or a TSV and NULL; "-": standard input */
    bool own;                          /* judge what the model writes, instead of the target, which need not be there */
    const char *truth;                 /* file of links as of heed_links_score(), words from 0: which source word decides a target word; NULL: none */
    const char *const *lenses; int lens_count;  /* as for heed_lens_choose(); 0: all, integrated-gradients too */
    const char *baseline;              /* of lenses of gradients: "zero", "mean", "unk"; NULL: zero */
    int64_t pairs;                     /* the first so many; 0: 1,000 */
    int64_t symbols;                   /* of a pair's target symbols so many are judged, drawn by number of the pair; 0: 8 */
    bool (*progress)(void *user, int64_t pairs, int64_t of);      /* now and then; false: leave with HEED_E_STOPPED. NULL: none */
    void *user;
} heed_faithful_options;

/* Over a corpus: which lens to trust for this model. Pairs are spread over the session's threads; the figures do not depend on their number. Memory: 100 bytes a
 * pair and lens, and of every thread the weights once more where a lens needs gradients. HEED_E_DATA: a file is missing, empty or damaged, sides of different
 * length, links outside the sentence; HEED_E_USAGE: a lens that there is not, or one that needs attention of a model without; an ensemble; HEED_E_MODEL: ln p is
 * not a number; HEED_E_STOPPED; HEED_E_NOMEM. The result is the caller's, heed_faithful_free(). */
HEED_API heed_faithful *heed_faithful_measure(heed_session *s, const heed_faithful_options *options, heed_error *err);
HEED_API void heed_faithful_free(heed_faithful *f);           /* NULL is fine */
/* Keeps the order of the lenses and their figures in attn.json of the model directory that the session's model was opened from. HEED_E_MODEL, HEED_E_IO,
 * HEED_E_NOMEM. */
HEED_API heed_status heed_faithful_store(const heed_faithful *f, const char *dir, heed_error *err);

/* --- does it need its attention as it is? --------------------------------------------------------------------------------------------------------- */

/* Other weights in the place of all cross attention's, every layer and head of it, nothing learnt anew. */
typedef enum heed_attention_change {
    HEED_CHANGE_PERMUTED,              /* those of each row among the keys it can see, drawn 10 times (Jain and Wallace 2019); figures are means of the draws */
    HEED_CHANGE_UNIFORM,               /* the same for every key that can be seen (Wiegreffe and Pinter 2019) */
    HEED_CHANGE_OTHER,                 /* those of another model on the same pair (Wiegreffe and Pinter's frozen weights, but nothing is trained around them) */
    HEED_CHANGE_MODEL,                 /* that model as it is, in the place of this one: its adversary, say (Wiegreffe and Pinter 2019, section 4) */
    HEED_CHANGES
} heed_attention_change;
HEED_API const char *heed_attention_change_name(heed_attention_change c);      /* "permuted", "uniform", "other", "model" */

/* What became of the target's symbols, those before them given. */
typedef struct heed_attention_changed {
    heed_attention_change change;
    heed_estimate loss;                /* -ln p of a symbol */
    heed_estimate same;                /* share of symbols where the likeliest is still the same */
    heed_estimate distance, median;    /* total variation distance of the distribution to the model's own, 0 .. 1: mean and median over symbols */
    heed_estimate divergence;          /* Jensen-Shannon divergence of the weights to the model's own, 0 .. ln 2, of a layer, head and symbol */
} heed_attention_changed;

typedef struct heed_needed {
    heed_estimate loss;                /* of the model as it is */
    heed_attention_changed changed[HEED_CHANGES]; int count;      /* other and model are missing when no other was given */
    int layers, heads;                 /* that were changed */
    int64_t pairs, left_out;           /* that were changed; without symbols on a side, or too long */
    int64_t symbols;
} heed_needed;

typedef struct heed_needed_options {
    const char *source, *target;       /* as in heed_faithful_options */
    bool own;
    const heed_model *other;           /* NULL: none */
    int64_t pairs;
    bool (*progress)(void *user, int64_t pairs, int64_t of);
    void *user;
} heed_needed_options;

/* Over a corpus: what other weights of attention do to the model. Pairs are spread over the session's threads; the figures do not depend on their number. Cost: 13
 * forward passes a pair. Memory: 8 bytes a symbol and change; of every thread 200 MB at most for the weights and distributions of a pair, and pairs with more than
 * 4 million weights (layers x heads x symbols x symbols) or 16 million probabilities (symbols x vocabulary) are left out. Errors: those of
 * heed_faithful_measure(); HEED_E_USAGE: a model without attention, or an other with other layers, heads or vocabularies. */
HEED_API heed_status heed_needed_measure(heed_session *s, const heed_needed_options *options, heed_needed *found, heed_error *err);

#ifdef __cplusplus
}
#endif
#endif
