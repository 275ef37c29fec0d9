/* The links that guide attention (train.guided_alignment): those of a file beside the training data, or learnt from it and kept in the run's directory. */
#ifndef HEED_TRAIN_GUIDE_H
#define HEED_TRAIN_GUIDE_H

#include "align/bitext.h"
#include "data/batch.h"
#include "model/recipe.h"

typedef struct heed_guide_store {
    heed_line_links links;               /* borrows what follows; links.first NULL: nothing is guided */
    heed_word_link *link;
    int64_t *first, count, room, lines_room;
    bool parted;                         /* words are those of 13a, else what white space parts */
    bool learnt;                         /* and not read */
    double seconds;                      /* that learning took */
} heed_guide_store;

/* {0} is empty. */
void heed_guide_store_free(heed_guide_store *s);

/* What store functions ask of their caller. */
typedef struct heed_guide_source {
    heed_corpus_settings corpus;         /* the training data */
    int threads;
    bool (*stop)(void *user);
    void *user;
} heed_guide_source;

/* Adds the links of a line of the corpus, after those of lines before it; lines between have none. name: for messages. HEED_E_LIMIT; HEED_E_NOMEM. */
heed_status heed_guide_put(heed_guide_store *s, int64_t line, const heed_links *l, const char *name, heed_error *err);
/* HEED_E_STOPPED when it was asked for; n records are behind, and it is asked every so many. */
heed_status heed_guide_poll(const heed_guide_source *from, int64_t n, heed_error *err);
/* Reads a file of Pharaoh links, a line for each of the corpus; words as parted says. HEED_E_DATA, with file and line: another number of lines, what is no link, a
 * link outside the sentence; HEED_E_LIMIT: a link beyond word 65,535; HEED_E_STOPPED; HEED_E_NOMEM. */
heed_status heed_guide_read(heed_guide_store *s, const heed_guide_source *from, const char *path, bool parted, heed_error *err);
/* Learns them by the aligner of align/bitext.h, in both directions, words parted by 13a and in lower case. A record of more words than it takes gets no links.
 * HEED_E_DATA: the corpus; HEED_E_STOPPED; HEED_E_NOMEM. */
heed_status heed_guide_learn(heed_guide_store *s, const heed_guide_source *from, int symmetry, heed_error *err);
/* Writes what heed_guide_read() reads. HEED_E_IO; HEED_E_NOMEM. */
heed_status heed_guide_write(const heed_guide_store *s, const char *path, heed_error *err);

#endif
