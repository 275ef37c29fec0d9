/* The demo's page: what the model with attention looked at, and which lenses can be believed. */
#include "demo.h"

#include <errno.h>
#include <string.h>

enum { JUDGED_PHRASES = 100, JUDGED_WORDS = 2, TOLD = 3 };

static bool write_bytes(void *user, const char *bytes, size_t size) { return fwrite(bytes, 1, size, user) == size; }

/* Judged on phrases, so that the page can recommend. */
static int judge(const demo *d)
{
    char path[DEMO_PATH], name[40];
    heed_error err = {0};
    snprintf(name, sizeof name, "test-%d.tsv", JUDGED_WORDS);
    int code = demo_path(path, d, name);
    if (code)
        return code;
    heed_faithful_options o = {.source = path, .pairs = JUDGED_PHRASES};
    heed_faithful *f = heed_faithful_measure(d->open[1].session, &o, &err);
    code = f && heed_faithful_store(f, d->model[1], &err) == HEED_OK ? EXIT_OK : cli_fail(&err);
    if (!code) {
        printf("\nwhich lens to trust for this model, by what it does without the letters that a lens points at (heed faithful): ");
        for (int i = 0; i < f->count && i < TOLD; i++)
            printf("%s%s", i ? ", " : "", f->lenses[i].lens->name);
        puts(" first");
    }
    heed_faithful_free(f);
    return code;
}

static int write_page(const demo *d, const heed_item *item)
{
    static const char *const all[] = {"all"};
    char path[DEMO_PATH];
    heed_error err = {0};
    int code = demo_path(path, d, "page.html");
    if (code)
        return code;
    FILE *out = fopen(path, "wb");
    heed_explanation_options o = {.form = HEED_FORM_PAGE, .lenses = all, .lens_count = 1, .name = d->model[1], .write = write_bytes, .user = out};
    const heed_status status = out ? heed_explanation_write(d->open[1].session, item, &o, &err) : HEED_E_IO;
    const bool closed = out && fclose(out) == 0;
    if (status && status != HEED_E_IO)
        return cli_fail(&err);
    if (status || !closed) {
        cli_complain("%s: cannot be written: %s", path, strerror(errno));
        return EXIT_OUTSIDE;
    }
    return EXIT_OK;
}

int demo_write_page(demo *d, const char *phrase)
{
    const heed_item item = {.text = phrase};
    int code = judge(d);
    if (code)
        return code;
    cli_model_close(&d->open[1]);      /* anew, with what was stored beside it */
    return cli_model_open(&d->open[1], d->globals, d->model[1], NULL, NULL, &code) ? write_page(d, &item) : code;
}
