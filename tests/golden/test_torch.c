/* Against PyTorch: tests/golden/torch/, made by make_torch.py.
 *
 * Three columns stand side by side: PyTorch in double, our naive reference in double (tests/grad), the op in float. The first two must agree as
 * doubles do; the third must lie within the error bound that the reference derives (tests/grad/num.h), around PyTorch's number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "grad/attention.h"
#include "grad/lay.h"
#include "kernels/kernels.h"

enum { MOST_TESTS = 100 };

/* --- reading ------------------------------------------------------------------------------------------------------------------------------ */

static int64_t whole(const json_t *line, const char *key) { return json_integer_value(json_object_get(line, key)); }
static double real(const json_t *line, const char *key) { return json_number_value(json_object_get(line, key)); }
static const char *text(const json_t *line, const char *key) { return json_string_value(json_object_get(line, key)); }

static void read_ids(int32_t *ids, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) ids[i] = (int32_t)json_integer_value(json_array_get(list, i));
}

static heed_span read_span(problem *p, const json_t *list)
{
    int64_t *start = grad_room(p, json_array_size(list) * sizeof *start);
    for (size_t i = 0; i < json_array_size(list); i++) start[i] = json_integer_value(json_array_get(list, i));
    return (heed_span){start, (int64_t)json_array_size(list) - 1};
}

static json_t *numbers_of(const json_t *line, const char *key, int which, const block *b)
{
    json_t *list = json_array_get(json_object_get(line, key), (size_t)which);
    assert_int_equal((int64_t)json_array_size(list), b->rows * b->cols);
    return list;
}

static json_t *read_line(FILE *f)
{
    static char buffer[1 << 18];
    return fgets(buffer, sizeof buffer, f) ? json_loads(buffer, 0, NULL) : NULL;
}

static json_t *read_file(const char *name)
{
    const char *source = getenv("HEED_SOURCE");
    char path[4096];
    snprintf(path, sizeof path, "%s/tests/golden/torch/%s", source ? source : ".", name);
    FILE *f = fopen(path, "rb");
    json_t *lines = json_array(), *line;
    while (f && (line = read_line(f))) json_array_append_new(lines, line);
    if (f) fclose(f);
    else fprintf(stderr, "%s cannot be read\n", path);
    return lines;
}

/* --- ops --------------------------------------------------------------------------------------------------------------------------------- */

static void set_values(problem *p, const json_t *line)
{
    assert_int_equal(json_array_size(json_object_get(line, "inputs")), p->inputs);
    assert_int_equal(json_array_size(json_object_get(line, "seeds")), p->outputs);
    for (int k = 0; k < p->inputs; k++)
        for (int64_t i = 0; i < p->in[k].rows * p->in[k].cols; i++)
            p->in[k].x[i] = num_exact(json_number_value(json_array_get(numbers_of(line, "inputs", k, &p->in[k]), (size_t)i)));
    for (int k = 0; k < p->outputs; k++)
        for (int64_t i = 0; i < p->out[k].rows * p->out[k].cols; i++)
            p->out[k].g[i] = num_exact(json_number_value(json_array_get(numbers_of(line, "seeds", k, &p->out[k]), (size_t)i)));
}

static void lay_plain(problem *p, const json_t *line)
{
    const char *name = p->c->name;
    if (!strcmp(name, "tanh")) grad_lay_tanh(p, whole(line, "rows"), whole(line, "cols"));
    if (!strcmp(name, "linear")) grad_lay_linear(p, whole(line, "rows"), whole(line, "wide"), whole(line, "out"), json_is_true(json_object_get(line, "bias")));
    if (!strcmp(name, "rnn"))
        grad_lay_rnn(p, strcmp(text(line, "cell"), "gru") ? HEED_LSTM : HEED_GRU, json_is_true(json_object_get(line, "reverse")), true, whole(line, "H"),
                     read_span(p, json_object_get(line, "start")));
    if (!strcmp(name, "embed")) {
        const json_t *ids = json_object_get(line, "ids");
        read_ids(grad_lay_embed(p, whole(line, "V"), whole(line, "D"), (int64_t)json_array_size(ids)), ids);
    }
    if (!strcmp(name, "activate"))
        grad_lay_activate(p, strcmp(text(line, "function"), "relu") ? HEED_GELU : HEED_RELU, whole(line, "rows"), whole(line, "cols"));
    if (!strcmp(name, "glu")) grad_lay_glu(p, whole(line, "rows"), whole(line, "D"));
    if (!strcmp(name, "norm")) grad_lay_norm(p, whole(line, "rows"), whole(line, "D"));
    if (!strcmp(name, "output_loss")) {
        const json_t *targets = json_object_get(line, "targets");
        const int64_t N = (int64_t)json_array_size(targets);
        read_ids(grad_lay_output_loss(p, N, whole(line, "D"), whole(line, "V"), real(line, "smoothing"), real(line, "weight"), false), targets);
    }
}

static void lay(problem *p, const void *from)
{
    const json_t *line = from;
    if (!strcmp(text(line, "case"), "attention"))
        grad_lay_attention(p, read_span(p, json_object_get(line, "queries")), read_span(p, json_object_get(line, "keys")), whole(line, "window"),
                           whole(line, "Dq"), whole(line, "Dm"), whole(line, "D"));
    else lay_plain(p, line);
    set_values(p, line);
}

static const grad_case *case_of(const json_t *line)
{
    const grad_case *c = NULL;
    const attention_case *attends;
    for (int i = 0; (c = grad_case_at(i)); i++)
        if (!strcmp(c->name, text(line, "case"))) return c;
    for (int i = 0; (attends = attention_case_at(i)); i++)
        if (!strcmp(attends->name, text(line, "name"))) return &attends->c;
    fail_msg("no case for %s", text(line, "name"));
    return NULL;
}

/* The reference's value makes place for PyTorch's; its bound stays. Two doubles of the same formula, some hundred operations deep, differ by
 * less than a millionth of a float's last place: 2^-24 * 2^-20, or 2^-20 of the bound that they would meet in float. */
static void take_over(num *ours, const json_t *list, int64_t n, const char *what)
{
    for (int64_t i = 0; i < n; i++) {
        const json_t *theirs = json_array_get(list, (size_t)i);
        if (json_is_null(theirs)) continue;
        const double value = json_number_value(theirs), bound = 0x1p-20 * (num_error(ours[i]) + NUM_U * fabs(value));
        if (!(fabs(ours[i].v - value) <= bound)) fail_msg("%s %lld: the reference says %.17g, PyTorch %.17g", what, (long long)i, ours[i].v, value);
        ours[i].v = value;
    }
}

static void an_op_agrees(void **state)
{
    const json_t *line = *state;
    grad_report r = {0};
    problem *p = grad_problem_given(case_of(line), lay, line);
    for (int k = 0; k < p->outputs; k++) take_over(p->out[k].x, numbers_of(line, "results", k, &p->out[k]), p->out[k].rows * p->out[k].cols, "result");
    for (int k = 0; k < p->inputs; k++) take_over(p->in[k].g, numbers_of(line, "gradients", k, &p->in[k]), p->in[k].rows * p->in[k].cols, "gradient");
    grad_check_forward(p, &r);
    grad_check_backward(p, &r);
    grad_problem_free(p);
    if (r.wrong) fail_msg("%lld of %lld numbers are wrong; the first: %s", (long long)r.wrong, (long long)r.checked, r.text);
    assert_true(r.checked > 0);
}

/* --- optimizers --------------------------------------------------------------------------------------------------------------------------------- */

enum { SIZE = 21 };

typedef struct weights { num w[SIZE], m[SIZE], v[SIZE]; float fw[SIZE], fm[SIZE], fv[SIZE]; } weights;

static num setting(const json_t *line, const char *key) { return num_rounded(real(line, key), 0, 1); }

/* Kingma and Ba 2015, algorithm 1; decay into the gradient, or apart from it (Loshchilov and Hutter 2019, algorithm 2). */
static void adam_reference(weights *s, const json_t *line, const num *g, int t, bool apart)
{
    const num one = num_exact(1), beta1 = setting(line, "beta1"), beta2 = setting(line, "beta2"), rate = setting(line, "rate"), decay = setting(line, "decay");
    const num bias1 = num_rounded(1 - pow(real(line, "beta1"), t), 0, 1), bias2 = num_rounded(1 - pow(real(line, "beta2"), t), 0, 1);
    for (int i = 0; i < SIZE; i++) {
        num d = num_mul(setting(line, "clip"), g[i]), old = s->w[i];
        if (!apart) d = num_add(d, num_mul(decay, old));
        s->m[i] = num_add(num_mul(beta1, s->m[i]), num_mul(num_sub(one, beta1), d));
        s->v[i] = num_add(num_mul(beta2, s->v[i]), num_mul(num_sub(one, beta2), num_mul(d, d)));
        const num root = num_mul(num_sqrt(s->v[i]), num_div(one, num_sqrt(bias2)));
        const num step = num_div(num_mul(num_div(rate, bias1), s->m[i]), num_add(root, setting(line, "eps")));
        if (apart) old = num_sub(old, num_mul(num_mul(rate, decay), old));
        s->w[i] = num_sub(old, step);
    }
}

static void sgd_reference(weights *s, const json_t *line, const num *g)
{
    for (int i = 0; i < SIZE; i++) {
        const num d = num_add(num_mul(setting(line, "clip"), g[i]), num_mul(setting(line, "decay"), s->w[i]));
        s->m[i] = num_add(num_mul(setting(line, "momentum"), s->m[i]), d);
        s->w[i] = num_sub(s->w[i], num_mul(setting(line, "rate"), s->m[i]));
    }
}

static void one_update(weights *s, const json_t *line, const num *g, int t)
{
    const heed_kernels *k = heed_kernels_get();
    const char *name = text(line, "name");
    float fg[SIZE];
    for (int i = 0; i < SIZE; i++) fg[i] = (float)g[i].v;
    if (!strcmp(name, "sgd")) {
        sgd_reference(s, line, g);
        k->sgd(s->fw, s->fm, fg, SIZE, (float)real(line, "rate"), (float)real(line, "momentum"), (float)real(line, "decay"), (float)real(line, "clip"));
        return;
    }
    const bool apart = !strcmp(name, "adamw");
    adam_reference(s, line, g, t, apart);
    const heed_adam a = {.rate = (float)real(line, "rate"), .beta1 = (float)real(line, "beta1"), .beta2 = (float)real(line, "beta2"),
                         .eps = (float)real(line, "eps"), .decay = (float)real(line, "decay"), .clip = (float)real(line, "clip"),
                         .bias1 = (float)(1 - pow(real(line, "beta1"), t)), .bias2 = (float)(1 - pow(real(line, "beta2"), t)), .decoupled = apart};
    k->adam(s->fw, s->fm, s->fv, fg, SIZE, &a);
}

static void an_optimizer_agrees(void **state)
{
    const json_t *line = *state, *gradients = json_object_get(line, "gradients");
    weights s = {0};
    num g[SIZE] = {{0}};
    for (int i = 0; i < SIZE; i++) {
        s.w[i] = num_exact(json_number_value(json_array_get(json_object_get(line, "start"), (size_t)i)));
        s.fw[i] = (float)s.w[i].v;
    }
    assert_true(json_array_size(gradients) > 0);
    for (size_t t = 0; t < json_array_size(gradients); t++) {
        for (size_t i = 0; i < SIZE; i++) g[i] = num_exact(json_number_value(json_array_get(json_array_get(gradients, t), i)));
        one_update(&s, line, g, (int)t + 1);
        take_over(s.w, json_array_get(json_object_get(line, "weights"), t), SIZE, "weight");
        for (int i = 0; i < SIZE; i++)
            if (!(fabs(s.fw[i] - s.w[i].v) <= num_error(s.w[i])))
                fail_msg("weight %d after update %zu: %.9g, PyTorch %.9g, bound %.3g", i, t + 1, (double)s.fw[i], s.w[i].v, num_error(s.w[i]));
    }
}

/* --- the list --------------------------------------------------------------------------------------------------------------------------------------- */

static struct CMUnitTest tests[MOST_TESTS];
static char names[MOST_TESTS][96];
static size_t count;

static void append(const json_t *lines, CMUnitTestFunction f)
{
    for (size_t i = 0; i < json_array_size(lines) && count < MOST_TESTS; i++, count++) {
        json_t *line = json_array_get(lines, i);
        snprintf(names[count], sizeof names[count], "test_torch__%s %zu", text(line, "name"), i);
        tests[count] = (struct CMUnitTest){names[count], f, NULL, NULL, line};
    }
}

int main(void)
{
    json_t *ops = read_file("ops.jsonl"), *optimizers = read_file("optimizers.jsonl");
    append(ops, an_op_agrees);
    append(optimizers, an_optimizer_agrees);
    const int failed = json_array_size(ops) && json_array_size(optimizers) ? _cmocka_run_group_tests("torch", tests, count, NULL, NULL) : 1;
    json_decref(ops);
    json_decref(optimizers);
    return failed;
}
