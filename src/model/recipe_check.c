/* The rules between keys: what no single key can see. One row a rule; adding one needs nothing else. Those with numbers in their text are in
 * recipe_layers.c. */
#include <string.h>

#include "model/keys.h"

static bool same_text(const heed_text_settings *a, const heed_text_settings *b)
{
    return a->units == b->units && a->kind == b->kind && a->min_count == b->min_count && a->size == b->size && a->lower == b->lower && a->nfkc == b->nfkc;
}

static bool no_train(const heed_recipe *r) { return r->data.train.count == 0; }
static bool no_batch(const heed_recipe *r) { return r->train.sentences == 0 && r->train.tokens == 0; }
static bool two_batches(const heed_recipe *r) { return r->train.sentences > 0 && r->train.tokens > 0; }
static bool no_end(const heed_recipe *r) { return r->train.epochs == 0 && r->train.updates == 0 && r->train.seconds == 0; }
static bool no_last_update(const heed_recipe *r)
{
    bool falls = r->train.schedule.type == HEED_SCHEDULE_LINEAR || r->train.schedule.type == HEED_SCHEDULE_COSINE;
    return falls && r->train.epochs == 0 && r->train.updates == 0;
}
static bool no_warmup(const heed_recipe *r) { return r->train.schedule.type == HEED_SCHEDULE_INVERSE_SQRT && r->train.schedule.warmup_updates == 0; }
static bool long_warmup(const heed_recipe *r)
{
    return r->train.schedule.type == HEED_SCHEDULE_COSINE && r->train.updates > 0 && r->train.schedule.warmup_updates >= r->train.updates;
}
static bool blind_plateau(const heed_recipe *r) { return r->train.schedule.type == HEED_SCHEDULE_PLATEAU && r->data.valid.count == 0; }
static bool blind_metric(const heed_recipe *r) { return strcmp(r->train.validate.metric, "loss") != 0 && r->data.valid.count == 0; }
static bool few_kept(const heed_recipe *r) { return r->train.average > r->train.keep; }
static bool unequal_sides(const heed_recipe *r) { return r->text.shared && !same_text(&r->text.source, &r->text.target); }
static bool pieces_without_size(const heed_recipe *r)
{
    return (r->text.source.units == HEED_UNIT_pieces && r->text.source.size == 0) || (r->text.target.units == HEED_UNIT_pieces && r->text.target.size == 0);
}
static bool counted_pieces(const heed_recipe *r)
{
    return (r->text.source.units == HEED_UNIT_pieces && r->text.source.min_count > 1) || (r->text.target.units == HEED_UNIT_pieces && r->text.target.min_count > 1);
}
static bool drops(const heed_text_settings *t, const heed_text_noise *n) { return n->dropout > 0 && (t->units != HEED_UNIT_pieces || t->kind != HEED_PIECES_BPE); }
static bool samples(const heed_text_settings *t, const heed_text_noise *n) { return n->sampling > 0 && (t->units != HEED_UNIT_pieces || t->kind != HEED_PIECES_UNIGRAM); }
static bool idle_dropout(const heed_recipe *r) { return drops(&r->text.source, &r->text.source_noise) || drops(&r->text.target, &r->text.target_noise); }
static bool idle_sampling(const heed_recipe *r) { return samples(&r->text.source, &r->text.source_noise) || samples(&r->text.target, &r->text.target_noise); }
static bool no_window(const heed_recipe *r)
{
    const heed_attention_settings *a = &r->model.attention;
    return (a->align == HEED_ALIGN_window || a->align == HEED_ALIGN_causal_window || a->align == HEED_ALIGN_local_p || a->align == HEED_ALIGN_block_sparse) && a->score != HEED_ATTENTION_NONE && a->window == 0;
}
static bool recurrent(const heed_recipe *r) { return r->model.decoder.type == HEED_DECODER_rnn; }
static bool early_feeding(const heed_recipe *r) { return recurrent(r) && r->model.decoder.input_feeding && r->model.decoder.order != HEED_ORDER_LUONG; }
static bool all_without_one(const heed_recipe *r) { return r->model.tie == HEED_TIE_ALL && !r->text.shared; }
static bool all_of_two_widths(const heed_recipe *r)
{
    double unused;
    return r->model.tie == HEED_TIE_ALL && heed_recipe_embed(r, false, &unused) != heed_recipe_embed(r, true, &unused);
}
static bool choice_at_once(const heed_recipe *r) { return r->train.teacher_forcing < 1 && !recurrent(r); }
static bool even_filter(const heed_recipe *r)
{
    return strcmp(heed_recipe_choice(r, "model.attention.score"), "location_conv") == 0 && r->model.attention.filter_width % 2 == 0;
}
static bool distance(int positions) { return positions == HEED_POSITIONS_rotary || positions == HEED_POSITIONS_relative || positions == HEED_POSITIONS_alibi; }
static bool distance_in_conv(const heed_recipe *r)
{
    return (strcmp(heed_recipe_choice(r, "model.encoder.type"), "conv") == 0 && distance(r->model.encoder.stack.positions)) ||
           (strcmp(heed_recipe_choice(r, "model.decoder.type"), "conv") == 0 && distance(r->model.decoder.stack.positions));
}

static bool frozen(const heed_recipe *r) { return *r->train.frozen_attention; }
static bool frozen_without(const heed_recipe *r) { return frozen(r) && r->model.attention.score == HEED_ATTENTION_NONE; }
static bool frozen_guided(const heed_recipe *r) { return frozen(r) && heed_recipe_is_guided(r); }
static bool frozen_choosing(const heed_recipe *r) { return frozen(r) && r->train.teacher_forcing < 1; }
static bool frozen_measured(const heed_recipe *r) { return frozen(r) && strcmp(r->train.validate.metric, "loss") != 0; }
static bool rivals(const heed_recipe *r) { return *r->train.adversary.model; }
static bool rival_frozen(const heed_recipe *r) { return rivals(r) && frozen(r); }
static bool rival_without(const heed_recipe *r) { return rivals(r) && r->model.attention.score == HEED_ATTENTION_NONE; }
static bool rival_uniform(const heed_recipe *r) { return rivals(r) && strcmp(heed_recipe_choice(r, "model.attention.score"), "uniform") == 0; }
static bool rival_guided(const heed_recipe *r) { return rivals(r) && heed_recipe_is_guided(r); }
static bool rival_choosing(const heed_recipe *r) { return rivals(r) && r->train.teacher_forcing < 1; }
static bool rival_copying(const heed_recipe *r) { return rivals(r) && r->model.attention.copy; }
static bool rival_smoothing(const heed_recipe *r) { return rivals(r) && r->train.label_smoothing > 0; }
static bool frozen_remembering(const heed_recipe *r)
{
    return frozen(r) && (r->model.attention.coverage || strcmp(heed_recipe_choice(r, "model.attention.score"), "location_conv") == 0);
}

typedef struct rule {
    bool of_model;
    bool (*broken)(const heed_recipe *r);
    const char *text;
} rule;

static const rule rules[] = {
    {false, no_train, "data.train is missing: two files side by side, or one TSV"},
    {false, no_batch, "train.batch: sentences and tokens are both 0; set one of them"},
    {false, two_batches, "train.batch: sentences and tokens exclude each other; set one of them"},
    {false, no_end, "train: epochs, updates and seconds are all 0, so nothing would end the training; set one of them"},
    {false, no_last_update, "train.schedule: this type needs to know the end; set train.epochs or train.updates"},
    {false, no_warmup, "train.schedule: inverse_sqrt needs warmup, a number of updates from 1"},
    {false, long_warmup, "train.schedule: warmup is as long as train.updates; make it shorter"},
    {false, blind_plateau, "train.schedule: plateau needs data.valid"},
    {false, blind_metric, "train.validate.metric needs data.valid, or set it to loss"},
    {false, few_kept, "train.average is larger than train.keep; keep as many checkpoints as are averaged"},
    {true, unequal_sides, "text.shared needs the same settings for text.source and text.target; set them under text"},
    {true, pieces_without_size, "text: units: pieces needs size, the number of pieces to learn: 8000, say"},
    {true, counted_pieces, "text: min_count says nothing of pieces; their number is size"},
    {false, idle_dropout, "text.dropout leaves out merges of units: pieces with kind: bpe; there are none (of kind: unigram set text.sampling)"},
    {false, idle_sampling, "text.sampling draws among splits of units: pieces with kind: unigram; there are none (of kind: bpe set text.dropout)"},
    {true, no_window, "model.attention.align: this one needs model.attention.window, the number of keys to each side or the size of a block"},
    {true, early_feeding, "model.decoder.input_feeding needs order: luong; with bahdanau the context is an input already"},
    {false, choice_at_once, "train.teacher_forcing below 1 needs model.decoder.type: rnn; other decoders see all symbols at once, before any is chosen"},
    {false, frozen_without, "train.frozen_attention puts another model's weights in the place of attention's, and with score none there is none; choose a score"},
    {false, frozen_guided, "train.guided_alignment teaches attention where to look, and with train.frozen_attention that is settled; leave one of them out"},
    {false, frozen_choosing, "train.frozen_attention: the other model looks where the reference was read; set train.teacher_forcing to 1"},
    {false, frozen_remembering, "train.frozen_attention: coverage and score location_conv learn from weights what the next ones are, and these are another model's; leave them out"},
    {false, frozen_measured, "train.frozen_attention: of symbols that this model chose itself the other's weights are not known; set train.validate.metric to loss"},
    {false, rival_frozen, "train.adversary looks elsewhere than another model, train.frozen_attention where another does; leave one of them out"},
    {false, rival_without, "train.adversary learns to look elsewhere, and with score none it looks nowhere; choose a score"},
    {false, rival_uniform, "train.adversary learns to look elsewhere, and score uniform learns nothing of that; choose another score"},
    {false, rival_guided, "train.guided_alignment teaches attention where to look, and train.adversary where not to; leave one of them out"},
    {false, rival_choosing, "train.adversary: the other model reads the reference; set train.teacher_forcing to 1"},
    {false, rival_copying, "train.adversary compares what is made, not what is copied; set model.attention.copy to false, in the other model too"},
    {false, rival_smoothing, "train.adversary learns what another model says, so there are no targets to smooth; set train.label_smoothing to 0"},
    {true, all_without_one, "model.tie: all needs text.shared: true, one vocabulary for the one embedding; or tie: output"},
    {true, all_of_two_widths, "model.tie: all needs embeddings of one width; set model.encoder and model.decoder alike (embed; width of a transformer)"},
    {true, even_filter, "model.attention.filter_width must be odd, so that a filter has a middle"},
    {true, distance_in_conv, "positions rotary, relative and alibi belong to self-attention; a conv part takes none, sinusoid or learned"},
};

heed_status heed_keys_check(const heed_recipe *r, bool model, const heed_origin *from, heed_error *err)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if ((rules[i].of_model || !model) && rules[i].broken(r)) return heed_origin_fail(from, 0, err, "%s", rules[i].text);
    heed_status status = heed_keys_heard(r, from, err);
    return status ? status : heed_layers_check(r, model, false, from, err);
}

heed_status heed_recipe_check(const heed_recipe *r, heed_error *err)
{
    return heed_keys_check(r, false, &(heed_origin){r->path ? r->path : "recipe", HEED_E_USAGE}, err);
}

heed_status heed_recipe_trainable(const heed_recipe *r, heed_error *err)
{
    return heed_layers_check(r, false, true, &(heed_origin){r->path ? r->path : "recipe", HEED_E_USAGE}, err);
}
