/* Words that an output must and must not hold: from what was asked to the constraints of a search, and from what was written to what is missing. */
#include <string.h>

#include "base/unicode.h"
#include "task/transduce.h"
#include "tensor/tape.h"

enum { USUAL_BEAM = 4 };

static const char *print_symbol(const void *self, int32_t id) { return heed_text_printed(self, id); }

static const heed_spelling *spelling_of(const heed_job *j)
{
    const heed_text *t = j->model->target;
    heed_spelling *s = heed_tape_alloc(j->tape, sizeof *s);
    if (!s) return NULL;
    const bool pieces = heed_text_get_settings(t)->units == HEED_UNIT_pieces;
    *s = (heed_spelling){.self = t, .text = print_symbol, .apart = heed_text_spaced(t), .blocks = pieces, .space = -1};
    for (int32_t i = HEED_SPECIALS; i < heed_text_size(t) && s->space < 0; i++)
        if (strcmp(heed_text_printed(t, i), s->blocks ? "\xE2\x96\x81" : " ") == 0) s->space = i;
    return s;
}

/* --- phrases --------------------------------------------------------------------------------------------------------------------------------- */

/* White space and the places where words part are single spaces, none at either end. */
static bool lay_codes(heed_tape *t, const heed_tokens *from, heed_phrase *p)
{
    int32_t *codes = heed_tape_alloc(t, (size_t)(from->count + 1) * sizeof *codes);
    for (int64_t i = 0; codes && i < from->count; i++) {
        const int32_t code = from->item[i].id;
        const bool space = code == 0 || heed_unicode_space(code);
        if (!space) codes[p->count++] = code;
        else if (p->count && codes[p->count - 1] != ' ') codes[p->count++] = ' ';
    }
    if (p->count && codes[p->count - 1] == ' ') p->count--;
    p->codes = codes;
    return codes != NULL;
}

static bool lay_ids(heed_tape *t, const heed_tokens *from, heed_phrase *p)
{
    int32_t *ids = heed_tape_alloc(t, (size_t)(from->count + 1) * sizeof *ids);
    for (int64_t i = 0; ids && i < from->count; i++) {
        if (from->item[i].id == HEED_UNK) return true;   /* nothing prints it */
        ids[i] = from->item[i].id;
    }
    p->ids = ids;
    p->id_count = from->count;
    return ids != NULL;
}

static heed_status lay_phrase(const heed_job *j, const char *text, const char *what, bool must, heed_phrase *p, heed_error *why)
{
    heed_tokens tokens = {0};
    heed_error wrong;
    *p = (heed_phrase){.count = 0};
    heed_status status = heed_text_codes(j->model->target, text, strlen(text), &tokens, &wrong);
    bool room = status != HEED_OK || lay_codes(j->tape, &tokens, p);
    if (status == HEED_OK && must) status = heed_text_encode(j->model->target, text, strlen(text), &tokens, &wrong);
    room = room && (status != HEED_OK || !must || lay_ids(j->tape, &tokens, p));
    heed_tokens_free(&tokens);
    if (!room || status == HEED_E_NOMEM) return heed_fail(why, HEED_E_NOMEM, "out of memory for the words that must or must not appear");
    if (status != HEED_OK) return heed_fail(why, status, "%s: %s", what, wrong.text);
    return p->count ? HEED_OK : heed_fail(why, HEED_E_DATA, "%s: a phrase without a character; leave it out", what);
}

static heed_status lay_phrases(const heed_job *j, const heed_phrases *both[2], const char *what, bool must, heed_phrase **out, int64_t *count, heed_error *why)
{
    heed_phrase *p = heed_tape_alloc(j->tape, (size_t)(both[0]->count + both[1]->count + 1) * sizeof *p);
    heed_status status = p ? HEED_OK : heed_fail(why, HEED_E_NOMEM, "out of memory for the words that must or must not appear");
    *count = 0;
    for (int k = 0; k < 2; k++)
        for (int64_t i = 0; status == HEED_OK && i < both[k]->count; i++) status = lay_phrase(j, both[k]->items[i], what, must, &p[(*count)++], why);
    *out = p;
    return status;
}

static heed_status make_constraints(const heed_job *j, const heed_item *item, heed_constraints **made, heed_error *why)
{
    heed_phrase *must, *never;
    int64_t must_count, never_count;
    const heed_spelling *s = spelling_of(j);
    heed_status status = lay_phrases(j, (const heed_phrases *[]){&j->decode.must, &item->must}, "must", true, &must, &must_count, why);
    if (status == HEED_OK && must_count > HEED_MOST_MUST)
        status = heed_fail(why, HEED_E_LIMIT, "must: %lld phrases; at most %d", (long long)must_count, HEED_MOST_MUST);
    if (status == HEED_OK) status = lay_phrases(j, (const heed_phrases *[]){&j->decode.never, &item->never}, "never", false, &never, &never_count, why);
    if (status != HEED_OK) return status;
    *made = s ? heed_constraints_new(s, must, must_count, never, never_count, j->tape->arena) : NULL;
    if (!*made) return heed_fail(why, HEED_E_NOMEM, "out of memory for the words that must or must not appear");
    const int64_t steps = heed_constraints_steps(*made);
    if (steps < HEED_MOST_BEAMS) return HEED_OK;
    return heed_fail(why, HEED_E_LIMIT, "must: its words take %lld symbols, spaces included; at most %d", (long long)steps, HEED_MOST_BEAMS - 1);
}

/* --- of an item --------------------------------------------------------------------------------------------------------------------------------- */

static int64_t beam_of(const heed_job *j, const heed_constraints *c)
{
    const int64_t banks = heed_constraints_steps(c) + 1, wanted = banks == 1 ? 1 : j->beam_given ? banks : 2 * banks;
    const int64_t least = j->beam_given || wanted > USUAL_BEAM ? wanted : USUAL_BEAM, beam = j->decode.beam > least ? j->decode.beam : least;
    return beam < HEED_MOST_BEAMS ? beam : HEED_MOST_BEAMS;
}

static heed_status name_must(const heed_job *j, heed_work *x, heed_error *why)
{
    const heed_phrases *both[] = {&j->decode.must, &x->item->must};
    x->must = heed_tape_alloc(j->tape, (size_t)(both[0]->count + both[1]->count + 1) * sizeof *x->must);
    if (!x->must) return heed_fail(why, HEED_E_NOMEM, "out of memory for the words that must appear");
    for (int k = 0; k < 2; k++)
        for (int64_t i = 0; i < both[k]->count; i++) x->must[x->must_count++] = both[k]->items[i];
    return HEED_OK;
}

/* A prefix that holds what it must not leaves nothing to search for. */
static heed_status check_prefix(const heed_work *x, heed_error *why)
{
    heed_standing s = {0};
    for (int64_t i = 0; i < x->prefix.count; i++) s = heed_constraints_after(x->constraints, s, x->prefix.item[i].id);
    return heed_constraints_broken(x->constraints, s) ? heed_fail(why, HEED_E_DATA, "its prefix holds a word that must not appear") : HEED_OK;
}

heed_status heed_work_constrain(const heed_job *j, heed_work *x, heed_constraints **shared, heed_error *why)
{
    const heed_item *item = x->item;
    const bool own = item->must.count || item->never.count;
    x->beam = j->decode.beam;
    if (!own && !j->decode.must.count && !j->decode.never.count) return HEED_OK;
    heed_status status = own || !*shared ? make_constraints(j, item, &x->constraints, why) : HEED_OK;
    if (status == HEED_OK) status = name_must(j, x, why);
    if (status != HEED_OK) return status;
    if (!own && *shared) x->constraints = *shared;
    if (!own) *shared = x->constraints;
    x->beam = beam_of(j, x->constraints);
    return check_prefix(x, why);
}

/* --- of an output ------------------------------------------------------------------------------------------------------------------------------- */

/* A text in the place of <unk>, as the words were read. */
static bool hear_text(const heed_job *j, const heed_work *x, const char *text, heed_standing *s)
{
    heed_tokens codes = {0};
    heed_buf spelt = {0};
    heed_error err;
    const bool good = heed_text_codes(j->model->target, text, strlen(text), &codes, &err) == HEED_OK;
    for (int64_t i = 0; good && i < codes.count; i++) {
        char bytes[4];
        if (codes.item[i].id) heed_buf_add(&spelt, bytes, (size_t)heed_utf8_put(codes.item[i].id, bytes));
        else heed_buf_char(&spelt, ' ');
    }
    const bool room = good && !spelt.failed;
    if (room) *s = heed_constraints_hear(x->constraints, *s, spelt.data ? spelt.data : "", heed_text_spaced(j->model->target));
    heed_tokens_free(&codes);
    heed_buf_free(&spelt);
    return room;
}

bool heed_work_judge(const heed_job *j, const heed_work *x, const int32_t *ids, int64_t n, const char *const *unknown, heed_output *o, bool *forbidden)
{
    heed_standing s = {0};
    *forbidden = false;
    if (!x->constraints) return true;
    for (int64_t i = 0; i < n; i++) {
        if (unknown && unknown[i] && !hear_text(j, x, unknown[i], &s)) return false;
        if (!unknown || !unknown[i]) s = heed_constraints_after(x->constraints, s, ids[i]);
    }
    s = heed_constraints_end(x->constraints, s);
    *forbidden = s.broken;
    const char **unmet = heed_arena_alloc(j->arena, (size_t)(x->must_count + 1) * sizeof *unmet);
    if (!unmet) return false;
    o->unmet_count = 0;
    for (int64_t i = 0; i < x->must_count; i++) {
        if (s.met >> i & 1) continue;
        unmet[o->unmet_count] = heed_arena_text(j->arena, x->must[i]);
        if (!unmet[o->unmet_count++]) return false;
    }
    o->unmet = unmet;
    return true;
}
