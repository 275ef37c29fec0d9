/* The film of a run: how the same few sentences look to the model, at every validation and before the first update. DIR/film.jsonl, one object a line:
 * {"update", "epoch"[, "valid_loss", "metric", "metric_name"], "sentences": [...]}, where the sentences are what heed_film_fn appends. */
#ifndef HEED_TRAIN_FILM_H
#define HEED_TRAIN_FILM_H

#include "train/log.h"
#include "train/train.h"

enum {
    HEED_FILM_SENTENCES = 5,
    HEED_FILM_AMONG = 1000,           /* the first records of the validation data, of which they are chosen */
    HEED_FILM_SHORT = 5, HEED_FILM_LONG = 20,      /* symbols of a middling length */
    HEED_FILM_LONGEST = 60            /* longer ones are never taken */
};

/* The sentences: the first of HEED_FILM_AMONG whose source and target both have HEED_FILM_SHORT to HEED_FILM_LONG symbols; where these are too few, those
 * that miss these lengths by least. No two have one source. */
typedef struct heed_reel {
    heed_log log;
    heed_sentence sentence[HEED_FILM_SENTENCES];
    char *memory[HEED_FILM_SENTENCES];
    int count;                        /* 0: there is nothing to film */
} heed_reel;                          /* {0} is empty */

/* Chooses the sentences from validation files; none when the model looks at nothing. HEED_E_DATA: as heed_corpus_next(); HEED_E_NOMEM. */
heed_status heed_reel_choose(heed_reel *r, const heed_model *m, const char *const *paths, int files, heed_error *err);
void heed_reel_free(heed_reel *r);

#endif
