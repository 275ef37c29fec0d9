/* Models opened with settings in the place of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "heed.h"
#include "support/scratch.h"
#include "support/tiny.h"

static const char *saved(void)
{
    static char path[512];
    if (!*path) snprintf(path, sizeof path, "%s", tiny_save(tiny_build(&(tiny){.decode = ", beam: 2, length_penalty: 1"}), "m"));
    return path;
}

static heed_model *opened(const char *const *sets, int count)
{
    heed_error err;
    heed_model *m = heed_model_open(saved(), &(heed_model_options){.sets = sets, .set_count = count}, &err);
    if (!m) fail_msg("%s", err.text);
    return m;
}

static heed_reply *answer(const heed_model *m, const char *text)
{
    heed_error err;
    heed_session *s = heed_session_new(m, &(heed_session_options){.threads = 1}, &err);
    heed_reply *r = heed_session_run(s, &(heed_request){.items = &(heed_item){.text = text}, .count = 1, .weights = true}, &err);
    if (!r) fail_msg("%s", err.text);
    heed_session_free(s);
    return r;
}

static void test_open__hard_alignment_looks_at_one_symbol(void **state)
{
    (void)state;
    heed_model *m = opened((const char *[]){"model.attention.align=hard"}, 1);
    heed_reply *r = answer(m, "abcde");
    const heed_output *o = heed_reply_at(r, 0);
    for (int64_t i = 0; i < o->count; i++) {
        int64_t ones = 0;
        for (int64_t j = 0; j < o->source_count; j++) {
            const float w = o->weights[i * o->source_count + j];
            assert_true(w == 0 || w == 1);
            ones += w == 1;
        }
        assert_int_equal(ones, 1);
    }
    heed_reply_free(r);
    heed_model_close(m);
}

static void test_open__another_length_penalty_divides_otherwise(void **state)
{
    (void)state;
    heed_model *m = opened((const char *[]){"decode.length_penalty=0", "decode.beam=3"}, 2);
    heed_reply *r = answer(m, "abc");
    const heed_output *o = heed_reply_at(r, 0);
    double sum = 0;
    for (int64_t i = 0; i < o->count; i++) sum += o->tokens[i].logp;
    assert_true(fabs(o->score - sum) <= 1e-5 * fabs(sum));
    assert_true(m->recipe.decode.beam == 3 && m->recipe.decode.length_penalty == 0);
    heed_reply_free(r);
    heed_model_close(m);
}

static void refuses(const char *assignment, const char *text)
{
    heed_error err = {.status = HEED_OK};
    assert_null(heed_model_open(saved(), &(heed_model_options){.sets = &assignment, .set_count = 1}, &err));
    assert_int_equal(err.status, HEED_E_USAGE);
    if (!strstr(err.text, text)) fail_msg("\"%s\" does not say \"%s\"", err.text, text);
}

static void test_open__refuses_what_needs_other_weights(void **state)
{
    (void)state;
    refuses("model.encoder.width=3", "--set \"model.encoder.width=3\": belongs to the weights or to their training; of a model that is there, decode.*, ");
    refuses("train.rate=3", "--set \"train.rate=3\": belongs to the weights or to their training");
    refuses("decode.bean=3", "--set \"decode.bean=3\": unknown key \"bean\" under decode; did you mean \"beam\"?");
    refuses("decode.beam=60", "decode.beam: 60 hypotheses, but the target vocabulary has ");
    refuses("model.attention.align=window", "--set: model.attention.align: this one needs model.attention.window");
    heed_error err = {.status = HEED_OK};
    const char *const sets[] = {"model.attention.window=2", "model.attention.align=local_p"};
    assert_null(heed_model_open(saved(), &(heed_model_options){.sets = sets, .set_count = 2}, &err));
    assert_int_equal(err.status, HEED_E_USAGE);
    assert_non_null(strstr(err.text, "--set: these settings ask for other weights than the model has: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open__hard_alignment_looks_at_one_symbol),
        cmocka_unit_test(test_open__another_length_penalty_divides_otherwise),
        cmocka_unit_test(test_open__refuses_what_needs_other_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
