/* Changes from their text to what a probe does: explain/what_if.h. */
#include "explain/what_if.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explain/label.h"
#include "model/words.h"

/* --- reading ------------------------------------------------------------------------------------------------------------------------------------ */

typedef struct reading {
    const char *spec;
    const heed_output *o;
    const heed_lens_input *in;
    heed_arena *arena;
    heed_what_if *w;
    heed_error *err;
} reading;

static heed_status no_memory(const reading *r) { return heed_fail(r->err, HEED_E_NOMEM, "out of memory for a change"); }

static heed_status refuse(const reading *r, const char *why)
{
    char quoted[HEED_QUOTE_SIZE];
    return heed_fail(r->err, HEED_E_USAGE, "what if %s: %s", heed_quote(quoted, r->spec), why);
}

static const char *behind(const char *text, const char *beginning)
{
    const size_t size = strlen(beginning);
    return strncmp(text, beginning, size) == 0 ? text + size : NULL;
}

/* A number of `below` things at *at, up to a character of `ends`, which *at is then behind. -1: none of them; -2: `*`. */
static int64_t number(const char **at, const char *ends, int64_t below)
{
    char digits[24];
    const size_t size = strcspn(*at, ends);
    int64_t value;
    if (size >= sizeof digits) return -1;
    memcpy(digits, *at, size);
    digits[size] = 0;
    *at += size + ((*at)[size] != 0);
    if (strcmp(digits, "*") == 0) return -2;
    return heed_whole_read(digits, &value) && value >= 0 && value < below ? value : -1;
}

static const char *words(const reading *r, const heed_buf *text)
{
    return text->failed ? NULL : heed_arena_text(r->arena, text->data);
}

static heed_status source_symbol(const reading *r, const char **at, const char *ends)
{
    char why[120];
    r->w->place = number(at, ends, r->in->S - 1);
    if (r->w->place >= 0) return HEED_OK;
    snprintf(why, sizeof why, "the text has the symbols 0 to %lld; </s> is no part of it", (long long)r->in->S - 2);
    return refuse(r, why);
}

static heed_status read_mask(const reading *r, const char *at)
{
    heed_buf text = {0};
    heed_status status = source_symbol(r, &at, "");
    if (status) return status;
    heed_buf_printf(&text, "mask source symbol %lld (", (long long)r->w->place);
    heed_label_plain(&text, r->o->source_tokens[r->w->place].text);
    heed_buf_text(&text, "): read as <unk>");
    r->w->what = words(r, &text);
    heed_buf_free(&text);
    r->w->ids = heed_arena_alloc(r->arena, (size_t)r->in->S * sizeof *r->w->ids);
    if (!r->w->what || !r->w->ids) return no_memory(r);
    memcpy(r->w->ids, r->in->source, (size_t)r->in->S * sizeof *r->w->ids);
    r->w->ids[r->w->place] = HEED_UNK;
    return HEED_OK;
}

static heed_status read_edit(const reading *r, const char *at)
{
    heed_buf text = {0}, source = {0};
    if (!strchr(at, '=')) return refuse(r, "expected edit:I=TEXT");
    heed_status status = source_symbol(r, &at, "=");
    if (status) return status;
    const heed_piece_of_text *symbol = &r->o->source_tokens[r->w->place];
    heed_buf_add(&source, r->o->source, (size_t)symbol->start);
    heed_buf_text(&source, at);
    heed_buf_text(&source, r->o->source + symbol->end);
    heed_buf_printf(&text, *at ? "source symbol %lld (" : "leave out source symbol %lld (", (long long)r->w->place);
    heed_label_plain(&text, symbol->text);
    heed_buf_text(&text, *at ? ") becomes \"" : ")");
    heed_label_plain(&text, at);
    if (*at) heed_buf_char(&text, '"');
    r->w->what = words(r, &text);
    r->w->source = words(r, &source);
    r->w->text = heed_arena_text(r->arena, at);
    heed_buf_free(&text);
    heed_buf_free(&source);
    return r->w->what && r->w->source && r->w->text ? HEED_OK : no_memory(r);
}

static bool wants_head(void *self, heed_site site, int layer)
{
    const heed_what_if *w = self;
    return site == w->site && (w->layer < 0 || layer == w->layer);
}

static bool change_head(void *self, const heed_aim *aim, float *weights)
{
    const heed_what_if *w = self;
    int64_t seen = 0;
    if (w->head >= 0 && aim->head != w->head) return false;
    for (int64_t j = 0; j < aim->keys; j++) seen += weights[j] != 0;
    for (int64_t j = 0; j < aim->keys; j++)
        if (!w->uniform || weights[j] != 0) weights[j] = w->uniform ? 1 / (float)seen : 0;
    return true;
}

static heed_status read_head(const reading *r, const char *at)
{
    static const char expected[] = "expected head:SITE.LAYER.HEAD=off or =uniform, SITE cross, encoder or decoder";
    heed_what_if *w = r->w;
    heed_buf text = {0};
    int layers, heads;
    char why[160];
    const char *rest = NULL;
    for (int site = 0; site < HEED_SITES && !rest; site++) {
        rest = behind(at, heed_site_name((heed_site)site));
        w->site = (heed_site)site;
    }
    if (!rest || *rest++ != '.' || !strchr(rest, '.') || !strchr(rest, '=')) return refuse(r, expected);
    heed_probe_heads(r->in->probe, w->site, &layers, &heads);
    if (!layers) return refuse(r, "this model has no attention there");
    const int64_t layer = number(&rest, ".", layers), head = number(&rest, "=", heads);
    w->uniform = strcmp(rest, "uniform") == 0;
    if (!w->uniform && strcmp(rest, "off") != 0) return refuse(r, expected);
    snprintf(why, sizeof why, "its %s attention has layers 0 to %d, and each the heads 0 to %d", heed_site_name(w->site), layers - 1, heads - 1);
    if (layer == -1 || head == -1) return refuse(r, why);
    w->layer = layer < 0 ? -1 : (int)layer;
    w->head = head < 0 ? -1 : (int)head;
    heed_buf_printf(&text, "%s attention, ", heed_site_name(w->site));
    heed_buf_printf(&text, layer < 0 ? "every layer, " : "layer %d, ", w->layer);
    heed_buf_printf(&text, head < 0 ? "every head" : "head %d", w->head);
    heed_buf_text(&text, w->uniform ? ": looks everywhere alike" : ": off");
    w->what = words(r, &text);
    heed_buf_free(&text);
    w->meddler = (heed_meddler){w, wants_head, change_head};
    return w->what ? HEED_OK : no_memory(r);
}

static bool wants_row(void *self, heed_site site, int layer)
{
    (void)self, (void)layer;
    return site == HEED_SITE_CROSS;
}

static bool change_row(void *self, const heed_aim *aim, float *weights)
{
    const heed_what_if *w = self;
    if (aim->row != w->place) return false;
    memcpy(weights, w->weights, (size_t)aim->keys * sizeof *weights);
    return true;
}

/* S weights, parted by commas, as shares of their sum; false: they are not. */
static bool read_weights(const char *at, float *weights, int64_t S)
{
    static const double most = 1e30;   /* sums stay far from where floats end */
    double sum = 0;
    for (int64_t s = 0; s < S; s++) {
        char one[32];
        const size_t size = strcspn(at, ",");
        double value;
        if (size >= sizeof one || (at[size] == ',') != (s + 1 < S)) return false;
        memcpy(one, at, size);
        one[size] = 0;
        if (!heed_real_read(one, &value) || value < 0 || value > most) return false;
        weights[s] = (float)value;
        sum += value;
        at += size + (at[size] == ',');
    }
    for (int64_t s = 0; s < S; s++) weights[s] = (float)((double)weights[s] / sum);
    return sum > 1 / most;
}

static heed_status read_row(const reading *r, const char *at)
{
    const int64_t S = r->in->S, T = r->in->T;
    heed_what_if *w = r->w;
    heed_buf text = {0};
    char why[160];
    int layers, heads;
    float *weights = heed_arena_zero(r->arena, (size_t)S * sizeof *weights);
    heed_probe_heads(r->in->probe, HEED_SITE_CROSS, &layers, &heads);
    if (!weights) return no_memory(r);
    if (!layers) return refuse(r, "this model has no attention");
    w->place = strchr(at, '=') ? number(&at, "=", T) : -1;
    snprintf(why, sizeof why, "expected row:T=S or row:T=W,W,... with T from 0 to %lld, and S from 0 to %lld or so many weights", (long long)T - 1,
             (long long)S - 1);
    if (w->place < 0) return refuse(r, why);
    heed_buf_printf(&text, "at symbol %lld (", (long long)w->place);
    heed_label_plain(&text, r->o->tokens[w->place].text);
    if (strchr(at, ',')) heed_buf_text(&text, ") all cross attention has the weights that were given");
    else {
        const int64_t s = number(&at, "", S);
        if (s >= 0) {
            weights[s] = 1;
            heed_buf_printf(&text, ") all cross attention lies on source symbol %lld (", (long long)s);
            heed_label_plain(&text, r->o->source_tokens[s].text);
            heed_buf_char(&text, ')');
        }
        at = s < 0 ? "none" : NULL;
    }
    w->what = words(r, &text);
    heed_buf_free(&text);
    w->weights = weights;
    w->meddler = (heed_meddler){w, wants_row, change_row};
    if (at && !read_weights(at, weights, S)) return refuse(r, why);
    return w->what ? HEED_OK : no_memory(r);
}

static heed_status read_text(const reading *r, const char *at)
{
    heed_what_if *w = r->w;
    const heed_recipe *recipe = &heed_probe_model(r->in->probe)->recipe;
    heed_buf text = {0};
    const bool vector = w->kind == HEED_CHANGE_VECTOR;
    if (vector && recipe->model.decoder.type != HEED_DECODER_rnn && recipe->model.attention.score != HEED_ATTENTION_NONE)
        return refuse(r, "this decoder begins with no vector of the source: all that it knows of it comes through attention; edit:I=TEXT changes what it reads");
    heed_buf_text(&text, vector ? "the decoder begins with the vector of \"" : "the output begins with \"");
    heed_label_plain(&text, at);
    heed_buf_char(&text, '"');
    w->what = words(r, &text);
    w->text = heed_arena_text(r->arena, at);
    heed_buf_free(&text);
    return w->what && w->text ? HEED_OK : no_memory(r);
}

heed_status heed_what_if_parse(const char *spec, const heed_output *o, const heed_lens_input *in, heed_arena *arena, heed_what_if *w, heed_error *err)
{
    static const struct { const char *beginning; heed_status (*read)(const reading *r, const char *at); } kinds[] = {
        [HEED_CHANGE_MASK] = {"mask:", read_mask}, [HEED_CHANGE_EDIT] = {"edit:", read_edit}, [HEED_CHANGE_HEAD] = {"head:", read_head},
        [HEED_CHANGE_ROW] = {"row:", read_row}, [HEED_CHANGE_PREFIX] = {"prefix=", read_text}, [HEED_CHANGE_VECTOR] = {"vector=", read_text}};
    const reading r = {spec, o, in, arena, w, err};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const char *at = behind(spec, kinds[i].beginning);
        *w = (heed_what_if){.kind = (heed_change_kind)i};
        if (at) return kinds[i].read(&r, at);
    }
    return refuse(&r, "there are mask:I, edit:I=TEXT, head:SITE.LAYER.HEAD=off, row:T=S, prefix=TEXT and vector=TEXT");
}

/* --- doing -------------------------------------------------------------------------------------------------------------------------------------- */

void heed_what_if_apply(const heed_what_if *w, heed_probe *p, bool on)
{
    if (w->meddler.change) heed_probe_meddle(p, on ? &w->meddler : NULL);
}

heed_status heed_what_if_logp(const heed_what_if *w, const heed_lens_input *in, const int32_t *source, int64_t S, float *logp, heed_error *err)
{
    heed_variant v = {.source = w->ids ? w->ids : in->source, .S = in->S, .target = in->target, .T = in->T, .logp = logp};
    if (w->kind == HEED_CHANGE_EDIT) {
        v.source = source;
        v.S = S;
    }
    if (w->kind == HEED_CHANGE_VECTOR) {
        v.other = source;
        v.others = S;
    }
    heed_what_if_apply(w, in->probe, true);
    heed_status status = heed_probe_run(in->probe, &v, 1, err);
    heed_what_if_apply(w, in->probe, false);
    return status;
}
