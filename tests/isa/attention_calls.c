#include "isa/attention_calls.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernels/attention.h"
#include "kernels/attention_backward.h"
#include "support/emulator.h"

enum { GUARD = 64, OFF = 4 };
static const unsigned char filler = 0xFF;   /* four of them are a NaN */

/* --- every instruction set ----------------------------------------------------------------------------------------------------------- */

static int run_under(const char *isa)
{
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        setenv("HEED_ISA", isa, 1);
        run_again("alone");
        _exit(127);
    }
    int status = 1;
    if (child < 0 || waitpid(child, &status, 0) < 0) return 1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

const heed_kernels *attention_table(int i) { return heed_kernels_at(emulated() ? i + 1 : i); }      /* plain C has its turn where it is quick */

int attention_each_isa(int argc, char **argv, int (*group)(void))
{
    if (argc > 1 && !strcmp(argv[1], "alone")) return group();
    int worst = 0;
    for (int i = 0; attention_table(i); i++) {
        printf("%s:\n", attention_table(i)->isa);
        const int status = run_under(attention_table(i)->isa);
        worst = status > worst ? status : worst;
    }
    return worst;
}

/* --- calls --------------------------------------------------------------------------------------------------------------------------- */

/* kernels NULL: through the doors that all use. */
static heed_status call_in(const heed_kernels *kernels, const attention_problem *p, bool backward, size_t bytes, heed_error *err)
{
    char *room = malloc(OFF + bytes + GUARD), *scratch = room + OFF;
    assert_non_null(room);
    memset(room, filler, OFF + bytes + GUARD);
    heed_status status;
    if (kernels && backward) status = heed_attention_backward_by(kernels, &p->is, &p->data, &p->to, scratch, bytes, err);
    else if (kernels) status = heed_attention_forward_by(kernels, &p->is, &p->data, scratch, bytes, err);
    else if (backward) status = heed_attention_backward(&p->is, &p->data, &p->to, scratch, bytes, err);
    else status = heed_attention_forward(&p->is, &p->data, scratch, bytes, err);
    for (size_t i = 0; i < GUARD; i++) assert_int_equal((unsigned char)scratch[bytes + i], filler);
    free(room);
    return status;
}

heed_status attention_call(const attention_problem *p, bool backward, heed_error *err)
{
    heed_attention_plan plan;
    const heed_status status = heed_attention_plan_of(&p->is, &plan, err);
    return status ? status : call_in(NULL, p, backward, backward ? plan.backward : plan.forward, err);
}

heed_status attention_call_by(const heed_kernels *kernels, const attention_problem *p, bool backward, heed_error *err)
{
    heed_attention_job j;
    const heed_status status = heed_attention_job_of(&j, kernels, &p->is, NULL, err);
    return status ? status : call_in(kernels, p, backward, backward ? heed_attention_backward_bytes(&j) : heed_attention_forward_bytes(&j), err);
}

/* Where each result stands in the block, and how many numbers it has: out, saved, q, k, v, factor, additive, relative, centre. */
enum { PARTS = 9 };
typedef struct parts { int64_t size[PARTS], all; } parts;

static parts parts_of(const attention_problem *p)
{
    const heed_attention *a = &p->is;
    const int64_t H = attention_heads(a), Hk = attention_key_heads(a), d = a->width, dv = attention_value_width(a);
    parts x = {{p->queries * H * dv, p->queries * H, p->queries * H * d, p->keys * Hk * d, p->keys * Hk * dv, a->factor ? H : 0, a->additive ? H * d : a->extra ? H * a->extras : 0,
                a->relative ? H * (2 * a->reach + 1) : 0, a->centre ? p->queries * H : 0}, 0};
    for (int i = 0; i < PARTS; i++) x.all += x.size[i];
    return x;
}

int64_t attention_results_size(const attention_problem *p) { return parts_of(p).all; }

static void place_all(attention_results *r, double **place[PARTS])
{
    double **const places[PARTS] = {&r->out, &r->saved, &r->q, &r->k, &r->v, &r->factor, &r->additive, &r->relative, &r->centre};
    memcpy(place, places, sizeof places);
}

static void widen(double *y, const float *x, int64_t n)
{
    for (int64_t i = 0; x && i < n; i++) y[i] = (double)x[i];
}

/* Of the score's own weights. */
static float *score_gradient(const attention_problem *p) { return p->to.additive ? p->to.additive : p->to.extra; }

static heed_attention_in in_of(heed_attention_out x) { return (heed_attention_in){x.x, x.sequence, x.row, x.head}; }

static void clear_sums(const attention_problem *p, const parts *x)
{
    float *const sums[] = {p->to.factor, score_gradient(p), p->to.relative, p->to.centre};
    for (int i = 0; i < 4; i++)
        for (int64_t at = 0; sums[i] && at < x->size[5 + i]; at++) sums[i][at] = 0;
}

/* What the calls left in the problem. */
static attention_results results_of(const attention_problem *called, bool backward)
{
    const attention_problem p = *called;
    const parts x = parts_of(&p);
    attention_results r = {.owner = calloc((size_t)x.all + 1, sizeof(double))};
    assert_non_null(r.owner);
    double **place[PARTS], *at = r.owner;
    place_all(&r, place);
    for (int i = 0; i < PARTS; at += x.size[i++]) *place[i] = at;
    const heed_attention *a = &p.is;
    const int64_t H = attention_heads(a), Hk = attention_key_heads(a), d = a->width, dv = attention_value_width(a);
    attention_gather(&p, a->query_start, in_of(p.data.out), H, dv, r.out);
    widen(r.saved, p.data.saved, x.size[1]);
    if (!backward) return r;
    if (p.to.q.x) attention_gather(&p, a->query_start, in_of(p.to.q), H, d, r.q);
    if (p.to.k.x) attention_gather(&p, a->key_start, in_of(p.to.k), Hk, d, r.k);
    if (p.to.v.x) attention_gather(&p, a->key_start, in_of(p.to.v), Hk, dv, r.v);
    widen(r.factor, p.to.factor, x.size[5]), widen(r.additive, score_gradient(&p), x.size[6]);
    widen(r.relative, p.to.relative, x.size[7]), widen(r.centre, p.to.centre, x.size[8]);
    return r;
}

attention_results attention_run_by(const heed_kernels *kernels, const attention_problem *given, int threads, bool backward)
{
    attention_problem p = *given;
    if (threads) p.is.threads = threads;
    heed_error err = {0};
    const parts x = parts_of(&p);
    clear_sums(&p, &x);
    for (int pass = 0; pass <= backward; pass++)
        if (kernels ? attention_call_by(kernels, &p, pass, &err) : attention_call(&p, pass, &err)) fail_msg("%s: %s", (kernels ? kernels : heed_kernels_get())->isa, err.text);
    return results_of(&p, backward);
}

attention_results attention_run(const attention_problem *p, int threads, bool backward) { return attention_run_by(NULL, p, threads, backward); }

/* --- a sequence alone ---------------------------------------------------------------------------------------------------------------- */

static const void *beyond(const void *x, heed_number type, int64_t values) { return x ? (const char *)x + values * (type == HEED_BF16 ? 2 : 4) : NULL; }

static void move_in(heed_attention_in *x, heed_number type, int64_t sequence, int64_t start)
{
    x->x = beyond(x->x, type, x->sequence ? sequence * x->sequence : start * x->row);
}

static void move_out(heed_attention_out *x, heed_number type, int64_t sequence, int64_t start)
{
    heed_attention_in in = in_of(*x);
    move_in(&in, type, sequence, start);
    x->x = (void *)in.x;
}

void attention_alone_of(attention_alone *one, const attention_problem *p, int64_t b)
{
    const heed_attention *a = &p->is;
    const int64_t q = a->query_start[b], k = a->key_start[b], H = attention_heads(a);
    *one = (attention_alone){.p = *p, .query_start = {0, a->query_start[b + 1] - q}, .key_start = {0, a->key_start[b + 1] - k}};
    attention_problem *x = &one->p;
    x->is.sequences = 1, x->is.query_start = one->query_start, x->is.key_start = one->key_start;
    x->queries = one->query_start[1], x->keys = one->key_start[1], x->count = 0;
    x->is.position = a->position ? a->position + b : NULL, x->is.record = a->record ? a->record + b : NULL;
    x->is.centre = a->centre ? a->centre + q * H : NULL;
    move_in(&x->data.q, a->type, b, q), move_in(&x->data.k, a->type, b, k), move_in(&x->data.v, a->type, b, k), move_out(&x->data.out, a->type, b, q);
    x->data.saved = p->data.saved ? p->data.saved + q * H : NULL;
    move_in(&x->to.out, a->type, b, q), move_out(&x->to.q, a->type, b, q), move_out(&x->to.k, a->type, b, k), move_out(&x->to.v, a->type, b, k);
    x->to.centre = p->to.centre ? p->to.centre + q * H : NULL;
}

/* --- errors -------------------------------------------------------------------------------------------------------------------------- */

attention_recipe attention_draw(uint64_t key, int64_t most_length, int64_t most_width)
{
    attention_recipe r = attention_recipe_draw(key, most_length, most_width);
    if ((int)r.is.type >= ATTENTION_TYPES) r.is.type = HEED_F32;
    return r;
}

static double greatest_of(const double *x, int64_t n)
{
    double most = 0;
    for (int64_t i = 0; i < n; i++) most = isfinite(x[i]) && fabs(x[i]) > most ? fabs(x[i]) : most;
    return most;
}

static double greatest_float(const float *x, int64_t n, double none)
{
    double most = x && n ? 0 : none;
    for (int64_t i = 0; x && i < n; i++) most = fmax(most, fabs((double)x[i]));
    return most;
}

/* Of the rows of an input: the greatest and the least length, and the greatest value. */
typedef struct rows { double longest, shortest, most; } rows;

static rows rows_of(const attention_problem *p, heed_attention_in in, const int64_t *start, int64_t heads, int64_t width)
{
    const int64_t n = start[p->is.sequences] * heads;
    double *x = calloc((size_t)(n * width) + 1, sizeof *x);
    assert_non_null(x);
    attention_gather(p, start, in, heads, width, x);
    rows r = {0, INFINITY, greatest_of(x, n * width)};
    for (int64_t i = 0; i < n; i++) {
        double square = 0;
        for (int64_t l = 0; l < width; l++) square += x[i * width + l] * x[i * width + l];
        r.longest = fmax(r.longest, sqrt(square));
        if (square > 0) r.shortest = fmin(r.shortest, sqrt(square));
    }
    free(x);
    return r;
}

/* How large what comes to one score can be, and how far a gradient of each part moves with it. */
typedef struct steepness { double score, brought, part[PARTS]; } steepness;

static steepness steepness_of(const attention_problem *p, const double *saved)
{
    const heed_attention *a = &p->is;
    const int64_t H = attention_heads(a), Hk = attention_key_heads(a), dv = attention_value_width(a);
    const rows q = rows_of(p, p->data.q, a->query_start, H, a->width), k = rows_of(p, p->data.k, a->key_start, Hk, a->width);
    const rows v = rows_of(p, p->data.v, a->key_start, Hk, dv), g = rows_of(p, p->to.out, a->query_start, H, dv);
    const double factor = greatest_float(a->factor, H, 1), all = sqrt((double)(p->queries * H));
    const double usual = a->score == HEED_ATTENTION_DOT ? 1 / sqrt((double)a->width) : 1, scale = factor * (a->scale != 0 ? fabs((double)a->scale) : usual);
    steepness s = {.score = greatest_of(saved, p->queries * H), .brought = g.longest * v.longest / (1 - (double)a->dropout)};
    const double vector = greatest_float(a->additive, H * a->width, 1);
    s.part[2] = scale * (a->score == HEED_ATTENTION_DOT ? k.most : a->score == HEED_ATTENTION_COSINE ? 1 / q.shortest : vector);
    s.part[3] = scale * (a->score == HEED_ATTENTION_DOT ? q.most : a->score == HEED_ATTENTION_COSINE ? 1 / k.shortest : vector);
    s.part[5] = all * scale / factor * (a->score == HEED_ATTENTION_DOT ? q.longest * k.longest : a->score == HEED_ATTENTION_COSINE ? 1 : vector * (double)a->width);
    s.part[6] = all * scale;
    s.part[7] = all;
    s.part[8] = (double)p->keys / (a->window > 0 ? (double)a->window : 1);
    return s;
}

/* Beyond twice the naive form's error, four roundings u of each of these, which it may be spared:
 *   - the greatest number of the part, since the naive form of few numbers may be right by luck;
 *   - that number times the greatest score, since a weight that is computed again from `saved` has the absolute errors of both in its exponent;
 *   - |dout| |v| times what a score moves, since backward subtracts two products of that size, of v and of out, which the naive form takes from the same sum;
 *     here u is that of out's type, whatever the part's own is. */
static void hold(const attention_problem *p, const char *isa, const char *what, int part, const double *got, const double *want, const double *naive, int64_t n,
                 const steepness *s)
{
    static const char *const names[PARTS] = {"out", "saved", "q", "k", "v", "factor", "additive", "relative", "centre"};
    const attention_error ours = attention_error_of(got, want, n), bound = attention_error_of(naive, want, n);
    const double of_type = 4 * (p->is.type == HEED_BF16 ? 0x1p-9 : 0x1p-24), rounding = part != 1 && part < 5 ? of_type : 4 * 0x1p-24, most = rounding * greatest_of(want, n);
    const double spared = part < 2 ? most : most * (1 + s->score) + of_type * s->brought * s->part[part];
    if (!(ours.greatest <= 2 * bound.greatest + spared) || !(ours.mean <= 2 * bound.mean + spared))
        fail_msg("%s: %s: errors of %s: greatest %.3g, mean %.3g; the naive form's %.3g, %.3g; roundings %.3g, %.3g", isa, what, names[part],
                 ours.greatest, ours.mean, bound.greatest, bound.mean, most, spared);
}

/* What the results of a problem are held against. */
typedef struct bounds { attention_results want, naive; parts x; steepness s; } bounds;

static bounds bounds_of(const attention_problem *p, bool backward)
{
    const heed_attention_in *dout = backward ? &p->to.out : NULL;
    bounds b = {.want = attention_reference(&p->is, &p->data, dout), .naive = attention_naive(&p->is, &p->data, dout), .x = parts_of(p)};
    b.s = steepness_of(p, b.want.saved);
    return b;
}

static void bounds_free(bounds *b) { attention_results_free(&b->want), attention_results_free(&b->naive); }

/* Takes what it holds. */
static void hold_all(const attention_problem *p, bounds *b, attention_results got, bool backward, const char *isa, const char *what)
{
    double **exact[PARTS], **plain[PARTS], **ours[PARTS];
    place_all(&b->want, exact), place_all(&b->naive, plain), place_all(&got, ours);
    const bool wanted[PARTS] = {true, true, backward, backward, backward, p->to.factor, p->to.additive, p->to.relative, p->to.centre};
    for (int i = 0; i < PARTS; i++)
        if (wanted[i] && (backward || i < 2)) hold(p, isa, what, i, *ours[i], *exact[i], *plain[i], b->x.size[i], &b->s);
    attention_results_free(&got);
}

void attention_hold(const attention_problem *p, bool backward, const char *what) { attention_hold_as(p, p, backward, what); }

void attention_hold_as(const attention_problem *p, const attention_problem *called, bool backward, const char *what)
{
    bounds b = bounds_of(p, backward);
    hold_all(p, &b, attention_run(called, 1, backward), backward, heed_kernels_get()->isa, what);
    bounds_free(&b);
}

void attention_hold_tables(const attention_recipe *r, uint64_t key, bool backward, const char *what)
{
    bounds b = {.x = {.all = 0}};
    for (int i = 0; attention_table(i); i++) {
        attention_problem *p = attention_problem_new(r, key);
        if (!i) b = bounds_of(p, backward);
        hold_all(p, &b, attention_run_by(attention_table(i), p, 1, backward), backward, attention_table(i)->isa, what);
        attention_problem_free(p);
    }
    bounds_free(&b);
}
