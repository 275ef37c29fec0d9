/* Which keys say something of the parts that a recipe has chosen: `heads` belongs to a Transformer, `cell` to a recurrent layer. One row a key;
 * keys without a row always speak. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/keys.h"

/* Under model.encoder and model.decoder: the types that hear a key. */
static const struct { const char *word, *types; } parts[] = {
    {"cell", "rnn"},           {"directions", "rnn"},          {"order", "rnn"},           {"input_feeding", "rnn"},
    {"embed", "rnn conv"},     {"kernel", "conv"},             {"positions", "conv transformer"},
    {"longest", "conv transformer"}, {"heads", "transformer"}, {"key_heads", "transformer"}, {"inner", "transformer"},
    {"norm", "transformer"},   {"activation", "transformer"},  {"window", "transformer"},  {"score", "transformer"},
};

/* Under model.attention: the choice that decides whether a key is heard, and for which of its values; "!": for all but these. One that is idle at its default
 * is not refused there: models and recipes hold it that were written before it was silent. */
static const struct { const char *word, *by, *heard; bool idle; } looks[] = {
    {"longest", "score", "location", false},  {"filters", "score", "location_conv", false}, {"filter_width", "score", "location_conv", false},
    {"heads", "score", "!none", true},        {"key_heads", "score", "!none", true},        {"width", "score", "!none", true},
    {"align", "score", "!none", true},        {"coverage", "score", "!none", true},
    {"vector", "score", "none", true},        {"window", "align", "window causal_window local_p block_sparse", true},
};

static bool has_word(const char *list, const char *word)
{
    const size_t size = strlen(word);
    for (; *list; list += strspn(list, " ")) {
        const size_t n = strcspn(list, " ");
        if (n == size && strncmp(list, word, n) == 0) return true;
        list += n;
    }
    return false;
}

const char *heed_recipe_choice(const heed_recipe *r, const char *key)
{
    for (int i = 0; i < HEED_KEYS; i++) {
        if (strcmp(heed_keys[i].name, key) != 0) continue;
        int value;
        if (!heed_keys[i].choices) return "";
        memcpy(&value, (const char *)r + heed_keys[i].offset, sizeof value);
        for (const heed_choice *c = heed_keys[i].choices; c->name; c++)
            if (c->value == value) return c->name;
    }
    return "";
}

static bool hears(const char *list, const char *name, const char *part, heed_buf *silent, heed_buf *others)
{
    const bool but = *list == '!';
    if (has_word(list + but, name) != but) return true;
    if (silent) heed_buf_printf(silent, "%s %s", part, name);
    if (but) {
        if (others) heed_buf_printf(others, "any other %s", part);
        return false;
    }
    for (const char *at = list; others && *at; at++) heed_buf_text(others, *at == ' ' ? " or " : (char[]){*at, 0});
    return false;
}

/* Of a whole number, a flag or a choice. */
static bool at_default(const heed_key *k, const heed_recipe *r)
{
    int64_t value;
    if (k->kind == &heed_kind_flag) return *((const char *)r + k->offset) == (strcmp(k->standard, "true") == 0);
    if (k->choices) return strcmp(heed_recipe_choice(r, k->name), k->standard) == 0;
    memcpy(&value, (const char *)r + k->offset, sizeof value);
    return value == strtoll(k->standard, NULL, 10);
}

static bool look_hears(int i, const heed_recipe *r, heed_buf *silent, heed_buf *others)
{
    char by[64];
    snprintf(by, sizeof by, "model.attention.%s", looks[i].by);
    return hears(looks[i].heard, heed_recipe_choice(r, by), looks[i].by, silent, others);
}

/* Places are counted by learned positions and by a score that has one row for each. */
static bool counts_places(const heed_recipe *r, bool encoder, heed_buf *silent, heed_buf *others)
{
    const char *at = heed_recipe_choice(r, encoder ? "model.encoder.positions" : "model.decoder.positions");
    const bool scores = strcmp(heed_recipe_choice(r, encoder ? "model.encoder.type" : "model.decoder.type"), "transformer") == 0;
    const char *score = heed_recipe_choice(r, encoder ? "model.encoder.score" : "model.decoder.score");
    if (strcmp(at, "learned") == 0 || (scores && strcmp(score, "location") == 0)) return true;
    if (silent) heed_buf_printf(silent, "positions %s", at);
    if (others) heed_buf_text(others, scores ? "learned, or to score location" : "learned");
    return false;
}

/* Of train.guided_alignment: all but its links are heard when there are any, and its rule of joining where two directions are learnt. */
static bool guide_hears(const char *word, const heed_recipe *r, heed_buf *silent, heed_buf *others)
{
    const bool statistical = strcmp(r->train.guided.links, "statistical") == 0, joins = strcmp(word, "symmetry") == 0;
    if (strcmp(word, "links") == 0 || (joins ? statistical : heed_recipe_is_guided(r))) return true;
    if (silent) heed_buf_printf(silent, "links %s", heed_recipe_is_guided(r) ? "of a file" : "none");
    if (others) heed_buf_text(others, joins ? "links statistical" : "links statistical, or those of a file");
    return false;
}

static bool adversary_hears(const char *word, const heed_recipe *r, heed_buf *silent, heed_buf *others)
{
    if (strcmp(word, "model") == 0 || *r->train.adversary.model) return true;
    if (silent) heed_buf_text(silent, "a training without train.adversary.model");
    if (others) heed_buf_text(others, "one with it");
    return false;
}

static const char *after(const char *name, const char *section)
{
    const size_t size = strlen(section);
    return strncmp(name, section, size) == 0 ? name + size : NULL;
}

/* lenient: what is idle at its default counts as speaking. */
static bool speaks(const heed_key *k, const heed_recipe *r, bool lenient, heed_buf *silent, heed_buf *others)
{
    const char *encoder = after(k->name, "model.encoder."), *decoder = after(k->name, "model.decoder."), *attention = after(k->name, "model.attention.");
    const char *word = encoder ? encoder : decoder, *guide = after(k->name, "train.guided_alignment.");
    const char *adversary = after(k->name, "train.adversary.");
    if (guide) return guide_hears(guide, r, silent, others);
    if (adversary) return adversary_hears(adversary, r, silent, others);
    for (size_t i = 0; word && i < sizeof parts / sizeof *parts; i++)
        if (strcmp(parts[i].word, word) == 0)
            return hears(parts[i].types, heed_recipe_choice(r, encoder ? "model.encoder.type" : "model.decoder.type"), encoder ? "an encoder of type" : "a decoder of type",
                         silent, others) &&
                   (strcmp(word, "longest") != 0 || (lenient && at_default(k, r)) || counts_places(r, encoder, silent, others));
    for (int i = 0; attention && i < (int)(sizeof looks / sizeof *looks); i++)
        if (strcmp(looks[i].word, attention) == 0) return (lenient && looks[i].idle && at_default(k, r)) || look_hears(i, r, silent, others);
    return true;
}

bool heed_key_speaks(const heed_key *k, const heed_recipe *r) { return speaks(k, r, false, NULL, NULL); }

static heed_status refuse(const heed_recipe *r, int i, const heed_origin *from, heed_error *err)
{
    const heed_recipe_owner *owner = r->owner;
    heed_buf silent = {0}, others = {0};
    heed_status status = HEED_OK;
    if (!speaks(&heed_keys[i], r, true, &silent, &others))
        status = heed_origin_fail(from, owner->line[i], err, "%s says nothing of %s; it belongs to %s", heed_keys[i].name, silent.failed ? "this" : silent.data,
                                  others.failed ? "another" : others.data);
    heed_buf_free(&silent);
    heed_buf_free(&others);
    return status;
}

void heed_keys_believe(heed_recipe *r)
{
    heed_recipe_owner *owner = r->owner;
    if (owner) memset(owner->fresh, 0, sizeof owner->fresh);
}

heed_status heed_keys_heard(const heed_recipe *r, const heed_origin *from, heed_error *err)
{
    heed_recipe_owner *owner = r->owner;
    heed_status status = HEED_OK;
    for (int i = 0; owner && i < HEED_KEYS && !status; i++)
        if (owner->fresh[i]) status = refuse(r, i, from, err);
    if (owner) memset(owner->fresh, 0, sizeof owner->fresh);
    return status;
}
