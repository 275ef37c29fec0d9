/* Decoding of heed/attention.h by every instruction set of this machine, against the double reference over what the cache holds: caches of all types, in a block of
 * ours or in the caller's order, with and without a table of rows. Then its promises: bits, missing keys, NaN, errors. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "isa/arrays.h"
#include "kernels/attention_decode.h"
#include "support/attention_reference.h"
#include "support/emulator.h"

typedef enum order { ORDER_TABLE, ORDER_FLAT, ORDER_SEQUENCES, ORDERS } order;

/* A problem whose keys and values lie in a cache, and in p->data as the cache has them. */
typedef struct scene {
    attention_problem *p;
    heed_attention_cache cache;
    heed_attention_step step;
    int64_t *row, longest;
    void *memory;
} scene;

static int64_t rows_needed(const heed_attention *a, int64_t *longest)
{
    *longest = 0;
    for (int64_t b = 0; b < a->sequences; b++) {
        const int64_t n = a->key_start[b + 1] - a->key_start[b];
        if (n > *longest) *longest = n;
    }
    return a->key_start[a->sequences];
}

/* Tokens of B sequences side by side: [B, longest, Hk, d], as an engine of one's own may have them. */
static void lay_sequences(scene *s)
{
    heed_attention_cache *c = &s->cache;
    const int64_t n = s->longest, Hk = c->key_heads, d = c->width, dv = c->value_width, B = s->p->is.sequences;
    c->rows = n;
    float *at = s->memory = calloc((size_t)(B * n * Hk * (d + dv + 2) + 1), sizeof *at);
    c->k = (heed_attention_out){at, n * Hk * d, Hk * d, d};
    c->v = (heed_attention_out){at + B * n * Hk * d, n * Hk * dv, Hk * dv, dv};
    c->k_scale = (heed_attention_out){at + B * n * Hk * (d + dv), n * Hk, Hk, 1};
    c->v_scale = (heed_attention_out){at + B * n * Hk * (d + dv + 1), n * Hk, Hk, 1};
}

static void keep_all(scene *s, order how)
{
    const attention_problem *p = s->p;
    const heed_attention *a = &p->is;
    if (how != ORDER_SEQUENCES) {
        assert_int_equal(heed_attention_cache_append(&s->cache, p->keys, s->row, a->type, p->data.k, p->data.v, NULL), HEED_OK);
        return;
    }
    for (int64_t b = 0; b < a->sequences; b++) {
        heed_attention_cache one = s->cache;   /* the rows of one sequence */
        const int64_t bytes = one.type == HEED_F32 ? 4 : one.type == HEED_BF16 ? 2 : 1;
        one.k.x = (char *)one.k.x + b * one.k.sequence * bytes, one.v.x = (char *)one.v.x + b * one.v.sequence * bytes;
        one.k_scale.x = (float *)one.k_scale.x + b * one.k_scale.sequence, one.v_scale.x = (float *)one.v_scale.x + b * one.v_scale.sequence;
        one.k.sequence = one.v.sequence = one.k_scale.sequence = one.v_scale.sequence = 0;
        const int64_t size = a->type == HEED_F32 ? 4 : 2, first = a->key_start[b];
        heed_attention_in k = p->data.k, v = p->data.v;
        k.x = (const char *)k.x + first * k.row * size, v.x = (const char *)v.x + first * v.row * size;
        int64_t *row = malloc((size_t)(s->longest + 1) * sizeof *row);
        for (int64_t i = 0; i < s->longest; i++) row[i] = i;
        assert_int_equal(heed_attention_cache_append(&one, a->key_start[b + 1] - first, row, a->type, k, v, NULL), HEED_OK);
        free(row);
    }
}

static double kept(const heed_attention_cache *c, heed_attention_out x, heed_attention_out scale, int64_t b, int64_t row, int64_t head, int64_t i)
{
    const int64_t at = b * x.sequence + row * x.row + head * x.head + i;
    if (c->type != HEED_INT8) return attention_read(c->type, x.x, at);
    return (double)((const float *)scale.x)[b * scale.sequence + row * scale.row + head * scale.head] * ((const int8_t *)x.x)[at];
}

/* p->data gets what the cache holds. */
static void read_back(scene *s, order how)
{
    const heed_attention *a = &s->p->is;
    const heed_attention_cache *c = &s->cache;
    for (int64_t b = 0; b < a->sequences; b++)
        for (int64_t j = a->key_start[b]; j < a->key_start[b + 1]; j++)
            for (int64_t h = 0; h < c->key_heads; h++) {
                const int64_t row = how == ORDER_SEQUENCES ? j - a->key_start[b] : s->row[j];
                const heed_attention_in k = s->p->data.k, v = s->p->data.v;
                for (int64_t i = 0; i < c->width; i++) attention_write(a->type, (void *)k.x, j * k.row + h * k.head + i, kept(c, c->k, c->k_scale, b, row, h, i));
                for (int64_t i = 0; i < c->value_width; i++) attention_write(a->type, (void *)v.x, j * v.row + h * v.head + i, kept(c, c->v, c->v_scale, b, row, h, i));
            }
}

static scene scene_of(const attention_recipe *r, uint64_t key, heed_number type, order how)
{
    scene s = {.p = attention_problem_new(r, key)};
    const heed_attention *a = &s.p->is;
    const int64_t rows = rows_needed(a, &s.longest);
    s.cache = (heed_attention_cache){.type = type, .key_heads = attention_key_heads(a), .width = a->width, .value_width = attention_value_width(a), .rows = rows + 3};
    s.row = malloc((size_t)(rows + 1) * sizeof *s.row);
    for (int64_t i = 0; i < rows; i++) s.row[i] = how == ORDER_TABLE ? rows + 2 - i : i;
    if (how == ORDER_SEQUENCES && s.longest > 0) lay_sequences(&s);
    else heed_attention_cache_lay(&s.cache, s.memory = malloc(heed_attention_cache_bytes(&s.cache)));
    if (rows) keep_all(&s, how), read_back(&s, how);
    s.step = (heed_attention_step){.row = how == ORDER_TABLE ? s.row : NULL, .q = s.p->data.q, .out = s.p->data.out, .saved = s.p->data.saved};
    return s;
}

static void scene_free(scene *s)
{
    attention_problem_free(s->p);
    free(s->row), free(s->memory);
}

static heed_attention_step step_of(const scene *s)
{
    heed_attention_step step = s->step;
    step.cache = &s->cache;
    return step;
}

static void decode(const scene *s, const heed_kernels *kernels)
{
    const size_t bytes = heed_attention_decode_bytes(&s->p->is);
    void *scratch = malloc(bytes);
    heed_error err;
    const heed_attention_step step = step_of(s);
    if (heed_attention_decode_by(kernels, &s->p->is, &step, scratch, bytes, &err)) fail_msg("%s", err.text);
    free(scratch);
}

/* What decoding has of a drawn recipe. */
static attention_recipe recipe_of(uint64_t key, int64_t most, int64_t width)
{
    attention_recipe r = attention_recipe_draw(key, most, width);
    if (r.is.score == HEED_ATTENTION_COSINE) r.is.score = HEED_ATTENTION_DOT;
    if (r.is.align > HEED_ALIGN_block_sparse) r.is.align = HEED_ALIGN_everything;
    r.is.rotary = r.is.dropout = 0;
    r.layout = ATTENTION_ROWS;
    r.has_position = true;
    return r;
}

static void assert_within(const char *what, const char *text, const char *isa, attention_error got, attention_error naive, double floor)
{
    if (!(got.mean <= 2 * naive.mean + floor && got.greatest <= 4 * naive.greatest + floor))
        fail_msg("%s of %s, %s: errors %g and at most %g, naive %g and %g", what, text, isa, got.mean, got.greatest, naive.mean, naive.greatest);
}

/* What a score may err by where int8 keys meet queries in 16 bits: half a step of the greatest |q| for each |k|. */
static double coarseness(const attention_problem *p)
{
    const heed_attention *a = &p->is;
    double q = 0, k = 0, factor = a->factor ? 0 : 1;
    for (int64_t i = 0; i < p->queries * a->heads * a->width; i++) q = fmax(q, fabs(attention_read(a->type, p->data.q.x, i)));
    for (int64_t row = 0; row < p->keys * attention_key_heads(a); row++) {
        double sum = 0;
        for (int64_t i = 0; i < a->width; i++) sum += fabs(attention_read(a->type, p->data.k.x, row * a->width + i));
        k = fmax(k, sum);
    }
    for (int64_t h = 0; a->factor && h < a->heads; h++) factor = fmax(factor, fabs(a->factor[h]));
    return (a->scale != 0 ? a->scale : 1 / sqrt((double)a->width)) * factor * q / (2 * HEED_DECODE_STEPS) * k;
}

static double greatest_value(const attention_problem *p)
{
    double most = 0;
    for (int64_t i = 0; i < p->keys * attention_key_heads(&p->is) * attention_value_width(&p->is); i++) most = fmax(most, fabs(attention_read(p->is.type, p->data.v.x, i)));
    return most;
}

static void check_recipe(attention_recipe r, uint64_t key, heed_number type, order how)
{
    if (r.is.type == HEED_BF16 && type != HEED_BF16) r.is.type = HEED_F32;
    scene s = scene_of(&r, key, type, how);
    char text[600];
    attention_recipe_print(&r, text, sizeof text);
    attention_results want = attention_reference(&s.p->is, &s.p->data, NULL);
    attention_results naive = attention_naive(&s.p->is, &s.p->data, NULL);
    const int64_t H = attention_heads(&s.p->is), dv = attention_value_width(&s.p->is), n = s.p->queries * H;
    const double coarse = type == HEED_INT8 && r.is.score == HEED_ATTENTION_DOT ? coarseness(s.p) : 0;
    double *out = malloc((size_t)(n * dv + 1) * sizeof *out), *saved = malloc((size_t)(n + 1) * sizeof *saved);
    for (int i = 0; heed_kernels_at(i); i++) {
        decode(&s, heed_kernels_at(i));
        attention_gather(s.p, s.p->is.query_start, (heed_attention_in){s.step.out.x, s.step.out.sequence, s.step.out.row, s.step.out.head}, H, dv, out);
        for (int64_t l = 0; l < n; l++) saved[l] = s.step.saved[l];
        const char *isa = heed_kernels_at(i)->isa;
        assert_within("out", text, isa, attention_error_of(out, want.out, n * dv), attention_error_of(naive.out, want.out, n * dv), 4 * HEED_U + 2 * coarse * greatest_value(s.p));
        assert_within("saved", text, isa, attention_error_of(saved, want.saved, n), attention_error_of(naive.saved, want.saved, n), 8 * HEED_U + coarse);
    }
    free(out), free(saved);
    attention_results_free(&want), attention_results_free(&naive);
    scene_free(&s);
}

static void check(uint64_t key, int64_t most, int64_t width, heed_number type, order how) { check_recipe(recipe_of(key, most, width), key, type, how); }

static void test_attention_decode__errs_no_more_than_twice_the_naive_form(void **state)
{
    (void)state;
    for (uint64_t key = 0; key < emulated_share(240); key++) check(key, 20, 40, (heed_number)(key % 3), (order)(key / 3 % ORDERS));
    for (uint64_t key = 0; key < emulated_share(24); key++) check(1000 + key, 40, 300, (heed_number)(key % 3), (order)(key / 3 % ORDERS));
}

static void test_attention_decode__joins_chunks_of_long_sequences(void **state)
{
    (void)state;
    for (uint64_t key = 0; key < emulated_share(12); key++) check(2000 + key, 1300, 20, (heed_number)(key % 3), (order)(key / 3 % ORDERS));
}

/* Widths that are read without a loop, and one whose whole sums do not fit into 32 bits; one, two and four queries that share keys. */
static void test_attention_decode__has_forms_of_its_own_for_common_widths(void **state)
{
    (void)state;
    static const int64_t widths[] = {64, 128, 64 * 10 + 3};
    for (uint64_t key = 0; key < 54; key++) {
        attention_recipe r = recipe_of(3000 + key, 90, 20);
        if (r.is.score == HEED_ATTENTION_ADDITIVE) continue;
        r.is.key_heads = 2, r.is.heads = key % 3 == 2 ? 8 : 2 << (key % 3);
        r.is.width = widths[key / 3 % 3], r.is.value_width = widths[key / 2 % 3];
        r.is.type = key % 2 ? HEED_BF16 : HEED_F32;
        check_recipe(r, 3000 + key, (heed_number)(key / 9 % 3), (order)(key % ORDERS));
    }
}

/* --- one query and many -------------------------------------------------------------------------------------------------------------------- */

enum { QUERIES = 6, HEADS = 4, WIDE = 100, KEYS = 1100 };

static attention_recipe recipe_plain(int64_t queries, int64_t keys)
{
    return (attention_recipe){.is = {.heads = HEADS, .key_heads = 2, .width = WIDE, .sequences = 3, .align = HEED_ALIGN_causal, .threads = 1},
                              .queries = {1, queries, 2},
                              .keys = {5, keys, 600}};
}

static void test_attention_decode__gives_the_same_bits_for_any_threads_table_and_company(void **state)
{
    (void)state;
    attention_recipe r = recipe_plain(QUERIES, KEYS);
    for (int kind = HEED_F32; kind <= 2 * HEED_INT8 + 3; kind++)
        for (int i = 0; heed_kernels_at(i); i++) {
            const bool half = kind % (HEED_INT8 + 2) > HEED_INT8;     /* bf16 queries too */
            r.is.key_heads = kind > HEED_INT8 + 1 ? 1 : 2;            /* four queries a key, or two */
            const heed_number type = half ? HEED_BF16 : (heed_number)(kind % (HEED_INT8 + 2));
            r.is.type = half ? HEED_BF16 : HEED_F32;
            scene s = scene_of(&r, 7, type, ORDER_TABLE), flat = scene_of(&r, 7, type, ORDER_FLAT), blocks = scene_of(&r, 7, type, ORDER_SEQUENCES);
            const int64_t one = HEADS * WIDE / (half ? 2 : 1), n = s.p->queries * one;      /* floats, or places of two bf16 */
            decode(&s, heed_kernels_at(i));
            float *once = array_copy(s.step.out.x, n);
            for (int threads = 2; threads <= 8; threads += threads == 3 ? 5 : 1) {
                s.p->is.threads = threads;
                decode(&s, heed_kernels_at(i));
                assert_same_bits(s.step.out.x, once, n);
            }
            decode(&flat, heed_kernels_at(i)), decode(&blocks, heed_kernels_at(i));
            assert_same_bits(flat.step.out.x, once, n);
            assert_same_bits(blocks.step.out.x, once, n);
            /* the fourth query of the second sequence, alone */
            heed_attention alone = s.p->is;
            const int64_t position = KEYS - QUERIES + 3;
            alone.sequences = 1;
            alone.query_start = (const int64_t[]){0, 1}, alone.key_start = s.p->is.key_start + 1, alone.position = &position;
            heed_attention_step step = step_of(&s);
            float *out = array_of(1, one, 1);
            step.q.x = (const float *)s.step.q.x + 4 * one;
            step.out.x = out, step.saved = NULL;
            char scratch[1 << 16];
            assert_int_equal(heed_attention_decode_by(heed_kernels_at(i), &alone, &step, scratch, sizeof scratch, NULL), HEED_OK);
            assert_same_bits(out, once + 4 * one, one);
            array_done(once, n), array_done(out, one);
            scene_free(&s), scene_free(&flat), scene_free(&blocks);
        }
}

static void test_attention_decode__without_a_key_gives_zeros_and_nan_stays_where_it_is(void **state)
{
    (void)state;
    attention_recipe r = recipe_plain(2, 600);
    r.keys[0] = 0;
    for (int i = 0; heed_kernels_at(i); i++) {
        scene s = scene_of(&r, 3, HEED_F32, ORDER_FLAT);
        float *v = (float *)s.cache.v.x + 550 * s.cache.v.row + 1;       /* of the second sequence, first head of keys */
        *v = NAN;
        decode(&s, heed_kernels_at(i));
        const float *out = s.step.out.x;
        for (int64_t l = 0; l < HEADS * WIDE; l++) assert_true(out[l] == 0);
        for (int64_t h = 0; h < HEADS; h++) assert_true(s.step.saved[h] == -INFINITY);
        for (int64_t l = HEADS * WIDE; l < 5 * HEADS * WIDE; l++)
            assert_true(isnan(out[l]) == (l < 3 * HEADS * WIDE && l % (HEADS * WIDE) < 2 * WIDE && l % WIDE == 1));
        scene_free(&s);
    }
}

static void test_attention_decode__takes_the_last_queries_where_no_position_is_given(void **state)
{
    (void)state;
    const attention_recipe r = recipe_plain(3, 40);
    scene s = scene_of(&r, 5, HEED_F32, ORDER_FLAT);
    const int64_t position[] = {4, 37, 598}, n = s.p->queries * HEADS * WIDE;
    decode(&s, heed_kernels_get());
    float *want = array_copy(s.step.out.x, n);
    s.p->is.position = position;
    decode(&s, heed_kernels_get());
    assert_same_bits(s.step.out.x, want, n);
    array_done(want, n);
    scene_free(&s);
}

/* --- caches and errors --------------------------------------------------------------------------------------------------------------------- */

static void test_attention_cache__rounds_to_half_a_step_and_marks_what_is_not_finite(void **state)
{
    (void)state;
    enum { D = 5 };
    heed_attention_cache c = {.type = HEED_INT8, .key_heads = 1, .width = D, .rows = 3};
    heed_attention_cache_lay(&c, malloc(heed_attention_cache_bytes(&c)));
    const float x[3][D] = {{0.5F, -2, 1.25F, 0, 0.013F}, {0, 0, 0, 0, 0}, {1, NAN, 2, 3, 4}};
    const heed_attention_in in = {x, 0, D, D};
    assert_int_equal(heed_attention_cache_append(&c, 3, (const int64_t[]){2, 0, 1}, HEED_F32, in, in, NULL), HEED_OK);
    const int8_t *k = c.k.x;
    const float *scale = c.k_scale.x;
    for (int i = 0; i < D; i++) {
        assert_true(fabsf(scale[2] * k[2 * D + i] - x[0][i]) <= 0.51F * 2 / 127);
        assert_true(k[i] == 0);
        assert_true(isnan(scale[1] * k[D + i]));
    }
    assert_true(k[2 * D + 1] == -127 && scale[0] == 0);
    free(c.k.x);
}

static void refuses(const scene *s, const char *words)
{
    char scratch[1 << 16];
    heed_error err = {.text = ""};
    const heed_attention_step step = step_of(s);
    const heed_status status = heed_attention_decode(&s->p->is, &step, scratch, sizeof scratch, &err);
    if (status != HEED_E_SHAPE || !strstr(err.text, words)) fail_msg("status %d, \"%s\" instead of \"%s\"", (int)status, err.text, words);
}

static void test_attention_decode__refuses_what_does_not_fit(void **state)
{
    (void)state;
    const attention_recipe r = recipe_plain(1, 20);
    scene s = scene_of(&r, 5, HEED_INT8, ORDER_TABLE);
    const heed_attention is = s.p->is;
    const heed_attention_cache cache = s.cache;
    s.row[3] = s.cache.rows, refuses(&s, "outside the cache"), s.row[3] = -1, refuses(&s, "outside the cache"), s.row[3] = 0;
    s.p->is.align = HEED_ALIGN_sparsemax, refuses(&s, "softmax alone"), s.p->is = is;
    s.p->is.rotary = 10000, refuses(&s, "turn (rotary)"), s.p->is = is;
    s.p->is.score = HEED_ATTENTION_COSINE, refuses(&s, "normalise"), s.p->is = is;
    s.p->is.dropout = 0.1F, s.p->is.record = (const uint64_t[]){1, 2, 3}, refuses(&s, "no dropout"), s.p->is = is;
    s.p->is.width = WIDE - 1, refuses(&s, "the settings say"), s.p->is = is;
    s.cache.k_scale.x = NULL, refuses(&s, "without k_scale"), s.cache = cache;
    s.cache.k.x = NULL, refuses(&s, "without memory"), s.cache = cache;
    s.cache.type = (heed_number)9, refuses(&s, "type 9"), s.cache = cache;
    s.cache.k.sequence = 5, refuses(&s, "only some"), s.cache = cache;
    s.step.row = NULL, s.cache.rows = 20, refuses(&s, "in a cache of 20"), s.cache = cache, s.step.row = s.row;
    s.step.out.head = WIDE - 1, refuses(&s, "overlap"), s.step.out.head = WIDE;
    const heed_attention_step step = step_of(&s);
    assert_int_equal(heed_attention_decode(&s.p->is, &step, NULL, 0, NULL), HEED_E_SHAPE);
    heed_error err;
    assert_int_equal(heed_attention_cache_append(&s.cache, 1, (const int64_t[]){s.cache.rows}, HEED_F32, s.p->data.k, s.p->data.v, &err), HEED_E_SHAPE);
    assert_non_null(strstr(err.text, "token 0 for row"));
    s.cache.width = 1025;
    assert_int_equal(heed_attention_cache_bytes(&s.cache), 0);
    scene_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attention_decode__errs_no_more_than_twice_the_naive_form),
        cmocka_unit_test(test_attention_decode__has_forms_of_its_own_for_common_widths),
        cmocka_unit_test(test_attention_decode__joins_chunks_of_long_sequences),
        cmocka_unit_test(test_attention_decode__gives_the_same_bits_for_any_threads_table_and_company),
        cmocka_unit_test(test_attention_decode__without_a_key_gives_zeros_and_nan_stays_where_it_is),
        cmocka_unit_test(test_attention_decode__takes_the_last_queries_where_no_position_is_given),
        cmocka_unit_test(test_attention_cache__rounds_to_half_a_step_and_marks_what_is_not_finite),
        cmocka_unit_test(test_attention_decode__refuses_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
