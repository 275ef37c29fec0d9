#include "task/variants.h"

#include <stdio.h>
#include <string.h>

static const char *const scores[] = {
#define HEED_SCORE(name, formula, paper) #name,
#include "attn/scores.def"
#undef HEED_SCORE
};
static const char *const aligns[] = {
#define HEED_ALIGN(name, ...) #name,
#include "heed/aligns.def"
#undef HEED_ALIGN
};
static const char *const orders[] = {"order: bahdanau", "order: luong", "order: luong, input_feeding: true"};
/* Those that know where they looked, those that copy, and those that look everywhere alike. */
static const char *const memories[] = {
    "{score: additive, coverage: true}",
    "{score: additive, copy: true}",
    "{score: additive, coverage: true, copy: true}",
    "{score: location_conv, filters: 3, filter_width: 3}",
    "{score: location_conv, filters: 3, filter_width: 3, coverage: true}",
    "{score: location_conv, filters: 3, filter_width: 5, copy: true}",
    "{score: location_conv, filters: 3, filter_width: 3, coverage: true, copy: true}",
    "{score: scaled, heads: 2, coverage: true, copy: true}",
    "{score: additive, heads: 3, key_heads: 1, coverage: true, copy: true}",
    "{score: location_conv, heads: 2, filters: 2, filter_width: 3, copy: true}",
    "{score: scaled, align: local_p, window: 2, copy: true}",
    "{score: scaled, align: window, window: 1, coverage: true, copy: true}",
    "{score: additive, align: sparsemax, coverage: true, copy: true}",
    "{score: uniform, heads: 2}",
    "{score: uniform, align: window, window: 2, copy: true}",
    "{score: uniform, align: local_p, window: 2}",
    "{score: uniform, align: sparsemax, copy: true}",
};
enum {
    SCORES = sizeof scores / sizeof *scores - 1,
    ALIGNS = sizeof aligns / sizeof *aligns,
    ORDERS = sizeof orders / sizeof *orders,
    VECTORS = 2,
    LOOKS = SCORES * ALIGNS + VECTORS,
    MEMORIES = sizeof memories / sizeof *memories,
    CELLS = 2
};

int variant_count(void) { return ORDERS * LOOKS + ORDERS * CELLS * MEMORIES; }

/* Source and target have symbols in common. */
static const tiny *memory_at(int i, const char **name)
{
    static char text[240];
    static tiny t;
    const int order = i % ORDERS, cell = i / ORDERS % CELLS;
    t = (tiny){.decoder_cell = cell ? "lstm" : "gru", .layers = 1 + i % 2, .attention = memories[i / ORDERS / CELLS], .order = orders[order],
               .target_units = "symbols, lower: true"};
    snprintf(text, sizeof text, "%s under %s, %s, %d layers", t.attention, t.order, t.decoder_cell, t.layers);
    *name = text;
    return &t;
}

/* Number i of those that decide where to look. */
static const char *score_at(int i)
{
    const char *const *at = scores;
    while (strcmp(*at, "uniform") == 0 || i-- > 0) at++;
    return *at;
}

static bool has_window(const char *align) { return strstr(align, "window") || strcmp(align, "local_p") == 0 || strcmp(align, "block_sparse") == 0; }

const tiny *variant_at(int i, const char **name)
{
    static char attention[120], text[240];
    static tiny t;
    if (i >= ORDERS * LOOKS) return memory_at(i - ORDERS * LOOKS, name);
    const int look = i % LOOKS, order = i / LOOKS;
    if (look < VECTORS) snprintf(attention, sizeof attention, "{score: none, vector: %s}", look ? "every_step" : "start");
    else {
        const char *score = score_at((look - VECTORS) / ALIGNS);
        const char *align = aligns[(look - VECTORS) % ALIGNS];
        int size = snprintf(attention, sizeof attention, "{score: %s, align: %s, window: %d, width: %d", score, align, has_window(align) ? VARIANT_WINDOW : 0,
                            look % 2 && strcmp(score, "dot") ? 7 : 0);   /* dot projects nothing */
        if (strcmp(score, "location") == 0) size += snprintf(attention + size, sizeof attention - (size_t)size, ", longest: %d", VARIANT_LONGEST);
        snprintf(attention + size, sizeof attention - (size_t)size, "}");
    }
    t = (tiny){.cell = i % 2 ? "lstm" : "gru",
               .decoder_cell = (i / 2) % 2 ? "lstm" : "gru",
               .layers = 1 + (i / 4) % 2,
               .directions = 1 + (i + order) / 3 % 2,
               .attention = attention,
               .order = orders[order],
               .tie = i % 5 == 0 ? "output" : "none"};
    snprintf(text, sizeof text, "%s under %s, %s over %s, %d layers, %d directions, tie %s", attention, t.order, t.decoder_cell, t.cell, t.layers, t.directions,
             t.tie);
    *name = text;
    return &t;
}
