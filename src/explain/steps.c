/* The three steps of attention as numbers, symbol by symbol: scores, weights, weighted sum; then what the head reads. */
#include "explain/explain.h"

#include "explain/label.h"

#include <math.h>

enum { SHOWN = 8, BAR = 24, LONGEST_LABEL = 16 };

static void add_aligned(heed_buf *out, double value, int width, int decimals)
{
    heed_buf number = {0};
    heed_number_fixed(&number, value, decimals);
    heed_buf_printf(out, "%*s", width, number.data ? number.data : "");
    out->failed |= number.failed;
    heed_buf_free(&number);
}

/* Eighths of a block, so that small weights show too. */
static void add_bar(heed_buf *out, double weight)
{
    static const char *const parts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    int eighths = (int)lround(fmin(fmax(weight, 0), 1) * BAR * 8);
    for (int i = 0; i < eighths / 8; i++)
        heed_buf_text(out, "█");
    heed_buf_text(out, parts[eighths % 8]);
}

static void add_vector(heed_buf *out, const char *name, const float *v, int64_t n)
{
    double square = 0;
    heed_buf_printf(out, "  %-14s [%lld] ", name, (long long)n);
    for (int64_t i = 0; i < n; i++) {
        square += (double)v[i] * v[i];
        if (i < SHOWN)
            add_aligned(out, v[i], 9, 4);
    }
    heed_buf_text(out, n > SHOWN ? " ...  norm " : "  norm ");
    heed_number_fixed(out, sqrt(square), 4);
    heed_buf_char(out, '\n');
}

static int label_width(const heed_output *o)
{
    int most = 6;
    for (int64_t i = 0; i < o->source_count; i++) {
        int width = heed_label_width(heed_label_symbol(o->source_tokens, i));
        most = width > most ? width : most;
    }
    return most > LONGEST_LABEL ? LONGEST_LABEL : most;
}

static void add_keys(heed_buf *out, const heed_output *o, const heed_step_view *s, int label)
{
    double sum = 0;
    heed_buf_text(out, "  ");
    heed_label_fit(out, "read", label + 6);
    if (s->scores)
        heed_buf_printf(out, "  scores [%lld]", (long long)s->Tk);
    heed_buf_printf(out, "  weights [%lld]\n", (long long)s->Tk);
    for (int64_t j = 0; j < s->Tk; j++) {
        heed_buf_printf(out, "  %4lld  ", (long long)j);
        heed_label_fit(out, heed_label_symbol(o->source_tokens, j), label);
        if (s->scores && isinf(s->scores[j]))
            heed_buf_printf(out, "%12s", "hidden");
        else if (s->scores)
            add_aligned(out, s->scores[j], 12, 4);
        add_aligned(out, s->weights[j], 13, 4);
        heed_buf_text(out, "  ");
        add_bar(out, s->weights[j]);
        heed_buf_char(out, '\n');
        sum += s->weights[j];
    }
    heed_buf_printf(out, "  %-*s", label + (s->scores ? 18 : 6), "sum");
    add_aligned(out, sum, 13, 4);
    heed_buf_char(out, '\n');
}

static void add_step(heed_buf *out, const heed_output *o, const heed_step_view *s, int64_t i, int64_t count, int label)
{
    heed_buf_printf(out, "\nstep %lld of %lld writes ", (long long)i + 1, (long long)count);
    heed_label_plain(out, i < o->count ? heed_label_symbol(o->tokens, i) : s->symbol);
    heed_buf_text(out, "   ln p ");
    heed_number_fixed(out, s->logp, 4);
    heed_buf_text(out, "   p ");
    heed_number_fixed(out, exp(s->logp), 4);
    heed_buf_char(out, '\n');
    if (s->weights)
        add_keys(out, o, s, label);
    if (s->context)
        add_vector(out, s->scores ? "weighted sum" : "context", s->context, s->Dv);
    if (s->joined)
        add_vector(out, "joined", s->joined, s->F);
}

heed_status heed_explain_steps(const heed_output *o, const heed_step_view *steps, int64_t count, heed_buf *out)
{
    heed_buf_text(out, "read    ");
    heed_label_plain(out, o->source);
    heed_buf_text(out, "\nwrote   ");
    heed_label_plain(out, o->text);
    heed_buf_printf(out, "\nshapes  %lld symbols read, %lld written\n\n", (long long)o->source_count, (long long)count);
    heed_label_look(out, o, count && steps[0].weights && !steps[0].scores ? "; --head shows scores and weighted sum of one\n" : "\n");
    if (count && steps[0].weights)
        heed_buf_text(out, "1. scores: the query against each key   2. weights: their softmax   3. weighted sum of the values = context\n"
                           "joined: the context with the decoder's state, as the output layer reads it\n");
    else if (count)
        heed_buf_text(out, "no attention: each step reads the source from one fixed vector; joined is what the output layer reads\n");
    int label = label_width(o);
    for (int64_t i = 0; i < count; i++)
        add_step(out, o, &steps[i], i, count, label);
    return out->failed ? HEED_E_NOMEM : HEED_OK;
}
