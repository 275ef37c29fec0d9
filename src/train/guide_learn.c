/* Links learnt from the training data themselves: train/guide.h. */
#include <stdlib.h>

#include "train/run.h"

typedef struct learning {
    heed_bitext *bitext;
    int64_t *line, count, room;          /* [count] of the corpus, of each pair */
    int64_t lines;                       /* of the corpus */
    heed_links *forward, *reverse;       /* [count] */
} learning;

static heed_status add_record(learning *l, const heed_record *r, heed_error *err)
{
    if (l->count == l->room) {
        const int64_t room = l->room ? 2 * l->room : 1024;
        int64_t *grown = realloc(l->line, (size_t)room * sizeof *grown);
        if (!grown) return heed_fail(err, HEED_E_NOMEM, "out of memory for the lines of the training data");
        l->line = grown;
        l->room = room;
    }
    l->line[l->count++] = r->line;
    heed_status status = heed_bitext_add(l->bitext, r->text[0], r->size[0], r->text[1], r->size[1], err);
    return status == HEED_E_LIMIT ? heed_bitext_add(l->bitext, "", 0, "", 0, err) : status;
}

static heed_status add_all(learning *l, const heed_guide_source *from, heed_error *err)
{
    heed_corpus *c = heed_corpus_open(&from->corpus, err);
    heed_record r;
    bool end = false;
    if (!c) return err->status;
    heed_status status = HEED_OK;
    while (!status && !end) {
        status = heed_corpus_next(c, &r, &end, err);
        if (!status && !end) status = add_record(l, &r, err);
        if (!status) status = heed_guide_poll(from, l->count, err);
    }
    l->lines = heed_corpus_get_counts(c)->read;
    heed_corpus_close(c);
    return status;
}

static heed_status join_all(const learning *l, heed_guide_store *s, int symmetry, heed_error *err)
{
    heed_links joined = {.count = 0};
    heed_status status = HEED_OK;
    for (int64_t i = 0; i < l->count && !status; i++) {
        status = heed_links_join(&l->forward[i], &l->reverse[i], (heed_symmetry)symmetry, &joined, err);
        if (!status) status = heed_guide_put(s, l->line[i], &joined, "training data", err);
        heed_links_free(&l->forward[i]);
        heed_links_free(&l->reverse[i]);
    }
    heed_links_free(&joined);
    const bool more = !status && l->lines > s->links.lines;
    return more ? heed_guide_put(s, l->lines, &(heed_links){.count = 0}, "training data", err) : status;
}

static heed_status learn(learning *l, heed_guide_store *s, const heed_guide_source *from, int symmetry, heed_error *err)
{
    heed_status status = add_all(l, from, err);
    if (status) return status;
    l->forward = calloc((size_t)l->count + 1, sizeof *l->forward);
    l->reverse = calloc((size_t)l->count + 1, sizeof *l->reverse);
    if (!l->forward || !l->reverse) return heed_fail(err, HEED_E_NOMEM, "out of memory for the links of %lld records", (long long)l->count);
    status = heed_bitext_align(l->bitext, l->forward, l->reverse, from->stop, from->user, err);
    return status ? status : join_all(l, s, symmetry, err);
}

heed_status heed_guide_learn(heed_guide_store *s, const heed_guide_source *from, int symmetry, heed_error *err)
{
    const double began = heed_clock();
    *s = (heed_guide_store){.parted = true, .learnt = true};
    learning l = {.bitext = heed_bitext_new(&(heed_bitext_settings){.lower = true, .parted = true, .threads = from->threads}, err)};
    heed_status status = l.bitext ? learn(&l, s, from, symmetry, err) : err->status;
    for (int64_t i = 0; l.forward && i < l.count; i++) heed_links_free(&l.forward[i]);
    for (int64_t i = 0; l.reverse && i < l.count; i++) heed_links_free(&l.reverse[i]);
    free(l.forward);
    free(l.reverse);
    free(l.line);
    heed_bitext_free(l.bitext);
    s->seconds = heed_clock() - began;
    return status;
}
