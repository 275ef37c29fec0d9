/* Reading a film and measuring how it settles: explain/film.h. The file may have been written by somebody else: every type, size and number is checked. */
#include "explain/film.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "model/recipe.h"

enum { MOST_SYMBOLS = 1000, MOST_FRAMES = 1000000, LONGEST_LINE = 64 << 20, PATH = 4096 };

/* What a frame's shots point to. */
typedef struct memory { json_t *root; void *arrays; } memory;

typedef struct source { const heed_strip *film; int64_t number; heed_error *err; } source;      /* the line that is read */

static heed_status damaged(const source *s, const char *what)
{
    return heed_fail(s->err, HEED_E_MODEL, "%s: line %lld: %s (damaged?)", s->film->path, (long long)s->number, what);
}

static heed_status no_memory(const source *s) { return heed_fail(s->err, HEED_E_NOMEM, "%s: out of memory", s->film->path); }

/* --- a line ---------------------------------------------------------------------------------------------------------------------------------- */

static bool read_whole(const json_t *object, const char *key, int64_t *value)
{
    const json_t *found = json_object_get(object, key);
    *value = json_integer_value(found);
    return json_is_integer(found) && *value >= 0;
}

/* A text without zero characters. */
static bool read_text(const json_t *found, const char **value)
{
    *value = json_string_value(found);
    return *value && strlen(*value) == json_string_length(found);
}

static bool read_texts(const json_t *list, const char **out)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!read_text(json_array_get(list, i), &out[i])) return false;
    return true;
}

static bool read_weights(const json_t *list, float *out)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *found = json_array_get(list, i);
        const double value = json_number_value(found);
        if (!json_is_number(found) || !(value >= 0 && value <= 1.001)) return false;
        out[i] = (float)value;
    }
    return true;
}

static size_t bytes_of(const json_t *sentence)
{
    return (json_array_size(json_object_get(sentence, "read")) + json_array_size(json_object_get(sentence, "written"))) * sizeof(char *) +
           json_array_size(json_object_get(sentence, "weights")) * sizeof(double);   /* as wide as a pointer, so that the next stays aligned */
}

static heed_status read_shot(const source *s, const json_t *from, heed_shot *shot, char **at)
{
    const json_t *read = json_object_get(from, "read"), *written = json_object_get(from, "written"), *weights = json_object_get(from, "weights");
    shot->Tk = (int64_t)json_array_size(read);
    shot->Tq = (int64_t)json_array_size(written);
    if (shot->Tk < 1 || shot->Tq < 1 || shot->Tk > MOST_SYMBOLS || shot->Tq > MOST_SYMBOLS) return damaged(s, "a sentence without symbols, or with too many");
    if ((int64_t)json_array_size(weights) != shot->Tk * shot->Tq) return damaged(s, "there is not one weight for each pair of symbols");
    shot->read = (const char **)(void *)*at;
    shot->written = shot->read + shot->Tk;
    shot->weights = (float *)(void *)(shot->written + shot->Tq);
    *at += bytes_of(from);
    if (!read_whole(from, "line", &shot->line) || !read_text(json_object_get(from, "source"), &shot->source) ||
        !read_text(json_object_get(from, "reference"), &shot->reference) || !read_text(json_object_get(from, "output"), &shot->output))
        return damaged(s, "line, source, reference or output of a sentence is missing or of another type");
    if (!read_texts(read, shot->read) || !read_texts(written, shot->written)) return damaged(s, "a symbol is no text");
    return read_weights(weights, shot->weights) ? HEED_OK : damaged(s, "a weight is no number from 0 to 1");
}

static heed_status read_shots(const source *s, const json_t *list, heed_frame *f, int *sentences)
{
    const size_t count = json_array_size(list);
    memory *m = f->memory;
    size_t bytes = count * sizeof *f->shot;
    if (count < 1 || count > HEED_FILM_MOST) return damaged(s, "there are no sentences, or too many");
    for (size_t i = 0; i < count; i++) bytes += bytes_of(json_array_get(list, i));
    if (!(m->arrays = calloc(1, bytes))) return no_memory(s);
    f->shot = m->arrays;
    *sentences = (int)count;
    char *at = (char *)(f->shot + count);
    heed_status status = HEED_OK;
    for (size_t i = 0; i < count && !status; i++) status = read_shot(s, json_array_get(list, i), &f->shot[i], &at);
    return status;
}

static heed_status read_figures(const source *s, const json_t *root, heed_frame *f)
{
    const json_t *loss = json_object_get(root, "valid_loss"), *metric = json_object_get(root, "metric");
    const char *name;
    if (!read_whole(root, "update", &f->update) || !read_whole(root, "epoch", &f->epoch)) return damaged(s, "update or epoch is missing or no whole number");
    f->judged = loss != NULL;
    if (!f->judged) return HEED_OK;
    f->valid_loss = json_is_number(loss) ? json_number_value(loss) : NAN;
    f->metric = json_is_number(metric) ? json_number_value(metric) : NAN;
    if (!read_text(json_object_get(root, "metric_name"), &name) || strlen(name) >= sizeof f->metric_name) return damaged(s, "metric_name is missing or no short text");
    snprintf(f->metric_name, sizeof f->metric_name, "%s", name);
    return HEED_OK;
}

static void drop(heed_frame *f)
{
    memory *m = f->memory;
    if (m) {
        json_decref(m->root);
        free(m->arrays);
    }
    free(m);
    f->memory = NULL;
    f->shot = NULL;
}

static heed_status read_frame(const source *s, const char *line, size_t size, heed_frame *f, int *sentences)
{
    json_error_t wrong = {0};
    memory *m = calloc(1, sizeof *m);
    if (!m) return no_memory(s);
    f->memory = m;
    m->root = json_loadb(line, size, JSON_REJECT_DUPLICATES, &wrong);
    if (!m->root || !json_is_object(m->root)) return damaged(s, "not a JSON object");
    const heed_status status = read_figures(s, m->root, f);
    return status ? status : read_shots(s, json_object_get(m->root, "sentences"), f, sentences);
}

/* --- how it settles ---------------------------------------------------------------------------------------------------------------------------- */

static int64_t heaviest(const float *row, int64_t n)
{
    int64_t best = 0;
    for (int64_t j = 1; j < n; j++)
        if (row[j] > row[best]) best = j;
    return best;
}

static heed_spread spread_of(const heed_shot *s, const heed_shot *last)
{
    heed_spread sum = {0};
    int64_t rows = 0;
    for (int64_t i = 0; i < s->Tq; i++) {
        const float *row = s->weights + i * s->Tk;
        double entropy = 0, whole = 0;
        for (int64_t j = 0; j < s->Tk; j++) {
            whole += (double)row[j];
            entropy -= row[j] > 0 ? (double)row[j] * log((double)row[j]) : 0;
        }
        if (whole <= 0) continue;   /* the alignment hides every symbol */
        sum.entropy += entropy;
        sum.share += (double)row[heaviest(last->weights + i * s->Tk, s->Tk)];
        rows++;
    }
    return rows ? (heed_spread){sum.entropy / (double)rows, sum.share / (double)rows} : sum;
}

static heed_status measure(const source *s, heed_frame *f, int sentences, const heed_frame *last)
{
    if (sentences != s->film->sentences) return damaged(s, "its sentences are not those of the last line");
    for (int i = 0; i < sentences; i++) {
        if (f->shot[i].Tk != last->shot[i].Tk || f->shot[i].Tq != last->shot[i].Tq || strcmp(f->shot[i].source, last->shot[i].source) != 0)
            return damaged(s, "its sentences are not those of the last line");
        f->spread[i] = spread_of(&f->shot[i], &last->shot[i]);
    }
    return HEED_OK;
}

/* --- the whole --------------------------------------------------------------------------------------------------------------------------------- */

static int64_t count_lines(const char *text, size_t size)
{
    int64_t n = 0;
    for (const char *at = text, *end; size && (end = memchr(at, '\n', size - (size_t)(at - text))); at = end + 1) n++;
    return n;
}

static void pick(heed_strip *f)
{
    f->shown_count = f->count < HEED_FRAMES ? (int)f->count : HEED_FRAMES;
    for (int i = 0; i < f->shown_count; i++) f->shown[i] = f->shown_count > 1 ? (2 * i * (f->count - 1) + f->shown_count - 1) / (2 * (f->shown_count - 1)) : 0;
}

static bool is_shown(const heed_strip *f, int64_t i)
{
    for (int k = 0; k < f->shown_count; k++)
        if (f->shown[k] == i) return true;
    return false;
}

static heed_status read_line(heed_strip *f, int64_t i, const char *line, size_t size, int *sentences, heed_error *err)
{
    const source s = {f, i + 1, err};
    return size > LONGEST_LINE ? damaged(&s, "longer than 64 MiB") : read_frame(&s, line, size, &f->frame[i], sentences);
}

/* The last line first, against which the others are measured. */
static heed_status read_lines(heed_strip *f, const char *text, size_t size, heed_error *err)
{
    const char *end = text + size;
    while (end[-1] != '\n') end--;
    const char *last = end - 1;
    while (last > text && last[-1] != '\n') last--;
    heed_status status = read_line(f, f->count - 1, last, (size_t)(end - last), &f->sentences, err);
    for (int64_t i = 0; i < f->count && !status; i++) {
        const source s = {f, i + 1, err};
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        int sentences = f->sentences;
        if (i < f->count - 1) status = read_line(f, i, text, (size_t)(newline - text), &sentences, err);
        if (!status) status = measure(&s, &f->frame[i], sentences, &f->frame[f->count - 1]);
        if (!status && i && f->frame[i].update <= f->frame[i - 1].update) status = damaged(&s, "its update is not after that of the line before");
        if (i < f->count - 1 && !is_shown(f, i)) drop(&f->frame[i]);
        text = newline + 1;
    }
    return status;
}

heed_status heed_film_parse(heed_strip *f, const char *text, size_t size, heed_error *err)
{
    f->count = count_lines(text, size);
    if (f->count == 0) return heed_fail(err, HEED_E_MODEL, "%s: holds no frame yet", f->path);
    if (f->count > MOST_FRAMES) {
        f->count = 0;
        return heed_fail(err, HEED_E_LIMIT, "%s: more than %d frames", f->path, MOST_FRAMES);
    }
    f->frame = calloc((size_t)f->count, sizeof *f->frame);
    if (!f->frame) return heed_fail(err, HEED_E_NOMEM, "%s: out of memory", f->path);
    pick(f);
    return read_lines(f, text, size, err);
}

/* Why there is no film in a directory. */
static heed_status no_film(const char *dir, heed_error *err)
{
    char path[PATH];
    heed_recipe r = {.version = 0};
    heed_error why;
    if (!heed_path_is_dir(dir)) return heed_fail(err, HEED_E_MODEL, "%s: no such directory; a film lies in the directory of a training (heed train -o)", dir);
    if (heed_path_join(path, sizeof path, dir, "attn.json", &why) == HEED_OK && heed_path_exists(path))
        return heed_fail(err, HEED_E_MODEL, "%s: is a model; its film lies in the directory of its training, usually the one above", dir);
    if (heed_path_join(path, sizeof path, dir, "recipe.yaml", &why) != HEED_OK || !heed_path_exists(path))
        return heed_fail(err, HEED_E_MODEL, "%s: is not the directory of a training: recipe.yaml is missing", dir);
    const bool blind = heed_recipe_reopen(&r, path, &why) == HEED_OK && r.model.attention.score == HEED_ATTENTION_NONE;
    const bool judged = r.data.valid.count > 0;
    heed_recipe_free(&r);
    if (blind) return heed_fail(err, HEED_E_USAGE, "%s: its model has no attention, so there is nothing to film", dir);
    return heed_fail(err, HEED_E_MODEL, judged ? "%s: film.jsonl is missing; older trainings made none" : "%s: has no film, since the recipe names no validation data", dir);
}

heed_status heed_film_open(heed_strip *f, const char *dir, heed_error *err)
{
    heed_file file;
    *f = (heed_strip){.count = 0};
    heed_status status = heed_path_join(f->path, sizeof f->path, dir, "film.jsonl", err);
    if (status) return status;
    if (!heed_path_exists(f->path)) return no_film(dir, err);
    status = heed_file_map(&file, f->path, HEED_E_MODEL, err);
    if (status) return status;
    status = heed_film_parse(f, (const char *)file.data, file.size, err);
    heed_file_unmap(&file);
    return status;
}

void heed_film_close(heed_strip *f)
{
    for (int64_t i = 0; f->frame && i < f->count; i++) drop(&f->frame[i]);
    free(f->frame);
    *f = (heed_strip){.count = 0};
}
