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
enum {
    SCORES = sizeof scores / sizeof *scores,
    ALIGNS = sizeof aligns / sizeof *aligns,
    ORDERS = sizeof orders / sizeof *orders,
    VECTORS = 2,
    LOOKS = SCORES * ALIGNS + VECTORS
};

int variant_count(void) { return ORDERS * LOOKS; }

const tiny *variant_at(int i, const char **name)
{
    static char attention[120], text[240];
    static tiny t;
    const int look = i % LOOKS, order = i / LOOKS;
    if (look < VECTORS) snprintf(attention, sizeof attention, "{score: none, vector: %s}", look ? "every_step" : "start");
    else {
        const char *score = scores[(look - VECTORS) / ALIGNS];
        int size = snprintf(attention, sizeof attention, "{score: %s, align: %s, window: %d, width: %d", score, aligns[(look - VECTORS) % ALIGNS],
                            VARIANT_WINDOW, look % 2 && strcmp(score, "dot") ? 7 : 0);   /* dot projects nothing */
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
