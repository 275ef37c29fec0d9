/* heed_decode, heed_look and what else is asked of a session: with defaults in place, or refused. */
#include <math.h>
#include <string.h>

#include "api/session.h"
#include "decode/search.h"
#include "heed.h"

enum { MOST_CHOICES = 1000 };

/* Beams, or outputs drawn. */
static heed_status check_beam(const heed_model *m, const heed_decode *asked, const heed_decode *d, heed_error *err)
{
    const int64_t V = heed_text_size(m->target);
    if (d->nbest < 1 || d->nbest > HEED_MOST_BEAMS) return heed_fail(err, HEED_E_USAGE, "nbest: from 1 to %d, not %lld", HEED_MOST_BEAMS, (long long)d->nbest);
    if (d->beam < 1 || d->beam > HEED_MOST_BEAMS) return heed_fail(err, HEED_E_USAGE, "beam: from 1 to %d, not %lld", HEED_MOST_BEAMS, (long long)d->beam);
    if (d->beam > V)
        return heed_fail(err, HEED_E_USAGE, "a beam of %lld is wider than the target vocabulary, which has %lld symbols", (long long)d->beam, (long long)V);
    if (d->sample && (d->must.count || d->never.count))
        return heed_fail(err, HEED_E_USAGE, "sampling draws what comes; words that must or must not appear need a search");
    if (d->sample && asked->beam) return heed_fail(err, HEED_E_USAGE, "sampling draws outputs and a beam searches for the best; ask for one of them");
    if (!d->sample && d->nbest > d->beam)
        return heed_fail(err, HEED_E_USAGE, "the %lld best need a beam at least as wide, not %lld", (long long)d->nbest, (long long)d->beam);
    return HEED_OK;
}

static heed_status check_draw(const heed_decode *d, heed_error *err)
{
    if (!(d->temperature > 0) || !isfinite(d->temperature)) return heed_fail(err, HEED_E_USAGE, "temperature: above 0, not %g", d->temperature);
    if (d->top_k < 0) return heed_fail(err, HEED_E_USAGE, "top_k: a number of symbols, not %lld", (long long)d->top_k);
    if (!(d->top_p > 0 && d->top_p <= 1)) return heed_fail(err, HEED_E_USAGE, "top_p: above 0, up to 1, not %g", d->top_p);
    return HEED_OK;
}

heed_status heed_decode_settle(const heed_model *m, const heed_decode *asked, heed_decode *settled, heed_error *err)
{
    static const heed_decode usual = {0};
    if (!asked) asked = &usual;
    heed_decode d = *asked;
    if (!d.nbest) d.nbest = 1;
    if (!d.beam) d.beam = d.sample ? 1 : m->recipe.decode.beam > d.nbest ? m->recipe.decode.beam : d.nbest;
    if (d.temperature == 0) d.temperature = 1;
    if (d.top_p == 0) d.top_p = 1;
    *settled = d;
    heed_status status = check_beam(m, asked, &d, err);
    return status == HEED_OK ? check_draw(&d, err) : status;
}

static int64_t bytes_of(const heed_phrases *p)
{
    int64_t bytes = 0;
    for (int64_t i = 0; i < p->count; i++) bytes += (int64_t)strlen(p->items[i]);
    return bytes;
}

int64_t heed_decode_width(const heed_decode *settled, const heed_item *item, const heed_fork *fork)
{
    int64_t width = settled->sample ? settled->nbest : settled->beam;
    if (settled->must.count || settled->never.count || item->must.count || item->never.count) {
        const int64_t banked = 4 + 2 * (bytes_of(&settled->must) + bytes_of(&item->must));   /* a symbol has a byte at least */
        width = banked > HEED_MOST_BEAMS ? HEED_MOST_BEAMS : banked > width ? banked : width;
    }
    return fork ? 2 * fork->outputs * width : width;
}

static heed_status check_item(const heed_request *q, int64_t i, heed_error *err)
{
    const heed_item *item = &q->items[i];
    const heed_decode *d = q->decode;
    const bool own = item->must.count || item->never.count, all = d && (d->must.count || d->never.count);
    if (!item->text) return heed_fail(err, HEED_E_USAGE, "item %lld has no text", (long long)i);
    if (item->target && item->prefix) return heed_fail(err, HEED_E_USAGE, "item %lld has a target and a prefix; give one", (long long)i);
    if (item->target && (own || all))
        return heed_fail(err, HEED_E_USAGE, "item %lld has a target, and words that must or must not appear; give one of them", (long long)i);
    if (item->target && q->fork) return heed_fail(err, HEED_E_USAGE, "item %lld has a target; other words are tried in what the model writes", (long long)i);
    if (own && d && d->sample) return heed_fail(err, HEED_E_USAGE, "item %lld has words that must or must not appear; sampling draws what comes", (long long)i);
    return HEED_OK;
}

static heed_status check_fork(const heed_request *q, heed_error *err)
{
    const heed_fork *f = q->fork;
    if (f->word < 0) return heed_fail(err, HEED_E_USAGE, "fork: words are counted from 0, not %lld", (long long)f->word);
    if (f->outputs < 1 || f->outputs > HEED_MOST_BEAMS)
        return heed_fail(err, HEED_E_USAGE, "fork: 1 to %d outputs, not %lld", HEED_MOST_BEAMS, (long long)f->outputs);
    if (q->decode && (q->decode->nbest > 1 || q->decode->sample))
        return heed_fail(err, HEED_E_USAGE, "fork: other words are tried in the best output alone, without nbest and sampling");
    return HEED_OK;
}

heed_status heed_request_check(const heed_session *s, const heed_request *q, heed_error *err)
{
    if (!q || q->count < 0 || (q->count && !q->items)) return heed_fail(err, HEED_E_USAGE, "a request needs its items and their number");
    if (q->choices < 0 || q->choices > MOST_CHOICES)
        return heed_fail(err, HEED_E_USAGE, "choices: up to %d symbols, not %lld", MOST_CHOICES, (long long)q->choices);
    bool searched = q->choices || q->fork || (q->decode && (q->decode->must.count || q->decode->never.count));
    heed_status status = q->fork ? check_fork(q, err) : HEED_OK;
    for (int64_t i = 0; status == HEED_OK && i < q->count; i++) {
        status = check_item(q, i, err);
        searched |= q->items[i].must.count || q->items[i].never.count;
    }
    if (status == HEED_OK && searched && !s->task->searches)
        return heed_fail(err, HEED_E_USAGE,
                         "the model's task, %s, writes nothing: it has no words that must or must not appear, and no choices", s->task->name);
    return status;
}

static heed_status check_among(const char *what, int asked, int count, heed_error *err)
{
    if (asked <= 0 || asked < count) return HEED_OK;
    if (count == 0) return heed_fail(err, HEED_E_USAGE, "%s %d: this model has no attention to show", what, asked);
    if (count == 1) return heed_fail(err, HEED_E_USAGE, "%s %d: this model has %s 0 only", what, asked, what);
    return heed_fail(err, HEED_E_USAGE, "%s %d: this model has %ss 0 to %d", what, asked, what, count - 1);
}

/* What the model's directory says, or the usual. */
static heed_look chosen(const heed_model *m)
{
    const heed_alignment *a = &m->alignment;
    return a->chosen ? (heed_look){.layer = a->layer, .head = a->head, .shift = a->shift, .threshold = a->threshold, .empty = a->empty} : (heed_look){.layer = -1, .head = -1};
}

heed_status heed_look_settle(const heed_model *m, const heed_look *asked, heed_look *settled, heed_error *err)
{
    int layers, heads;
    heed_model_looks(m, &layers, &heads);
    *settled = asked ? *asked : chosen(m);
    if (settled->shift < 0 || settled->shift > 1)
        return heed_fail(err, HEED_E_USAGE, "shift %d: 0 for the step that wrote a symbol, 1 for the next", settled->shift);
    if (!(settled->threshold >= 0 && settled->threshold <= 1))
        return heed_fail(err, HEED_E_USAGE, "threshold: a share of a word's weights, from 0 to 1, not %g", settled->threshold);
    heed_status status = check_among("layer", settled->layer, layers, err);
    if (status == HEED_OK) status = check_among("head", settled->head, heads, err);
    if (settled->layer < 0) settled->layer = layers - 1;
    if (settled->head < 0) settled->head = heads == 1 ? 0 : -1;
    return status;
}

heed_look heed_model_look(const heed_model *m)
{
    heed_look look;
    heed_look_settle(m, NULL, &look, NULL);
    return look;
}

heed_status heed_look_store(const heed_model *m, const char *dir, const heed_look *look, heed_error *err)
{
    int layers, heads;
    heed_look l;
    heed_model_looks(m, &layers, &heads);
    if (!layers) return heed_fail(err, HEED_E_USAGE, "%s: this model has no attention to choose from", dir);
    heed_status status = heed_look_settle(m, look, &l, err);
    if (status != HEED_OK) return status;
    const heed_alignment choice = {.chosen = true, .layer = l.layer, .head = l.head, .shift = l.shift, .threshold = l.threshold, .empty = l.empty};
    return heed_model_choose(dir, &choice, err);
}
