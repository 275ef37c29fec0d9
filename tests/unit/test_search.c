/* The search over a model made of random numbers: greedy against the obvious loop, beams against sorting all continuations and against all outputs, draws
 * against each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"
#include "unit/oracle.h"

/* Quests and the model they are put to, drawn from a key. */
typedef struct game { oracle o; heed_quest q[QUESTS]; int32_t forced[QUESTS][LONGEST]; heed_arena *arena; } game;

/* Limits from 0 to longest. Of four quests one is forced to its end and one has a prefix. */
static void draw_game(game *g, uint64_t key, int64_t longest, int64_t most)
{
    heed_arena_reset(g->arena);
    g->o.calls = g->o.fail_at = 0;
    g->o.rows = QUESTS;
    for (uint64_t i = 0; i < QUESTS; i++) {
        heed_quest *q = &g->q[i];
        g->o.past[i] = heed_key(key, i);
        *q = (heed_quest){.limit = (int64_t)heed_below(key, 100 + i, (uint64_t)longest + 1), .forced = g->forced[i], .record = i, .most = most};
        for (uint64_t k = 0; k < LONGEST; k++) g->forced[i][k] = (int32_t)heed_below(heed_key(key, 200 + i), k, V);
        if (i % 4 == 0) q->forced_count = q->limit;
        if (i % 4 == 1) q->forced_count = q->limit / 3;
    }
}

static bool play(game *g, const heed_search_options *how)
{
    const heed_search s = {&g->o, V, FIRST, LAST, oracle_logits, oracle_rank, NULL, oracle_select};
    return heed_search_run(&s, how, g->q, QUESTS, g->arena);
}

static int begin(void **state)
{
    game *g = calloc(1, sizeof *g);
    if (g) g->arena = heed_arena_new(0);
    *state = g;
    return g && g->arena ? 0 : -1;
}

static int end(void **state)
{
    game *g = *state;
    heed_arena_free(g->arena);
    free(g);
    return 0;
}

/* --- greedy ---------------------------------------------------------------------------------------------------------------------------------- */

/* One record alone, in double. */
static void expect_greedy(const heed_quest *q, uint64_t past)
{
    const heed_hypothesis *h = &q->best[0];
    int32_t before = FIRST;
    double score = 0;
    int64_t n = 0;
    bool ended = false;
    for (; n < q->limit && !ended; n++) {
        past = heed_key(past, (uint64_t)before);
        int64_t best = 0;
        double sum = 0;
        for (int64_t v = 0; v < V; v++) {
            if (oracle_logit(past, v) > oracle_logit(past, best)) best = v;
            sum += exp((double)oracle_logit(past, v));
        }
        before = n < q->forced_count ? q->forced[n] : (int32_t)best;
        const double logp = (double)oracle_logit(past, before) - log(sum);
        assert_int_equal(h->ids[n], before);
        assert_true(fabs((double)h->logp[n] - logp) < 4 * FLT_EPSILON * (16 + fabs(logp)));
        score += (double)h->logp[n];
        ended = before == LAST;
    }
    assert_int_equal(q->found, 1);
    assert_int_equal(h->n, n);
    assert_int_equal(h->ended, ended);
    assert_true(h->score == score);
}

static void test_greedy__takes_what_a_record_alone_would(void **state)
{
    game *g = *state;
    for (uint64_t key = 0; key < 300; key++) {
        draw_game(g, key, LONGEST, 1);
        assert_true(play(g, &(heed_search_options){.beam = 1, .length_penalty = 1}));
        for (uint64_t i = 0; i < QUESTS; i++) expect_greedy(&g->q[i], heed_key(key, i));
    }
}

static void test_search__ends_when_the_model_fails(void **state)
{
    game *g = *state;
    const heed_search_options how = {.beam = 3};
    draw_game(g, 5, LONGEST, 3);
    assert_true(play(g, &how));
    const int64_t calls = g->o.calls;
    assert_true(calls > 8);
    for (int64_t i = 1; i <= calls; i++) {
        draw_game(g, 5, LONGEST, 3);
        g->o.fail_at = i;
        assert_false(play(g, &how));
        assert_int_equal(g->o.calls, i);
    }
    const heed_search s = {&g->o, V, FIRST, LAST, oracle_logits, NULL, NULL, oracle_select};
    assert_true(heed_search_run(&s, &how, g->q, 0, g->arena));
}

/* --- beams ---------------------------------------------------------------------------------------------------------------------------------- */

typedef struct line { int32_t ids[LONGEST]; int64_t n, place; uint64_t past; double sum, score; bool ended; float logit; } line;

static int by_sum(const void *a, const void *b)
{
    const line *x = a, *y = b;
    if (x->sum != y->sum) return x->sum > y->sum ? -1 : 1;
    if (x->place != y->place) return x->place < y->place ? -1 : 1;
    if (x->logit != y->logit) return x->logit > y->logit ? -1 : 1;
    return x->ids[x->n - 1] - y->ids[y->n - 1];
}

static int by_score(const void *a, const void *b)
{
    const line *x = a, *y = b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

/* All V continuations of a line. The sum rounds as the search's does. */
static int64_t continue_line(const line *x, int64_t place, line *out)
{
    const uint64_t past = heed_key(x->past, (uint64_t)(x->n ? x->ids[x->n - 1] : FIRST));
    float logits[V];
    for (int64_t v = 0; v < V; v++) logits[v] = oracle_logit(past, v);
    const float norm = heed_kernels_get()->log_sum_exp(logits, V);
    for (int32_t v = 0; v < V; v++) {
        out[v] = *x;
        out[v].past = past;
        out[v].place = place;
        out[v].logit = logits[v];
        out[v].ids[out[v].n++] = v;
        out[v].sum += logits[v] - norm;
        out[v].ended = v == LAST;
    }
    return V;
}

/* The search as one would write it down: sort all continuations, keep the best. Returns how many lines, falling scores. */
static int64_t obvious_beam(const heed_quest *q, uint64_t past, int64_t K, double penalty, line *done)
{
    static line live[WIDEST], all[WIDEST * V];
    int64_t n = 1, found = 0;
    live[0] = (line){.past = past};
    for (int64_t step = 0; step < q->limit && n; step++) {
        int64_t count = 0, room = K - found;
        for (int64_t i = 0; i < n; i++) count += continue_line(&live[i], i, all + count);
        if (step < q->forced_count) all[0] = all[q->forced[step]];
        else qsort(all, (size_t)count, sizeof *all, by_sum);
        if (step < q->forced_count) count = 1;
        n = 0;
        for (int64_t i = 0; i < count && i < room; i++) {
            if (all[i].ended) done[found++] = all[i];
            else live[n++] = all[i];
        }
    }
    for (int64_t i = 0; i < n; i++) done[found++] = live[i];
    for (int64_t i = 0; i < found; i++) {
        done[i].place = i;
        done[i].score = K > 1 && q->forced_count < q->limit ? done[i].sum / pow((double)done[i].n, penalty) : done[i].sum;
    }
    qsort(done, (size_t)found, sizeof *done, by_score);
    return found;
}

static void expect_lines(const heed_quest *q, const line *want, int64_t count)
{
    assert_int_equal(q->found, count < q->most ? count : q->most);
    for (int64_t i = 0; i < q->found; i++) {
        const heed_hypothesis *h = &q->best[i];
        assert_int_equal(h->n, want[i].n);
        for (int64_t k = 0; k < h->n; k++) assert_int_equal(h->ids[k], want[i].ids[k]);
        assert_int_equal(h->ended, want[i].ended);
        assert_true(h->score == want[i].score);
    }
}

static void test_beam__finds_what_sorting_all_continuations_finds(void **state)
{
    game *g = *state;
    static line want[WIDEST];
    static const double penalties[] = {0, 0.6, 1, 2};
    for (uint64_t key = 0; key < 240; key++) {
        const heed_search_options how = {.beam = 1 + (int64_t)key % 6, .length_penalty = penalties[key % 4]};
        draw_game(g, 1000 + key, LONGEST, 1 + (int64_t)(key / 6) % how.beam);
        assert_true(play(g, &how));
        for (uint64_t i = 0; i < QUESTS; i++)
            expect_lines(&g->q[i], want, obvious_beam(&g->q[i], heed_key(1000 + key, i), how.beam, how.length_penalty, want));
    }
}

/* Every output of at most `limit` symbols. */
static void list_outputs(const line *x, int64_t limit, line *out, int64_t *n)
{
    line next[V];
    if (x->ended || x->n == limit) {
        out[(*n)++] = *x;
        return;
    }
    continue_line(x, 0, next);
    for (int64_t v = 0; v < V; v++) list_outputs(&next[v], limit, out, n);
}

static void test_beam__as_wide_as_all_outputs_is_exhaustive(void **state)
{
    game *g = *state;
    static line all[WIDEST];
    for (uint64_t key = 0; key < 40; key++) {
        const heed_search_options how = {.beam = 259, .length_penalty = 0.25 * (double)(key % 8)};   /* 1 + 6 + 6 * 6 * 7 outputs of three symbols */
        draw_game(g, 2000 + key, 3, 259);
        for (int i = 0; i < QUESTS; i++) g->q[i].forced_count = 0;
        assert_true(play(g, &how));
        for (uint64_t i = 0; i < QUESTS; i++) {
            int64_t n = 0;
            list_outputs(&(line){.past = heed_key(2000 + key, i)}, g->q[i].limit, all, &n);
            for (int64_t k = 0; k < n; k++) {
                all[k].score = all[k].n ? all[k].sum / pow((double)all[k].n, how.length_penalty) : 0;
                all[k].place = k;
            }
            qsort(all, (size_t)n, sizeof *all, by_score);
            expect_lines(&g->q[i], all, n);
        }
    }
}

static void test_scores__fall_and_are_sums_by_length(void **state)
{
    game *g = *state;
    for (uint64_t key = 0; key < 60; key++) {
        const heed_search_options how = {.beam = 5, .length_penalty = (double)(key % 5) / 2};
        draw_game(g, 3000 + key, LONGEST, 5);
        assert_true(play(g, &how));
        for (int i = 0; i < QUESTS; i++)
            for (int64_t k = 0; k < g->q[i].found; k++) {
                const heed_hypothesis *h = &g->q[i].best[k];
                double sum = 0;
                for (int64_t t = 0; t < h->n; t++) sum += (double)h->logp[t];
                const double want = g->q[i].forced_count < g->q[i].limit ? sum / pow((double)h->n, how.length_penalty) : sum;
                assert_true(h->score == want);
                if (k) assert_true(h[-1].score >= h->score);
            }
    }
}

/* --- the same bits --------------------------------------------------------------------------------------------------------------------------- */

static void same_quest(const heed_quest *a, const heed_quest *b)
{
    assert_int_equal(a->found, b->found);
    for (int64_t i = 0; i < a->found; i++) {
        assert_int_equal(a->best[i].n, b->best[i].n);
        assert_int_equal(a->best[i].ended, b->best[i].ended);
        assert_memory_equal(&a->best[i].score, &b->best[i].score, sizeof(double));
        assert_memory_equal(a->best[i].ids, b->best[i].ids, (size_t)a->best[i].n * sizeof(int32_t));
        assert_memory_equal(a->best[i].logp, b->best[i].logp, (size_t)a->best[i].n * sizeof(float));
    }
}

static void test_search__gives_the_same_alone_and_in_company(void **state)
{
    game *g = *state;
    static const heed_search_options ways[] = {
        {.beam = 4, .length_penalty = 1}, {.beam = 1}, {.beam = 1, .draws = 3, .draw = {.temperature = 1.5}, .seed = 7}};
    heed_arena *other = heed_arena_new(0);
    const heed_search s = {&g->o, V, FIRST, LAST, oracle_logits, NULL, NULL, oracle_select};
    for (uint64_t key = 0; key < 120; key++) {
        const heed_search_options *how = &ways[key % 3];
        draw_game(g, 4000 + key, LONGEST, 4);
        assert_true(play(g, how));
        for (uint64_t i = 0; i < QUESTS; i++) {
            heed_quest alone = g->q[i];
            g->o.past[0] = heed_key(4000 + key, i);
            g->o.rows = 1;
            assert_true(heed_search_run(&s, how, &alone, 1, other));
            same_quest(&g->q[i], &alone);
        }
        heed_arena_reset(other);
    }
    heed_arena_free(other);
}

/* The rows that a hypothesis names are those that its symbols came from. */
typedef struct trace { oracle *o; float logits[LONGEST][ROWS * V]; int64_t step; } trace;

static float *trace_logits(void *self, const int32_t *before, int64_t n)
{
    trace *t = self;
    float *x = oracle_logits(t->o, before, n);
    return memcpy(t->logits[t->step++], x, (size_t)(n * V) * sizeof *x);
}

static bool trace_select(void *self, const int64_t *rows, int64_t n) { return oracle_select(((trace *)self)->o, rows, n); }

static void test_hypotheses__know_the_rows_they_came_from(void **state)
{
    game *g = *state;
    trace *t = calloc(1, sizeof *t);
    assert_non_null(t);
    t->o = &g->o;
    draw_game(g, 77, LONGEST, 6);
    const heed_search s = {t, V, FIRST, LAST, trace_logits, NULL, NULL, trace_select};
    assert_true(heed_search_run(&s, &(heed_search_options){.beam = 6, .length_penalty = 1}, g->q, QUESTS, g->arena));
    for (int i = 0; i < QUESTS; i++)
        for (int64_t k = 0; k < g->q[i].found; k++) {
            const heed_hypothesis *h = &g->q[i].best[k];
            for (int64_t n = 0; n < h->n; n++) {
                const float *x = t->logits[n] + h->rows[n] * V;
                assert_true(h->logp[n] == x[h->ids[n]] - heed_kernels_get()->log_sum_exp(x, V));
            }
        }
    free(t);
}

/* --- draws ------------------------------------------------------------------------------------------------------------------------------------ */

static void test_draws__differ_by_record_draw_and_seed(void **state)
{
    game *g = *state;
    heed_search_options how = {.beam = 1, .draws = 4, .draw = {.temperature = 1}};
    int64_t same = 0, all = 0;
    for (uint64_t key = 0; key < 30; key++) {
        int32_t first[QUESTS][4];
        for (how.seed = 0; how.seed < 2; how.seed++) {
            draw_game(g, 5000 + key, LONGEST, 4);
            for (int i = 0; i < QUESTS; i++) {
                g->q[i].limit = LONGEST;
                g->q[i].forced_count = 0;
            }
            assert_true(play(g, &how));
            for (int i = 0; i < QUESTS; i++)
                for (int k = 0; k < 4; k++, all++) {
                    const int32_t id = g->q[i].best[k].ids[0];
                    if (how.seed) same += id == first[i][k];
                    else if (k) same += id == first[i][k - 1];
                    first[i][k] = id;
                }
        }
    }
    assert_true(same > all / 10 && same < all * 7 / 10);
}

static void test_draws__begin_with_the_prefix_and_the_first_is_the_only_one(void **state)
{
    game *g = *state;
    heed_search_options how = {.beam = 1, .draws = 5, .draw = {.temperature = 1}, .seed = 3};
    int32_t first[QUESTS][LONGEST];
    for (uint64_t key = 0; key < 30; key++) {
        for (how.draws = 5; how.draws; how.draws = how.draws == 5 ? 1 : 0) {
            draw_game(g, 6000 + key, LONGEST, 5);
            assert_true(play(g, &how));
            for (int i = 0; i < QUESTS; i++) {
                const heed_quest *q = &g->q[i];
                for (int64_t k = 0; k < q->found; k++)
                    for (int64_t t = 0; t < q->forced_count && t < q->best[k].n; t++) assert_int_equal(q->best[k].ids[t], q->forced[t]);
                if (how.draws == 5) memcpy(first[i], q->best[0].ids, (size_t)q->best[0].n * sizeof(int32_t));
                else assert_memory_equal(first[i], q->best[0].ids, (size_t)q->best[0].n * sizeof(int32_t));
            }
        }
    }
}

/* --- numbers that are none -------------------------------------------------------------------------------------------------------------------------- */

static float *broken_logits(void *self, const int32_t *before, int64_t n)
{
    static float x[4 * V];
    (void)self;
    (void)before;
    for (int64_t i = 0; i < n * V; i++) x[i] = i % 3 ? NAN : i % 2 ? -INFINITY : 1;
    return x;
}

static bool any_select(void *self, const int64_t *rows, int64_t n) { return self == NULL && rows && n > 0; }

static void test_search__survives_logits_that_are_no_numbers(void **state)
{
    game *g = *state;
    const heed_search s = {NULL, V, FIRST, LAST, broken_logits, NULL, NULL, any_select};
    for (int64_t K = 1; K <= 4; K++) {
        heed_quest q = {.limit = 5, .most = K};
        assert_true(heed_search_run(&s, &(heed_search_options){.beam = K, .length_penalty = 1}, &q, 1, g->arena));
        assert_true(q.found >= 1);
        for (int64_t i = 0; i < q.best[0].n; i++) assert_true(q.best[0].ids[i] >= 0 && q.best[0].ids[i] < V);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_greedy__takes_what_a_record_alone_would, begin, end),
        cmocka_unit_test_setup_teardown(test_search__ends_when_the_model_fails, begin, end),
        cmocka_unit_test_setup_teardown(test_beam__finds_what_sorting_all_continuations_finds, begin, end),
        cmocka_unit_test_setup_teardown(test_beam__as_wide_as_all_outputs_is_exhaustive, begin, end),
        cmocka_unit_test_setup_teardown(test_scores__fall_and_are_sums_by_length, begin, end),
        cmocka_unit_test_setup_teardown(test_search__gives_the_same_alone_and_in_company, begin, end),
        cmocka_unit_test_setup_teardown(test_hypotheses__know_the_rows_they_came_from, begin, end),
        cmocka_unit_test_setup_teardown(test_draws__differ_by_record_draw_and_seed, begin, end),
        cmocka_unit_test_setup_teardown(test_draws__begin_with_the_prefix_and_the_first_is_the_only_one, begin, end),
        cmocka_unit_test_setup_teardown(test_search__survives_logits_that_are_no_numbers, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
