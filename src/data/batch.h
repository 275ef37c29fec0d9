/* Batches of pairs: ragged, sorted inside by target length (longest first, ties by record), cut by sentences or by symbols.
 *
 * The loader fills a buffer of records from the corpus, shuffles it with a key of (seed, epoch, block), sorts it by length, cuts it into
 * batches and shuffles their order. Its whole state is three numbers, so a resumed run meets the same batches. */
#ifndef HEED_DATA_BATCH_H
#define HEED_DATA_BATCH_H

#include "data/corpus.h"
#include "data/text.h"
#include "heed/tensor.h"

typedef struct heed_side {
    int32_t *ids;               /* [N], every sequence ends with </s> */
    int64_t N;
    heed_span span;             /* [B+1] */
    uint64_t *keys;             /* [N] key of (record, position): randomness of a row whatever its place in the batch */
    int32_t *word;              /* [N] which word of its text a symbol belongs to, -1: none; NULL: nobody asked */
} heed_side;

/* Links between words of a corpus: of line i, from 1, link[first[i-1]] .. link[first[i]-1] in the order of (target, source). */
typedef struct heed_word_link { uint16_t source, target; } heed_word_link;
typedef struct heed_line_links { const heed_word_link *link; const int64_t *first; int64_t lines; } heed_line_links;

/* What they say of a batch's symbols: the guide of guided attention. */
typedef struct heed_guidance {
    const int64_t *start;       /* [target.N+1] symbol i of the target is linked with key[start[i]] .. key[start[i+1]-1]; NULL: nothing is known of any */
    const int32_t *key;         /* numbers of symbols in the source of the same sequence, rising */
    double share;               /* target symbols of the whole batch for each of them that has links */
} heed_guidance;

typedef struct heed_batch {
    int64_t B;
    heed_side source, target;   /* target.ids NULL when there is none (inference) */
    uint64_t *record;           /* [B] key of the record: heed_key(epoch, line) in training */
    int64_t *line;              /* [B] line in the corpus, from 1; or place in the request, from 0 */
    heed_guidance guide;
} heed_batch;

/* Where links come from and what their words are. */
typedef struct heed_guide_settings {
    const heed_line_links *links;          /* NULL: batches get no guide */
    heed_status (*split)(const char *text, size_t size, bool parted, heed_tokens *words, heed_error *err);   /* the bytes of every word, rising */
    bool parted;
    bool empty;                            /* a word without links, in a pair of texts that has some, looks at the source's </s> */
    bool ends;                             /* and so does the target's </s> */
} heed_guide_settings;

typedef struct heed_loader_settings {
    heed_corpus_settings corpus;
    const heed_text *source, *target;      /* borrowed */
    heed_text_noise source_noise, target_noise;   /* pieces are drawn anew in every epoch, keyed by seed, epoch and line; lengths are those of what was
                                              drawn, but a record that would be too long by that keeps its plain pieces */
    int64_t sentences, tokens;             /* one of them > 0: sentences a batch, or at most that many target symbols (</s> counted) */
    int64_t max_length;                    /* longer records (either side, </s> not counted) are skipped and counted, 0: none;
                                              so are targets that no batch of `tokens` can hold */
    int64_t longest_source, longest_target;   /* what the model can hold, </s> counted; longer ones are skipped alike. 0: any */
    int64_t buffer;                        /* records in the shuffle buffer, 0: 65536 */
    uint64_t seed;
    bool shuffle;                          /* false: validation, order of length only */
    heed_guide_settings guide;             /* the links are borrowed */
} heed_loader_settings;

typedef struct heed_loader_state { int64_t epoch, block, batch; } heed_loader_state;   /* the next batch to come; epoch from 0 */
typedef struct heed_loader_counts { int64_t records, empty, invalid, too_long, unknown; } heed_loader_counts;   /* of the epoch so far; unknown: symbols */

typedef struct heed_loader heed_loader;
heed_loader *heed_loader_new(const heed_loader_settings *settings, heed_error *err);   /* copies the settings, paths included */
void heed_loader_free(heed_loader *l);
/* The next batch; valid until the next call. *end_of_epoch is set (and *b NULL) once after the last batch of an epoch; the call after it starts
 * the next epoch. An epoch without one usable record is HEED_E_DATA. */
heed_status heed_loader_next(heed_loader *l, const heed_batch **b, bool *end_of_epoch, heed_error *err);
heed_loader_state heed_loader_get_state(const heed_loader *l);
heed_status heed_loader_set_state(heed_loader *l, heed_loader_state state, heed_error *err);   /* re-reads the corpus up to the block */
const heed_loader_counts *heed_loader_get_counts(const heed_loader *l);

/* A batch of the caller's own making: B token lists (target NULL when there is none). Keeps the order given unless sort is set
 * (longest target first). Everything in one allocation. */
heed_batch *heed_batch_new(const heed_tokens *source, const heed_tokens *target, int64_t B, const uint64_t *record, const int64_t *line, bool sort,
                           heed_error *err);
void heed_batch_free(heed_batch *b);
/* Sentences [first, first+count) of b as a batch of their own, borrowing its ids and keys; start arrays (each count+1 long) are the caller's. */
void heed_batch_part(const heed_batch *b, int64_t first, int64_t count, int64_t *source_start, int64_t *target_start, heed_batch *part);

#endif
