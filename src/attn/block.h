/* A block of a Transformer: self-attention, in a decoder attention to what was read, a feed-forward layer, each inside a residual connection with layer
 * normalisation     (Vaswani et al. 2017, section 3.1; normalising first: Xiong et al. 2020). */
#ifndef HEED_ATTN_BLOCK_H
#define HEED_ATTN_BLOCK_H

#include "attn/history.h"
#include "heed/nn.h"

typedef enum heed_sublayer { HEED_SELF, HEED_CROSS, HEED_FFN, HEED_SUBLAYERS } heed_sublayer;

typedef struct heed_block_settings {
    heed_attn_settings self;
    const heed_attn_settings *cross;    /* NULL: the block reads nothing but its own rows */
    int64_t width, inner;
    heed_activation activation;
    bool pre;                           /* x + f(norm(x)); else norm(x + f(x)) */
    double dropout;                     /* of what a sublayer adds */
    uint64_t site;                      /* of dropout: this block's own */
} heed_block_settings;

typedef struct heed_block {
    char scope[32];                     /* "decoder.0" */
    int layer;
    heed_attn self, cross;
    heed_ffn ffn;
    heed_layer_norm norm[HEED_SUBLAYERS];
    bool crosses, pre;
    double dropout;
    uint64_t site;
} heed_block;

/* Declares scope.layer.{self,cross,ffn}. Errors: those of heed_attn_init. */
heed_status heed_block_init(heed_block *b, heed_params *p, const char *scope, int layer, const heed_block_settings *s, heed_error *err);

/* The rows that pass through blocks, and what they know of themselves. */
typedef struct heed_passage {
    heed_span span;                     /* their sequences */
    int64_t position;                   /* of each sequence's first row */
    const uint64_t *keys;               /* [N] for dropout; NULL when nothing is trained */
    heed_history *past;                 /* decoding: every row is the newest of a sequence whose keys and values lie in slabs 2 layer and 2 layer + 1, where
                                           the block puts this row's too; NULL: the rows are all there is */
    const int64_t *owner;               /* [span.B] the sequence of the memory that each one looks at, NULL: its own number */
    bool weights;                       /* of cross attention, as a result that passes gradients */
} heed_passage;

/* [N,D] -> [N,D]. memory: keys and values for cross (heed_attn_memory), and looked: where it looked; both NULL without cross. */
heed_tensor *heed_block_forward(heed_tape *t, const heed_block *b, heed_tensor *x, const heed_passage *p, const heed_memory *memory, heed_attended *looked);
/* The widths of its two slabs. */
void heed_block_past(const heed_block *b, int64_t width[2]);

#endif
