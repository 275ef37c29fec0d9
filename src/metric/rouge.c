/* ROUGE as rouge-score computes it: what of the reference's n-grams (1, 2) or longest common subsequence (L; of sentences: Lsum) a hypothesis has, and
 * the other way round, as F1 of each line; the figure is the mean of the lines. Of several references the best counts. Lin 2004. */
#include <stdlib.h>
#include <string.h>

#include "base/unicode.h"
#include "metric/kind.h"
#include "metric/lcs.h"
#include "metric/stem.h"

enum { F, PRECISION, RECALL, LINES, SUMS };
enum { SHORTEST_STEMMED = 4 };
static const int64_t most_steps = (int64_t)1 << 31;   /* some seconds */

typedef struct rouge {
    heed_metric base;
    heed_intern words, grams;
    heed_lcs lcs;
    heed_codes spare, one;     /* scratch; words of one sentence */
    heed_codes own, seen;      /* counts by word or n-gram: in the hypothesis, in the reference */
    bool *on;                  /* [on_room] words of the reference that stand in a longest common subsequence */
    int64_t on_room;
} rouge;

/* A hypothesis and a reference share `hits` of their `written` and `expected` words, n-grams. */
typedef struct overlap { int64_t hits, written, expected; } overlap;

/* What the metrics of this file differ in. */
typedef struct family {
    heed_status (*compare)(rouge *r, heed_line *hypothesis, heed_line *reference, overlap *o, heed_error *err);
    bool stem, sentences;
} family;

/* --- words ------------------------------------------------------------------------------------------------------------------------------------ */

/* Letters of scripts that are written without spaces between words: each is a word. */
static bool unspaced(int32_t c)
{
    static const int32_t range[][2] = {
        {0x0E00, 0x0EFF}, {0x1000, 0x109F}, {0x1780, 0x17FF},                                       /* Thai and Lao, Myanmar, Khmer */
        {0x3005, 0x3007}, {0x3041, 0x312F}, {0x31A0, 0x31BF}, {0x31F0, 0x31FF}, {0xFF66, 0xFF9F},   /* kana and bopomofo */
        {0x3400, 0x4DBF}, {0x4E00, 0x9FFF}, {0xF900, 0xFAFF}, {0x20000, 0x3FFFF},                   /* Han */
    };
    for (size_t i = 0; i < sizeof range / sizeof range[0]; i++)
        if (c >= range[i][0] && c <= range[i][1]) return !heed_unicode_number(c);
    return false;
}

/* Leaves what words are made of, spaces between them, and '\n' where a sentence ends: a line break, or a backslash and an n. */
static bool keep_words(const heed_codes *in, bool unicode, heed_codes *out)
{
    bool alone = false;   /* a word is one letter and its marks */
    out->n = 0;
    for (int64_t i = 0; i < in->n; i++) {
        int32_t c = in->x[i];
        const int32_t next = c == '\\' && i + 1 < in->n ? in->x[i + 1] : 0;
        if (next == 'n' || next == '\\') {
            c = next == 'n' ? '\n' : ' ';
            i++;
        }
        const bool mark = unicode && heed_unicode_mark(c), ascii = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!ascii && !(unicode && heed_unicode_word(c))) {
            heed_codes_add(out, c == '\n' ? '\n' : ' ');
            alone = false;
            continue;
        }
        if (!mark && (alone || unspaced(c))) heed_codes_add(out, ' ');
        if (!mark) alone = unspaced(c);
        heed_codes_add(out, c);
    }
    return !out->failed;
}

static bool parts(int32_t c) { return c == ' ' || c == '\n'; }

/* Words become their stems; one with a letter that is not English is left. */
static void stem_words(heed_codes *text)
{
    int64_t kept = 0;
    for (int64_t i = 0, end; i < text->n; i = end) {
        bool english = true;
        for (end = i; end < text->n && !parts(text->x[end]); end++) english &= text->x[end] < 0x80;
        const int64_t n = english && end - i >= SHORTEST_STEMMED ? heed_stem(text->x + i, end - i) : end - i;
        for (int64_t k = 0; k < n; k++) text->x[kept++] = text->x[i + k];
        if (end < text->n) text->x[kept++] = text->x[end++];
    }
    text->n = kept;
}

/* Numbers the words of a line sentence by sentence; gram says behind which word each sentence ends. */
static bool number_sentences(rouge *r, heed_line *line)
{
    const heed_codes whole = r->spare;
    heed_codes *words = &line->unit, *one = &r->one;
    bool ok = true;
    words->n = line->gram.n = 0;
    for (int64_t i = 0, end; i < whole.n && ok; i = end + 1) {
        for (end = i; end < whole.n && whole.x[end] != '\n'; end++) continue;
        ok = heed_intern_words(&r->words, &(heed_codes){.x = whole.x + i, .n = end - i}, one) && heed_codes_reserve(words, words->n + one->n);
        for (int64_t k = 0; k < one->n && ok; k++) words->x[words->n++] = one->x[k];
        if (one->n > 0) heed_codes_add(&line->gram, (int32_t)words->n);
    }
    return ok && !line->gram.failed;
}

static bool read_words(rouge *r, heed_line *line)
{
    const family *f = r->base.kind->family;
    if (!keep_words(&line->text, r->base.tokenizer[0] == 'u', &r->spare)) return false;
    if (f->stem) stem_words(&r->spare);
    return f->sentences ? number_sentences(r, line) : heed_intern_words(&r->words, &r->spare, &line->unit);
}

/* --- hypothesis against reference ------------------------------------------------------------------------------------------------------------- */

static bool count_each(const heed_codes *x, int64_t different, heed_codes *counts)
{
    if (!heed_codes_zeros(counts, different)) return false;
    for (int64_t i = 0; i < x->n; i++) counts->x[x->x[i]]++;
    return true;
}

static heed_status share_grams(rouge *r, heed_line *hypothesis, heed_line *reference, int orders, overlap *o, heed_error *err)
{
    bool ok = true;
    for (int n = 1; n <= orders && ok; n++) {
        heed_intern_reset(&r->grams);
        ok = heed_intern_grams(&r->grams, &hypothesis->unit, n, &hypothesis->gram) && heed_intern_grams(&r->grams, &reference->unit, n, &reference->gram);
    }
    if (!ok || !count_each(&hypothesis->gram, r->grams.count, &r->own) || !count_each(&reference->gram, r->grams.count, &r->seen))
        return heed_metric_nomem(err);
    *o = (overlap){.written = hypothesis->gram.n, .expected = reference->gram.n};
    for (int64_t g = 0; g < r->grams.count; g++) o->hits += r->own.x[g] < r->seen.x[g] ? r->own.x[g] : r->seen.x[g];
    return HEED_OK;
}

static heed_status share_words(rouge *r, heed_line *hypothesis, heed_line *reference, overlap *o, heed_error *err)
{
    return share_grams(r, hypothesis, reference, 1, o, err);
}

static heed_status share_pairs(rouge *r, heed_line *hypothesis, heed_line *reference, overlap *o, heed_error *err)
{
    return share_grams(r, hypothesis, reference, 2, o, err);
}

/* A row of the table of each of the hypothesis's sentences has a word of bits at least. */
static heed_status check_length(int64_t written, int64_t sentences, int64_t expected, heed_error *err)
{
    if (written / 64 + sentences <= most_steps / expected) return HEED_OK;
    return heed_fail(err, HEED_E_LIMIT, "lines of %lld and %lld words are too long to compare", (long long)written, (long long)expected);
}

static heed_status share_sequence(rouge *r, heed_line *hypothesis, heed_line *reference, overlap *o, heed_error *err)
{
    *o = (overlap){.written = hypothesis->unit.n, .expected = reference->unit.n};
    if (o->written == 0 || o->expected == 0) return HEED_OK;
    heed_status status = check_length(o->written, 1, o->expected, err);
    if (status == HEED_OK && (!heed_lcs_index(&r->lcs, hypothesis->unit.x, o->written, r->words.count) ||
                              !heed_lcs_length(&r->lcs, reference->unit.x, o->expected, &o->hits)))
        status = heed_metric_nomem(err);
    return status;
}

/* Marks words of the reference that stand in the longest common subsequence of their sentence with any sentence of the hypothesis. */
static bool mark_sentences(rouge *r, const heed_line *hypothesis, const heed_line *reference)
{
    int64_t begin = 0, from;
    for (int64_t h = 0; h < hypothesis->gram.n; begin = hypothesis->gram.x[h++]) {
        if (!heed_lcs_index(&r->lcs, hypothesis->unit.x + begin, hypothesis->gram.x[h] - begin, r->words.count)) return false;
        from = 0;
        for (int64_t k = 0; k < reference->gram.n; from = reference->gram.x[k++])
            if (!heed_lcs_path(&r->lcs, reference->unit.x + from, reference->gram.x[k] - from, r->on + from)) return false;
    }
    return true;
}

static bool reserve_marks(rouge *r, int64_t n)
{
    if (n > r->on_room) {
        free(r->on);
        r->on = malloc((size_t)n * sizeof *r->on);
        r->on_room = r->on ? n : 0;
    }
    if (r->on) memset(r->on, 0, (size_t)n * sizeof *r->on);
    return r->on != NULL;
}

/* A word counts as often as both sides have it, however many sentences found it. */
static heed_status share_sentences(rouge *r, heed_line *hypothesis, heed_line *reference, overlap *o, heed_error *err)
{
    *o = (overlap){.written = hypothesis->unit.n, .expected = reference->unit.n};
    if (o->written == 0 || o->expected == 0) return HEED_OK;
    heed_status status = check_length(o->written, hypothesis->gram.n, o->expected, err);
    if (status != HEED_OK) return status;
    if (!reserve_marks(r, o->expected) || !mark_sentences(r, hypothesis, reference) || !count_each(&hypothesis->unit, r->words.count, &r->own))
        return heed_metric_nomem(err);
    for (int64_t i = 0; i < o->expected; i++) o->hits += r->on[i] && r->own.x[reference->unit.x[i]]-- > 0;
    return HEED_OK;
}

/* --- the metric ------------------------------------------------------------------------------------------------------------------------------- */

static void rate(const overlap *o, double *sums)
{
    const double precision = (double)o->hits / (double)(o->written ? o->written : 1), recall = (double)o->hits / (double)(o->expected ? o->expected : 1);
    sums[F] = o->hits ? 2 * precision * recall / (precision + recall) : 0;
    sums[PRECISION] = precision;
    sums[RECALL] = recall;
}

static heed_status rouge_add(heed_metric *m, heed_line *line, int count, double *sums, heed_error *err)
{
    rouge *r = (rouge *)m;
    const family *f = m->kind->family;
    heed_intern_reset(&r->words);
    for (int i = 0; i <= count; i++)
        if (!read_words(r, &line[i])) return heed_metric_nomem(err);
    double one[SUMS];
    for (int i = 1; i <= count; i++) {
        overlap o;
        heed_status status = f->compare(r, &line[0], &line[i], &o, err);
        if (status != HEED_OK) return status;
        rate(&o, one);
        if (i == 1 || one[F] > sums[F]) memcpy(sums, one, LINES * sizeof *sums);
    }
    sums[LINES] = 1;
    return HEED_OK;
}

static double mean(const double *sums, int of) { return sums[LINES] > 0 ? 100 * sums[of] / sums[LINES] : 0; }

static double rouge_value(const heed_metric *m, const double *sums)
{
    (void)m;
    return mean(sums, F);
}

static void rouge_sides(const double *sums, double *precision, double *recall)
{
    *precision = mean(sums, PRECISION);
    *recall = mean(sums, RECALL);
}

static void rouge_sign(const heed_metric *m, heed_buf *out)
{
    const family *f = m->kind->family;
    heed_buf_printf(out, "tok:%s|stem:%s|%smean:f1|", m->tokenizer, f->stem ? "porter" : "no", f->sentences ? "split:newline|" : "");
}

static void rouge_stop(heed_metric *m)
{
    rouge *r = (rouge *)m;
    heed_intern_free(&r->words);
    heed_intern_free(&r->grams);
    heed_lcs_free(&r->lcs);
    heed_codes_free(&r->spare);
    heed_codes_free(&r->one);
    heed_codes_free(&r->own);
    heed_codes_free(&r->seen);
    free(r->on);
}

static const char *const tokenizers[] = {"rouge", "unicode", NULL};

#define ROUGE(id, called, ...)                                                                                                              \
    const heed_metric_kind heed_metric_##id = {                                                                                             \
        .name = called, .size = sizeof(rouge), .higher_is_better = true, .blind_to_case = true, .tokenizers = tokenizers, .sums = SUMS,             \
        .family = &(const family){__VA_ARGS__}, .add = rouge_add, .value = rouge_value, .sides = rouge_sides, .sign = rouge_sign,           \
        .stop = rouge_stop,                                                                                                                 \
    }
ROUGE(rouge1, "rouge1", .compare = share_words);
ROUGE(rouge2, "rouge2", .compare = share_pairs);
ROUGE(rougeL, "rougeL", .compare = share_sequence);
ROUGE(rougeLsum, "rougeLsum", .compare = share_sentences, .sentences = true);
ROUGE(rouge1_stem, "rouge1-stem", .compare = share_words, .stem = true);
ROUGE(rouge2_stem, "rouge2-stem", .compare = share_pairs, .stem = true);
ROUGE(rougeL_stem, "rougeL-stem", .compare = share_sequence, .stem = true);
ROUGE(rougeLsum_stem, "rougeLsum-stem", .compare = share_sentences, .stem = true, .sentences = true);
