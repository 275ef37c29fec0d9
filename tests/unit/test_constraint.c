/* Words that must and must not appear: the automaton against looking for them, the search against all outputs there are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/unicode.h"
#include "kernels/kernels.h"
#include "unit/oracle.h"

enum { MOST_PHRASES = 4, PHRASE = 10, TEXT = 200 };

/* What symbols print: of letters, of words, and of pieces. Their first three are <unk>, <s>, </s>. */
typedef struct script { const char *symbol[V]; bool apart, blocks; int32_t space; } script;
static const script letters = {{"?", "", "", "a", "b", " ", "é"}, false, false, 5};
static const script words = {{"<unk>", "", "", "a", "b", "a!", "ab"}, true, false, -1};
static const script pieces = {{"?", "", "", "▁a", "▁", "b", "a"}, false, true, 4};
static const script *const scripts[] = {&letters, &words, &pieces};

static const char *symbol_text(const void *self, int32_t id) { return ((const script *)self)->symbol[id]; }

typedef struct phrase { int32_t codes[PHRASE], ids[PHRASE]; int64_t count, id_count; } phrase;

typedef struct demand {
    const script *script;
    heed_spelling spelling;
    phrase must[MOST_PHRASES], never[MOST_PHRASES];
    heed_phrase musts[MOST_PHRASES], nevers[MOST_PHRASES];
    int64_t must_count, never_count;
    heed_constraints *c;
} demand;

static void add_code(phrase *p, int32_t code)
{
    const bool space = code == ' ' && (p->count == 0 || p->codes[p->count - 1] == ' ');
    if (!space && p->count < PHRASE) p->codes[p->count++] = code;
}

/* One to three symbols, printed. */
static void draw_phrase(phrase *p, const script *s, uint64_t key)
{
    const uint64_t n = 1 + heed_below(key, 0, 3);
    *p = (phrase){.count = 0};
    for (uint64_t i = 0; i < n; i++) {
        const int32_t id = (int32_t)(3 + heed_below(key, 1 + i, V - 3));
        const char *text = s->symbol[id];
        int32_t code;
        p->ids[p->id_count++] = id;
        if (s->apart) add_code(p, ' ');
        for (int size; (size = heed_utf8_next(text, strlen(text), &code)) > 0; text += size) add_code(p, code == 0x2581 ? ' ' : code);
    }
    if (p->count && p->codes[p->count - 1] == ' ') p->count--;
    if (p->count == 0) draw_phrase(p, s, heed_key(key, 99));
}

/* Phrases of the script; ids of some are none of theirs. */
static void draw_demand(demand *d, const script *s, int64_t must, int64_t never, uint64_t key, heed_arena *arena)
{
    *d = (demand){.script = s, .must_count = must, .never_count = never, .spelling = {s, symbol_text, s->apart, s->blocks, s->space}};
    for (int64_t i = 0; i < must; i++) {
        phrase *p = &d->must[i];
        draw_phrase(p, s, heed_key(key, (uint64_t)i));
        while (strcmp(s->symbol[p->ids[p->id_count - 1]], s->blocks ? "▁" : " ") == 0) p->id_count--;
        d->musts[i] = (heed_phrase){p->codes, p->count, p->ids, p->id_count};
    }
    for (int64_t i = 0; i < never; i++) {
        draw_phrase(&d->never[i], s, heed_key(key, 100 + (uint64_t)i));
        d->nevers[i] = (heed_phrase){d->never[i].codes, d->never[i].count, NULL, 0};
    }
    d->c = heed_constraints_new(&d->spelling, d->musts, must, d->nevers, never, arena);
    assert_non_null(d->c);
}

/* --- looking for words, as one would write it down ----------------------------------------------------------------------------------------------- */

typedef struct printed { int32_t codes[TEXT]; int64_t count; } printed;

static printed print_symbols(const script *s, const int32_t *ids, int64_t n)
{
    printed t = {.count = 0};
    for (int64_t i = 0; i < n; i++) {
        const char *text = s->symbol[ids[i]];
        int32_t code;
        if (s->apart && *text && t.count) t.codes[t.count++] = ' ';
        for (int size; (size = heed_utf8_next(text, strlen(text), &code)) > 0; text += size) {
            code = s->blocks && code == 0x2581 ? ' ' : code;
            if (code != ' ' || (t.count && t.codes[t.count - 1] != ' ')) t.codes[t.count++] = code;
        }
    }
    return t;
}

static bool letter(int32_t code) { return code == 'a' || code == 'b' || code == 0xE9; }

static bool holds(const printed *t, const phrase *p)
{
    for (int64_t at = 0; at + p->count <= t->count; at++) {
        const int64_t end = at + p->count;
        if (memcmp(t->codes + at, p->codes, (size_t)p->count * sizeof *p->codes)) continue;
        if (at && letter(t->codes[at - 1]) && letter(t->codes[at])) continue;
        if (end < t->count && letter(t->codes[end - 1]) && letter(t->codes[end])) continue;
        return true;
    }
    return false;
}

static int64_t count_met(const demand *d, const printed *t)
{
    int64_t met = 0;
    for (int64_t i = 0; i < d->must_count; i++) met += holds(t, &d->must[i]);
    return met;
}

static bool any_never(const demand *d, const printed *t)
{
    for (int64_t i = 0; i < d->never_count; i++)
        if (holds(t, &d->never[i])) return true;
    return false;
}

static void test_constraints__see_what_looking_for_words_sees(void **state)
{
    heed_arena *arena = *state;
    int64_t broken = 0, met = 0, all = 0;
    for (uint64_t key = 0; key < 6000; key++) {
        demand d;
        int32_t ids[8];
        const int64_t n = (int64_t)heed_below(key, 0, 9);
        heed_arena_reset(arena);
        draw_demand(&d, scripts[key % 3], (int64_t)(key % 5), (int64_t)(key / 5 % 5), key, arena);
        heed_standing s = {0};
        for (int64_t i = 0; i < n; i++) {
            ids[i] = (int32_t)heed_below(key, 10 + (uint64_t)i, V);
            s = heed_constraints_after(d.c, s, ids[i]);
        }
        s = heed_constraints_end(d.c, s);
        const printed t = print_symbols(d.script, ids, n);
        assert_int_equal(s.broken, any_never(&d, &t));
        for (int64_t i = 0; i < d.must_count; i++) assert_int_equal(s.met >> i & 1, holds(&t, &d.must[i]));
        broken += s.broken;
        met += s.met != 0;
        all++;
    }
    assert_true(broken > all / 10 && met > all / 10);
}

static void test_joined__words_end_where_scripts_say(void **state)
{
    (void)state;
    static const struct { int32_t a, b; bool joined; } rows[] = {{'a', 'b', true}, {'a', '1', true}, {'a', ' ', false}, {'-', 'a', false}, {'e', 0x301, true}, {0xE9, 'a', true},
                                                                  {0x4E2D, 0x6587, false}, {0x3042, 'a', false}, {0x5D0, 0x5D1, true}, {'a', 0x2019, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) assert_int_equal(heed_unicode_joined(rows[i].a, rows[i].b), rows[i].joined);
}

/* --- the search ---------------------------------------------------------------------------------------------------------------------------------- */

enum { LIMIT = 4, ALL = 1555 };   /* 1 + 6 (1 + 6 (1 + 6 * 7)) outputs of four symbols */

typedef struct line { int32_t ids[LIMIT]; int64_t n, met; double sum, score; bool ended; uint64_t past; } line;

/* Every output that holds no word which never must appear. */
static void list_outputs(const demand *d, const line *x, double penalty, line *out, int64_t *n)
{
    if (x->ended || x->n == LIMIT) {
        const printed t = print_symbols(d->script, x->ids, x->n);
        if (any_never(d, &t)) return;
        out[*n] = *x;
        out[*n].met = count_met(d, &t);
        out[(*n)++].score = x->sum / pow((double)x->n, penalty);
        return;
    }
    line next = *x;
    float logits[V];
    next.past = heed_key(x->past, (uint64_t)(x->n ? x->ids[x->n - 1] : FIRST));
    for (int64_t v = 0; v < V; v++) logits[v] = oracle_logit(next.past, v);
    const float norm = heed_kernels_get()->log_sum_exp(logits, V);
    next.n++;
    for (int32_t v = 0; v < V; v++) {
        next.ids[x->n] = v;
        next.sum = x->sum + (double)(logits[v] - norm);
        next.ended = v == LAST;
        list_outputs(d, &next, penalty, out, n);
    }
}

static int best_first(const void *a, const void *b)
{
    const line *x = a, *y = b;
    if (x->met != y->met) return x->met > y->met ? -1 : 1;
    return (x->score < y->score) - (x->score > y->score);
}

static bool cannot_be(const demand *d, int64_t i)
{
    const printed alone = print_symbols(d->script, d->must[i].ids, d->must[i].id_count);
    return any_never(d, &alone);
}

typedef struct table { oracle o; heed_quest q; heed_arena *arena; } table;

static void search_for(table *t, const demand *d, uint64_t key, int64_t beam, int64_t most, double penalty, int64_t limit)
{
    const heed_search s = {&t->o, V, FIRST, LAST, oracle_logits, oracle_rank, NULL, oracle_select};
    t->o.calls = t->o.fail_at = 0;
    t->o.rows = 1;
    t->o.past[0] = key;
    t->q = (heed_quest){.limit = limit, .most = most, .constraints = d->c};
    assert_true(heed_search_run(&s, &(heed_search_options){.beam = beam, .length_penalty = penalty}, &t->q, 1, t->arena));
    assert_true(t->q.found >= 1 && t->q.found <= most);
}

static void expect_line(const heed_hypothesis *h, const line *want)
{
    assert_int_equal(h->n, want->n);
    assert_memory_equal(h->ids, want->ids, (size_t)h->n * sizeof *h->ids);
    assert_int_equal(h->ended, want->ended);
    assert_true(h->score == want->score);
}

/* As wide as all outputs: the best of all that hold what they must, best first; where none does, of those that hold most. */
static void test_beam__as_wide_as_all_outputs_finds_the_best_that_obey(void **state)
{
    table *t = calloc(1, sizeof *t);
    static line all[ALL];
    int64_t without = 0;
    t->arena = *state;
    for (uint64_t key = 0; key < 90; key++) {
        demand d;
        int64_t n = 0, obey = 0, must = 0;
        const double penalty = 0.5 * (double)(key % 4);
        heed_arena_reset(t->arena);
        draw_demand(&d, scripts[key % 3], 1 + (int64_t)(key / 3 % 3), (int64_t)(key / 9 % 3), 500 + key, t->arena);
        list_outputs(&d, &(line){.past = key}, penalty, all, &n);
        assert_true(n > 0);
        for (int64_t i = 0; i < d.must_count; i++) must += !cannot_be(&d, i);
        qsort(all, (size_t)n, sizeof *all, best_first);
        while (obey < n && all[obey].met == must) obey++;
        search_for(t, &d, key, ALL, 20, penalty, LIMIT);
        for (int64_t i = 0; i < t->q.found; i++) expect_line(&t->q.best[i], &all[i]);
        assert_int_equal(t->q.found, obey && obey < 20 ? obey : n < 20 ? n : 20);
        without += !obey;
    }
    assert_true(without > 0 && without < 45);
    free(t);
}

/* A beam with a place for each number of symbols written finds room for all words that it must hold. */
static void test_beam__holds_what_it_must_and_nothing_that_it_must_not(void **state)
{
    table *t = calloc(1, sizeof *t);
    int64_t ended = 0;
    t->arena = *state;
    for (uint64_t key = 0; key < 1200; key++) {
        demand d;
        const bool must_only = key % 2;
        heed_arena_reset(t->arena);
        draw_demand(&d, scripts[key / 2 % 3], (int64_t)(key / 6 % 4), must_only ? 0 : 1 + (int64_t)(key / 6 % 3), 9000 + key, t->arena);
        const int64_t symbols = heed_constraints_steps(d.c), beam = symbols + 1 + (int64_t)(key % 5);
        search_for(t, &d, key, beam, beam, 1, 3 * symbols + 8);
        for (int64_t i = 0; i < t->q.found; i++) {
            const heed_hypothesis *h = &t->q.best[i];
            const printed p = print_symbols(d.script, h->ids, h->n);
            assert_false(any_never(&d, &p));
            if (must_only) assert_int_equal(count_met(&d, &p), d.must_count);
            ended += h->ended;
        }
    }
    assert_true(ended > 1500);
    free(t);
}

static void test_search__where_nothing_may_follow_is_cut_before_the_word(void **state)
{
    table *t = calloc(1, sizeof *t);
    heed_arena *arena = t->arena = *state;
    static const script two = {{"", "", "", "a", "a", "a", "a"}, false, false, -1};
    static const int32_t codes[] = {'a', 'a', 'a'};
    const heed_spelling spelling = {&two, symbol_text, false, false, -1};
    const heed_phrase never[] = {{codes, 1, NULL, 0}, {codes, 2, NULL, 0}, {codes, 3, NULL, 0}};
    const demand d = {.c = heed_constraints_new(&spelling, NULL, 0, never, 3, arena)};
    for (uint64_t key = 0; key < 50; key++) {
        search_for(t, &d, key, 1, 1, 1, 3);
        heed_standing s = {0};
        for (int64_t i = 0; i < t->q.best[0].n; i++) s = heed_constraints_after(d.c, s, t->q.best[0].ids[i]);
        assert_false(heed_constraints_end(d.c, s).broken);
    }
    free(t);
}

/* Quests of the same model side by side, each with its own beam and words, some without. */
static void test_search__gives_the_same_alone_and_in_company(void **state)
{
    oracle *o = calloc(1, sizeof *o);
    heed_arena *arena = *state;
    const heed_search s = {o, V, FIRST, LAST, oracle_logits, oracle_rank, NULL, oracle_select};
    const heed_search_options how = {.beam = 2, .length_penalty = 1};
    for (uint64_t key = 0; key < 60; key++) {
        demand d[QUESTS];
        heed_quest q[QUESTS];
        heed_arena_reset(arena);
        for (uint64_t i = 0; i < QUESTS; i++) {
            draw_demand(&d[i], scripts[(key + i) % 3], (int64_t)(i % 3), (int64_t)(key % 2), 70 * key + i, arena);
            q[i] = (heed_quest){.limit = 4 + (int64_t)i, .most = 2, .beam = i % 3 ? heed_constraints_steps(d[i].c) + 1 + (int64_t)i : 0, .constraints = i % 3 || key % 2 ? d[i].c : NULL};
            o->past[i] = heed_key(key, i);
        }
        o->rows = QUESTS;
        assert_true(heed_search_run(&s, &how, q, QUESTS, arena));
        for (uint64_t i = 0; i < QUESTS; i++) {
            heed_quest alone = q[i];
            o->past[0] = heed_key(key, i);
            o->rows = 1;
            assert_true(heed_search_run(&s, &how, &alone, 1, arena));
            assert_int_equal(alone.found, q[i].found);
            for (int64_t k = 0; k < alone.found; k++) {
                assert_int_equal(alone.best[k].n, q[i].best[k].n);
                assert_memory_equal(&alone.best[k].score, &q[i].best[k].score, sizeof(double));
                assert_memory_equal(alone.best[k].ids, q[i].best[k].ids, (size_t)alone.best[k].n * sizeof(int32_t));
            }
        }
    }
    free(o);
}

/* Several quests of one memory are as many memories that are equal. */
static void test_quests__may_share_a_memory(void **state)
{
    oracle *o = calloc(1, sizeof *o);
    heed_arena *arena = *state;
    const heed_search s = {o, V, FIRST, LAST, oracle_logits, oracle_rank, NULL, oracle_select};
    static const int64_t memory[] = {2, 0, 0, 1, 2};
    heed_quest shared[5], apart[5];
    for (int64_t i = 0; i < 5; i++) shared[i] = apart[i] = (heed_quest){.limit = 6, .most = 3, .memory = memory[i]};
    for (uint64_t i = 0; i < 3; i++) o->past[i] = heed_key(3, i);
    o->rows = 3;
    assert_true(heed_search_run(&s, &(heed_search_options){.beam = 3, .length_penalty = 1, .memories = 3}, shared, 5, arena));
    for (uint64_t i = 0; i < 5; i++) o->past[i] = heed_key(3, (uint64_t)memory[i]);
    o->rows = 5;
    assert_true(heed_search_run(&s, &(heed_search_options){.beam = 3, .length_penalty = 1}, apart, 5, arena));
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < 3; k++) {
            assert_true(shared[i].best[k].score == apart[i].best[k].score);
            assert_int_equal(shared[i].best[k].n, apart[i].best[k].n);
        }
    free(o);
}

static int begin(void **state) { return (*state = heed_arena_new(0)) ? 0 : -1; }
static int end(void **state) { return heed_arena_free(*state), 0; }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_constraints__see_what_looking_for_words_sees, begin, end),
        cmocka_unit_test(test_joined__words_end_where_scripts_say),
        cmocka_unit_test_setup_teardown(test_beam__as_wide_as_all_outputs_finds_the_best_that_obey, begin, end),
        cmocka_unit_test_setup_teardown(test_beam__holds_what_it_must_and_nothing_that_it_must_not, begin, end),
        cmocka_unit_test_setup_teardown(test_search__where_nothing_may_follow_is_cut_before_the_word, begin, end),
        cmocka_unit_test_setup_teardown(test_search__gives_the_same_alone_and_in_company, begin, end),
        cmocka_unit_test_setup_teardown(test_quests__may_share_a_memory, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
