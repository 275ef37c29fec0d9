/* Reference of attend, for any score; and the case of the op, with a score that the library does not know:
 *   s = scale sum_i extra_i q_i tanh(k_i). */
#include "attention.h"

/* --- any score -------------------------------------------------------------------------------------------------------------------------- */

ref_sight ref_attend_look(const ref_attend *a, int64_t group, int64_t query)
{
    const int64_t owner = a->owner ? a->owner[group] : group, begin = a->keys.start[owner];
    ref_sight s = {.n = 0};
    for (int64_t j = begin; j < a->keys.start[owner + 1]; j++)
        if (ref_sees(a->align, a->position + query - a->queries.start[group], j - begin, a->window)) s.key[s.n++] = j;
    for (int64_t k = 0; k < s.n; k++) a->s[k] = a->score(a->subject, query, s.key[k]);
    s.lse = num_softmax(a->p, a->s, s.n);
    return s;
}

void ref_attend_forward(const ref_attend *a, num *out)
{
    for (int64_t b = 0; b < a->queries.B; b++)
        for (int64_t i = a->queries.start[b]; i < a->queries.start[b + 1]; i++) {
            const ref_sight s = ref_attend_look(a, b, i);
            for (int64_t c = 0; c < a->Dv; c++) {
                num sum = {0};
                for (int64_t k = 0; k < s.n; k++) num_gather(&sum, num_mul(a->p[k], a->v[s.key[k] * a->Dv + c]));
                out[i * a->Dv + c] = sum;
            }
        }
}

/* p is computed again, as exp(s - lse); then ds_j = p_j (dout . v_j - dout . out). */
static void query_back(const ref_attend *a, int64_t group, int64_t i, const num *out, const num *dout)
{
    const ref_sight s = ref_attend_look(a, group, i);
    const num delta = num_dot(dout, out, a->Dv);
    for (int64_t k = 0; k < s.n; k++) {
        const int64_t j = s.key[k];
        const num p = num_exp(num_sub(a->s[k], s.lse));
        for (int64_t c = 0; c < a->Dv; c++) num_gather(&a->dv[j * a->Dv + c], num_mul(p, dout[c]));
        a->score_back(a->subject, i, j, num_mul(p, num_sub(num_dot(dout, a->v + j * a->Dv, a->Dv), delta)));
    }
}

void ref_attend_backward(const ref_attend *a, const num *out, const num *dout)
{
    for (int64_t b = 0; b < a->queries.B; b++)
        for (int64_t i = a->queries.start[b]; i < a->queries.start[b + 1]; i++) query_back(a, b, i, out + i * a->Dv, dout + i * a->Dv);
}

/* --- the op: in 0: q, 1: k, 2: extra, 3: v unless the keys serve as values ----------------------------------------------------------------- */

enum { SCALE_HALVES = 3 };   /* scale 1.5 */

typedef struct looked { ref_attend ref; int64_t *owner; } looked;

static num odd_score(const void *subject, int64_t i, int64_t j)
{
    const problem *p = subject;
    const int64_t d = p->in[0].cols;
    num sum = {0};
    for (int64_t c = 0; c < d; c++)
        num_gather(&sum, num_mul(num_mul(p->in[2].x[c], p->in[0].x[i * d + c]), num_tanh(p->in[1].x[j * d + c])));
    return num_mul(num_exact(SCALE_HALVES / 2.0), sum);
}

static void odd_score_back(const void *subject, int64_t i, int64_t j, num ds)
{
    const problem *p = subject;
    const int64_t d = p->in[0].cols;
    const num f = num_mul(num_exact(SCALE_HALVES / 2.0), ds);
    for (int64_t c = 0; c < d; c++) {
        const num q = p->in[0].x[i * d + c], e = p->in[2].x[c], k = num_tanh(p->in[1].x[j * d + c]);
        num_gather(&p->in[0].g[i * d + c], num_mul(f, num_mul(e, k)));
        num_gather(&p->in[2].g[c], num_mul(f, num_mul(q, k)));
        num_gather(&p->in[1].g[j * d + c], num_mul(f, num_mul(num_mul(e, q), num_sub(num_exact(1), num_mul(k, k)))));
    }
}

static void attend_draw(problem *p)
{
    looked *own = p->own = grad_room(p, sizeof *own);
    const int64_t groups = grad_draw(p, 1, 4), sequences = grad_draw(p, 1, 4), D = grad_draw(p, 1, 9);
    const bool own_values = grad_draw(p, 0, 1);
    const heed_span queries = grad_draw_span(p, groups, 0, 5), keys = grad_draw_span(p, sequences, 0, 7);
    const int64_t Nq = queries.start[groups], Nk = keys.start[sequences];
    if (groups > sequences || grad_draw(p, 0, 1)) own->owner = grad_room(p, (size_t)groups * sizeof *own->owner);
    for (int64_t b = 0; own->owner && b < groups; b++) own->owner[b] = grad_draw(p, 0, sequences - 1);
    grad_in(p, BLOCK_INPUT, Nq, D, 1);
    grad_in(p, BLOCK_INPUT, Nk, D, 1);
    grad_in(p, grad_draw(p, 0, 1) ? BLOCK_WEIGHT : BLOCK_INPUT, 1, D, 1);
    if (own_values) grad_in(p, BLOCK_INPUT, Nk, grad_draw(p, 1, 11), 1);
    const block *v = &p->in[own_values ? 3 : 1];
    grad_out(p, Nq, v->cols);
    own->ref = (ref_attend){.queries = queries, .keys = keys, .owner = own->owner, .position = grad_draw(p, 0, 2), .window = grad_draw(p, 0, 3),
                            .align = (heed_align)grad_draw(p, 0, HEED_ALIGN_COUNT - 1), .score = odd_score, .score_back = odd_score_back, .subject = p,
                            .v = v->x, .dv = v->g, .Dv = v->cols, .s = grad_nums(p, 8), .p = grad_nums(p, 8)};
}

static void attend_forward(problem *p)
{
    const looked *own = p->own;
    ref_attend_forward(&own->ref, p->out->x);
}

static void attend_backward(problem *p)
{
    const looked *own = p->own;
    ref_attend_backward(&own->ref, p->out->x, p->out->g);
}

static void odd_pair(float *s, const float *q, const float *keys, int64_t n, int64_t d, const float *extra, float scale)
{
    for (int64_t j = 0; j < n; j++) {
        float sum = 0;
        for (int64_t c = 0; c < d; c++) sum += extra[c] * q[c] * tanhf(keys[j * d + c]);
        s[j] = scale * sum;
    }
}

static void odd_pair_back(const float *ds, const float *q, const float *keys, int64_t n, int64_t d, const float *extra, float scale, float *dq, float *dkeys,
                          float *dextra)
{
    for (int64_t i = 0; i < n * d; i++) {
        const int64_t c = i % d;
        const float f = scale * ds[i / d], k = tanhf(keys[i]);
        dq[c] += f * (extra[c] * k);
        dextra[c] += f * (q[c] * k);
        dkeys[i] += f * (extra[c] * q[c] * (1 - k * k));
    }
}

static void attend_run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out)
{
    static const heed_pair_score odd = {odd_pair, odd_pair_back};
    const looked *own = p->own;
    const ref_attend *r = &own->ref;
    out[0] = heed_attend(t, &(heed_attend_args){.q = in[0], .k = in[1], .v = in[p->inputs == 4 ? 3 : 1], .extra = in[2], .queries = r->queries,
                                                .keys = r->keys, .owner = r->owner, .position = r->position, .align = r->align, .window = r->window,
                                                .score = &odd, .scale = SCALE_HALVES / 2.0F}).out;
}

const grad_case case_attend = {"attend", "attend", attend_draw, attend_forward, attend_backward, attend_run, NULL, NULL};
