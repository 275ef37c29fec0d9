/* Pieces between texts and the library: data/pieces.h. The library is behind pieces_shim.h, the check of what it is given in pieces_check.h. */
#include "data/pieces.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/unicode.h"
#include "data/normal.h"
#include "data/pieces_check.h"
#include "data/pieces_state.h"

static const char LOWER_BLOCK[] = "\xE2\x96\x81";   /* U+2581, the library's sign for a space */
enum { BLOCK_BYTES = sizeof LOWER_BLOCK - 1, BLOCK = 0x2581, RESERVED = 0x2585 };
enum { MOST_LEARNT = 64 << 20, MOST_LEARNT_UNIGRAM = 16 << 20, LONGEST_LINE = 1 << 19 };   /* bytes */
static const double run_weight = 12, run_weight_unigram = 1.5;

heed_pieces *heed_pieces_new(bool unigram)
{
    heed_pieces *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->sample.most = unigram ? MOST_LEARNT_UNIGRAM : MOST_LEARNT;
    p->sample.run_weight = unigram ? run_weight_unigram : run_weight;
    return p;
}

void heed_pieces_free(heed_pieces *p)
{
    if (!p) return;
    heed_sample_free(&p->sample);
    heed_buf_free(&p->model);
    heed_spm_close(p->spm);
    free(p->score);
    free(p);
}

/* The text as the library gets it. */
static void spell(heed_tokens *codes, heed_buf *out)
{
    char bytes[4];
    for (int64_t i = 0; i < codes->count; i++) {
        if (heed_unicode_space(codes->item[i].id)) codes->item[i].id = ' ';
        heed_buf_add(out, bytes, (size_t)heed_utf8_put(codes->item[i].id, bytes));
    }
}

/* The library ends the process when it learns unigram pieces from nothing, and leaves out lines with a sign that it keeps to itself. */
static bool teaches(const heed_tokens *codes)
{
    bool letters = false;
    for (int64_t i = 0; i < codes->count; i++) {
        const int32_t code = codes->item[i].id;
        if (code == RESERVED) return false;
        letters |= code != BLOCK && !heed_unicode_space(code);
    }
    return letters && codes->count <= LONGEST_LINE / 4;
}

bool heed_pieces_count(heed_pieces *p, heed_tokens *codes)
{
    if (!teaches(codes) || !heed_sample_offer(&p->sample)) return true;
    spell(codes, &p->sample.lines);
    return heed_sample_keep(&p->sample);
}

/* --- models ---------------------------------------------------------------------------------------------------------------------------- */

typedef struct list { heed_vocabulary *vocabulary; heed_tokens codes; const char *path; } list;

static heed_status add_piece(void *self, int64_t number, const char *text, size_t size, heed_error *err)
{
    list *l = self;
    heed_status status = heed_normalize(text, size, false, false, &l->codes, err);
    if (status) return status;
    const int64_t added = heed_vocabulary_add(l->vocabulary, l->codes.item, l->codes.count);
    if (added < 0) return heed_fail(err, HEED_E_NOMEM, "%s: out of memory for the pieces", l->path);
    if (added != number - HEED_SPECIALS)
        return heed_fail(err, HEED_E_MODEL, "%s: piece %lld, \"%.40s\", stands there twice", l->path, (long long)number, heed_vocabulary_text(l->vocabulary, added));
    return HEED_OK;
}

static heed_status fail_with(const char *why, heed_status status, const char *what, heed_error *err)
{
    if (!why[0]) return heed_fail(err, HEED_E_NOMEM, "%s: out of memory", what);
    return heed_fail(err, status, "%s: %s", what, why);
}

static int64_t characters(const char *text)
{
    int64_t n = 0;
    for (; *text; text++) n += (*text & 0xC0) != 0x80;
    return n;
}

/* What drawing splits wants to know. */
static bool keep_scores(heed_pieces *p, const heed_vocabulary *v, bool unigram)
{
    p->unigram = unigram;
    p->score = malloc((size_t)v->count * sizeof *p->score + 1);
    for (int64_t i = 0; p->score && i < v->count; i++) {
        const int64_t length = characters(heed_vocabulary_text(v, i));
        p->score[i] = heed_spm_score(p->spm, (int32_t)i + HEED_SPECIALS);
        p->least = i == 0 || p->score[i] < p->least ? p->score[i] : p->least;
        p->longest = length > p->longest ? length : p->longest;
    }
    return p->score != NULL;
}

heed_status heed_pieces_parse(heed_pieces *p, const void *model, size_t size, const char *path, bool unigram, heed_vocabulary *v, heed_error *err)
{
    char why[HEED_SPM_WHY];
    bool found = false;
    list l = {.vocabulary = v, .path = path};
    heed_status status = heed_pieces_check(model, size, path, &found, add_piece, &l, err);
    heed_tokens_free(&l.codes);
    if (!status && found != unigram)
        status = heed_fail(err, HEED_E_MODEL, "%s: holds a %s model, %s was expected", path, found ? "unigram" : "bpe", unigram ? "unigram" : "bpe");
    if (status) return status;
    heed_buf_add(&p->model, model, size);
    if (p->model.failed) return heed_fail(err, HEED_E_NOMEM, "%s: out of memory", path);
    p->spm = heed_spm_open(p->model.data, p->model.size, why);
    if (!p->spm) return fail_with(why, HEED_E_MODEL, path, err);
    return keep_scores(p, v, unigram) ? HEED_OK : heed_fail(err, HEED_E_NOMEM, "%s: out of memory", path);
}

heed_status heed_pieces_read(heed_pieces *p, const char *path, bool unigram, heed_vocabulary *v, heed_error *err)
{
    heed_file file;
    heed_status status = heed_file_map(&file, path, HEED_E_MODEL, err);
    if (status) return status;
    status = heed_pieces_parse(p, file.size ? file.data : (const void *)"", file.size, path, unigram, v, err);
    heed_file_unmap(&file);
    return status;
}

heed_status heed_pieces_write(const heed_pieces *p, const char *path, heed_error *err)
{
    return heed_file_replace(path, p->model.data, p->model.size, err);
}

heed_status heed_pieces_learn(heed_pieces *p, bool unigram, int64_t size, heed_vocabulary *v, heed_error *err)
{
    char why[HEED_SPM_WHY];
    size_t bytes = 0;
    if (p->sample.lines.size == 0) return heed_fail(err, HEED_E_DATA, "pieces cannot be learnt from these texts: they hold nothing but white space");
    char *model = heed_spm_train(p->sample.lines.data, p->sample.lines.size, unigram, size, &bytes, why);
    heed_sample_free(&p->sample);
    if (!model && why[0])
        return heed_fail(err, HEED_E_DATA, "pieces cannot be learnt from these texts: %s (vocab_size is the recipe's size, %lld)", why, (long long)size);
    if (!model) return fail_with(why, HEED_E_DATA, "pieces cannot be learnt from these texts", err);
    heed_status status = heed_pieces_parse(p, model, bytes, "the pieces just learnt", unigram, v, err);
    free(model);
    return status;
}

/* --- texts ----------------------------------------------------------------------------------------------------------------------------- */

typedef struct walk {
    const heed_token *code;      /* of the text, n of them */
    int64_t n, at;
    size_t byte;                 /* where code[at] begins in what the library was given */
    heed_tokens made;
    bool failed;
} walk;

static void pass(walk *w)
{
    char bytes[4];
    w->byte += (size_t)heed_utf8_put(w->code[w->at++].id, bytes);
}

static void take(void *self, int32_t id, size_t start, size_t end)
{
    walk *w = self;
    w->failed |= !heed_tokens_reserve(&w->made, w->made.count + 1);
    if (w->failed) return;
    while (w->at < w->n && w->byte < start) pass(w);
    while (w->at < w->n && w->byte < end && w->code[w->at].id == ' ') pass(w);
    const int64_t first = w->at;
    while (w->at < w->n && w->byte < end) pass(w);
    const int32_t place = first < w->n ? w->code[first].start : w->n ? w->code[w->n - 1].end : 0;
    w->made.item[w->made.count++] = (heed_token){id, place, first < w->at ? w->code[w->at - 1].end : place};
}

heed_status heed_pieces_encode(const heed_pieces *p, heed_tokens *text, heed_error *err)
{
    char why[HEED_SPM_WHY] = "";
    heed_buf spelt = {0};
    if (text->count == 0) return HEED_OK;
    spell(text, &spelt);
    walk w = {.code = text->item, .n = text->count};
    bool ok = !spelt.failed && heed_spm_encode(p->spm, spelt.data, spelt.size, take, &w, why) && !w.failed;
    heed_buf_free(&spelt);
    if (!ok) {
        heed_tokens_free(&w.made);
        return fail_with(why, HEED_E_DATA, "the text cannot be cut into pieces", err);
    }
    heed_tokens_free(text);
    *text = w.made;
    return HEED_OK;
}

size_t heed_pieces_print(const char *piece, bool first, heed_buf *out)
{
    size_t spaces = 0;
    if (first && strncmp(piece, LOWER_BLOCK, BLOCK_BYTES) == 0) piece += BLOCK_BYTES;
    for (; strncmp(piece, LOWER_BLOCK, BLOCK_BYTES) == 0; piece += BLOCK_BYTES, spaces++) heed_buf_char(out, ' ');
    while (*piece) {
        const bool block = strncmp(piece, LOWER_BLOCK, BLOCK_BYTES) == 0;
        heed_buf_char(out, block ? ' ' : *piece);
        piece += block ? BLOCK_BYTES : 1;
    }
    return spaces;
}
