/* Inside transduce: transduce.c (from texts to symbols and batches), writer.c (the models behind a search), output.c (from symbols to the reply),
 * wording.c (words that must and must not appear), fork.c (another word at a place of the output). */
#ifndef HEED_TASK_TRANSDUCE_H
#define HEED_TASK_TRANSDUCE_H

#include "decode/search.h"
#include "task/task.h"

/* Symbols looked at for so many other words at a place: some of them would not begin a word. */
#define HEED_FORK_CANDIDATES(outputs) (4 * (outputs) + 16)

/* A symbol that might have been written. */
typedef struct heed_likely { int32_t id; float logp; } heed_likely;

/* One step of the decoder as it happened, for what is asked afterwards; a hypothesis knows its row of each. */
typedef struct heed_moment {
    const heed_attended *attended;      /* [layers] of the first model; NULL without attention */
    const heed_tensor *features;        /* of the first model */
    const heed_likely *likeliest;       /* [rows, likeliest] falling; NULL when not asked */
} heed_moment;

typedef struct heed_member {
    const heed_model *model;
    heed_batch *batch;                  /* the sources in this model's symbols */
    heed_encoded memory;
    heed_state state;
} heed_member;

/* One model or several, whose probabilities are averaged at every step. */
typedef struct heed_writer {
    heed_tape *tape;
    heed_member *members;               /* [member_count], the first is the job's */
    int member_count;
    bool geometric;                     /* the mean is that of logarithms */
    int64_t likeliest;                  /* symbols kept of every row, 0: none */
    bool unscored;                      /* ln p of what greedy search writes is not wanted: it is NaN */
    heed_prospect prospect;             /* of the members' decoders */
    heed_mark logits;                   /* behind which the last step's stand, until the next one or a choice of rows */
    bool standing;
    const heed_among *among;            /* of the only member; NULL: any symbol may be written */
    const float *among_norms;           /* [rows] of the last step's logits then */
    float *norms;                       /* [member_count] */
    heed_moment *moments;               /* [count] */
    int64_t count, capacity;
} heed_writer;

/* Decoders at the beginning of the members' memories. The tape knows when it fails. */
void heed_writer_start(heed_writer *w);
heed_search heed_writer_search(heed_writer *w);      /* w's own */
void heed_writer_free(heed_writer *w);               /* the moments */

/* What belongs to one item while it is worked on. */
typedef struct heed_work {
    heed_tokens *source;                /* [members] */
    heed_tokens target, prefix;
    uint64_t number;                    /* of the item, for draws */
    heed_output *out;
    const heed_item *item;
    heed_constraints *constraints;      /* NULL: none */
    const char **must;                  /* [must_count] as given */
    int64_t must_count;
    int64_t beam;                       /* of its quest */
    const heed_quest *quest;            /* when it was searched for */
} heed_work;

/* The hypotheses found for x, as its output and alternatives. False: out of memory. */
bool heed_work_write(heed_job *j, const heed_writer *w, const heed_work *x, const heed_quest *q);
bool heed_hypothesis_write(heed_job *j, const heed_writer *w, const heed_work *x, const heed_hypothesis *h, heed_output *o);
/* How the job searches, and how many symbols of each step it asks to keep. */
heed_search_options heed_job_search(const heed_job *j);
int64_t heed_job_likeliest(const heed_job *j);
/* Symbols that may be written for x's source. */
int64_t heed_work_limit(const heed_job *j, const heed_work *x);

/* Fills x's constraints, must and beam from its item and the job; *shared: those of the job alone, made when first needed. What is wrong with the words fails
 * the item alone, in *why. HEED_E_NOMEM. */
heed_status heed_work_constrain(const heed_job *j, heed_work *x, heed_constraints **shared, heed_error *why);
/* Says in o which words are missing. unknown: texts in the place of <unk>, as in heed_text_decode(). *forbidden: a word stands there that never must.
 * False: out of memory. */
bool heed_work_judge(const heed_job *j, const heed_work *x, const int32_t *ids, int64_t n, const char *const *unknown, heed_output *o, bool *forbidden);

/* Where the job asks for other words at a place: searches on from each and puts the outputs into the alternatives of the works. */
heed_status heed_works_fork(heed_job *j, const heed_writer *w, heed_work *const *works, int64_t B, heed_error *err);

#endif
