/* Validation: train/valid.h. */
#include "train/valid.h"

#include <stdlib.h>

enum { SENTENCES = 160, BUFFER = 8192 };   /* ten shards a batch; sorted by length within the buffer */

struct heed_validator {
    heed_loader *loader;
    heed_loader_counts counts;
};

heed_validator *heed_validator_new(const heed_model *m, const char *const *paths, int files, int64_t max_length, heed_error *err)
{
    heed_loader_settings settings = {
        .corpus = {.paths = paths, .files = files, .fields = 2, .invalid = (heed_invalid)m->recipe.data.invalid_utf8},
        .source = m->source, .target = m->target, .sentences = SENTENCES, .max_length = max_length, .buffer = BUFFER,
    };
    heed_model_longest(m, &settings.longest_source, &settings.longest_target);
    heed_validator *v = calloc(1, sizeof *v);
    if (!v) heed_fail(err, HEED_E_NOMEM, "out of memory for validation");
    if (v && !(v->loader = heed_loader_new(&settings, err))) {
        heed_validator_free(v);
        v = NULL;
    }
    return v;
}

void heed_validator_free(heed_validator *v)
{
    if (!v) return;
    heed_loader_free(v->loader);
    free(v);
}

heed_status heed_validator_run(heed_validator *v, heed_shards *s, bool (*stop)(void *user), void *user, heed_valid *out, heed_buf *where, heed_error *err)
{
    double log_p = 0;
    *out = (heed_valid){0};
    heed_status status = heed_loader_set_state(v->loader, (heed_loader_state){0}, err);   /* from the start, also after a run that was stopped */
    bool end = false, finite = true;
    while (!status && !end && finite) {
        const heed_batch *b;
        heed_loss_counts counts = {0};
        if (stop && stop(user)) return heed_fail(err, HEED_E_STOPPED, "stopped while validating");
        status = heed_loader_next(v->loader, &b, &end, err);
        if (!status && b) status = heed_shards_run(s, b, &counts, &finite, err);
        if (!status && !finite && where) heed_shards_blame(s, where);
        log_p += counts.log_p;
        out->symbols += counts.symbols;
        out->hits += counts.hits;
    }
    v->counts = *heed_loader_get_counts(v->loader);
    out->loss = out->symbols > 0 ? (0 - log_p) / (double)out->symbols : 0;
    return status;
}

const heed_loader_counts *heed_validator_counts(const heed_validator *v) { return &v->counts; }

heed_status heed_validate(const heed_model *m, const char *const *paths, int files, int threads, heed_valid *out, heed_error *err)
{
    heed_error why = {.status = HEED_OK};
    heed_shards *s = heed_shards_new(m, NULL, threads, 0, &why);
    heed_validator *v = s ? heed_validator_new(m, paths, files, 0, &why) : NULL;
    if (v) heed_validator_run(v, s, NULL, NULL, out, NULL, &why);
    if (v && !why.status && heed_validator_counts(v)->too_long > 0)
        heed_fail(&why, HEED_E_LIMIT, "%s: %lld records are longer than the model can hold (%s %s)", paths[0], (long long)heed_validator_counts(v)->too_long,
                  heed_model_longest_key(m, false), heed_model_longest_key(m, true));
    heed_validator_free(v);
    heed_shards_free(s);
    if (why.status && err) *err = why;
    return why.status;
}
