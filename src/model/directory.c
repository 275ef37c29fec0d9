/* The model directory, in Hugging Face's layout: config.json (what the model is), recipe.yaml (how it came to be), the vocabularies,
 * model.safetensors, and attn.json, written last, which vouches for the others by their sha256. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/file.h"
#include "kernels/kernels.h"
#include "model/config.h"
#include "model/model.h"
#include "model/weights.h"
#include "tensor/tape.h"

enum { PATH = 4096, FORMAT = 1 };

static const char *const members[] = {"config.json", "recipe.yaml", "source.vocab.json", "target.vocab.json", "model.safetensors", "source.spm.model",
                                      "target.spm.model"};
enum { MEMBERS = sizeof members / sizeof members[0], SOURCE_PIECES = MEMBERS - 2, TARGET_PIECES };

static bool is_member(const heed_model *m, int i)
{
    const heed_text *side = i == SOURCE_PIECES ? m->source : i == TARGET_PIECES ? m->target : NULL;
    return !side || heed_text_get_settings(side)->units == HEED_UNIT_pieces;
}

/* --- saving ---------------------------------------------------------------------------------------------------------------------------- */

static heed_status save_text(const char *dir, const char *name, heed_buf *text, heed_error *err)
{
    char path[PATH];
    heed_status status = text->failed ? heed_fail(err, HEED_E_NOMEM, "out of memory for %s", name) : heed_path_join(path, sizeof path, dir, name, err);
    if (status == HEED_OK) status = heed_file_replace(path, text->data, text->size, err);
    heed_buf_free(text);
    return status;
}

static heed_status save_settings(const heed_model *m, const char *dir, heed_error *err)
{
    heed_buf config = {0}, recipe = {0};
    config.failed = heed_config_write(&m->recipe, &config) != HEED_OK || config.failed;
    heed_status status = save_text(dir, "config.json", &config, err);
    if (status != HEED_OK) return status;
    recipe.failed = heed_recipe_write(&m->recipe, &recipe) != HEED_OK || recipe.failed;
    return save_text(dir, "recipe.yaml", &recipe, err);
}

static heed_status save_weights(const heed_model *m, const char *dir, heed_number number, heed_error *err)
{
    char path[PATH];
    const heed_status status = heed_path_join(path, sizeof path, dir, "model.safetensors", err);
    return status == HEED_OK ? heed_weights_save(m->params, number, path, err) : status;
}

static heed_status save_texts(const heed_model *m, const char *dir, heed_error *err)
{
    char path[PATH];
    heed_status status = heed_path_join(path, sizeof path, dir, "source.vocab.json", err);
    if (status == HEED_OK) status = heed_text_write(m->source, path, err);
    if (status == HEED_OK) status = heed_path_join(path, sizeof path, dir, "target.vocab.json", err);
    return status == HEED_OK ? heed_text_write(m->target, path, err) : status;
}

static heed_status digest_member(const char *dir, const char *name, char hex[65], heed_error *err)
{
    char path[PATH];
    heed_file f;
    heed_status status = heed_path_join(path, sizeof path, dir, name, err);
    if (status == HEED_OK) status = heed_file_map(&f, path, HEED_E_MODEL, err);
    if (status != HEED_OK) return status;
    heed_sha256_mapped(hex, f.data, f.size);
    heed_file_unmap(&f);
    return HEED_OK;
}

/* The mean of a layer's heads has no number. Directories of before there was a choice say layer 0, head 0 without a shift: that is none. */
static json_t *write_choice(const heed_alignment *a)
{
    json_t *head = a->head < 0 ? json_string("mean") : json_integer(a->head);
    return json_pack("{s:i,s:o,s:i,s:f,s:b}", "layer", a->layer, "head", head, "shift", a->shift, "threshold", a->threshold, "empty", a->empty);
}

static heed_status write_voucher(json_t *all, const char *dir, heed_error *err)
{
    heed_buf buf = {0};
    char *text = all ? json_dumps(all, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) : NULL;
    if (text) heed_buf_printf(&buf, "%s\n", text);
    else buf.failed = true;
    free(text);
    return save_text(dir, "attn.json", &buf, err);
}

static heed_status save_voucher(const heed_model *m, const char *dir, const char *const *training, heed_error *err)
{
    json_t *sums = json_object(), *provenance = json_pack("{s:s}", "isa", heed_kernels_get()->isa);
    heed_status status = HEED_OK;
    for (int i = 0; i < MEMBERS && status == HEED_OK; i++) {
        char hex[65];
        if (!is_member(m, i)) continue;
        status = digest_member(dir, members[i], hex, err);
        if (status == HEED_OK) json_object_set_new(sums, members[i], json_string(hex));
    }
    if (m->recipe.path) json_object_set_new(provenance, "recipe", json_string(m->recipe.path));
    if (m->recipe.train.frozen_attention && *m->recipe.train.frozen_attention)
        json_object_set_new(provenance, "frozen_attention", json_string(m->recipe.train.frozen_attention));
    if (m->recipe.train.adversary.model && *m->recipe.train.adversary.model)
        json_object_set_new(provenance, "adversary", json_string(m->recipe.train.adversary.model));
    if (m->recipe.train.init_from && *m->recipe.train.init_from) json_object_set_new(provenance, "init_from", json_string(m->recipe.train.init_from));
    for (; training && training[0]; training += 2) json_object_set_new(provenance, training[0], json_string(training[1]));
    json_t *all = json_pack("{s:i,s:o,s:o}", "format", FORMAT, "provenance", provenance, "sha256", sums);
    if (m->alignment.chosen) json_object_set_new(all, "alignment", write_choice(&m->alignment));
    if (status == HEED_OK) status = write_voucher(all, dir, err);
    json_decref(all);
    return status;
}

heed_status heed_model_save(const heed_model *m, const char *dir, heed_number number, const char *const *training, heed_error *err)
{
    heed_status status = heed_dir_make(dir, err);
    if (status == HEED_OK) status = save_settings(m, dir, err);
    if (status == HEED_OK) status = save_texts(m, dir, err);
    if (status == HEED_OK) status = save_weights(m, dir, number, err);
    return status == HEED_OK ? save_voucher(m, dir, training, err) : status;
}

/* --- loading --------------------------------------------------------------------------------------------------------------------------- */

static heed_status check_format(const json_t *voucher, const char *dir, heed_error *err)
{
    const json_t *format = json_object_get(voucher, "format");
    if (!json_is_integer(format) || !json_is_object(json_object_get(voucher, "sha256")))
        return heed_fail(err, HEED_E_MODEL, "%s/attn.json: \"format\" or \"sha256\" is missing; is this a model of heed?", dir);
    if (json_integer_value(format) > FORMAT)
        return heed_fail(err, HEED_E_MODEL, "%s/attn.json: format %lld is newer than %d, the newest this heed reads; install a newer heed", dir,
                         (long long)json_integer_value(format), FORMAT);
    return HEED_OK;
}

/* Last of all checks, since the readers of the single files know better what is wrong with theirs. */
static heed_status check_sums(const heed_model *m, const json_t *voucher, const char *dir, heed_error *err)
{
    for (int i = 0; i < MEMBERS; i++) {
        char hex[65];
        if (!is_member(m, i)) continue;
        heed_status status = digest_member(dir, members[i], hex, err);
        const char *expected = json_string_value(json_object_get(json_object_get(voucher, "sha256"), members[i]));
        if (status != HEED_OK) return status;
        if (!expected || strcmp(expected, hex) != 0)
            return heed_fail(err, HEED_E_MODEL, "%s/%s: its sha256 is %.12s..., attn.json says %.12s...: the file was altered or damaged after it was saved; "
                             "copy the model again", dir, members[i], hex, expected ? expected : "nothing");
    }
    return HEED_OK;
}

static json_t *load_voucher(const char *dir, heed_error *err)
{
    char path[PATH];
    heed_file f;
    if (!heed_path_is_dir(dir)) return heed_fail(err, HEED_E_MODEL, "%s: no such model directory", dir), NULL;
    if (heed_path_join(path, sizeof path, dir, "attn.json", err) != HEED_OK || heed_file_map(&f, path, HEED_E_MODEL, err) != HEED_OK) return NULL;
    json_error_t wrong;
    json_t *voucher = json_loadb(f.size ? (const char *)f.data : "", f.size, JSON_REJECT_DUPLICATES, &wrong);
    heed_file_unmap(&f);
    if (!voucher) return heed_fail(err, HEED_E_MODEL, "%s:%d: %s", path, wrong.line, wrong.text), NULL;
    if (check_format(voucher, dir, err) == HEED_OK) return voucher;
    json_decref(voucher);
    return NULL;
}

/* Takes over value. */
static heed_status replace_in_voucher(const char *dir, const char *key, json_t *value, heed_error *err)
{
    json_t *voucher = load_voucher(dir, err);
    if (!voucher) {
        json_decref(value);
        return HEED_E_MODEL;
    }
    heed_status status = HEED_OK;
    if (json_object_set_new(voucher, key, value) != 0) status = heed_fail(err, HEED_E_NOMEM, "out of memory for attn.json");
    if (status == HEED_OK) status = write_voucher(voucher, dir, err);
    json_decref(voucher);
    return status;
}

heed_status heed_model_choose(const char *dir, const heed_alignment *choice, heed_error *err)
{
    return replace_in_voucher(dir, "alignment", write_choice(choice), err);
}

heed_status heed_model_keep_lenses(const char *dir, const char *json, heed_error *err)
{
    return replace_in_voucher(dir, "lenses", json_loads(json, 0, NULL), err);
}

/* A number of 0 to `most` - 1; head: or "mean". */
static bool is_place(const json_t *v, int most, bool head)
{
    const char *text = json_string_value(v);
    return (json_is_integer(v) && json_integer_value(v) >= 0 && json_integer_value(v) < most) || (head && text && strcmp(text, "mean") == 0);
}

static heed_status load_choice(heed_model *m, const json_t *voucher, const char *dir, heed_error *err)
{
    const json_t *a = json_object_get(voucher, "alignment"), *shift = json_object_get(a, "shift"), *threshold = json_object_get(a, "threshold");
    const json_t *layer = json_object_get(a, "layer"), *head = json_object_get(a, "head"), *empty = json_object_get(a, "empty");
    int layers, heads;
    if (!shift) return HEED_OK;
    heed_model_looks(m, &layers, &heads);
    if (!is_place(layer, layers, false) || !is_place(head, heads, true) || !is_place(shift, 2, false) ||
        !(json_number_value(threshold) >= 0 && json_number_value(threshold) <= 1))
        return heed_fail(err, HEED_E_MODEL, "%s/attn.json: \"alignment\" names no layer and head of this model's %d x %d; take it out, or choose anew by heed align --calibrate",
                         dir, layers, heads);
    if (empty && !json_is_boolean(empty))
        return heed_fail(err, HEED_E_MODEL, "%s/attn.json: \"empty\" of \"alignment\" is neither true nor false; take it out, or choose anew by heed align --calibrate", dir);
    m->alignment = (heed_alignment){.chosen = true, .layer = (int)json_integer_value(layer), .head = json_is_integer(head) ? (int)json_integer_value(head) : -1,
                                    .shift = (int)json_integer_value(shift), .threshold = json_number_value(threshold), .empty = json_is_true(empty)};
    return HEED_OK;
}

/* What a caller sets in the place of config.json; serve: floats of products' weights are not kept. */
typedef struct settings { const char *const *sets; int count; bool serve; const char *shortlist; } settings;

static heed_status load_weights(heed_model *m, const char *dir, const settings *given, heed_error *err)
{
    char path[PATH];
    heed_status status = heed_path_join(path, sizeof path, dir, "model.safetensors", err);
    if (status == HEED_OK) status = heed_params_multiply(m->params, (heed_number)m->recipe.decode.precision, err);
    return status == HEED_OK ? heed_weights_load(m->params, path, given->count > 0, given->serve, &m->stored, err) : status;
}

/* recipe.yaml tells where the data lay and how it was trained; what the model is, config.json alone decides. path: of the recipe as it was
 * given to the training, beside which its files are looked for. */
static heed_status add_history(heed_recipe *r, const char *dir, const char *path, heed_error *err)
{
    char name[PATH];
    heed_file f;
    heed_recipe whole = {.version = 0};
    heed_status status = heed_path_join(name, sizeof name, dir, "recipe.yaml", err);
    if (status == HEED_OK) status = heed_file_map(&f, name, HEED_E_MODEL, err);
    if (status != HEED_OK) return status;
    status = heed_recipe_restore(&whole, f.size ? (const char *)f.data : "", f.size, path ? path : name, err);
    heed_file_unmap(&f);
    if (status != HEED_OK) {
        heed_recipe_free(&whole);
        if (status == HEED_E_NOMEM || !err) return status;
        return heed_fail(err, HEED_E_MODEL, "%s: %s", name, err->text);
    }
    if (strcmp(whole.task, r->task) != 0) {
        status = heed_fail(err, HEED_E_MODEL, "%s: its task is \"%.64s\", that of config.json is \"%.64s\"", name, whole.task, r->task);
        heed_recipe_free(&whole);
        return status;
    }
    whole.text = r->text;
    whole.model = r->model;
    whole.decode = r->decode;
    heed_recipe_free(r);
    *r = whole;
    return HEED_OK;
}

static heed_status load_settings(heed_recipe *r, const char *dir, const json_t *voucher, heed_error *err)
{
    char path[PATH];
    heed_file f;
    heed_status status = heed_path_join(path, sizeof path, dir, "config.json", err);
    if (status == HEED_OK) status = heed_file_map(&f, path, HEED_E_MODEL, err);
    if (status != HEED_OK) return status;
    status = heed_config_parse(r, (const char *)f.data, f.size, path, err);
    heed_file_unmap(&f);
    if (status != HEED_OK) return status;
    status = add_history(r, dir, json_string_value(json_object_get(json_object_get(voucher, "provenance"), "recipe")), err);
    if (status != HEED_OK) heed_recipe_free(r);
    return status;
}

static const char *kind_of(const heed_text_settings *s) { return s->units != HEED_UNIT_pieces ? "" : s->kind == HEED_PIECES_UNIGRAM ? " by unigram" : " by bpe"; }

/* wanted: what config.json says of this side. */
static heed_text *load_text(const char *dir, const char *name, const heed_text_settings *wanted, heed_error *err)
{
    char path[PATH];
    heed_text *t = heed_path_join(path, sizeof path, dir, name, err) == HEED_OK ? heed_text_open(path, err) : NULL;
    const heed_text_settings *found = t ? heed_text_get_settings(t) : wanted;
    if (found->units == wanted->units && found->kind == wanted->kind && found->lower == wanted->lower && found->nfkc == wanted->nfkc) return t;
    heed_fail(err, HEED_E_MODEL, "%s: holds %s%s (lower: %s, nfkc: %s), config.json says %s%s (%s, %s)", path, heed_unit_name(found->units), kind_of(found),
              found->lower ? "true" : "false", found->nfkc ? "true" : "false", heed_unit_name(wanted->units), kind_of(wanted),
              wanted->lower ? "true" : "false", wanted->nfkc ? "true" : "false");
    heed_text_free(t);
    return NULL;
}

static heed_model *load_parts(const char *dir, const json_t *voucher, const settings *given, heed_error *err)
{
    heed_recipe r = {.version = 0};
    if (load_settings(&r, dir, voucher, err) != HEED_OK) return NULL;
    if (heed_recipe_reset(&r, given->sets, given->count, err) != HEED_OK) {
        heed_recipe_free(&r);
        return NULL;
    }
    heed_text *source = load_text(dir, "source.vocab.json", &r.text.source, err);
    heed_text *target = source ? load_text(dir, "target.vocab.json", &r.text.target, err) : NULL;
    if (!target) {
        heed_text_free(source);
        heed_recipe_free(&r);
        return NULL;
    }
    heed_model *m = heed_model_build(&r, source, target, err);
    if (!m && err && err->status == HEED_E_USAGE && !given->count) heed_fail(err, HEED_E_MODEL, "%s/config.json: %s", dir, err->text);
    return m;
}

/* Before the weights: its product with single rows needs their floats. */
static heed_status load_shortlist(heed_model *m, const char *path, heed_error *err)
{
    if (m->head.copies)
        return heed_fail(err, HEED_E_USAGE, "a shortlist: this model copies symbols from its source (model.attention.copy), which no list need have; leave the list out");
    heed_status status = heed_shortlist_spells(m->source, "source", err);
    if (!status) status = heed_shortlist_spells(m->target, "target", err);
    if (status) return status;
    heed_weight_table(m->head.weight);
    heed_error why = {.status = HEED_OK};
    m->shortlist = heed_shortlist_open(path, m->source, m->target, &why);
    return m->shortlist ? HEED_OK : heed_fail(err, why.status, "%s", why.text);
}

static heed_status load_rest(heed_model *m, const json_t *voucher, const char *dir, const settings *given, heed_error *err)
{
    heed_status status = given->shortlist ? load_shortlist(m, given->shortlist, err) : HEED_OK;
    if (status == HEED_OK) status = load_weights(m, dir, given, err);
    if (status == HEED_OK) status = check_sums(m, voucher, dir, err);
    if (status == HEED_OK) status = load_choice(m, voucher, dir, err);
    if (status == HEED_OK) status = heed_params_pack(m->params, false, 1, err);
    m->provenance = json_dumps(json_object_get(voucher, "provenance"), JSON_INDENT(2));
    m->lenses = json_dumps(json_object_get(voucher, "lenses"), JSON_COMPACT);
    return status;
}

static heed_model *load(const char *dir, const settings *given, heed_error *err)
{
    json_t *voucher = load_voucher(dir, err);
    if (!voucher) return NULL;
    heed_model *m = load_parts(dir, voucher, given, err);
    if (m && load_rest(m, voucher, dir, given, err) != HEED_OK) {
        heed_model_free(m);
        m = NULL;
    }
    json_decref(voucher);
    return m;
}

heed_model *heed_model_load(const char *dir, const char *const *sets, int count, heed_error *err)
{
    return load(dir, &(settings){sets, count, false, NULL}, err);
}

heed_model *heed_model_load_to_serve(const char *dir, const char *const *sets, int count, const char *shortlist, heed_error *err)
{
    return load(dir, &(settings){sets, count, true, shortlist}, err);
}
