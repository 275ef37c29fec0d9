/* A vocabulary as JSON and back; of pieces, the model beside it. What is read comes from a file that anybody may have changed, so all of it is checked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/file.h"
#include "base/tokenize.h"
#include "base/unicode.h"
#include "data/normal.h"
#include "data/pieces_check.h"
#include "data/text_state.h"

enum { FORMAT = 2, FORMAT_OF_SYMBOLS = 1, MOST_PERCENT = 100, PATH = 4096 };

static const char *const kinds[] = {[HEED_PIECES_BPE] = "bpe", [HEED_PIECES_UNIGRAM] = "unigram"};

static json_t *joints_to_json(const heed_joints *j)
{
    json_t *all = json_object();
    for (int32_t mark = 1; mark < HEED_JOINT_MARKS; mark++) {
        const char name[2] = {(char)mark};
        if (!heed_joints_known(j, mark)) continue;
        json_t *shares = json_array();
        bool ok = json_object_set_new(all, name, shares) == 0;
        for (int i = 0; ok && i < HEED_JOINT_CELLS; i++) ok = json_array_append_new(shares, json_integer(j->share[mark][i])) == 0;
        if (ok) continue;
        json_decref(all);
        return NULL;
    }
    return all;
}

static json_t *pieces_to_json(const heed_text *t)
{
    return json_pack("{s:i, s:s, s:s, s:b, s:b, s:I}", "format", FORMAT, "units", heed_unit_name(t->settings.units), "kind", kinds[t->settings.kind], "lower",
                     t->settings.lower, "nfkc", t->settings.nfkc, "pieces", (json_int_t)heed_text_size(t));
}

static json_t *to_json(const heed_text *t)
{
    if (t->pieces) return pieces_to_json(t);
    json_t *symbols = json_array();
    for (int64_t i = 0; symbols && i < t->vocabulary.count; i++) {
        if (json_array_append_new(symbols, json_string(heed_vocabulary_text(&t->vocabulary, i)))) {
            json_decref(symbols);
            symbols = NULL;
        }
    }
    json_t *root = symbols ? json_pack("{s:i, s:s, s:b, s:b, s:o}", "format", t->joints ? FORMAT : FORMAT_OF_SYMBOLS, "units",
                                       heed_unit_name(t->settings.units), "lower", t->settings.lower, "nfkc", t->settings.nfkc, "symbols", symbols)
                           : NULL;
    if (root && t->joints && json_object_set_new(root, "joints", joints_to_json(t->joints))) {
        json_decref(root);
        root = NULL;
    }
    return root;
}

/* X.spm.model beside X.vocab.json; beside any other name, that name and .spm.model. */
static heed_status model_path(char out[PATH], const char *path, heed_error *err)
{
    static const char ending[] = ".vocab.json";
    size_t size = strlen(path), cut = sizeof ending - 1;
    if (size >= cut && strcmp(path + size - cut, ending) == 0) size -= cut;
    if (snprintf(out, PATH, "%.*s.spm.model", (int)size, path) >= PATH) return heed_fail(err, HEED_E_IO, "%.100s...: the path is too long", path);
    return HEED_OK;
}

static heed_status write_model(const heed_text *t, const char *path, heed_error *err)
{
    char beside[PATH];
    heed_status status = model_path(beside, path, err);
    return status ? status : heed_pieces_write(t->pieces, beside, err);
}

heed_status heed_text_write(const heed_text *t, const char *path, heed_error *err)
{
    json_t *root = to_json(t);
    char *text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
    json_decref(root);
    if (!text)
        return heed_fail(err, HEED_E_NOMEM, "%s: out of memory for %lld symbols", path, (long long)t->vocabulary.count);
    heed_status status = heed_file_replace(path, text, strlen(text), err);
    free(text);
    return status || !t->pieces ? status : write_model(t, path, err);
}

/* What a vocabulary of some units holds. */
static const char *const *keys_of(const json_t *root)
{
    static const char *const symbols[] = {"format", "units", "lower", "nfkc", "symbols", NULL};
    static const char *const words[] = {"format", "units", "lower", "nfkc", "symbols", "joints", NULL};
    static const char *const pieces[] = {"format", "units", "lower", "nfkc", "kind", "pieces", NULL};
    const char *name = json_string_value(json_object_get(root, "units"));
    heed_unit units;
    if (!name || !heed_unit_find(name, &units)) return symbols;
    return units == HEED_UNIT_words ? words : units == HEED_UNIT_pieces ? pieces : symbols;
}

static bool among(const char *const *list, const char *key)
{
    while (*list && strcmp(*list, key) != 0) list++;
    return *list != NULL;
}

static heed_status check_keys(const json_t *root, const char *path, heed_error *err)
{
    if (!json_is_object(root))
        return heed_fail(err, HEED_E_MODEL, "%s: expected one JSON object", path);
    const char *const *known = keys_of(root);
    for (int i = 0; known[i]; i++)
        if (!json_object_get(root, known[i]))
            return heed_fail(err, HEED_E_MODEL, "%s: key \"%s\" is missing", path, known[i]);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)root, key, value) {
        if (!among(known, key))
            return heed_fail(err, HEED_E_MODEL, "%s: unknown key \"%s\"", path, key);
    }
    return HEED_OK;
}

static heed_status read_kind(const json_t *root, const char *path, heed_text_settings *s, heed_error *err)
{
    const char *kind = json_string_value(json_object_get(root, "kind"));
    const json_t *pieces = json_object_get(root, "pieces");
    if (!kind || (strcmp(kind, kinds[HEED_PIECES_BPE]) != 0 && strcmp(kind, kinds[HEED_PIECES_UNIGRAM]) != 0))
        return heed_fail(err, HEED_E_MODEL, "%s: \"kind\" must be bpe or unigram", path);
    if (!json_is_integer(pieces) || json_integer_value(pieces) <= HEED_SPECIALS || json_integer_value(pieces) > HEED_PIECES_MOST)
        return heed_fail(err, HEED_E_MODEL, "%s: \"pieces\" must be a number from %d to %d", path, HEED_SPECIALS + 1, HEED_PIECES_MOST);
    s->kind = strcmp(kind, kinds[HEED_PIECES_BPE]) == 0 ? HEED_PIECES_BPE : HEED_PIECES_UNIGRAM;
    s->size = json_integer_value(pieces);
    return HEED_OK;
}

static heed_status read_settings(const json_t *root, const char *path, heed_text_settings *s, heed_error *err)
{
    const json_t *format = json_object_get(root, "format"), *units = json_object_get(root, "units");
    const json_t *lower = json_object_get(root, "lower"), *nfkc = json_object_get(root, "nfkc");
    if (!json_is_integer(format) || json_integer_value(format) < 1)
        return heed_fail(err, HEED_E_MODEL, "%s: \"format\" must be a number from 1 to %d", path, FORMAT);
    if (json_integer_value(format) > FORMAT)
        return heed_fail(err, HEED_E_MODEL, "%s: format %lld is newer than %d, the newest this heed reads", path,
                         (long long)json_integer_value(format), FORMAT);
    if (!json_is_string(units) || !heed_unit_find(json_string_value(units), &s->units))
        return heed_fail(err, HEED_E_MODEL, "%s: \"units\" is \"%s\"; expected one of: %s", path,
                         json_is_string(units) ? json_string_value(units) : "not a text", heed_unit_names());
    if (!json_is_boolean(lower) || !json_is_boolean(nfkc))
        return heed_fail(err, HEED_E_MODEL, "%s: \"%s\" must be true or false", path, json_is_boolean(lower) ? "nfkc" : "lower");
    s->lower = json_is_true(lower);
    s->nfkc = json_is_true(nfkc);
    s->min_count = 1;
    return s->units == HEED_UNIT_pieces ? read_kind(root, path, s, err) : HEED_OK;
}

static heed_status add_symbol(heed_text *t, const json_t *item, size_t place, const char *path, heed_tokens *codes, heed_error *err)
{
    const char *text = json_string_value(item);
    if (!text)
        return heed_fail(err, HEED_E_MODEL, "%s: symbol %zu is not a text", path, place);
    heed_status status = heed_normalize(text, json_string_length(item), false, false, codes, err);
    if (status)
        return status;
    int64_t size, skip = heed_unit_cut(t->settings.units, codes->item, codes->count, &size);
    if (skip != 0 || size != codes->count || size == 0)
        return heed_fail(err, HEED_E_MODEL, "%s: symbol %zu, \"%.40s\", is not one of the units \"%s\"", path, place, text,
                         heed_unit_name(t->settings.units));
    int64_t number = heed_vocabulary_add(&t->vocabulary, codes->item, codes->count);
    if (number < 0)
        return heed_fail(err, HEED_E_NOMEM, "%s: out of memory for the vocabulary", path);
    if (number != (int64_t)place)
        return heed_fail(err, HEED_E_MODEL, "%s: symbol %zu, \"%.40s\", stands there twice (first as %lld)", path, place, text,
                         (long long)number);
    return HEED_OK;
}

static heed_status read_symbols(heed_text *t, const json_t *symbols, const char *path, heed_error *err)
{
    if (!json_is_array(symbols) || json_array_size(symbols) == 0)
        return heed_fail(err, HEED_E_MODEL, "%s: \"symbols\" must be a list of at least one text", path);
    heed_tokens codes = {0};
    heed_status status = HEED_OK;
    for (size_t i = 0; !status && i < json_array_size(symbols); i++)
        status = add_symbol(t, json_array_get(symbols, i), i, path, &codes, err);
    heed_tokens_free(&codes);
    t->finished = status == HEED_OK;
    return status;
}

static heed_status read_mark(heed_joints *j, const char *mark, const json_t *shares, const char *path, heed_error *err)
{
    if (mark[0] == 0 || mark[1] != 0 || !heed_tokenize_mark(mark[0]))
        return heed_fail(err, HEED_E_MODEL, "%s: joints: \"%.40s\" is not a punctuation mark", path, mark);
    if (!json_is_array(shares) || json_array_size(shares) != HEED_JOINT_CELLS)
        return heed_fail(err, HEED_E_MODEL, "%s: joints: \"%s\" must have a list of %d numbers", path, mark, HEED_JOINT_CELLS);
    for (int i = 0; i < HEED_JOINT_CELLS; i++) {
        const json_t *share = json_array_get(shares, (size_t)i);
        if (!json_is_integer(share) || json_integer_value(share) < 0 || json_integer_value(share) > MOST_PERCENT)
            return heed_fail(err, HEED_E_MODEL, "%s: joints: number %d of \"%s\" is not a whole number from 0 to %d", path, i, mark, MOST_PERCENT);
        j->share[(int)mark[0]][i] = (int8_t)json_integer_value(share);
    }
    return HEED_OK;
}

static heed_status read_joints(heed_joints *j, const json_t *joints, const char *path, heed_error *err)
{
    if (!json_is_object(joints)) return heed_fail(err, HEED_E_MODEL, "%s: \"joints\" must be an object", path);
    const char *mark;
    json_t *shares;
    json_object_foreach((json_t *)joints, mark, shares) {
        heed_status status = read_mark(j, mark, shares, path, err);
        if (status) return status;
    }
    return HEED_OK;
}

static heed_status read_model(heed_text *t, const char *path, heed_error *err)
{
    char beside[PATH];
    heed_status status = model_path(beside, path, err);
    if (!status) status = heed_pieces_read(t->pieces, beside, t->settings.kind == HEED_PIECES_UNIGRAM, &t->vocabulary, err);
    if (!status && heed_text_size(t) != t->settings.size)
        status = heed_fail(err, HEED_E_MODEL, "%s: holds %lld pieces, %s says %lld", beside, (long long)heed_text_size(t), path, (long long)t->settings.size);
    t->finished = status == HEED_OK;
    return status;
}

static heed_text *from_json(const json_t *root, const char *path, heed_error *err)
{
    heed_text_settings settings = {0};
    if (check_keys(root, path, err) || read_settings(root, path, &settings, err))
        return NULL;
    heed_text *t = heed_text_new(&settings, err);
    heed_status status = !t ? HEED_OK : t->pieces ? read_model(t, path, err) : read_symbols(t, json_object_get(root, "symbols"), path, err);
    if (t && t->joints && !status) status = read_joints(t->joints, json_object_get(root, "joints"), path, err);
    if (status) {
        heed_text_free(t);
        return NULL;
    }
    return t;
}

heed_text *heed_text_parse(const char *json, size_t size, const char *path, heed_error *err)
{
    json_error_t at;
    json_t *root = json_loadb(size ? json : "", size, JSON_REJECT_DUPLICATES, &at);
    if (!root) {
        heed_fail(err, HEED_E_MODEL, "%s:%d: %s", path, at.line, at.text);
        return NULL;
    }
    heed_text *t = from_json(root, path, err);
    json_decref(root);
    return t;
}

heed_text *heed_text_open(const char *path, heed_error *err)
{
    heed_file file;
    if (heed_file_map(&file, path, HEED_E_MODEL, err))
        return NULL;
    heed_text *t = heed_text_parse((const char *)file.data, file.size, path, err);
    heed_file_unmap(&file);
    return t;
}
