/* What there is: a model described, help made from tables, versions. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/session.h"
#include "kernels/gemm.h"
#include "kernels/kernels.h"
#include "metric/metric.h"
#include "model/config.h"

/* --- a model --------------------------------------------------------------------------------------------------------------------------------- */

static int64_t size_of(const heed_weight *w) { return w->tensor.rows * w->tensor.cols; }

static int64_t all_weights(const heed_model *m)
{
    int64_t n = 0;
    for (int64_t i = 0; i < heed_params_count(m->params); i++) n += size_of(heed_params_at(m->params, i));
    return n;
}

/* The part of a weight's name before its first dot. */
static size_t part_length(const char *name) { return strcspn(name, "."); }

static void describe_numbers(const heed_model *m, heed_buf *out)
{
    heed_number asked;
    const heed_number number = heed_model_number(m, &asked);
    heed_buf_printf(out, "numbers     matrices kept as %s, products of %s", heed_number_name(m->stored), heed_number_name(number));
    if (number != asked) heed_buf_printf(out, ": this processor has no instructions for %s", heed_number_name(asked));
    heed_buf_char(out, '\n');
}

static void describe_text(const heed_model *m, heed_buf *out)
{
    const int64_t all = all_weights(m);
    heed_buf settings = {0};
    heed_buf_printf(out, "task        %s\n", m->recipe.task);
    heed_buf_printf(out, "vocabulary  source %lld %s, target %lld %s\n", (long long)heed_text_size(m->source),
                    heed_unit_name(heed_text_get_settings(m->source)->units), (long long)heed_text_size(m->target),
                    heed_unit_name(heed_text_get_settings(m->target)->units));
    heed_buf_printf(out, "parameters  %lld\n", (long long)all);
    describe_numbers(m, out);
    const int64_t count = heed_params_count(m->params);
    for (int64_t i = 0; i < count;) {
        const char *name = heed_params_at(m->params, i)->name;
        const size_t length = part_length(name);
        int64_t n = 0, end = i;
        for (; end < count && part_length(heed_params_at(m->params, end)->name) == length && !strncmp(heed_params_at(m->params, end)->name, name, length); end++)
            n += size_of(heed_params_at(m->params, end));
        heed_buf_printf(out, "\n%-40.*s %10lld  %4.1f %%\n", (int)length, name, (long long)n, 100.0 * (double)n / (double)all);
        for (; i < end; i++) {
            const heed_weight *w = heed_params_at(m->params, i);
            if (w->rank == 1) heed_buf_printf(out, "  %-38s [%lld]\n", w->name, (long long)w->tensor.cols);
            else heed_buf_printf(out, "  %-38s [%lld,%lld]\n", w->name, (long long)w->tensor.rows, (long long)w->tensor.cols);
        }
    }
    out->failed |= heed_config_write(&m->recipe, &settings) != HEED_OK;
    heed_buf_printf(out, "\nsettings\n%s\n", settings.data ? settings.data : "");
    heed_buf_free(&settings);
    if (m->alignment.chosen) {
        const heed_alignment *a = &m->alignment;
        char head[16] = "mean";
        if (a->head >= 0) snprintf(head, sizeof head, "%d", a->head);
        heed_buf_printf(out, "\nwords are linked by layer %d, head %s, shift %d, threshold %g, empty %d\n", a->layer, head, a->shift, a->threshold, a->empty);
    }
    if (m->provenance) heed_buf_printf(out, "\nprovenance\n%s\n", m->provenance);
}

static void describe_json(const heed_model *m, heed_buf *out)
{
    heed_buf settings = {0};
    out->failed |= heed_config_write(&m->recipe, &settings) != HEED_OK;
    json_t *weights = json_array(), *config = settings.data ? json_loads(settings.data, 0, NULL) : NULL;
    for (int64_t i = 0; i < heed_params_count(m->params); i++) {
        const heed_weight *w = heed_params_at(m->params, i);
        json_t *shape = w->rank == 1 ? json_pack("[I]", (json_int_t)w->tensor.cols) : json_pack("[I,I]", (json_int_t)w->tensor.rows, (json_int_t)w->tensor.cols);
        json_array_append_new(weights, json_pack("{s:s,s:o}", "name", w->name, "shape", shape));
    }
    json_t *all = json_pack("{s:I,s:I,s:I,s:s,s:s,s:o,s:o?,s:o?}", "parameters", (json_int_t)all_weights(m), "source_symbols", (json_int_t)heed_text_size(m->source),
                            "target_symbols", (json_int_t)heed_text_size(m->target), "stored", heed_number_name(m->stored), "products",
                            heed_number_name(heed_model_number(m, NULL)), "weights", weights, "settings", config, "provenance",
                            m->provenance ? json_loads(m->provenance, 0, NULL) : NULL);
    char *text = all ? json_dumps(all, JSON_COMPACT) : NULL;
    if (text) heed_buf_printf(out, "%s\n", text);
    else out->failed = true;
    free(text);
    json_decref(all);
    heed_buf_free(&settings);
}

static char *take(heed_buf *text, heed_error *err)
{
    char *out = heed_buf_take(text);
    if (!out) heed_fail(err, HEED_E_NOMEM, "out of memory for a text");
    return out;
}

char *heed_model_describe(const heed_model *m, bool json, heed_error *err)
{
    heed_buf text = {0};
    if (json) describe_json(m, &text);
    else describe_text(m, &text);
    return take(&text, err);
}

/* --- help ------------------------------------------------------------------------------------------------------------------------------------- */

static void help_parts(heed_buf *out)
{
    heed_buf_text(out, "model.encoder.type\n");
#define HEED_ENCODER(name, help) heed_buf_printf(out, "  %-14s %s\n", #name, help);
#include "model/encoders.def"
#undef HEED_ENCODER
    heed_buf_text(out, "\nmodel.decoder.type\n");
#define HEED_DECODER(name, help) heed_buf_printf(out, "  %-14s %s\n", #name, help);
#include "model/decoders.def"
#undef HEED_DECODER
    heed_buf_text(out, "\nmodel.encoder.cell, model.decoder.cell\n");
#define HEED_CELL(name, help) heed_buf_printf(out, "  %-14s %s\n", #name, help);
#include "model/cells.def"
#undef HEED_CELL
    heed_buf_text(out, "\nmodel.encoder.positions, model.decoder.positions\n");
#define HEED_POSITION(name, help) heed_buf_printf(out, "  %-14s %s\n", #name, help);
#include "attn/positions.def"
#undef HEED_POSITION
    heed_buf_text(out, "\ntext.units\n");
#define HEED_UNIT(name, help) heed_buf_printf(out, "  %-14s %s\n", #name, help);
#include "data/units.def"
#undef HEED_UNIT
}

static void help_scores(heed_buf *out)
{
    heed_buf_text(out, "model.attention.score\n  none           the encoder's fixed vector instead of attention\n");
#define HEED_SCORE(name, formula, paper) heed_buf_printf(out, "  %-14s %s   (%s)\n", #name, formula, paper);
#include "attn/scores.def"
#undef HEED_SCORE
    heed_buf_text(out, "\nmodel.attention.align\n");
#define HEED_ALIGN(name, sight, normal, meaning, paper) heed_buf_printf(out, "  %-14s %s   (%s)\n", #name, meaning, paper);
#include "heed/aligns.def"
#undef HEED_ALIGN
}

static void list_metrics(const char *before, heed_buf *out)
{
#define HEED_METRIC(id, name, help) heed_buf_printf(out, "%s%-14s %s\n", before, name, help);
#include "metric/metrics.def"
#undef HEED_METRIC
}

static void help_metrics(heed_buf *out)
{
    list_metrics("", out);
    heed_buf_printf(out, "%-14s %s\n", "aer", "alignment error rate of links between words, for heed score alone (Och and Ney 2003)");
}

static void help_recipes(heed_buf *out) { heed_recipe_describe(out); }

/* The tasks, and all that their models can be made of. */
static void help_tasks(heed_buf *out)
{
    heed_buf_text(out, "task\n");
    for (int i = 0; heed_task_at(i); i++) heed_buf_printf(out, "  %-14s %s\n", heed_task_at(i)->name, heed_task_at(i)->help);
    heed_buf_char(out, '\n');
    help_parts(out);
    heed_buf_char(out, '\n');
    help_scores(out);
    heed_buf_text(out, "\ntrain.validate.metric, heed score\n");
    list_metrics("  ", out);
}

static void help_lenses(heed_buf *out)
{
    heed_buf_text(out, "how much each symbol read mattered to each one written: heed explain --lens NAME; docs/explain.md tells when each fails\n");
    for (int i = 0; heed_lens_at(i); i++) {
        const heed_lens *l = heed_lens_at(i);
        heed_buf_printf(out, "\n  %s\n    %s\n    scores    %s\n    baseline  %s\n    cost      %s for S symbols read and T written%s\n", l->name, l->sentence, l->method,
                        l->baseline, l->cost, l->attention ? "; needs attention" : "");
    }
}

char *heed_help(const char *topic, heed_error *err)
{
    static const struct { const char *name; void (*write)(heed_buf *); } topics[] = {
        {"tasks", help_tasks}, {"recipes", help_recipes}, {"parts", help_parts}, {"scores", help_scores}, {"metrics", help_metrics},
        {"lenses", help_lenses}};
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++)
        if (strcmp(topic, topics[i].name) == 0) {
            heed_buf text = {0};
            topics[i].write(&text);
            return take(&text, err);
        }
    heed_fail(err, HEED_E_USAGE, "no help on \"%s\"; there is: tasks recipes parts scores metrics lenses", topic);
    return NULL;
}

const char *heed_version(void) { return HEED_VERSION; }

void heed_free(void *p) { free(p); }
