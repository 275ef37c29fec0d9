/* Items and questions as they come over a wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "heed.h"

static void test_item__has_its_texts_and_lists(void **state)
{
    (void)state;
    static const char json[] = "{\"source\": \"ab\", \"prefix\": \"A\", \"must\": [\"B C\", \"D\"], \"never\": [\"\xC3\xA9\"], \"target\": null, \"id\": 7}";
    heed_item item;
    char *memory;
    assert_int_equal(heed_item_parse(json, sizeof json - 1, &item, &memory, NULL), HEED_OK);
    assert_string_equal(item.text, "ab");
    assert_string_equal(item.prefix, "A");
    assert_null(item.target);
    assert_int_equal(item.must.count, 2);
    assert_string_equal(item.must.items[0], "B C");
    assert_string_equal(item.must.items[1], "D");
    assert_int_equal(item.never.count, 1);
    assert_string_equal(item.never.items[0], "\xC3\xA9");
    heed_free(memory);
}

static void test_item__may_have_a_text_alone(void **state)
{
    (void)state;
    static const char json[] = "{\"text\": \"\", \"must\": [], \"never\": null}";
    heed_item item;
    char *memory;
    assert_int_equal(heed_item_parse(json, sizeof json - 1, &item, &memory, NULL), HEED_OK);
    assert_string_equal(item.text, "");
    assert_int_equal(item.must.count + item.never.count, 0);
    heed_free(memory);
}

static void test_item__says_what_is_wrong(void **state)
{
    (void)state;
    static const struct { const char *json, *says; } rows[] = {
        {"{", "not a JSON object"},
        {"[]", "not an object"},
        {"{}", "no \"source\""},
        {"{\"source\": 1}", "\"source\" must be a string"},
        {"{\"source\": \"a\", \"source\": \"b\"}", "not a JSON object"},
        {"{\"source\": \"a\", \"target\": \"b\", \"prefix\": \"b\"}", "give one"},
        {"{\"source\": \"a\", \"must\": \"b\"}", "\"must\" must be a list of strings"},
        {"{\"source\": \"a\", \"never\": [\"b\", 2]}", "\"never\" must be a list of strings"},
        {"{\"source\": \"a\", \"never\": [\"b\\u0000\"]}", "not a JSON object"},
        {"{\"source\": \"a\", \"target\": \"b\", \"must\": [\"c\"]}", "give one of them"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        heed_item item;
        heed_error err = {0};
        char *memory;
        assert_int_equal(heed_item_parse(rows[i].json, strlen(rows[i].json), &item, &memory, &err), HEED_E_DATA);
        assert_null(memory);
        if (!strstr(err.text, rows[i].says)) fail_msg("\"%s\" is not in: %s", rows[i].says, err.text);
    }
}

static void test_question__has_what_is_asked(void **state)
{
    (void)state;
    static const char json[] = "{\"text\": \"ab\", \"target\": \"A\", \"lenses\": [\"norms\", \"weights\"], \"what_if\": [\"mask:0\"], \"form\": \"page\", \"heads\": true}";
    heed_question q;
    char *memory;
    assert_int_equal(heed_question_parse(json, sizeof json - 1, &q, &memory, NULL), HEED_OK);
    assert_string_equal(q.item.text, "ab");
    assert_string_equal(q.item.target, "A");
    assert_int_equal(q.lens_count, 2);
    assert_string_equal(q.lenses[1], "weights");
    assert_int_equal(q.what_if_count, 1);
    assert_string_equal(q.what_if[0], "mask:0");
    assert_string_equal(q.form, "page");
    assert_true(q.heads && !q.trust);
    heed_free(memory);
}

static void test_question__says_what_is_wrong(void **state)
{
    (void)state;
    static const struct { const char *json, *says; } rows[] = {
        {"{", "not a JSON object"},
        {"7", "not a JSON object"},
        {"[]", "not an object"},
        {"{}", "no \"text\""},
        {"{\"text\": \"\xC3\"}", "not a JSON object"},
        {"{\"text\": \"a\", \"text\": \"b\"}", "not a JSON object"},
        {"{\"text\": \"a\", \"source\": \"b\"}", "give one"},
        {"{\"text\": \"a\", \"lense\": []}", "did you mean lenses?"},
        {"{\"text\": \"a\", \"lenses\": \"weights\"}", "\"lenses\" must be a list of strings"},
        {"{\"text\": \"a\", \"what_if\": [1]}", "\"what_if\" must be a list of strings"},
        {"{\"text\": \"a\", \"trust\": 1}", "\"trust\" must be true or false"},
        {"{\"text\": null, \"form\": \"page\"}", "no \"text\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        heed_error err = {0};
        heed_question q;
        char *memory;
        assert_int_equal(heed_question_parse(rows[i].json, strlen(rows[i].json), &q, &memory, &err), HEED_E_DATA);
        assert_non_null(strstr(err.text, rows[i].says));
        assert_null(memory);
    }
}

static void test_question__lists_are_short(void **state)
{
    (void)state;
    char json[1024] = "{\"text\": \"a\", \"what_if\": [\"mask:0\"";
    heed_error err = {0};
    heed_question q;
    char *memory;
    for (int i = 0; i < 64; i++) strncat(json, ", \"mask:0\"", sizeof json - strlen(json) - 1);
    strncat(json, "]}", sizeof json - strlen(json) - 1);
    assert_int_equal(heed_question_parse(json, strlen(json), &q, &memory, &err), HEED_E_LIMIT);
    assert_non_null(strstr(err.text, "at most 64"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_item__has_its_texts_and_lists),
        cmocka_unit_test(test_item__may_have_a_text_alone),
        cmocka_unit_test(test_item__says_what_is_wrong),
        cmocka_unit_test(test_question__has_what_is_asked),
        cmocka_unit_test(test_question__says_what_is_wrong),
        cmocka_unit_test(test_question__lists_are_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
