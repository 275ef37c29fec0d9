/* The hypotheses of a search: explain/beams.h. */
#include "explain/beams.h"

#include <stdlib.h>

#include "explain/label.h"

/* What the list says of a symbol beyond itself. */
typedef struct place { double score; int64_t step; bool followed, best; } place;

static bool has_choice(const heed_beams *b)
{
    for (int64_t i = 0; i < b->count; i++)
        if (b->nodes[i].before != i - 1) return true;
    return false;
}

static place *lay_out(const heed_beams *b)
{
    place *at = calloc((size_t)b->count, sizeof *at);
    for (int64_t i = 0; at && i < b->count; i++) {
        const int64_t before = b->nodes[i].before;
        at[i].score = b->nodes[i].logp + (before < 0 ? 0 : at[before].score);
        at[i].step = 1 + (before < 0 ? 0 : at[before].step);
        if (before >= 0) at[before].followed = true;
    }
    for (int64_t i = b->best; at && i >= 0; i = b->nodes[i].before) at[i].best = true;
    return at;
}

static void add_node(const heed_beam *n, const place *at, int64_t id, heed_buf *out)
{
    heed_buf_printf(out, ", {\"id\": %lld, \"parent\": %lld, \"text\": ", (long long)id + 1, (long long)n->before + 1);
    heed_label_json(out, n->text);
    heed_buf_text(out, ", \"logp\": ");
    heed_number_short(out, n->logp, 6);
    heed_buf_text(out, ", \"score\": ");
    heed_number_short(out, at->score, 6);
    heed_buf_printf(out, ", \"step\": %lld, \"state\": \"%s\"}", (long long)at->step, at->best ? "best" : n->end ? "ended" : at->followed ? "kept" : "dropped");
}

bool heed_beams_json(const heed_beams *b, heed_buf *out)
{
    if (!has_choice(b)) return false;
    place *at = lay_out(b);
    out->failed |= !at;
    heed_buf_text(out, "{\"nodes\": [{\"id\": 0, \"parent\": -1, \"text\": \"\", \"logp\": 0, \"score\": 0, \"step\": 0, \"state\": \"best\"}");
    for (int64_t i = 0; at && i < b->count; i++) add_node(&b->nodes[i], &at[i], i, out);
    heed_buf_text(out, "]}");
    free(at);
    return true;
}
