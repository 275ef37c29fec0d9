/* The rules of single layers, in the words of keys: heads and widths, pairs of attn/refusals.def, and places for as many symbols as there may be. */
#include "attn/score.h"
#include "model/keys.h"

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
    const heed_encoder_settings *e = &v->r->model.encoder;
    const heed_decoder_settings *d = &v->r->model.decoder;
    const heed_attention_settings *a = &v->r->model.attention;
    const bool stacked = d->type == HEED_DECODER_transformer;
    const int64_t heads = a->heads || !stacked ? a->heads : d->stack.heads;
    double unused;
    return check(v, "model.attention",
                 &(heed_attn_settings){.score = a->score == HEED_ATTENTION_NONE ? NULL : heed_score_at(a->score - 1), .align = (heed_align)a->align,
                                       .window = a->window, .heads = heads, .key_heads = a->key_heads,
                                       .query_width = d->type == HEED_DECODER_rnn ? d->width : heed_recipe_embed(v->r, true, &unused),
                                       .memory_width = e->type == HEED_ENCODER_rnn ? e->width * e->directions : heed_recipe_embed(v->r, false, &unused), .width = a->width,
                                       .projected = stacked || heads > 1, .longest = a->longest, .coverage = a->coverage, .filters = a->filters,
                                       .filter_width = a->filter_width, .parallel = d->type != HEED_DECODER_rnn, .training = v->training, .copy = a->copy});
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
    const heed_recipe *r = v->r;
    const heed_attention_settings *a = &r->model.attention;
    const bool reads = r->model.encoder.type != HEED_ENCODER_rnn && r->model.encoder.stack.positions == HEED_POSITIONS_learned;
    const bool writes = r->model.decoder.type != HEED_DECODER_rnn && r->model.decoder.stack.positions == HEED_POSITIONS_learned;
    const bool blind = a->score != HEED_ATTENTION_NONE && heed_score_at(a->score - 1)->pair.blind;
    heed_status status = reads ? check_places(v, "model.encoder.longest", r->model.encoder.stack.longest) : HEED_OK;
    if (!status && writes) status = check_places(v, "model.decoder.longest", r->model.decoder.stack.longest);
    if (!status && blind) status = check_places(v, "model.attention.longest", a->longest);
    if (status || !writes || r->decode.max_extra <= r->model.decoder.stack.longest) return status;
    return heed_origin_fail(v->from, 0, v->err, "decode.max_length: %lld symbols beyond those of the source, but model.decoder.longest has places for %lld",
                            (long long)r->decode.max_extra, (long long)r->model.decoder.stack.longest);
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
    return status ? status : check_longest(&v);
}
