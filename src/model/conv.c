#include "model/conv.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tensor/tape.h"

static void declare(heed_dense *d, heed_params *p, const char *scope, int64_t in, int64_t out, double variance)
{
    char name[sizeof d->weight->name];
    snprintf(name, sizeof name, "%s.weight", scope);
    d->weight = heed_params_add(p, name, 2, out, in, HEED_FILL_NORMAL, sqrt(variance / (double)in));
    heed_weight_product(d->weight);
    snprintf(name, sizeof name, "%s.bias", scope);
    d->bias = heed_params_add(p, name, 1, 1, out, HEED_FILL_ZERO, 0);
}

void heed_convs_map(heed_dense *d, heed_params *p, const char *scope, int64_t in, int64_t out, double kept) { declare(d, p, scope, in, out, kept); }

static heed_status init_position(heed_convs *c, heed_params *p, const char *side, const heed_stack_settings *s, heed_error *err)
{
    char scope[32];
    const int64_t learned = s->positions == HEED_POSITIONS_learned ? s->longest : 0;
    snprintf(scope, sizeof scope, "%s.position", side);
    return heed_position_init(&c->position, p, scope, c->embed, 1, s->positions == HEED_POSITIONS_sinusoid, learned, c->embedding->scale, err);
}

heed_status heed_convs_init(heed_convs *c, heed_params *p, const char *side, const heed_recipe *r, heed_weight *embedding, heed_error *err)
{
    const bool target = strcmp(side, "decoder") == 0;
    const heed_encoder_settings *e = &r->model.encoder;
    const heed_decoder_settings *d = &r->model.decoder;
    const heed_stack_settings *stack = target ? &d->stack : &e->stack;
    char scope[48];
    *c = (heed_convs){.embedding = embedding,
                      .layers = target ? d->layers : e->layers,
                      .embed = embedding->tensor.cols,
                      .width = target ? d->width : e->width,
                      .kernel = stack->kernel,
                      .dropout = target ? d->dropout : e->dropout};
    const double kept = 1 - c->dropout;
    snprintf(scope, sizeof scope, "%s.in", side);
    heed_convs_map(&c->in, p, scope, c->embed, c->width, kept);
    for (int64_t l = 0; l < c->layers; l++) {
        snprintf(c->scope[l], sizeof c->scope[l], "%s.%d", side, (int)l);
        snprintf(scope, sizeof scope, "%s.conv", c->scope[l]);
        declare(&c->conv[l], p, scope, c->kernel * c->width, 2 * c->width, 4 * kept);
    }
    snprintf(scope, sizeof scope, "%s.out", side);
    heed_convs_map(&c->out, p, scope, c->width, c->embed, 1);
    return init_position(c, p, side, stack, err);
}

heed_tensor *heed_convs_embed(heed_tape *t, const heed_convs *c, const int32_t *ids, heed_span span, int64_t position)
{
    return heed_position_forward(t, &c->position, heed_embed(t, &c->embedding->tensor, ids, span.start[span.B]), span, position);
}

heed_tensor *heed_convs_gate(heed_tape *t, const heed_convs *c, int64_t l, heed_tensor *near) { return heed_glu(t, heed_dense_forward(t, &c->conv[l], near)); }

heed_tensor *heed_convs_join(heed_tape *t, heed_tensor *a, heed_tensor *b) { return heed_scale(t, heed_add(t, a, b), (float)sqrt(0.5)); }
