/* integrated-gradients: gradients along the straight path from a baseline to the source embeddings     (Sundararajan et al. 2017)
 *
 *   score_s = (e_s - b) . integral over a in [0,1] of d ln p / d e_s at b + a (e - b)
 *
 * Over all source symbols they sum to ln p(source) - ln p(baseline); how far they fail to is the completeness gap. The path is smooth, so the 20 steps are the
 * nodes of Gauss and Legendre, where a polynomial of degree 39 would be integrated exactly. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explain/lens.h"

enum { STEPS = 20 };

/* Node and weight i on [0,1]: a zero of the Legendre polynomial, by Newton's method from Tricomi's guess. */
static void node_of(int i, int steps, double *x, double *weight)
{
    double z = cos(M_PI * (i + 0.75) / (steps + 0.5)), slope = 1;
    for (int round = 0; round < 8; round++) {
        double p = 1, before = 0;
        for (int n = 1; n <= steps; n++) {
            const double next = ((2 * n - 1) * z * p - (n - 1) * before) / n;
            before = p;
            p = next;
        }
        slope = steps * (z * p - before) / (z * z - 1);
        z -= p / slope;
    }
    *x = (1 + z) / 2;
    *weight = 1 / ((1 - z * z) * slope * slope);
}

static double gap_of(const heed_lens_input *in, const float *scores, const float *full, const float *none)
{
    double missing = 0, whole = 0;
    for (int64_t t = 0; t < in->T; t++) {
        double sum = 0;
        if (in->wanted && !in->wanted[t]) continue;
        for (int64_t s = 0; s < in->S; s++) sum += (double)scores[t * in->S + s];
        missing += fabs(sum - ((double)full[t] - (double)none[t]));
        whole += fabs((double)full[t] - (double)none[t]);
    }
    return whole > 0 ? missing / whole : 0;
}

heed_status heed_lens_integrate(const heed_lens_input *in, int steps, float *scores, double *gap, heed_error *err)
{
    float *full = malloc((size_t)in->T * sizeof *full), *none = malloc((size_t)in->T * sizeof *none);
    heed_status status = full && none ? HEED_OK : heed_fail(err, HEED_E_NOMEM, "out of memory for a lens");
    memset(scores, 0, (size_t)(in->T * in->S) * sizeof *scores);
    for (int i = 0; i < steps && status == HEED_OK; i++) {
        double x, weight;
        node_of(i, steps, &x, &weight);
        status = heed_lens_gradients(in, x, weight, scores, err);
    }
    if (!status) status = heed_probe_floats(in->probe, true, err);
    if (!status) status = heed_lens_logp(in, 1, full, err);
    if (!status) status = heed_lens_logp(in, 0, none, err);
    heed_probe_floats(in->probe, false, NULL);
    if (!status) *gap = gap_of(in, scores, full, none);
    free(full);
    free(none);
    return status;
}

heed_status heed_lens_integrated_gradients(const heed_lens_input *in, float *scores, heed_lens_note *note, heed_error *err)
{
    heed_status status = heed_lens_integrate(in, STEPS, scores, &note->gap, err);
    if (!status) snprintf(note->text, sizeof note->text, "completeness gap %.2g %%", 100 * note->gap);
    return status;
}
