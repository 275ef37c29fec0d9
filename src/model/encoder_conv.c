/* The convolutional encoder: each row sees its neighbours, kernel - 1 more of them with every layer     (Gehring et al. 2017, section 3)
 *
 *   keys are made of z, the result of the last layer;   values = (z + e) sqrt(0.5), e the embeddings that went in
 *
 * Its vector is the mean of the values. */
#include "base/rng.h"
#include "model/conv.h"
#include "tensor/tape.h"

static void *init(heed_arena *arena, heed_params *p, const heed_recipe *r, heed_weight *embedding, heed_error *err)
{
    heed_convs *c = heed_arena_zero(arena, sizeof *c);
    if (!c) return heed_fail(err, HEED_E_NOMEM, "out of memory for the encoder"), NULL;
    return heed_convs_init(c, p, "encoder", r, embedding, err) == HEED_OK ? c : NULL;
}

static int64_t width(const void *self)
{
    const heed_convs *c = self;
    return c->embed;
}

static heed_encoded forward(heed_tape *t, const void *self, const heed_side *source)
{
    const heed_convs *c = self;
    heed_tape_scope(t, "encoder");
    heed_tensor *e = heed_dropout(t, heed_convs_embed(t, c, source->ids, source->span, 0), source->keys, heed_mix(1), c->dropout);
    heed_tensor *x = heed_dense_forward(t, &c->in, e);
    for (int64_t l = 0; l < c->layers; l++) {
        heed_tape_scope(t, c->scope[l]);
        heed_tensor *seen = heed_dropout(t, x, source->keys, heed_key(2, (uint64_t)l), c->dropout);
        x = heed_convs_join(t, x, heed_convs_gate(t, c, l, heed_unfold(t, seen, source->span, c->kernel, (c->kernel - 1) / 2)));
    }
    heed_tape_scope(t, "encoder.out");
    heed_tensor *z = heed_dense_forward(t, &c->out, x), *values = heed_convs_join(t, z, e);
    return (heed_encoded){.values = values, .keyed = z, .span = source->span, .vector = heed_mean(t, values, source->span)};
}

const heed_encoder_kind heed_encoder_conv = {"conv", init, width, forward};
