/* Splits into pieces that are drawn: data/text.h. SentencePiece can draw too, but from a generator of the thread that nobody can set to a place, so a resumed
 * training would go on with other draws, and with another number of threads as well. Here a draw is a function of a key and a counter. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/unicode.h"
#include "data/normal.h"
#include "data/pieces_state.h"

enum { SPACE = 0x2581, LONGEST_RUN = 256 };          /* a merge is looked for in a whole run, so time grows with its square */
static const float unknown_penalty = 10;             /* as in SentencePiece: below the score of the least piece */

typedef struct drawing {
    const heed_pieces *p;
    const heed_vocabulary *v;
    const heed_text_noise *noise;
    uint64_t key, draws;
    heed_tokens in, out;             /* the text with a sign before every word; pieces */
    int64_t end[LONGEST_RUN];        /* of the segments of a run of bpe */
    int64_t both[LONGEST_RUN];       /* bpe: number of the piece that segments k and k + 1 make, -1: none */
    double sum[LONGEST_RUN + 1];     /* unigram: ln of the weights of all splits of the first i characters */
    int32_t *edge;                   /* [LONGEST_RUN, width] unigram: number of the piece that ends after i and has k + 1 characters; -1: none, -2: unknown */
    int64_t width;
} drawing;

enum { NO_PIECE = -1, UNKNOWN_PIECE = -2 };

static double draw(drawing *d) { return heed_uniform(d->key, d->draws++); }

/* Unknown characters side by side are one symbol, as in the plain split. */
static bool emit(drawing *d, int64_t first, int64_t end)
{
    const heed_token *code = d->in.item;
    const int64_t number = end - first <= d->p->longest ? heed_vocabulary_find(d->v, code + first, end - first) : NO_PIECE;
    const int32_t id = number < 0 ? HEED_UNK : (int32_t)number + HEED_SPECIALS;
    heed_token *last = d->out.count ? &d->out.item[d->out.count - 1] : NULL;
    if (id == HEED_UNK && last && last->id == HEED_UNK) {
        last->end = code[end - 1].end;
        return true;
    }
    if (!heed_tokens_reserve(&d->out, d->out.count + 1)) return false;
    d->out.item[d->out.count++] = (heed_token){id, code[first].start, code[end - 1].end};
    return true;
}

/* --- bpe ------------------------------------------------------------------------------------------------------------------------------------------ */

static int64_t merged(const drawing *d, int64_t first, int64_t end)
{
    return end - first <= d->p->longest ? heed_vocabulary_find(d->v, d->in.item + first, end - first) : NO_PIECE;
}

/* The best merge of those that are not left out this time; -1: none. */
static int64_t choose(drawing *d, int64_t segments)
{
    int64_t best = -1;
    for (int64_t k = 0; k + 1 < segments; k++) {
        if (d->both[k] < 0 || draw(d) < d->noise->dropout) continue;
        if (best < 0 || d->p->score[d->both[k]] > d->p->score[d->both[best]]) best = k;
    }
    return best;
}

/* Provilkov et al. 2020, algorithm 1: at every step each possible merge is left out with the chance p; the best of the others is made. */
static bool merge_run(drawing *d, int64_t first, int64_t n)
{
    int64_t segments = n;
    for (int64_t i = 0; i < n; i++) d->end[i] = first + i + 1;
    for (int64_t i = 0; i + 1 < n; i++) d->both[i] = merged(d, first + i, first + i + 2);
    for (int64_t k; (k = choose(d, segments)) >= 0;) {
        memmove(&d->end[k], &d->end[k + 1], (size_t)(segments - k - 1) * sizeof *d->end);
        memmove(&d->both[k], &d->both[k + 1], (size_t)(segments - k - 1) * sizeof *d->both);
        segments--;
        const int64_t here = k ? d->end[k - 1] : first, before = k > 1 ? d->end[k - 2] : first;
        if (k) d->both[k - 1] = merged(d, before, d->end[k]);
        if (k + 1 < segments) d->both[k] = merged(d, here, d->end[k + 1]);
    }
    bool ok = true;
    for (int64_t k = 0; k < segments && ok; k++) ok = emit(d, k ? d->end[k - 1] : first, d->end[k]);
    return ok;
}

/* --- unigram -------------------------------------------------------------------------------------------------------------------------------------- */

static double weight(const drawing *d, int32_t edge)
{
    return d->noise->sampling * (edge == UNKNOWN_PIECE ? d->p->least - unknown_penalty : d->p->score[edge]);
}

/* Weights of all splits of the first i characters, for every i (Kudo 2018, forward filtering). */
static void filter_run(drawing *d, int64_t first, int64_t n)
{
    d->sum[0] = 0;
    for (int64_t i = 1; i <= n; i++) {
        int32_t *edge = d->edge + (i - 1) * d->width;
        double most = -INFINITY, sum = 0;
        for (int64_t k = 0; k < d->width && k < i; k++) {
            const int64_t number = heed_vocabulary_find(d->v, d->in.item + first + i - k - 1, k + 1);
            edge[k] = number >= 0 ? (int32_t)number : k == 0 ? UNKNOWN_PIECE : NO_PIECE;
            if (edge[k] != NO_PIECE) most = fmax(most, d->sum[i - k - 1] + weight(d, edge[k]));
        }
        for (int64_t k = 0; k < d->width && k < i; k++)
            if (edge[k] != NO_PIECE) sum += exp(d->sum[i - k - 1] + weight(d, edge[k]) - most);
        d->sum[i] = most + log(sum);
    }
}

/* Draws the last piece, then the one before it, and so on (backward sampling). The pieces' ends go to d->end, last first; returns how many. */
static int64_t sample_run(drawing *d, int64_t n)
{
    int64_t pieces = 0;
    for (int64_t i = n; i > 0;) {
        const int32_t *edge = d->edge + (i - 1) * d->width;
        double left = draw(d);
        int64_t size = 1;
        for (int64_t k = 0; k < d->width && k < i; k++) {
            if (edge[k] == NO_PIECE) continue;
            size = k + 1;
            left -= exp(d->sum[i - k - 1] + weight(d, edge[k]) - d->sum[i]);
            if (left < 0) break;
        }
        d->end[pieces++] = i;
        i -= size;
    }
    return pieces;
}

static bool split_run(drawing *d, int64_t first, int64_t n)
{
    filter_run(d, first, n);
    bool ok = true;
    int64_t before = first;
    for (int64_t k = sample_run(d, n) - 1; k >= 0 && ok; k--) {
        ok = emit(d, before, first + d->end[k]);
        before = first + d->end[k];
    }
    return ok;
}

/* --- texts ---------------------------------------------------------------------------------------------------------------------------------------- */

/* Each word with the sign of a space before it, which covers no byte of the text. */
static bool read_words(drawing *d, const heed_tokens *text)
{
    bool inside = false;
    for (int64_t i = 0; i < text->count; i++) {
        const heed_token code = text->item[i];
        if (heed_unicode_space(code.id)) {
            inside = false;
            continue;
        }
        if (!heed_tokens_reserve(&d->in, d->in.count + 2)) return false;
        if (!inside) d->in.item[d->in.count++] = (heed_token){SPACE, code.start, code.start};
        d->in.item[d->in.count++] = code;
        inside = true;
    }
    return true;
}

static bool split(drawing *d, const heed_tokens *text)
{
    d->width = d->p->longest < LONGEST_RUN ? d->p->longest : LONGEST_RUN;
    if (d->p->unigram && !(d->edge = malloc((size_t)(LONGEST_RUN * d->width) * sizeof *d->edge))) return false;
    if (!read_words(d, text)) return false;
    bool ok = true;
    for (int64_t first = 0, end = 1; first < d->in.count && ok; first = end++) {
        while (end < d->in.count && end - first < LONGEST_RUN && d->in.item[end].id != SPACE) end++;
        ok = d->p->unigram ? split_run(d, first, end - first) : merge_run(d, first, end - first);
    }
    return ok;
}

heed_status heed_pieces_draw(const heed_pieces *p, const heed_vocabulary *v, const heed_text_noise *noise, uint64_t key, heed_tokens *text, heed_error *err)
{
    drawing *d = malloc(sizeof *d);
    if (!d) return heed_fail(err, HEED_E_NOMEM, "out of memory for a text of %lld characters", (long long)text->count);
    *d = (drawing){.p = p, .v = v, .noise = noise, .key = key};
    const bool ok = split(d, text);
    if (ok) {
        heed_tokens_free(text);
        *text = d->out;
        d->out = (heed_tokens){0};
    }
    heed_tokens_free(&d->in);
    heed_tokens_free(&d->out);
    free(d->edge);
    free(d);
    return ok ? HEED_OK : heed_fail(err, HEED_E_NOMEM, "out of memory for a text of %lld characters", (long long)text->count);
}
