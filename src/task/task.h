/* A task: how a request becomes a batch and a batch a reply. One file and one row of tasks.def each. */
#ifndef HEED_TASK_H
#define HEED_TASK_H

#include "base/arena.h"
#include "explain/beams.h"
#include "explain/explain.h"
#include "heed.h"
#include "model/model.h"

/* A part of a request, run by one thread: items [count], their outputs, and where what belongs to the reply is kept. */
typedef struct heed_job {
    const heed_model *model;
    const heed_model *const *ensemble;    /* [ensemble_count] that write with it */
    int ensemble_count;
    bool geometric;                   /* their mean is that of logarithms */
    heed_tape *tape;
    heed_arena *arena;                /* the reply's; of one thread at a time */
    const heed_item *const *items;    /* [count] */
    heed_output **outputs;            /* [count] */
    const uint64_t *numbers;          /* [count] of the items: draws are keyed by them */
    int64_t count;
    heed_decode decode;               /* settled: nothing stands for a default */
    bool beam_given;                  /* decode.beam was asked for: constraints raise it as far as they must, no further */
    int64_t choices;                  /* as in heed_request */
    const heed_fork *fork;            /* likewise */
    bool shown, weights, unscored;    /* as in heed_request */
    heed_look look;                   /* settled: the layer exists, the head as well or is -1, the mean; not read without attention */
    bool open;                        /* lay the only item's steps open, for heed_explain_steps; the look's shift is 0 then */
    heed_step_view *steps;            /* [steps_count] then, in the arena; their vectors live with the tape */
    int64_t steps_count;
    int64_t masked;                   /* 1 + a symbol of the only item's source that is read as <unk>, 0: none */
    bool traced;                      /* keep the symbols of the only item's best output as numbers, </s> included where it was read or written */
    int32_t *read, *written;          /* [source_count], [count] of the output then, in the arena */
    heed_beams beams;                 /* likewise: all that the search tried */
} heed_job;

typedef struct heed_task {
    const char *name, *help;
    int fields;                       /* of a record */
    int64_t (*length)(const heed_model *m, const heed_item *item);      /* a measure of its work, in bytes: for sorting into batches and bounding them */
    heed_status (*run)(heed_job *j, heed_error *err);                   /* an item that cannot be read fails alone, in its output */
    bool searches;                    /* it writes symbol by symbol: ensembles, words that must and must not appear, choices and forks mean something to it */
} heed_task;

const heed_task *heed_task_find(const char *name);        /* NULL: none */
const heed_task *heed_task_at(int i);                     /* NULL past the end */

/* word[i] of symbol i of a text with these words, -1 for what lies between them and for </s>. */
void heed_words_place(const char *text, const heed_piece_of_text *symbols, int64_t count, const heed_range *words, int64_t word_count, int64_t *word);
/* The words of a text as its white space parts them: their number, and where they stand ([number]; NULL: not asked). */
int64_t heed_words_split(const char *text, heed_range *words);
/* Row i of an output's symbol weights, [source_count]; valid until the next call. */
typedef const float *heed_weight_row(void *self, int64_t i);
/* Joins symbol weights to words, and takes the hard links: reads texts, tokens, look.threshold and look.empty of o, fills what is said of words. Asks for each row once, in
 * order, so that nobody need hold them all. False: out of memory. */
bool heed_output_align(heed_output *o, heed_weight_row *row, void *self, heed_arena *arena);
/* The links that o's word_weights and empty_weights give with a threshold (heed_look), by target word: their number, and they ([number]; NULL: not asked). */
int64_t heed_output_link(const heed_output *o, double threshold, heed_link *links);

#endif
