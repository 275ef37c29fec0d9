/* The attention family: every score of scores.def with every alignment of aligns.def; heads, positions, projected values and coverage pairwise over them and
 * each other; on ragged sequences some of which are empty.
 *
 *   test_attention                 all; the tables in docs/attention.md must say what was found
 *   test_attention SCORE...        the cases of these scores
 *   test_attention --table         prints the tables
 *   test_attention --write FILE    puts them between the markers of FILE */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attention.h"
#include "ops/attend.h"
#include "ref_layer.h"

enum { PROBLEMS = 32, SLOPES = 6, MOST_CASES = 512, MOST_TESTS = 3000, MOST_TEXT = 1 << 16, MOST_PAIRS = 512 };

static const char begin_mark[] = "<!-- measured by test_attention -->", end_mark[] = "<!-- end -->";

static const ref_attend *look_of(const problem *p) { return &((const attention *)p->own)->layer->look; }

/* --- results and gradients -------------------------------------------------------------------------------------------------------------------- */

/* Slopes cost most, so fewer problems have theirs taken. */
static void check_backward(problem *p, int number, grad_report *r)
{
    if (number < SLOPES) grad_check_slope(p, r);
    grad_check_backward(p, r);
}

static void check_forward(problem *p, int number, grad_report *r)
{
    (void)number;
    grad_check_forward(p, r);
}

/* --- asked for afterwards ------------------------------------------------------------------------------------------------------------------------- */

static void compare_sight(grad_scene *s, const ref_sight *x, const float *weights, const float *scores)
{
    const char *name = s->p->c->name;
    bool seen[REF_KEYS] = {false};
    for (int64_t k = 0; k < x->n; k++) {
        const int64_t j = x->m[k].at;
        seen[j] = true;
        grad_expect(s->r, fabs(scores[j] - x->s[k].v) <= num_error(x->s[k]), "%s: score %g", name, (double)scores[j]);
        grad_expect(s->r, fabs(weights[j] - x->w[k].v) <= num_error(x->w[k]) + 64 * (double)FLT_MIN, "%s: weight %g", name, (double)weights[j]);
    }
    for (int64_t j = 0; j < x->keys; j++)
        grad_expect(s->r, seen[j] || (weights[j] == 0 && scores[j] == -INFINITY), "%s: key %lld was not to be seen", name, (long long)j);
}

static void compare_weights(grad_scene *s)
{
    const ref_attend *a = look_of(s->p);
    float weights[16], scores[16];
    heed_memory m;
    ref_sight x;
    const heed_attended all = attention_look(s->p, s->t, s->in, &m);
    for (int64_t b = 0; b < a->queries.B; b++)
        for (int64_t i = a->queries.start[b]; i < a->queries.start[b + 1]; i++)
            for (int64_t h = 0; h < a->heads; h++) {
                ref_attend_look(a, b, i, h, &x);
                const int64_t n = heed_attend_weights(&all, b, i, h, weights, scores);
                grad_expect(s->r, n == x.keys, "%s: query %lld has %lld keys", s->p->c->name, (long long)i, (long long)n);
                if (n == x.keys) compare_sight(s, &x, weights, scores);
            }
}

static void check_weights(problem *p, int number, grad_report *r)
{
    (void)number;
    grad_visit(p, false, r, compare_weights);
}

/* --- step by step ------------------------------------------------------------------------------------------------------------------------------- */

/* All rows that have a query at `position`, the last sequence first and each of them twice, as beams would stand; and their pairs. */
typedef struct beam { int64_t n, row[32], owner[32], pairs, pair[MOST_PAIRS]; } beam;

static void add_pairs(beam *s, const ref_attend *a, int64_t group, int64_t row)
{
    int64_t first = 0;
    for (int64_t b = 0; b <= group; b++) {
        const int64_t end = b < group ? a->queries.start[b + 1] : row;
        first += (end - a->queries.start[b]) * (a->keys.start[b + 1] - a->keys.start[b]);
    }
    for (int64_t j = 0; j < a->keys.start[group + 1] - a->keys.start[group]; j++) s->pair[s->pairs++] = first + j;
}

static beam beam_at(const ref_attend *a, int64_t position)
{
    const int64_t *start = a->queries.start;
    beam s = {.n = 0};
    for (int64_t b = 2 * a->queries.B - 1; b >= 0; b--)
        if (start[b / 2] + position < start[b / 2 + 1]) {
            s.row[s.n] = start[b / 2] + position;
            s.owner[s.n++] = b / 2;
            add_pairs(&s, a, b / 2, start[b / 2] + position);
        }
    return s;
}

static bool same(const float *a, const float *b, int64_t n) { return !memcmp(a, b, (size_t)n * sizeof *a); }

/* Whether row i of a step, which looks one query at a time, has the bits of the whole: the op takes several queries at once only where it says so. */
static bool has_same_bits(const heed_attended *all, int64_t group)
{
    const heed_attend_group g = heed_attend_group_of(&all->args, group, 0);
    heed_attend_call c;
    heed_attend_call_of(&c, all, heed_kernels_get());
    return heed_attend_call_take(&c, &g) == &c.rows;
}

static bool is_near(float found, num expected)
{
    return isfinite(expected.v) ? fabs(found - expected.v) <= num_error(expected) + 64 * (double)FLT_MIN : found == (float)expected.v;
}

/* Row i of the step and its row of the whole are the same, or both of them near the reference, which the whole is held to elsewhere. */
static void compare_row(grad_scene *s, const heed_attended *all, const heed_attended *step, const beam *w, int64_t i)
{
    const int64_t D = all->out->cols, H = all->args.heads, row = w->row[i];
    const char *name = s->p->c->name;
    const bool bits = has_same_bits(all, w->owner[i]);
    float weights[2][16], scores[2][16];
    ref_sight x;
    for (int64_t c = 0; c < D; c++)
        grad_expect(s->r, bits ? same(step->out->x + i * D + c, all->out->x + row * D + c, 1) : is_near(step->out->x[i * D + c], s->p->out[0].x[row * D + c]),
                    "%s: step: result of query %lld differs", name, (long long)row);
    for (int64_t h = 0; h < H; h++) {
        const float *saved = step->saved + i * H + h;
        ref_attend_look(look_of(s->p), w->owner[i], row, h, &x);
        grad_expect(s->r, bits ? same(saved, all->saved + row * H + h, 1) : is_near(*saved, x.saved), "%s: step: what is saved of query %lld differs", name,
                    (long long)row);
        const int64_t n = heed_attend_weights(step, i, i, h, weights[0], scores[0]), m = heed_attend_weights(all, w->owner[i], row, h, weights[1], scores[1]);
        const bool equal = n == m && same(weights[0], weights[1], n) && same(scores[0], scores[1], n);
        grad_expect(s->r, !bits || equal, "%s: step: weights of query %lld differ", name, (long long)row);
        if (!bits) compare_sight(s, &x, weights[0], scores[0]);
    }
}

static void compare_step(grad_scene *s, const heed_attended *all, const heed_attended *step, const beam *w)
{
    const int64_t H = all->args.heads;
    const char *name = s->p->c->name;
    grad_expect(s->r, step->out->rows == w->n && step->out->cols == all->out->cols, "%s: step: result is [%lld,%lld]", name, (long long)step->out->rows,
                (long long)step->out->cols);
    for (int64_t i = 0; i < w->n; i++) compare_row(s, all, step, w, i);
    for (int64_t k = 0; step->weights && k < w->pairs; k++)
        grad_expect(s->r, same(step->weights->x + k * H, all->weights->x + w->pair[k] * H, H), "%s: step: weights of pair %lld differ", name,
                    (long long)w->pair[k]);
}

static heed_tensor *rows_of(grad_scene *s, attention_part part, const int64_t *rows, int64_t n)
{
    heed_tensor *x = attention_input(s->p, s->in, part);
    return x ? heed_gather(s->t, x, rows, n) : NULL;
}

/* The same memory with its rows turned round, and where each key lies now. */
static heed_memory turned_round(grad_scene *s, const heed_memory *m, int64_t *key_row)
{
    const int64_t n = m->keys->rows;
    for (int64_t j = 0; j < n; j++) key_row[j] = n - 1 - j;
    return (heed_memory){.keys = heed_gather(s->t, m->keys, key_row, n), .values = heed_gather(s->t, m->values, key_row, n), .span = m->span};
}

static void compare_steps(grad_scene *s)
{
    const attention *own = s->p->own;
    heed_memory m;
    const heed_attended all = attention_look(s->p, s->t, s->in, &m);
    int64_t key_row[32];
    const heed_memory round = turned_round(s, &m, key_row);
    for (int64_t position = 0; position < 6; position++) {
        const beam w = beam_at(look_of(s->p), position);
        heed_gaze g = {.owner = w.owner, .position = look_of(s->p)->position + position, .weights = all.weights,
                             .before = rows_of(s, PART_BEFORE, w.pair, w.pairs), .total = rows_of(s, PART_TOTAL, w.pair, w.pairs)};
        heed_tensor *q = rows_of(s, PART_QUERIES, w.row, w.n);
        const heed_attended step = heed_attn_step(s->t, &own->attn, q, &m, &g);
        g.key_row = key_row;
        const heed_attended by_number = heed_attn_step(s->t, &own->attn, q, &round, &g);
        if (heed_tape_status(s->t, &s->err) != HEED_OK) return;
        compare_step(s, &all, &step, &w);
        compare_step(s, &all, &by_number, &w);
    }
}

static void check_step(problem *p, int number, grad_report *r)
{
    (void)number;
    grad_visit(p, false, r, compare_steps);
}

/* --- queries that see no key: of an empty sequence, or beyond its window ----------------------------------------------------------------------------- */

static bool is_blind(const ref_attend *a, int64_t group, int64_t query)
{
    ref_sight x = {.n = 0};
    for (int64_t h = 0; h < a->heads && !x.n; h++) ref_attend_look(a, group, query, h, &x);
    return !x.n;
}

static void compare_blind(grad_scene *s)
{
    const ref_attend *a = look_of(s->p);
    const heed_tensor *out = s->out[0], *q = attention_input(s->p, s->in, PART_QUERIES), *bias = attention_input(s->p, s->in, PART_OUT_BIAS);
    const char *name = s->p->c->name;
    int64_t met = 0;
    grad_run_back(s);
    for (int64_t b = 0; b < a->queries.B; b++)
        for (int64_t i = a->queries.start[b]; i < a->queries.start[b + 1]; i++) {
            if (!is_blind(a, b, i)) continue;
            met++;
            for (int64_t c = 0; c < out->cols; c++) grad_expect(s->r, out->x[i * out->cols + c] == (bias ? bias->x[c] : 0), "%s: result without keys", name);
            for (int64_t c = 0; q->g && c < q->cols; c++) grad_expect(s->r, q->g[i * q->cols + c] == 0, "%s: gradient of a query without keys", name);
        }
    grad_expect(s->r, met > 0, "%s: every query sees a key", name);
}

static void check_blind(problem *p, int number, grad_report *r)
{
    (void)number;
    grad_visit(p, true, r, compare_blind);
}

/* --- every case once, and what came of it ------------------------------------------------------------------------------------------------------------ */

typedef enum fact { FORWARD, BACKWARD, STEP, WEIGHTS, BLIND, FACTS } fact;

static void (*const checks[FACTS])(problem *p, int number, grad_report *r) = {check_forward, check_backward, check_step, check_weights, check_blind};
static const char *const fact_names[FACTS] = {
    "forward_lies_within_the_bound", "backward_is_the_slope_and_lies_within_the_bound", "a_step_is_a_row_of_the_whole",
    "weights_asked_for_afterwards_are_those_of_the_reference", "a_query_without_keys_gives_zeros_and_no_gradient"};

typedef struct verdict { bool done; grad_report r[FACTS]; } verdict;

static const verdict *judge(int i)
{
    static verdict all[MOST_CASES];
    verdict *v = &all[i];
    if (v->done) return v;
    v->done = true;
    for (int number = 0; number < PROBLEMS; number++) {
        problem *p = grad_problem_new(&attention_case_at(i)->c, 1 + (uint64_t)number);
        char text[200];
        const bool built = attention_declares(p, text, sizeof text);
        for (int f = 0; f < FACTS; f++) {
            if (built) checks[f](p, number, &v->r[f]);
            else grad_expect(&v->r[f], false, "%s", text);
        }
        grad_problem_free(p);
    }
    return v;
}

static bool is_green(int i, fact f)
{
    const grad_report *r = &judge(i)->r[f];
    return r->checked && !r->wrong && 4 * r->kinks <= r->checked && (f > BACKWARD || r->bounds < 1e-2 * r->sizes);
}

typedef struct question { int number; fact fact; } question;

static void the_fact_holds(void **state)
{
    const question *q = *state;
    const grad_report *r = &judge(q->number)->r[q->fact];
    if (r->wrong) fail_msg("%lld of %lld facts are wrong; the first: %s", (long long)r->wrong, (long long)r->checked, r->text);
    if (!is_green(q->number, q->fact))
        fail_msg("%lld facts, %lld slopes left out, bounds of %g on sizes of %g", (long long)r->checked, (long long)r->kinks, r->bounds, r->sizes);
}

/* --- pairs of levels ------------------------------------------------------------------------------------------------------------------------------------ */

/* Of the cases that have both: green, refused, or what is wrong. */
static const char *pair_colour(attention_factor f, int mine, attention_factor g, int other)
{
    const attention_case *c;
    bool any = false;
    for (int i = 0; (c = attention_case_at(i)); i++) {
        if (c->level[f] != mine || c->level[g] != other) continue;
        any = true;
        for (int k = 0; k < FACTS; k++)
            if (!is_green(i, (fact)k)) return "red";
    }
    return any ? "green" : attention_pair_refusal(f, mine, g, other) ? "refused" : "absent";
}

static void every_pair_is_green_or_refused(void **state)
{
    (void)state;
    for (attention_factor f = 0; f < FACTOR_COUNT; f++)
        for (attention_factor g = f + 1; g < FACTOR_COUNT; g++)
            for (int k = 0; k < attention_levels(f) * attention_levels(g); k++) {
                const int mine = k / attention_levels(g), other = k % attention_levels(g);
                const char *colour = pair_colour(f, mine, g, other);
                if (strcmp(colour, "green") != 0 && strcmp(colour, "refused") != 0)
                    fail_msg("%s x %s: %s", attention_level_name(f, mine), attention_level_name(g, other), colour);
            }
}

/* --- the tables ------------------------------------------------------------------------------------------------------------------------------------------- */

typedef struct text { char s[MOST_TEXT]; size_t used; } text;

static void say(text *t, const char *format, ...) HEED_PRINTF(2, 3);
static void say(text *t, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    if (t->used < sizeof t->s) t->used += (size_t)vsnprintf(t->s + t->used, sizeof t->s - t->used, format, list);
    va_end(list);
}

/* Level 0 of all but score and align is the absence of something. */
static bool has_row(attention_factor f, int level) { return f <= FACTOR_ALIGN || level > 0; }

static const char *colour(int i, fact f) { return is_green(i, f) ? "green" : "red"; }

static void say_plain(text *t)
{
    const attention_case *c;
    say(t, "| score x align | forward | backward | step |\n|---|---|---|---|\n");
    for (int i = 0; (c = attention_case_at(i)); i++) {
        bool plain = true;
        for (int f = FACTOR_HEADS; f < FACTOR_COUNT; f++) plain = plain && !c->level[f];
        if (plain) say(t, "| %s | %s | %s | %s |\n", c->name, colour(i, FORWARD), colour(i, BACKWARD), colour(i, STEP));
    }
}

/* Levels of the factors from..to against those of the factors after each, but not before `across`. */
static void say_pairs(text *t, attention_factor from, attention_factor to, attention_factor across)
{
    say(t, "\n| |");
    for (attention_factor g = across; g < FACTOR_COUNT; g++)
        for (int other = 1; other < attention_levels(g); other++) say(t, " %s |", attention_level_name(g, other));
    say(t, "\n|---|");
    for (attention_factor g = across; g < FACTOR_COUNT; g++)
        for (int other = 1; other < attention_levels(g); other++) say(t, "---|");
    for (attention_factor f = from; f <= to; f++)
        for (int mine = 0; mine < attention_levels(f); mine++) {
            if (!has_row(f, mine)) continue;
            say(t, "\n| %s |", attention_level_name(f, mine));
            for (attention_factor g = across; g < FACTOR_COUNT; g++)
                for (int other = 1; other < attention_levels(g); other++) say(t, " %s |", g > f ? pair_colour(f, mine, g, other) : "");
        }
    say(t, "\n");
}

static void say_refusals(text *t)
{
    heed_refusal row;
    say(t, "\n| pair without meaning | why |\n|---|---|\n");
    for (int i = 0; heed_refusal_at(i, &row); i++) say(t, "| %s | %s |\n", row.pair, row.why);
}

static const char *measured_tables(void)
{
    static text t;
    t.used = 0;
    say(&t, "%s\n", begin_mark);
    say_plain(&t);
    say_pairs(&t, FACTOR_SCORE, FACTOR_ALIGN, FACTOR_HEADS);
    say_pairs(&t, FACTOR_HEADS, FACTOR_VALUES, FACTOR_POSITIONS);
    say_refusals(&t);
    return t.s;
}

static char *read_text(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *s = calloc(MOST_TEXT, 1);
    if (f && s) s[fread(s, 1, MOST_TEXT - 1, f)] = 0;
    if (!f) {
        free(s);
        return NULL;
    }
    fclose(f);
    return s;
}

static void the_page_says_what_was_measured(void **state)
{
    (void)state;
    const char *source = getenv("HEED_SOURCE");
    char path[4096];
    snprintf(path, sizeof path, "%s/docs/attention.md", source ? source : ".");
    char *page = read_text(path);
    if (!page) fail_msg("%s cannot be read", path);
    const char *begin = strstr(page, begin_mark), *end = begin ? strstr(begin, end_mark) : NULL, *tables = measured_tables();
    const bool equal = end && (size_t)(end - begin) == strlen(tables) && !memcmp(begin, tables, strlen(tables));
    free(page);
    if (!equal) fail_msg("the tables of %s are not what was measured; write them anew: test_attention --write %s", path, path);
}

static int write_tables(const char *path)
{
    char *page = read_text(path);
    char *begin = page ? strstr(page, begin_mark) : NULL, *end = begin ? strstr(begin, end_mark) : NULL;
    FILE *f = end ? fopen(path, "wb") : NULL;
    if (f) fprintf(f, "%.*s%s%s", (int)(begin - page), page, measured_tables(), end);
    else fprintf(stderr, "%s: cannot be read or written, or has no markers\n", path);
    const bool written = f && fclose(f) == 0;
    free(page);
    return written ? 0 : 1;
}

/* --- the list ---------------------------------------------------------------------------------------------------------------------------------------------- */

static struct CMUnitTest tests[MOST_TESTS];
static question questions[MOST_TESTS];
static char names[MOST_TESTS][224];
static size_t count;

static void append(const char *prefix, const char *name, CMUnitTestFunction f)
{
    snprintf(names[count], sizeof names[count], "test_attention__%s%s%s", prefix, *prefix ? ": " : "", name);
    tests[count] = (struct CMUnitTest){names[count], f, NULL, NULL, &questions[count]};
    count++;
}

#define APPEND(f) append("", #f, f)

static bool is_named(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], name)) return true;
    return argc == 1;
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "--table")) return printf("%s%s\n", measured_tables(), end_mark) < 0;
    if (argc == 3 && !strcmp(argv[1], "--write")) return write_tables(argv[2]);
    const attention_case *c;
    for (int i = 0; (c = attention_case_at(i)); i++)
        for (int f = 0; f < FACTS && is_named(c->c.family, argc, argv); f++) {
            questions[count] = (question){i, (fact)f};
            append(c->name, fact_names[f], the_fact_holds);
        }
    if (argc == 1) {
        APPEND(every_pair_is_green_or_refused);
        APPEND(the_page_says_what_was_measured);
    }
    return count ? _cmocka_run_group_tests("attention", tests, count, NULL, NULL) : 2;
}
