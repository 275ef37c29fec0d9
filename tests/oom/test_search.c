/* Searching with every allocation refused in turn: it says that memory is short, and gives back what it took. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "heed.h"
#include "oom/refuse.h"
#include "support/tiny.h"

typedef struct asked { const heed_model *model; heed_decode decode; } asked;

static bool run_once(void *data)
{
    const asked *a = data;
    static const heed_item items[] = {{.text = "abc", .prefix = "A"}, {.text = "ab", .target = "B"}, {.text = "e"}, {.text = ""}};
    heed_error err = {.status = HEED_OK};
    heed_session *s = heed_session_new(a->model, &(heed_session_options){.threads = 1, .batch = 4}, &err);
    heed_reply *r = s ? heed_session_run(s, &(heed_request){.items = items, .count = 4, .weights = true, .decode = &a->decode}, &err) : NULL;
    char *json = r ? heed_reply_json(r, 0, 0, true, &err) : NULL;
    const bool done = json != NULL;
    if (!done) assert_int_equal(err.status, HEED_E_NOMEM);
    if (r) assert_int_equal(heed_reply_at(r, 0)->alternative_count, a->decode.nbest - 1);
    heed_free(json);
    heed_reply_free(r);
    heed_session_free(s);
    return done;
}

static void survive(heed_decode decode)
{
    heed_model *m = tiny_build(&(tiny){0});
    asked a = {m, decode};
    for (int lone = 0; lone < 2; lone++) {
        const int64_t refused = refuse_each(run_once, &a, lone, 4000);
        if (refused < 30) fail_msg("%lld allocations were refused", (long long)refused);
    }
    heed_model_free(m);
}

static void test_beam__survives_every_refusal(void **state)
{
    (void)state;
    survive((heed_decode){.beam = 3, .nbest = 3});
}

static void test_draws__survive_every_refusal(void **state)
{
    (void)state;
    survive((heed_decode){.sample = true, .nbest = 2, .top_k = 3});
}

/* Two models that write together, words that must and must not appear, the likeliest symbols, other words at a place. */
static bool search_once(void *data)
{
    const heed_model *m = data;
    static const char *const must[] = {"A B", "Q"}, *const never[] = {"C"};
    static const heed_item items[] = {{.text = "abc"}, {.text = "abq", .must = {must, 2}}, {.text = ""}};
    heed_error err = {.status = HEED_OK};
    heed_session *s = heed_session_new(m, &(heed_session_options){.threads = 1, .ensemble = &m, .ensemble_count = 1}, &err);
    const heed_request q = {.items = items, .count = 3, .decode = &(heed_decode){.never = {never, 1}}, .choices = 2, .fork = &(heed_fork){0, 2}};
    heed_reply *r = s ? heed_session_run(s, &q, &err) : NULL;
    char *json = r ? heed_reply_json(r, 1, 0, false, &err) : NULL;
    const bool done = json != NULL;
    if (!done) assert_int_equal(err.status, HEED_E_NOMEM);
    if (r) assert_int_equal(heed_reply_at(r, 1)->unmet_count, 1);
    heed_free(json);
    heed_reply_free(r);
    heed_session_free(s);
    return done;
}

static void test_constrained__search_survives_every_refusal(void **state)
{
    (void)state;
    static const tiny kinds[] = {{0}, {.attention = "{score: additive, copy: true}", .target_units = "characters"}};
    for (int i = 0; i < 2; i++) {
        heed_model *m = tiny_build(&kinds[i]);
        for (int lone = 0; lone < 2; lone++) assert_true(refuse_each(search_once, m, lone, 6000) >= 60);
        heed_model_free(m);
    }
}

static bool parse_once(void *data)
{
    static const char json[] = "{\"source\": \"ab\", \"prefix\": \"A\", \"must\": [\"B\"]}";
    heed_error err = {.status = HEED_OK};
    heed_item item;
    char *memory = NULL;
    (void)data;
    const bool done = heed_item_parse(json, sizeof json - 1, &item, &memory, &err) == HEED_OK;
    assert_int_equal(err.status, done ? HEED_OK : HEED_E_NOMEM);
    if (done) assert_string_equal(item.prefix, "A");
    heed_free(memory);
    return done;
}

static bool ask_once(void *data)
{
    static const char json[] = "{\"text\": \"ab\", \"lenses\": [\"weights\"], \"what_if\": [\"mask:0\"]}";
    heed_error err = {.status = HEED_OK};
    heed_question q;
    char *memory = NULL;
    (void)data;
    const bool done = heed_question_parse(json, sizeof json - 1, &q, &memory, &err) == HEED_OK;
    assert_int_equal(err.status, done ? HEED_OK : HEED_E_NOMEM);
    if (done) assert_string_equal(q.what_if[0], "mask:0");
    heed_free(memory);
    return done;
}

static void test_items__survive_every_refusal(void **state)
{
    (void)state;
    assert_true(refuse_each(ask_once, NULL, true, 100) >= 1);
    assert_true(refuse_each(parse_once, NULL, true, 100) >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_beam__survives_every_refusal),
        cmocka_unit_test(test_draws__survive_every_refusal),
        cmocka_unit_test(test_constrained__search_survives_every_refusal),
        cmocka_unit_test(test_items__survive_every_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
