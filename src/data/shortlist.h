/* A shortlist: which symbols of the target may be written for a source, by the symbols of the source (Jean et al. 2015, section 3.3; L'Hostis et al. 2016). A text
 * file, plain or gzip, laid out like the vocabulary maps of CTranslate2: of a line
 *   SOURCE TAB TARGET TARGET ...
 * the targets may be written when the source symbol stands in the source; where no SOURCE stands before the tab, always. Symbols are spelt as the vocabularies have
 * them, <unk> included. What may be written for a source depends on the source alone. Const once open; may be shared by threads. */
#ifndef HEED_DATA_SHORTLIST_H
#define HEED_DATA_SHORTLIST_H

#include "data/text.h"

typedef struct heed_shortlist heed_shortlist;

/* The texts must outlive it. HEED_E_DATA: file and line of what is no such line, a symbol that a vocabulary lacks, a source that stands twice, no line at all;
 * HEED_E_NOMEM. */
heed_shortlist *heed_shortlist_open(const char *path, const heed_text *source, const heed_text *target, heed_error *err);
void heed_shortlist_free(heed_shortlist *s);                       /* NULL is fine */
/* Sets the bits of the symbols that may be written for these, </s> and <unk> among them. marks: [heed_shortlist_words()], bit id % 64 of id / 64. */
void heed_shortlist_mark(const heed_shortlist *s, const heed_tokens *source, uint64_t *marks);
int64_t heed_shortlist_words(const heed_shortlist *s);

/* Can a line hold such a vocabulary's symbols? HEED_E_USAGE: one has white space in it, and which. */
heed_status heed_shortlist_spells(const heed_text *t, const char *side, heed_error *err);

#endif
