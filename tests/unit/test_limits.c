/* Texts longer than a model can hold, and longer than any it was trained on. */
#include "unit/run_calls.h"

#include "support/tiny.h"

static heed_reply *answers(const heed_model *m, const heed_item *items, int64_t count)
{
    heed_error err;
    heed_session *s = heed_session_new(m, &(heed_session_options){.threads = 1}, &err);
    heed_reply *r = heed_session_run(s, &(heed_request){.items = items, .count = count}, &err);
    if (!r) fail_msg("%s", err.text);
    heed_session_free(s);
    return r;
}

static void fails_alone(const heed_reply *r, int64_t i, const char *text)
{
    const heed_output *o = heed_reply_at(r, i);
    assert_int_equal(o->status, HEED_E_LIMIT);
    assert_string_equal(o->error, text);
    assert_string_equal(o->text, "");
}

static void test_limits__a_source_beyond_learned_positions_fails_alone(void **state)
{
    (void)state;
    heed_model *m = tiny_build(&(tiny){.encoder = "type: transformer, heads: 2, positions: learned, longest: 5"});
    const heed_item items[] = {{.text = "abcd"}, {.text = "abcde"}, {.text = "a"}};
    heed_reply *r = answers(m, items, 3);
    assert_int_equal(heed_reply_at(r, 0)->status, HEED_OK);
    assert_int_equal(heed_reply_at(r, 2)->status, HEED_OK);
    fails_alone(r, 1, "its source has 5 symbols and </s>, and this model holds 5 (model.encoder.longest): cut the text into sentences");
    heed_reply_free(r);
    heed_model_free(m);
}

static void test_limits__a_source_beyond_a_score_by_place_fails_alone(void **state)
{
    (void)state;
    heed_model *m = tiny_build(&(tiny){.attention = "{score: location, longest: 3}"});
    const heed_item items[] = {{.text = "ab"}, {.text = "abc"}};
    heed_reply *r = answers(m, items, 2);
    assert_int_equal(heed_reply_at(r, 0)->status, HEED_OK);
    fails_alone(r, 1, "its source has 3 symbols and </s>, and this model holds 3 (model.attention.longest): cut the text into sentences");
    heed_reply_free(r);
    heed_model_free(m);
}

static void test_limits__a_source_beyond_self_attention_by_place_fails_alone(void **state)
{
    (void)state;
    heed_model *m = tiny_build(&(tiny){.encoder = "type: transformer, heads: 2, score: location, longest: 4"});
    const heed_item items[] = {{.text = "abc"}, {.text = "abcd"}};
    heed_reply *r = answers(m, items, 2);
    assert_int_equal(heed_reply_at(r, 0)->status, HEED_OK);
    fails_alone(r, 1, "its source has 4 symbols and </s>, and this model holds 4 (model.encoder.longest): cut the text into sentences");
    heed_reply_free(r);
    heed_model_free(m);
}

static void test_limits__an_output_ends_where_positions_end(void **state)
{
    (void)state;
    heed_model *m = tiny_build(&(tiny){.decoder = "type: transformer, heads: 2, positions: learned, longest: 3", .max_length = "[100, 3]"});
    heed_params_find(m->params, "head.bias")->tensor.x[HEED_EOS] = -100;   /* it would never end by itself */
    const heed_item items[] = {{.text = "abcde"}, {.text = "ab", .target = "A B"}, {.text = "ab", .target = "A B C"}, {.text = "ab", .prefix = "A B C D"}};
    heed_reply *r = answers(m, items, 4);
    assert_int_equal(heed_reply_at(r, 0)->count, 3);
    assert_int_equal(heed_reply_at(r, 1)->status, HEED_OK);
    fails_alone(r, 2, "its target has 3 symbols and </s>, and this model holds 3 (model.decoder.longest): cut the text into sentences");
    fails_alone(r, 3, "its prefix has 4 symbols; decode.max_length and model.decoder.longest allow an output of 3");
    heed_reply_free(r);
    heed_model_free(m);
}

static void test_limits__other_positions_have_none(void **state)
{
    (void)state;
    static const char *const positions[] = {"none", "sinusoid", "rotary", "relative", "alibi"};
    char text[1001];
    memset(text, 'a', 1000);
    text[1000] = 0;
    for (size_t i = 0; i < sizeof positions / sizeof *positions; i++) {
        char encoder[100], decoder[100];
        snprintf(encoder, sizeof encoder, "type: transformer, heads: 1, positions: %s", positions[i]);
        snprintf(decoder, sizeof decoder, "type: transformer, heads: 2, positions: %s", positions[i]);
        heed_model *m = tiny_build(&(tiny){.encoder = encoder, .decoder = decoder, .attention = "{score: scaled}"});
        heed_reply *r = answers(m, &(heed_item){.text = text}, 1);
        if (heed_reply_at(r, 0)->status) fail_msg("%s: %s", positions[i], heed_reply_at(r, 0)->error);
        heed_reply_free(r);
        heed_model_free(m);
    }
}

static void test_limits__longer_training_records_are_skipped_and_counted(void **state)
{
    (void)state;
    call c = prepare("limited");   /* words of 1 to 8 letters */
    set(&c, "model.attention={score: location, longest: 7}");
    set(&c, "data.max_length=0");
    set(&c, "train.epochs=1");
    must(&c, HEED_OK);
    told(&c, "training records left out in an epoch: ");
    told(&c, " longer than model.attention.longest (7)\n");
    told(&c, " validation records are longer than model.attention.longest (7) and left out of the loss\n");
    heed_error err;
    heed_valid v;
    heed_model *m = heed_model_load(file_of("limited", "model"), NULL, 0, &err);
    const char *const path = scratch_path("valid.tsv");
    assert_non_null(m);
    assert_int_equal(heed_validate(m, &path, 1, 1, &v, &err), HEED_E_LIMIT);
    heed_model_free(m);
    end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits__a_source_beyond_learned_positions_fails_alone),
        cmocka_unit_test(test_limits__a_source_beyond_a_score_by_place_fails_alone),
        cmocka_unit_test(test_limits__a_source_beyond_self_attention_by_place_fails_alone),
        cmocka_unit_test(test_limits__an_output_ends_where_positions_end),
        cmocka_unit_test(test_limits__other_positions_have_none),
        cmocka_unit_test(test_limits__longer_training_records_are_skipped_and_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
