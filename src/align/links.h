/* Links between words of two texts: read, written, joined, held against gold. A link is a pair (source word, target word), from 0; words are what white
 * space parts, as everywhere that links are printed. A set holds no link twice and is kept in the order of (source, target). */
#ifndef HEED_ALIGN_LINKS_H
#define HEED_ALIGN_LINKS_H

#include "base/buf.h"
#include "heed.h"

typedef struct heed_links { heed_link *link; int64_t count, capacity; } heed_links;   /* {0} is empty; heed_links_free gives the memory back */
void heed_links_free(heed_links *l);
heed_status heed_links_set(heed_links *l, const heed_link *link, int64_t count, heed_error *err);   /* a copy, in order, without repeats. HEED_E_NOMEM */
bool heed_links_have(const heed_links *l, heed_link one);

/* Reads "0-1 2-3": a line of Pharaoh links, counted from `base` (0 or 1), in place of what the sets held; "2p3" is a possible link, which goes to `possible`
 * alone (NULL: refused). Sure links go to `sure` and, as is the rule of AER, to `possible` as well. words: how many there are on each side; <= 0, or words NULL:
 * not known, any number below 1,000,000. HEED_E_DATA: what is no link, a link outside the sentence, each with its place in the line, and both sets are empty;
 * HEED_E_NOMEM. */
heed_status heed_links_parse(const char *text, size_t size, int base, const int64_t words[2], heed_links *sure, heed_links *possible, heed_error *err);
void heed_links_write(const heed_links *l, heed_buf *out);                  /* "0-1 2-3", no end of line */
void heed_links_swap(heed_links *l);                                        /* sides exchanged */

/* --- two directions made one (Och and Ney 2003; Koehn et al. 2003) -------------------------------------------------------------------------- */

typedef enum heed_symmetry { HEED_SYMMETRY_INTERSECT, HEED_SYMMETRY_UNION, HEED_SYMMETRY_GROW_DIAG, HEED_SYMMETRY_GROW_DIAG_FINAL_AND, HEED_SYMMETRY_COUNT } heed_symmetry;
const char *heed_symmetry_name(heed_symmetry s);                            /* "intersect", "union", "grow-diag", "grow-diag-final-and" */
bool heed_symmetry_find(const char *name, heed_symmetry *s);
/* Both as links source - target. Replaces what `out` held, which is neither of the two. Time: of the order of their number and its logarithm. HEED_E_NOMEM. */
heed_status heed_links_join(const heed_links *forward, const heed_links *reverse, heed_symmetry how, heed_links *out, heed_error *err);
/* Of weights, forward [target_words,source_words] and reverse [source_words,target_words]: the pairs whose geometric mean is `least` or more, in place of what `out`
 * held. HEED_E_NOMEM. */
heed_status heed_links_agree(const float *forward, const float *reverse, int64_t source_words, int64_t target_words, double least, heed_links *out, heed_error *err);

/* --- against gold --------------------------------------------------------------------------------------------------------------------------- */

/* Counts over sentences. AER = 1 - (sure_hit + possible_hit) / (found + sure), precision possible_hit / found, recall sure_hit / sure (Och and Ney 2003). */
typedef struct heed_link_counts { int64_t found, sure, sure_hit, possible_hit; } heed_link_counts;
void heed_link_counts_add(heed_link_counts *c, const heed_links *found, const heed_links *sure, const heed_links *possible);
double heed_link_counts_aer(const heed_link_counts *c);                     /* 0..1; 0 where nothing is sure and nothing found */
double heed_link_counts_precision(const heed_link_counts *c);               /* 0 where nothing is found */
double heed_link_counts_recall(const heed_link_counts *c);                  /* 0 where nothing is sure */

#endif
