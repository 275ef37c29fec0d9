/* What a Transformer's encoder and decoder have in common: embeddings that know their place, blocks, and the norm that ends a pile of blocks that normalise
 * first. */
#ifndef HEED_MODEL_TRANSFORMER_H
#define HEED_MODEL_TRANSFORMER_H

#include "attn/block.h"
#include "model/model.h"

typedef struct heed_transformer {
    char scope[16];                     /* "decoder" */
    heed_weight *embedding;             /* [V,D] */
    heed_position position;
    heed_block block[HEED_MAX_LAYERS];
    heed_layer_norm last;               /* declared when blocks normalise first */
    bool pre;
    int64_t layers, width;
    double dropout;
    uint64_t site;                      /* of dropout */
} heed_transformer;

typedef struct heed_transformer_settings {
    const char *scope;
    const heed_stack_settings *stack;
    int64_t layers, width;
    double dropout;
    bool causal;                        /* rows see those before them only */
    const heed_attn_settings *cross;    /* NULL: none */
    uint64_t site;                      /* of dropout: this number and the next are the part's own */
} heed_transformer_settings;

heed_status heed_transformer_init(heed_transformer *x, heed_params *p, heed_weight *embedding, const heed_transformer_settings *s, heed_error *err);
/* sqrt(D) times the embeddings, and their places     (Vaswani et al. 2017, sections 3.4 and 3.5); also [N,D] to be added, or NULL. */
heed_tensor *heed_transformer_embed(heed_tape *t, const heed_transformer *x, const int32_t *ids, const heed_passage *p, heed_tensor *also);
/* Puts rows through a block. When nothing is recorded they are changed in place and all that the block took is given back, so that many layers need the memory
 * of one; kept: room for where it looked (heed_steps_room), or NULL. */
heed_tensor *heed_transformer_pass(heed_tape *t, const heed_block *b, heed_tensor *rows, const heed_passage *p, const heed_memory *memory, heed_attended *kept);
heed_tensor *heed_transformer_end(heed_tape *t, const heed_transformer *x, heed_tensor *rows);

#endif
