/* The Transformer's encoder (Vaswani et al. 2017, section 3.1). Its vector is the mean over positions of what it gives. */
#include "model/transformer.h"

static void *init(heed_arena *arena, heed_params *p, const heed_recipe *r, heed_weight *embedding, heed_error *err)
{
    const heed_encoder_settings *s = &r->model.encoder;
    const heed_transformer_settings settings = {.scope = "encoder", .stack = &s->stack, .layers = s->layers, .width = s->width, .dropout = s->dropout,
                                                .site = 21};
    heed_transformer *e = heed_arena_zero(arena, sizeof *e);
    if (!e) return heed_fail(err, HEED_E_NOMEM, "out of memory for the encoder"), NULL;
    return heed_transformer_init(e, p, embedding, &settings, err) == HEED_OK ? e : NULL;
}

static int64_t width(const void *self) { return ((const heed_transformer *)self)->width; }

static heed_encoded forward(heed_tape *t, const void *self, const heed_side *source)
{
    const heed_transformer *e = self;
    const heed_passage p = {.span = source->span, .keys = source->keys};
    heed_tensor *x = heed_transformer_embed(t, e, source->ids, &p, NULL);
    for (int64_t l = 0; l < e->layers; l++) x = heed_transformer_pass(t, &e->block[l], x, &p, NULL, NULL);
    x = heed_transformer_end(t, e, x);
    return (heed_encoded){.values = x, .span = source->span, .vector = heed_mean(t, x, source->span)};
}

const heed_encoder_kind heed_encoder_transformer = {"transformer", init, width, forward};
