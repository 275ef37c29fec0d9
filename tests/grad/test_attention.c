/* The attention family: every score of scores.def with every alignment of aligns.def, on ragged sequences some of which are empty.
 *
 *   test_attention                 all; the table in docs/attention.md must say what was found
 *   test_attention SCORE...        the rows of these scores
 *   test_attention --table         prints the table
 *   test_attention --write FILE    puts it between the markers of FILE */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attention.h"
#include "tensor/tape.h"

enum { PROBLEMS = 16, MOST_TESTS = 2000, MOST_TEXT = 1 << 16 };

static const char begin_mark[] = "<!-- score x align -->", end_mark[] = "<!-- end -->";

/* --- what is measured --------------------------------------------------------------------------------------------------------------------- */

static void check_slope_and_gradient(problem *p, grad_report *r)
{
    grad_check_slope(p, r);
    grad_check_backward(p, r);
}

/* All rows that have a query at `position`, the last sequence first and each of them twice, as beams would stand. */
typedef struct beam { int64_t n, row[32], owner[32]; } beam;

static beam beam_at(const attention *own, int64_t position)
{
    const int64_t *start = own->ref.queries.start;
    beam s = {.n = 0};
    for (int64_t b = 2 * own->ref.queries.B - 1; b >= 0; b--)
        if (start[b / 2] + position < start[b / 2 + 1]) {
            s.row[s.n] = start[b / 2] + position;
            s.owner[s.n++] = b / 2;
        }
    return s;
}

static void compare_step(grad_scene *s, const heed_attended *all, const heed_attended *step, const beam *w, int64_t position)
{
    const int64_t D = all->out->cols, bytes = D * (int64_t)sizeof(float);
    float weights[16], others[16], scores[16];
    int64_t first, other;
    for (int64_t i = 0; i < w->n && step->out->rows == w->n; i++) {
        const char *name = s->p->c->name;
        const long long row = (long long)w->row[i];
        grad_expect(s->r, !memcmp(step->out->x + i * D, all->out->x + w->row[i] * D, (size_t)bytes), "%s: step: result of query %lld differs", name, row);
        grad_expect(s->r, !memcmp(&step->lse[i], &all->lse[w->row[i]], sizeof(float)), "%s: step: log-sum-exp of query %lld differs", name, row);
        const int64_t n = heed_attend_weights(step, i, i, weights, NULL, &first);
        const int64_t m = heed_attend_weights(all, w->owner[i], w->row[i], others, scores, &other);
        grad_expect(s->r, n == m && first == other && !memcmp(weights, others, (size_t)n * sizeof(float)), "%s: step %lld: weights of query %lld differ", name,
                    (long long)position, row);
    }
}

static void compare_steps(grad_scene *s)
{
    attention *own = s->p->own;
    heed_memory m;
    const heed_attended all = attention_attend(s->p, s->t, s->in, &m);
    for (int64_t position = 0; position < 8; position++) {
        const beam w = beam_at(own, position);
        heed_tensor *q = heed_gather(s->t, s->in[0], w.row, w.n);
        const heed_attended step = heed_attn_step(s->t, &own->attn, q, &m, w.owner, position);
        if (heed_tape_status(s->t, &s->err) == HEED_OK) compare_step(s, &all, &step, &w, position);
    }
}

static void check_step(problem *p, grad_report *r) { grad_visit(p, false, r, compare_steps); }

/* Asked for afterwards, scores and weights are those of the reference, and so are the keys they belong to. */
static void compare_weights(grad_scene *s)
{
    const attention *own = s->p->own;
    float weights[16], scores[16];
    heed_memory m;
    const heed_attended all = attention_attend(s->p, s->t, s->in, &m);
    for (int64_t b = 0; b < own->ref.queries.B; b++)
        for (int64_t i = own->ref.queries.start[b]; i < own->ref.queries.start[b + 1]; i++) {
            int64_t first;
            const int64_t n = heed_attend_weights(&all, b, i, weights, scores, &first);
            const ref_sight sight = ref_attend_look(&own->ref, b, i);
            grad_expect(s->r, n == sight.n && (!n || first == sight.key[0] - own->ref.keys.start[b]), "%s: query %lld sees %lld keys from %lld", s->p->c->name,
                        (long long)i, (long long)n, (long long)first);
            for (int64_t k = 0; k < n && n == sight.n; k++) {
                const num p = num_exp(num_sub(own->ref.s[k], sight.lse));
                grad_expect(s->r, fabs(scores[k] - own->ref.s[k].v) <= num_error(own->ref.s[k]), "%s: score %g", s->p->c->name, (double)scores[k]);
                grad_expect(s->r, fabs(weights[k] - p.v) <= num_error(p), "%s: weight %g", s->p->c->name, (double)weights[k]);
            }
        }
}

static void check_weights(problem *p, grad_report *r) { grad_visit(p, false, r, compare_weights); }

/* A query that may see no key: an empty sequence of keys, or a window beyond its end. */
static int64_t blind;

static void compare_blind(grad_scene *s)
{
    const attention *own = s->p->own;
    const char *name = s->p->c->name;
    grad_run_back(s);
    for (int64_t b = 0; b < own->ref.queries.B; b++)
        for (int64_t i = own->ref.queries.start[b]; i < own->ref.queries.start[b + 1]; i++) {
            if (ref_attend_look(&own->ref, b, i).n) continue;
            blind++;
            for (int64_t c = 0; c < s->out[0]->cols; c++) grad_expect(s->r, s->out[0]->x[i * s->out[0]->cols + c] == 0, "%s: result without keys", name);
            for (int64_t c = 0; c < own->x.Dq && s->in[0]->g; c++)
                grad_expect(s->r, s->in[0]->g[i * own->x.Dq + c] == 0, "%s: gradient of a query without keys", name);
        }
}

static void check_blind(problem *p, grad_report *r) { grad_visit(p, true, r, compare_blind); }

static grad_report solve(const attention_pair *pair, void (*what)(problem *p, grad_report *r))
{
    grad_report r = {0};
    for (uint64_t key = 1; key <= PROBLEMS; key++) {
        problem *p = grad_problem_new(&pair->c, key);
        what(p, &r);
        grad_problem_free(p);
    }
    return r;
}

/* --- one test a cell ------------------------------------------------------------------------------------------------------------------------- */

static void solve_all(const attention_pair *pair, void (*what)(problem *p, grad_report *r))
{
    const grad_report r = solve(pair, what);
    if (r.wrong) fail_msg("%lld of %lld facts are wrong; the first: %s", (long long)r.wrong, (long long)r.checked, r.text);
    assert_true(r.checked > 0);
}

static void forward_lies_within_the_bound(void **state) { solve_all(*state, grad_check_forward); }
static void backward_is_the_slope_and_lies_within_the_bound(void **state) { solve_all(*state, check_slope_and_gradient); }
static void a_step_is_a_row_of_the_whole_bit_for_bit(void **state) { solve_all(*state, check_step); }
static void weights_asked_for_afterwards_are_those_of_the_reference(void **state) { solve_all(*state, check_weights); }

static void a_query_without_keys_gives_zeros_and_no_gradient(void **state)
{
    blind = 0;
    solve_all(*state, check_blind);
    assert_true(blind > 0);
}

/* --- the table ----------------------------------------------------------------------------------------------------------------------------------- */

static const char *colour(const attention_pair *pair, void (*what)(problem *p, grad_report *r))
{
    const grad_report r = solve(pair, what);
    return r.checked && !r.wrong ? "green" : "absent";
}

static const char *measured_table(void)
{
    static char text[MOST_TEXT];
    size_t used = (size_t)snprintf(text, sizeof text, "%s\n| score x align | forward | backward | step |\n|---|---|---|---|\n", begin_mark);
    const attention_pair *pair;
    for (int i = 0; (pair = attention_pair_at(i)) && used < sizeof text; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "| %s | %s | %s | %s |\n", pair->c.name, colour(pair, grad_check_forward),
                                 colour(pair, check_slope_and_gradient), colour(pair, check_step));
    return text;
}

static char *read_text(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *text = calloc(MOST_TEXT, 1);
    if (f && text) text[fread(text, 1, MOST_TEXT - 1, f)] = 0;
    if (!f) {
        free(text);
        return NULL;
    }
    fclose(f);
    return text;
}

static void the_page_says_what_was_measured(void **state)
{
    (void)state;
    const char *source = getenv("HEED_SOURCE");
    char path[4096];
    snprintf(path, sizeof path, "%s/docs/attention.md", source ? source : ".");
    char *page = read_text(path);
    if (!page) fail_msg("%s cannot be read", path);
    const char *begin = strstr(page, begin_mark), *end = begin ? strstr(begin, end_mark) : NULL, *table = measured_table();
    const bool same = end && (size_t)(end - begin) == strlen(table) && !memcmp(begin, table, strlen(table));
    free(page);
    if (!same) fail_msg("the table of %s is not what was measured; write it anew: test_attention --write %s", path, path);
}

static int write_table(const char *path)
{
    char *page = read_text(path);
    char *begin = page ? strstr(page, begin_mark) : NULL, *end = begin ? strstr(begin, end_mark) : NULL;
    FILE *f = end ? fopen(path, "wb") : NULL;
    if (f) fprintf(f, "%.*s%s%s", (int)(begin - page), page, measured_table(), end);
    else fprintf(stderr, "%s: cannot be read or written, or has no markers\n", path);
    const bool written = f && fclose(f) == 0;
    free(page);
    return written ? 0 : 1;
}

/* --- the list ---------------------------------------------------------------------------------------------------------------------------------------- */

static struct CMUnitTest tests[MOST_TESTS];
static char names[MOST_TESTS][128];
static size_t count;

static void append(const attention_pair *pair, const char *name, CMUnitTestFunction f)
{
    snprintf(names[count], sizeof names[count], "test_attention__%s%s%s", pair ? pair->c.name : "", pair ? ": " : "", name);
    tests[count] = (struct CMUnitTest){names[count], f, NULL, NULL, (void *)pair};
    count++;
}

#define APPEND(pair, f) append(pair, #f, f)

static bool is_named(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], name)) return true;
    return argc == 1;
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "--table")) return printf("%s%s\n", measured_table(), end_mark) < 0;
    if (argc == 3 && !strcmp(argv[1], "--write")) return write_table(argv[2]);
    const attention_pair *pair;
    for (int i = 0; (pair = attention_pair_at(i)); i++) {
        if (!is_named(pair->score, argc, argv)) continue;
        APPEND(pair, forward_lies_within_the_bound);
        APPEND(pair, backward_is_the_slope_and_lies_within_the_bound);
        APPEND(pair, a_step_is_a_row_of_the_whole_bit_for_bit);
        APPEND(pair, weights_asked_for_afterwards_are_those_of_the_reference);
        APPEND(pair, a_query_without_keys_gives_zeros_and_no_gradient);
    }
    if (argc == 1) APPEND(NULL, the_page_says_what_was_measured);
    return count ? _cmocka_run_group_tests("attention", tests, count, NULL, NULL) : 2;
}
