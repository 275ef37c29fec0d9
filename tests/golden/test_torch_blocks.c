/* A Transformer's block against PyTorch's layers: tests/golden/torch/blocks.jsonl, made by make_torch.py.
 *
 * Three columns as in test_torch.c: PyTorch in double; the block written out naively, in double, with the error that float may add (tests/grad/num.h); the block.
 * The first two agree as doubles do, the third lies within the bound around PyTorch's number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "attn/block.h"
#include "attn/score.h"
#include "grad/num.h"
#include "tensor/tape.h"

enum { MOST = 64, MOST_VALUES = 512, SEQUENCES = 3 };   /* columns of a row; values of what is passed through; of each case */

typedef struct matrix { num x[MOST_VALUES]; int64_t rows, cols; } matrix;

typedef struct fixture {
    const json_t *line;
    int64_t heads, width, inner, rows[SEQUENCES + 1], read[SEQUENCES + 1];
    bool decoder, pre, gelu;
    matrix x, memory;
} fixture;

static const json_t *weight(const fixture *f, const char *name)
{
    const json_t *list = json_object_get(json_object_get(f->line, "weights"), name);
    if (!list) fail_msg("no weight %s", name);
    return list;
}

static double number(const json_t *list, int64_t i) { return json_number_value(json_array_get(list, (size_t)i)); }

static void read_matrix(matrix *m, const json_t *list, int64_t cols)
{
    m->cols = cols;
    m->rows = (int64_t)json_array_size(list) / cols;
    assert_true(m->rows > 0 && m->rows * cols <= MOST_VALUES);
    for (int64_t i = 0; i < m->rows * cols; i++) m->x[i] = num_exact(number(list, i));
}

static int64_t whole(const json_t *line, const char *key) { return json_integer_value(json_object_get(line, key)); }

static void read_fixture(fixture *f, const json_t *line)
{
    *f = (fixture){.line = line, .heads = whole(line, "heads"), .width = whole(line, "width"), .inner = whole(line, "inner")};
    f->decoder = json_is_true(json_object_get(line, "decoder"));
    f->pre = json_is_true(json_object_get(line, "pre"));
    f->gelu = json_is_true(json_object_get(line, "gelu"));
    for (size_t b = 0; b <= SEQUENCES; b++) {
        f->rows[b] = json_integer_value(json_array_get(json_object_get(line, "rows"), b));
        f->read[b] = json_integer_value(json_array_get(json_object_get(line, "read"), b));
    }
    read_matrix(&f->x, json_object_get(line, "x"), f->width);
    read_matrix(&f->memory, json_object_get(line, "memory"), f->width);
}

/* --- written out --------------------------------------------------------------------------------------------------------------------------- */

static matrix linear(const fixture *f, const matrix *x, const char *name, int64_t out, bool bias)
{
    char full[64];
    snprintf(full, sizeof full, "%s.weight", name);
    const json_t *w = weight(f, full);
    matrix y = {.rows = x->rows, .cols = out};
    num row[MOST];
    snprintf(full, sizeof full, "%s.bias", name);
    for (int64_t o = 0; o < out; o++) {
        for (int64_t c = 0; c < x->cols; c++) row[c] = num_exact(number(w, o * x->cols + c));
        for (int64_t r = 0; r < x->rows; r++) {
            const num product = num_dot(x->x + r * x->cols, row, x->cols);
            y.x[r * out + o] = bias ? num_add(product, num_exact(number(weight(f, full), o))) : product;
        }
    }
    return y;
}

static matrix norm(const fixture *f, const matrix *x, const char *name)
{
    char full[64];
    matrix y = *x;
    for (int64_t r = 0; r < x->rows; r++) {
        num *u = y.x + r * x->cols, sum = {0};
        for (int64_t c = 0; c < x->cols; c++) num_gather(&sum, u[c]);
        const num mean = num_div(sum, num_exact((double)x->cols));
        for (int64_t c = 0; c < x->cols; c++) u[c] = num_sub(u[c], mean);
        const num variance = num_add(num_div(num_dot(u, u, x->cols), num_exact((double)x->cols)), num_rounded(1e-5, 0, 1));
        const num inverse = num_div(num_exact(1), num_sqrt(variance));
        for (int64_t c = 0; c < x->cols; c++) {
            snprintf(full, sizeof full, "%s.norm.gain", name);
            u[c] = num_mul(num_mul(u[c], inverse), num_exact(number(weight(f, full), c)));
            snprintf(full, sizeof full, "%s.norm.bias", name);
            u[c] = num_add(u[c], num_exact(number(weight(f, full), c)));
        }
    }
    return y;
}

static matrix added(const matrix *a, const matrix *b)
{
    matrix y = *a;
    for (int64_t i = 0; i < a->rows * a->cols; i++) y.x[i] = num_add(a->x[i], b->x[i]);
    return y;
}

/* One head of row i, which stands at `place` of its sequence: keys first .. first+n-1. */
static void look(num *out, const num *q, const matrix *k, const matrix *v, int64_t first, int64_t n, int64_t from, int64_t d)
{
    num s[MOST], p[MOST];
    const num scale = num_rounded(1 / sqrt((double)d), 0, 1);
    for (int64_t j = 0; j < n; j++) s[j] = num_mul(num_dot(q, k->x + (first + j) * k->cols + from, d), scale);
    num_softmax(p, s, n);
    for (int64_t c = 0; c < d; c++) {
        num sum = {0};
        for (int64_t j = 0; j < n; j++) num_gather(&sum, num_mul(p[j], v->x[(first + j) * v->cols + from + c]));
        out[c] = sum;
    }
}

static matrix attention(const fixture *f, const matrix *x, const matrix *memory, const int64_t *start, bool causal, const char *name)
{
    char part[64];
    const int64_t d = f->width / f->heads;
    snprintf(part, sizeof part, "%s.query", name);
    const matrix q = linear(f, x, part, f->width, false);
    snprintf(part, sizeof part, "%s.key", name);
    const matrix k = linear(f, memory, part, f->width, false);
    snprintf(part, sizeof part, "%s.value", name);
    const matrix v = linear(f, memory, part, f->width, false);
    matrix y = q;
    for (int b = 0; b < SEQUENCES; b++)
        for (int64_t i = f->rows[b]; i < f->rows[b + 1]; i++)
            for (int64_t h = 0; h < f->heads; h++)
                look(y.x + i * f->width + h * d, q.x + i * f->width + h * d, &k, &v, start[b], causal ? i - f->rows[b] + 1 : start[b + 1] - start[b], h * d, d);
    snprintf(part, sizeof part, "%s.out", name);
    return linear(f, &y, part, f->width, true);
}

/* relu passes an error on as it is, gelu by its steepest slope, 1.13; the kernel errs by 2.4 roundings of 1 and one of the result (tests/isa). */
static matrix feed_forward(const fixture *f, const matrix *x)
{
    matrix y = linear(f, x, "ffn.inner", f->inner, true);
    for (int64_t i = 0; i < y.rows * y.cols; i++) {
        const double v = y.x[i].v, e = num_error(y.x[i]);
        y.x[i] = f->gelu ? num_rounded(v * 0.5 * erfc(-v * sqrt(0.5)), 1.13 * e + 2.4 * NUM_U, 1) : num_rounded(fmax(v, 0), e, 0);
    }
    return linear(f, &y, "ffn.outer", f->width, true);
}

static matrix sublayer(const fixture *f, const matrix *x, const char *name)
{
    const matrix in = f->pre ? norm(f, x, name) : *x;
    const matrix y = !strcmp(name, "self")    ? attention(f, &in, &in, f->rows, f->decoder, name)
                     : !strcmp(name, "cross") ? attention(f, &in, &f->memory, f->read, false, name)
                                              : feed_forward(f, &in);
    const matrix out = added(x, &y);
    return f->pre ? out : norm(f, &out, name);
}

static matrix written_out(const fixture *f)
{
    matrix x = sublayer(f, &f->x, "self");
    if (f->decoder) x = sublayer(f, &x, "cross");
    return sublayer(f, &x, "ffn");
}

/* --- ours ------------------------------------------------------------------------------------------------------------------------------------ */

static void set_weights(const fixture *f, heed_params *p)
{
    assert_int_equal(heed_params_count(p), json_object_size(json_object_get(f->line, "weights")));
    for (int64_t i = 0; i < heed_params_count(p); i++) {
        const heed_weight *w = heed_params_at(p, i);
        const json_t *list = weight(f, w->name + strlen("block.0."));
        assert_int_equal(w->tensor.rows * w->tensor.cols, json_array_size(list));
        for (int64_t j = 0; j < w->tensor.rows * w->tensor.cols; j++) w->tensor.x[j] = (float)number(list, j);
    }
    heed_params_touch(p);
}

static heed_tensor *input(heed_tape *t, const matrix *m)
{
    float values[MOST_VALUES];
    for (int64_t i = 0; i < m->rows * m->cols; i++) values[i] = (float)m->x[i].v;
    return heed_input(t, m->rows, m->cols, values, false);
}

static heed_tensor *run_block(const fixture *f, heed_tape *t, heed_params *p)
{
    static heed_block b;
    heed_error err;
    const heed_score *scaled = heed_score_at(0);
    for (int i = 0; strcmp(scaled->name, "scaled"); i++) scaled = heed_score_at(i);
    heed_attn_settings attention = {.score = scaled, .heads = f->heads, .query_width = f->width, .memory_width = f->width, .projected = true};
    const heed_attn_settings cross = attention;
    if (f->decoder) attention.align = HEED_ALIGN_causal;
    const heed_block_settings settings = {.self = attention, .cross = f->decoder ? &cross : NULL, .width = f->width, .inner = f->inner, .pre = f->pre,
                                          .activation = f->gelu ? HEED_GELU : HEED_RELU};
    if (heed_block_init(&b, p, "block", 0, &settings, &err) != HEED_OK) fail_msg("%s", err.text);
    assert_int_equal(heed_params_finish(p, NULL), HEED_OK);
    set_weights(f, p);
    assert_int_equal(heed_params_pack(p, false, 1, NULL), HEED_OK);
    heed_memory memory = {.span = {f->read, SEQUENCES}};
    if (f->decoder) memory = heed_attn_memory(t, &b.cross, input(t, &f->memory), NULL, memory.span, 0);
    heed_attended looked;
    return heed_block_forward(t, &b, input(t, &f->x), &(heed_passage){.span = {f->rows, SEQUENCES}}, &memory, &looked);
}

/* --- the comparison ---------------------------------------------------------------------------------------------------------------------------- */

/* Two doubles of the same formula, some hundred operations deep, differ by less than 2^-20 of the bound that they would meet in float. */
static void a_block_agrees(void **state)
{
    fixture *f = malloc(sizeof *f);
    read_fixture(f, *state);
    heed_params *p = heed_params_new(NULL);
    heed_tape *t = heed_tape_new(&(heed_tape_options){.record = false}, NULL);
    const matrix reference = written_out(f);
    const heed_tensor *ours = run_block(f, t, p);
    const json_t *theirs = json_object_get(f->line, "out");
    assert_int_equal(heed_tape_status(t, NULL), HEED_OK);
    assert_int_equal(ours->rows * ours->cols, json_array_size(theirs));
    double bounds = 0, sizes = 0;
    for (int64_t i = 0; i < ours->rows * ours->cols; i++) {
        const double torch = number(theirs, i), bound = num_error(reference.x[i]);
        if (!(fabs(reference.x[i].v - torch) <= 0x1p-20 * (bound + NUM_U * fabs(torch))))
            fail_msg("%lld: written out %.17g, PyTorch %.17g", (long long)i, reference.x[i].v, torch);
        if (!(fabs((double)ours->x[i] - torch) <= bound))
            fail_msg("%lld: %.9g, PyTorch %.9g, bound %.3g", (long long)i, (double)ours->x[i], torch, bound);
        bounds += bound;
        sizes += fabs(torch);
    }
    print_message("bounds: %.2g of the numbers\n", bounds / sizes);
    assert_true(bounds < 0.05 * sizes);   /* no mere formality */
    heed_tape_free(t);
    heed_params_free(p);
    free(f);
}

static char *read_line(FILE *f)
{
    static char buffer[1 << 18];
    return fgets(buffer, sizeof buffer, f);
}

int main(void)
{
    enum { CASES = 4 };
    static struct CMUnitTest tests[CASES];
    static char names[CASES][96], path[4096];
    json_t *lines[CASES] = {NULL};
    const char *source = getenv("HEED_SOURCE"), *text;
    snprintf(path, sizeof path, "%s/tests/golden/torch/blocks.jsonl", source ? source : ".");
    FILE *f = fopen(path, "rb");
    size_t count = 0;
    while (f && count < CASES && (text = read_line(f)) && (lines[count] = json_loads(text, 0, NULL))) {
        snprintf(names[count], sizeof names[count], "test_torch_blocks__%s", json_string_value(json_object_get(lines[count], "name")));
        tests[count] = (struct CMUnitTest){names[count], a_block_agrees, NULL, NULL, lines[count]};
        count++;
    }
    if (f) fclose(f);
    if (count < CASES) fprintf(stderr, "%s: %zu of %d cases can be read\n", path, count, CASES);
    const int failed = count == CASES ? _cmocka_run_group_tests("torch blocks", tests, count, NULL, NULL) : 1;
    for (size_t i = 0; i < count; i++) json_decref(lines[i]);
    return failed;
}
