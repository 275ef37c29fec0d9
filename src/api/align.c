/* heed_files_align: the words of two files linked, by one model, by two of both directions, or by statistics of the files themselves (align_statistics.c). */
#include "api/align.h"

#include <string.h>

#include "api/session.h"

/* The middle of what is nearly as good on English-French, 0.30 to 0.44 (recipes/alignment-enfr). */
static const double usual_agreement = 0.36;

static heed_status settle(heed_aligning *a, heed_session *s, const heed_align_options *o, heed_error *err)
{
    const bool agree = o->symmetrise && strcmp(o->symmetrise, "agree") == 0;
    a->how = HEED_SYMMETRY_GROW_DIAG_FINAL_AND;
    if (o->symmetrise && !agree && !heed_symmetry_find(o->symmetrise, &a->how))
        return heed_fail(err, HEED_E_USAGE, "\"%s\" joins no directions; %s, %s, %s, %s and agree do", o->symmetrise, heed_symmetry_name(HEED_SYMMETRY_INTERSECT),
                         heed_symmetry_name(HEED_SYMMETRY_UNION), heed_symmetry_name(HEED_SYMMETRY_GROW_DIAG),
                         heed_symmetry_name(HEED_SYMMETRY_GROW_DIAG_FINAL_AND));
    if (agree && !o->reverse) return heed_fail(err, HEED_E_USAGE, "agree joins the weights of two models, and there is no reverse one");
    if (o->agreement && (!agree || !(o->agreement > 0 && o->agreement <= 1)))
        return heed_fail(err, HEED_E_USAGE, "agreement %g: a weight above 0, to 1, with symmetrise agree", o->agreement);
    if (agree) a->agreement = o->agreement ? o->agreement : usual_agreement;
    if (!s && o->reverse) return heed_fail(err, HEED_E_USAGE, "a reverse model is joined to another; both are needed");
    if (!s && o->more_count % 2) return heed_fail(err, HEED_E_USAGE, "more files to learn from come in twos, a source and a target");
    heed_session *const sessions[] = {s, o->reverse};
    for (int i = 0; i < 2; i++) {
        int layers = 1, heads;
        if (sessions[i]) heed_model_looks(sessions[i]->model, &layers, &heads);
        if (!layers) return heed_fail(err, HEED_E_USAGE, "%s has no attention, which is what words are linked by", i ? "the reverse model" : "this model");
    }
    return HEED_OK;
}

/* The links of output i are now those found, in the order of source words. */
static heed_status put_links(heed_reply *r, int64_t i, const heed_links *found, heed_error *err)
{
    heed_output *o = &r->outputs[i];
    heed_link *links = heed_arena_alloc(r->arenas[0], (size_t)(found->count + 1) * sizeof *links);
    if (!links) return heed_fail(err, HEED_E_NOMEM, "out of memory for links");
    if (found->count) memcpy(links, found->link, (size_t)found->count * sizeof *links);
    o->links = links;
    o->link_count = found->count;
    return HEED_OK;
}

heed_status heed_align_pair(heed_aligning *a, int64_t i, const heed_links *forward, const heed_links *reverse, const heed_links *agreed, heed_reply *r,
                            heed_error *err)
{
    heed_pairs *p = &a->pairs;
    const heed_links *one = agreed ? agreed : forward ? forward : reverse, *const all[HEED_ALIGN_KINDS] = {&p->found, forward, reverse};
    a->joined = forward && reverse;
    heed_status status = a->joined && !agreed ? heed_links_join(forward, reverse, a->how, &p->found, err) : heed_links_set(&p->found, one->link, one->count, err);
    if (status == HEED_OK) status = put_links(r, i, &p->found, err);
    if (status != HEED_OK || !p->pair[i].gold) return status;
    status = heed_pairs_gold(p, i, r->outputs[i].source_words, r->outputs[i].target_words, err);
    for (int k = 0; k < HEED_ALIGN_KINDS && status == HEED_OK; k++)
        if (all[k]) heed_link_counts_add(&a->counts[k], all[k], &p->sure, &p->possible);
    a->lines++;
    return status;
}

heed_status heed_align_answer(const heed_aligning *a, const heed_reply *r, heed_error *err)
{
    const heed_align_options *o = a->pairs.options;
    if (!o->answer || o->answer(o->user, r, a->pairs.pair[0].line - 1)) return HEED_OK;
    return heed_fail(err, HEED_E_STOPPED, "stopped after line %lld", (long long)a->pairs.lines);
}

/* --- by models ---------------------------------------------------------------------------------------------------------------------------------- */

/* swapped: from target to source. */
static heed_reply *force(const heed_pairs *p, heed_session *s, const heed_look *look, bool swapped, heed_error *err)
{
    heed_item items[HEED_PAIRS_ROUND];
    for (int64_t i = 0; i < p->count; i++) {
        const heed_pair *now = &p->pair[i];
        items[i] = swapped ? (heed_item){.text = now->target, .target = now->source} : (heed_item){.text = now->source, .target = now->target};
    }
    return heed_session_run(s, &(heed_request){.items = items, .count = p->count, .look = look, .decode = &(heed_decode){.beam = 1}}, err);
}

/* The links of both outputs of a pair; reverse NULL: there is one direction. */
static heed_status take_links(heed_aligning *a, int64_t i, const heed_output *const output[2], heed_reply *r, heed_error *err)
{
    heed_links links[2] = {{0}, {0}}, agreed = {0};
    heed_status status = HEED_OK;
    for (int k = 0; k < 2 && output[k] && status == HEED_OK; k++) {
        if (output[k]->status != HEED_OK) status = heed_pairs_fail(&a->pairs, i, output[k]->status, output[k]->error, err);
        else status = heed_links_set(&links[k], output[k]->links, output[k]->link_count, err);
    }
    heed_links_swap(&links[1]);
    if (status == HEED_OK && a->agreement > 0)
        status = heed_links_agree(output[0]->word_weights, output[1]->word_weights, output[0]->source_words, output[0]->target_words, a->agreement, &agreed, err);
    if (status == HEED_OK) status = heed_align_pair(a, i, &links[0], output[1] ? &links[1] : NULL, a->agreement > 0 ? &agreed : NULL, r, err);
    heed_links_free(&links[0]);
    heed_links_free(&links[1]);
    heed_links_free(&agreed);
    return status;
}

static heed_status align_round(heed_aligning *a, heed_session *s, heed_error *err)
{
    const heed_align_options *o = a->pairs.options;
    heed_reply *forward = force(&a->pairs, s, o->look, false, err);
    heed_reply *reverse = forward && o->reverse ? force(&a->pairs, o->reverse, o->reverse_look, true, err) : NULL;
    heed_status status = forward && (reverse || !o->reverse) ? HEED_OK : err->status;
    for (int64_t i = 0; i < a->pairs.count && status == HEED_OK; i++) {
        const heed_output *const output[2] = {&forward->outputs[i], reverse ? &reverse->outputs[i] : NULL};
        status = take_links(a, i, output, forward, err);
    }
    if (status == HEED_OK) status = heed_align_answer(a, forward, err);
    heed_reply_free(forward);
    heed_reply_free(reverse);
    return status;
}

static heed_status align_by_model(heed_aligning *a, heed_session *s, heed_error *err)
{
    const bool all = a->pairs.options->answer != NULL;
    heed_status status = heed_pairs_next(&a->pairs, all, err);
    while (status == HEED_OK && a->pairs.count) {
        status = align_round(a, s, err);
        if (status == HEED_OK) status = heed_pairs_next(&a->pairs, all, err);
    }
    return status;
}

static void make_report(const heed_aligning *a, heed_align_report *report)
{
    *report = (heed_align_report){.joined = a->joined};
    heed_figures_of(&a->counts[HEED_ALIGN_JOINED], a->lines, &report->links);
    if (!a->joined) return;
    heed_figures_of(&a->counts[HEED_ALIGN_FORWARD], a->lines, &report->forward);
    heed_figures_of(&a->counts[HEED_ALIGN_REVERSE], a->lines, &report->reverse);
}

heed_status heed_files_align(heed_session *s, const heed_align_options *options, heed_align_report *report, heed_error *err)
{
    heed_aligning a = {.lines = 0};
    heed_error own;
    if (!err) err = &own;
    if (!options) return heed_fail(err, HEED_E_USAGE, "two files are needed, a source and a target");
    heed_status status = settle(&a, s, options, err);
    if (status != HEED_OK) return status;
    status = heed_pairs_open(&a.pairs, options, err);
    if (status == HEED_OK) status = s ? align_by_model(&a, s, err) : heed_align_by_statistics(&a, err);
    if (report) make_report(&a, report);
    heed_pairs_close(&a.pairs);
    return status;
}
