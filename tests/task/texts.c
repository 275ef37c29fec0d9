#include "task/texts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "tensor/tape.h"

void encode(const heed_text *t, const char *text, heed_tokens *out) { assert_int_equal(heed_text_encode(t, text, strlen(text), out, NULL), HEED_OK); }

void texts_draw(texts *x, const heed_model *m, int64_t n, int64_t longest, uint64_t key)
{
    assert_true(n <= TEXTS_MOST && longest <= TEXTS_LONGEST);
    *x = (texts){.n = n};
    for (uint64_t b = 0; b < (uint64_t)n; b++) {
        const uint64_t one = heed_key(key, b), most = (uint64_t)longest + 1;
        const uint64_t from = heed_below(one, 0, most), to = b ? heed_below(one, 1, most) : (uint64_t)longest;
        for (uint64_t i = 0; i < from; i++) x->source[b][i] = "abcde qz"[heed_below(one, 10 + i, 8)];
        for (uint64_t i = 0; i < to; i++) {
            x->target[b][2 * i] = "ABCDEZ"[heed_below(one, 100 + i, 6)];
            x->target[b][2 * i + 1] = ' ';
        }
        encode(m->source, x->source[b], &x->from[b]);
        encode(m->target, x->target[b], &x->to[b]);
        x->record[b] = heed_key(77, b);
    }
}

void texts_free(texts *x)
{
    for (int64_t b = 0; b < x->n; b++) {
        heed_tokens_free(&x->from[b]);
        heed_tokens_free(&x->to[b]);
    }
}

heed_batch *texts_batch(const texts *x, int64_t first, int64_t n)
{
    int64_t line[TEXTS_MOST];
    for (int64_t i = 0; i < n; i++) line[i] = first + i;
    heed_batch *b = heed_batch_new(x->from + first, x->to + first, n, x->record + first, line, true, NULL);
    assert_non_null(b);
    return b;
}

heed_tape *new_tape(void)
{
    heed_tape *t = heed_tape_new(&(heed_tape_options){.record = false}, NULL);
    assert_non_null(t);
    return t;
}

heed_step step_thrice(heed_tape *t, const heed_model *m, const heed_batch *b, const int32_t *const ids[3], const int64_t *const order[2],
                      const int64_t rows[2])
{
    heed_state s = {0};
    heed_step step = {0};
    const heed_encoded memory = m->encoder_kind->forward(t, m->encoder, &b->source);
    m->decoder_kind->start(t, m->decoder, &memory, &s);
    for (int k = 0; k < 3; k++) {
        if (k && order) m->decoder_kind->select(t, m->decoder, &s, order[k - 1], rows[k - 1]);
        step = m->decoder_kind->step(t, m->decoder, &s, ids[k]);
    }
    return step;
}

void walk_init(walk *w, heed_tape *t, const heed_model *m, const heed_batch *b)
{
    *w = (walk){.t = t, .m = m, .i = -1};
    const heed_encoded memory = m->encoder_kind->forward(t, m->encoder, &b->source);
    m->decoder_kind->start(t, m->decoder, &memory, &w->s);
    assert_true(heed_forcing_lay(&w->lay, t, &b->target));
}

bool walk_on(walk *w, heed_step *step)
{
    int64_t rows[TEXTS_MOST];
    if (++w->i >= w->lay.T) return false;
    const int64_t alive = w->lay.alive[w->i];
    for (int64_t r = 0; r < alive; r++) rows[r] = r;
    if (alive < w->s.n) w->m->decoder_kind->select(w->t, w->m->decoder, &w->s, rows, alive);
    *step = w->m->decoder_kind->step(w->t, w->m->decoder, &w->s, w->lay.before + w->lay.first[w->i]);
    return true;
}

double widest(const heed_tensor *x)
{
    double most = 0;
    for (int64_t i = 0; i < x->rows * x->cols; i++) most = fmax(most, fabs((double)x->x[i]));
    return most;
}
