/* Protocol buffers, as much of them as a SentencePiece model needs (sentencepiece_model.proto; developers.google.com/protocol-buffers,
 * "Encoding"): data/pieces_check.h. Numbers of fields and kinds are the format's. */
#include "data/pieces_check.h"

#include <math.h>
#include <string.h>

#include "base/utf8.h"
#include "data/text.h"

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };                                        /* how a field is written */
enum { PIECES = 1, TRAINER = 2, NORMALIZER = 3, SELF_TEST = 4, DENORMALIZER = 5, PARTS = 6 };    /* fields of the whole */
enum { TEXT = 1, SCORE = 2, TYPE = 3 };                                                         /* of a piece */
enum { NORMAL = 1, UNKNOWN = 2, CONTROL = 3 };                                                  /* types of it */
enum { UNIGRAM = 1, BPE = 2 };                                                                  /* kinds of model */
#define LARGEST_SCORE 1e9f

typedef struct reader { const unsigned char *at, *end; } reader;
typedef struct field { uint64_t number, value; int wire; reader inside; } field;   /* value: of numbers; inside: of bytes */

typedef struct check {
    const char *path;
    heed_error *err;
    int64_t count;          /* pieces so far */
    uint64_t kind;
    bool seen[PARTS];
    heed_piece_take *take;
    void *self;
} check;

static bool read_varint(reader *r, uint64_t *value)
{
    *value = 0;
    for (int shift = 0; shift < 64 && r->at < r->end; shift += 7) {
        const unsigned char byte = *r->at++;
        if (shift == 63 && byte > 1) return false;
        *value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) return true;
    }
    return false;
}

static bool read_fixed(reader *r, int bytes, uint64_t *value)
{
    *value = 0;
    if (r->end - r->at < bytes) return false;
    for (int i = 0; i < bytes; i++) *value |= (uint64_t)*r->at++ << 8 * i;
    return true;
}

static bool read_field(reader *r, field *f)
{
    uint64_t key;
    if (!read_varint(r, &key)) return false;
    f->number = key >> 3;
    f->wire = (int)(key & 7);
    if (f->number == 0 || f->number > UINT32_MAX >> 3) return false;
    if (f->wire == VARINT) return read_varint(r, &f->value);
    if (f->wire == FIXED32) return read_fixed(r, 4, &f->value);
    if (f->wire == FIXED64) return read_fixed(r, 8, &f->value);
    if (f->wire != BYTES || !read_varint(r, &f->value) || f->value > (uint64_t)(r->end - r->at)) return false;
    f->inside = (reader){r->at, r->at + f->value};
    r->at = f->inside.end;
    return true;
}

static heed_status damaged(const check *c, const char *where)
{
    return heed_fail(c->err, HEED_E_MODEL, "%s: %s is cut off or no SentencePiece model", c->path, where);
}

static heed_status check_text(const check *c, const reader *text)
{
    const size_t size = (size_t)(text->end - text->at);
    if (size == 0 || size > HEED_PIECE_BYTES)
        return heed_fail(c->err, HEED_E_MODEL, "%s: piece %lld has %zu bytes; 1 to %d are expected", c->path, (long long)c->count, size, HEED_PIECE_BYTES);
    if (heed_utf8_check((const char *)text->at, size) != size || memchr(text->at, 0, size))
        return heed_fail(c->err, HEED_E_MODEL, "%s: piece %lld is not UTF-8 text", c->path, (long long)c->count);
    return HEED_OK;
}

static heed_status check_role(const check *c, const reader *text, uint64_t type)
{
    static const char *const names[HEED_SPECIALS] = {"<unk>", "<s>", "</s>"};
    const bool special = c->count < HEED_SPECIALS;
    const uint64_t wanted = !special ? NORMAL : c->count == HEED_UNK ? UNKNOWN : CONTROL;
    const size_t size = (size_t)(text->end - text->at);
    if (type != wanted)
        return heed_fail(c->err, HEED_E_MODEL, "%s: piece %lld has type %llu, expected %llu; heed reads the models that it trains", c->path, (long long)c->count,
                         (unsigned long long)type, (unsigned long long)wanted);
    if (special && (size != strlen(names[c->count]) || memcmp(text->at, names[c->count], size) != 0))
        return heed_fail(c->err, HEED_E_MODEL, "%s: piece %lld is not %s; heed reads the models that it trains", c->path, (long long)c->count, names[c->count]);
    return HEED_OK;
}

static heed_status check_score(const check *c, uint64_t value)
{
    const uint32_t bits = (uint32_t)value;
    float score;
    memcpy(&score, &bits, sizeof score);
    if (isfinite(score) && fabsf(score) <= LARGEST_SCORE) return HEED_OK;
    return heed_fail(c->err, HEED_E_MODEL, "%s: the score of piece %lld is not a number of ordinary size", c->path, (long long)c->count);
}

static heed_status check_piece(check *c, reader r)
{
    static const int wires[] = {-1, BYTES, FIXED32, VARINT};
    bool seen[4] = {false};
    field f, got[4] = {{0}};
    if (c->count == HEED_PIECES_MOST) return heed_fail(c->err, HEED_E_MODEL, "%s: more than %d pieces", c->path, HEED_PIECES_MOST);
    while (r.at < r.end) {
        if (!read_field(&r, &f) || f.number > TYPE || f.wire != wires[f.number] || seen[f.number]) return damaged(c, "a piece");
        seen[f.number] = true;
        got[f.number] = f;
    }
    if (!seen[TEXT]) return damaged(c, "a piece");
    heed_status status = check_text(c, &got[TEXT].inside);
    if (!status) status = check_role(c, &got[TEXT].inside, seen[TYPE] ? got[TYPE].value : NORMAL);
    if (!status) status = check_score(c, got[SCORE].value);
    const reader *text = &got[TEXT].inside;
    if (!status && c->count >= HEED_SPECIALS) status = c->take(c->self, c->count, (const char *)text->at, (size_t)(text->end - text->at), c->err);
    c->count++;
    return status;
}

/* What a number of one part must be, wherever it stands; fields without a row do not matter to encoding. */
typedef struct rule { uint64_t number, low, high; const char *name; bool kept; } rule;   /* name NULL: bytes, value is their number */

static heed_status check_numbers(check *c, reader r, const rule *rules, int count, const char *part)
{
    field f;
    while (r.at < r.end) {
        if (!read_field(&r, &f)) return damaged(c, part);
        for (int i = 0; i < count; i++) {
            if (f.number != rules[i].number) continue;
            if (f.wire != (rules[i].name ? VARINT : BYTES)) return damaged(c, part);
            if (f.value < rules[i].low || f.value > rules[i].high)
                return heed_fail(c->err, HEED_E_MODEL, "%s: %s.%s is not as heed trains it", c->path, part, rules[i].name ? rules[i].name : "charsmap");
            if (rules[i].kept) c->kind = f.value;
        }
    }
    return HEED_OK;
}

static heed_status check_trainer(check *c, reader r)
{
    static const rule rules[] = {
        {3, UNIGRAM, BPE, "model_type", true}, {24, 0, 0, "treat_whitespace_as_suffix", false}, {35, 0, 0, "byte_fallback", false},
        {40, HEED_UNK, HEED_UNK, "unk_id", false}, {41, HEED_BOS, HEED_BOS, "bos_id", false}, {42, HEED_EOS, HEED_EOS, "eos_id", false}, {43, UINT64_MAX, UINT64_MAX, "pad_id", false},
    };
    return check_numbers(c, r, rules, sizeof rules / sizeof *rules, "trainer_spec");
}

/* The map of characters is a table of addresses that the library follows as they are: there must be none. */
static heed_status check_normalizer(check *c, reader r, const char *part)
{
    static const rule rules[] = {
        {2, 0, 0, NULL, false}, {3, 1, 1, "add_dummy_prefix", false}, {4, 1, 1, "remove_extra_whitespaces", false}, {5, 1, 1, "escape_whitespaces", false}, {6, 0, 0, NULL, false},
    };
    return check_numbers(c, r, rules, sizeof rules / sizeof *rules, part);
}

static heed_status check_part(check *c, const field *f)
{
    if (f->wire != BYTES || f->number >= PARTS) return damaged(c, "the file");
    if (f->number == PIECES) return check_piece(c, f->inside);
    if (c->seen[f->number]) return heed_fail(c->err, HEED_E_MODEL, "%s: part %d stands there twice", c->path, (int)f->number);
    c->seen[f->number] = true;
    if (f->number == TRAINER) return check_trainer(c, f->inside);
    if (f->number == NORMALIZER) return check_normalizer(c, f->inside, "normalizer_spec");
    if (f->number == DENORMALIZER) return check_normalizer(c, f->inside, "denormalizer_spec");
    return heed_fail(c->err, HEED_E_MODEL, "%s: holds a self-test; heed reads the models that it trains", c->path);
}

heed_status heed_pieces_check(const void *model, size_t size, const char *path, bool *unigram, heed_piece_take *take, void *self, heed_error *err)
{
    check c = {.path = path, .err = err, .kind = UNIGRAM, .take = take, .self = self};
    if (size > HEED_PIECES_FILE) return heed_fail(err, HEED_E_MODEL, "%s: %zu bytes; at most %d are read", path, size, HEED_PIECES_FILE);
    reader r = {model, size ? (const unsigned char *)model + size : model};
    heed_status status = HEED_OK;
    field f;
    while (!status && r.at < r.end) status = read_field(&r, &f) ? check_part(&c, &f) : damaged(&c, "the file");
    if (status) return status;
    if (!c.seen[TRAINER] || !c.seen[NORMALIZER]) return damaged(&c, "the file");
    if (c.count <= HEED_SPECIALS) return heed_fail(err, HEED_E_MODEL, "%s: holds %lld pieces; more than %d are expected", path, (long long)c.count, HEED_SPECIALS);
    *unigram = c.kind == UNIGRAM;
    return HEED_OK;
}
