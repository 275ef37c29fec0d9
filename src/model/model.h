/* A model: recipe, both vocabularies, weights, and the parts that make an encoder-decoder of them.
 *
 *   source ids -> encoder -> memory -> [attention ->] decoder -> head -> logits over target symbols
 *
 * Const once built and packed: any number of threads may run it, each with a tape of its own. */
#ifndef HEED_MODEL_MODEL_H
#define HEED_MODEL_MODEL_H

#include "base/arena.h"
#include "data/batch.h"
#include "data/shortlist.h"
#include "heed/nn.h"
#include "model/recipe.h"
#include "ops/among.h"

enum { HEED_MAX_LAYERS = 24 };

/* What an encoder gives. */
typedef struct heed_encoded {
    heed_tensor *values;        /* [N,Dm] the states, sequence by sequence */
    heed_tensor *keyed;         /* [N,Dm] what keys are made of, NULL: values */
    heed_span span;
    heed_tensor *vector;        /* [B,Dv] the whole sequence in one vector: a recurrent encoder's last states, the mean of the others' */
    heed_tensor *cell;          /* [B,Dv] likewise the LSTM's cells, NULL otherwise */
} heed_encoded;

typedef struct heed_encoder_kind {
    const char *name;
    /* Declares the weights and returns the encoder's own struct, in the model's arena; NULL with err. embedding [V, heed_recipe_embed()] is the model's. */
    void *(*init)(heed_arena *arena, heed_params *p, const heed_recipe *r, heed_weight *embedding, heed_error *err);
    int64_t (*width)(const void *self);                                           /* Dm, also of the vector */
    heed_encoded (*forward)(heed_tape *t, const void *self, const heed_side *source);
} heed_encoder_kind;

/* The last linear layer: features -> logits. */
typedef struct heed_head {
    heed_weight *project;       /* [E,F] when the output shares the embedding's weights and E is not F, else NULL */
    heed_weight *weight, *bias; /* [V,F or E], [1,V] */
    heed_dense gate;            /* copy: [1,F], the chance that a symbol is made, not copied */
    const int32_t *copies;      /* copy: [source V] the target symbol of the same text, else <unk>; NULL: nothing is copied */
} heed_head;
heed_tensor *heed_head_forward(heed_tape *t, const heed_head *h, heed_tensor *features);                /* [N,F] -> [N,V] logits */
/* The k likeliest of each row; without copying. */
heed_ranked heed_head_rank(heed_tape *t, const heed_head *h, heed_tensor *features, int64_t k);
/* The likeliest alone, [N]; as heed_linear_arg_max(). */
const int32_t *heed_head_arg_max(heed_tape *t, const heed_head *h, heed_tensor *features);
/* The k likeliest of what a shortlist leaves, whose output layer is `a`; rows as in ops/among.h. Without copying. */
void heed_head_among(heed_tape *t, const heed_head *h, const uint64_t *marks, int64_t lists, int64_t words, heed_among *a);
heed_tensor *heed_head_among_forward(heed_tape *t, const heed_head *h, const heed_among *a, heed_tensor *features, const int64_t *list, const float **norm);
heed_ranked heed_head_among_rank(heed_tape *t, const heed_head *h, const heed_among *a, heed_tensor *features, const int64_t *list, int64_t k);
/* What a choice or a search reads: logits, or ln p(w) when symbols can be copied from `source`, which was encoded. attended [looks]: as in heed_forced. Passes
 * gradients without copying only. */
heed_tensor *heed_head_choices(heed_tape *t, const heed_head *h, heed_tensor *features, const heed_attended *attended, int64_t looks, const heed_side *source);
/* In the model's arena; NULL: out of memory. */
int32_t *heed_head_copies(heed_arena *arena, const heed_text *source, const heed_text *target);

/* What is known before the first step, so that neither memory nor time goes to what nobody will ask for. Zero: nothing is. */
typedef struct heed_prospect {
    int64_t rows, steps;        /* hypotheses side by side, and steps, that there will probably be */
    bool one_look;              /* of the layers that look only `look` will be asked where it looked */
    int look;
    bool no_results;            /* and nobody will ask what it brought back */
} heed_prospect;

/* What a decoder knows between two steps: rows stand for the hypotheses alive. */
typedef struct heed_state {
    int64_t n;                  /* rows */
    const int64_t *owner;       /* [n] the memory sequence of each row; NULL: its own number */
    int64_t position;           /* of the step to come */
    void *own;                  /* the decoder's, on the tape */
    heed_prospect prospect;     /* set before start */
} heed_state;

typedef struct heed_step {
    heed_tensor *features;              /* [n,F] what the head reads */
    const heed_attended *attended;      /* [layers] where it looked, lowest layer first, all with the same heads; rows as in the state; on the tape. What the
                                         * state's prospect rules out may be left empty */
    int layers;                         /* 0: the model has no attention */
} heed_step;

/* Every moment of a batch. Rows lie in the decoder's order. */
typedef struct heed_forced {
    heed_tensor *features;              /* [N,F] */
    const int32_t *targets;             /* [N] */
    const heed_attended *attended;      /* copy: [looks] of the highest layer, with weights; one after the other they have the rows of features */
    int64_t looks;
    const heed_attended *guided;        /* [guides] likewise of the layer that the lesson names; NULL: it names none */
    int64_t guides;
} heed_forced;

/* How a batch is learnt. */
typedef struct heed_lesson {
    double forcing;                     /* each symbol before is the target's with this probability, else the model's own choice (recurrent only) */
    int64_t guided;                     /* layer whose weights are wanted as a result that passes gradients, -1: none */
} heed_lesson;

/* Loss of what was made or copied; as heed_model_loss(). */
heed_tensor *heed_head_copy_loss(heed_tape *t, const heed_head *h, const heed_forced *f, const heed_side *source, double smoothing, double weight,
                                 heed_loss_counts *counts);

typedef struct heed_decoder_kind {
    const char *name;
    void *(*init)(heed_arena *arena, heed_params *p, const heed_recipe *r, heed_weight *embedding, int64_t memory_width, heed_error *err);
    int64_t (*width)(const void *self);                                           /* F */
    void (*start)(heed_tape *t, const void *self, const heed_encoded *memory, heed_state *s);
    heed_step (*step)(heed_tape *t, const void *self, heed_state *s, const int32_t *ids);   /* ids [s->n]: the symbols before */
    void (*select)(heed_tape *t, const void *self, heed_state *s, const int64_t *rows, int64_t n);   /* keeps these rows, in this order */
    /* Every step of the batch at once. */
    heed_forced (*forward)(heed_tape *t, const void *self, const heed_head *head, const heed_encoded *memory, const heed_batch *b, const heed_lesson *lesson);
} heed_decoder_kind;

/* What of its attention was chosen to link words by: fields as those of heed_look (heed.h), defaults in place. */
typedef struct heed_alignment { bool chosen; int layer, head, shift; double threshold; bool empty; } heed_alignment;

typedef struct heed_model {
    heed_recipe recipe;
    heed_text *source, *target;             /* the same object when text.shared */
    heed_params *params;
    heed_arena *arena;
    const heed_encoder_kind *encoder_kind;
    const heed_decoder_kind *decoder_kind;
    void *encoder, *decoder;
    heed_head head;
    heed_shortlist *shortlist;              /* of what is written; NULL: all symbols may be */
    heed_alignment alignment;               /* attn.json's "alignment" when the model was loaded */
    heed_number stored;                     /* what matrices of model.safetensors are kept in, when the model was loaded */
    char *lenses;                           /* attn.json's "lenses" as JSON when the model was loaded and has been measured, else NULL */
    char *provenance;                       /* attn.json's "provenance" as JSON when the model was loaded, else NULL */
} heed_model;

/* Takes over the recipe and the texts (freed with the model, also when building fails). The weights are declared but have no memory yet, so that a file
 * can be held against their shapes first. HEED_E_USAGE: widths that a score cannot compare, a beam wider than the target vocabulary; HEED_E_NOMEM. */
heed_model *heed_model_build(heed_recipe *recipe, heed_text *source, heed_text *target, heed_error *err);
/* Memory and first values for the weights, those of recipe.train.seed. HEED_E_NOMEM. */
heed_status heed_model_fill(heed_model *m, heed_error *err);
void heed_model_free(heed_model *m);

/* Symbols that a source and an output may have (</s> counted), where learned positions or the score say so; 0: any number. */
void heed_model_longest(const heed_model *m, int64_t *source, int64_t *target);
/* The key that sets such a limit, "" where there is none. */
const char *heed_model_longest_key(const heed_model *m, bool target);
/* HEED_E_LIMIT, with the limit and its key, for a pair of so many symbols (</s> not counted). */
heed_status heed_model_fits(const heed_model *m, int64_t source, int64_t target, heed_error *err);
/* Layers of the decoder that look at the source, and heads of each; 0 without attention. */
void heed_model_looks(const heed_model *m, int *layers, int *heads);

/* The model directory: config.json, recipe.yaml, model.safetensors, source.vocab.json, target.vocab.json (of pieces also source.spm.model,
 * target.spm.model), attn.json. Replaced file by file, attn.json (with the sha256 of the others) last. number: what matrices are kept in (model/weights.h).
 * training: pairs key, value ending with NULL ("updates", "8000", ...) for attn.json; may be NULL. HEED_E_LIMIT: weights too large for such numbers; HEED_E_IO,
 * HEED_E_NOMEM. */
heed_status heed_model_save(const heed_model *m, const char *dir, heed_number number, const char *const *training, heed_error *err);
/* Writes another choice into the attn.json of a model directory, which is replaced as a whole. HEED_E_MODEL: it is damaged; HEED_E_IO; HEED_E_NOMEM. */
heed_status heed_model_choose(const char *dir, const heed_alignment *choice, heed_error *err);
/* Likewise puts the JSON array of what is known of its lenses there. */
heed_status heed_model_keep_lenses(const char *dir, const char *json, heed_error *err);
/* sets: [count] assignments in the place of what config.json says (heed_recipe_reset). HEED_E_MODEL for all that is missing, damaged, altered, not finite, or of a
 * newer format; HEED_E_USAGE: the assignments; HEED_E_NOMEM. Packed for inference, whose products multiply what decode.precision says. */
heed_model *heed_model_load(const char *dir, const char *const *sets, int count, heed_error *err);
/* The same, to be run and no more: weights of products are packed only and keep no floats. shortlist: a file (data/shortlist.h), NULL: none; then those of the
 * output layer are kept. HEED_E_DATA: the shortlist; HEED_E_USAGE: the model copies, or its symbols cannot be on one. */
heed_model *heed_model_load_to_serve(const char *dir, const char *const *sets, int count, const char *shortlist, heed_error *err);

/* Loss of a batch on a recording tape: the sum over target symbols, times `weight`, with label smoothing, teacher forcing and guided attention of the recipe when
 * the tape trains (without any of them when it does not). b must be sorted by target length, longest first (data/batch.h). */
heed_tensor *heed_model_loss(const heed_model *m, heed_tape *t, const heed_batch *b, double weight, heed_loss_counts *counts);

#endif
