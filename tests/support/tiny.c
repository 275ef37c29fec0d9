#include "support/tiny.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "support/scratch.h"
#include "tensor/tape.h"

static void must(bool good, const heed_error *err)
{
    if (good) return;
    fprintf(stderr, "tiny: %s\n", err->text);
    exit(1);
}

static const char *either(const char *text, const char *usual) { return text ? text : usual; }

static heed_text *make_text(const heed_text_settings *settings, const char *corpus)
{
    heed_error err;
    heed_text *t = heed_text_new(settings, &err);
    must(t && heed_text_count(t, corpus, strlen(corpus), &err) == HEED_OK && heed_text_finish(t, &err) == HEED_OK, &err);
    return t;
}

/* Keys that not every type has: a file may not name others. more: what the test adds, with the type if it is no recurrent part. */
static const char *own_keys(char out[200], const char *more, const char *recurrent)
{
    const bool other = more && strstr(more, "type: ") && !strstr(more, "type: rnn");
    snprintf(out, 200, "%s%s%s", other ? "" : recurrent, more ? more : "", more ? ", " : "");
    return out;
}

static void read_recipe(heed_recipe *r, const tiny *t)
{
    heed_error err;
    const int directions = t->directions ? t->directions : 2, layers = t->layers ? t->layers : 1;
    char yaml[2000], encoder[200], decoder[200], cells[80], orders[120];
    snprintf(cells, sizeof cells, "cell: %s, directions: %d, embed: 5, ", either(t->cell, "gru"), directions);
    snprintf(orders, sizeof orders, "cell: %s, %s, embed: 5, ", either(t->decoder_cell, "gru"), either(t->order, "order: bahdanau"));
    snprintf(yaml, sizeof yaml,
             "%s\n"
             "text: {source: {units: %s}, target: {units: %s}}\n"
             "model:\n"
             "  encoder: {%slayers: %d, width: 6, dropout: %g}\n"
             "  attention: %s\n"
             "  decoder: {%slayers: %d, width: %d, dropout: %g}\n"
             "  tie: %s\n"
             "decode: {max_length: %s%s}\n"
             "%s\n",
             either(t->data, "data: {train: none.tsv, max_length: 0}"), either(t->source_units, "characters"), either(t->target_units, "symbols"),
             own_keys(encoder, t->encoder, cells), layers, t->dropout, either(t->attention, "{score: additive}"), own_keys(decoder, t->decoder, orders), layers,
             6 * directions, t->dropout, either(t->tie, "none"), either(t->max_length, "[1, 6]"), either(t->decode, ""), either(t->train, ""));
    *r = (heed_recipe){0};
    must(heed_recipe_parse(r, yaml, strlen(yaml), "tiny.yaml", &err) == HEED_OK, &err);
}

/* Biases that are not zero, logits far enough apart, and an end that is likely. */
static void spread(heed_params *p)
{
    for (int64_t i = 0; i < heed_params_count(p); i++) {
        const heed_weight *w = heed_params_at(p, i);
        const int64_t n = w->tensor.rows * w->tensor.cols;
        for (int64_t j = 0; j < n; j++) {
            if (w->fill == HEED_FILL_ZERO) w->tensor.x[j] = (float)(0.5 * heed_normal(heed_key_text(9, w->name), (uint64_t)j));
            else if (w->fill == HEED_FILL_GLOROT) w->tensor.x[j] *= 3;
            else if (strcmp(w->name, "encoder.embedding") == 0) w->tensor.x[j] /= (float)w->scale;
            else if (strcmp(w->name, "decoder.embedding") == 0) w->tensor.x[j] *= (float)(0.5 / w->scale);
        }
    }
    heed_weight *bias = heed_params_find(p, "head.bias");
    bias->tensor.x[HEED_UNK] = bias->tensor.x[HEED_BOS] = -10;
    bias->tensor.x[HEED_EOS] = 1;
    heed_params_touch(p);
}

heed_model *tiny_build(const tiny *t)
{
    heed_error err;
    heed_recipe r;
    read_recipe(&r, t);
    heed_text *source = make_text(&r.text.source, "abcde abcde abc ab q");
    heed_text *target = make_text(&r.text.target, "A B C D E A B C D A B C A B A");
    heed_model *m = heed_model_build(&r, source, target, &err);
    must(m && heed_model_fill(m, &err) == HEED_OK, &err);
    spread(m->params);
    must(heed_params_pack(m->params, true, 1, &err) == HEED_OK, &err);
    return m;
}

const char *tiny_save(heed_model *m, const char *name)
{
    heed_error err;
    const char *path = scratch_path(name);
    must(heed_model_save(m, path, HEED_F32, NULL, &err) == HEED_OK, &err);
    heed_model_free(m);
    return path;
}
