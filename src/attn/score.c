/* What scores share: their table and the declaring of weights. */
#include "attn/score.h"

#include <stdio.h>

#include "tensor/tape.h"

#define HEED_SCORE(name, formula, paper) extern const heed_score heed_score_##name;
#include "attn/scores.def"
#undef HEED_SCORE

const heed_score *heed_score_at(int i)
{
    static const heed_score *const table[] = {
#define HEED_SCORE(name, formula, paper) &heed_score_##name,
#include "attn/scores.def"
#undef HEED_SCORE
    };
    return i >= 0 && i < (int)(sizeof table / sizeof table[0]) ? table[i] : NULL;
}

/* --- weights -------------------------------------------------------------------------------------------------------------------------------- */

heed_weight *heed_attn_projection(heed_params *p, const char *scope, const char *name, int64_t rows, int64_t cols)
{
    char full[sizeof((heed_weight *)0)->name];
    snprintf(full, sizeof full, "%s.%s.weight", scope, name);
    heed_weight *w = heed_params_add(p, full, 2, rows, cols, HEED_FILL_GLOROT, 1);
    heed_weight_product(w);
    return w;
}

heed_weight *heed_attn_vector(heed_params *p, const char *scope, const char *name, int64_t cols, heed_fill fill)
{
    char full[sizeof((heed_weight *)0)->name];
    snprintf(full, sizeof full, "%s.%s", scope, name);
    return heed_params_add(p, full, 1, 1, cols, fill, 1);
}
