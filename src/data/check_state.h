/* Inside a check: for check.c and check_report.c only. */
#ifndef HEED_DATA_CHECK_STATE_H
#define HEED_DATA_CHECK_STATE_H

#include "base/codes.h"
#include "data/check.h"
#include "data/corpus.h"
#include "data/known.h"

enum { HEED_KNOWN_KINDS = 6 };                                       /* pair, source, target; the same but for case and spaces: in the order of faults.def */
enum { HEED_RATIO_BINS = 2880, HEED_RATIO_FINE = 64, HEED_RATIO_ADDED = 10 };   /* of log2((target + 10) / (source + 10)) from -22.5 to 22.5, in 64ths */

typedef struct heed_spot { int64_t line, other; } heed_spot;
/* How many, and the first of them by line. */
typedef struct heed_tops { int64_t count; heed_spot at[HEED_CHECK_PLACES]; int places; } heed_tops;
void heed_tops_add(heed_tops *t, int64_t line, int64_t other);
void heed_tops_join(heed_tops *t, const heed_tops *more);

typedef struct heed_tally {
    int64_t records;
    heed_tops fault[HEED_FAULT_COUNT][HEED_CHECK_BOTH + 1];
    heed_tops script[2][HEED_SCRIPT_COUNT];
    heed_tops ratio[HEED_RATIO_BINS];
    heed_known known[HEED_KNOWN_KINDS];
} heed_tally;

heed_corpus *heed_check_open(const heed_check_set *set, heed_error *err);
/* What the tallies of the sets come to, without texts. false: out of memory. */
bool heed_check_conclude(heed_check *c, heed_tally *const *tallies, int sets);
/* Texts for the places of the findings. HEED_E_NOMEM; a set that cannot be read again has none. */
heed_status heed_check_quote(heed_check *c, const heed_check_settings *s, heed_error *err);
/* A line's code points, U+FFFD for every byte that is no text; false: out of memory. *broken: where the first of these stands, -1: nowhere. */
bool heed_check_read(const char *text, size_t size, heed_codes *out, int64_t *broken);

#endif
