/* What the settings of layers come to, and the rules of single layers, in the words of keys: heads and widths, pairs of attn/refusals.def, and places for as many symbols as there may be. */
#include <string.h>

#include "attn/score.h"
#include "kernels/align.h"
#include "model/keys.h"

/* --- what the settings come to -------------------------------------------------------------------------------------------------------------- */

static bool looks(const heed_recipe *r) { return r->model.attention.score != HEED_ATTENTION_NONE; }
static int64_t usual_heads(const heed_recipe *r) { return r->model.decoder.type == HEED_DECODER_transformer ? r->model.decoder.stack.heads : 0; }

heed_attn_settings heed_recipe_attention(const heed_recipe *r)
{
    const heed_encoder_settings *e = &r->model.encoder;
    const heed_decoder_settings *d = &r->model.decoder;
    const heed_attention_settings *a = &r->model.attention;
    const int64_t heads = a->heads ? a->heads : usual_heads(r);
    double unused;
    return (heed_attn_settings){.score = heed_score_at(a->score - 1), .align = (heed_align)a->align, .window = a->window, .heads = heads,
                                .key_heads = a->key_heads, .query_width = d->type == HEED_DECODER_rnn ? d->width : heed_recipe_embed(r, true, &unused),
                                .memory_width = e->type == HEED_ENCODER_rnn ? e->width * e->directions : heed_recipe_embed(r, false, &unused),
                                .width = a->width, .projected = d->type == HEED_DECODER_transformer || heads > 1, .longest = a->longest,
                                .coverage = a->coverage, .filters = a->filters, .filter_width = a->filter_width, .parallel = d->type != HEED_DECODER_rnn,
                                .copy = a->copy};
}

void heed_recipe_looks(const heed_recipe *r, int64_t *layers, int64_t *heads)
{
    const int64_t given = heed_recipe_attention(r).heads;
    *layers = !looks(r) ? 0 : r->model.decoder.type == HEED_DECODER_rnn ? 1 : r->model.decoder.layers;
    *heads = !looks(r) ? 0 : given ? given : 1;
}

bool heed_recipe_is_guided(const heed_recipe *r) { return r->train.guided.links && strcmp(r->train.guided.links, "none") != 0; }

int64_t heed_recipe_guided_layer(const heed_recipe *r)
{
    int64_t layers, heads;
    heed_recipe_looks(r, &layers, &heads);
    const int64_t layer = r->train.guided.layer < 0 ? layers + r->train.guided.layer : r->train.guided.layer;
    return heed_recipe_is_guided(r) ? layer : -1;
}

/* Learned positions, and self-attention whose score has a row for each place. */
static bool is_bounded(const heed_stack_settings *s, bool recurrent, bool attends_itself)
{
    return !recurrent && (s->positions == HEED_POSITIONS_learned || (attends_itself && heed_score_has_places(heed_score_at(s->score))));
}

int heed_recipe_limits(const heed_recipe *r, heed_limit out[HEED_MOST_LIMITS])
{
    const heed_encoder_settings *e = &r->model.encoder;
    const heed_decoder_settings *d = &r->model.decoder;
    int n = 0;
    if (looks(r) && heed_score_has_places(heed_recipe_attention(r).score)) out[n++] = (heed_limit){"model.attention.longest", r->model.attention.longest, false};
    if (is_bounded(&e->stack, e->type == HEED_ENCODER_rnn, e->type == HEED_ENCODER_transformer))
        out[n++] = (heed_limit){"model.encoder.longest", e->stack.longest, false};
    if (is_bounded(&d->stack, d->type == HEED_DECODER_rnn, d->type == HEED_DECODER_transformer))
        out[n++] = (heed_limit){"model.decoder.longest", d->stack.longest, true};
    return n;
}

/* --- rules ------------------------------------------------------------------------------------------------------------------------------------ */

typedef struct visit {
    const heed_recipe *r;
    bool model, training;       /* as in heed_layers_check() */
    const heed_origin *from;
    heed_error *err;
} visit;

static heed_status check(const visit *v, const char *section, const heed_attn_settings *s)
{
    heed_error why = {.status = HEED_OK};
    return heed_attn_check(s, section, &why) ? heed_origin_fail(v->from, 0, v->err, "%s", why.text) : HEED_OK;
}

static heed_status check_self(const visit *v, const char *section, const heed_stack_settings *s, int64_t width)
{
    return check(v, section, &(heed_attn_settings){.score = heed_score_at(s->score), .heads = s->heads, .key_heads = s->key_heads, .query_width = width,
                                                   .memory_width = width, .projected = true, .positions = (heed_positions)s->positions,
                                                   .parallel = true, .training = v->training});
}

static heed_status check_attention(const visit *v)
{
    heed_attn_settings s = heed_recipe_attention(v->r);
    s.training = v->training;
    return check(v, "model.attention", &s);
}

static heed_status check_sinusoid(const visit *v, bool decoder)
{
    double unused;
    const bool conv = decoder ? v->r->model.decoder.type == HEED_DECODER_conv : v->r->model.encoder.type == HEED_ENCODER_conv;
    const bool recurrent = decoder ? v->r->model.decoder.type == HEED_DECODER_rnn : v->r->model.encoder.type == HEED_ENCODER_rnn;
    const heed_stack_settings *s = decoder ? &v->r->model.decoder.stack : &v->r->model.encoder.stack;
    const int64_t width = heed_recipe_embed(v->r, decoder, &unused);
    if (recurrent || s->positions != HEED_POSITIONS_sinusoid || width % 2 == 0) return HEED_OK;
    return heed_origin_fail(v->from, 0, v->err, "model.%s.%s: %lld is odd, and positions sinusoid come in pairs; make it even, or choose other positions",
                            decoder ? "decoder" : "encoder", conv ? "embed" : "width", (long long)width);
}

/* data.max_length counts symbols, places count </s> as well. */
static heed_status check_places(const visit *v, const char *key, int64_t places)
{
    const int64_t most = v->r->data.max_length;
    if (v->model || most + 1 <= places) return HEED_OK;
    if (places == 1) return heed_origin_fail(v->from, 0, v->err, "%s: 1 symbol is </s> alone; make it at least %lld, for data.max_length", key, (long long)most + 1);
    return heed_origin_fail(v->from, 0, v->err, "%s: %lld symbols, but data.max_length lets %lld and </s> through; make it at least %lld, or data.max_length at most %lld",
                            key, (long long)places, (long long)most, (long long)most + 1, (long long)places - 1);
}

static heed_status check_longest(const visit *v)
{
    heed_limit limits[HEED_MOST_LIMITS];
    const int count = heed_recipe_limits(v->r, limits);
    heed_status status = HEED_OK;
    for (int i = 0; i < count && !status; i++) status = check_places(v, limits[i].key, limits[i].symbols);
    for (int i = 0; i < count && !status; i++)
        if (limits[i].target && v->r->decode.max_extra > limits[i].symbols)
            status = heed_origin_fail(v->from, 0, v->err, "decode.max_length: %lld symbols beyond those of the source, but %s has places for %lld",
                                      (long long)v->r->decode.max_extra, limits[i].key, (long long)limits[i].symbols);
    return status;
}

static heed_status check_guided(const visit *v)
{
    const heed_guided_settings *g = &v->r->train.guided;
    int64_t layers, heads;
    heed_recipe_looks(v->r, &layers, &heads);
    if (v->model || !heed_recipe_is_guided(v->r)) return HEED_OK;
    if (!layers)
        return heed_origin_fail(v->from, 0, v->err, "train.guided_alignment teaches attention where to look, and with score none there is none; choose a score, or "
                                "links: none");
    if (strcmp(heed_recipe_choice(v->r, "model.attention.score"), "uniform") == 0)
        return heed_origin_fail(v->from, 0, v->err, "train.guided_alignment teaches attention where to look, and score uniform learns nothing of that; choose another "
                                "score, or links: none");
    if (g->layer >= layers || g->layer < -layers)
        return heed_origin_fail(v->from, 0, v->err, "train.guided_alignment.layer: %lld, but the layers that look at the source are 0 to %lld (or -1 to -%lld, from the last)",
                                (long long)g->layer, (long long)layers - 1, (long long)layers);
    if (g->head >= heads)
        return heed_origin_fail(v->from, 0, v->err, "train.guided_alignment.head: %lld, but the heads are 0 to %lld (-1: their mean)", (long long)g->head,
                                (long long)heads - 1);
    if (g->empty && !heed_align_sees_all((heed_align)v->r->model.attention.align))
        return heed_origin_fail(v->from, 0, v->err, "train.guided_alignment.empty: words without links are to look at the </s> of the source, which align %s does not always see; "
                                "choose an align that sees all keys, or empty: false", heed_recipe_choice(v->r, "model.attention.align"));
    return HEED_OK;
}

heed_status heed_layers_check(const heed_recipe *r, bool model, bool training, const heed_origin *from, heed_error *err)
{
    const visit v = {r, model, training, from, err};
    heed_status status = HEED_OK;
    if (r->model.encoder.type == HEED_ENCODER_transformer) status = check_self(&v, "model.encoder", &r->model.encoder.stack, r->model.encoder.width);
    if (!status && r->model.decoder.type == HEED_DECODER_transformer) status = check_self(&v, "model.decoder", &r->model.decoder.stack, r->model.decoder.width);
    if (!status) status = check_sinusoid(&v, false);
    if (!status) status = check_sinusoid(&v, true);
    if (!status) status = check_attention(&v);
    if (!status) status = check_guided(&v);
    return status ? status : check_longest(&v);
}
