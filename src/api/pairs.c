/* Pairs of lines, with their gold links, read in rounds: pairs.h. */
#include "api/pairs.h"

#include <string.h>

#include "data/beside.h"

/* A round ends at so many bytes of text as well, since what a model leaves behind grows with them. */
enum { ROUND_BYTES = 1 << 18 };

heed_status heed_pairs_open(heed_pairs *p, const heed_align_options *options, heed_error *err)
{
    *p = (heed_pairs){.options = options, .name = {options->source, options->target, options->gold}, .files = options->gold ? 3 : 2, .most = HEED_PAIRS_ROUND};
    if (!options->source || !options->target) return heed_fail(err, HEED_E_USAGE, "two files are needed, a source and a target");
    if (options->first < 0 || options->last < 0 || (options->last && options->last < options->first))
        return heed_fail(err, HEED_E_USAGE, "lines %lld to %lld are no range", (long long)options->first, (long long)options->last);
    p->arena = heed_arena_new(0);
    if (!p->arena) return heed_fail(err, HEED_E_NOMEM, "out of memory for pairs of lines");
    for (int i = 0; i < p->files; i++) {
        heed_error why = {.status = HEED_OK};
        p->file[i] = heed_lines_open(p->name[i], &why);
        if (!p->file[i]) return heed_fail(err, why.status, "%s", why.text);
    }
    return HEED_OK;
}

void heed_pairs_close(heed_pairs *p)
{
    for (int i = 0; i < p->files; i++) heed_lines_close(p->file[i]);
    heed_arena_free(p->arena);
    heed_links_free(&p->sure);
    heed_links_free(&p->possible);
    heed_links_free(&p->found);
}

heed_status heed_pairs_rewind(heed_pairs *p, heed_error *err)
{
    heed_status status = HEED_OK;
    p->lines = p->count = 0;
    for (int i = 0; i < p->files && status == HEED_OK; i++) status = heed_lines_rewind(p->file[i], err);
    return status;
}

static bool is_scored(const heed_align_options *o, int64_t line)
{
    const bool within = line >= o->first && (!o->last || line <= o->last);
    return o->gold && within != o->outside;
}

static char *keep(heed_arena *arena, const char *text, size_t size)
{
    char *copy = heed_arena_alloc(arena, size + 1);
    return copy ? memcpy(copy, text, size + 1) : NULL;
}

static heed_status take(heed_pairs *p, char *const *text, const size_t *size, heed_error *err)
{
    heed_pair *now = &p->pair[p->count++];
    *now = (heed_pair){.line = p->lines, .source = keep(p->arena, text[0], size[0]), .target = keep(p->arena, text[1], size[1])};
    const bool scored = is_scored(p->options, p->lines);
    if (scored) {
        now->gold = keep(p->arena, text[2], size[2]);
        now->gold_size = size[2];
    }
    if (now->source && now->target && (now->gold || !scored)) return HEED_OK;
    return heed_fail(err, HEED_E_NOMEM, "out of memory for pairs of lines");
}

/* All lines are read, whichever are scored, so that files of unequal length are noticed. */
static heed_status check_range(const heed_pairs *p, heed_error *err)
{
    const heed_align_options *o = p->options;
    if (!p->lines) return heed_fail(err, HEED_E_DATA, "%s: empty file: nothing to align", p->name[0]);
    if (o->gold && (o->first > p->lines || o->last > p->lines) && !o->outside)
        return heed_fail(err, HEED_E_DATA, "%s: has %lld lines; lines %lld to %lld cannot be scored", p->name[2], (long long)p->lines, (long long)o->first,
                         (long long)o->last);
    return HEED_OK;
}

heed_status heed_pairs_next(heed_pairs *p, bool all, heed_error *err)
{
    const heed_beside files = {p->file, p->name, p->files};
    heed_status status = HEED_OK;
    bool end = false;
    heed_arena_reset(p->arena);
    p->count = 0;
    for (size_t bytes = 0; p->count < p->most && bytes < ROUND_BYTES && status == HEED_OK;) {
        char *text[3];
        size_t size[3] = {0, 0, 0};
        status = heed_beside_next(&files, text, size, &end, err);
        if (status != HEED_OK || end) break;
        p->lines++;
        if (!all && !is_scored(p->options, p->lines)) continue;
        status = take(p, text, size, err);
        bytes += size[0] + size[1];
    }
    return status == HEED_OK && end ? check_range(p, err) : status;
}

heed_status heed_pairs_gold(heed_pairs *p, int64_t i, int64_t source_words, int64_t target_words, heed_error *err)
{
    const bool swapped = p->options->gold_swapped;
    const int64_t words[2] = {swapped ? target_words : source_words, swapped ? source_words : target_words};
    heed_error why = {.status = HEED_OK};
    heed_status status = heed_links_parse(p->pair[i].gold, p->pair[i].gold_size, 1, words, &p->sure, &p->possible, &why);
    if (status == HEED_OK && p->possible.count && (!source_words || !target_words))
        status = heed_fail(&why, HEED_E_DATA, "has links, but the %s has no words", source_words ? "target" : "source");
    if (status != HEED_OK) return heed_fail(err, status, "%s: line %lld: %s", p->name[2], (long long)p->pair[i].line, why.text);
    if (swapped) heed_links_swap(&p->sure);
    if (swapped) heed_links_swap(&p->possible);
    return HEED_OK;
}

heed_status heed_pairs_fail(const heed_pairs *p, int64_t i, heed_status status, const char *what, heed_error *err)
{
    return heed_fail(err, status, "%s: line %lld: %s", p->name[0], (long long)p->pair[i].line, what);
}

void heed_figures_of(const heed_link_counts *counts, int64_t lines, heed_align_figures *figures)
{
    *figures = (heed_align_figures){.aer = 100 * heed_link_counts_aer(counts), .precision = 100 * heed_link_counts_precision(counts),
                                    .recall = 100 * heed_link_counts_recall(counts), .lines = lines, .sure = counts->sure, .found = counts->found};
}
