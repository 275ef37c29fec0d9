/* Pairs of lines, with their gold links, read in rounds: what heed_files_align() and heed_calibrate() work on. */
#ifndef HEED_API_PAIRS_H
#define HEED_API_PAIRS_H

#include "align/links.h"
#include "base/arena.h"
#include "data/lines.h"
#include "heed.h"

enum { HEED_PAIRS_ROUND = 256 };

typedef struct heed_pair {
    int64_t line;                     /* from 1 */
    const char *source, *target;      /* of this round */
    const char *gold;                 /* NULL: not scored */
    size_t gold_size;
} heed_pair;

typedef struct heed_pairs {
    const heed_align_options *options;
    heed_lines *file[3];
    const char *name[3];              /* source, target, gold */
    int files;
    int64_t lines;                    /* read so far */
    int64_t most;                     /* pairs a round, at most HEED_PAIRS_ROUND */
    heed_arena *arena;                /* a round's texts */
    heed_pair pair[HEED_PAIRS_ROUND];
    int64_t count;                    /* of this round; 0: there are no more */
    heed_links sure, possible, found; /* of the pair that was looked up last; found is the caller's */
} heed_pairs;

/* The options must outlive it. HEED_E_USAGE: no source or target; HEED_E_DATA: a file cannot be opened; HEED_E_NOMEM. */
heed_status heed_pairs_open(heed_pairs *p, const heed_align_options *options, heed_error *err);
void heed_pairs_close(heed_pairs *p);         /* also after heed_pairs_open failed */
heed_status heed_pairs_rewind(heed_pairs *p, heed_error *err);
/* The next round in place of the last. all: also the pairs that are not scored. HEED_E_DATA: see heed_files_align(), or a range beyond the last line;
 * HEED_E_NOMEM. */
heed_status heed_pairs_next(heed_pairs *p, bool all, heed_error *err);
/* Sets sure and possible to the gold links of pair i, which has a gold line, from 0 and source - target. HEED_E_DATA: file, line, place; HEED_E_NOMEM. */
heed_status heed_pairs_gold(heed_pairs *p, int64_t i, int64_t source_words, int64_t target_words, heed_error *err);
/* What happened to a pair, with file and line before it. */
heed_status heed_pairs_fail(const heed_pairs *p, int64_t i, heed_status status, const char *what, heed_error *err);

void heed_figures_of(const heed_link_counts *counts, int64_t lines, heed_align_figures *figures);

#endif
