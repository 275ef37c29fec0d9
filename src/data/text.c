/* Units, vocabularies, text to symbols and back. A unit is one row of units.def and one function here that finds the next symbol. */
#include "data/text.h"

#include <stdlib.h>
#include <string.h>

#include "base/unicode.h"
#include "data/normal.h"
#include "data/text_state.h"
#include "data/words.h"

enum { MOST_COUNTED = 1 << 21 };   /* different symbols while a vocabulary is counted: some 100 MB */

typedef struct unit {
    const char *name;
    const char *joint;     /* printed between two symbols */
    const char *unknown;   /* printed for <unk>: one symbol, so that it counts as one error */
    int64_t (*cut)(const heed_token *code, int64_t n, int64_t *size);
    bool (*part)(heed_tokens *text);   /* prepares the text for cut; NULL: nothing to do. False: out of memory */
} unit;

static int64_t cut_characters(const heed_token *code, int64_t n, int64_t *size)
{
    (void)code;
    *size = n > 0;
    return 0;
}

static bool blank(int32_t code)
{
    return code == ' ' || (code >= '\t' && code <= '\r');
}

static int64_t cut_symbols(const heed_token *code, int64_t n, int64_t *size)
{
    int64_t skip = 0, end;
    while (skip < n && blank(code[skip].id))
        skip++;
    for (end = skip; end < n && !blank(code[end].id);)
        end++;
    *size = end - skip;
    return skip;
}

static bool between_words(int32_t code)
{
    return code == HEED_CUT || heed_unicode_space(code);
}

static int64_t cut_words(const heed_token *code, int64_t n, int64_t *size)
{
    int64_t skip = 0, end;
    while (skip < n && between_words(code[skip].id))
        skip++;
    for (end = skip; end < n && !between_words(code[end].id);)
        end++;
    *size = end - skip;
    return skip;
}

#define JOINT_characters ""
#define JOINT_symbols " "
#define JOINT_words " "
#define JOINT_pieces ""
#define UNKNOWN_characters "\xEF\xBF\xBD"
#define UNKNOWN_symbols "<unk>"
#define UNKNOWN_words "<unk>"
#define UNKNOWN_pieces "\xEF\xBF\xBD"
#define PART_characters NULL
#define PART_symbols NULL
#define PART_words heed_words_part
#define PART_pieces NULL
#define cut_pieces NULL

static const unit units[HEED_UNIT_COUNT] = {
#define HEED_UNIT(name, help) {#name, JOINT_##name, UNKNOWN_##name, cut_##name, PART_##name},
#include "data/units.def"
#undef HEED_UNIT
};

const char *heed_unit_name(heed_unit u)
{
    return units[u].name;
}

const char *heed_unit_names(void)
{
    static const char names[] =
#define HEED_UNIT(name, help) ", " #name
#include "data/units.def"
#undef HEED_UNIT
        ;
    return &names[2];
}

bool heed_unit_find(const char *name, heed_unit *u)
{
    for (int i = 0; i < HEED_UNIT_COUNT; i++) {
        if (strcmp(name, units[i].name) == 0) {
            *u = (heed_unit)i;
            return true;
        }
    }
    return false;
}

int64_t heed_unit_cut(heed_unit u, const heed_token *code, int64_t n, int64_t *size)
{
    return units[u].cut(code, n, size);
}

heed_text *heed_text_new(const heed_text_settings *settings, heed_error *err)
{
    heed_text *t = NULL;
    if (settings->size < 0 || (settings->size > 0 && settings->size <= HEED_SPECIALS))
        heed_fail(err, HEED_E_USAGE, "a vocabulary of size %lld has no room beside its %d special symbols; give it a larger size, or 0 for all",
                  (long long)settings->size, HEED_SPECIALS);
    else if (settings->units == HEED_UNIT_pieces && settings->size == 0)
        heed_fail(err, HEED_E_USAGE, "pieces need a size, the number of them");
    else if ((t = calloc(1, sizeof *t)) == NULL)
        heed_fail(err, HEED_E_NOMEM, "out of memory for a vocabulary");
    else
        t->settings = *settings;
    const bool words = settings->units == HEED_UNIT_words, pieces = settings->units == HEED_UNIT_pieces;
    if (t && ((words && (t->joints = calloc(1, sizeof *t->joints)) == NULL) || (pieces && (t->pieces = heed_pieces_new(settings->kind == HEED_PIECES_UNIGRAM)) == NULL))) {
        heed_fail(err, HEED_E_NOMEM, "out of memory for a vocabulary");
        heed_text_free(t);
        t = NULL;
    }
    return t;
}

void heed_text_free(heed_text *t)
{
    if (!t)
        return;
    heed_vocabulary_free(&t->vocabulary);
    heed_tokens_free(&t->codes);
    heed_pieces_free(t->pieces);
    free(t->joints);
    free(t);
}

heed_status heed_text_codes(const heed_text *t, const char *text, size_t size, heed_tokens *out, heed_error *err)
{
    const unit *u = &units[t->settings.units];
    heed_status status = heed_normalize(text, size, t->settings.lower, t->settings.nfkc, out, err);
    if (!status && u->part && !u->part(out))
        status = heed_fail(err, HEED_E_NOMEM, "out of memory for a text of %zu bytes", size);
    return status;
}

static void forget_rare(heed_vocabulary *v)
{
    for (int64_t least = 2; v->count > MOST_COUNTED / 2; least++)
        heed_vocabulary_prune(v, least);
}

heed_status heed_text_count(heed_text *t, const char *text, size_t size, heed_error *err)
{
    heed_status status = heed_text_codes(t, text, size, &t->codes, err);
    if (status)
        return status;
    if (t->pieces) {
        t->seen |= t->codes.count > 0;
        return heed_pieces_count(t->pieces, &t->codes) ? HEED_OK : heed_fail(err, HEED_E_NOMEM, "out of memory for the texts to learn pieces from");
    }
    const heed_token *code = t->codes.item;
    heed_joining joining = {0};
    for (int64_t at = 0, n = t->codes.count; at < n;) {
        int64_t length, skip = units[t->settings.units].cut(code + at, n - at, &length);
        if (length == 0)
            break;
        at += skip;
        if (t->joints)
            heed_joints_count(t->joints, &joining, code[at].id, code[at + length - 1].id, length, skip == 1 && code[at - 1].id == HEED_CUT);
        int64_t number = heed_vocabulary_add(&t->vocabulary, code + at, length);
        if (number < 0)
            return heed_fail(err, HEED_E_NOMEM, "out of memory for a vocabulary of %lld symbols", (long long)t->vocabulary.count);
        t->vocabulary.item[number].count++;
        at += length;
        if (t->vocabulary.count >= MOST_COUNTED)
            forget_rare(&t->vocabulary);
    }
    return HEED_OK;
}

typedef struct ranked { const char *text; int64_t count; } ranked;

static int by_count_then_bytes(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return strcmp(x->text, y->text);
}

/* Adds the ranked symbols, best first, to an empty vocabulary. */
static heed_status rebuild(heed_vocabulary *v, const ranked *symbol, int64_t n, heed_tokens *codes, heed_error *err)
{
    for (int64_t i = 0; i < n; i++) {
        heed_status status = heed_normalize(symbol[i].text, strlen(symbol[i].text), false, false, codes, err);
        if (status)
            return status;
        if (heed_vocabulary_add(v, codes->item, codes->count) != i)
            return heed_fail(err, HEED_E_NOMEM, "out of memory for a vocabulary of %lld symbols", (long long)n);
        v->item[i].count = symbol[i].count;
    }
    return HEED_OK;
}

static heed_status keep_frequent(heed_text *t, ranked *symbol, heed_error *err)
{
    int64_t n = 0;
    for (int64_t i = 0; i < t->vocabulary.count; i++)
        if (t->vocabulary.item[i].count >= t->settings.min_count)
            symbol[n++] = (ranked){heed_vocabulary_text(&t->vocabulary, i), t->vocabulary.item[i].count};
    if (n == 0)
        return heed_fail(err, HEED_E_DATA, "no symbol occurs at least %lld times; give a smaller min_count", (long long)t->settings.min_count);
    qsort(symbol, (size_t)n, sizeof *symbol, by_count_then_bytes);
    if (t->settings.size > 0 && n > t->settings.size - HEED_SPECIALS)
        n = t->settings.size - HEED_SPECIALS;
    heed_vocabulary kept = {0};
    heed_status status = rebuild(&kept, symbol, n, &t->codes, err);
    if (status) {
        heed_vocabulary_free(&kept);
        return status;
    }
    heed_vocabulary_free(&t->vocabulary);
    t->vocabulary = kept;
    if (t->joints)
        heed_joints_finish(t->joints);
    t->finished = true;
    return HEED_OK;
}

heed_status heed_text_finish(heed_text *t, heed_error *err)
{
    if (t->vocabulary.count == 0 && !t->seen)
        return heed_fail(err, HEED_E_DATA, "the texts hold no symbol to make a vocabulary of");
    if (t->pieces) {
        heed_tokens_free(&t->codes);
        heed_status learnt = heed_pieces_learn(t->pieces, t->settings.kind == HEED_PIECES_UNIGRAM, t->settings.size, &t->vocabulary, err);
        t->finished = learnt == HEED_OK;
        return learnt;
    }
    ranked *symbol = malloc((size_t)t->vocabulary.count * sizeof *symbol);
    if (!symbol)
        return heed_fail(err, HEED_E_NOMEM, "out of memory for a vocabulary of %lld symbols", (long long)t->vocabulary.count);
    heed_status status = keep_frequent(t, symbol, err);
    free(symbol);
    heed_tokens_free(&t->codes);
    return status;
}

heed_status heed_text_encode(const heed_text *t, const char *text, size_t size, heed_tokens *out, heed_error *err)
{
    heed_status status = heed_text_codes(t, text, size, out, err);
    if (status)
        return status;
    if (t->pieces)
        return heed_pieces_encode(t->pieces, out, err);
    const unit *u = &units[t->settings.units];
    int64_t n = out->count, kept = 0;
    for (int64_t at = 0; at < n;) {
        int64_t length;
        at += u->cut(out->item + at, n - at, &length);
        if (length == 0)
            break;
        int64_t number = heed_vocabulary_find(&t->vocabulary, out->item + at, length);
        int32_t id = number < 0 ? HEED_UNK : (int32_t)number + HEED_SPECIALS;
        out->item[kept++] = (heed_token){id, out->item[at].start, out->item[at + length - 1].end};
        at += length;
    }
    out->count = kept;
    return HEED_OK;
}

heed_status heed_text_draw(const heed_text *t, const char *text, size_t size, const heed_text_noise *noise, uint64_t key, heed_tokens *out, heed_error *err)
{
    const double own = t->settings.kind == HEED_PIECES_UNIGRAM ? noise->sampling : noise->dropout;
    if (!t->pieces || own == 0) return heed_text_encode(t, text, size, out, err);
    heed_status status = heed_text_codes(t, text, size, out, err);
    return status ? status : heed_pieces_draw(t->pieces, &t->vocabulary, noise, key, out, err);
}

const char *heed_text_printed(const heed_text *t, int32_t id)
{
    if (id == HEED_UNK)
        return units[t->settings.units].unknown;
    return id < HEED_SPECIALS ? "" : heed_vocabulary_text(&t->vocabulary, id - HEED_SPECIALS);
}

bool heed_text_spaced(const heed_text *t)
{
    return units[t->settings.units].joint[0] != 0;
}

/* What stands before a symbol that is not the first. */
static const char *joint(const heed_text *t, heed_joining *at, const char *symbol)
{
    if (!t->joints)
        return units[t->settings.units].joint;
    const size_t size = strlen(symbol);   /* marks and digits are ASCII: of all else a byte tells enough */
    return heed_joints_decide(t->joints, at, (unsigned char)symbol[0], (unsigned char)symbol[size - 1], (int64_t)size) ? "" : units[t->settings.units].joint;
}

heed_status heed_text_decode(const heed_text *t, const int32_t *ids, int64_t n, const char *const *unknown, heed_buf *out, heed_token *at, heed_error *err)
{
    heed_joining joining = {0};
    size_t origin = out->size;
    for (int64_t i = 0; i < n; i++) {
        if (ids[i] < 0 || ids[i] >= heed_text_size(t))
            return heed_fail(err, HEED_E_USAGE, "symbol number %d is not in a vocabulary of %lld", ids[i], (long long)heed_text_size(t));
        const char *symbol = ids[i] == HEED_UNK && unknown && unknown[i] ? unknown[i] : heed_text_printed(t, ids[i]);
        const char *between = symbol[0] ? joint(t, &joining, symbol) : "";
        if (out->size > origin)
            heed_buf_text(out, between);
        size_t start = out->size - origin;
        if (t->pieces)
            start += heed_pieces_print(symbol, start == 0, out);
        else
            heed_buf_text(out, symbol);
        if (at)
            at[i] = (heed_token){ids[i], (int32_t)start, (int32_t)(out->size - origin)};
    }
    if (out->failed)
        return heed_fail(err, HEED_E_NOMEM, "out of memory for a text of %lld symbols", (long long)n);
    return HEED_OK;
}

int64_t heed_text_size(const heed_text *t)
{
    return t->vocabulary.count + HEED_SPECIALS;
}

const char *heed_text_symbol(const heed_text *t, int32_t id)
{
    static const char *const special[HEED_SPECIALS] = {"<unk>", "<s>", "</s>"};
    if (id < 0 || id >= heed_text_size(t))
        return special[HEED_UNK];
    return id < HEED_SPECIALS ? special[id] : heed_vocabulary_text(&t->vocabulary, id - HEED_SPECIALS);
}

const heed_text_settings *heed_text_get_settings(const heed_text *t)
{
    return &t->settings;
}

static const char *yes_no(bool x)
{
    return x ? "true" : "false";
}

heed_status heed_text_compare(const heed_text *a, const heed_text *b, heed_error *err)
{
    const heed_text_settings *x = &a->settings, *y = &b->settings;
    if (x->units != y->units)
        return heed_fail(err, HEED_E_MODEL, "units: %s and %s", heed_unit_name(x->units), heed_unit_name(y->units));
    if (x->lower != y->lower || x->nfkc != y->nfkc)
        return heed_fail(err, HEED_E_MODEL, "lower: %s and %s, nfkc: %s and %s", yes_no(x->lower), yes_no(y->lower), yes_no(x->nfkc), yes_no(y->nfkc));
    const int64_t V = heed_text_size(a), W = heed_text_size(b);
    for (int32_t i = 0; i < V && i < W; i++)
        if (strcmp(heed_text_symbol(a, i), heed_text_symbol(b, i)) != 0)
            return heed_fail(err, HEED_E_MODEL, "symbol %d: \"%.60s\" and \"%.60s\"", (int)i, heed_text_symbol(a, i), heed_text_symbol(b, i));
    return V == W ? HEED_OK : heed_fail(err, HEED_E_MODEL, "%lld symbols and %lld", (long long)V, (long long)W);
}
