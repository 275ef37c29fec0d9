/* heed_files_align without a model: the aligner of align/bitext.h learns from the pairs themselves, and from more files, then links the pairs. */
#include <stdlib.h>
#include <string.h>

#include "align/bitext.h"
#include "api/align.h"
#include "api/session.h"

typedef struct statistics { heed_bitext *text; heed_links *forward, *reverse; int64_t count; } statistics;

/* The pairs themselves; gold is looked at before anything is learnt. */
static heed_status read_pairs(heed_aligning *a, statistics *x, heed_error *err)
{
    heed_pairs *p = &a->pairs;
    heed_error why = {.status = HEED_OK};
    heed_status status = heed_pairs_next(p, true, err);
    while (status == HEED_OK && p->count) {
        for (int64_t i = 0; i < p->count && status == HEED_OK; i++) {
            const heed_pair *now = &p->pair[i];
            status = heed_bitext_add(x->text, now->source, strlen(now->source), now->target, strlen(now->target), &why);
            if (status != HEED_OK) return heed_pairs_fail(p, i, status, why.text, err);
            if (now->gold) status = heed_pairs_gold(p, i, heed_words_split(now->source, NULL), heed_words_split(now->target, NULL), err);
        }
        if (status == HEED_OK) status = heed_pairs_next(p, true, err);
    }
    return status;
}

/* Files that are learnt from and not aligned: a pair that is too long is left out. */
static heed_status read_more(statistics *x, const heed_align_options *o, heed_error *err)
{
    heed_status status = HEED_OK;
    for (int i = 0; i + 1 < o->more_count && status == HEED_OK; i += 2) {
        heed_pairs p;
        status = heed_pairs_open(&p, &(heed_align_options){.source = o->more[i], .target = o->more[i + 1]}, err);
        if (status == HEED_OK) status = heed_pairs_next(&p, true, err);
        while (status == HEED_OK && p.count) {
            for (int64_t k = 0; k < p.count && status == HEED_OK; k++) {
                heed_error why = {.status = HEED_OK};
                status = heed_bitext_add(x->text, p.pair[k].source, strlen(p.pair[k].source), p.pair[k].target, strlen(p.pair[k].target), &why);
                if (status == HEED_E_LIMIT) status = HEED_OK;
                if (status != HEED_OK) heed_pairs_fail(&p, k, status, why.text, err);
            }
            if (status == HEED_OK) status = heed_pairs_next(&p, true, err);
        }
        heed_pairs_close(&p);
    }
    return status;
}

static heed_status learn(heed_aligning *a, statistics *x, heed_error *err)
{
    const heed_align_options *o = a->pairs.options;
    const bool forward = o->direction != HEED_DIRECTION_REVERSE, reverse = o->direction != HEED_DIRECTION_FORWARD;
    x->text = heed_bitext_new(&(heed_bitext_settings){.lower = true, .threads = o->threads}, err);
    if (!x->text) return err->status;
    heed_status status = read_pairs(a, x, err);
    if (status == HEED_OK) status = read_more(x, o, err);
    if (status != HEED_OK) return status;
    x->count = heed_bitext_count(x->text);
    x->forward = forward ? calloc((size_t)x->count + 1, sizeof *x->forward) : NULL;
    x->reverse = reverse ? calloc((size_t)x->count + 1, sizeof *x->reverse) : NULL;
    if ((forward && !x->forward) || (reverse && !x->reverse)) return heed_fail(err, HEED_E_NOMEM, "out of memory for links");
    return heed_bitext_align(x->text, x->forward, x->reverse, NULL, NULL, err);
}

static void forget(statistics *x)
{
    for (int64_t i = 0; i < x->count && x->forward; i++) heed_links_free(&x->forward[i]);
    for (int64_t i = 0; i < x->count && x->reverse; i++) heed_links_free(&x->reverse[i]);
    free(x->forward);
    free(x->reverse);
    heed_bitext_free(x->text);
}

/* An output as a model would give it, with words and nothing of symbols. */
static heed_status lay_output(heed_reply *r, int64_t i, const heed_pair *pair, heed_error *err)
{
    heed_output *o = &r->outputs[i];
    heed_arena *arena = r->arenas[0];
    o->source = heed_arena_text(arena, pair->source);
    o->text = heed_arena_text(arena, pair->target);
    o->source_words = heed_words_split(pair->source, NULL);
    o->target_words = heed_words_split(pair->target, NULL);
    heed_range *words = heed_arena_alloc(arena, (size_t)(o->source_words + o->target_words + 1) * sizeof *words);
    if (!o->source || !o->text || !words) return heed_fail(err, HEED_E_NOMEM, "out of memory for the words of a pair");
    heed_words_split(pair->source, words);
    heed_words_split(pair->target, words + o->source_words);
    o->source_ranges = words;
    o->target_ranges = words + o->source_words;
    return HEED_OK;
}

static heed_status answer_round(heed_aligning *a, const statistics *x, heed_error *err)
{
    const heed_pairs *p = &a->pairs;
    heed_reply *r = heed_reply_new(1, p->count);
    heed_status status = r ? HEED_OK : heed_fail(err, HEED_E_NOMEM, "out of memory for links");
    for (int64_t i = 0; i < p->count && status == HEED_OK; i++) {
        status = lay_output(r, i, &p->pair[i], err);
        const int64_t record = p->pair[i].line - 1;
        if (status == HEED_OK) status = heed_align_pair(a, i, x->forward ? &x->forward[record] : NULL, x->reverse ? &x->reverse[record] : NULL, NULL, r, err);
    }
    if (status == HEED_OK) status = heed_align_answer(a, r, err);
    heed_reply_free(r);
    return status;
}

heed_status heed_align_by_statistics(heed_aligning *a, heed_error *err)
{
    statistics x = {.count = 0};
    heed_status status = learn(a, &x, err);
    if (status == HEED_OK) status = heed_pairs_rewind(&a->pairs, err);
    if (status == HEED_OK) status = heed_pairs_next(&a->pairs, true, err);
    while (status == HEED_OK && a->pairs.count) {
        status = answer_round(a, &x, err);
        if (status == HEED_OK) status = heed_pairs_next(&a->pairs, true, err);
    }
    forget(&x);
    return status;
}
