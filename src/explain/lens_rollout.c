/* rollout: attention multiplied through the layers     (Abnar and Zuidema 2020, equation 1)
 *
 *   encoder   R = I;  in each layer  R <- (A R + R) / 2                     where what stands at a position came from
 *   decoder   X = 0;  in each block  X <- (A X + X) / 2, then (C R + X) / 2  where what is about to be written came from
 *
 * A and C are the mean over heads of self- and of cross attention; the halves stand for the residual connection. Rows of X sum to less than 1: the rest is the
 * decoder's own, what it had written. A convolutional decoder has no A; a recurrent one joins the context to its state without a residual connection, so there
 * X = C; and an encoder that is not a Transformer has no weights, so R = I. Layers come as the batch passes them: two matrices are held, however many there
 * are. */
#include <stdlib.h>
#include <string.h>

#include "explain/lens.h"
#include "kernels/kernels.h"

enum { BLOCK = 8 };   /* rows that are multiplied side by side, so that a long R passes the cache once for them all */

typedef struct rolling {
    const heed_lens_input *in;
    const heed_kernels *k;
    float *from, *next;         /* [S,S] R and room; NULL: R = I */
    float *x, *room;            /* [T,S] */
    float *one, *mean;          /* [max(S,T)], [BLOCK,max(S,T)] */
    int64_t longest;
    bool recurrent;
} rolling;

static void take_mean(const rolling *r, const heed_sighting *s, int64_t i, float *mean)
{
    const int64_t H = s->attn->is.heads;
    memset(mean, 0, (size_t)s->keys * sizeof *mean);
    for (int64_t h = 0; h < H; h++) {
        heed_sighting_weights(s, i, h, r->one);
        r->k->axpy(mean, 1 / (float)H, r->one, s->keys);
    }
}

/* out [rows,S] = the mean weights of the sighting's rows times x [keys,S], NULL: the identity */
static void apply(const rolling *r, const heed_sighting *s, const float *x, float *out)
{
    const int64_t S = r->in->S;
    for (int64_t first = 0; first < s->rows; first += BLOCK) {
        const int64_t n = s->rows - first < BLOCK ? s->rows - first : BLOCK;
        float *to = out + first * S;
        memset(to, 0, (size_t)(n * S) * sizeof *to);
        for (int64_t i = 0; i < n; i++) take_mean(r, s, first + i, r->mean + i * r->longest);
        for (int64_t i = 0; !x && i < n; i++) memcpy(to + i * S, r->mean + i * r->longest, (size_t)S * sizeof *to);
        for (int64_t j = 0; x && j < s->keys; j++)
            for (int64_t i = 0; i < n; i++) {
                const float weight = r->mean[i * r->longest + j];
                if (weight != 0) r->k->axpy(to + i * S, weight, x + j * S, S);
            }
    }
}

/* x <- (A other + x) / 2; other and x may be the same. */
static void join(const rolling *r, const heed_sighting *s, const float *other, float *x, float *room)
{
    apply(r, s, other, room);
    for (int64_t at = 0; at < s->rows * r->in->S; at++) x[at] = (x[at] + room[at]) / 2;
}

static void roll(void *self, const heed_sighting *s)
{
    const rolling *r = self;
    switch (s->site) {
    case HEED_SITE_ENCODER: join(r, s, r->from, r->from, r->next); return;
    case HEED_SITE_DECODER: join(r, s, r->x, r->x, r->room); return;
    default: break;
    }
    if (r->recurrent) apply(r, s, r->from, r->x + s->first * r->in->S);
    else join(r, s, r->from, r->x, r->room);
}

heed_status heed_lens_rollout(const heed_lens_input *in, float *scores, heed_lens_note *note, heed_error *err)
{
    const size_t S = (size_t)in->S, T = (size_t)in->T, longest = S > T ? S : T;
    int layers, heads;
    rolling r = {.in = in, .k = heed_kernels_get(), .x = scores, .longest = (int64_t)longest,
                 .recurrent = heed_probe_model(in->probe)->recipe.model.decoder.type == HEED_DECODER_rnn};
    (void)note;
    heed_probe_heads(in->probe, HEED_SITE_ENCODER, &layers, &heads);
    r.from = layers ? calloc(S * S, sizeof *r.from) : NULL;
    r.next = layers ? malloc(S * S * sizeof *r.next) : NULL;
    r.room = malloc(T * S * sizeof *r.room);
    r.one = malloc((1 + BLOCK) * longest * sizeof *r.one);
    r.mean = r.one ? r.one + longest : NULL;
    for (size_t s = 0; r.from && s < S; s++) r.from[s * S + s] = 1;
    memset(scores, 0, T * S * sizeof *scores);
    const bool room = (!layers || (r.from && r.next)) && r.room && r.one;
    heed_status status = room ? heed_lens_watch(in, roll, &r, err) : heed_fail(err, HEED_E_NOMEM, "out of memory for a lens");
    free(r.from);
    free(r.next);
    free(r.room);
    free(r.one);
    return status;
}
