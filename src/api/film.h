/* What training asks the task for a film: heed_film_fn of train/train.h. */
#ifndef HEED_API_FILM_H
#define HEED_API_FILM_H

#include "train/film.h"

/* At most HEED_FILM_SENTENCES. Searches greedily, whatever the recipe says. */
heed_status heed_sentences_film(void *user, const heed_model *m, const heed_sentence *sentences, int count, int threads, heed_buf *out, heed_error *err);

#endif
