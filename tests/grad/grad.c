/* The gradient harness: grad.h. */
#include "grad.h"

#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "tensor/tape.h"

#define HEED_OP(name, family, shapes, forward, backward) extern const grad_case case_##name;
#include "ops/ops.def"
#undef HEED_OP

const grad_case *grad_case_at(int i)
{
    static const grad_case *const table[] = {
#define HEED_OP(name, family, shapes, forward, backward) &case_##name,
#include "ops/ops.def"
#undef HEED_OP
    };
    return i < (int)(sizeof table / sizeof table[0]) ? table[i] : NULL;
}

/* --- drawing --------------------------------------------------------------------------------------------------------------------------- */

void *grad_room(problem *p, size_t bytes) { return heed_arena_zero(p->arena, bytes); }

num *grad_nums(problem *p, int64_t n) { return grad_room(p, (size_t)n * sizeof(num)); }

int64_t grad_draw(problem *p, int64_t least, int64_t most)
{
    return least + (int64_t)heed_below(p->key, p->drawn++, (uint64_t)(most - least + 1));
}

double grad_draw_normal(problem *p) { return heed_normal(p->key, p->drawn++); }

static block block_new(problem *p, block_role role, int64_t rows, int64_t cols)
{
    return (block){.rows = rows, .cols = cols, .role = role, .x = grad_nums(p, rows * cols), .g = grad_nums(p, rows * cols)};
}

block *grad_in(problem *p, block_role role, int64_t rows, int64_t cols, double spread)
{
    block *b = &p->in[p->inputs++];
    *b = block_new(p, role, rows, cols);
    for (int64_t i = 0; i < rows * cols; i++) b->x[i] = num_exact((float)(spread * grad_draw_normal(p)));
    return b;
}

block *grad_out(problem *p, int64_t rows, int64_t cols)
{
    block *b = &p->out[p->outputs++];
    *b = block_new(p, BLOCK_INPUT, rows, cols);
    for (int64_t i = 0; i < rows * cols; i++) b->g[i] = num_exact((float)grad_draw_normal(p));
    return b;
}

heed_span grad_draw_span(problem *p, int64_t B, int64_t least, int64_t most)
{
    int64_t *start = grad_room(p, (size_t)(B + 1) * sizeof *start);
    for (int64_t b = 0; b < B; b++) start[b + 1] = start[b] + grad_draw(p, least, most);
    return (heed_span){start, B};
}

/* --- solving by the reference ----------------------------------------------------------------------------------------------------------- */

void grad_decide(problem *p, int64_t what, bool open)
{
    p->decided = heed_key(p->decided, (uint64_t)what);
    p->open |= open;
}

static void forward(problem *p)
{
    p->decided = 0;
    p->open = false;
    for (int i = 0; i < p->outputs; i++) memset(p->out[i].x, 0, (size_t)(p->out[i].rows * p->out[i].cols) * sizeof(num));
    p->c->forward(p);
}

static problem *problem_of(const grad_case *c, uint64_t key)
{
    heed_arena *arena = heed_arena_new(0);
    problem *p = heed_arena_zero(arena, sizeof *p);
    p->c = c;
    p->arena = arena;
    p->key = heed_key_text(key, c->name);
    return p;
}

problem *grad_problem_new(const grad_case *c, uint64_t key)
{
    problem *p = problem_of(c, key);
    do {
        p->inputs = p->outputs = 0;
        c->draw(p);
        forward(p);
    } while (p->open);
    c->backward(p);
    return p;
}

problem *grad_problem_given(const grad_case *c, void (*lay)(problem *p, const void *from), const void *from)
{
    problem *p = problem_of(c, 0);
    lay(p, from);
    forward(p);
    c->backward(p);
    return p;
}

void grad_problem_free(problem *p) { heed_arena_free(p->arena); }

/* --- reports ---------------------------------------------------------------------------------------------------------------------------- */

void grad_expect(grad_report *r, bool right, const char *format, ...)
{
    r->checked++;
    if (right || r->wrong++) return;
    va_list list;
    va_start(list, format);
    vsnprintf(r->text, sizeof r->text, format, list);
    va_end(list);
}

static void compare(grad_report *r, const problem *p, const char *what, int which, const block *b, int64_t i, double found, double expected, double bound)
{
    const double error = fabs(found - expected);
    if (bound > 0) r->worst = fmax(r->worst, error / bound);
    r->bounds += bound;
    r->sizes += fabs(expected);
    grad_expect(r, error <= bound /* false for a NaN */, "%s: %s %d [%lld,%lld] at (%lld,%lld): %.9g, expected %.9g, error %.3g, bound %.3g (key %llx)",
                p->c->name, what, which, (long long)b->rows, (long long)b->cols, (long long)(i / b->cols), (long long)(i % b->cols), found, expected, error,
                bound, (unsigned long long)p->key);
}

/* Products of tiny factors underflow: what falls below the least normal float is lost, and no more than a few are added. */
static void compare_floats(grad_report *r, const problem *p, const char *what, int which, const block *b, const num *expected, const float *found)
{
    for (int64_t i = 0; i < b->rows * b->cols; i++)
        compare(r, p, what, which, b, i, found ? found[i] : 0, expected[i].v, num_error(expected[i]) + 64 * (double)FLT_MIN);
}

/* --- the reference against itself ------------------------------------------------------------------------------------------------------- */

static const double step = 0x1p-11;

static double loss_at(problem *p, num *x, double at, bool *kink)
{
    const uint64_t decided = p->decided;
    double loss = 0;
    x->v = at;
    forward(p);
    *kink |= p->decided != decided;
    for (int o = 0; o < p->outputs; o++)
        for (int64_t i = 0; i < p->out[o].rows * p->out[o].cols; i++) loss += p->out[o].x[i].v * p->out[o].g[i].v;
    return loss;
}

/* Central differences of the sixth order: (45 (f1 - f-1) - 9 (f2 - f-2) + (f3 - f-3)) / 60 h, which err by h^6 f'/140: far below 1e-6 f'
 * with this h, and so large a step loses little of double's digits. */
static double slope(problem *p, num *x, bool *kink)
{
    static const double factor[] = {45, -9, 1};
    const double at = x->v;
    double sum = 0;
    for (int k = 1; k <= 3; k++) sum += factor[k - 1] * (loss_at(p, x, at + k * step, kink) - loss_at(p, x, at - k * step, kink));
    loss_at(p, x, at, kink);
    return sum / (60 * step);
}

/* What rounding to double brings into slope(): each f errs by 2^-53 of its terms, some operations deep, and 2 (45 + 9 + 1) / 60 of it count. */
static double lost_digits(const problem *p)
{
    double terms = 0;
    for (int o = 0; o < p->outputs; o++)
        for (int64_t i = 0; i < p->out[o].rows * p->out[o].cols; i++) terms += fabs(p->out[o].x[i].v * p->out[o].g[i].v);
    return 0x1p-50 * terms / step;
}

/* An element is held to 1e-6 of itself, or of a hundredth of the largest in its block. */
void grad_check_slope(problem *p, grad_report *r)
{
    const double lost = lost_digits(p);
    for (int k = 0; k < p->inputs; k++) {
        block *b = &p->in[k];
        double largest = 0;
        for (int64_t i = 0; i < b->rows * b->cols; i++) largest = fmax(largest, fabs(b->g[i].v));
        const int64_t size = b->rows * b->cols, stride = p->most_slopes && size > p->most_slopes ? size / p->most_slopes : 1;
        for (int64_t i = stride > 1 ? (int64_t)heed_below(p->key, p->drawn++, (uint64_t)stride) : 0; i < size; i += stride) {
            bool kink = false;
            const double found = slope(p, &b->x[i], &kink);
            r->kinks += kink;
            if (kink) continue;
            const double scale = fmax(fmax(fabs(found), fabs(b->g[i].v)), 0.01 * largest);
            compare(r, p, "slope of input", k, b, i, found, b->g[i].v, 1e-6 * scale + lost);
        }
    }
}

/* --- the op against the reference ------------------------------------------------------------------------------------------------------- */

typedef struct functional { int count; heed_tensor *y[GRAD_OUTPUTS]; float *c[GRAD_OUTPUTS]; } functional;

static void functional_back(heed_tape *t, heed_node *n)
{
    const functional *s = n->saved;
    for (int i = 0; i < s->count; i++) {
        float *dy = heed_tape_grad(t, s->y[i]);
        for (int64_t j = 0; dy && j < s->y[i]->rows * s->y[i]->cols; j++) dy[j] += s->c[i][j] * n->out->g[0];
    }
}

heed_tensor *grad_functional(heed_tape *t, heed_tensor *const *y, float *const *c, int count)
{
    heed_tensor *out = heed_tape_tensor(t, 1, 1);
    functional *s = heed_tape_alloc(t, sizeof *s);
    if (heed_tape_failed(t)) return out;
    double sum = 0;
    *s = (functional){.count = count};
    for (int i = 0; i < count; i++) {
        s->y[i] = y[i];
        s->c[i] = c[i];
        for (int64_t j = 0; j < y[i]->rows * y[i]->cols; j++) sum += (double)y[i]->x[j] * c[i][j];
    }
    out->x[0] = (float)sum;
    return heed_tape_node(t, "functional", out, functional_back, s);
}

static void declare_weights(problem *p)
{
    char name[32];
    for (int k = 0; k < p->inputs; k++) {
        block *b = &p->in[k];
        if (b->role == BLOCK_INPUT) continue;
        snprintf(name, sizeof name, "weight %d", k);
        b->weight = heed_params_add(p->params, name, b->rows == 1 ? 1 : 2, b->rows, b->cols, HEED_FILL_ZERO, 0);
        if (b->role == BLOCK_PRODUCT) heed_weight_product(b->weight);
    }
}

static heed_status make_params(problem *p, heed_error *err)
{
    p->params = heed_params_new(err);
    if (!p->params) return err->status;
    if (p->c->declare) p->c->declare(p);
    else declare_weights(p);
    heed_status status = heed_params_finish(p->params, err);
    for (int k = 0; k < p->inputs && status == HEED_OK; k++) {
        const block *b = &p->in[k];
        for (int64_t i = 0; b->role != BLOCK_INPUT && i < b->rows * b->cols; i++) b->weight->tensor.x[i] = (float)b->x[i].v;
    }
    heed_params_touch(p->params);
    return status == HEED_OK ? heed_params_pack(p->params, true, 1, err) : status;
}

static float *to_floats(problem *p, const num *x, int64_t n)
{
    float *y = grad_room(p, (size_t)n * sizeof *y);
    for (int64_t i = 0; i < n; i++) y[i] = (float)x[i].v;
    return y;
}

static void build(grad_scene *s)
{
    problem *p = s->p;
    for (int k = 0; k < p->inputs; k++) {
        const block *b = &p->in[k];
        s->in[k] = b->role == BLOCK_INPUT ? heed_input(s->t, b->rows, b->cols, to_floats(p, b->x, b->rows * b->cols), true) : &b->weight->tensor;
    }
    p->c->run(p, s->t, s->in, s->out);
}

static bool shapes_match(grad_scene *s)
{
    const problem *p = s->p;
    const int64_t wrong = s->r->wrong;
    for (int k = 0; k < p->outputs; k++)
        grad_expect(s->r, s->out[k]->rows == p->out[k].rows && s->out[k]->cols == p->out[k].cols, "%s: result %d is [%lld,%lld], expected [%lld,%lld]",
                    p->c->name, k, (long long)s->out[k]->rows, (long long)s->out[k]->cols, (long long)p->out[k].rows, (long long)p->out[k].cols);
    return s->r->wrong == wrong;
}

void grad_visit(problem *p, bool record, grad_report *r, void (*visit)(grad_scene *s))
{
    grad_scene s = {.p = p, .r = r, .err = {.status = HEED_OK}};
    s.t = heed_tape_new(&(heed_tape_options){.record = record, .train = true, .seed = p->key}, &s.err);
    if (s.t && make_params(p, &s.err) == HEED_OK) {
        build(&s);
        if (heed_tape_status(s.t, &s.err) == HEED_OK && shapes_match(&s)) visit(&s);
    }
    grad_expect(r, s.err.status == HEED_OK, "%s: %.250s", p->c->name, s.err.text);
    heed_tape_free(s.t);
    heed_params_free(p->params);
    p->params = NULL;
}

void grad_run_back(grad_scene *s)
{
    problem *p = s->p;
    float *c[GRAD_OUTPUTS];
    for (int k = 0; k < p->outputs; k++) c[k] = to_floats(p, p->out[k].g, p->out[k].rows * p->out[k].cols);
    heed_tensor *loss = grad_functional(s->t, s->out, c, p->outputs);
    if (heed_backward(s->t, loss, &s->err) == HEED_OK) heed_params_collect(p->params, &s->t, 1, 1, &s->err);
}

static void compare_results(grad_scene *s)
{
    for (int k = 0; k < s->p->outputs; k++) compare_floats(s->r, s->p, "result", k, &s->p->out[k], s->p->out[k].x, s->out[k]->x);
}

static void compare_gradients(grad_scene *s)
{
    grad_run_back(s);
    for (int k = 0; k < s->p->inputs && s->err.status == HEED_OK; k++) {
        const block *b = &s->p->in[k];
        const float *g = b->role == BLOCK_INPUT ? s->in[k]->g : heed_params_grads(s->p->params) + b->weight->offset;
        compare_floats(s->r, s->p, "gradient of input", k, b, b->g, g);
    }
}

void grad_check_forward(problem *p, grad_report *r)
{
    grad_visit(p, false, r, compare_results);
    grad_visit(p, true, r, compare_results);
}

void grad_check_backward(problem *p, grad_report *r) { grad_visit(p, true, r, compare_gradients); }
