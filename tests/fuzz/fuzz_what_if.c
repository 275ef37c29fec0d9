/* Any bytes as a change of one text under a small model, which is never run. What is accepted names things that there are. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "explain/what_if.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_thing)
{
    if (!true_thing) abort();
}

enum { S = 4, T = 3 };
static const heed_piece_of_text source[S] = {{"a", 0, 1, 0}, {"\xC3\xA9", 1, 3, 0}, {"<b>", 3, 6, 0}, {"</s>", 6, 6, 0}};
static const heed_piece_of_text target[T] = {{"A", 0, 1, 0}, {"B", 2, 3, 0}, {"</s>", 3, 3, 0}};
static const int32_t read_ids[S] = {3, 4, 5, HEED_EOS}, written_ids[T] = {3, 4, HEED_EOS};
static const char recipe[] = "data: {train: a.tsv}\nmodel:\n  encoder: {type: transformer, layers: 2, heads: 2, width: 8}\n"
                             "  attention: {score: scaled}\n  decoder: {type: transformer, layers: 2, heads: 2, width: 8}\n";

static void check(const heed_what_if *w)
{
    must(w->what && *w->what);
    if (w->kind == HEED_CHANGE_MASK) must(w->place >= 0 && w->place < S - 1 && w->ids[w->place] == HEED_UNK && w->ids[S - 1] == HEED_EOS);
    if (w->kind == HEED_CHANGE_EDIT) must(w->place >= 0 && w->place < S - 1 && strlen(w->source) >= strlen(w->text) && w->text);
    if (w->kind == HEED_CHANGE_HEAD) must(w->layer < 2 && w->head < 2 && w->site < HEED_SITES && w->meddler.change);
    if (w->kind != HEED_CHANGE_ROW) return;
    double sum = 0;
    for (int64_t s = 0; s < S; s++) sum += (double)w->weights[s];
    must(w->place >= 0 && w->place < T && fabs(sum - 1) < 1e-5);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    heed_error err = {0};
    heed_model model = {0};
    heed_what_if w;
    char *spec = calloc(size + 1, 1);
    must(spec && heed_recipe_parse(&model.recipe, recipe, strlen(recipe), "fuzz.yaml", &err) == HEED_OK);
    if (size) memcpy(spec, data, size);
    heed_tape *tape = heed_tape_new(&(heed_tape_options){0}, &err);
    heed_arena *arena = heed_arena_new(0);
    heed_probe *probe = tape ? heed_probe_new(&model, tape, &err) : NULL;
    must(probe && arena);
    const heed_output o = {.source = "a\xC3\xA9<b>", .text = "A B", .source_tokens = source, .source_count = S, .tokens = target, .count = T};
    const heed_lens_input in = {.probe = probe, .source = read_ids, .S = S, .target = written_ids, .T = T};
    const heed_status status = heed_what_if_parse(spec, &o, &in, arena, &w, &err);
    must(status == HEED_OK || (status == HEED_E_USAGE && *err.text));
    if (status == HEED_OK) check(&w);
    heed_probe_free(probe);
    heed_arena_free(arena);
    heed_tape_free(tape);
    heed_recipe_free(&model.recipe);
    free(spec);
    return 0;
}
