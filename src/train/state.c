/* train_state.json: train/state.h. One table of fields serves reading and writing. */
#include "train/state.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "model/words.h"

enum { FORMAT = 1 };

typedef enum field_kind { WHOLE, REAL } field_kind;

typedef struct field { const char *name; field_kind kind; size_t offset; bool later; } field;   /* later: states of earlier versions lack it, and mean 0 */

static const field fields[] = {
    {"update", WHOLE, offsetof(heed_train_state, update), false},
    {"validated", WHOLE, offsetof(heed_train_state, validated), false},
    {"epoch", WHOLE, offsetof(heed_train_state, data.epoch), false},
    {"block", WHOLE, offsetof(heed_train_state, data.block), false},
    {"batch", WHOLE, offsetof(heed_train_state, data.batch), false},
    {"records", WHOLE, offsetof(heed_train_state, records), false},
    {"records_per_epoch", WHOLE, offsetof(heed_train_state, records_per_epoch), false},
    {"pairs", WHOLE, offsetof(heed_train_state, pairs), false},
    {"best", REAL, offsetof(heed_train_state, best), false},
    {"best_update", WHOLE, offsetof(heed_train_state, best_update), false},
    {"bad", WHOLE, offsetof(heed_train_state, bad), false},
    {"scale", REAL, offsetof(heed_train_state, scale), false},
    {"plateau", WHOLE, offsetof(heed_train_state, plateau), false},
    {"logged_log_p", REAL, offsetof(heed_train_state, logged.log_p), false},
    {"logged_symbols", WHOLE, offsetof(heed_train_state, logged.symbols), false},
    {"logged_guide", REAL, offsetof(heed_train_state, logged.guide), true},
    {"logged_guided", WHOLE, offsetof(heed_train_state, logged.guided), true},
    {"judged_log_p", REAL, offsetof(heed_train_state, judged.log_p), false},
    {"judged_symbols", WHOLE, offsetof(heed_train_state, judged.symbols), false},
    {"judged_guide", REAL, offsetof(heed_train_state, judged.guide), true},
    {"judged_guided", WHOLE, offsetof(heed_train_state, judged.guided), true},
    {"rate", REAL, offsetof(heed_train_state, rate), false},
    {"norm", REAL, offsetof(heed_train_state, norm), false},
    {"valid_loss", REAL, offsetof(heed_train_state, valid_loss), false},
    {"metric", REAL, offsetof(heed_train_state, metric), false},
    {"seconds", REAL, offsetof(heed_train_state, seconds), false},
};
enum { FIELDS = sizeof fields / sizeof *fields };

heed_status heed_train_state_save(const heed_train_state *s, const char *path, heed_error *err)
{
    heed_buf out = {0};
    heed_buf_printf(&out, "{\n  \"format\": %d", FORMAT);
    for (int i = 0; i < FIELDS; i++) {
        const char *at = (const char *)s + fields[i].offset;
        int64_t whole;
        double real;
        heed_buf_printf(&out, ",\n  \"%s\": ", fields[i].name);
        if (fields[i].kind == WHOLE) {
            memcpy(&whole, at, sizeof whole);
            heed_buf_printf(&out, "%lld", (long long)whole);
        } else {
            memcpy(&real, at, sizeof real);
            heed_real_write(&out, real);
        }
    }
    heed_buf_printf(&out, ",\n  \"seed\": \"%llu\",\n  \"isa\": \"%s\"\n}\n", (unsigned long long)s->seed, s->isa);
    heed_status status = out.failed ? heed_fail(err, HEED_E_NOMEM, "%s: out of memory", path) : heed_file_replace(path, out.data, out.size, err);
    heed_buf_free(&out);
    return status;
}

static heed_status bad_field(const char *path, const char *name, const char *expected, heed_error *err)
{
    return heed_fail(err, HEED_E_MODEL, "%s: \"%s\" is missing or not %s (altered?)", path, name, expected);
}

static heed_status load_field(heed_train_state *s, const field *f, const json_t *root, const char *path, heed_error *err)
{
    const json_t *value = json_object_get(root, f->name);
    char *at = (char *)s + f->offset;
    if (!value && f->later) return HEED_OK;
    if (f->kind == WHOLE) {
        const int64_t whole = json_integer_value(value);
        if (!json_is_integer(value) || whole < 0) return bad_field(path, f->name, "a whole number from 0", err);
        memcpy(at, &whole, sizeof whole);
    } else {
        const double real = json_number_value(value);
        if (!json_is_number(value) || !isfinite(real)) return bad_field(path, f->name, "a number", err);
        memcpy(at, &real, sizeof real);
    }
    return HEED_OK;
}

static heed_status load_texts(heed_train_state *s, const json_t *root, const char *path, heed_error *err)
{
    const char *seed = json_string_value(json_object_get(root, "seed")), *isa = json_string_value(json_object_get(root, "isa"));
    char *end = NULL;
    errno = 0;
    s->seed = seed && *seed >= '0' && *seed <= '9' ? strtoull(seed, &end, 10) : 0;
    if (!end || *end || errno) return bad_field(path, "seed", "a whole number in quotes", err);
    if (!isa || strlen(isa) >= sizeof s->isa) return bad_field(path, "isa", "a short text", err);
    memcpy(s->isa, isa, strlen(isa) + 1);
    return HEED_OK;
}

static heed_status load_root(heed_train_state *s, const json_t *root, const char *path, heed_error *err)
{
    const json_t *format = json_object_get(root, "format");
    if (!json_is_integer(format)) return bad_field(path, "format", "a whole number", err);
    if (json_integer_value(format) > FORMAT)
        return heed_fail(err, HEED_E_MODEL, "%s: format %lld is newer than this heed, which reads %d", path, (long long)json_integer_value(format), FORMAT);
    heed_status status = HEED_OK;
    for (int i = 0; i < FIELDS && !status; i++) status = load_field(s, &fields[i], root, path, err);
    return status ? status : load_texts(s, root, path, err);
}

heed_status heed_train_state_load(heed_train_state *s, const char *path, heed_error *err)
{
    *s = (heed_train_state){0};
    heed_file file;
    heed_status status = heed_file_map(&file, path, HEED_E_MODEL, err);
    if (status) return status;
    json_error_t wrong = {0};
    json_t *root = json_loadb((const char *)file.data, file.size, JSON_REJECT_DUPLICATES, &wrong);
    if (!root) status = heed_fail(err, HEED_E_MODEL, "%s:%d: not JSON: %s (truncated copy?)", path, wrong.line, wrong.text);
    else if (!json_is_object(root)) status = heed_fail(err, HEED_E_MODEL, "%s: not a JSON object", path);
    else status = load_root(s, root, path, err);
    json_decref(root);
    heed_file_unmap(&file);
    return status;
}
