/* A model: recipe, both vocabularies, weights, and the parts that make an encoder-decoder of them.
 *
 *   source ids -> encoder -> memory -> [attention ->] decoder -> head -> logits over target symbols
 *
 * Const once built and packed: any number of threads may run it, each with a tape of its own. */
#ifndef HEED_MODEL_MODEL_H
#define HEED_MODEL_MODEL_H

#include "base/arena.h"
#include "data/batch.h"
#include "heed/ops.h"
#include "model/recipe.h"

enum { HEED_MAX_LAYERS = 8 };

/* What an encoder gives. */
typedef struct heed_encoded {
    heed_tensor *values;        /* [N,Dm] the states, sequence by sequence */
    heed_span span;
    heed_tensor *vector;        /* [B,Dv] the whole sequence in one vector: a recurrent encoder's last states */
    heed_tensor *cell;          /* [B,Dv] likewise the LSTM's cells, NULL otherwise */
} heed_encoded;

typedef struct heed_encoder_kind {
    const char *name;
    /* Declares the weights and returns the encoder's own struct, in the model's arena; NULL with err. */
    void *(*init)(heed_arena *arena, heed_params *p, const heed_recipe *r, int64_t vocabulary, heed_error *err);
    int64_t (*width)(const void *self);                                           /* Dm, also of the vector */
    heed_encoded (*forward)(heed_tape *t, const void *self, const heed_side *source);
} heed_encoder_kind;

/* The last linear layer: features -> logits. */
typedef struct heed_head {
    heed_weight *project;       /* [E,F] when the output shares the embedding's weights, else NULL */
    heed_weight *weight, *bias; /* [V,F or E], [1,V] */
} heed_head;
heed_tensor *heed_head_forward(heed_tape *t, const heed_head *h, heed_tensor *features);

/* What a decoder knows between two steps: rows stand for the hypotheses alive. */
typedef struct heed_state {
    int64_t n;                              /* rows */
    heed_tensor *h[HEED_MAX_LAYERS], *c[HEED_MAX_LAYERS];
    heed_tensor *feed;                      /* input feeding: the joined context of the step before */
    heed_tensor *vector;                    /* score none, every_step: [n,Dv] */
    heed_tensor *values, *keys;             /* the memory and its keys */
    heed_span span;
    const int64_t *owner;                   /* [n] the memory sequence of each row; NULL: its own number */
    int64_t position;                       /* of the step to come */
} heed_state;

typedef struct heed_step {
    heed_tensor *features;      /* [n,F] state, context and embedding joined: what the head reads */
    heed_attended attended;     /* out NULL when the model has no attention; rows as in the state */
} heed_step;

typedef struct heed_forced { heed_tensor *logits; const int32_t *targets; } heed_forced;   /* [N,V], [N]: rows in the decoder's order */

typedef struct heed_decoder_kind {
    const char *name;
    void *(*init)(heed_arena *arena, heed_params *p, const heed_recipe *r, int64_t vocabulary, int64_t memory_width, heed_error *err);
    int64_t (*width)(const void *self);                                           /* F */
    heed_weight *(*embedding)(const void *self);                                  /* [V,E], for a head that shares it */
    void (*start)(heed_tape *t, const void *self, const heed_encoded *memory, heed_state *s);
    heed_step (*step)(heed_tape *t, const void *self, heed_state *s, const int32_t *ids);   /* ids [s->n]: the symbols before */
    void (*select)(heed_tape *t, const void *self, heed_state *s, const int64_t *rows, int64_t n);   /* keeps these rows, in this order */
    /* Every step of the batch at once; each symbol before is the target's with probability `forcing`, else the model's own choice. */
    heed_forced (*forward)(heed_tape *t, const void *self, const heed_head *head, const heed_encoded *memory, const heed_batch *b, double forcing);
} heed_decoder_kind;

typedef struct heed_model {
    heed_recipe recipe;
    heed_text *source, *target;             /* the same object when text.shared */
    heed_params *params;
    heed_arena *arena;
    const heed_encoder_kind *encoder_kind;
    const heed_decoder_kind *decoder_kind;
    void *encoder, *decoder;
    heed_head head;
    char *provenance;                       /* attn.json's "provenance" as JSON when the model was loaded, else NULL */
} heed_model;

/* Takes over the recipe and the texts (freed with the model, also when building fails). The weights are declared but have no memory yet, so that a file
 * can be held against their shapes first. HEED_E_USAGE: widths that a score cannot compare, a beam wider than the target vocabulary; HEED_E_NOMEM. */
heed_model *heed_model_build(heed_recipe *recipe, heed_text *source, heed_text *target, heed_error *err);
/* Memory and first values for the weights, those of recipe.train.seed. HEED_E_NOMEM. */
heed_status heed_model_fill(heed_model *m, heed_error *err);
void heed_model_free(heed_model *m);

/* The model directory: config.json, recipe.yaml, model.safetensors, source.vocab.json, target.vocab.json (of pieces also source.spm.model,
 * target.spm.model), attn.json. Replaced file by file, attn.json (with the sha256 of the others) last. training: pairs key, value ending with NULL
 * ("updates", "8000", ...) for attn.json; may be NULL. */
heed_status heed_model_save(const heed_model *m, const char *dir, const char *const *training, heed_error *err);
/* HEED_E_MODEL for all that is missing, damaged, altered, not finite, or of a newer format; HEED_E_NOMEM. Packed for inference. */
heed_model *heed_model_load(const char *dir, heed_error *err);

/* Loss of a batch on a recording tape: the sum over target symbols, times `weight`, with label smoothing and teacher forcing of the recipe when the tape
 * trains (without either when it does not). b must be sorted by target length, longest first (data/batch.h). */
heed_tensor *heed_model_loss(const heed_model *m, heed_tape *t, const heed_batch *b, double weight, heed_loss_counts *counts);

#endif
