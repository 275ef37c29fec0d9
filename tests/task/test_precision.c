/* Models whose products multiply fewer bits: an answer has the same bits whatever stands beside it and on any number of threads, as with floats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "kernels/gemm.h"
#include "support/scratch.h"
#include "support/tiny.h"
#include "task/same.h"

enum { ITEMS = 40, LONGEST = 20 };
typedef struct items { char source[ITEMS][LONGEST + 1]; heed_item item[ITEMS]; } items;

static const tiny kinds[] = {
    {.cell = "lstm", .decoder_cell = "lstm", .layers = 2, .order = "order: luong, input_feeding: true", .tie = "output", .decode = ", beam: 3"},
    {.attention = "{score: additive, coverage: true, copy: true}", .target_units = "symbols, lower: true", .decode = ", beam: 2"},
    {.layers = 2, .attention = "{score: scaled}", .encoder = "type: transformer, heads: 2", .decoder = "type: transformer, heads: 3, norm: pre", .decode = ", beam: 4"},
    {.layers = 2, .attention = "{score: dot}", .encoder = "type: conv, embed: 6", .decoder = "type: conv, embed: 6, positions: learned"},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void draw_items(items *x, uint64_t key)
{
    *x = (items){.item = {{0}}};
    for (uint64_t i = 0; i < ITEMS; i++) {
        const uint64_t one = heed_key(key, i), n = heed_below(one, 0, LONGEST + 1);
        for (uint64_t k = 0; k < n; k++) x->source[i][k] = "abcde abcz"[heed_below(one, 1 + k, 10)];
        x->item[i] = (heed_item){.text = x->source[i], .target = i % 5 == 4 ? "A C Z" : NULL};
    }
}

static heed_model *open_as(const char *dir, const char *set)
{
    heed_error err;
    heed_model *m = heed_model_open(dir, &(heed_model_options){.sets = &set, .set_count = 1}, &err);
    if (!m) fail_msg("%s", err.text);
    return m;
}

static heed_reply *ask(const heed_model *m, int threads, int64_t batch, const heed_item *item, int64_t count)
{
    heed_error err;
    heed_session *s = heed_session_new(m, &(heed_session_options){.threads = threads, .batch = batch}, &err);
    heed_reply *r = s ? heed_session_run(s, &(heed_request){.items = item, .count = count, .weights = true}, &err) : NULL;
    if (!r) fail_msg("%s", err.text);
    heed_session_free(s);
    return r;
}

static void same_in_any_company(const heed_model *m, const items *x)
{
    heed_reply *together = ask(m, 1, 64, x->item, ITEMS), *cut = ask(m, 3, 7, x->item, ITEMS);
    for (int64_t i = 0; i < ITEMS; i++) {
        heed_reply *alone = ask(m, 1, 1, &x->item[i], 1);
        same_output(heed_reply_at(together, i), heed_reply_at(cut, i), true);
        same_output(heed_reply_at(together, i), heed_reply_at(alone, 0), true);
        heed_reply_free(alone);
    }
    heed_reply_free(together);
    heed_reply_free(cut);
}

static void test_precision__answers_are_the_same_in_any_company(void **state)
{
    (void)state;
    static const char *const sets[] = {"decode.precision=bf16", "decode.precision=int8"};
    items x;
    draw_items(&x, 17);
    for (int i = 0; i < KINDS; i++) {
        const char *dir = tiny_save(tiny_build(&kinds[i]), "m");
        for (int k = 0; k < 2; k++) {
            heed_model *m = open_as(dir, sets[k]);
            same_in_any_company(m, &x);
            heed_model_close(m);
        }
    }
}

/* A model stored in fewer bits, and one stored as the floats that those stand for, multiply the same numbers. */
static void test_precision__stored_is_the_floats_that_it_stands_for(void **state)
{
    (void)state;
    static const heed_number numbers[] = {HEED_BF16, HEED_INT8};
    items x;
    draw_items(&x, 18);
    for (int k = 0; k < 2; k++) {
        heed_error err;
        heed_model *m = tiny_build(&kinds[2]);
        assert_int_equal(heed_model_save(m, scratch_path("stored"), numbers[k], NULL, &err), HEED_OK);
        heed_model_free(m);
        m = open_as(scratch_path("stored"), k ? "decode.precision=int8" : "decode.precision=bf16");
        heed_model *wide = heed_model_load(scratch_path("stored"), NULL, 0, &err), *floats;
        assert_non_null(wide);
        assert_int_equal(heed_model_save(wide, scratch_path("wide"), HEED_F32, NULL, &err), HEED_OK);   /* the floats that the numbers stand for */
        floats = open_as(scratch_path("wide"), k ? "decode.precision=int8" : "decode.precision=bf16");
        heed_reply *a = ask(m, 1, 64, x.item, ITEMS), *b = ask(floats, 1, 64, x.item, ITEMS);
        for (int64_t i = 0; i < ITEMS; i++) same_output(heed_reply_at(a, i), heed_reply_at(b, i), true);
        heed_reply_free(a);
        heed_reply_free(b);
        heed_model_close(m);
        heed_model_close(wide);
        heed_model_close(floats);
    }
}

/* Where the processor can: other numbers are multiplied, so ln p is near that of floats, but not the same. */
static void test_precision__is_near_floats_and_is_not_them(void **state)
{
    (void)state;
    static const struct { heed_number number; const char *set; double bound; } as[] = {{HEED_BF16, "decode.precision=bf16", 0.2}, {HEED_INT8, "decode.precision=int8", 0.5}};
    items x;
    draw_items(&x, 19);
    for (int64_t i = 0; i < ITEMS; i++) x.item[i].target = "A B C";
    const char *dir = tiny_save(tiny_build(&kinds[0]), "m");
    heed_model *floats = open_as(dir, "decode.precision=f32");
    heed_reply *exact = ask(floats, 1, 64, x.item, ITEMS);
    for (int k = 0; k < 2; k++) {
        if (!heed_gemm_has(as[k].number)) continue;
        heed_model *m = open_as(dir, as[k].set);
        heed_reply *r = ask(m, 1, 64, x.item, ITEMS);
        int64_t other = 0;
        for (int64_t i = 0; i < ITEMS; i++) {
            const double difference = fabs(heed_reply_at(r, i)->score - heed_reply_at(exact, i)->score);
            if (!(difference < as[k].bound)) fail_msg("%s: ln p differs by %g", as[k].set, difference);
            other += difference > 0;
        }
        assert_true(other > ITEMS / 2);
        heed_reply_free(r);
        heed_model_close(m);
    }
    heed_reply_free(exact);
    heed_model_close(floats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_precision__answers_are_the_same_in_any_company),
        cmocka_unit_test(test_precision__stored_is_the_floats_that_it_stands_for),
        cmocka_unit_test(test_precision__is_near_floats_and_is_not_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
