/* Draws settings for attention, and lays out the data of a call. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "support/attention_reference.h"

/* --- settings ---------------------------------------------------------------------------------------------------------------------------- */

typedef struct dice { uint64_t key, thrown; } dice;

static int64_t between(dice *x, int64_t least, int64_t most) { return least + (int64_t)heed_below(x->key, x->thrown++, (uint64_t)(most - least + 1)); }
static bool one_in(dice *x, int64_t n) { return between(x, 1, n) == 1; }

static void draw_lengths(dice *x, attention_recipe *r, int64_t most)
{
    const bool equal = one_in(x, 4);
    r->is.sequences = between(x, 1, ATTENTION_SEQUENCES);
    r->has_position = one_in(x, 3);
    for (int64_t b = 0; b < r->is.sequences; b++) {
        r->queries[b] = one_in(x, 8) ? 0 : between(x, 1, one_in(x, 3) ? 3 : most);
        r->keys[b] = equal ? r->queries[b] : one_in(x, 8) ? 0 : between(x, 1, one_in(x, 3) ? 3 : most);
        r->position[b] = between(x, 0, most / 2);
    }
}

attention_recipe attention_recipe_draw(uint64_t key, int64_t most_length, int64_t most_width)
{
    static const int64_t heads[] = {1, 2, 3, 4, 6, 8};
    dice x = {key, 0};
    attention_recipe r = {.layout = (attention_layout)between(&x, 0, ATTENTION_LAYOUTS - 1)};
    heed_attention *a = &r.is;
    draw_lengths(&x, &r, most_length);
    a->type = one_in(&x, 4) ? HEED_BF16 : HEED_F32;
    a->score = one_in(&x, 2) ? (heed_attention_score)between(&x, 0, 2) : HEED_ATTENTION_DOT;
    a->align = one_in(&x, 4) ? HEED_ALIGN_everything : (heed_align)between(&x, 0, HEED_ALIGN_COUNT - 1);
    a->window = between(&x, one_in(&x, 4) ? 0 : 1, one_in(&x, 2) ? 4 : most_length);
    a->heads = heads[between(&x, 0, 5)];
    a->key_heads = a->heads;
    while (a->heads % (a->key_heads = between(&x, 1, a->heads)));
    a->width = between(&x, 1, most_width);
    a->value_width = one_in(&x, 2) ? 0 : between(&x, 1, most_width);
    a->scale = one_in(&x, 3) ? 0.3F : 0;
    a->cap = one_in(&x, 5) ? 1.5F : 0;
    a->reach = between(&x, 0, 9);
    a->rotary = a->width % 2 == 0 && one_in(&x, 4) ? 10000 : 0;
    a->dropout = one_in(&x, 4) ? 0.2F : 0;
    a->seed = heed_key(key, 1);
    a->threads = (int)between(&x, 1, 3);
    r.has_factor = one_in(&x, 4);
    r.has_slope = one_in(&x, 5);
    r.has_relative = one_in(&x, 5);
    return r;
}

void attention_recipe_print(const attention_recipe *r, char *text, size_t size)
{
    static const char *const names[] = {
#define HEED_ALIGN(name, sight, normal, meaning, paper) #name,
#include "heed/aligns.def"
#undef HEED_ALIGN
    }, *const scores[] = {"dot", "cosine", "additive"};
    const heed_attention *a = &r->is;
    char *at = text, *end = text + size;
    at += snprintf(at, (size_t)(end - at), "%s %s %s, window %lld, heads %lld:%lld, width %lld:%lld, scale %g, cap %g, reach %lld, rotary %g, dropout %g%s%s%s, layout %d,",
                   a->type == HEED_BF16 ? "bf16" : "f32", scores[a->score], names[a->align], (long long)a->window, (long long)a->heads, (long long)a->key_heads,
                   (long long)a->width, (long long)a->value_width, (double)a->scale, (double)a->cap, (long long)a->reach, (double)a->rotary, (double)a->dropout,
                   r->has_factor ? ", factor" : "", r->has_slope ? ", slope" : "", r->has_relative ? ", relative" : "", (int)r->layout);
    for (int64_t b = 0; b < a->sequences && at < end; b++)
        at += snprintf(at, (size_t)(end - at), " %lldx%lld@%lld", (long long)r->queries[b], (long long)r->keys[b], (long long)(r->has_position ? r->position[b] : 0));
}

/* --- data -------------------------------------------------------------------------------------------------------------------------------- */

static void *own(attention_problem *p, size_t bytes)
{
    void *x = calloc(bytes ? bytes : 1, 1);
    if (!x || p->count == sizeof p->owned / sizeof *p->owned) abort();
    return p->owned[p->count++] = x;
}

static int64_t *starts(attention_problem *p, const int64_t *lengths, int64_t n)
{
    int64_t *start = own(p, (size_t)(n + 1) * sizeof *start);
    for (int64_t b = 0; b < n; b++) start[b + 1] = start[b] + lengths[b];
    return start;
}

static float *floats(attention_problem *p, int64_t n, uint64_t key, double spread)
{
    float *x = own(p, (size_t)n * sizeof *x);
    for (int64_t i = 0; i < n; i++) x[i] = (float)(spread * heed_normal(key, (uint64_t)i));
    return x;
}

/* spread NaN: filled with it. */
static heed_attention_out lay(attention_problem *p, attention_layout layout, const int64_t *lengths, int64_t heads, int64_t width, uint64_t key, double spread)
{
    int64_t longest = 0, rows = 0;
    for (int64_t b = 0; b < p->is.sequences; b++) longest = lengths[b] > longest ? lengths[b] : longest, rows += lengths[b];
    heed_attention_out x = {.row = heads * width, .head = width};
    int64_t size = rows * heads * width;
    if (layout == ATTENTION_SPREAD) x.row = heads * (width + 3) + 5, x.head = width + 3, size = rows * x.row;
    if (layout == ATTENTION_HEADS_FIRST) x.row = width, x.head = longest * width;
    if (layout == ATTENTION_HEADS_FIRST || layout == ATTENTION_TOKENS_FIRST) {
        x.sequence = heads * longest * width;
        size = p->is.sequences * x.sequence;
        if (!x.sequence) x.sequence = 1;
    }
    x.x = own(p, (size_t)size * (p->is.type == HEED_BF16 ? 2 : 4));
    for (int64_t i = 0; i < size; i++) attention_write(p->is.type, x.x, i, isnan(spread) ? NAN : spread * heed_normal(key, (uint64_t)i));
    return x;
}

static heed_attention_in in_of(heed_attention_out x) { return (heed_attention_in){x.x, x.sequence, x.row, x.head}; }

static void lay_settings(attention_problem *p, const attention_recipe *r, uint64_t key)
{
    heed_attention *a = &p->is;
    const int64_t H = attention_heads(a);
    const heed_weighing how = attention_weighing(a);
    int64_t *position = own(p, ATTENTION_SEQUENCES * sizeof *position);
    uint64_t *record = own(p, ATTENTION_SEQUENCES * sizeof *record);
    memcpy(position, r->position, sizeof r->position);
    for (uint64_t b = 0; b < ATTENTION_SEQUENCES; b++) record[b] = heed_key(key, b);
    a->query_start = starts(p, r->queries, a->sequences);
    a->key_start = starts(p, r->keys, a->sequences);
    a->position = r->has_position ? position : NULL;
    a->record = a->dropout > 0 ? record : NULL;
    p->queries = a->query_start[a->sequences];
    p->keys = a->key_start[a->sequences];
    a->factor = r->has_factor ? floats(p, H, heed_key(key, 10), 1) : NULL;
    a->slope = r->has_slope ? floats(p, H, heed_key(key, 11), 0.2) : NULL;
    a->relative = r->has_relative ? floats(p, H * (2 * a->reach + 1), heed_key(key, 12), 1) : NULL;
    a->additive = a->score == HEED_ATTENTION_ADDITIVE ? floats(p, H * a->width, heed_key(key, 13), 1) : NULL;
    a->centre = a->align == HEED_ALIGN_local_p ? floats(p, p->queries * H, heed_key(key, 14), 1) : NULL;
    p->to.factor = a->factor ? floats(p, H, 0, 0) : NULL;
    p->to.relative = a->relative && how != HEED_WEIGHING_hard ? floats(p, H * (2 * a->reach + 1), 0, 0) : NULL;
    p->to.additive = a->additive ? floats(p, H * a->width, 0, 0) : NULL;
    p->to.centre = a->centre ? floats(p, p->queries * H, 0, 0) : NULL;
}

attention_problem *attention_problem_new(const attention_recipe *r, uint64_t key)
{
    attention_problem *p = calloc(1, sizeof *p);
    if (!p) abort();
    p->is = r->is;
    lay_settings(p, r, key);
    const int64_t H = attention_heads(&p->is), Hk = attention_key_heads(&p->is), d = p->is.width, dv = attention_value_width(&p->is);
    const double spread = r->spread > 0 ? r->spread : 1;
    p->data.q = in_of(lay(p, r->layout, r->queries, H, d, heed_key(key, 20), spread));
    p->data.k = in_of(lay(p, r->layout, r->keys, Hk, d, heed_key(key, 21), spread));
    p->data.v = in_of(lay(p, r->layout, r->keys, Hk, dv, heed_key(key, 22), 1));
    p->data.out = lay(p, r->layout, r->queries, H, dv, 0, NAN);
    p->data.saved = floats(p, p->queries * H, 0, NAN);
    p->to.out = in_of(lay(p, r->layout, r->queries, H, dv, heed_key(key, 23), 1));
    p->to.q = lay(p, r->layout, r->queries, H, d, 0, NAN);
    p->to.k = lay(p, r->layout, r->keys, Hk, d, 0, NAN);
    p->to.v = lay(p, r->layout, r->keys, Hk, dv, 0, NAN);
    return p;
}

void attention_problem_free(attention_problem *p)
{
    for (int i = 0; p && i < p->count; i++) free(p->owned[i]);
    free(p);
}

void attention_gather(const attention_problem *p, const int64_t *start, heed_attention_in from, int64_t heads, int64_t width, double *x)
{
    for (int64_t b = 0; b < p->is.sequences; b++)
        for (int64_t i = 0; i < start[b + 1] - start[b]; i++)
            for (int64_t h = 0; h < heads; h++) {
                const int64_t at = attention_place(start, b, i, h, from.sequence, from.row, from.head);
                for (int64_t l = 0; l < width; l++) x[((start[b] + i) * heads + h) * width + l] = attention_read(p->is.type, from.x, at + l);
            }
}
