/* heed/attention.h with a score of one's own: what an additive score is when it is written as one is held against that score's reference in double, and a score that
 * looks at no key against its formula. */
#include <math.h>
#include <string.h>

#include "isa/attention_calls.h"

/* --- v.tanh(q + k), v: extra ------------------------------------------------------------------------------------------------------------------ */

static const float *key_of(const heed_meeting *m, int64_t j) { return m->k + (m->row ? m->row[j] : j) * m->ld; }

static void additive(const heed_meeting *m, float *s)
{
    for (int64_t j = 0; j < m->n; j++) {
        float sum = 0;
        for (int64_t l = 0; l < m->d; l++) sum += m->extra[l] * tanhf(m->q[l] + key_of(m, j)[l]);
        s[j] = m->scale * sum;
    }
}

static void additive_back(const heed_meeting *m, const float *ds, float *dq, float *dk, float *dextra)
{
    for (int64_t j = 0; j < m->n; j++)
        for (int64_t l = 0; l < m->d; l++) {
            const float t = tanhf(m->q[l] + key_of(m, j)[l]), slope = m->scale * ds[j] * m->extra[l] * (1 - t * t);
            dq[l] += slope;
            if (dk) dk[j * m->ld + l] += slope;
            dextra[l] += m->scale * ds[j] * t;
        }
}

static const heed_pair_score own_additive = {.forward = additive, .backward = additive_back};

static attention_recipe recipe(int64_t queries, int64_t keys, int64_t width, heed_align align)
{
    return (attention_recipe){.is = {.score = HEED_ATTENTION_ADDITIVE, .align = align, .window = 5, .heads = 4, .key_heads = 2, .width = width, .sequences = 2, .scale = 0.7F,
                                     .threads = 1},
                              .queries = {queries, 3}, .keys = {keys, 2}};
}

static attention_problem own_of(const attention_problem *p)
{
    attention_problem own = *p;
    own.is.score = HEED_ATTENTION_DOT, own.is.additive = NULL;
    own.is.pair = &own_additive, own.is.extra = p->is.additive, own.is.extras = p->is.width;
    own.to.additive = NULL, own.to.extra = p->to.additive;
    return own;
}

static void hold_own(const attention_recipe *r, uint64_t key)
{
    char words[1000];
    attention_recipe_print(r, words, sizeof words);
    attention_problem *p = attention_problem_new(r, key);
    const attention_problem own = own_of(p);
    attention_hold_as(p, &own, attention_weighing(&r->is) != HEED_WEIGHING_hard, words);
    attention_problem_free(p);
}

static void test_attention_own__is_what_it_says_at_odd_lengths_and_widths(void **state)
{
    (void)state;
    static const int64_t lengths[] = {1, 2, 15, 16, 17, 33, 65}, widths[] = {1, 3, 8, 17};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        for (size_t j = 0; j < sizeof widths / sizeof *widths; j++) {
            const attention_recipe r = recipe(lengths[i], lengths[sizeof lengths / sizeof *lengths - 1 - i], widths[j], j % 2 ? HEED_ALIGN_causal : HEED_ALIGN_everything);
            hold_own(&r, i + 10 * j);
        }
}

static void test_attention_own__goes_with_every_alignment_and_term(void **state)
{
    (void)state;
    for (int align = 0; align < HEED_ALIGN_COUNT; align++)
        for (int which = 0; which < 8; which++) {
            attention_recipe r = recipe(19, 24, 6, (heed_align)align);
            r.has_factor = r.has_slope = which & 1, r.has_relative = which & 2, r.is.reach = 7, r.is.cap = which & 4 ? 1.5F : 0;
            r.is.dropout = which == 3 ? 0.3F : 0, r.is.seed = 4, r.layout = (attention_layout)(which % ATTENTION_LAYOUTS);
            hold_own(&r, (uint64_t)which);
        }
}

static void test_attention_own__is_said_to_go_row_by_row(void **state)
{
    (void)state;
    const attention_recipe r = recipe(5, 6, 4, HEED_ALIGN_everything);
    attention_problem *p = attention_problem_new(&r, 1);
    const attention_problem own = own_of(p);
    heed_attention_plan plan;
    assert_int_equal(heed_attention_plan_of(&own.is, &plan, NULL), HEED_OK);
    assert_non_null(plan.slow);
    assert_non_null(strstr(plan.kernel, "rows"));
    attention_problem_free(p);
}

/* --- a score that looks at no key: q_0 times the key's number -------------------------------------------------------------------------------------- */

static void place(const heed_meeting *m, float *s)
{
    for (int64_t j = 0; j < m->n; j++) s[j] = m->scale * m->q[0] * (float)(m->first + j);
}

static void place_back(const heed_meeting *m, const float *ds, float *dq, float *dk, float *dextra)
{
    (void)dk, (void)dextra;
    for (int64_t j = 0; j < m->n; j++) dq[0] += m->scale * ds[j] * (float)(m->first + j);
}

static const heed_pair_score own_place = {.forward = place, .backward = place_back, .blind = true};

/* Scores up to KEYS err by a rounding, weights by KEYS of that and a few more, sums by one a term; the gradient subtracts two such sums times a place. */
static void test_attention_own__may_look_at_no_key(void **state)
{
    (void)state;
    enum { KEYS = 7 };
    static const int64_t one[] = {0, 1}, keys[] = {0, KEYS};
    const float q[] = {0.3F, 5}, v[KEYS] = {1, -2, 3, 0.5F, -1, 2, 4}, dout[] = {0.8F};
    float out[1], saved[1], dq[2] = {NAN, NAN}, dv[KEYS];
    const attention_problem p = {
        .is = {.heads = 1, .width = 2, .value_width = 1, .sequences = 1, .query_start = one, .key_start = keys, .pair = &own_place, .scale = 1, .threads = 1},
        .data = {.q = {q, 0, 2, 2}, .v = {v, 0, 1, 1}, .out = {out, 0, 1, 1}, .saved = saved},
        .to = {.out = {dout, 0, 1, 1}, .q = {dq, 0, 2, 2}, .v = {dv, 0, 1, 1}}, .queries = 1, .keys = KEYS};
    assert_int_equal(attention_call(&p, false, NULL), HEED_OK);
    assert_int_equal(attention_call(&p, true, NULL), HEED_OK);
    double sum = 0, mean = 0, place_mean = 0, both = 0, w[KEYS];
    for (int j = 0; j < KEYS; j++) sum += w[j] = exp((double)q[0] * j);
    for (int j = 0; j < KEYS; j++) w[j] /= sum, mean += w[j] * v[j], place_mean += w[j] * j, both += w[j] * v[j] * j;
    assert_near(out[0], mean, 4, 4 * KEYS);
    assert_near(saved[0], log(sum), 1, 2 * KEYS);
    assert_near(dq[0], (double)dout[0] * (both - mean * place_mean), 4 * KEYS, 8 * KEYS);
    assert_true(dq[1] == 0);
    for (int j = 0; j < KEYS; j++) assert_near(dv[j], w[j] * dout[0], 1, 4 * KEYS);
}

/* --- what does not fit ------------------------------------------------------------------------------------------------------------------------------ */

static void test_attention_own__is_refused_where_it_means_nothing(void **state)
{
    (void)state;
    static const heed_pair_score one_way = {.forward = additive};
    const attention_recipe r = recipe(5, 6, 4, HEED_ALIGN_everything);
    attention_problem *p = attention_problem_new(&r, 1);
    for (int which = 0; which < 7; which++) {
        heed_error err = {0};
        attention_problem own = own_of(p);
        heed_attention *a = &own.is;
        switch (which) {
        case 0: a->score = HEED_ATTENTION_COSINE; break;
        case 1: a->rotary = 10000; break;
        case 2: a->type = HEED_BF16; break;
        case 3: a->extras = 0; break;
        case 4: a->extras = -1; break;
        case 5: a->pair = &one_way; break;
        case 6: a->additive = a->extra; break;
        }
        for (int backward = 0; backward < 2; backward++) assert_int_equal(attention_call(&own, backward, &err), HEED_E_SHAPE);
        assert_non_null(strstr(err.text, "one's own"));
    }
    attention_problem_free(p);
}

static int group(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attention_own__is_what_it_says_at_odd_lengths_and_widths), cmocka_unit_test(test_attention_own__goes_with_every_alignment_and_term),
        cmocka_unit_test(test_attention_own__is_said_to_go_row_by_row),                  cmocka_unit_test(test_attention_own__may_look_at_no_key),
        cmocka_unit_test(test_attention_own__is_refused_where_it_means_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv) { return attention_each_isa(argc, argv, group); }
