/* Pairs of texts kept as numbers of words, and the training of the aligner on them: align/bitext.h. */
#include "align/bitext.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "align/pass.h"
#include "align/split.h"

enum { MODEL1 = 2, MARKOV = 6, MOST_THREADS = 1024 };   /* more of model 1 only makes rare words gather more of what it cannot explain */

/* Found on gold links of English-French, Japanese-English and Chinese-English, and flat there: a third more or less changes little. */
static const heed_prior prior = {.each = 0.1, .spelling = 1, .stem = 2, .empty = 1};

struct heed_bitext {
    heed_bitext_settings settings;
    heed_side side[2];
    heed_tokens codes;   /* scratch */
};

heed_bitext *heed_bitext_new(const heed_bitext_settings *settings, heed_error *err)
{
    if (settings->threads < 0 || settings->threads > MOST_THREADS || settings->model1 < 0 || settings->markov < 0) {
        heed_fail(err, HEED_E_USAGE, "an aligner with %d threads, %d and %d iterations; none may be negative, and %d threads are the most", settings->threads,
                  settings->model1, settings->markov, MOST_THREADS);
        return NULL;
    }
    heed_bitext *b = calloc(1, sizeof *b);
    for (int i = 0; b && i < 2; i++)
        if ((b->side[i].start = calloc(1, sizeof *b->side[i].start)) == NULL) {
            heed_bitext_free(b);
            b = NULL;
        }
    if (!b) {
        heed_fail(err, HEED_E_NOMEM, "out of memory for an aligner");
        return NULL;
    }
    b->settings = *settings;
    if (b->settings.threads == 0) b->settings.threads = omp_get_num_procs();
    if (b->settings.model1 == 0) b->settings.model1 = MODEL1;
    if (b->settings.markov == 0) b->settings.markov = MARKOV;
    return b;
}

void heed_bitext_free(heed_bitext *b)
{
    if (!b) return;
    for (int i = 0; i < 2; i++) {
        heed_vocabulary_free(&b->side[i].words);
        free(b->side[i].word);
        free(b->side[i].start);
    }
    heed_tokens_free(&b->codes);
    free(b);
}

int64_t heed_bitext_count(const heed_bitext *b)
{
    return b->side[1].texts;
}

static heed_status no_memory(const heed_bitext *b, heed_error *err)
{
    return heed_fail(err, HEED_E_NOMEM, "out of memory for pairs of texts to align, after %lld of them", (long long)heed_bitext_count(b));
}

/* Room for one more text of as many words as a text may have. */
static bool reserve(heed_side *s)
{
    const int64_t held = s->start[s->texts];
    if (held + HEED_LONGEST_SIDE > s->room) {
        const int64_t room = 2 * s->room + 16 * HEED_LONGEST_SIDE;
        int32_t *word = realloc(s->word, (size_t)room * sizeof *word);
        if (!word) return false;
        s->word = word;
        s->room = room;
    }
    if (s->texts + 1 >= s->texts_room) {
        const int64_t room = 2 * s->texts_room + 256;
        int64_t *start = realloc(s->start, (size_t)(room + 1) * sizeof *start);
        if (!start) return false;
        s->start = start;
        s->texts_room = room;
    }
    return true;
}

static heed_status read_side(heed_bitext *b, int which, const char *text, size_t size, int64_t *count, heed_error *err)
{
    heed_side *s = &b->side[which];
    heed_status status = heed_split_read(text, size, b->settings.lower, b->settings.parted, &b->codes, err);
    if (status) return status;
    if (!reserve(s)) return no_memory(b, err);
    int64_t at = 0, length, first;
    *count = 0;
    while ((first = heed_split_next(&b->codes, b->settings.parted, &at, &length)) >= 0) {
        if (*count == HEED_LONGEST_SIDE)
            return heed_fail(err, HEED_E_LIMIT, "the %s has more than %d words; cut it into sentences", which ? "target" : "source", HEED_LONGEST_SIDE);
        const int64_t number = heed_vocabulary_add(&s->words, b->codes.item + first, length);
        if (number < 0) return no_memory(b, err);
        s->word[s->start[s->texts] + (*count)++] = (int32_t)number;
    }
    return HEED_OK;
}

heed_status heed_bitext_add(heed_bitext *b, const char *source, size_t source_size, const char *target, size_t target_size, heed_error *err)
{
    int64_t count[2];
    heed_status status = read_side(b, 0, source, source_size, &count[0], err);
    if (!status) status = read_side(b, 1, target, target_size, &count[1], err);
    for (int i = 0; !status && i < 2; i++) {   /* not before both are good, so that the sides cannot differ */
        heed_side *s = &b->side[i];
        const int64_t end = s->start[s->texts] + count[i];
        for (int64_t k = s->start[s->texts]; k < end; k++) s->words.item[s->word[k]].count++;
        s->start[++s->texts] = end;
    }
    return status;
}

/* Ends with the tables of the last iteration. */
static heed_status learn(heed_pass *p, int model1, int markov, const heed_prior *believed, heed_error *err)
{
    heed_status status = HEED_OK;
    for (int i = 0; !status && i < model1 + markov; i++) {
        p->markov = p->agree = i >= model1;
        status = heed_pass_count(p, err);
        if (!status) heed_pass_learn(p, believed);
    }
    return status;
}

heed_status heed_bitext_align(heed_bitext *b, heed_links *forward, heed_links *reverse, bool (*stop)(void *user), void *user, heed_error *err)
{
    heed_pass *p = malloc(sizeof *p);
    if (!p) return no_memory(b, err);
    heed_status status = heed_pass_begin(p, b->side, b->settings.threads, err);
    if (!status) {
        p->stop = stop;
        p->user = user;
        status = learn(p, b->settings.model1, b->settings.markov, &prior, err);
        if (!status) status = heed_pass_link(p, forward, reverse, err);
        heed_pass_end(p);
    }
    free(p);
    return status;
}

/* --- what words translate to -------------------------------------------------------------------------------------------------------------------- */

/* Model 1 alone, which leaves something to all that stands together, where links want what is sure; and nothing is known of spelling, which is that of symbols. */
enum { TABLE_MODEL1 = 3 };
static const heed_prior nothing = {.each = 0};

typedef struct likely { float p; int32_t target; } likely;

/* The `most` likeliest targets of a word that have any probability, in falling order; returns how many. */
static int64_t likeliest(const heed_lexicon *l, int32_t source, int64_t most, likely *best)
{
    int64_t n = 0;
    for (int64_t k = l->row[source]; k < l->row[source + 1]; k++) {
        const likely one = {l->given[0][k], l->target[k]};
        if (!(one.p > 0) || (n == most && !(one.p > best[n - 1].p))) continue;
        int64_t at = n < most ? n++ : most - 1;
        for (; at > 0 && one.p > best[at - 1].p; at--) best[at] = best[at - 1];
        best[at] = one;
    }
    return n;
}

static heed_status tell_all(const heed_bitext *b, const heed_lexicon *l, int64_t most, heed_bitext_tell *tell, void *user, heed_error *err)
{
    likely *best = malloc((size_t)(most + 1) * sizeof *best);
    const char **target = malloc((size_t)(most + 1) * sizeof *target);
    heed_status status = best && target ? HEED_OK : no_memory(b, err);
    for (int32_t s = 0; !status && s < b->side[0].words.count; s++) {
        const int64_t n = likeliest(l, s, most, best);
        for (int64_t i = 0; i < n; i++) target[i] = heed_vocabulary_text(&b->side[1].words, best[i].target);
        if (!tell(user, heed_vocabulary_text(&b->side[0].words, s), target, n)) status = heed_fail(err, HEED_E_STOPPED, "stopped");
    }
    free(best);
    free(target);
    return status;
}

heed_status heed_bitext_translations(heed_bitext *b, int64_t most, heed_bitext_tell *tell, void *user, heed_error *err)
{
    heed_pass *p = malloc(sizeof *p);
    if (!p) return no_memory(b, err);
    heed_status status = heed_pass_begin(p, b->side, b->settings.threads, err);
    if (!status) {
        status = learn(p, TABLE_MODEL1, 0, &nothing, err);
        if (!status) status = tell_all(b, &p->lexicon, most, tell, user, err);
        heed_pass_end(p);
    }
    free(p);
    return status;
}
