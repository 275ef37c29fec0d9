/* What may be wrong with a corpus before one learns from it: repetitions, what training and test data have in common, and faults of lines (data/fault.h).
 *
 * Every set is read once, and its beginning a second time for the examples. Memory: 24 bytes and more for each different record of the set at hand, up to 32 on
 * average over sizes (data/seen.h), and 96 bytes for each record of the sets after the first. Texts are told apart by numbers of 64 bits. */
#ifndef HEED_DATA_CHECK_H
#define HEED_DATA_CHECK_H

#include "data/fault.h"
#include "data/text.h"

enum { HEED_CHECK_PLACES = 5, HEED_CHECK_SETS = 24, HEED_CHECK_BOTH = 2 };

typedef struct heed_check_set { const char *name; const char *const *paths; int files; } heed_check_set;   /* a TSV (columns after the second are let be), or two files */

typedef struct heed_check_settings {
    const heed_check_set *sets;         /* [count] the first is learnt from, the others are held against it */
    int count;
    heed_text_settings text[2];         /* of source and target: lower, nfkc, units */
    int64_t max_length;                 /* symbols; 0: not looked at. Of pieces, which are not learnt yet, words are counted, and there are at least as many */
    bool (*progress)(void *user, const char *set, int64_t records);   /* now and then; false: HEED_E_STOPPED. NULL: none */
    void *user;
} heed_check_settings;

typedef struct heed_check_place {
    int64_t line, other;                /* from 1; other: the earlier line that is repeated, or the line of the first set; 0: none */
    char *text;                         /* what stands there, shortened and made visible, on one line; "" when the file cannot be read twice */
} heed_check_place;

typedef struct heed_check_finding {
    heed_fault fault;
    int set, side;                      /* side: 0 source, 1 target, HEED_CHECK_BOTH */
    int64_t count;                      /* records that have it */
    heed_check_place place[HEED_CHECK_PLACES];   /* the first of them */
    int places;
    char note[200];                     /* "" or what else is to be known: how lengths usually are, which script */
} heed_check_finding;

typedef struct heed_check {
    int64_t records[HEED_CHECK_SETS];
    heed_check_finding *finding;        /* [count] by set, then in the order of faults.def */
    int count;
} heed_check;

/* HEED_E_DATA: a file is missing or damaged, sides end at different lines, a set without a record; HEED_E_STOPPED; HEED_E_NOMEM. */
heed_check *heed_check_run(const heed_check_settings *settings, heed_error *err);
void heed_check_free(heed_check *c);   /* NULL is fine */

const char *heed_fault_name(heed_fault f);
double heed_fault_share(heed_fault f);          /* of records, above which it is serious */
const char *heed_fault_what(heed_fault f);      /* "have control characters or invisible marks" */
const char *heed_fault_advice(heed_fault f);

#endif
