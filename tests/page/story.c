/* One made-up explanation with every part that the page can show: page/story.h. */
#include "page/story.h"

#include "base/buf.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 128, SHARES = 7 };

typedef struct side { json_t *tokens, *words; int word[MOST], count; char text[2048]; } side;
typedef struct teller { const story *s; side source, target; bool linked[MOST][MOST]; uint64_t state; } teller;

static const double shares[SHARES] = {0, 0.01, 0.05, 0.1, 0.2, 0.5, 1};

/* --- symbols ------------------------------------------------------------------------------------------------------------------------------------ */
static void add_token(side *d, const char *text, size_t start, size_t end, int word, double logp)
{
    json_array_append_new(d->tokens, json_pack("{s:s, s:I, s:I, s:f}", "text", text, "start", (json_int_t)start, "end", (json_int_t)end, "logp", logp));
    d->word[d->count++] = word;
}

static void split(side *d, const char *text, teller *t)
{
    d->tokens = json_array();
    d->words = json_array();
    size_t at = 0;
    int word = 0;
    for (const char *p = text; *p; word++) {
        const size_t start = at, length = strcspn(p, " ");
        for (size_t used = 0; used < length;) {
            const size_t piece = strcspn(p + used, " |");
            memcpy(d->text + at, p + used, piece);
            d->text[at + piece] = 0;
            add_token(d, d->text + at, at, at + piece, word, log(0.35 + 0.64 * sqrt(story_random(&t->state))));
            at += piece;
            used += piece + (p[used + piece] == '|');
        }
        json_array_append_new(d->words, json_pack("[I,I]", (json_int_t)start, (json_int_t)at));
        p += length;
        if (*p == ' ') p++, d->text[at++] = ' ';
    }
    d->text[at] = 0;
    add_token(d, "</s>", at, at, -1, -0.05);
}

static void link_words(teller *t)
{
    int from, to, used;
    for (const char *p = t->s->links; p && sscanf(p, "%d-%d%n", &from, &to, &used) == 2; p += used) t->linked[to][from] = true;
}

static bool linked(const teller *t, int i, int j)
{
    const int to = t->target.word[i], from = t->source.word[j];
    return to < 0 || from < 0 ? to == from : t->linked[to][from];
}

/* --- scores ------------------------------------------------------------------------------------------------------------------------------------- */
/* How well a lens follows the links, how much of it lies on the end of the source, whether it has a sign. */
typedef struct taste { double truth, sink, noise; bool is_signed; } taste;

static void soften(float *row, int n)
{
    double all = 0;
    for (int j = 0; j < n; j++) all += row[j] = expf(row[j]);
    for (int j = 0; j < n; j++) row[j] = (float)(row[j] / all);
}

static json_t *cross(teller *t, taste a)
{
    const int rows = t->target.count, cols = t->source.count;
    float values[MOST * MOST];
    for (int i = 0; i < rows; i++) {
        float *row = values + i * cols;
        for (int j = 0; j < cols; j++) {
            const double near = -fabs((double)i / rows - (double)j / cols) * 3, chance = a.noise * (story_random(&t->state) * 2 - 1);
            row[j] = (float)(a.truth * linked(t, i, j) + chance + (a.is_signed ? 0 : near + (j == cols - 1) * a.sink));
        }
        if (!a.is_signed) soften(row, cols);
    }
    return story_matrix(values, rows, cols, true);
}

static json_t *self(teller *t, const side *d, bool causal, double spread, json_t *head)
{
    const int n = d->count;
    float values[MOST * MOST];
    double entropy = 0, sink = 0;
    for (int i = 0; i < n; i++) {
        float *row = values + i * n;
        for (int j = 0; j < n; j++) row[j] = causal && j > i ? -1e9f : (float)(story_random(&t->state) * spread - fabs(i - 1.0 - j) * (4 - spread) + (j == 0) * spread / 2);
        soften(row, n);
        sink += row[0] / n;
        for (int j = 0; j < n; j++) entropy -= row[j] > 0 ? row[j] * log(row[j]) / n : 0;
    }
    json_object_set_new(head, "entropy", json_real(entropy));
    json_object_set_new(head, "sink", json_real(sink));
    json_object_set(head, "sink_symbol", json_object_get(json_array_get(d->tokens, 0), "text"));
    return story_matrix(values, n, n, true);
}

static json_t *lens(teller *t, const char *name, const char *title, const char *sentence, const char *method, const char *baseline, taste a)
{
    json_t *l = json_pack("{s:s, s:s, s:s, s:b, s:s, s:s, s:o}", "name", name, "title", title, "sentence", sentence, "signed", a.is_signed, "target", "ln p of each symbol written",
                          "method", method, "matrix", cross(t, a));
    if (baseline) json_object_set_new(l, "baseline", json_string(baseline));
    return l;
}

static json_t *lenses(teller *t)
{
    json_t *all = json_array();
    json_array_append_new(all, lens(t, "weights", "Weights", "Where the decoder looked. Says what was mixed in, not what decided: a symbol can be looked at and change nothing.",
                                    "mean of the 4 heads of the last layer", NULL, (taste){2.2, 2.6, 1.2, false}));
    json_array_append_new(all, lens(t, "norms", "Weights × norms", "Weights times the length of what they fetched. Sees that an end symbol with short values adds little; misses what later layers undo.",
                                    "Kobayashi et al. 2020", NULL, (taste){3.2, 0.4, 1, false}));
    json_array_append_new(all, lens(t, "rollout", "Rollout", "Attention followed through all layers as shares. Assumes that shares add up, which they need not.", "Abnar and Zuidema 2020", NULL,
                                    (taste){1.2, 0.8, 0.5, false}));
    json_array_append_new(all, lens(t, "integrated-gradients", "Integrated gradients", "How much each symbol adds to ln p on a straight way from a baseline; sums to the whole change.", "20 steps",
                                    "embedding of </s>", (taste){1.6, 0, 0.4, true}));
    json_object_set_new(json_array_get(all, 3), "note", json_string("completeness gap 0.8 %"));
    json_array_append_new(all, lens(t, "leave-one-out", "Leave one out", "How far ln p falls when the symbol is taken away. The effect itself, of one symbol at a time: two that can stand in for each other "
                                    "both look idle.", "one run for each symbol, batched", "dropped; positions kept", (taste){1.9, 0, 0.3, true}));
    return all;
}

static json_t *heads(teller *t)
{
    json_t *all = json_array();
    static const char *const sites[] = {"cross", "encoder", "decoder"};
    for (int site = 0; site < 3; site++)
        for (int l = 0; l < t->s->layers; l++)
            for (int h = 0; h < t->s->heads; h++) {
                const double spread = 0.3 + 3.4 * story_random(&t->state);
                json_t *head = json_pack("{s:s, s:i, s:i, s:f, s:f, s:s}", "site", sites[site], "layer", l, "head", h, "entropy", spread * 0.7, "sink", story_random(&t->state) * 0.6,
                                         "sink_symbol", "</s>");
                json_t *m = site == 0 ? cross(t, (taste){4 - spread, spread * story_random(&t->state), 1, false}) : self(t, site == 1 ? &t->source : &t->target, site == 2, spread, head);
                json_object_set_new(head, "matrix", m);
                json_array_append_new(all, head);
            }
    return all;
}

/* --- faithfulness ------------------------------------------------------------------------------------------------------------------------------- */
static json_t *falling(double steep, double from, double to)
{
    json_t *ys = json_array();
    for (int k = 0; k < SHARES; k++) json_array_append_new(ys, json_real(from + (to - from) * (1 - exp(-steep * shares[k])) / (1 - exp(-steep))));
    return ys;
}

static json_t *five(double steep, double whole)
{
    json_t *ys = json_array();
    for (int k = 1; k <= 5; k++) json_array_append_new(ys, json_real(whole * (1 - exp(-steep * shares[k])) / (1 - exp(-steep))));
    return ys;
}

static json_t *curve(const char *name, double steep, bool passed, const char *why)
{
    json_t *x = json_array();
    for (int k = 0; k < SHARES; k++) json_array_append_new(x, json_real(shares[k]));
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:s}", "lens", name, "x", x, "deletion", falling(steep, -3.1, -31), "insertion", falling(steep, -31, -3.1),
                     "reverse_deletion", falling(-steep, -3.1, -31), "reverse_insertion", falling(-steep, -31, -3.1), "comprehensiveness", five(steep, 28), "sufficiency", five(-steep / 2, 28),
                     "passed", passed, "why", why);
}

static json_t *trust(void)
{
    json_t *curves = json_array(), *tau = json_array();
    json_array_append_new(curves, curve("weights", 1.5, false, "Taking away the 20 % that it points at costs 6.1 nats, no more than taking away any 20 % (5.2 to 9.8)."));
    json_array_append_new(curves, curve("norms", 4, true, "Taking away the 20 % that it points at costs 15.2 nats; any 20 % cost 5.2 to 9.8."));
    json_array_append_new(curves, curve("rollout", 2, false, "Keeping the 20 % that it points at leaves the output as lost as keeping any 20 %."));
    json_array_append_new(curves, curve("integrated-gradients", 6, true, "Taking away the 20 % that it points at costs 19.7 nats; any 20 % cost 5.2 to 9.8."));
    json_array_append_new(curves, curve("leave-one-out", 8, true, "Taking away the 20 % that it points at costs 22.4 nats; any 20 % cost 5.2 to 9.8. Judged by insertion too, since it deletes itself."));
    static const char *const names[] = {"weights", "norms", "rollout", "integrated-gradients", "leave-one-out"};
    json_t *list = json_array();
    for (int i = 0; i < 5; i++) {
        json_t *row = json_array();
        for (int j = 0; j < 5; j++) json_array_append_new(row, json_real(i == j ? 1 : 0.8 - 0.17 * abs(i - j)));
        json_array_append_new(tau, row);
        json_array_append_new(list, json_string(names[i]));
    }
    json_t *random = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "deletion", falling(1, -3.1, -31), "insertion", falling(1, -31, -3.1), "deletion_low", falling(1.9, -3.1, -31),
                               "deletion_high", falling(0.3, -3.1, -31), "insertion_low", falling(0.3, -31, -3.1), "insertion_high", falling(1.9, -31, -3.1), "comprehensiveness", five(1, 28),
                               "sufficiency", five(-1, 28));
    return json_pack("{s:s, s:s, s:o, s:o, s:{s:o, s:o}, s:[s,s,s]}", "measure", "ln p of the output", "sentence",
                     "On this sentence three of five lenses point at what matters more than chance would.", "curves", curves, "random", random, "agreement", "lenses", list, "tau", tau,
                     "recommended", "leave-one-out", "integrated-gradients", "norms");
}

/* --- search, what if, film ---------------------------------------------------------------------------------------------------------------------- */
static json_t *node(int id, int parent, const char *text, double logp, double score, int step, const char *state)
{
    return json_pack("{s:i, s:i, s:s, s:f, s:f, s:i, s:s}", "id", id, "parent", parent, "text", text, "logp", logp, "score", score, "step", step, "state", state);
}

static json_t *beams(teller *t)
{
    static const char *const rivals[] = {"the", "one", "small", "animal", "walks", "at", "a", "sea", ",", "hunts", "crimson", "sphere"};
    json_t *nodes = json_array();
    int id = 1, best = 0;
    double score = 0;
    json_array_append_new(nodes, node(0, -1, "", 0, 0, 0, "best"));
    for (int i = 0; i < t->target.count; i++) {
        const json_t *token = json_array_get(t->target.tokens, (size_t)i);
        const int parent = best;
        const double logp = json_number_value(json_object_get(token, "logp"));
        best = id;
        json_array_append_new(nodes, node(id++, parent, json_string_value(json_object_get(token, "text")), logp, score += logp, i + 1, "best"));
        for (int k = 0; k < 3; k++) {
            const double less = logp - 0.8 - 2 * story_random(&t->state);
            json_array_append_new(nodes, node(id, parent, rivals[(i + 5 * k) % 12], less, score + less, i + 1, k == 0 ? "kept" : "dropped"));
            if (k == 0 && i + 1 < t->target.count) {
                json_array_append_new(nodes, node(id + 1, id, rivals[(i + 7) % 12], -1.2, score + less - 1.2, i + 2, i % 3 ? "dropped" : "ended"));
                id++;
            }
            id++;
        }
    }
    return json_pack("{s:o}", "nodes", nodes);
}

static json_t *what_if(teller *t, const char *what, int changed, const char *instead)
{
    json_t *tokens = json_deep_copy(t->target.tokens), *change = json_array(), *token = json_array_get(tokens, (size_t)changed);
    if (instead) json_object_set_new(token, "text", json_string(instead));
    double all = 0;
    for (int i = 0; i < t->target.count; i++) {
        const double fall = i == changed ? -4.2 : (story_random(&t->state) - 0.6) * 0.5;
        json_t *one = json_array_get(tokens, (size_t)i);
        json_object_set_new(one, "logp", json_real(json_number_value(json_object_get(one, "logp")) + (instead && i == changed ? -0.3 : fall)));
        json_array_append_new(change, json_real(fall));
        all += fall;
    }
    heed_buf text = {0};
    for (int i = 0; i + 1 < t->target.count; i++) heed_buf_printf(&text, "%s ", json_string_value(json_object_get(json_array_get(tokens, (size_t)i), "text")));
    json_t *run = json_pack("{s:s, s:{s:s, s:f, s:o}, s:o}", "what", what, "output", "text", text.data, "score", all - 3.1, "tokens", tokens, "change", change);
    heed_buf_free(&text);
    return run;
}

static json_t *film(teller *t)
{
    json_t *frames = json_array();
    for (int k = 0; k < 9; k++)
        json_array_append_new(frames, json_pack("{s:i, s:f, s:f, s:s, s:o}", "update", k * k * 50, "entropy", 2.4 - 0.2 * k, "metric", 4.0 * k, "metric_name", "chrF", "matrix",
                                                cross(t, (taste){k * 0.6, 0.5, 1.2 - 0.1 * k, false})));
    return json_pack("{s:o}", "frames", frames);
}

/* --- all of it ---------------------------------------------------------------------------------------------------------------------------------- */
static json_t *gold(const teller *t)
{
    json_t *links = json_array();
    for (int i = 0; i < MOST; i++)
        for (int j = 0; j < MOST; j++)
            if (t->linked[i][j]) json_array_append_new(links, json_pack("[i,i]", j, i));
    return links;
}

static void begin(teller *t, const story *s)
{
    *t = (teller){.s = s, .state = s->seed * 7919 + 17};
    split(&t->source, s->source, t);
    split(&t->target, s->target, t);
    link_words(t);
}

json_t *story_explanation(const story *s)
{
    teller *t = malloc(sizeof *t);
    begin(t, s);
    json_t *x = json_pack("{s:s, s:i, s:{s:s, s:s, s:i, s:i}, s:s, s:O, s:o, s:[{s:s, s:f, s:O, s:o, s:o}]}", "heed", "explanation", "version", 1, "model", "name", "multi30k-de-en", "description",
                          "transformer 2+2 x 128, 4 heads", "layers", s->layers, "heads", s->heads, "source", t->source.text, "source_tokens", t->source.tokens, "source_words", t->source.words,
                          "outputs", "text", t->target.text, "score", -3.1, "tokens", t->target.tokens, "words", t->target.words, "align", gold(t));
    if (s->links) json_object_set_new(x, "gold", gold(t));
    if (s->layers) json_object_set_new(x, "lenses", lenses(t));
    if (s->layers) json_object_set_new(x, "heads", heads(t));
    if (s->trust) json_object_set_new(x, "trust", trust());
    if (s->beams) json_object_set_new(x, "beams", beams(t));
    if (s->film) json_object_set_new(x, "film", film(t));
    if (s->what_if)
        json_object_set_new(x, "what_if", json_pack("[o,o,o]", what_if(t, "mask source symbol 2", 2, "child"), what_if(t, "head off: cross 1.3", 4, NULL), what_if(t, "force prefix \"The\"", 0, "The")));
    json_decref(t->source.tokens);
    json_decref(t->target.tokens);
    free(t);
    return x;
}
