/* How well a model does on files: the heart of heed_eval and of validation by metric. */
#ifndef HEED_API_EVALUATE_H
#define HEED_API_EVALUATE_H

#include "heed.h"

typedef struct heed_evaluation {
    heed_session *session;
    const char *const *paths;          /* source and target, or one TSV: source, then one or more references */
    int files;
    const char *metrics;               /* names separated by spaces; "loss" and "perplexity" are two */
    const int64_t *edges;              /* of bins by source symbols, or by words; NULL: none */
    int edge_count;
    bool words;
    bool intervals;                    /* of every figure */
    int64_t samples;                   /* of intervals, as in heed_eval_options; settled */
    uint64_t seed;
    int64_t beam;                      /* 0: the recipe's */
    bool leave_long;                   /* records that the model cannot hold are left out instead of HEED_E_LIMIT: for validation, which says so itself */
} heed_evaluation;

/* Appends figures, named "wer", "wer 1-10" for a bin, "2016/wer" with a prefix; *figures grows with realloc(). prefix: the name of a test set, "" for none.
 * HEED_E_DATA: the files; HEED_E_LIMIT: a record that is too long; HEED_E_USAGE: no such metric; HEED_E_NOMEM. */
heed_status heed_evaluate(const heed_evaluation *e, const char *prefix, heed_figure **figures, int *count, heed_error *err);

#endif
