/* norms: the norm of what a key adds to the result of the layer that is looked at     (Kobayashi et al. 2020)
 *
 *   score_ij = | sum_h w_ij^h f_h(j) |,   f_h(j) = Wo_h Wv_h m_j, or without projections the head's part of the memory's own row
 *
 * With G_j = [f_h(j) . f_g(j)], one small matrix a key, the norm is sqrt(w^T G_j w): the vectors themselves are made but once. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "explain/lens.h"
#include "tensor/tape.h"

typedef struct measuring {
    const heed_lens_input *in;
    float *scores, *weights;    /* weights: [H,S] of a row */
    double *gram, *parts;       /* [S,H,H] once it is made; [H,D] room */
    float *out;                 /* Wo [D,H d] */
    bool made, failed;
} measuring;

/* f_h(j) of all heads side by side, [H,D] */
static void transform(const heed_sighting *s, const float *out, int64_t j, int64_t D, double *parts)
{
    const heed_attend_args *a = &s->attended->args;
    const int64_t H = s->attn->is.heads, Hk = s->attn->is.key_heads, d = a->v->cols / Hk;
    const float *v = a->v->x + (a->keys.start[s->group] + j) * a->v->cols;
    memset(parts, 0, (size_t)(H * D) * sizeof *parts);
    for (int64_t h = 0; h < H; h++) {
        const float *value = v + h / (H / Hk) * d;
        for (int64_t o = 0; s->attn->out && o < D; o++) {
            const float *row = out + o * H * d + h * d;
            for (int64_t i = 0; i < d; i++) parts[h * D + o] += (double)row[i] * (double)value[i];
        }
        for (int64_t i = 0; !s->attn->out && i < d; i++) parts[h * D + h * d + i] = (double)value[i];
    }
}

static bool take_out(measuring *m, const heed_weight *w)
{
    if (!w) return true;
    heed_gemm *g = heed_gemm_new(NULL);
    m->out = malloc((size_t)(w->tensor.rows * w->tensor.cols) * sizeof *m->out + 1);
    const bool good = g && m->out && heed_weight_floats(w, g, m->out, NULL) == HEED_OK;
    heed_gemm_free(g);
    return good;
}

static void make_gram(measuring *m, const heed_sighting *s)
{
    const int64_t H = s->attn->is.heads, D = heed_attn_width(s->attn);
    m->gram = malloc((size_t)(s->keys * H * H) * sizeof *m->gram);
    m->parts = malloc((size_t)(H * D) * sizeof *m->parts);
    m->weights = malloc((size_t)(H * s->keys) * sizeof *m->weights);
    m->failed = !m->gram || !m->parts || !m->weights || !take_out(m, s->attn->out);
    m->made = true;
    for (int64_t j = 0; !m->failed && j < s->keys; j++) {
        transform(s, m->out, j, D, m->parts);
        for (int64_t at = 0; at < H * H; at++) {
            double sum = 0;
            for (int64_t i = 0; i < D; i++) sum += m->parts[at / H * D + i] * m->parts[at % H * D + i];
            m->gram[j * H * H + at] = sum;
        }
    }
}

static void measure(void *self, const heed_sighting *s)
{
    measuring *m = self;
    const int64_t H = s->attn->is.heads;
    const int head = m->in->look.head;
    if (s->site != HEED_SITE_CROSS || s->layer != m->in->look.layer) return;
    if (!m->made) make_gram(m, s);
    for (int64_t i = 0; !m->failed && i < s->rows; i++) {
        for (int64_t h = 0; h < H; h++) heed_sighting_weights(s, i, h, m->weights + h * s->keys);
        for (int64_t j = 0; j < s->keys; j++) {
            double sum = 0;
            for (int64_t at = 0; at < H * H; at++)
                if (head < 0 || at == head * (H + 1)) sum += (double)m->weights[at / H * s->keys + j] * (double)m->weights[at % H * s->keys + j] * m->gram[j * H * H + at];
            m->scores[(s->first + i) * m->in->S + j] = (float)sqrt(fmax(sum, 0));
        }
    }
}

heed_status heed_lens_norms(const heed_lens_input *in, float *scores, heed_lens_note *note, heed_error *err)
{
    measuring m = {.in = in, .scores = scores};
    (void)note;
    heed_status status = heed_lens_watch(in, measure, &m, err);
    if (status == HEED_OK && m.failed) status = heed_fail(err, HEED_E_NOMEM, "out of memory for a lens");
    if (status == HEED_OK && in->look.shift && in->T > 1) memmove(scores, scores + in->S, (size_t)((in->T - 1) * in->S) * sizeof *scores);
    free(m.gram);
    free(m.out);
    free(m.parts);
    free(m.weights);
    return status;
}
