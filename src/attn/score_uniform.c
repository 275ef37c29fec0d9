/* uniform: every key that can be seen scores 0, so that a softmax gives each the same weight: attention that learns nothing of where to look, the baseline of
 * Wiegreffe and Pinter. Queries are taken as they are, and not looked at. */
#include <string.h>

#include "attn/score.h"

static heed_status init(heed_attn *a, heed_params *p, const char *scope, heed_error *err)
{
    (void)a, (void)p, (void)scope, (void)err;
    return HEED_OK;
}

static void forward(const heed_meeting *m, float *s) { memset(s, 0, (size_t)m->n * sizeof *s); }

static void no_gradient(const heed_meeting *m, const float *ds, float *dq, float *dk, float *dextra) { (void)m, (void)ds, (void)dq, (void)dk, (void)dextra; }

const heed_score heed_score_uniform = {"uniform", init, NULL, NULL, NULL, {.forward = forward, .backward = no_gradient, .blind = true}};
